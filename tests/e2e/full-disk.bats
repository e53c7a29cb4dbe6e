#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Instances when the disk is full, to the last byte: they end, what they ended with is known, and room can be made.

load helpers
load instances-files

setup_file() {
        mounts_make
        truncate -s 48M "$BATS_FILE_TMPDIR/disk"
        # With blocks smaller than a page: what is mapped has holes that its file's size does not tell of.
        mkfs.ext4 -q -m 0 -b 1024 "$BATS_FILE_TMPDIR/disk"
        mkdir "$BATS_FILE_TMPDIR/root"
        inside mount -o loop "$BATS_FILE_TMPDIR/disk" "$BATS_FILE_TMPDIR/root"
        holt_inside --root "$BATS_FILE_TMPDIR/root"
        files_setup
}
teardown_file() {
        "$HOLT" rm -f -v --all >/dev/null
        kill "$MOUNTS"
        files_teardown
}
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
        inside rm -f "$BATS_FILE_TMPDIR/root/ballast"
        h rm -f -v --all >/dev/null
        h volume prune --all --force >/dev/null
}

fill_up() {
        inside bash -c "dd if=/dev/zero of='$BATS_FILE_TMPDIR/root/ballast' bs=64k oflag=append conv=notrunc
                dd if=/dev/zero of='$BATS_FILE_TMPDIR/root/ballast' bs=512 oflag=append conv=notrunc" >/dev/null 2>&1 || true
}

status() { h inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

@test "what it ended with is not lost" {
        start --name one box sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done'
        start --name two box sh -c 'sleep 2; exit 9'
        start --name three box sleep 100
        fill_up
        h stop one >/dev/null
        is "$(status one)" 'exited 7'
        is "$(h wait two)" 9
        is "$(status two)" 'exited 9'
        h kill three >/dev/null
        is "$(h wait three)" 137
        is "$(h ps -a --format '{{.Names}}' | sort | tr '\n' ' ')" 'one three two '
        # A second life.
        run h start two
        h rm -f one two three >/dev/null
        is "$(h ps -aq)" ''
}

@test "what was killed is cleaned up" {
        start --name one box sleep 100
        local pid shim
        pid=$(h inspect -f '{{.State.Pid}}' one)
        shim=$(awk '{ print $4 }' "/proc/$pid/stat")
        fill_up
        kill -9 "$shim"
        is "$(h ps -a --format '{{.Names}}')" one
        h rm -f one >/dev/null
        is "$(h ps -aq)" ''
}

@test "rm, prune and their kin make room" {
        start --name one -v vol:/data -v /anonymous box sleep 100
        h snapshot create one first >/dev/null
        h snapshot create one second >/dev/null
        create --name two box true
        create --name three box true
        h volume create other >/dev/null
        h volume create third >/dev/null
        fill_up
        h snapshot rm one first >/dev/null
        fill_up
        h snapshot ls one | grep -q second
        h volume rm other >/dev/null
        h volume prune --all --force >/dev/null
        is "$(h volume ls -q | grep -c '^vol$')" 1
        fill_up
        h rm two >/dev/null
        h container prune --force >/dev/null
        is "$(h ps -aq | wc -l)" 1
        h stop -t 0 one >/dev/null
        is "$(status one)" 'exited 137'
        h rm -v one >/dev/null
        fill_up
        h system prune --force >/dev/null
        h volume rm vol >/dev/null
        h system check
}

# The index of the database's log is made anew by the first who opens it, and takes more room than its size asks for.
@test "a disk that fills up while the store is opened" {
        local free
        create --name one box true
        create --name two box true
        for free in 6 9 12 16 24; do
                inside rm -f "$BATS_FILE_TMPDIR/root/holt.db-shm"
                fill_up
                inside truncate -s "-${free}K" "$BATS_FILE_TMPDIR/root/ballast"
                h ps -aq >/dev/null
                h images -q >/dev/null
        done
        inside rm -f "$BATS_FILE_TMPDIR/root/holt.db-shm"
        fill_up
        inside truncate -s -9K "$BATS_FILE_TMPDIR/root/ballast"
        h rm one two >/dev/null
        is "$(h ps -aq)" ''
}
