#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.namespaces: made, joined by path, and left as the host's.

load helpers

ns_names=(pid net ipc uts mnt cgroup)

without() { config '.linux.namespaces |= map(select(.type != $t))' --arg t "$1"; }

with_userns() {
        config '.linux.namespaces += [{type: "user"}] |
                .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
                .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}] |
                .mounts |= map(select(.type != "mqueue"))'
        chown -hR 100000:200000 rootfs
        chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$WORK" "$BUNDLE" 2>/dev/null || true
}

@test "namespaces of its own" {
        start_sleeper
        for ns in "${ns_names[@]}"; do
                [ "$(readlink "/proc/$(pid_of "$ID")/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
        done
        [ "$(readlink "/proc/$(pid_of "$ID")/ns/user")" = "$(readlink /proc/self/ns/user)" ]
        [ "$(rt exec "$ID" cat /proc/1/comm)" = sleep ]
}

@test "namespaces that are not listed are the host's" {
        for pair in pid:pid network:net ipc:ipc cgroup:cgroup; do
                bundle_at "$WORK/b" "$ID"
                jq --arg t "${pair%:*}" '.linux.namespaces |= map(select(.type != $t)) | .mounts |= map(select(.type != "sysfs")) |
                        .process.args = ["readlink", $p] | del(.linux.maskedPaths, .linux.readonlyPaths)' \
                        --arg p "/proc/self/ns/${pair#*:}" "$WORK/b/config.json" >config.json
                [ "$(rt run "$ID")" = "$(readlink "/proc/self/ns/${pair#*:}")" ]
                rm -rf "$WORK/b"
        done
        config 'del(.hostname)'
        without uts
        process hostname
        [ "$(rt run "$ID")" = "$(hostname)" ]
}

@test "namespaces joined by path" {
        start_sleeper
        local pid second=$ID-second
        pid=$(pid_of "$ID")
        bundle_at "$WORK/second" "$second"
        jq --arg p "/proc/$pid/ns/" 'del(.hostname) | .linux.namespaces |= map(.path = $p + ({network: "net"}[.type] // .type) |
                if .type == "mount" then del(.path) else . end) |
                .process.args = ["/bin/sh", "-c", "for n in pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done"]' \
                "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        rt run -b "$WORK/second" "$second" >"$WORK/joined"
        for ns in pid net ipc uts cgroup; do readlink "/proc/$pid/ns/$ns"; done >"$WORK/expected"
        diff "$WORK/expected" "$WORK/joined"
}

@test "a network namespace kept by a mount is joined, with what is in it" {
        local ns=holt-e2e-$$
        ip netns add "$ns"
        ip -n "$ns" link add probe0 type dummy || { ip netns del "$ns"; skip "this kernel has no dummy device"; }
        config '.linux.namespaces |= map(if .type == "network" then .path = $p else . end)' --arg p "/run/netns/$ns"
        process ls /sys/class/net
        run rt run "$ID"
        ip netns del "$ns"
        [[ $output == *probe0* ]]
}

@test "a path that is no such namespace is refused" {
        for path in /proc/self/ns/net /no/such/file /etc/passwd; do
                config '.linux.namespaces |= map(if .type == "ipc" then .path = $p else . end)' --arg p "$path"
                run ! rt run "$ID"
        done
}

@test "the same namespace twice, or one that is unknown, is refused" {
        config '.linux.namespaces += [{type: "ipc"}]'
        run ! rt run "$ID"
        config '.linux.namespaces = (.linux.namespaces[:-1] + [{type: "nosuch"}])'
        run ! rt run "$ID"
}

@test "user namespace: mappings of uids and gids" {
        with_userns
        script 'cat /proc/self/uid_map /proc/self/gid_map; id -u; stat -c %u:%g /bin/busybox; touch /tmp/mine'
        run rt run "$ID"
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(echo ${lines[0]})" = "0 100000 65536" ]
        [ "$(echo ${lines[1]})" = "0 200000 65536" ]
        [ "${lines[2]}" = 0 ]
        [ "${lines[3]}" = 0:0 ]
        [ "$(stat -c %u:%g rootfs/tmp/mine)" = 100000:200000 ]
}

@test "user namespace: several mappings, another user, exec" {
        with_userns
        config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}, {containerID: 1000, hostID: 300000, size: 10}] |
                .process.user = {uid: 1000, gid: 1000}'
        chown -h 300000:201000 rootfs/home/test
        start_sleeper
        local pid
        pid=$(pid_of "$ID")
        grep -q '^Uid:.300000.300000' "/proc/$pid/status"
        [ "$(rt exec -u 0:0 "$ID" sh -c 'id -u; cat /proc/self/uid_map | wc -l' | xargs)" = "0 2" ]
        [ "$(rt exec "$ID" id -u)" = 0 ] || [ "$(rt exec "$ID" id -u)" = 1000 ]
}

@test "user namespace: without mappings it is refused" {
        config '.linux.namespaces += [{type: "user"}]'
        run ! rt run "$ID"
}

@test "user namespace: joined by path" {
        with_userns
        start_sleeper
        local pid second=$ID-second
        pid=$(pid_of "$ID")
        bundle_at "$WORK/second" "$second"
        chown -hR 100000:200000 "$WORK/second/rootfs"
        chmod 711 "$WORK/second"
        jq --arg p "/proc/$pid/ns/user" '.linux.namespaces = (.linux.namespaces + [{type: "user", path: $p}]) |
                .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
                .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}] |
                .mounts |= map(select(.type != "mqueue")) |
                .process.args = ["readlink", "/proc/self/ns/user"]' "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        # containerd and CRI-O give the path and the namespace's mappings too.
        [ "$(rt run -b "$WORK/second" "$second")" = "$(readlink "/proc/$pid/ns/user")" ]
        skip_runc "wants the mappings and does not compare them"
        jq 'del(.linux.uidMappings, .linux.gidMappings)' "$WORK/second/config.json" >"$WORK/second/bare"
        jq '.linux.uidMappings[0].hostID = 7' "$WORK/second/config.json" >"$WORK/second/other"
        mv "$WORK/second/bare" "$WORK/second/config.json"
        [ "$(rt run -b "$WORK/second" "$second")" = "$(readlink "/proc/$pid/ns/user")" ]
        mv "$WORK/second/other" "$WORK/second/config.json"
        run ! rt run -b "$WORK/second" "$second"
}

@test "user namespace: capabilities are full within and none without" {
        with_userns
        config '.process.capabilities |= with_entries(.value += ["CAP_SYS_ADMIN", "CAP_CHOWN"])'
        script 'hostname changed && hostname; chown 7 /tmp && stat -c %u /tmp; echo 1 >/proc/sys/vm/swappiness'
        run rt run "$ID"
        [ "${lines[0]}" = changed ]
        [ "${lines[1]}" = 7 ]
        [ "$status" -ne 0 ]
}

@test "time namespace: offsets" {
        skip_runc "knows none"
        [ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
        probe_into rootfs
        config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 7777, nanosecs: 5}, boottime: {secs: 99999}}'
        script 'probe clock; readlink /proc/self/ns/time; cat /proc/self/timens_offsets'
        run rt run "$ID"
        echo "$output"
        local host mono boot
        host=$(cut -d. -f1 /proc/uptime)
        read -r mono boot <<<"${lines[0]}"
        ((mono >= host + 7700 && mono <= host + 7800))
        ((boot >= host + 99900 && boot <= host + 100100))
        [ "${lines[1]}" != "$(readlink /proc/self/ns/time)" ]
}

@test "time namespace: exec sees the same clock" {
        skip_runc "knows none"
        [ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
        probe_into rootfs
        config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 99999}}'
        start_sleeper
        read -r _ boot <<<"$(rt exec "$ID" probe clock)"
        ((boot >= 99999))
        [ "$(rt exec "$ID" readlink /proc/self/ns/time)" = "$(readlink "/proc/$(pid_of "$ID")/ns/time")" ]
}

@test "time namespace: offsets without one are refused" {
        skip_runc "knows none"
        config '.linux.timeOffsets = {boottime: {secs: 99999}}'
        run ! rt run "$ID"
}

@test "loopback is up in a network namespace of its own" {
        process ip addr show lo
        run rt run "$ID"
        [[ $output == *127.0.0.1* ]]
        [[ $output == *UP* ]]
}

@test "without a pid namespace, init is killed and everything else with it" {
        without pid
        start_sleeper
        [ "$(rt exec "$ID" readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ]
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        rt delete "$ID"
        no_leaks
}

@test "rootless: a container that an ordinary user makes in a user namespace" {
        setpriv --reuid 12345 --regid 12345 --clear-groups unshare -U true 2>/dev/null || skip "users may not make user namespaces here"
        local home=$WORK/user
        mkdir -p "$home"
        cp -a "$BUNDLE" "$home/bundle"
        cd "$home/bundle" || return
        jq 'del(.linux.resources, .linux.cgroupsPath) | .linux.namespaces = [{type: "user"}, {type: "pid"}, {type: "mount"}, {type: "uts"}, {type: "ipc"}] |
                .linux.uidMappings = [{containerID: 0, hostID: 12345, size: 1}] |
                .linux.gidMappings = [{containerID: 0, hostID: 12345, size: 1}] |
                .mounts = [{destination: "/proc", type: "proc", source: "proc"}] |
                .process.args = ["/bin/sh", "-c", "id -u; cat /proc/self/uid_map; exit 4"]' config.json >new
        mv new config.json
        chown -hR 12345:12345 "$home"
        local path=$home
        while [ "$path" != / ]; do
                [ "$path" = /tmp ] || chmod o+x "$path"
                path=$(dirname "$path")
        done
        install -m 755 "$RUNTIME" "$home/runtime"
        run env -u XDG_RUNTIME_DIR setpriv --reuid 12345 --regid 12345 --clear-groups "$home/runtime" --root "$home/root" run "$ID"
        echo "$output"
        [ "$status" -eq 4 ]
        [ "${lines[0]}" = 0 ]
        [ "$(echo ${lines[1]})" = "0 12345 1" ]
}

@test "root of a user namespace makes a container without one" {
        config 'del(.linux.resources, .linux.cgroupsPath) |
                .mounts |= map(if .type == "devpts" then .options -= ["gid=5"] else . end)'
        script 'stat -c "%F %t:%T" /dev/null /dev/tty; id -u; echo x >/dev/null && cat /proc/self/uid_map'
        unshare --user --map-root-user --mount -- "$RUNTIME" --root "$WORK/state" run "$ID" >"$WORK/out"
        [ "$(xargs <"$WORK/out")" = 'character special file 1:3 character special file 5:0 0 0 0 1' ]
}

@test "a user namespace: a device is bound only if the host's is that very one" {
        with_userns
        mkfifo "$WORK/fifo"
        mknod -m 666 "$WORK/null" c 1 3
        chmod 711 "$WORK"
        config '.linux.devices = [{path: $p, type: "c", major: 1, minor: 5}]' --arg p "$WORK/null"
        process true
        run ! rt run "$ID"
        config '.linux.devices = [{path: $p, type: "b", major: 1, minor: 3}]' --arg p "$WORK/null"
        run ! rt run "$ID"
        [[ $output == *"$WORK/null"* ]]
        config '.linux.devices = [{path: $p, type: "p"}]' --arg p "$WORK/null"
        run ! rt run "$ID"
        config '.linux.devices = [{path: $p, type: "p"}, {path: $q, type: "c", major: 1, minor: 3}]' --arg p "$WORK/fifo" --arg q "$WORK/null"
        process sh -c "test -p $WORK/fifo && echo x >$WORK/null && echo bound"
        [ "$(rt run "$ID")" = bound ]
}
