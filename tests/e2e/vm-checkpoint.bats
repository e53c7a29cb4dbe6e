#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore by criu. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        CG=/sys/fs/cgroup/holt-vm/$ID
        IMAGES=$WORK/images
        bundle_make sh -c 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
        config '.linux.cgroupsPath = $p' --arg p "/holt-vm/$ID"
}

teardown() {
        vm_teardown
}

# checkpoint [FLAG...] ID, restore [FLAG...] ID: what criu says is shown when it fails.
checkpoint() {
        if ! rt checkpoint --image-path "$IMAGES" "$@"; then
                grep -h Error "$IMAGES"/*.log
                return 1
        fi
}

restore() {
        if ! rt restore --detach --bundle "$BUNDLE" --image-path "$IMAGES" --pid-file "$WORK/pid" "$@" \
                </dev/null >"$WORK/out" 2>&1; then
                cat "$WORK/out"
                grep -h Error "$IMAGES"/*.log
                return 1
        fi
        PID=$(<"$WORK/pid")
}

counter() {
        cat "$BUNDLE/rootfs/tmp/n"
}

counter_above() {
        [ "$(counter)" -gt "$1" ]
}

@test "checkpoint: the processes go on where they stood" {
        rt_start "$ID"
        until_true 20 counter_above 5
        checkpoint "$ID"
        [ ! -e "$CG" ]
        fails rt state "$ID"
        local n
        n=$(counter)
        sleep 1
        equal 'counter' "$(counter)" "$n"
        restore "$ID"
        status_is "$ID" running
        equal pid "$(rt state "$ID" | jq -r .pid)" "$PID"
        until_true 20 counter_above "$n"
        [ "$(counter)" -lt $((n + 100)) ]
        equal 'exec' "$(rt exec "$ID" echo hello)" hello
        rt delete --force "$ID"
        [ ! -e "$CG" ]
}
