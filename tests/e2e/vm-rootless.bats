#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user with ranges of subordinate ids and a systemd of their own. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup_file() {
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
        useradd --create-home --shell /bin/bash holt
        usermod --add-subuids 100000-165535 --add-subgids 100000-165535 holt
        sed -i '/^holt:/!d; /:100000:/!d' /etc/subuid /etc/subgid
        loginctl enable-linger holt
        until_true 60 test -S "/run/user/$(id -u holt)/bus"
}

teardown_file() {
        loginctl disable-linger holt 2>/dev/null || true
}

setup() {
        vm_setup
        USER_ID=$(id -u holt)
        bundle_make sleep 1000
        # What every configuration for an ordinary user has in common; the mappings want newuidmap.
        config 'del(.linux.resources) | .linux.namespaces += [{type: "user"}] |
                .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1},
                        {containerID: 1, hostID: 100000, size: 65535}] |
                .linux.gidMappings = .linux.uidMappings |
                .mounts |= map(if .type == "devpts" then .options -= ["gid=5"] else . end)' --argjson uid "$USER_ID"
        config 'del(.linux.cgroupsPath) | .linux.namespaces |= (map(select(.type != "network")) + [{type: "network"}])'
        chown -R holt: "$WORK"
}

teardown() {
        [ -n "${WORK-}" ] || return 0
        as_user "$RUNTIME" --root "$STATE" delete --force "$ID" >/dev/null 2>&1 || true
        [ -n "$BATS_TEST_COMPLETED" ] || as_user systemctl --quiet --user stop "holt-$ID.service" 2>/dev/null || true
        rm -rf "$WORK"
}

# as_user COMMAND...: without a session: the cgroup stays root's.
as_user() {
        setpriv --reuid holt --regid holt --init-groups env -C "$WORK" HOME=/home/holt USER=holt \
                XDG_RUNTIME_DIR="/run/user/$USER_ID" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$USER_ID/bus" \
                "$@" 3>&- 4>&-
}

# as_session SCRIPT: in a delegated unit of the user's own systemd, as in a terminal of a session.
as_session() {
        config_write
        {
                printf 'RUNTIME=%q STATE=%q BUNDLE=%q WORK=%q ID=%q\n' "$RUNTIME" "$STATE" "$BUNDLE" "$WORK" "$ID"
                printf 'rt() { "$RUNTIME" --root "$STATE" "$@"; }\n'
                # A service of the user's systemd has a cgroup of its own; it can only hand out controllers once it is empty.
                printf 'own=/sys/fs/cgroup$(sed s/^0::// /proc/self/cgroup)\n'
                printf '%s\n' "$1"
        } >"$WORK/script"
        as_user timeout 100 systemd-run --user --quiet --pipe --wait --collect --unit "holt-$ID" \
                --property Delegate=yes --property KillMode=process bash -eu "$WORK/script"
}

@test "rootless: user namespace by newuidmap, ids inside and outside" {
        config '.process.args = ["sh", "-c", "id -u; cat /proc/self/uid_map; echo x >/tmp/root; sleep 1000"]'
        as_session '
                rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/out" 2>&1 || cat "$WORK/out"
                until [ -e "$BUNDLE/rootfs/tmp/root" ]; do sleep 0.1; done
                cat "$WORK/out"
                rt exec --user 33:33 "$ID" sh -c "id -u; echo x >/tmp/other"
                rt state "$ID" | jq -r .status
                rt list -q
                rt kill "$ID" KILL
                until [ "$(rt state "$ID" | jq -r .status)" = stopped ]; do sleep 0.1; done
                rt delete "$ID"' >"$WORK/got" || { cat "$WORK/got"; return 1; }
        sed -i 's/  */ /g; s/^ //' "$WORK/got"
        is "$WORK/got" "0
0 $USER_ID 1
1 100000 65535
33
running
$ID"
        equal 'owner of a file of root' "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/root")" "$USER_ID:$USER_ID"
        equal 'owner of a file of user 33' "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/other")" 100032:100032
        state_gone
}

@test "rootless: one id mapped to itself needs no newuidmap" {
        config '.linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}] | .linux.gidMappings = .linux.uidMappings |
                .process.args = ["sh", "-c", "id -u; cat /proc/self/setgroups"]'
        as_session 'RUNTIME=$(command -v "$RUNTIME")
                PATH=/nowhere "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null' >"$WORK/got" || {
                cat "$WORK/got"
                return 1
        }
        equal output "$(xargs <"$WORK/got")" '0 deny'
}

@test "rootless: without a cgroup of one's own a container without limits runs" {
        config '.process.args = ["id", "-u"]'
        config_write
        as_user timeout 60 "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >"$WORK/got" 2>"$WORK/err" || {
                cat "$WORK/err"
                return 1
        }
        is "$WORK/got" 0
}

@test "rootless: without a cgroup of one's own a limit is refused" {
        lacks crun && skip 'crun ignores it'
        config '.linux.resources = {memory: {limit: 67108864}}'
        config_write
        fails as_user timeout 60 "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID"
        state_gone
}

@test "rootless: limits in a delegated cgroup, by cgroupfs" {
        lacks crun && skip 'crun wants plain numbers'
        config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}} | .linux.cgroupsPath = "HERE"'
        as_session '
                mkdir "$own/init"
                echo $$ >"$own/init/cgroup.procs"
                echo "+memory +pids" >"$own/cgroup.subtree_control"
                sed -i "s:HERE:${own#/sys/fs/cgroup}/$ID:" "$BUNDLE/config.json"
                rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/out" 2>&1 || cat "$WORK/out"
                sed "s/^0::.*service/X/" /proc/$(cat "$WORK/pid")/cgroup
                cat "$own/$ID/memory.max" "$own/$ID/pids.max"
                rt update --memory 128M --memory-swap 128M "$ID"
                cat "$own/$ID/memory.max"
                rt exec "$ID" cat /proc/self/cgroup /sys/fs/cgroup/memory.max
                rt pause "$ID"
                cat "$own/$ID/cgroup.freeze"
                rt resume "$ID"
                rt delete --force "$ID"
                [ ! -e "$own/$ID" ]' >"$WORK/got" || { cat "$WORK/got"; return 1; }
        is "$WORK/got" "X/$ID
67108864
20
134217728
0::/
134217728
1"
}

@test "rootless: limits by the user's own systemd" {
        lacks crun && skip 'crun 1.8 tells systemd of no limits'
        config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}} | .linux.cgroupsPath = $unit' \
                --arg unit "user.slice:test:$ID"
        as_session '
                rt --systemd-cgroup run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/out" 2>&1 || cat "$WORK/out"
                cg=/sys/fs/cgroup$(sed s/^0::// /proc/$(cat "$WORK/pid")/cgroup)
                echo "${cg##*/}"
                systemctl --user show --property MemoryMax --property TasksMax "test-$ID.scope" | sort
                cat "$cg/memory.max" "$cg/pids.max"
                rt exec "$ID" cat /proc/self/cgroup
                rt --systemd-cgroup update --pids-limit 30 "$ID"
                systemctl --user show --property TasksMax "test-$ID.scope"
                cat "$cg/pids.max"
                rt delete --force "$ID"
                for i in $(seq 100); do
                        state=$(systemctl --user show --property LoadState --value "test-$ID.scope")
                        [ "$state" != not-found ] || break
                        sleep 0.2
                done
                echo "$state"
                [ ! -e "$cg" ]' >"$WORK/got" || { cat "$WORK/got"; return 1; }
        is "$WORK/got" "test-$ID.scope
MemoryMax=67108864
TasksMax=20
67108864
20
0::/
TasksMax=30
30
not-found"
}

@test "rootless: the state stands below XDG_RUNTIME_DIR when no root is named" {
        config_write
        as_session '
                "$RUNTIME" run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$WORK/out" 2>&1 || cat "$WORK/out"
                compgen -G "$XDG_RUNTIME_DIR/*/$ID*" >/dev/null
                "$RUNTIME" delete --force "$ID"' >"$WORK/got" 2>&1 || { cat "$WORK/got"; return 1; }
}

@test "rootless: ids that are not the user's are refused" {
        config '.linux.uidMappings[1].hostID = 1'
        config_write
        fails as_user timeout 60 "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID"
        state_gone
}

@test "rootless: without a user namespace it is refused" {
        config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
        config_write
        fails as_user timeout 60 "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID"
        state_gone
}
