# SPDX-License-Identifier: Apache-2.0
"""A guest behind machine_tool, and its agent: the host's side of instance/protocol.h, for tests."""

import json
import os
import select
import socket
import struct
import subprocess
import time

(HELLO, START, STARTED, ERROR, DONE, ATTACH, STDIN, STDOUT, STDERR, END, WINDOW, RESIZE, SIGNAL, STOP, WAIT, STATE, EXITED,
 CONFIGURE, STATS, SHUTDOWN, PAUSE, PREPARE) = range(1, 23)


class Ended(Exception):
    pass


class Agent:
    """One end of the stream. Output of sessions is collected, and granted again as it comes."""

    def __init__(self, sock, patience=60):
        self.sock = sock
        self.patience = patience
        self.data = b""
        self.said = False
        self.frames = []
        self.output = {}
        self.granted = {}

    def send(self, kind, payload=b"", session=0):
        hello = b"" if self.said else struct.pack("<IHHI", 4, HELLO, 0, 1)
        self.said = True
        self.sock.sendall(hello + struct.pack("<IHH", len(payload), kind, session) + payload)

    def receive(self):
        """The next frame: (type, session, payload)."""
        while True:
            if len(self.data) >= 8:
                size, kind, session = struct.unpack("<IHH", self.data[:8])
                if len(self.data) >= 8 + size:
                    payload = self.data[8:8 + size]
                    self.data = self.data[8 + size:]
                    return kind, session, payload
            ready, _, _ = select.select([self.sock], [], [], self.patience)
            if not ready:
                raise TimeoutError("the agent says nothing")
            data = self.sock.recv(65536)
            if not data:
                raise Ended
            self.data += data

    def pump(self):
        """Takes one frame: output is collected, windows are counted, anything else is kept."""
        kind, number, payload = self.receive()
        if kind in (STDOUT, STDERR):
            self.output.setdefault((number, kind), []).append(payload)
            self.grant(number, len(payload))
        elif kind == WINDOW:
            self.granted[number] = self.granted.get(number, 0) + struct.unpack("<I", payload)[0]
        else:
            self.frames.append((kind, number, payload))

    def wait(self, *kinds, session=None):
        """The first frame of these types."""
        while True:
            for i, frame in enumerate(self.frames):
                if frame[0] in kinds and session in (None, frame[1]):
                    return self.frames.pop(i)
            self.pump()

    def expect(self, kind, session=None):
        got = self.wait(kind, ERROR, session=session)
        if got[0] == ERROR and kind != ERROR:
            raise AssertionError(f"ERROR: {got[2][4:].decode()}")
        return got[2]

    def grant(self, session, size):
        self.send(WINDOW, struct.pack("<I", size), session)

    def configure(self, **what):
        self.send(CONFIGURE, json.dumps(what).encode())
        return self.expect(DONE)

    def start(self, session, config=b"", window=1 << 20, **what):
        text = json.dumps(what).encode()
        self.output.pop((session, STDOUT), None)
        self.output.pop((session, STDERR), None)
        self.granted[session] = 0
        self.send(START, struct.pack("<I", len(text)) + text + config, session)
        if window:
            self.grant(session, window)

    def feed(self, session, data):
        """All of it as STDIN, as far as it is granted, and its end."""
        while data:
            if not self.granted[session]:
                self.pump()
                continue
            part = data[:min(self.granted[session], 32768)]
            self.granted[session] -= len(part)
            data = data[len(part):]
            self.send(STDIN, part, session)
        self.send(END, b"", session)

    def exited(self, session):
        return json.loads(self.expect(EXITED, session=session))

    def said_by(self, session, kind=STDOUT):
        return b"".join(self.output.get((session, kind), []))

    def stats(self):
        self.send(STATS)
        return json.loads(self.expect(STATE))


class Machine:
    def __init__(self, tool, root, program, *options):
        pairs = [socket.socketpair() for _ in range(3)]
        theirs = [pair[1].fileno() for pair in pairs]
        self.began = time.monotonic()
        self.process = subprocess.Popen([tool, root, program, *map(str, theirs), *options], pass_fds=theirs,
                                        stdin=subprocess.DEVNULL)
        for pair in pairs:
            pair[1].close()
        self.qmp, channel, self.console = (pair[0] for pair in pairs)
        self.agent = Agent(channel)

    def seconds(self):
        return time.monotonic() - self.began

    def end(self, patience=30):
        """Its exit status, once it has ended by itself."""
        return self.process.wait(patience)

    def console_text(self):
        """What the kernel and the agent have said: at the end of the machine."""
        text = b""
        while data := self.console.recv(65536):
            text += data
        return text.decode(errors="replace")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for sock in (self.qmp, self.console, self.agent.sock):
            sock.close()


def spec(*args, tty=False, mounts=(), **more):
    """A runtime-spec of a container with a busybox in it. mounts: files of the guest, as (destination, source)."""
    kinds = [("/proc", "proc"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/sys", "sysfs")]
    linux = {"cgroupsPath": "/holt/instance", "namespaces": [{"type": n} for n in ("pid", "ipc", "uts", "mount", "cgroup")]}
    return json.dumps({
        "ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hostname": "web",
        "process": {"terminal": tty, "user": {"uid": 0, "gid": 0}, "args": args, "env": ["PATH=/bin"], "cwd": "/"},
        "mounts": [{"destination": d, "type": t, "source": t} for d, t in kinds] +
                  [{"destination": d, "type": "bind", "source": s, "options": ["bind"]} for d, s in mounts],
        "linux": {**linux, **more},
    }).encode()
