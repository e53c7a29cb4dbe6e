#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a man page with the parts that it shares with others: what a line "; include: FILE" names, beside the page.

    man_page.py PAGE.scd
"""
import pathlib
import sys

INCLUDE = "; include: "


def read_page(path):
    path = pathlib.Path(path)
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(INCLUDE):
            part = (path.parent / line.removeprefix(INCLUDE)).read_text(encoding="utf-8")
            lines += [l for l in part.splitlines() if not l.startswith(";")]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(read_page(sys.argv[1]))
