#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""instances.py BUILD [ROUNDS]: starts, enters, lists and stops instances, and has podman do the same in the same run."""

import concurrent.futures
import os
import re
import statistics
import time

from peers import Peers, alternate, main, output, row, took

MANY = int(os.environ.get("MANY", "200"))


class Bench(Peers):
    def runs(self, network, pause):
        options = ["run", "--rm", "--network", network]
        return alternate([[*self.holt, *options, self.image, "/bin/true"],
                          [*self.podman, *options, self.podman_image, "/bin/true"]], self.rounds, pause)

    def execs(self):
        output([*self.holt, "run", "-d", "--network", "none", "--name", "exec", self.image, "sleep", "1000"])
        output([*self.podman, "run", "-d", "--network", "none", "--name", "exec", self.podman_image, "sleep", "1000"])
        times = alternate([[*self.holt, "exec", "exec", "/bin/true"], [*self.podman, "exec", "exec", "/bin/true"]],
                          self.rounds)
        memory = self.memory("exec")
        output([*self.podman, "rm", "-f", "-t", "0", "exec"])
        output([*self.holt, "rm", "-f", "exec"])
        return times, memory

    def memory(self, name):
        """Private bytes of the shim of an instance that is idle, and of podman's conmon."""
        time.sleep(3)
        pid = int(output([*self.holt, "inspect", "-f", "{{.State.Pid}}", name]))
        other = int(output([*self.podman, "inspect", "-f", "{{.State.Pid}}", name]))
        return [private(parent(p)) for p in (pid, other)]

    def copies(self, state, make):
        """Milliseconds and bytes of disk of a copy of an instance that has changed nothing: make(name, n) is its command."""
        name = f"original-{state}"
        output([*self.holt, "run", "-d", "--network", "none", "--name", name, self.image, "sleep", "1000"])
        if state == "stopped":
            output([*self.holt, "stop", "-t", "0", name])
        took([*self.holt, *make(name, "first")])
        before = self.disk()
        times = [took([*self.holt, *make(name, n)]) for n in range(self.rounds)]
        return statistics.median(times), (self.disk() - before) / self.rounds

    def disk(self):
        os.sync()
        return int(output(["du", "-s", "-B1", self.holt[2]]).split()[0])

    def many(self, tool, image, count):
        """Seconds to start, enter and stop many, eight commands at a time."""
        names = [f"many{n}" for n in range(count)]
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: took([*tool, "run", "-d", "--network", "none", "--name", n, image, "sleep", "1000"]), names))
        started = time.monotonic()
        listing = statistics.median(took([*tool, "ps"]) for _ in range(5))
        middle = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: took([*tool, "exec", n, "/bin/true"]), names))
        entered = time.monotonic()
        took([*tool, "stop", "-a", "-t", "1"])
        stopped = time.monotonic()
        for n in range(0, count, 50):
            took([*tool, "rm", *names[n:n + 50]])
        return started - begin, entered - middle, stopped - entered, listing


def parent(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^PPid:\s*(\d+)", f.read(), re.M)[1])


def private(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(n) for n in re.findall(r"^Private_\w+:\s*(\d+) kB", f.read(), re.M)) * 1024


def compare(what, pair, target):
    row(what, f"{pair[0]:.1f} ms", f"{pair[1]:.0f} ms", f"{pair[0] / pair[1]:.3f}", target)


def report(bench):
    row("command", "holt", "podman", "ratio", "target")
    row(*["---"] * 5)
    compare("run --rm --network none, back to back", bench.runs("none", 0), "0.1")
    compare("the same, once every 200 ms", bench.runs("none", 0.2), "0.1")
    compare("run --rm on the bridge", bench.runs("bridge", 0), "0.125")
    times, memory = bench.execs()
    compare("exec", times, "0.125")
    row("private memory of a running instance", f"{memory[0] / 1024:.0f} KB", f"{memory[1] / 1024:.0f} KB",
        f"{memory[0] / memory[1]:.2f}", "1 MB")
    for what, state, make in (("clone of a stopped one", "stopped", lambda name, n: ["clone", name, f"clone{n}"]),
                              ("snapshot of a running one", "running", lambda name, n: ["snapshot", "create", name, f"s{n}"])):
        elapsed, size = bench.copies(state, make)
        row(what, f"{elapsed:.1f} ms, {size / 1024:.0f} KB", "", "", "10 ms, 64 KB")
    output([*bench.holt, "rm", "-f", "-a"])
    holt = bench.many(bench.holt, bench.image, MANY)
    podman = bench.many(bench.podman, bench.podman_image, MANY // 10)
    for what, n, target in (("start", 0, ""), ("exec", 1, "")):
        row(f"{MANY} at once: {what}, a second", f"{MANY / holt[n]:.0f}", f"{MANY / 10 / podman[n]:.0f}",
            f"{holt[n] / podman[n] / 10:.3f} of the time", target)
    row(f"{MANY} at once: stop -a", f"{holt[2]:.1f} s", f"{podman[2]:.1f} s for {MANY // 10}", "", "10 s")
    row(f"ps with {MANY}", f"{holt[3]:.1f} ms", f"{podman[3]:.0f} ms with {MANY // 10}", "", "15 ms")


main(Bench, report)
