#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a terminal: starts a command on a pseudo terminal of its own, or receives the
master of a container's terminal on a console socket, then does its steps in order.

  tty_drive.py [STEP...] -- COMMAND...          exits with the command's status
  tty_drive.py --listen SOCKET [STEP...]        exits with 0 at the terminal's end

STEP: -s ROWSxCOLUMNS   set the window size (before the start, when it is first)
      -e REGEX          wait until the output since the last match has it
      -i TEXT           type it (\\r, \\n, \\x03 ... are understood)
      -d SECONDS        wait
      -q                hang up: close the master and leave
Everything that the terminal shows is written to stdout."""

import array
import fcntl
import os
import pty
import re
import select
import socket
import struct
import sys
import termios
import time

LIMIT = 120.0


class Terminal:
    def __init__(self, master):
        self.master = master
        self.seen = b""
        self.deadline = time.monotonic() + LIMIT

    def read(self, timeout):
        """False at the end of the terminal."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            if time.monotonic() > self.deadline:
                sys.exit("tty_drive: timeout; last output: %r" % self.seen[-400:])
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        self.seen += data
        return bool(data)

    def expect(self, pattern):
        regex = re.compile(pattern.encode(), re.S)
        while True:
            match = regex.search(self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return
            if not self.read(0.2):
                sys.exit("tty_drive: the terminal ended before %r; last output: %r" % (pattern, self.seen[-400:]))

    def size(self, text):
        rows, columns = text.split("x")
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))

    def step(self, kind, value):
        if kind == "-s":
            self.size(value)
        elif kind == "-e":
            self.expect(value)
        elif kind == "-i":
            os.write(self.master, value.encode().decode("unicode_escape").encode("latin-1"))
        elif kind == "-d":
            time.sleep(float(value))

    def drain(self):
        while self.read(0.2):
            pass


def receive_master(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    server.settimeout(LIMIT)
    connection, _ = server.accept()
    fds = array.array("i")
    _, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(fds.itemsize))
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:fds.itemsize])
    if not fds:
        sys.exit("tty_drive: no descriptor came")
    return fds[0]


def parse(arguments):
    steps, command, listen = [], [], None
    while arguments:
        word = arguments.pop(0)
        if word == "--":
            command = arguments
            break
        if word == "--listen":
            listen = arguments.pop(0)
        elif word == "-q":
            steps.append((word, None))
        else:
            steps.append((word, arguments.pop(0)))
    return steps, command, listen


def main():
    steps, command, listen = parse(sys.argv[1:])
    child = 0
    if listen:
        terminal = Terminal(receive_master(listen))
    else:
        master, slave = pty.openpty()
        terminal = Terminal(master)
        if steps and steps[0][0] == "-s":
            terminal.step(*steps.pop(0))
        child = os.fork()
        if child == 0:
            os.close(master)
            os.login_tty(slave) if hasattr(os, "login_tty") else login_tty(slave)
            os.execvp(command[0], command)
        os.close(slave)
    for kind, value in steps:
        if kind == "-q":
            os.close(terminal.master)
            break
        terminal.step(kind, value)
    else:
        terminal.drain()
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def login_tty(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    if slave > 2:
        os.close(slave)


main()
