#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""process_image.py hang|crash FILE: a kept process (src/process_image/format.h) whose threads begin somewhere else."""

import struct
import sys

TABLES, MAPPING, THREAD, RIP = 96, 32, 896, 168
EXECUTABLE, EMPTY = 4, (1 << 64) - 1


def table(image, number):
    return struct.unpack_from("<II", image, TABLES + 8 * number)


def loop(image):
    """The address of a jump to itself."""
    at, count = table(image, 0)
    for row in range(count):
        start, length, offset, protection = struct.unpack_from("<QQQI", image, at + row * MAPPING)
        if protection & EXECUTABLE and offset != EMPTY:
            found = image.find(b"\xeb\xfe", offset, offset + length)
            if found >= 0:
                return start + found - offset
    raise SystemExit("no program has such a jump")


def main(how, path):
    with open(path, "r+b") as f:
        image = f.read()
        at, count = table(image, 1)
        to = loop(image) if how == "hang" else 0
        for row in range(count):
            f.seek(at + row * THREAD + RIP)
            f.write(struct.pack("<Q", to))


main(*sys.argv[1:])
