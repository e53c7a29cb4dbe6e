#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""instances.py BUILD [ROUNDS]: starts, enters, lists and stops instances, and has podman do the same in the same run.

The image is make-image's, or the tag "bench" of the OCI layout $BENCH_LAYOUT, if there is one.
Everything happens in a mount and a network namespace of its own: neither tool's bridges and rules touch the host's.
"""

import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MANY = int(os.environ.get("MANY", "200"))
NULL = subprocess.DEVNULL
# Without CAP_SYS_RESOURCE podman's own limits are refused; its networks are not the machine's.
PODMAN_SETTINGS = ('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
                   '[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{work}/podman-networks"\n')


def took(argv):
    """Milliseconds of a command that must succeed."""
    begin = time.monotonic()
    done = subprocess.run(argv, stdin=NULL, stdout=NULL, stderr=subprocess.PIPE, text=True, check=False)
    elapsed = (time.monotonic() - begin) * 1000
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: {done.stderr}")
    return elapsed


def output(argv):
    return subprocess.run(argv, stdin=NULL, stdout=subprocess.PIPE, text=True, check=True).stdout


def alternate(commands, rounds, pause=0.0):
    """Medians of commands that take turns, so that what else happens on the machine meets all of them."""
    times = [[] for _ in commands]
    for _ in range(rounds):
        for argv, result in zip(commands, times):
            time.sleep(pause)
            result.append(took(argv))
    return [statistics.median(t) for t in times]


class Bench:
    def __init__(self, build, rounds, work):
        self.rounds = rounds
        self.holt = [os.path.join(os.path.realpath(build), "holt"), "--root", f"{work}/store", "--run", f"{work}/run"]
        # crun refuses a hybrid cgroup layout: podman runs where cgroup2 is not mounted.
        self.keeper = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                        "umount /sys/fs/cgroup/unified 2>/dev/null; echo; exec sleep infinity"],
                                       stdin=NULL, stdout=subprocess.PIPE)
        self.keeper.stdout.readline()
        self.podman = ["nsenter", f"--mount=/proc/{self.keeper.pid}/ns/mnt", "podman", "--root", f"{work}/podman", "--runroot", f"{work}/podman-run", "--storage-driver",
                       "overlay", "--cgroup-manager", "cgroupfs", "--runtime", "crun", "--events-backend", "none"]
        os.environ["CONTAINERS_CONF"] = f"{work}/containers.conf"
        with open(os.environ["CONTAINERS_CONF"], "w", encoding="ascii") as f:
            f.write(PODMAN_SETTINGS.format(work=work))
        self.make_image(work)

    def make_image(self, work):
        layout = os.environ.get("BENCH_LAYOUT") or output([f"{HERE}/make-image"]).strip()
        output(["skopeo", "copy", "-q", f"oci:{layout}:bench", f"oci-archive:{work}/image.tar:bench"])
        output([*self.holt, "load", "-q", "-i", f"{work}/image.tar"])
        output([*self.podman, "pull", "-q", f"oci-archive:{work}/image.tar"])
        names = output([*self.podman, "images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]).split()
        self.podman_image = names[1]
        self.image = output([*self.holt, "images", "-q"]).split()[0]

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
        """Private bytes of the shim of an instance, and of podman's conmon."""
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


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


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


def main():
    if os.geteuid() != 0:
        sys.exit("instances.py: run it as root")
    if os.environ.get("HOLT_BENCH_NAMESPACE") != "1":
        os.environ["HOLT_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="holt-bench.") as work:
        bench = Bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30, work)
        try:
            report(bench)
        finally:
            bench.keeper.kill()
            bench.keeper.wait()
            clean_up(work)


def clean_up(work):
    for path in (f"{work}/run/layers", f"{work}/podman/overlay"):
        subprocess.run(["umount", "-R", path], stderr=NULL, check=False)


main()
