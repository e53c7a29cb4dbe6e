#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Layers on an older kernel than the host's, mounted by loop devices. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        LAYER_FROM_TAR=$(dirname "$RUNTIME")/tests/store/layer_from_tar
        cd "$WORK" || return
        modprobe -a erofs loop
        mkdir out mnt
}

teardown() {
        cd /
        ! mountpoint -q "$WORK/mnt" || umount "$WORK/mnt"
        vm_teardown
}

# All that tar can tell of a tree.
digest_of() {
        tar -C "$1" --sort=name --numeric-owner --format=pax --pax-option=delete=atime,delete=ctime --xattrs \
                --xattrs-include='*' -cf - . 2>/dev/null | sha256sum
}

@test "layers: this machine's kernel reads what tar would have extracted" {
        mkdir -p tree/many
        tar -C / --xattrs -cf - etc usr/bin var/lib/dpkg | tar -C tree --xattrs -xpf -
        for i in $(seq 400); do : >"tree/many/a-name-that-is-not-short-$i"; done
        for i in 1 4031 4032 4033 4096 70000; do head -c "$i" /dev/urandom >"tree/size-$i"; done
        truncate -s 3000000 tree/holes
        printf data | dd of=tree/holes bs=1 seek=1234567 conv=notrunc status=none
        mknod tree/char c 5 1
        mkfifo tree/fifo
        chown 123456:4000000000 tree/fifo
        touch -d '2001-02-03 04:05:06.123456789 UTC' tree/many
        tar -C tree --format=pax --xattrs -Scf archive .
        tar -C out --numeric-owner --xattrs -xpf archive
        "$LAYER_FROM_TAR" image <archive
        mount -t erofs -o ro,loop image mnt
        is <(digest_of mnt) "$(digest_of out)"
        [ "$(stat -c %s mnt/holes)" -eq 3000000 ]
}
