#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_proxy.py PORT TARGET LOG: a proxy that brings every http request to TARGET (host:port) and knows no CONNECT."""
import http.client
import http.server
import sys


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        with open(sys.argv[3], "a", encoding="ascii") as log:
            log.write(f"{self.command} {self.path}\n")
        if not self.path.startswith("http://"):
            self.send_error(502)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = http.client.HTTPConnection(sys.argv[2])
        target.request(self.command, "/" + self.path.split("/", 3)[3], body, {
            k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")})
        answer = target.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_CONNECT = forward

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()
