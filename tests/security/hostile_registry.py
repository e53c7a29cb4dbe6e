#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile_registry.py PORTS LOG: a registry that attacks who pulls from it; the repository's name says how.

Listens on two ports of loopback, which it writes to PORTS: its own, and that of "elsewhere". Every request goes to LOG:
"here" or "elsewhere", the path, the Authorization header or "-".
"""
import hashlib
import http.server
import io
import json
import sys
import tarfile
import threading

OCI = "application/vnd.oci.image."
ESCAPES = "\x1b]0;owned\x07\x1b[2J\nall is well"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    return out.getvalue()


LAYER = make_layer()
CONFIG = json.dumps({"os": "linux" + ESCAPES, "architecture": "amd64", "config": {"Labels": {"a": ESCAPES}},
                     "created": ESCAPES, "history": [{"created_by": ESCAPES, "comment": ESCAPES, "created": ESCAPES}],
                     "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]}}).encode()


def manifest(**changes):
    layer = {"mediaType": OCI + "layer.v1.tar", "digest": digest(LAYER), "size": len(LAYER), **changes.pop("layer", {})}
    return {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
            "config": {"mediaType": OCI + "config.v1+json", "digest": digest(CONFIG), "size": len(CONFIG)},
            "layers": [layer], **changes}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def endless(self, piece=b" " * 65536, **headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for _ in range(1 << 14):
            self.wfile.write(piece)

    def do_GET(self):
        here = self.server is SERVERS[0]
        with LOCK, open(sys.argv[2], "a") as log:
            print("here" if here else "elsewhere", self.path, self.headers.get("Authorization", "-"), file=log)
        try:
            self.here() if here else self.elsewhere()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def elsewhere(self):
        if self.path.startswith("/challenge"):
            return self.answer(401, WWW_Authenticate='Basic realm="x"')
        return self.answer(200, LAYER if "blob" in self.path else b"{}")

    def here(self):
        words = self.path.split("/")
        if len(words) < 5:
            if "Authorization" not in self.headers:
                return self.answer(401, b"", WWW_Authenticate='Basic realm="x"')
            return self.answer(200, b"{}")
        case, kind, what = words[2].partition("?")[0], words[3], words[4]
        other = f"http://127.0.0.1:{SERVERS[1].server_port}"
        if case == "never" or "Authorization" not in self.headers:
            return self.answer(401, b"", WWW_Authenticate='Basic realm="x"')
        if kind == "tags":
            n = int(self.path.partition("last=")[2] or 0)
            return self.answer(200, json.dumps({"name": case, "tags": [f"t{n}"]}).encode(),
                               Link=f'</v2/{case}/tags/list?last={n + 1}>; rel="next"')
        if kind == "blobs":
            if what == digest(CONFIG):
                return self.answer(200, CONFIG)
            return {"foreign": lambda: self.answer(404), "foreign-challenge": lambda: self.answer(404),
                    "redirect": lambda: self.answer(307, Location=other + "/blob"),
                    "redirect-file": lambda: self.answer(307, Location="file:///etc/passwd"),
                    "redirect-loop": lambda: self.answer(307, Location=self.path),
                    "blob-endless": self.endless,
                    "blob-other": lambda: self.answer(200, LAYER[:-1] + b"x"),
                    }.get(case, lambda: self.answer(200, LAYER))()
        kinds = {
            "foreign": manifest(layer={"urls": [other + "/blob", "file:///etc/passwd"]}),
            "foreign-challenge": manifest(layer={"urls": [other + "/challenge"]}),
            "foreign-file": manifest(layer={"digest": digest(b"x"), "urls": ["file:///etc/passwd", "gopher://127.0.0.1/"]}),
            "both": manifest(manifests=[]),
            "lies-smaller": manifest(layer={"size": len(LAYER) - 1}),
            "lies-larger": manifest(layer={"size": 1 << 62}),
            "path": manifest(layer={"digest": "sha256:../../../../../../etc/passwd"}),
            "repeated": None,
        }
        text = json.dumps(kinds.get(case) or manifest()).encode()
        headers = {"Content_Type": OCI + ("index.v1+json" if case == "other-type" else "manifest.v1+json")}
        if case == "manifest-endless":
            return self.endless(**headers)
        if case == "headers-endless":
            return self.answer(200, text, **{f"X_{i}": "x" * 1000 for i in range(200)})
        if case == "errors":
            return self.answer(400, json.dumps({"errors": [{"code": ESCAPES, "message": ESCAPES * 100}]}).encode())
        if case == "warns":
            headers["Warning"] = '299 - "\x1b]0;owned\x07"'
        if case == "digest-lies":
            headers["Docker_Content_Digest"] = "sha256:" + "a" * 64
        if case == "digest-path":
            headers["Docker_Content_Digest"] = "sha256:../../../etc/passwd"
        return self.answer(200, text, **headers)


LOCK = threading.Lock()
SERVERS = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
for server in SERVERS:
    threading.Thread(target=server.serve_forever).start()
with open(sys.argv[1], "w") as ports:
    print(*(s.server_port for s in SERVERS), file=ports)
