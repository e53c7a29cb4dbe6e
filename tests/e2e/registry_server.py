#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""registry_server.py DIRECTORY LAYOUT [FAULT[=VALUE]]...: a registry that does what a bad one does.

Serves the images of an OCI layout as test/image:TAG, and takes pushes. Listens on 127.0.0.1 (and, as another host, on
127.0.0.2) on a port of the system's choice, which DIRECTORY/port says. DIRECTORY/log has a line for each request:
METHOD PATH STATUS AUTHORIZATION RANGE. The faults:

  tls=CERT:KEY          https
  basic=USER:PASSWORD   wants a login
  bearer=USER:PASSWORD  wants tokens of its own token service, which wants a login; bearer= anonymous
  identity              ... and gives and takes identity tokens
  expired               takes not the first token that it is shown
  realm=URL             says that its token service is there
  cut=N                 the first answer with a blob ends after N bytes; cut-all=N: each one, N bytes further
  status=CODE*TIMES     the first requests for blobs and manifests fail so; retry-after=SECONDS goes with it
  no-range              sends all of a blob whatever was asked for
  lying-range           sends another part than the one that it says
  other-range           says that it sends another part
  flip                  a byte of each blob is wrong
  longer, shorter       Content-Length of blobs is one more or less than the truth
  short-end             blobs end early, without a length
  lying-digest          Docker-Content-Digest of manifests is wrong
  flip-manifest         a byte of each manifest is wrong
  endless-headers, endless-body, huge-manifest, slow   of manifests
  redirect=HOST         blobs are at HOST (which is this server by another name)
  loop, nowhere, file   blobs are redirected in a circle, without an address, to a file
  no-mount              mounts are not done
  no-head               HEAD is not known
  cut-upload=N          the connection ends after N bytes of the first upload that is longer
  lost-answer           the answer to the first PUT of a blob does not come
  lost-session          upload sessions are forgotten once, after the first PATCH
  chunks=N              no request may bring more than N bytes (413)
  one-piece             PATCH is not known
  pages                 lists have one entry a page; endless-pages: and no end
  evil-page             the second page is on another host
  old-search            has /v1/search
"""

import base64
import hashlib
import http.server
import json
import pathlib
import re
import secrets
import ssl
import sys
import threading
import time
import urllib.parse


class State:
    def __init__(self, directory, layout, faults):
        self.directory = pathlib.Path(directory)
        self.layout = pathlib.Path(layout)
        self.faults = dict(f.partition("=")[::2] for f in faults)
        self.lock = threading.Lock()
        self.counts = {}
        self.blobs = {}
        self.manifests = {}
        self.uploads = {}
        self.tokens = set()
        self.scheme = "https" if "tls" in self.faults else "http"
        self.log = open(self.directory / "log", "a", buffering=1)
        for blob in (self.layout / "blobs/sha256").iterdir():
            self.blobs["sha256:" + blob.name] = blob.read_bytes()
        for entry in json.loads((self.layout / "index.json").read_text())["manifests"]:
            tag = entry["annotations"]["org.opencontainers.image.ref.name"]
            self.manifests["test/image", tag] = entry["mediaType"], self.blobs[entry["digest"]]
        for digest, data in list(self.blobs.items()):
            try:
                media_type = json.loads(data)["mediaType"]
            except (ValueError, KeyError, TypeError, UnicodeDecodeError):
                continue
            self.manifests["test/image", digest] = media_type, data

    def has(self, fault):
        return fault in self.faults

    def number(self, fault):
        return int(self.faults[fault])

    def count(self, key):
        """How often it was asked before."""
        with self.lock:
            n = self.counts.get(key, 0)
            self.counts[key] = n + 1
            return n


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:] if data else data


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    state = None

    # --- answers ---

    def log_message(self, *_):
        pass

    def note(self, status):
        self.state.log.write("%s %s %s %s %s\n" % (
            self.command, self.path, status, self.headers.get("Authorization", "-").split(" ")[0],
            self.headers.get("Range", self.headers.get("Content-Range", "-"))))

    def answer(self, status, headers=(), body=b"", length=None):
        self.note(status)
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def complain(self, status, code, headers=()):
        text = json.dumps({"errors": [{"code": code, "message": code.lower() + "\x1b[31m"}]}).encode()
        self.answer(status, {"Content-Type": "application/json", **dict(headers)}, text)

    def hang_up(self):
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(2)
        except OSError:
            pass

    def own_url(self):
        return "%s://%s" % (self.state.scheme, self.headers.get("Host"))

    # --- who may ---

    def login_of(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return (kind, base64.b64decode(value).decode()) if kind == "Basic" else (kind, value)

    def is_allowed(self):
        s = self.state
        kind, value = self.login_of()
        if s.has("basic"):
            return kind == "Basic" and value == s.faults["basic"]
        if not s.has("bearer"):
            return True
        if kind != "Bearer" or value not in s.tokens:
            return False
        return not (s.has("expired") and s.count("expired") == 1)

    def challenge(self):
        s = self.state
        if s.has("basic"):
            return 'Basic realm="test, with a comma"'
        realm = s.faults.get("realm") or self.own_url() + "/token"
        return 'Negotiate, Bearer realm="%s",service="the service"' % realm

    def give_token(self, query):
        s = self.state
        kind, value = self.login_of()
        wanted = s.faults.get("bearer")
        good = not wanted or (kind == "Basic" and value == wanted)
        if self.command == "POST":
            form = urllib.parse.parse_qs(self.read_body().decode())
            good = form.get("refresh_token") == ["the identity"] and form["grant_type"] == ["refresh_token"]
        if not good or (query.get("service") or form["service"]) != ["the service"]:
            return self.complain(401, "DENIED")
        token = secrets.token_urlsafe()
        s.tokens.add(token)
        answer = {"token": token, "expires_in": 60}
        if s.has("identity"):
            answer["refresh_token"] = "the identity"
        return self.answer(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    # --- requests ---

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        path = url.path
        if path == "/token":
            return self.give_token(query)
        if path.startswith("/elsewhere/"):
            return self.send_blob(path.rpartition("/")[2])
        if not self.is_allowed():
            self.drop_body()
            return self.complain(401, "UNAUTHORIZED", {"WWW-Authenticate": self.challenge()})
        if path == "/v2/":
            return self.answer(200, {}, b"{}")
        if path == "/v1/search":
            return self.search(query)
        if path == "/v2/_catalog":
            return self.send_list("repositories", sorted({r for r, _ in self.state.manifests}), query)
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs/uploads|blobs|tags)/(.*)", path)
        if not match:
            return self.complain(404, "NOT_FOUND")
        repository, kind, rest = match.groups()
        return {"manifests": self.manifest, "blobs": self.blob, "blobs/uploads": self.upload,
                "tags": self.tags}[kind](repository, rest, query)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def fails(self):
        s = self.state
        if not s.has("status") or self.command != "GET":
            return False
        status, times = map(int, s.faults["status"].split("*"))
        if s.count("status " + self.path) >= times:
            return False
        headers = {"Retry-After": s.faults["retry-after"]} if s.has("retry-after") else {}
        self.complain(status, "TOOMANYREQUESTS", headers)
        return True

    # --- documents ---

    def send_list(self, name, values, query):
        s = self.state
        headers = {}
        if s.has("pages") or s.has("endless-pages") or s.has("evil-page"):
            at = int(query.get("at", ["0"])[0])
            host = "http://127.0.0.2:%d" % self.server.server_port if s.has("evil-page") else ""
            if at + 1 < len(values) or s.has("endless-pages"):
                headers["Link"] = '<%s%s?at=%d>; rel="next"' % (host, self.path.partition("?")[0], at + 1)
            values = values[at:at + 1]
        self.answer(200, headers, json.dumps({name: values}).encode())

    def tags(self, repository, _rest, query):
        self.send_list("tags", sorted(t for r, t in self.state.manifests if r == repository and ":" not in t), query)

    def search(self, query):
        if not self.state.has("old-search"):
            return self.complain(404, "NOT_FOUND")
        results = [{"name": "found/" + query["q"][0], "description": "a \x1b thing", "star_count": 7, "is_official": True},
                   {"name": "other", "description": None}]
        return self.answer(200, {}, json.dumps({"results": results}).encode())

    def manifest(self, repository, reference, _query):
        s = self.state
        if self.command == "PUT":
            data = self.read_body()
            for name in (reference, digest_of(data)):
                s.manifests[repository, name] = self.headers["Content-Type"], data
            return self.answer(201, {"Docker-Content-Digest": digest_of(data)})
        if self.fails():
            return None
        if (repository, reference) not in s.manifests:
            return self.complain(404, "MANIFEST_UNKNOWN")
        if s.has("endless-headers") or s.has("endless-body") or s.has("slow"):
            return self.babble()
        media_type, data = s.manifests[repository, reference]
        digest = digest_of(b"another" if s.has("lying-digest") else data)
        if s.has("flip-manifest"):
            data = data.replace(b'"schemaVersion"', b'"schemaversion"')
        return self.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, data,
                           4 << 30 if s.has("huge-manifest") else None)

    def babble(self):
        """Ends when nobody listens any more."""
        s = self.state
        self.note(200)
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if s.has("endless-headers") else b"\r\n"))
        try:
            while True:
                self.wfile.write(b"X-More: of the same\r\n" * (1 if s.has("slow") else 100))
                self.wfile.flush()
                if s.has("slow"):
                    time.sleep(1)
        except OSError:
            self.close_connection = True

    # --- blobs ---

    def blob(self, _repository, digest, _query):
        s = self.state
        if self.command == "HEAD" and s.has("no-head"):
            return self.complain(405, "UNSUPPORTED")
        if digest not in s.blobs:
            return self.complain(404, "BLOB_UNKNOWN")
        if self.command == "HEAD":
            return self.answer(200, {"Docker-Content-Digest": digest}, s.blobs[digest])
        if self.fails():
            return None
        places = {"redirect": "http://%s:%d/elsewhere/%s" % (s.faults.get("redirect"), self.server.server_port, digest),
                  "loop": self.path + "x", "nowhere": None, "file": "file:///etc/passwd"}
        for fault, place in places.items():
            if s.has(fault):
                return self.answer(307, {"Location": place} if place else {})
        return self.send_blob(digest)

    def send_blob(self, digest):
        s = self.state
        data = s.blobs[digest[:71]]
        if s.has("flip") and len(data) > 1000:
            data = flipped(data)
        total, first, status = len(data), 0, 200
        headers = {"ETag": '"%s"' % digest, "Content-Type": "application/octet-stream"}
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and not s.has("no-range"):
            first, status = int(match[1]), 206
            lie = 1 if s.has("other-range") else 0
            headers["Content-Range"] = "bytes %d-%d/%d" % (first + lie, total - 1, total)
            first -= 7 if s.has("lying-range") else 0
            data = data[first:first + total - int(match[1])]
        return self.send_part(status, headers, data, digest)

    def send_part(self, status, headers, data, digest):
        s = self.state
        if len(data) > 1000 and (s.has("longer") or s.has("shorter")):
            return self.answer(status, headers, data + b"x" if s.has("longer") else data[:-1])
        if len(data) > 1000 and s.has("short-end"):
            self.note(status)
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + data[:-1])
            return self.hang_up()
        cut = s.number("cut") if s.has("cut") and s.count("cut " + digest) == 0 else None
        cut = s.number("cut-all") if s.has("cut-all") else cut
        if cut is None or cut >= len(data):
            return self.answer(status, headers, data)
        self.answer(status, headers, data[:cut], len(data))
        return self.hang_up()

    # --- uploads ---

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def drop_body(self):
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            left -= len(self.rfile.read(min(left, 1 << 16))) or left

    def add_to(self, session):
        """The request's body; False when the connection is to end before it did."""
        s = self.state
        n = int(self.headers.get("Content-Length", "0"))
        if s.has("cut-upload") and n > s.number("cut-upload") and s.count("cut-upload " + session) == 0:
            s.uploads[session] += self.rfile.read(s.number("cut-upload"))
            self.note("cut")
            self.hang_up()
            return False
        s.uploads[session] += self.rfile.read(n)
        return True

    def place(self, repository, session):
        headers = {"Location": "/v2/%s/blobs/uploads/%s?_state=%s" % (repository, session, secrets.token_hex(4))}
        if self.state.uploads[session] or self.command == "GET":
            headers["Range"] = "0-%d" % max(len(self.state.uploads[session]) - 1, 0)
        return headers

    def upload(self, repository, session, query):
        s = self.state
        if self.command == "POST":
            if "mount" in query and not s.has("no-mount") and query["mount"][0] in s.blobs:
                return self.answer(201, {"Location": "/v2/%s/blobs/%s" % (repository, query["mount"][0])})
            session = secrets.token_hex(8)
            s.uploads[session] = b""
            return self.answer(202, self.place(repository, session))
        if session not in s.uploads:
            self.drop_body()
            return self.complain(404, "BLOB_UPLOAD_UNKNOWN")
        return getattr(self, "upload_" + self.command.lower())(repository, session, query)

    def upload_get(self, repository, session, _query):
        self.answer(204, self.place(repository, session))

    def upload_delete(self, _repository, session, _query):
        del self.state.uploads[session]
        self.answer(204)

    def is_too_much(self):
        s = self.state
        if not s.has("chunks") or int(self.headers.get("Content-Length", "0")) <= s.number("chunks"):
            return False
        self.drop_body()
        self.complain(413, "SIZE_INVALID")
        return True

    def upload_patch(self, repository, session, _query):
        s = self.state
        if s.has("one-piece"):
            self.drop_body()
            return self.complain(405, "UNSUPPORTED")
        if self.is_too_much():
            return None
        first = self.headers.get("Content-Range", "0-").partition("-")[0]
        if int(first) != len(s.uploads[session]):
            self.drop_body()
            return self.complain(416, "RANGE_INVALID")
        if not self.add_to(session):
            return None
        headers = self.place(repository, session)
        if s.has("lost-session") and s.count("lost-session") == 0:
            del s.uploads[session]
        return self.answer(202, headers)

    def upload_put(self, repository, session, query):
        s = self.state
        if self.is_too_much() or not self.add_to(session):
            return None
        data = s.uploads.pop(session)
        if digest_of(data) != query["digest"][0]:
            return self.complain(400, "DIGEST_INVALID")
        s.blobs[query["digest"][0]] = data
        if s.has("lost-answer") and s.count("lost-answer") == 0:
            self.note("lost")
            return self.hang_up()
        return self.answer(201, {"Location": "/v2/%s/blobs/%s" % (repository, query["digest"][0])})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away are what these tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    state = State(sys.argv[1], sys.argv[2], sys.argv[3:])
    Handler.state = state
    server = Server(("127.0.0.1", 0), Handler)
    other = Server(("127.0.0.2", server.server_port), Handler)
    if state.has("tls"):
        cert, _, key = state.faults["tls"].partition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    (state.directory / "port.new").write_text(str(server.server_port))
    (state.directory / "port.new").rename(state.directory / "port")
    server.serve_forever()


main()
