#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile_guest.py BUILD DIRECTORY: raw requests of FUSE to holt-share, which has share, ro (read-only) and single of
the directory. Ends with 0 when each of them got the answer that it should have."""

import errno
import os
import random
import resource
import socket
import struct
import subprocess
import sys

LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK, OPEN, READ, WRITE = (
    1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16)
STATFS, RELEASE, SETXATTR, GETXATTR, FLUSH, INIT, OPENDIR, READDIR = 17, 18, 21, 22, 25, 26, 27, 28
SETLKW, CREATE, INTERRUPT, BATCH_FORGET, READDIRPLUS = 33, 35, 36, 42, 44

build, place = sys.argv[1:]
bad = 0


class Server:
    def __init__(self):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(20)
        self.process = subprocess.Popen(
            [f"{build}/tests/share/share_tool", "serve", f"{build}/holt-share", "share", "ro:ro", "single"],
            stdin=theirs, cwd=place)
        theirs.close()
        self.unique = 0
        self.ask(INIT, 1, struct.pack("=IIII", 7, 38, 131072, 0xffffffff & ~(1 << 30)))

    def send(self, opcode, node, body=b"", uid=0, length=None):
        self.unique += 2
        head = struct.pack("=IIQQIIIHH", 40 + len(body) if length is None else length, opcode, self.unique, node, uid,
                           uid, 1, 0, 0)
        self.socket.sendall(head + body)

    def receive(self):
        head = self.exactly(16)
        length, error, unique = struct.unpack("=IiQ", head)
        return error, unique, self.exactly(length - 16)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def ask(self, *request, **more):
        self.send(*request, **more)
        error, unique, body = self.receive()
        assert unique == self.unique, "an answer to something else"
        return error, body

    def look_up(self, node, name):
        error, body = self.ask(LOOKUP, node, name + b"\0")
        return struct.unpack_from("=Q", body)[0] if not error else 0

    def end(self):
        self.socket.close()
        return self.process.wait(20)


def check(what, holds):
    global bad
    if not holds:
        bad += 1
        print(f"does not hold: {what}")


def refused(what, server, *request, by=None):
    error, _ = server.ask(*request)
    check(f"{what}: {error}", error < 0 and (by is None or -error in by))


s = Server()
share, ro, single = (s.look_up(1, str(n).encode()) for n in range(3))
check("shares are there", share and ro and single and not s.look_up(1, b"3"))
file = s.look_up(share, b"file")

# Names that are none, and links.
for name in (b"..", b".", b"", b"../outside", b"/etc/passwd", b"sub/../..", b"x" * 256):
    refused(f"LOOKUP {name!r}", s, LOOKUP, share, name + b"\0", by=[errno.EINVAL])
    refused(f"MKDIR {name!r}", s, MKDIR, share, struct.pack("=II", 0o755, 0) + name + b"\0", by=[errno.EINVAL])
    refused(f"UNLINK {name!r}", s, UNLINK, share, name + b"\0", by=[errno.EINVAL])
    refused(f"SYMLINK {name!r}", s, SYMLINK, share, name + b"\0target\0", by=[errno.EINVAL])
    refused(f"RENAME {name!r}", s, RENAME, share, struct.pack("=Q", share) + b"file\0" + name + b"\0", by=[errno.EINVAL])
    refused(f"CREATE {name!r}", s, CREATE, share, struct.pack("=IIII", os.O_RDWR, 0o644, 0, 0) + name + b"\0",
            by=[errno.EINVAL])
away, link = s.look_up(share, b"away"), s.look_up(share, b"link")
refused("LOOKUP below a link", s, LOOKUP, away, b"secret\0")
refused("MKDIR below a link", s, MKDIR, away, struct.pack("=II", 0o755, 0) + b"x\0")
for node in (away, link):
    refused("OPEN of a link", s, OPEN, node, struct.pack("=II", os.O_RDWR, 0))
    refused("OPENDIR of a link", s, OPENDIR, node, struct.pack("=II", 0, 0))
    refused("truncate through a link", s, SETATTR, node, struct.pack("=IIQQQQQQIIIIIIII", 8, 0, 0, 0, *[0] * 12))
    refused("attributes through a link", s, SETXATTR, node, struct.pack("=II", 1, 0) + b"user.a\0b")
refused("CREATE over a link", s, CREATE, share, struct.pack("=IIII", os.O_RDWR | os.O_TRUNC, 0o644, 0, 0) + b"link\0")

# The directory of the shares is not to be changed.
refused("MKDIR at the top", s, MKDIR, 1, struct.pack("=II", 0o755, 0) + b"x\0")
refused("UNLINK at the top", s, UNLINK, 1, b"2\0")
refused("OPENDIR of the top", s, OPENDIR, 1, struct.pack("=II", 0, 0))

# What is no file is not opened, nor made.
for name in (b"fifo", b"null"):
    node = s.look_up(share, name)
    refused(f"OPEN of {name!r}", s, OPEN, node, struct.pack("=II", os.O_RDWR, 0))
    refused(f"CREATE of {name!r}", s, CREATE, share, struct.pack("=IIII", os.O_WRONLY, 0o644, 0, 0) + name + b"\0")
    refused(f"lock of {name!r}", s, SETLKW, node, struct.pack("=QQQQIIII", 0, 1, 0, 10, 1, 1, 0, 0))
for kind in (0o020000, 0o060000, 0o040000, 0o120000):
    refused("MKNOD", s, MKNOD, share, struct.pack("=IIII", kind | 0o666, 0x103, 0, 0) + b"device\0", by=[errno.EPERM])

# Read-only.
there = s.look_up(ro, b"file")
refused("OPEN for writing", s, OPEN, there, struct.pack("=II", os.O_RDWR, 0), by=[errno.EROFS])
refused("OPEN with O_TRUNC", s, OPEN, there, struct.pack("=II", os.O_TRUNC, 0), by=[errno.EROFS])
refused("chmod", s, SETATTR, there, struct.pack("=IIQQQQQQIIIIIIII", 1, 0, *[0] * 14), by=[errno.EROFS])
refused("MKDIR", s, MKDIR, ro, struct.pack("=II", 0o755, 0) + b"x\0", by=[errno.EROFS])
refused("UNLINK", s, UNLINK, ro, b"file\0", by=[errno.EROFS])
refused("RENAME out of it", s, RENAME, ro, struct.pack("=Q", share) + b"file\0stolen\0", by=[errno.EXDEV, errno.EROFS])
refused("RENAME into it", s, RENAME, share, struct.pack("=Q", ro) + b"file\0x\0", by=[errno.EXDEV, errno.EROFS])
refused("LINK into the other", s, LINK, share, struct.pack("=Q", there) + b"x\0", by=[errno.EXDEV])
refused("attributes", s, SETXATTR, there, struct.pack("=II", 1, 0) + b"user.a\0b", by=[errno.EROFS])

# A file is a file.
refused("LOOKUP in a file", s, LOOKUP, single, b"x\0")
refused("UNLINK in a file", s, UNLINK, single, b"x\0")

# Numbers that are none.
for node in (0, 99999, 1 << 32, (1 << 64) - 1):
    for opcode, body in ((GETATTR, b"\0" * 16), (OPEN, b"\0" * 8), (LOOKUP, b"x\0"), (READLINK, b""), (STATFS, b"")):
        refused(f"operation {opcode} of inode {node}", s, opcode, node, body, by=[errno.ESTALE])
    refused(f"READ of {node}", s, READ, file, struct.pack("=QQIIQII", node, 0, 4096, 0, 0, 0, 0), by=[errno.ESTALE])
    refused(f"WRITE of {node}", s, WRITE, file, struct.pack("=QQIIQII", node, 0, 1, 0, 0, 0, 0) + b"x", by=[errno.ESTALE])
    refused(f"RELEASE of {node}", s, RELEASE, file, struct.pack("=QIIQ", node, 0, 0, 0), by=[errno.ESTALE])

# Sizes that lie: more than came, no end of a name, and more than there may be.
fh = struct.unpack_from("=Q", s.ask(OPEN, file, struct.pack("=II", os.O_RDWR, 0))[1])[0]
refused("WRITE of more than came", s, WRITE, file, struct.pack("=QQIIQII", fh, 0, 1 << 20, 0, 0, 0, 0) + b"short",
        by=[errno.EINVAL])
refused("SETXATTR of more than came", s, SETXATTR, file, struct.pack("=II", 65536, 0) + b"user.a\0b", by=[errno.EINVAL])
refused("a name without an end", s, LOOKUP, share, b"x" * 100, by=[errno.EINVAL])
refused("one name of two", s, RENAME, share, struct.pack("=Q", share) + b"file\0other", by=[errno.EINVAL])
for opcode in range(1, 52):
    if opcode not in (INIT, FORGET, INTERRUPT, BATCH_FORGET, 38, 41):
        error, _ = s.ask(opcode, share)
        check(f"operation {opcode} without arguments: {error}", error < 0 or opcode in (STATFS,))
s.send(BATCH_FORGET, 0, struct.pack("=II", 0xffffffff, 0) + struct.pack("=QQ", file, 1 << 60))
s.send(FORGET, share, struct.pack("=Q", 1 << 63))
s.send(FORGET, 1, struct.pack("=Q", 1 << 63))
check("shares cannot be forgotten", s.ask(GETATTR, share, b"\0" * 16)[0] == 0)
check("what is open stays so", s.ask(READ, file, struct.pack("=QQIIQII", fh, 0, 4096, 0, 0, 0, 0)) == (0, b"inside\n"))
check("a huge READ is cut", len(s.ask(READ, file, struct.pack("=QQIIQII", fh, 0, 0xffffffff, 0, 0, 0, 0))[1]) == 7)

# Memory and descriptors are bounded: any number of opens, locks and names.
file = s.look_up(share, b"file")
errors = {s.ask(OPEN, file, struct.pack("=II", 0, 0))[0] for _ in range(resource.getrlimit(resource.RLIMIT_NOFILE)[1] + 10)
          } if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 100000 else {0, -errno.ENFILE}
check(f"opens come to an end: {errors}", errors <= {0, -errno.ENFILE, -errno.EMFILE} and len(errors) > 1)
check("and the rest goes on", s.ask(GETATTR, share, b"\0" * 16)[0] == 0)
check("the server is well", s.process.poll() is None and s.end() == 0)

s = Server()
share = s.look_up(1, b"0")
file = s.look_up(share, b"file")
lock = struct.pack("=QQQIIII", 1, 0, (1 << 63) - 1, 1, 1, 0, 0)
check("a lock", s.ask(SETLKW, file, struct.pack("=Q", 0) + lock)[0] == 0)
first = s.unique + 2
for owner in range(2, 400):
    s.send(SETLKW, file, struct.pack("=QQ", 0, owner) + lock[8:])
answers = [s.receive()[0] for _ in range(398 - 256)]
check("waiting has an end", set(answers) == {-errno.ENOLCK})
check("and holds nobody up", s.ask(GETATTR, share, b"\0" * 16)[0] == 0)
s.send(INTERRUPT, 0, struct.pack("=Q", first))
error, unique, _ = s.receive()
check("an interrupted wait", error == -errno.EINTR and unique == first)
check("it ends", s.end() == 0)

# Lengths that are none end the connection, and the server.
for length in (0, 39, 0xffffffff):
    s = Server()
    s.send(GETATTR, 1, b"\0" * 16, length=length)
    check(f"a request of {length} bytes", s.end() == 1)

# Anything at all.
random.seed(4)
s = Server()
for _ in range(3000):
    body = bytes(random.choices((0, 0, 0, 0, 1, 2, 3, 255, 46, 47, 120), k=random.randrange(120)))
    s.send(random.choice((3, 4, 5, 14, 15, 16, 17, 18, 20, 21, 22, 23, 25, 27, 28, 29, 30, 31, 32, 44, 46, 43)),
           random.randrange(6), body)
    if s.unique % 64 == 0:
        s.socket.setblocking(False)
        try:
            while s.socket.recv(1 << 16):
                pass
        except BlockingIOError:
            pass
        s.socket.setblocking(True)
check("the server is well after noise", s.process.poll() is None and s.end() == 0)
sys.exit(bad > 0)
