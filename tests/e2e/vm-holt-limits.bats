#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Instances where there is cgroup v2 alone: systems with a systemd of their own, limits that hold, pressure, freezing. In
# the virtual machine: tests/vm/run.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
load ../vm/lib

setup_file() {
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
        modprobe -a erofs loop overlay
        local place
        place=$(mktemp -d /var/lib/holt-instances.XXXXXX)
        HOLT=$(dirname "$RUNTIME")/holt
        HOLT_ROOT=$place/root
        HOLT_RUN=$place/run
        export HOLT HOLT_ROOT HOLT_RUN
        mkdir -p "$place/tree/bin"
        cp /bin/busybox "$place/tree/bin/"
        ln -s busybox "$place/tree/bin/sh"
        cd "$place" || return
        tar -C tree -cf layer.tar .
        image box '{"Env": ["PATH=/bin"]}'
        # This very system, as far as it is needed, without what others enable in it meanwhile.
        tar -C / -cf layer.tar --exclude etc/systemd/system --exclude 'usr/lib/modules' --exclude 'usr/*/python3*' \
                --exclude 'usr/bin/perl*' --exclude '*.a' --exclude 'usr/lib/*/perl*' \
                --exclude 'usr/lib/*/libperl*' --exclude 'usr/lib/*/gconv' --exclude 'usr/lib/*/libicu*' --exclude 'usr/lib/udev' \
                --exclude 'usr/sbin/criu' --exclude 'usr/sbin/runc' --exclude 'usr/bin/crun' \
                bin sbin lib lib64 etc usr/bin usr/sbin usr/lib usr/lib64 usr/share/dbus-1
        image system '{"Cmd": ["/sbin/init"]}'
        rm layer.tar
}

# image NAME CONFIG: of layer.tar.
image() {
        local layer config
        layer=sha256:$(sha256sum <layer.tar | cut -c 1-64)
        jq -n --argjson config "$2" --arg layer "$layer" '{architecture: "amd64", os: "linux", $config,
                rootfs: {type: "layers", diff_ids: [$layer]}}' >config
        config=sha256:$(sha256sum <config | cut -c 1-64)
        jq -n --arg config "$config" --arg layer "$layer" '{schemaVersion: 2,
                mediaType: "application/vnd.oci.image.manifest.v1+json",
                config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: 1},
                layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: 1}]}' >manifest
        "$(dirname "$RUNTIME")/tests/store/image_add" "$1" "sha256:$(sha256sum <manifest | cut -c 1-64)" \
                manifest config layer.tar
}

teardown_file() {
        local id
        [ -n "${HOLT_RUN-}" ] || return 0
        "$HOLT" rm -f -a >/dev/null
        # Others run beside, whose cgroups stand there, too.
        while read -r id; do [ ! -e "/sys/fs/cgroup/holt/$id" ] || { echo "left: $id"; return 1; }; done <"$BATS_FILE_TMPDIR/ids"
        cd /
        umount -R "$HOLT_RUN/layers"
        rm -rf "$(dirname "$HOLT_ROOT")"
}

setup() {
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || skip 'needs a host with cgroup v2 only: tests/vm/run'
}

teardown() { "$HOLT" rm -f -a >/dev/null; }

h() { timeout 250 "$HOLT" "$@" 3>&- 4>&-; }
run_d() { h run -d --network none "$@" >>"$BATS_FILE_TMPDIR/ids"; }
cgroup_of() { echo "/sys/fs/cgroup$(sed s/^0::// "/proc/$(h inspect -f '{{.State.Pid}}' "$1")/cgroup")"; }
has_state() { [ "$(h inspect -f '{{.State.Status}} {{.RestartCount}}' "$1")" = "$2" ]; }
is_up() { [[ $(h exec "$1" systemctl is-system-running 2>/dev/null) == running ]]; }

@test "a system: it boots, its systemctl and limits work, it stops by its signal" {
        run_d --name sys --memory 256m system
        until_true 60 is_up sys || {
                h exec sys systemctl --failed --no-pager || h logs sys
                return 1
        }
        # Its cgroup is its own to divide, but its limits are not its to lift, with or without the option nsdelegate.
        h exec sys systemd-run --quiet --wait --property MemoryMax=32M --property TasksMax=9 --slice its.slice sh -c \
                'cd /sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup) && cat memory.max pids.max >/limits'
        equal 'limits inside' "$(h exec sys cat /limits)" $'33554432\n9'
        local cg payload
        cg=$(cgroup_of sys)
        payload=${cg%/init.scope}
        cg=${payload%/payload}
        # What criu and others mount beside takes the option from all of it, but not from within a cgroup namespace: there
        # we write what the system could without it.
        mount -t cgroup2 none "$BATS_TEST_TMPDIR"
        umount "$BATS_TEST_TMPDIR"
        if grep -q '^cgroup2 /sys/fs/cgroup .*nsdelegate' /proc/mounts; then
                for file in memory.max pids.max cpu.max; do echo max >"$payload/$file"; done
                echo +memory >"$payload/cgroup.subtree_control"
        else
                h exec sys sh -c 'for f in memory.max pids.max cpu.max; do echo max >/sys/fs/cgroup/$f; done; echo "+memory" >/sys/fs/cgroup/cgroup.subtree_control'
                mount -o remount,nsdelegate /sys/fs/cgroup
        fi
        equal 'what it sees' "$(h exec sys cat /sys/fs/cgroup/memory.max)" max
        is "$cg/memory.max" 268435456
        h update --memory 300m --pids-limit 500 sys
        is "$cg/memory.max" 314572800
        is "$cg/pids.max" 500
        is "$cg/cgroup.procs" ''
        [[ $(h stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' sys) =~ ^[1-9].*\ /\ 300MiB\ [1-9] ]]
        h pause sys
        is "$cg/cgroup.freeze" 1
        h unpause sys
        equal 'virtualization' "$(h exec sys systemd-detect-virt || true)" container-other

        h stop -t 60 sys
        # The signal for it, and no other.
        equal 'exit status' "$(h inspect -f '{{.State.ExitCode}}' sys)" 0
        [ ! -e "$cg" ]
}

@test "limits are what was asked for, and change while it runs" {
        run_d --name lim -m 64m --memory-swap 64m --memory-reservation 32m --pids-limit 20 --cpus 0.5 --cpu-shares 512 \
                --cpuset-cpus 1 --device-read-bps /dev/vda:1mb --device-write-iops /dev/vda:100 box busybox sleep 1000
        local cg
        cg=$(cgroup_of lim)
        is "$cg/memory.max" 67108864
        is "$cg/memory.swap.max" 0
        is "$cg/memory.low" 33554432
        is "$cg/pids.max" 20
        is "$cg/cpu.max" '50000 100000'
        is "$cg/cpu.weight" 20
        is "$cg/cpuset.cpus" 1
        grep -q 'rbps=1048576 .*wiops=100' "$cg/io.max"
        equal inside "$(h exec lim busybox cat /sys/fs/cgroup/memory.max /proc/self/cgroup)" $'67108864\n0::/'
        run h exec lim sh -c 'echo max >/sys/fs/cgroup/memory.max'
        [ "$status" -ne 0 ]
        h update --memory 128m --memory-swap 256m --pids-limit 30 --cpus 1.5 lim
        is "$cg/memory.max" 134217728
        is "$cg/memory.swap.max" 134217728
        is "$cg/pids.max" 30
        is "$cg/cpu.max" '150000 100000'
}

@test "limits hold: memory, processes, time" {
        run h run --network none --name big -m 16m --memory-swap 16m box busybox dd if=/dev/zero of=/dev/null bs=64M
        [ "$status" -eq 137 ]
        equal 'killed for memory' "$(h inspect -f '{{.State.OOMKilled}}' big)" true
        run h run --rm --network none --pids-limit 5 box sh -c 'for i in 1 2 3 4 5 6 7 8; do busybox sleep 9 & done; wait'
        [[ $output == *fork* ]]
        run_d --name slow --cpus 0.1 box sh -c 'while :; do :; done'
        throttled() { grep -q '^nr_throttled [1-9]' "$(cgroup_of slow)/cpu.stat"; }
        until_true 20 throttled
}

@test "stats: what it uses, and how much of the time it waits for it" {
        run_d --name busy --cpus 0.2 -m 64m --pids-limit 20 box sh -c 'while :; do :; done'
        run h stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.PressureCPU}} {{.PressureMem}} {{.PressureIO}}' busy
        echo "$output"
        [ "$status" -eq 0 ]
        if [ -e /proc/pressure/cpu ]; then
                [[ $output =~ ^busy\ 1\ .*\ /\ 64MiB\ [0-9.]+%\ [0-9.]+%\ [0-9.]+%$ ]]
        else
                [[ $output == 'busy 1 '*' / 64MiB -- -- --' ]]
        fi
        h stats --no-stream | grep -q busy
        h top busy | grep -q ' sh '
}

@test "pause stops all of it, also what it starts by itself" {
        run_d --name ticks box sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/n; busybox sleep 0.1; done'
        local file before
        file=/proc/$(h inspect -f '{{.State.Pid}}' ticks)/root/n
        until_true 20 test -s "$file"
        h pause ticks
        is "$(cgroup_of ticks)/cgroup.freeze" 1
        equal status "$(h ps --format '{{.State}}')" paused
        before=$(cat "$file")
        sleep 0.5
        equal counter "$(cat "$file")" "$before"
        run h exec ticks true
        [ "$status" -ne 0 ]
        h unpause ticks
        goes_on() { [ "$(cat "$file")" != "$before" ]; }
        until_true 20 goes_on
        # One that is paused can be stopped.
        h pause ticks
        h stop -t 0 ticks
        has_state ticks 'exited 0'
}
