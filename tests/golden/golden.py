#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of a golden file and compares what they print with what stands there.

    golden.py [--update] FILE.golden PROGRAM...

A file holds cases: "$ " and a line for the shell, then what has to come: ">" and a line of
standard output, "!" and a line of standard error, "=" and the exit status unless it is 0.
Empty lines and lines that begin with "#" are comments. The cases run in order in one
scratch directory (DIRECTORY where its name is printed), with the directories of the programs in front of $PATH. --update writes
the file anew from what came.
"""
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile


def run(command, directory, path):
    environment = {"PATH": path, "HOME": directory, "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(["sh", "-c", "umask 022\n" + command], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    lines = ["> " + line if line else ">" for line in done.stdout.splitlines()]
    lines += ["! " + line if line else "!" for line in done.stderr.splitlines()]
    lines = [line.replace(directory, "DIRECTORY") for line in lines]
    if done.returncode:
        lines.append("= %d" % done.returncode)
    return lines


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    golden, *programs = arguments[update:]
    if not programs:
        sys.exit(__doc__)
    wanted = pathlib.Path(golden).read_text(encoding="utf-8").splitlines()
    path = ":".join([str(pathlib.Path(p).resolve().parent) for p in programs] + [os.environ["PATH"]])
    came, cases = [], 0
    with tempfile.TemporaryDirectory() as directory:
        for line in wanted:
            if line.startswith("$ "):
                came += [line, *run(line[2:], directory, path)]
                cases += 1
            elif not line or line.startswith("#"):
                came.append(line)
    if not cases:
        sys.exit("no cases in " + golden)
    if update:
        pathlib.Path(golden).write_text("\n".join(came) + "\n", encoding="utf-8")
    elif came != wanted:
        print("\n".join(difflib.unified_diff(wanted, came, "expected", "came", lineterm="", n=4)))
        sys.exit("golden.py: the output differs; if it is right, run it with --update")
    print("%d cases" % cases)


if __name__ == "__main__":
    main()
