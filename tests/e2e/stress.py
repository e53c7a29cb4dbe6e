#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stress.py ROUNDS -- HOLT...: `run --rm` again and again, eight at a time, while commands and shims are killed.

Which process is killed when comes from a seed, which is printed.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time

WIDTH = 8


class Killer(threading.Thread):
    """Ends a process of ours now and then: a command that was started here, or the shim of an instance of the store."""

    def __init__(self, choose, commands, run):
        super().__init__(daemon=True)
        self.choose, self.commands, self.run_dir = choose, commands, run
        self.killed = 0
        self.done = False

    def shims(self):
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    line = f.read()
            except OSError:
                continue
            if entry.isdigit() and b"holt-shim" in line.split(b"\0")[0] and self.run_dir.encode() in line:
                found.append(int(entry))
        return found

    def run(self):
        while not self.done:
            time.sleep(self.choose.uniform(0.005, 0.05))
            victims = [p.pid for p in list(self.commands)] if self.choose.random() < 0.5 else self.shims()
            if not victims:
                continue
            try:
                os.kill(self.choose.choice(victims), signal.SIGKILL)
                self.killed += 1
            except ProcessLookupError:
                pass


def main():
    rounds, holt = int(sys.argv[1]), sys.argv[3:]
    seed = int(os.environ.get("SEED", time.time()))
    print(f"seed {seed}")
    commands, results, reasons, lock = set(), {}, {}, threading.Lock()
    killer = Killer(random.Random(seed), commands, holt[holt.index("--run") + 1])
    todo = iter(range(rounds))

    def work():
        while True:
            with lock:
                if next(todo, None) is None:
                    return
            with subprocess.Popen([*holt, "run", "--rm", "--network", "none", "box", "true"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                commands.add(process)
                said = process.communicate()[1]
                code = process.returncode
                commands.discard(process)
            with lock:
                results[code] = results.get(code, 0) + 1
                if code not in (0, -signal.SIGKILL):
                    reasons[said] = reasons.get(said, 0) + 1

    threads = [threading.Thread(target=work) for _ in range(WIDTH)]
    killer.start()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    killer.done = True
    killer.join()
    print(f"killed {killer.killed}, exit codes {results}")
    for said, times in sorted(reasons.items(), key=lambda r: -r[1])[:20]:
        print(times, said, end="")
    # Without a kill there is nothing to prove, and without a success nothing has run.
    sys.exit(0 if killer.killed > rounds // 50 and results.get(0, 0) > rounds // 4 else 1)


main()
