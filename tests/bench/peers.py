# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of instances share: commands that take turns, and podman beside holt in a namespace of its own.

The image is make-image's, or the tag "bench" of the OCI layout $BENCH_LAYOUT, if there is one.
Everything happens in a mount and a network namespace of its own: neither tool's bridges and rules touch the host's.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
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


class Peers:
    """holt and podman, each with the image."""

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

    def finish(self, work):
        self.keeper.kill()
        self.keeper.wait()
        for path in (f"{work}/run/layers", f"{work}/podman/overlay"):
            subprocess.run(["umount", "-R", path], stderr=NULL, check=False)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def family(pid):
    """The process and all that it started."""
    return [pid] + [p for child in children(pid) for p in family(child)]


def qemu_of(pid):
    """The command line of QEMU below a process."""
    for p in family(pid):
        with open(f"/proc/{p}/cmdline", encoding="utf-8") as f:
            words = f.read().split("\0")
        if words[0].endswith("qemu-system-x86_64"):
            return words
    raise SystemExit(f"{pid} has no QEMU")


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def main(bench, report):
    """bench: a class of Peers."""
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: run it as root")
    if os.environ.get("HOLT_BENCH_NAMESPACE") != "1":
        os.environ["HOLT_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="holt-bench.") as work:
        b = bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30, work)
        try:
            report(b)
        finally:
            b.finish(work)
