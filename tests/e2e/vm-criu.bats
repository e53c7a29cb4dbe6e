#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container keeps over checkpoint and restore, and criu's options. In the virtual machine: tests/vm/run.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        CG=/sys/fs/cgroup/holt-vm/$ID
        IMAGE=$WORK/image
        bundle_make
        config '.process.args = ["sh", "-c", $script] | .linux.cgroupsPath = $path' --arg path "/holt-vm/$ID"
        counting 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
}

teardown() {
        vm_teardown
        [ ! -e "/run/netns/$ID" ] || ip netns delete "$ID"
}

# counting SCRIPT: what the container runs; it counts in /tmp/n.
counting() {
        SCRIPT=$1
}

start() {
        config . --arg script "$SCRIPT"
        rt_start "$ID"
        until_true 20 counter_above 3
}

counter() {
        cat "$BUNDLE/rootfs/tmp/n" 2>/dev/null
}

counter_above() {
        local n
        n=$(counter)
        [ -n "$n" ] && [ "$n" -gt "$1" ]
}

counts() {
        local n
        # Nothing, between being opened and being written.
        n=$(counter)
        until_true 20 counter_above "${n:-0}"
}

# criu_run COMMAND...: with criu's own words when it fails.
criu_run() {
        if ! rt "$@" </dev/null >"$WORK/out" 2>&1; then
                cat "$WORK/out"
                grep -h Error "$IMAGE"/*.log
                return 1
        fi
}

checkpoint() {
        criu_run checkpoint --image-path "$IMAGE" "$@" "$ID"
}

# restore [FLAG...]: $ID, and its pid in $PID.
restore() {
        criu_run restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" --pid-file "$WORK/pid" "$@" "$ID"
        PID=$(<"$WORK/pid")
}

# mounts: of the container: place, type and options.
mounts() {
        cut -d' ' -f5- "/proc/$PID/mountinfo" | sed 's/ - / /' | awk '{ print $1, $2, $3 }' | sort
}

@test "criu: mounts, masks, loopback and the view of cgroups are as before" {
        local before host
        host=$(findmnt -no FS-OPTIONS /sys/fs/cgroup)
        start
        before=$(mounts)
        grep -q /proc/kcore <<<"$before"
        checkpoint
        restore
        counts
        equal mounts "$(mounts)" "$before"
        equal 'masked file' "$(rt exec "$ID" cat /proc/kcore)" ''
        equal 'masked directory' "$(rt exec "$ID" ls /proc/scsi /sys/firmware | grep -v : | tr -d '\n')" ''
        fails rt exec "$ID" touch /proc/sys/kernel/hostname
        equal 'cgroup inside' "$(rt exec "$ID" cat /proc/1/cgroup)" 0::/
        equal 'cgroup outside' "$(<"/proc/$PID/cgroup")" "0::/holt-vm/$ID"
        rt exec "$ID" cat /sys/fs/cgroup/cgroup.procs | grep -qx 1
        nsenter --net="/proc/$PID/ns/net" ip -brief link show lo | grep -q UP
        # criu's own mounts of cgroup2 must not have changed the host's.
        equal 'options of cgroup2' "$(findmnt -no FS-OPTIONS /sys/fs/cgroup)" "$host"
        [ ! -e "$IMAGE/.cgroups" ]
        if grep -q criu /proc/self/mountinfo; then false; fi
}

@test "criu: a second time, under another id and in another cgroup, from a bundle that lost its mount points" {
        mkdir -p "$WORK/a" "$WORK/b" "$BUNDLE/rootfs/real"
        echo file >"$WORK/file"
        ln -s /real/conf "$BUNDLE/rootfs/conf"
        config '.mounts += [{destination: "/a", type: "bind", source: ($work + "/a"), options: ["bind"]},
                {destination: "/a/deep/b", type: "bind", source: ($work + "/b"), options: ["bind"]},
                {destination: "/conf", type: "bind", source: ($work + "/a"), options: ["bind"]},
                {destination: "/run", type: "tmpfs", source: "tmpfs"},
                {destination: "/run/dir", type: "bind", source: ($work + "/a"), options: ["bind"]},
                {destination: "/etc/file", type: "bind", source: ($work + "/file"), options: ["bind", "ro"]}]' \
                --arg work "$WORK"
        start
        echo b >"$WORK/b/x"
        checkpoint
        rm -r "$WORK/a/deep" "$BUNDLE/rootfs/a" "$BUNDLE/rootfs/real/conf" "$BUNDLE/rootfs/etc/file"
        restore
        counts
        equal 'deep bind' "$(cat "/proc/$PID/root/a/deep/b/x")" b
        equal 'by the link' "$(cat "/proc/$PID/root/real/conf/deep/b/x" 2>/dev/null || echo none)" none
        equal 'on a tmpfs' "$(ls "/proc/$PID/root/run/dir")" deep
        equal 'file' "$(cat "/proc/$PID/root/etc/file")" file

        checkpoint
        ID=other-$ID
        CG=/sys/fs/cgroup/holt-vm/elsewhere/$ID
        config '.linux.cgroupsPath = $other' --arg other "/holt-vm/elsewhere/$ID"
        config_write
        restore
        counts
        equal 'cgroup inside' "$(rt exec "$ID" cat /proc/1/cgroup)" 0::/
        equal 'cgroup outside' "$(<"/proc/$PID/cgroup")" "0::/holt-vm/elsewhere/$ID"
        rt delete --force "$ID"
        [ ! -e "$CG" ]
}

@test "criu: --pre-dump, and a dump of what changed since" {
        start
        fails rt checkpoint --image-path "$IMAGE" --parent-path "$WORK" "$ID"
        fails rt checkpoint --image-path "$IMAGE" --parent-path ../missing "$ID"
        criu_run checkpoint --pre-dump --image-path "$WORK/parent" "$ID"
        status_is "$ID" running
        counts
        checkpoint --parent-path ../parent --auto-dedup
        [ -e "$IMAGE/parent" ]
        restore
        counts
}

@test "criu: cgroups below the container's, and --manage-cgroups-mode" {
        config '(.mounts[] | select(.type == "cgroup") .options) -= ["ro"]'
        counting 'mkdir /sys/fs/cgroup/sub; echo $$ >/sys/fs/cgroup/sub/cgroup.procs
                i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.1; done'
        start
        checkpoint
        [ ! -e "$CG" ]
        restore
        counts
        equal 'cgroup outside' "$(<"/proc/$PID/cgroup")" "0::/holt-vm/$ID/sub"
        equal 'cgroup inside' "$(cat "/proc/$PID/root/proc/1/cgroup")" "0::/holt-vm/$ID/sub"
        equal 'cgroup inside' "$(nsenter --cgroup="/proc/$PID/ns/cgroup" cat "/proc/$PID/cgroup")" 0::/sub

        checkpoint --manage-cgroups-mode ignore
        restore --manage-cgroups-mode ignore
        counts
        equal 'cgroup, ignored' "$(<"/proc/$PID/cgroup")" "0::/holt-vm/$ID"
        equal 'cgroup inside, ignored' "$(nsenter --cgroup="/proc/$PID/ns/cgroup" cat "/proc/$PID/cgroup")" 0::/
        # Nothing of the host's is to be seen.
        [ ! -e "/proc/$PID/root/sys/fs/cgroup/system.slice" ]
        fails rt checkpoint --image-path "$IMAGE" --manage-cgroups-mode some "$ID"
}

@test "criu: a network namespace of somebody's, host ipc" {
        ip netns add "$ID"
        config '(.linux.namespaces[] | select(.type == "network")) .path = $netns |
                del(.linux.namespaces[] | select(.type == "ipc"))' --arg netns "/run/netns/$ID"
        start
        checkpoint
        restore
        counts
        equal 'network' "$(stat -Lc %i "/proc/$PID/ns/net")" "$(stat -Lc %i "/run/netns/$ID")"
        equal 'ipc' "$(readlink "/proc/$PID/ns/ipc")" "$(readlink /proc/self/ns/ipc)"
}

@test "criu: pipes lead to the new caller, hooks run" {
        config '.hooks = {prestart: [{path: "/bin/sh", args: ["sh", "-c", $pre]}],
                createRuntime: [{path: "/bin/sh", args: ["sh", "-c", $create]}],
                poststop: [{path: "/bin/sh", args: ["sh", "-c", $post]}]}' \
                --arg pre "cat >$WORK/prestart" --arg create "cat >$WORK/createRuntime" --arg post "echo x >>$WORK/poststop"
        counting 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; echo line $i; [ ! -e /tmp/stop ] || exit 5; sleep 0.1; done'
        config . --arg script "$SCRIPT"
        config_write
        rt run --bundle "$BUNDLE" "$ID" </dev/null 2>/dev/null | cat >"$WORK/first" &
        until_true 20 counter_above 3
        rm "$WORK/prestart" "$WORK/createRuntime"
        rt checkpoint --image-path "$IMAGE" "$ID"
        wait $!
        grep -qx 'line 3' "$WORK/first"
        equal 'poststop' "$(cat "$WORK/poststop")" x

        set -o pipefail
        (rt restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID" </dev/null 2>"$WORK/err" | cat >"$WORK/second") &
        local restore=$! status=0
        until_true 20 grep -qs line "$WORK/second" || {
                cat "$WORK/err"
                return 1
        }
        jq -e --arg id "$ID" '.id == $id and .pid > 1' "$WORK/prestart"
        jq -e --arg id "$ID" '.id == $id and .pid > 1' "$WORK/createRuntime"
        touch "$BUNDLE/rootfs/tmp/stop"
        wait "$restore" || status=$?
        equal 'exit status' "$status" 5
        equal 'poststop' "$(cat "$WORK/poststop")" $'x\nx'
        fails rt state "$ID"
        [ ! -e "$CG" ]
}

@test "criu: a terminal" {
        config '.process.terminal = true'
        counting 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; [ -e /tmp/tty ] || tty >/tmp/tty; echo tick $i; sleep 0.1; [ ! -e /tmp/stop ] || exit 6; done'
        ln -s busybox "$BUNDLE/rootfs/bin/tty"
        config . --arg script "$SCRIPT"
        config_write
        script -qfec "$RUNTIME --root $STATE run --bundle $BUNDLE $ID" "$WORK/first" </dev/null >/dev/null 2>&1 3>&- 4>&- &
        until_true 20 counter_above 3
        checkpoint
        wait $! || true
        # It is not open: it was there long before.
        rm "$BUNDLE/rootfs/tmp/tty"
        script -qfec "$RUNTIME --root $STATE restore --bundle $BUNDLE --image-path $IMAGE $ID" "$WORK/second" \
                </dev/null >/dev/null 2>&1 3>&- 4>&- &
        local restore=$! status=0
        until_true 20 grep -qs tick "$WORK/second" || {
                cat "$WORK/second" "$IMAGE/restore.log"
                return 1
        }
        counts
        until_true 20 is "$BUNDLE/rootfs/tmp/tty" /dev/pts/0
        touch "$BUNDLE/rootfs/tmp/stop"
        wait "$restore" || status=$?
        equal 'exit status' "$status" 6
}

@test "criu: a connection over the loopback" {
        ln -s busybox "$BUNDLE/rootfs/bin/nc"
        counting 'sleep 10000 | nc -l -p 99 >/tmp/got &
                while :; do
                        i=0; while :; do i=$((i+1)); echo $i; echo $i >/tmp/n; sleep 0.1; done | nc 127.0.0.1 99
                done'
        start
        until_true 20 test -s "$BUNDLE/rootfs/tmp/got"
        fails rt checkpoint --image-path "$IMAGE" "$ID"
        [[ "$output" = *criu* ]]
        counts
        checkpoint --tcp-established
        restore --tcp-established
        counts
        local n
        until_true 20 counter_above 0
        n=$(counter)
        until_true 20 grep -qx "${n:-$(counter)}" "$BUNDLE/rootfs/tmp/got"
}

@test "criu: a user namespace" {
        chown -R 100000:100000 "$BUNDLE/rootfs"
        chmod 755 "$BUNDLE"
        config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
                .linux.gidMappings = .linux.uidMappings'
        start
        # criu opens it anew, as root of the namespace.
        chmod 666 "$WORK/out"
        checkpoint
        restore
        counts
        equal 'user' "$(stat -c %u "/proc/$PID")" 100000
        equal 'id' "$(rt exec "$ID" id -u)" 0
        rt exec "$ID" sh -c 'echo x >/dev/null'
}

@test "criu: a paused container; one that was not started" {
        start
        rt pause "$ID"
        checkpoint
        fails rt state "$ID"
        restore
        [ "$(rt state "$ID" | jq -r .status)" != paused ] || rt resume "$ID"
        counts
        rt delete --force "$ID"
        rt create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
        fails rt checkpoint --image-path "$IMAGE" "$ID"
        status_is "$ID" created
}

@test "criu: systemd's cgroups" {
        RT_FLAGS=(--systemd-cgroup)
        config '.linux.cgroupsPath = $unit | .linux.resources.pids = {limit: 50}' --arg unit "machine.slice:test:$ID"
        CG=/sys/fs/cgroup/machine.slice/test-$ID.scope
        start
        checkpoint
        [ ! -e "$CG" ]
        restore
        counts
        equal 'cgroup' "$(<"/proc/$PID/cgroup")" "0::/machine.slice/test-$ID.scope"
        is "$CG/pids.max" 50
        equal TasksMax "$(systemctl show --property TasksMax --value "test-$ID.scope")" 50
        rt delete --force "$ID"
        [ ! -e "$CG" ]
}

@test "criu: --lazy-pages" {
        start
        mkfifo "$WORK/ready"
        exec 5<>"$WORK/ready"
        rt checkpoint --lazy-pages --page-server 127.0.0.1:27277 --status-fd 5 --image-path "$IMAGE" "$ID" \
                </dev/null >"$WORK/dump" 2>&1 &
        local dump=$! server
        equal 'status' "$(timeout 60 head -c 1 <&5 | od -An -tu1 | tr -d ' ')" 0
        criu lazy-pages --page-server --address 127.0.0.1 --port 27277 -D "$IMAGE" </dev/null >"$WORK/server" 2>&1 3>&- 5>&- &
        server=$!
        until_true 20 test -S "$IMAGE/lazy-pages.socket" || {
                cat "$WORK/server" "$WORK/dump"
                return 1
        }
        config '.linux.cgroupsPath = $other' --arg other "/holt-vm/lazy-$ID"
        config_write
        criu_run restore --lazy-pages --detach --bundle "$BUNDLE" --image-path "$IMAGE" "lazy-$ID"
        wait "$dump"
        wait "$server"
        counts
        status_is "lazy-$ID" running
        fails rt state "$ID"
}

@test "criu: without it, and when it fails, the reason is told" {
        start
        PATH=/nowhere fails "$RUNTIME" --root "$STATE" checkpoint --image-path "$IMAGE" "$ID"
        [[ "$output" = *'checkpoint needs criu: install the package criu'* ]]
        checkpoint
        PATH=/nowhere fails "$RUNTIME" --root "$STATE" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
        [[ "$output" = *'restore needs criu: install the package criu'* ]]

        truncate -s 0 "$IMAGE"/core-1.img
        fails rt restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
        [[ "$output" = *"core data"*restore.log* ]]
        fails rt state "$ID"
        [ ! -e "$CG" ]
        if grep -q "$WORK" /proc/self/mountinfo; then false; fi
}

@test "criu: what runc has saved, and what runc restores" {
        local ours=$RUNTIME
        [ "$(basename "$RUNTIME")" != runc ] || skip 'it is runc'
        mkdir "$WORK/volume"
        config '.mounts += [{destination: "/volume", type: "bind", source: $volume, options: ["bind"]}]' \
                --arg volume "$WORK/volume"
        config . --arg script "$SCRIPT"
        config_write
        RUNTIME=runc
        # It cannot save a file of the host's.
        rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
        until_true 20 counter_above 3
        checkpoint
        RUNTIME=$ours
        restore
        counts
        equal 'exec' "$(rt exec "$ID" echo hello)" hello
        grep -q ' /volume ' "/proc/$PID/mountinfo"

        rm -r "$IMAGE"
        checkpoint
        RUNTIME=runc
        restore
        counts
        grep -q ' /volume ' "/proc/$PID/mountinfo"
        rt delete --force "$ID"
        RUNTIME=$ours
}

@test "criu: kill -9 of the runtime while criu restores leaves what delete --force removes" {
        start
        checkpoint
        mkdir "$WORK/bin"
        printf '#!/bin/sh\nsleep 1031\n' >"$WORK/bin/criu"
        chmod +x "$WORK/bin/criu"
        PATH=$WORK/bin:$PATH rt restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID" </dev/null >"$WORK/out" 2>&1 &
        until_true 20 grep -qs . "$CG/cgroup.procs"
        until_true 20 pgrep -fx 'sleep 1031'
        kill -KILL $(pgrep -f "restore --bundle $BUNDLE")
        wait $! || true
        status_is "$ID" creating
        rt delete --force "$ID"
        [ ! -e "$CG" ]
        fails rt state "$ID"
        if pgrep -fx 'sleep 1031'; then false; fi
        if grep -q "$WORK" /proc/self/mountinfo; then false; fi
}
