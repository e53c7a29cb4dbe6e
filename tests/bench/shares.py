#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shares.py BUILD [ROUNDS]: what a guest does in a directory of the host, by holt's -v and by QEMU's virtiofsd.

The same files, programs, kernel and command line; the guest tells the time. FILES: how many there are (10000).
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

from peers import HERE, NULL, output, qemu_of, row

FILES = int(os.environ.get("FILES", "10000"))
TESTS = os.path.join(HERE, "..")
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
MODULES = ["virtio_ring", "virtio", "virtio_mmio", "fuse", "virtiofs"]
# In hundredths of a second, as the kernel has its uptime.
WORK = """#!/bin/sh
export PATH=/bin HOME=/tmp GIT_OPTIONAL_LOCKS=0
cd /host || exit
now() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
took() { name=$1; shift; begin=$(now); "$@" >/dev/null 2>&1 || echo "FAILED $name"; echo "TOOK $name $(($(now) - begin))0"; }
cold() { echo 3 >/proc/sys/vm/drop_caches; took "$@"; }
make() { mkdir /host/made && for i in $(seq 500); do echo "$i" >/host/made/$i || return; done; }
move() { for i in $(seq 200); do mv /host/made/$i /host/made/to$i || return; done; }
read_all() { cat /host/large >/dev/null; }
cold status_cold git -c safe.directory=/host status --porcelain
took status_again git -c safe.directory=/host status --porcelain
cold find_cold find . -newer /bin/busybox
took make_500 make
took rename_200 move
took remove_500 rm -r /host/made
cold read_64M read_all
mkdir /host/try && cd /host/try && took semantics guest_files
cd / && rm -r /host/try
echo END
"""
INIT = """#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
for m in /modules/*.ko; do insmod "$m"; done
mount -t virtiofs host /host && sh /work
reboot -f
"""


def copy_program(path, top):
    """With the libraries that it needs."""
    words = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=NULL, text=True, check=False).stdout.split()
    for library in (w for w in words if w.startswith("/")):
        os.makedirs(top + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, top + library)
    shutil.copy(path, f"{top}/bin/")


def make_root(top):
    for name in ("bin", "dev", "proc", "tmp", "host", "etc"):
        os.makedirs(f"{top}/{name}")
    copy_program(shutil.which("git"), top)
    shutil.copy("/bin/busybox", f"{top}/bin/busybox")
    for name in output([f"{top}/bin/busybox", "--list"]).split():
        if not os.path.exists(f"{top}/bin/{name}"):
            os.symlink("busybox", f"{top}/bin/{name}")
    subprocess.run([os.environ.get("CC", "cc"), "-O1", "-D_GNU_SOURCE", "-static", "-o", f"{top}/bin/guest_files",
                    f"{TESTS}/e2e/guest_files.c"], check=True)
    with open(f"{top}/work", "w", encoding="ascii") as f:
        f.write(WORK)
    with open(f"{top}/etc/passwd", "w", encoding="ascii") as f:
        f.write("root:x:0:0::/:/bin/sh\n")


def make_tree(top):
    os.makedirs(top)
    for n in range(FILES):
        os.makedirs(f"{top}/{n // 100}", exist_ok=True)
        with open(f"{top}/{n // 100}/{n}", "w", encoding="ascii") as f:
            f.write(f"{n}\n" * 20)
    with open(f"{top}/large", "wb") as f:
        f.write(os.urandom(64 << 20))
    git = ["git", "-C", top, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "all"], check=True)


def read(text):
    """What took how many ms; guest_files tells whether the semantics hold: 0 if they do not."""
    if "END" not in text or "FAILED" in text.replace("FAILED semantics", ""):
        sys.exit(f"a guest failed:\n{text[-2000:]}")
    lines = (line.split() for line in text.splitlines())
    times = {words[1]: int(words[2]) for words in lines if len(words) == 3 and words[0] == "TOOK"}
    if "FAILED" in text:
        times["semantics"] = 0
    return times


class Bench:
    def __init__(self, build, work):
        self.work, self.tree = work, f"{work}/tree"
        self.holt = [os.path.join(os.path.realpath(build), "holt"), "--root", f"{work}/store", "--run", f"{work}/run"]
        os.environ["HOLT_VM_POOL"] = "none"
        os.makedirs(f"{work}/store/vm")
        self.kernels = output([f"{TESTS}/vm/guest-kernel"]).strip()
        os.symlink(self.kernels, f"{work}/store/vm/kernels")
        self.release = os.listdir(self.kernels)[0]
        make_root(f"{work}/root")
        make_tree(self.tree)
        output(["tar", "-C", f"{work}/root", "-cf", f"{work}/root.tar", "."])
        output([*self.holt, "import", "-q", f"{work}/root.tar", "bench"])
        self.run = [*self.holt, "run", "--vm", "--network", "none", "--memory", "512m", "--privileged", "-v", f"{self.tree}:/host"]
        self.make_initramfs()
        output([*self.run, "-d", "--name", "words", "--no-template", "bench", "sleep", "1000"])
        self.words = qemu_of(int(output([*self.holt, "inspect", "-f", "{{.State.Pid}}", "words"])))
        output([*self.holt, "rm", "-f", "words"])

    def make_initramfs(self):
        top = f"{self.work}/root"
        os.makedirs(f"{top}/modules")
        for n, name in enumerate(MODULES):
            path = output(["find", f"{self.kernels}/{self.release}/lib", "-name", f"{name}.ko"]).strip()
            shutil.copy(path, f"{top}/modules/{n}-{name}.ko")
        with open(f"{top}/init", "w", encoding="ascii") as f:
            f.write(INIT)
        os.chmod(f"{top}/init", 0o755)
        subprocess.run(f"cd {top} && find . | cpio -o -H newc --quiet >../initramfs", shell=True, check=True)

    def by_holt(self):
        return read(output([*self.run, "--rm", "bench", "sh", "/work"]))

    def word(self, option):
        return self.words[self.words.index(option) + 1]

    def by_virtiofsd(self):
        path = f"{self.work}/virtiofsd.sock"
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            options = ["-o", f"source={self.tree}", "-o", "cache=auto", "-o", "posix_lock", "-o", "flock"]
            with subprocess.Popen([VIRTIOFSD, f"--fd={listener.fileno()}", *options], stdin=NULL, stdout=NULL, stderr=NULL,
                                  pass_fds=[listener.fileno()]) as daemon:
                try:
                    return read(output(self.qemu(path)))
                finally:
                    daemon.kill()

    def qemu(self, path):
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
                "-global", "virtio-mmio.force-legacy=false", "-M", self.word("-M").replace(",memory-backend=memory", "") + ",memory-backend=shared",
                "-accel", self.word("-accel"), "-cpu", self.word("-cpu"), "-smp", self.word("-smp"), "-m", "512",
                "-object", "memory-backend-memfd,id=shared,size=512M,share=on", "-chardev", f"socket,id=fs,path={path}",
                "-device", "vhost-user-fs-device,chardev=fs,tag=host",
                "-kernel", f"{self.kernels}/{self.release}/boot/vmlinuz-{self.release}", "-initrd", f"{self.work}/initramfs",
                "-append", self.word("-append")]

    def finish(self):
        subprocess.run([*self.holt, "rm", "-f", "-a"], stdin=NULL, stdout=NULL, check=False)
        subprocess.run(["umount", "-R", f"{self.work}/run/layers"], stderr=NULL, check=False)


def main(build, rounds):
    with tempfile.TemporaryDirectory(prefix="holt-bench.") as work:
        bench = Bench(build, work)
        try:
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(bench.by_holt())
                theirs.append(bench.by_virtiofsd())
            row(f"in a tree of {FILES} files", "holt", "virtiofsd", "ratio")
            row(*["---"] * 4)
            for what in ours[0]:
                a, b = (statistics.median(r[what] for r in v) for v in (ours, theirs))
                if what == "semantics":
                    row("renames, mappings, holes, locks as they have to be", *("yes" if t else "no" for t in (a, b)), "")
                else:
                    row(what.replace("_", " "), f"{a:.0f} ms", f"{b:.0f} ms", f"{a / max(b, 10):.2f}")
        finally:
            bench.finish()


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
