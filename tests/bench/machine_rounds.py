#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""machine_rounds.py BUILD: virtual machines come and go, and nothing of them is left.

ROUNDS (500): a machine is started, entered and stopped, and a fresh one is run, every second time from the pool. BOOTS
(100): as many machines boot, without a template, while every processor is busy. Then there is no process, file, mount,
link or cgroup that was not there before. All of it happens in a network and with mounts of its own.
"""

import ctypes
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", "500"))
BOOTS = int(os.environ.get("BOOTS", "100"))
TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PR_SET_CHILD_SUBREAPER = 36
APPLETS = ("cat", "echo", "sh", "sleep", "test", "true")
# These stay for who comes next.
STAYS, FILES = {"holt-dns"}, {"events.1"}
# Nobody else's machines on this host have so much: so their cgroups are known.
MEMORY = "131m"
SLEEPER = ["sh", "-c", "trap 'exit 0' TERM; echo >/tmp/up; while :; do sleep 1000 & wait; done"]
# A first program that has no handler yet takes no signal.
ANSWER = ["sh", "-c", "until test -e /tmp/up; do sleep 0.01; done; echo $0"]


def words_of(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read().split()
    except OSError:
        return []


def name_of(pid):
    return " ".join(words_of(f"/proc/{pid}/comm"))


def family(pid):
    """All that a process has started, and what came to it when its parent died."""
    return [p for child in words_of(f"/proc/{pid}/task/{pid}/children") for p in [int(child), *family(child)]]


def processes():
    """Those that live, but for what stays."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                break
        except ChildProcessError:
            break
    return {f"process {p} {name_of(p)}" for p in family(os.getpid()) if name_of(p) not in STAYS}


def cgroups():
    """Those of machines, and what they may have of memory; [] where that is not known."""
    return [(path, words_of(f"{path}/memory.limit_in_bytes") or words_of(f"{path}/memory.max"))
            for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(os.path.dirname(path)) == "holt"]


class Failed(Exception):
    pass


class Ground:
    """A store with an image of busybox and a guest's kernel."""

    def __init__(self, build, work):
        self.work = work
        self.holt = [os.path.join(os.path.abspath(build), "holt"), "--root", f"{work}/store", "--run", f"{work}/run"]
        self.vm = ["--vm", "--memory", MEMORY]
        self.limit = None
        os.makedirs(f"{work}/store/vm")
        kernels = subprocess.run([f"{TESTS}/vm/guest-kernel"], stdout=subprocess.PIPE, text=True, check=True).stdout
        os.symlink(kernels.strip(), f"{work}/store/vm/kernels")
        self.make_image()

    def make_image(self):
        tree = f"{self.work}/tree"
        for name in ("bin", "dev", "proc", "sys", "tmp", "etc"):
            os.makedirs(f"{tree}/{name}")
        shutil.copy(shutil.which("busybox"), f"{tree}/bin/busybox")
        for name in APPLETS:
            os.symlink("busybox", f"{tree}/bin/{name}")
        subprocess.run(["tar", "-C", tree, "-cf", f"{self.work}/tree.tar", "."], check=True)
        self.call("import", f"{self.work}/tree.tar", "box")

    def call(self, *words, pool="none", wanted=None):
        """Runs holt; its output, which must be what is wanted."""
        done = subprocess.run([*self.holt, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", timeout=300, check=False, env=os.environ | {"HOLT_VM_POOL": pool})
        if done.returncode or (wanted is not None and done.stdout != wanted):
            raise Failed(f"{' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}".strip())
        return done.stdout

    def cgroups(self):
        names = {os.path.basename(path) for path, limit in cgroups() if limit and limit == self.limit}
        return {f"cgroup {path}" for path, _ in cgroups() if os.path.basename(path) in names}

    def left(self):
        links = {f"link {line.split(':')[1].strip()}" for line in
                 subprocess.run(["ip", "-o", "link"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()}
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            mounts = {f"mount {line.split()[4]}" for line in f}
        files = {f"file {os.path.join(path, name)}" for top in ("store", "run")
                 for path, folders, names in os.walk(f"{self.work}/{top}") for name in folders + names if name not in FILES}
        return processes() | files | links | mounts | self.cgroups()

    def settle(self, before=None):
        """When all processes of machines have ended, what there is, or what has been there for a minute and not before."""
        self.call("system", "pool", "0")
        end = time.monotonic() + 60
        if before is None:
            while processes() and time.monotonic() < end:
                time.sleep(0.1)
            return self.left()
        left = self.left() - before
        while left and time.monotonic() < end:
            time.sleep(0.1)
            left &= self.left()
        return left

    def round(self, number):
        """Times of both."""
        pool = str(number % 2)
        begin = time.monotonic()
        self.call("start", "stays", pool=pool)
        self.call("exec", "stays", *ANSWER, str(number), wanted=f"{number}\n")
        self.call("stop", "-t", "60", "stays")
        between = time.monotonic()
        self.call("run", "--rm", *self.vm, "box", "echo", str(number), pool=pool, wanted=f"{number}\n")
        return between - begin, time.monotonic() - between

    def boot(self, number):
        begin = time.monotonic()
        self.call("run", "--rm", *self.vm, "--network", "none", "--no-template", "box", "echo", str(number), wanted=f"{number}\n")
        return (time.monotonic() - begin,)

    def prepare(self):
        """All that is there when one has come and gone, as after any other."""
        self.call("run", "-d", *self.vm, "--tmpfs", "/tmp", "--name", "stays", "box", *SLEEPER)
        self.call("exec", "stays", *ANSWER, "0", wanted="0\n")
        stays = self.call("inspect", "-f", "{{.Id}}", "stays").strip()
        self.limit = next(limit for path, limit in cgroups() if limit and os.path.basename(path) == stays)
        self.call("stop", "-t", "60", "stays")
        for pool in ("0", "1", "1"):
            self.call("run", "--rm", *self.vm, "box", "true", pool=pool)
            time.sleep(5 if pool == "0" else 1)
        self.round(1)
        return self.settle()

    def finish(self):
        subprocess.run([*self.holt, "rm", "-f", "-a"], stdout=subprocess.DEVNULL, check=False)
        for p in family(os.getpid()):
            if name_of(p) in STAYS:
                os.kill(p, 15)
        subprocess.run(["umount", "-R", f"{self.work}/run/layers"], stderr=subprocess.DEVNULL, check=False)


def repeat(what, count, once):
    """How many of them failed."""
    times, failed, n = [], 0, 0
    for n in range(1, count + 1):
        try:
            times.append(once(n))
        except (Failed, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"failed: round {n}: {e}", flush=True)
        processes()
    for name, column in zip(what, zip(*times)):
        print(f"{len(times)} of {count} {name}: median {statistics.median(column):.2f} s, longest {max(column):.2f} s", flush=True)
    return failed


def main(build):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    work = tempfile.mkdtemp(prefix="holt-rounds.")
    ground = Ground(build, work)
    try:
        before = ground.prepare()
        failed = repeat(("starts and stops of a machine", "fresh machines"), ROUNDS, ground.round)
        busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() if BOOTS else 0)]
        failed += repeat(("boots with every processor busy",), BOOTS, ground.boot)
        for p in busy:
            p.kill()
            p.wait()
        left = ground.settle(before)
        print("left behind: " + (", ".join(sorted(left)) or "nothing"))
    finally:
        ground.finish()
    shutil.rmtree(work)
    return 1 if failed or left else 0


if __name__ == "__main__":
    if sys.argv[1] != "--inside":
        os.execvp("unshare", ["unshare", "-n", "-m", "--propagation", "private", sys.executable, __file__, "--inside", *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    sys.exit(main(sys.argv[2]))
