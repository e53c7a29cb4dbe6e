#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A seccomp agent for the tests (x86_64 and aarch64): listens on the path that
linux.seccomp.listenerPath names, takes one container process state with its descriptor,
writes the state to a file, and answers every notification with an error number.

  seccomp_agent.py SOCKET STATE-FILE ERRNO"""

import array
import fcntl
import json
import os
import select
import socket
import struct
import sys

NOTIF_RECV = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV: _IOWR('!', 0, struct seccomp_notif), 80 bytes
NOTIF_SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND: _IOWR('!', 1, struct seccomp_notif_resp), 24 bytes


def receive(server):
    connection, _ = server.accept()
    fds = array.array("i")
    text = b""
    while True:
        data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4 * fds.itemsize))
        for level, kind, payload in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[:len(payload) - len(payload) % fds.itemsize])
        text += data
        try:
            return json.loads(text), list(fds)
        except ValueError:
            if not data:
                sys.exit("seccomp_agent: the state is no JSON: %r" % text)


def answer(listener, code):
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    while True:
        for _, events in poller.poll(30000) or sys.exit(0):
            if events & (select.POLLHUP | select.POLLERR):
                return
            request = bytearray(80)
            try:
                fcntl.ioctl(listener, NOTIF_RECV, request)
                (cookie,) = struct.unpack_from("Q", request)
                fcntl.ioctl(listener, NOTIF_SEND, struct.pack("QqiI", cookie, 0, -code, 0))
            except FileNotFoundError:
                continue


def main():
    path, state_file, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(8)
    server.settimeout(30)
    state, fds = receive(server)
    with open(state_file + ".new", "w") as out:
        json.dump({"state": state, "descriptors": len(fds)}, out)
    os.rename(state_file + ".new", state_file)
    index = state["fds"].index("seccompFd")
    answer(fds[index], code)


main()
