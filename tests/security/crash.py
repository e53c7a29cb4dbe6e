#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""crash.py SECONDS -- HOLT...: commands of all kinds at once on a few instances, while whatever of holt's runs is killed.

Which process is killed when comes from a seed, which is printed. It fails when a command hangs or crashes: what is left
is for its caller to look at.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time

WIDTH = 6
NAMES = ["aa", "bb", "cc", "dd"]


def command(choose):
    name, other, volume = choose.choice(NAMES), choose.choice(NAMES), choose.choice(["v1", "v2"])
    run = ["--network", "none", "--name", name]
    return choose.choice([
        ["run", *run, "box", "true"], ["run", "-d", *run, "box", "sleep", "100"],
        ["run", "-d", *run, "-v", f"{volume}:/v", "box", "sleep", "100"], ["run", "-d", *run, "-v", "/anon", "box", "true"],
        ["run", "--rm", "--network", "none", "box", "true"], ["run", "-d", "--rm", "--network", "none", "box", "true"],
        ["run", "-d", "--restart", "always", *run, "box", "sh", "-c", "sleep 0.05"], ["create", *run, "box", "true"],
        ["start", name], ["restart", "-t", "0", name], ["stop", "-t", "0", name], ["kill", name], ["rm", name],
        ["rm", "-f", name], ["rm", "-f", "-v", name], ["rename", name, other], ["update", "--memory", "64m", name],
        ["commit", name, choose.choice(["c1", "c2"])], ["snapshot", "create", name, "s1"],
        ["snapshot", "restore", name, "s1"], ["snapshot", "rm", name, "s1"], ["clone", name, other],
        ["volume", "create", volume], ["volume", "rm", volume], ["exec", name, "true"], ["pause", name],
        ["unpause", name], ["ps", "-a"], ["rmi", "-f", choose.choice(["c1", "c2"])],
    ])


class Killer(threading.Thread):
    def __init__(self, choose, run):
        super().__init__(daemon=True)
        self.choose, self.run_dir, self.killed, self.done = choose, run.encode(), {}, False

    def victims(self):
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if entry.isdigit() and b"holt" in words[0] and self.run_dir in words:
                found.append((int(entry), words[0].split(b"/")[-1].decode()))
        return found

    def run(self):
        while not self.done:
            time.sleep(self.choose.uniform(0.002, 0.06))
            victims = self.victims()
            if not victims:
                continue
            pid, name = self.choose.choice(victims)
            try:
                os.kill(pid, signal.SIGKILL)
                self.killed[name] = self.killed.get(name, 0) + 1
            except ProcessLookupError:
                pass


class Worker(threading.Thread):
    """Gives commands until the time is over; failed: those that hung, or were ended by a signal that is not ours."""

    def __init__(self, choose, holt, end):
        super().__init__()
        self.choose, self.holt, self.end, self.done, self.failed = choose, holt, end, 0, []

    def run(self):
        while time.time() < self.end:
            line = command(self.choose)
            with subprocess.Popen([*self.holt, *line], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as process:
                try:
                    said = process.communicate(timeout=30)[1]
                except subprocess.TimeoutExpired:
                    process.kill()
                    said = process.communicate()[1] + b"it hung"
                    self.failed.append((line, process.returncode, said))
            self.done += 1
            if process.returncode < 0 and process.returncode != -signal.SIGKILL:
                self.failed.append((line, process.returncode, said))


def main():
    seconds, holt = float(sys.argv[1]), sys.argv[3:]
    seed = int(os.environ.get("SEED", time.time()))
    print(f"seed {seed}", flush=True)
    killer = Killer(random.Random(seed), holt[holt.index("--run") + 1])
    workers = [Worker(random.Random(seed + n), holt, time.time() + seconds) for n in range(1, WIDTH + 1)]
    for thread in [killer, *workers]:
        thread.start()
    for worker in workers:
        worker.join()
    killer.done = True
    killer.join()
    failed = [f for w in workers for f in w.failed]
    print(f"{sum(w.done for w in workers)} commands, killed {killer.killed}, failed {failed}")
    # Without a kill there is nothing to prove.
    sys.exit(0 if killer.killed and not failed else 1)


main()
