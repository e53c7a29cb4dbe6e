#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""images.py BUILD [ROUNDS [pulls]]: pulls, unpacks, mounts and removes images, and has podman, skopeo and umoci do the same;
with "pulls" no more than pulls. The image is make-image's, or the tag "bench" of the OCI layout $BENCH_LAYOUT.

Everything happens in a mount namespace of its own; each pull writes to a new file system, because one that has just removed
many files is slow for a while.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FILE_SYSTEM_SIZE = 8 << 30


def run(*argv, **options):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options).stdout


class Usage:
    """What a command took, with all its children that it waited for."""

    def __init__(self, *argv, env=None):
        begin = time.monotonic()
        log = tempfile.TemporaryFile()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = status
        self.seconds = time.monotonic() - begin
        self.cpu = used.ru_utime + used.ru_stime
        self.memory = used.ru_maxrss * 1024
        if status:
            log.seek(0)
            sys.exit(f"{' '.join(argv)}: {log.read().decode(errors='replace')}")


class Both:
    """Two commands one after the other."""

    def __init__(self, first, second):
        self.seconds = first.seconds + second.seconds
        self.cpu = first.cpu + second.cpu
        self.memory = max(first.memory, second.memory)


class Registry:
    """Debian's docker-registry on a free port of loopback."""

    def __init__(self, work):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        config = os.path.join(work, "registry.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\n"
                    f"storage: {{filesystem: {{rootdirectory: {work}/registry}}}}\nhttp: {{addr: '{self.address}'}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", int(self.address.rpartition(":")[2]))) == 0:
                    return
            time.sleep(0.05)
        sys.exit("docker-registry does not answer")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Disk:
    """A new ext4, mounted at `path` until the end of the block."""

    def __init__(self, work):
        self.image, self.path = os.path.join(work, "disk"), os.path.join(work, "mnt")

    def __enter__(self):
        with open(self.image, "wb") as f:
            f.truncate(FILE_SYSTEM_SIZE)
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", self.image)
        os.makedirs(self.path, exist_ok=True)
        run("mount", "-o", "loop", self.image, self.path)
        # What others have left to be written is no part of what follows.
        os.sync()
        return self.path

    def __exit__(self, *_):
        # What a tool has mounted below goes with it. holt leaves a process behind that brings new files to the disk.
        for _ in range(300):
            if subprocess.run(["umount", "-R", self.path], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                break
            time.sleep(0.1)
        os.unlink(self.image)


def pull_holt(bench, disk):
    return Usage(bench.holt, "--root", f"{disk}/root", "--run", f"{disk}/run", "pull", "-q", bench.name)


def pull_podman(bench, disk):
    return Usage("podman", "--root", f"{disk}/root", "--runroot", f"{disk}/run", "--storage-driver", "overlay",
                 "pull", "-q", "--tls-verify=false", bench.name)


def pull_skopeo(bench, disk):
    return Both(Usage("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{bench.name}", f"oci:{disk}/oci:bench"),
                Usage("umoci", "unpack", "--image", f"{disk}/oci:bench", f"{disk}/bundle"))


class Bench:
    def __init__(self, build, rounds, work):
        self.build, self.rounds, self.work = os.path.abspath(build), rounds, work
        self.holt = os.path.join(self.build, "holt")
        self.layout = os.environ.get("BENCH_LAYOUT") or run(os.path.join(HERE, "make-image")).strip()
        self.registry = Registry(work)
        self.name = f"{self.registry.address}/bench/debian:12"
        run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.layout}:bench", f"docker://{self.name}")

    def pulls(self):
        """name -> list of Usage: the tools take turns."""
        tools = {"holt": pull_holt}
        if shutil.which("podman"):
            tools["podman"] = pull_podman
        if shutil.which("skopeo") and shutil.which("umoci"):
            tools["skopeo + umoci"] = pull_skopeo
        taken = {name: [] for name in tools}
        for _ in range(self.rounds):
            for name, pull in tools.items():
                with Disk(self.work) as disk:
                    taken[name].append(pull(self, disk))
        return taken

    def blobs(self):
        with open(os.path.join(self.layout, "index.json"), encoding="ascii") as f:
            manifest = json.load(f)["manifests"][0]["digest"]
        with open(self.blob(manifest), encoding="ascii") as f:
            return [self.blob(layer["digest"]) for layer in json.load(f)["layers"]]

    def blob(self, digest):
        return os.path.join(self.layout, "blobs", *digest.split(":"))

    def unpacking(self):
        """Ratio to igzip of unpacking the largest blob, and of the layers' size to that of the archives."""
        blob = max(self.blobs(), key=os.path.getsize)
        program = os.path.join(self.build, "tests/store/layer_from_blob")
        ratios = []
        for _ in range(self.rounds + 2):
            with Disk(self.work) as disk:
                igzip = Usage("sh", "-c", f"igzip -d -c {blob} > {disk}/tar")
                size = os.path.getsize(f"{disk}/tar")
                ours = Usage(program, blob, f"{disk}/layer", f"{disk}/recipe")
                ratios.append(ours.seconds / igzip.seconds)
                sizes = (os.path.getsize(f"{disk}/layer") + os.path.getsize(f"{disk}/recipe")) / size
        return statistics.median(ratios), sizes

    def entries(self):
        """Bytes of memory to take in a layer of a million empty files."""
        with Disk(self.work) as disk:
            with tarfile.open(f"{disk}/tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                for i in range(1000000):
                    tar.fileobj.write(tarfile.TarInfo(f"d{i // 1000}/file{i}").tobuf(tarfile.USTAR_FORMAT))
            return Usage(self.holt, "--root", f"{disk}/root", "--run", f"{disk}/run", "import", "-q", f"{disk}/tar",
                         "entries:1").memory

    def mounting(self):
        """Milliseconds to mount an image of ten layers: when none is mounted yet, and later."""
        tools = os.path.join(self.build, "tests/store")
        first, later = [], []
        for _ in range(self.rounds + 2):
            with Disk(self.work) as disk:
                layers = []
                for i in range(10):
                    os.makedirs(f"{disk}/tree/dir{i}")
                    with open(f"{disk}/tree/dir{i}/file", "wb") as f:
                        f.write(os.urandom(100000))
                    layers.append(f"{disk}/{i:064x}")
                    with subprocess.Popen(["tar", "-C", f"{disk}/tree", "-c", "."], stdout=subprocess.PIPE) as tar:
                        subprocess.run([f"{tools}/layer_from_tar", layers[-1]], stdin=tar.stdout, check=True)
                os.makedirs(f"{disk}/upper")
                os.makedirs(f"{disk}/work")
                os.makedirs(f"{disk}/run", mode=0o700)
                os.sync()
                took = run(f"{tools}/mount_tool", f"{disk}/run", "time", "50", f"{disk}/upper", f"{disk}/work", *layers)
                _, cold, _, warm, *_ = took.split()
                first.append(float(cold) / 1000)
                later.append(float(warm) / 1000)
        return statistics.median(first), statistics.median(later)

    def removing(self):
        """Milliseconds to remove an image of 1 GB."""
        times = []
        with Disk(self.work) as disk:
            holt = [self.holt, "--root", f"{disk}/root", "--run", f"{disk}/run"]
            os.makedirs(f"{disk}/tree")
            with open(f"{disk}/tree/data", "wb") as f:
                for _ in range(1024):
                    f.write(os.urandom(1 << 20))
            for _ in range(self.rounds):
                with subprocess.Popen(["tar", "-C", f"{disk}/tree", "-c", "."], stdout=subprocess.PIPE) as tar:
                    subprocess.run([*holt, "import", "-q", "-", "big:1"], stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True)
                times.append(Usage(*holt, "rmi", "big:1").seconds * 1000)
        return statistics.median(times)


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def report_pulls(bench):
    pulls = bench.pulls()
    median = {name: {what: statistics.median(getattr(u, what) for u in used) for what in ("seconds", "cpu", "memory")}
              for name, used in pulls.items()}
    row("pull and unpack", "seconds", "CPU seconds", "peak memory, MB", "holt takes of its time", "of its CPU")
    row(*["---"] * 6)
    for name, m in median.items():
        ratio = [f"{median['holt'][what] / m[what]:.2f}" for what in ("seconds", "cpu")]
        row(name, f"{m['seconds']:.2f}", f"{m['cpu']:.2f}", f"{m['memory'] / 1e6:.0f}", *(ratio if name != "holt" else ["", ""]))


def report_others(bench):
    ratio, sizes = bench.unpacking()
    print()
    row("else", "measured", "target")
    row(*["---"] * 3)
    row("unpacking a blob, of the time of `igzip -d`", f"{ratio:.2f}", "2.5")
    row("layers and recipes, of the size of the archives", f"{sizes:.3f}", "1.03")
    row("memory to take in a layer of a million entries, MB", f"{bench.entries() / 1e6:.0f}", "256")
    first, later = bench.mounting()
    row("mounting an image of ten layers, ms, when none is mounted yet", f"{first:.1f}", "2")
    row("the same, later", f"{later:.2f}", "2")
    row("removing an image of 1 GB, ms", f"{bench.removing():.0f}", "50")


def main():
    if os.geteuid() != 0:
        sys.exit("images.py: run it as root")
    if os.environ.get("HOLT_BENCH_NAMESPACE") != "1":
        os.environ["HOLT_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory(prefix="holt-bench.") as work:
        bench = Bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3, work)
        try:
            report_pulls(bench)
            if sys.argv[3:] != ["pulls"]:
                report_others(bench)
        finally:
            bench.registry.stop()


main()
