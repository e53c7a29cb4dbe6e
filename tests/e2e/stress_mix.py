#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stress_mix.py ROUNDS -- HOLT...: commands on a few instances in any order, eight at a time, while commands and shims
are killed. No command may hang. Which it is comes from a seed, which is printed.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time

WIDTH = 8
NAMES = [f"n{i}" for i in range(12)]
PROGRAMS = [["true"], ["sleep", "1000"], ["sh", "-c", "sleep 0.3; exit 3"],
            ["sh", "-c", "trap 'exit 0' TERM; while :; do echo x; sleep 0.05; done"]]
OPTIONS = [[], ["--restart", "on-failure:2"], ["--restart", "always"],
           ["--health-cmd", "true", "--health-interval", "200ms"]]
# These wait for what the program does, and are ended.
WAITING = {"attach", "wait", "start -a", "run --rm"}


def command(choose):
    name, other = choose.choice(NAMES), choose.choice(NAMES)
    made = ["--network", "none", "--name", name]
    return choose.choice([
        ["create", *made, *choose.choice(OPTIONS), "box", *choose.choice(PROGRAMS)],
        *[["run", "-d", *made, *choose.choice(OPTIONS), "box", *choose.choice(PROGRAMS)]] * 2,
        ["run", "--rm", *made, "box", *choose.choice(PROGRAMS)],
        *[["start", name]] * 2, ["start", "-a", name], ["stop", "-t", "0", name], ["kill", name],
        *[["rm", "-f", name]] * 2, ["restart", "-t", "0", name], ["exec", name, "true"], ["attach", "--no-stdin", name],
        ["update", "--memory", choose.choice(["20m", "40m"]), "--restart", choose.choice(["no", "always"]), name],
        ["rename", name, other], ["pause", name], ["unpause", name], ["logs", "--tail", "3", name], ["ps", "-a"],
        ["inspect", name], ["wait", name],
    ])


def shims(run):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                line = f.read()
        except OSError:
            continue
        if b"holt-shim" in line.split(b"\0")[0] and run.encode() in line:
            found.append(int(entry))
    return found


def main():
    rounds, holt = int(sys.argv[1]), sys.argv[3:]
    run = holt[holt.index("--run") + 1]
    seed = int(os.environ.get("SEED", time.time()))
    print(f"seed {seed}")
    choose, chance = random.Random(seed), random.Random(seed + 1)
    commands, lock, todo, done = set(), threading.Lock(), iter(range(rounds)), threading.Event()
    counts = {"done": 0, "killed": 0}
    hung = []

    def kill():
        while not done.wait(chance.uniform(0.005, 0.05)):
            victims = [p.pid for p in list(commands)] if chance.random() < 0.6 else shims(run)
            if victims:
                try:
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    counts["killed"] += 1
                except ProcessLookupError:
                    pass

    def work():
        while True:
            with lock:
                if next(todo, None) is None:
                    return
                args = command(choose)
            waits = args[0] in WAITING or " ".join(args[:2]) in WAITING
            process = subprocess.Popen([*holt, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            commands.add(process)
            try:
                process.wait(2 if waits else 60)
            except subprocess.TimeoutExpired:
                if not waits:
                    hung.append(args)
                process.kill()
                process.wait()
            commands.discard(process)
            with lock:
                counts["done"] += process.returncode == 0

    threads = [threading.Thread(target=work) for _ in range(WIDTH)]
    killer = threading.Thread(target=kill)
    killer.start()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    done.set()
    killer.join()
    print(counts, "hung:", hung)
    sys.exit(0 if not hung and counts["killed"] > rounds // 30 and counts["done"] > rounds // 20 else 1)


main()
