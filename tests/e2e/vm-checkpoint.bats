#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Checkpoint and restore by criu, which runs on Debian 12's kernel. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        lacks crun && skip "Debian's crun is built without criu"
        bundle_make
        config '.process.args = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.2; done"] |
                .linux.cgroupsPath = $path | .linux.resources.memory = {limit: 67108864}' --arg path "/holt-vm/$ID"
        CG=/sys/fs/cgroup/holt-vm/$ID
}

teardown() {
        vm_teardown
}

# counting: starts the container, and the counter counts. A file of the host's as its output could not be found again by
# criu; /dev/null is the container's own.
counting() {
        config_write
        rt --log "$WORK/log" run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$ID" </dev/null >/dev/null 2>&1 || {
                cat "$WORK/log"
                return 1
        }
        PID=$(<"$WORK/pid")
        until_true 20 counter_above 2
}

counter() {
        cat "$BUNDLE/rootfs/tmp/n" 2>/dev/null
}

counter_above() {
        local n
        n=$(counter)
        [ -n "$n" ] && [ "$n" -gt "$1" ]
}

# criu_run COMMAND...: with criu's own words when it fails.
criu_run() {
        if ! rt "$@" </dev/null >"$WORK/out" 2>&1; then
                cat "$WORK/out"
                grep -hs Error "$WORK"/logs/*.log "$WORK"/image/*.log || true
                return 1
        fi
}

@test "checkpoint: the counter stops, restore: it goes on from there" {
        counting
        criu_run checkpoint --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        [ -s "$WORK/image/inventory.img" ]
        [ ! -e "/proc/$PID" ]
        local n
        n=$(counter)
        state_gone

        criu_run restore --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        status_is "$ID" running
        until_true 20 counter_above "$((n + 2))"
        [ "$(counter)" -lt "$((n + 1000))" ]
        PID=$(<"$WORK/pid")
        equal 'cgroup' "$(<"/proc/$PID/cgroup")" "0::/holt-vm/$ID"
        is "$CG/memory.max" 67108864
        equal 'exec' "$(rt exec "$ID" cat /proc/1/comm)" sh
        rt kill "$ID" KILL
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        [ ! -e "$CG" ]
        state_gone
}

@test "checkpoint --leave-running: it goes on, and its copy can be restored later" {
        counting
        criu_run checkpoint --leave-running --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        local n
        n=$(counter)
        status_is "$ID" running
        until_true 20 counter_above "$((n + 2))"
        rt delete --force "$ID"
        criu_run restore --detach --bundle "$BUNDLE" --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        until_true 20 counter_above "$((n + 2))"
}

@test "checkpoint: the default image path is ./checkpoint" {
        counting
        cd "$WORK"
        criu_run checkpoint --work-path "$WORK/logs" "$ID"
        [ -s "$WORK/checkpoint/inventory.img" ]
        criu_run restore --detach --bundle "$BUNDLE" --work-path "$WORK/logs" "$ID"
        status_is "$ID" running
}

@test "checkpoint: a container with mounts of its own, in the foreground" {
        mkdir "$WORK/volume"
        config '.mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["bind", "rw"]},
                {destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["size=1m"]}] |
                .process.args[2] = "echo kept >/scratch/f; i=0; while :; do i=$((i+1)); echo $i >/tmp/n; [ ! -e /volume/go ] || cat /scratch/f >/volume/f; sleep 0.2; [ ! -e /volume/stop ] || exit 7; done"' \
                --arg volume "$WORK/volume"
        counting
        criu_run checkpoint --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        touch "$WORK/volume/go"
        rt restore --bundle "$BUNDLE" --image-path "$WORK/image" --work-path "$WORK/logs" "$ID" </dev/null >"$WORK/out" 2>&1 &
        local restore=$! status=0
        until_true 20 grep -sqx kept "$WORK/volume/f" || {
                cat "$WORK/out"
                return 1
        }
        touch "$WORK/volume/stop"
        wait "$restore" || status=$?
        equal 'exit status' "$status" 7
        state_gone
}

@test "checkpoint: of none, and restore from nothing, are refused" {
        config_write
        fails rt checkpoint --image-path "$WORK/image" "$ID"
        mkdir -p "$WORK/empty"
        fails rt restore --detach --bundle "$BUNDLE" --image-path "$WORK/empty" "$ID"
        fails rt restore --detach --bundle "$BUNDLE" --image-path "$WORK/none" "$ID"
        state_gone
        [ ! -e "$CG" ]
}

@test "restore: a name in use is refused" {
        counting
        criu_run checkpoint --leave-running --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        fails rt restore --detach --bundle "$BUNDLE" --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        status_is "$ID" running
}

@test "checkpoint: a failed one leaves the container running" {
        counting
        mkdir "$WORK/bin"
        printf '#!/bin/sh\nexit 3\n' >"$WORK/bin/criu"
        chmod +x "$WORK/bin/criu"
        PATH=$WORK/bin:$PATH fails rt checkpoint --image-path "$WORK/image" --work-path "$WORK/logs" "$ID"
        status_is "$ID" running
        local n
        n=$(counter)
        until_true 20 counter_above "$n"
}
