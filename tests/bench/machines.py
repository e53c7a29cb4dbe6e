#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""machines.py BUILD [ROUNDS]: starts, enters and copies virtual machines; podman starts a container in the same run.

The guests' kernel is the one that the tests have (tests/vm/guest-kernel). MANY: how many run at once (50).
"""

import concurrent.futures
import glob
import os
import re
import shutil
import statistics
import subprocess
import time

from peers import HERE, NULL, Peers, alternate, family, main, output, qemu_of, row, took

MANY = int(os.environ.get("MANY", "50"))
TESTS = os.path.join(HERE, "..")
NETWORK = ["--network", "none"]
TRUE = ["/bin/true"]


def pss(pid):
    """Of one that has just ended (who looks whether a machine is to wait): nothing."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return int(re.search(r"^Pss:\s*(\d+) kB", f.read(), re.M)[1]) * 1024
    except ProcessLookupError:
        return 0


class Bench(Peers):
    def __init__(self, build, rounds, work):
        super().__init__(build, rounds, work)
        self.work = work
        os.makedirs(f"{work}/store/vm", exist_ok=True)
        self.kernels = output([f"{TESTS}/vm/guest-kernel"]).strip()
        os.symlink(self.kernels, f"{work}/store/vm/kernels")
        self.vm = [*self.holt, "run", "--vm", *NETWORK]
        self.set_pool(0)

    def finish(self, work):
        subprocess.run([*self.holt, "rm", "-f", "-a"], stdin=NULL, stdout=NULL, check=False)
        self.set_pool(0)
        super().finish(work)

    def set_pool(self, n):
        output([*self.holt, "system", "pool", str(n)])

    def wait_until(self, comes, complaint):
        end = time.monotonic() + 120
        while not comes():
            if time.monotonic() > end:
                raise SystemExit(complaint)
            time.sleep(0.05)

    def wait_for_pool(self):
        self.wait_until(lambda: "ready" in output([*self.holt, "system", "pool", "--format", "{{.Status}}"]),
                        "the pool stays empty")

    def from_template(self):
        """Medians of a machine cloned from the template, when that is complete, and of podman's container."""
        took([*self.vm, "--rm", self.image, *TRUE])
        self.wait_until(lambda: glob.glob(f"{self.work}/store/vm/templates/*/process"), "nothing is kept")
        return alternate([[*self.vm, "--rm", self.image, *TRUE],
                          [*self.podman, "run", "--rm", *NETWORK, self.podman_image, *TRUE]], self.rounds)

    def from_pool(self):
        self.set_pool(1)
        took([*self.vm, "--rm", self.image, *TRUE])
        ours, theirs = [], []
        for _ in range(self.rounds):
            self.wait_for_pool()
            time.sleep(0.3)
            ours.append(took([*self.vm, "--rm", self.image, *TRUE]))
            theirs.append(took([*self.podman, "run", "--rm", *NETWORK, self.podman_image, *TRUE]))
        self.set_pool(0)
        return statistics.median(ours), statistics.median(theirs)

    def layered(self, count):
        """An image of so many layers: the first is the bench's, the others a file each."""
        name = f"layers{count}"
        output([*self.holt, "create", *NETWORK, "--name", name, self.image, "true"])
        image = self.image
        for n in range(count - 1):
            output([*self.holt, "run", *NETWORK, "--name", f"{name}-{n}", image, "/bin/sh", "-c", f"echo {n} >/file{n}"])
            image = output([*self.holt, "commit", f"{name}-{n}", f"{name}:{n}"]).strip()
            output([*self.holt, "rm", f"{name}-{n}"])
        output([*self.holt, "rm", name])
        return f"{name}:{count - 2}"

    def tall(self):
        images = [self.layered(n) for n in (3, 40, 120)]
        return alternate([[*self.vm, "--rm", image, *TRUE] for image in images], self.rounds)

    def bare(self, words, line):
        """The same kernel and machine with nothing but a shell's line in its initramfs."""
        top = f"{self.work}/bare"
        os.makedirs(f"{top}/bin", exist_ok=True)
        shutil.copy("/bin/busybox", f"{top}/bin/busybox")
        with open(f"{top}/init", "w", encoding="ascii") as f:
            f.write("#!/bin/busybox sh\n/bin/busybox reboot -f\n")
        os.chmod(f"{top}/init", 0o755)
        subprocess.run(f"cd {top} && find . | cpio -o -H newc --quiet >../bare.cpio", shell=True, check=True)
        release = os.listdir(self.kernels)[0]
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "null",
                *(w for o in ("-M", "-accel", "-cpu", "-smp") for w in (o, words[words.index(o) + 1].replace(",memory-backend=memory", ""))),
                "-m", "256", "-kernel", f"{self.kernels}/{release}/boot/vmlinuz-{release}", "-initrd", f"{self.work}/bare.cpio",
                "-append", line]

    def cold(self):
        output([*self.vm, "-d", "--no-template", "--name", "cold", self.image, "sleep", "1000"])
        words = qemu_of(int(output([*self.holt, "inspect", "-f", "{{.State.Pid}}", "cold"])))
        output([*self.holt, "rm", "-f", "cold"])
        ours = words[words.index("-append") + 1]
        # Without a clock that it is told of, it hangs now and then where QEMU translates.
        needed = " ".join(["console=ttyS0", "quiet", "panic=-1", "reboot=t", *(
            w for w in ours.split() if w.split("=")[0] in ("tsc_early_khz", "tsc", "no_timer_check", "lpj"))])
        return alternate([[*self.vm, "--rm", "--no-template", self.image, *TRUE], self.bare(words, needed),
                          self.bare(words, ours)], max(5, self.rounds // 3))

    def execs(self):
        output([*self.vm, "-d", "--name", "execs", self.image, "sleep", "1000"])
        median = statistics.median(took([*self.holt, "exec", "execs", *TRUE]) for _ in range(self.rounds))
        output([*self.holt, "rm", "-f", "execs"])
        return median

    def system(self):
        """Of a Debian with systemd that runs: making a template of it, an instance of that until its shell has answered."""
        archive = output([f"{TESTS}/e2e/make-system-rootfs"]).strip()
        output([*self.holt, "import", "-q", "--change", 'CMD ["/sbin/init"]', archive, "system"])
        output([*self.vm, "-d", "--memory", "512m", "--name", "system", "system"])
        is_up = [*self.holt, "exec", "system", "systemctl", "is-system-running"]
        self.wait_until(lambda: subprocess.run(is_up, stdin=NULL, stdout=NULL, stderr=NULL, check=False).returncode == 0,
                        "systemd does not come up")
        saved = took([*self.holt, "template", "create", "system", "system"])
        answers = []
        for n in range(self.rounds):
            name = f"system{n}"
            answers.append(took([*self.holt, "run", "-d", *NETWORK, "--template", "system", "--name", name]) +
                           took([*self.holt, "exec", name, "sh", "-c", "true"]))
            output([*self.holt, "rm", "-f", name])
        output([*self.holt, "rm", "-f", "system"])
        output([*self.holt, "template", "rm", "system"])
        return saved, statistics.median(answers)

    def many(self):
        """Seconds until all of them have answered, and the mean memory of the second to the last."""
        names = [f"many{n}" for n in range(MANY)]

        def start(name):
            took([*self.vm, "-d", "--name", name, self.image, "sleep", "1000"])
            return output([*self.holt, "exec", name, "cat", "/proc/sys/kernel/random/uuid"]).strip()
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(start, names))
        elapsed = time.monotonic() - begin
        if len(set(answers)) != MANY:
            raise SystemExit("two machines gave the same random number")
        sizes = []
        for name in names[1:]:
            sizes.append(sum(pss(p) for p in family(int(output([*self.holt, "inspect", "-f", "{{.State.Pid}}", name])))))
        output([*self.holt, "rm", "-f", *names])
        return elapsed, statistics.mean(sizes)


def report(bench):
    row("command", "holt", "reference", "ratio", "target")
    row(*["---"] * 5)

    def compare(what, pair, target):
        row(what, f"{pair[0]:.0f} ms", f"{pair[1]:.0f} ms", f"{pair[0] / pair[1]:.2f}", target)

    compare("run --vm --rm, a clone of the template; podman's container", bench.from_template(), "1.5")
    compare("the same from the warm pool", bench.from_pool(), "0.5")
    tall = bench.tall()
    compare("an image of 40 layers; of 3", (tall[1], tall[0]), "1.5")
    compare("an image of 120 layers; of 3", (tall[2], tall[0]), "2.2")
    cold, bare, tuned = bench.cold()
    compare("run --vm --rm --no-template; bare microvm, the same kernel", (cold, bare), "1.15")
    compare("the same; bare microvm, our command line for the kernel", (cold, tuned), "")
    row("exec of /bin/true in a machine", f"{bench.execs():.1f} ms", "", "", "20 ms")
    saved, answered = bench.system()
    row("template create of a running Debian with systemd", f"{saved:.0f} ms", "", "", "")
    row("run of that template until its shell answers", f"{answered:.0f} ms", "", "", "250 ms")
    elapsed, size = bench.many()
    row(f"{MANY} machines, eight commands at a time, all have answered", f"{elapsed:.1f} s", "", "", "")
    row(f"memory (PSS) of the 2nd to the {MANY}th that has run a command", f"{size / 1e6:.0f} MB", "", "", "40 MB")


main(Bench, report)
