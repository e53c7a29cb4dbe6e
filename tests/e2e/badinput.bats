#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What nobody should feed a runtime: broken configurations, wrong moments, full disks, and its own violent death.
# Every refusal is an exit status below 128 (no crash), a message, and nothing left behind.

load helpers

# refused COMMAND...: fails, says why, does not crash or hang
refused() {
        run timeout 20 "$RUNTIME" --root "$ROOT" "$@"
        if [ "$status" -eq 0 ] || [ "$status" -ge 124 -a "$status" -lt 255 ] || [ -z "$output" ]; then
                echo "status $status, ${#output} characters: ${output:0:300}"
                return 1
        fi
}

ran_nothing() {
        [ ! -e "$BUNDLE/rootfs/ran" ]
        run ! rt state "$ID"
}

setup() {
        bundle_make
        process touch /ran
}

@test "config.json: none, empty, no JSON, no object" {
        rm config.json
        refused run "$ID"
        local text
        for text in '' ' ' 'x' '{' '[]' 'null' '1' '"text"' '{"ociVersion": }' '{"a": 1} trailing' $'\xff\xfe{}' '{}{}'; do
                printf '%s' "$text" >config.json
                refused run "$ID" || { echo "accepted: $text"; return 1; }
                refused create "$ID"
        done
        ran_nothing
        no_leaks
}

@test "config.json: truncated at any place" {
        cp config.json whole.json
        local size at
        size=$(wc -c <whole.json)
        for ((at = 1; at < size - 2; at += size / 60)); do
                head -c "$at" whole.json >config.json
                refused run "$ID" || { echo "accepted at $at"; return 1; }
        done
        ran_nothing
        no_leaks
}

@test "config.json: a directory, a pipe that nobody writes, a device" {
        skip_runc "opens whatever it is"
        rm config.json
        mkdir config.json
        refused run "$ID"
        rmdir config.json
        mkfifo config.json
        refused run "$ID"
        rm config.json
        ln -s /dev/zero config.json
        (ulimit -v 2000000 && refused run "$ID")
        ran_nothing
}

@test "a namespace's path that is a pipe which nobody writes" {
        mkfifo "$WORK/pipe"
        config '(.linux.namespaces[] | select(.type == "network")).path = $p' --arg p "$WORK/pipe"
        run timeout -s KILL 10 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
        [ "$status" -eq 1 ]
        [[ $output == *"not a namespace"* ]]
}

@test "config.json: huge" {
        jq -c . config.json | sed 's/}$//' >big.json
        printf ',"annotations":{' >>big.json
        head -c 60000000 /dev/zero | tr '\0' x | sed 's/^/"k":"/; s/$/"}}/' >>big.json
        mv big.json config.json
        run timeout 60 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -eq 0 ] || [ "$status" -lt 124 ] || [ "$status" -eq 255 ]
        no_leaks
}

@test "config.json: deeply nested" {
        python3 -c 'print("[" * 1000000)' >config.json
        refused run "$ID"
        python3 -c 'print("{\"a\":" * 200000 + "1" + "}" * 200000)' >config.json
        refused run "$ID"
        jq -c '. + {deep: 1}' "$TESTS/config.json" >flat.json
        python3 - flat.json >config.json <<'PY'
import sys
print(open(sys.argv[1]).read().replace('"deep":1', '"deep":' + "[" * 100000 + "]" * 100000))
PY
        refused run "$ID"
        ran_nothing
}

@test "config.json: wrong types everywhere" {
        cp config.json whole.json
        local filter
        for filter in '.ociVersion = 1' '.process = []' '.process.args = "sh"' '.process.args = [1]' '.process.args = []' \
                '.process.env = {}' '.process.cwd = 5' '.process.user = "root"' '.process.user.uid = "0"' '.process.user.uid = -1' \
                '.process.user.uid = 4294967296' '.process.user.uid = 1.5' '.process.user.additionalGids = 5' '.process.terminal = "yes"' \
                '.process.capabilities = []' '.process.rlimits = {}' '.process.rlimits = [{type: 5}]' '.root = "rootfs"' '.root.path = {}' '.root.readonly = 1' \
                '.hostname = []' '.mounts = {}' '.mounts = ["x"]' '.mounts = [{destination: 5}]' '.mounts[0].options = "ro"' \
                '.linux = []' '.linux.namespaces = {}' '.linux.namespaces = ["pid"]' '.linux.namespaces = [{type: 5}]' \
                '.linux.resources = []' '.linux.resources.memory = 5' '.linux.resources.memory.limit = "1g"' '.linux.resources.pids.limit = 1e30' \
                '.linux.sysctl = []' '.linux.sysctl = {"a": 1}' '.linux.maskedPaths = "x"' '.linux.seccomp = []' '.linux.seccomp = {defaultAction: 1}' \
                '.hooks = []' '.hooks.prestart = {}' '.hooks.prestart = ["x"]' '.annotations = []' '.annotations = {"a": 1}'; do
                jq "$filter" whole.json >config.json
                refused run "$ID" || { echo "accepted: $filter"; return 1; }
        done
        ran_nothing
        no_leaks
}

@test "config.json: what must be there is missing" {
        cp config.json whole.json
        local filter
        for filter in 'del(.process)' 'del(.process.args)' 'del(.root)' '.root.path = ""' '.root.path = "none"' '.root.path = "config.json"' \
                'del(.process.cwd)' '.process.args = [""]' '.process.cwd = ""' '.mounts[0] |= del(.destination)'; do
                jq "$filter" whole.json >config.json
                refused run "$ID" || { echo "accepted: $filter"; return 1; }
        done
        ran_nothing
        no_leaks
}

@test "config.json: no version" {
        skip_runc "takes it"
        config 'del(.ociVersion)'
        refused run "$ID"
}

@test "config.json: strings with NUL, newlines and 100,000 characters" {
        cp config.json whole.json
        local filter
        for filter in '.process.args[0] = "/bin/true\u0000x"' '.hostname = ("x" * 100000)' '.process.cwd = "/" + ("x" * 100000)' \
                '.root.path = ("x" * 100000)' '.mounts[0].source = "a\u0000b"' '.process.env += ["A\u0000=1"]' '.mounts[0].destination = "/" + ("x" * 5000)'; do
                jq "$filter" whole.json >config.json
                refused run "$ID" || { echo "accepted: $filter"; return 1; }
        done
        ran_nothing
        no_leaks
}

@test "config.json: 64 KiB of mappings and paths" {
        config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [range(5000) | {containerID: ., hostID: (. + 100000), size: 1}] |
                .linux.gidMappings = .linux.uidMappings'
        refused run "$ID"
        config 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user")) |
                .linux.maskedPaths = [range(3000) | "/no/such/path/\(.)" + ("x" * 50)]'
        run timeout 60 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -eq 0 ]
        no_leaks
}

@test "a bundle that is not there" {
        refused run --bundle "$WORK/none" "$ID"
        refused run --bundle "$BUNDLE/config.json" "$ID"
        no_leaks
}

@test "a name that exists, a second start, kill of a stopped one, state of none" {
        start_sleeper
        local pid
        pid=$(pid_of "$ID")
        refused run "$ID"
        refused create "$ID"
        [ "$(pid_of "$ID")" = "$pid" ]
        refused start "$ID"
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        refused create "$ID"
        refused start "$ID"
        refused kill "$ID" TERM
        rt delete "$ID"
        refused state "$ID"
        refused delete "$ID"
        refused start "$ID"
        refused exec "$ID" true
        no_leaks
}

@test "a state file that was destroyed is no crash, and can be deleted" {
        skip_runc "keeps another file"
        start_sleeper
        local pid text
        pid=$(pid_of "$ID")
        cp "$ROOT/$ID:state" "$WORK/state"
        for text in '' '{' '[]' '{}' 'x' '{"id": 5}' "$(head -c 300 "$WORK/state")"; do
                printf '%s' "$text" >"$ROOT/$ID:state"
                refused exec "$ID" true || { echo "accepted: $text"; return 1; }
                for command in state list ps pause; do
                        run timeout 10 "$RUNTIME" --root "$ROOT" $command "$ID"
                        [ "$status" -lt 124 ] || [ "$status" -eq 255 ]
                done
        done
        cp "$WORK/state" "$ROOT/$ID:state"
        [ "$(pid_of "$ID")" = "$pid" ]
        rt delete --force "$ID"
        printf '{' >"$ROOT/$ID:state"
        rt delete --force "$ID"
        [ -z "$(find "$ROOT" -name "$ID*")" ]
        no_leaks
}

@test "a pid that belongs to somebody else now is not killed" {
        skip_runc "keeps another file"
        background sleep 1000
        local victim=$!
        start_sleeper
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        sed -i "2s/^[0-9]*/$victim/" "$ROOT/$ID:state"
        grep -q "^$victim " "$ROOT/$ID:state"
        [ "$(status_of "$ID")" = stopped ]
        run ! rt kill "$ID" KILL
        rt delete --force "$ID"
        kill -0 "$victim"
}

@test "a hook that hangs is ended by its timeout, and nothing stays" {
        config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "trap : TERM INT HUP; while :; do sleep 0.1; done"], timeout: 1}]'
        refused run "$ID"
        no_leaks
}

@test "a full disk: the state's" {
        mkdir "$ROOT"
        mount -t tmpfs -o mode=700,size=64k,nr_inodes=40 holt-e2e "$ROOT"
        dd if=/dev/zero of="$ROOT/.fill" bs=1k count=64 2>/dev/null || true
        local result=0
        refused run "$ID" || result=1
        refused create "$ID" || result=1
        [ ! -e "$BUNDLE/rootfs/ran" ] || result=1
        rm "$ROOT/.fill"
        rt run "$ID" || result=1
        umount "$ROOT"
        [ "$result" -eq 0 ]
        no_leaks
}

@test "a full disk: at every size up to what it needs" {
        mkdir "$ROOT"
        mount -t tmpfs -o mode=700,size=128k,nr_inodes=40 holt-e2e "$ROOT"
        local free result=0
        for ((free = 0; free <= 40; free += 4)); do
                dd if=/dev/zero of="$ROOT/.fill" bs=1k count=$((128 - free)) 2>/dev/null || true
                run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
                [ "$status" -lt 124 ] || [ "$status" -eq 255 ] || result=1
                rm -f "$ROOT/.fill"
                rt delete --force "$ID" || result=1
                [ -z "$(find "$ROOT" -name "$ID*")" ] || result=1
        done
        umount "$ROOT"
        [ "$result" -eq 0 ]
        no_leaks
}

@test "a root that cannot be written" {
        mkdir "$ROOT"
        mount -t tmpfs -o ro holt-e2e "$ROOT"
        local result=0
        refused run "$ID" || result=1
        umount "$ROOT"
        [ "$result" -eq 0 ]
        rm -r "$ROOT"
        touch "$ROOT"
        refused run "$ID"
        rm "$ROOT"
}

@test "closed descriptors 0, 1 and 2" {
        process /bin/true
        rt run "$ID" <&-
        rt run "$ID" >&-
        rt run "$ID" 2>&-
        rt run "$ID" <&- >&- 2>&-
}

@test "a caller that ignores SIGCHLD" {
        # With python, because a shell does not pass it on.
        ignoring() {
                timeout -s KILL 20 python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$RUNTIME" --root "$ROOT" "$@" </dev/null
        }
        config '.hooks.createRuntime = [{path: "/bin/true"}]'
        script 'exit 7'
        run -7 ignoring run "$ID"
        start_sleeper
        run -7 ignoring exec "$ID" sh -c 'exit 7'
        run -0 ignoring ps "$ID"
        [[ $output == *sleep* ]]
}

@test "no descriptors to spare" {
        process /bin/true
        local limit
        for limit in 3 4 5 6 8 10 12 14 16 20 24 32 64; do
                run timeout 20 sh -c 'ulimit -n $1; shift; exec "$@"' sh $limit "$RUNTIME" --root "$ROOT" run "$ID"
                [ "$status" -lt 124 ] || [ "$status" -eq 127 ] || [ "$status" -eq 255 ] || { echo "limit $limit: $status $output"; return 1; }
                rt delete --force "$ID"
                no_leaks
        done
        [ "$status" -eq 0 ]
}

@test "an empty environment" {
        env -i "$RUNTIME" --root "$ROOT" run "$ID"
        [ -e rootfs/ran ]
}

# Kills the runtime after a moment that grows from nothing to a little more than a whole run takes.
kill_at_random() { # COUNT COMMAND...
        local count=$1 i took begun
        shift
        begun=$(date +%s%N)
        "$RUNTIME" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&-
        took=$((($(date +%s%N) - begun) / 1000))
        rt delete --force "$ID"
        for ((i = 0; i < count; i++)); do
                "$RUNTIME" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&- &
                local pid=$!
                sleep "$(printf '0.%06d' $((took * i * 12 / count / 10)))"
                kill -KILL "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
                timeout 20 "$RUNTIME" --root "$ROOT" delete --force "$ID" || return 1
                no_leaks || { echo "after being killed at try $i of $count"; return 1; }
        done
}

@test "kill -9 of run at a hundred moments, delete --force, nothing left" {
        skip_runc "leaks cgroups that it had not yet written down"
        config '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 50}}'
        kill_at_random 100 run "$ID"
}

@test "kill -9 of create at fifty moments" {
        skip_runc "leaks cgroups that it had not yet written down"
        kill_at_random 50 create "$ID"
}

@test "kill -9 of run with hooks, user namespace and seccomp at fifty moments" {
        skip_runc "leaks cgroups that it had not yet written down"
        config '.linux.namespaces += [{type: "user"}] | .mounts |= map(select(.type != "mqueue")) |
                .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings |
                .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]} |
                .hooks = {createRuntime: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}], poststart: [{path: "/bin/true"}],
                poststop: [{path: "/bin/true"}]}'
        kill_at_random 50 run "$ID"
}

@test "kill -9 of run while a hook runs in the container's first process: it dies too" {
        local userns runtime pid
        process touch /started
        cp config.json plain.json
        for userns in '' '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
                .linux.gidMappings = .linux.uidMappings |'; do
                cp plain.json config.json
                rm -f "$WORK/hook"
                config "$userns"'.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo $PPID >$0; sleep 1", $f]}]' --arg f "$WORK/hook"
                [[ -z $userns ]] || {
                        chown -R 100000:100000 rootfs
                        chmod a+rwx "$WORK"
                        chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*
                }
                background rt run "$ID" </dev/null >"$WORK/out" 2>&1
                runtime=$!
                wait_for 5 test -s "$WORK/hook"
                pid=$(sed -n 2p "$ROOT/$ID:state" | cut -d' ' -f1)
                kill -KILL "$runtime"
                wait_for 5 is_gone "$pid"
                sleep 1.2
                [ ! -e rootfs/started ]
                rt delete --force "$ID"
        done
}

@test "kill -9 of exec at fifty moments leaves the container usable" {
        start_sleeper
        local i pid
        for ((i = 0; i < 50; i++)); do
                rt exec "$ID" true </dev/null >/dev/null 2>&1 3>&- &
                pid=$!
                sleep "0.$(printf %03d $((i / 3)))"
                kill -KILL "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
        [ "$(rt exec "$ID" echo fine)" = fine ]
        [ "$(status_of "$ID")" = running ]
}

@test "kill -9 of delete at thirty moments: a second one finishes it" {
        local i pid
        process sleep 1000
        for ((i = 0; i < 30; i++)); do
                rt run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
                "$RUNTIME" --root "$ROOT" delete --force "$ID" >/dev/null 2>&1 3>&- &
                pid=$!
                sleep "0.$(printf %03d $((i / 3)))"
                kill -KILL "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
                rt delete --force "$ID"
                no_leaks
        done
}
