#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What the configuration says of the process and its host: identity, rights, limits, names.

load helpers

@test "user, group and additional groups" {
        config '.process.user = {uid: 1000, gid: 1001, additionalGids: [2000, 2001]}'
        script 'id -u; id -g; id -G; echo $HOME'
        run rt run "$ID"
        [ "${lines[*]}" = "1000 1001 1001 2000 2001 /home/test" ]
}

@test "umask" {
        config '.process.user.umask = 63'
        script 'umask'
        [ "$(rt run "$ID")" = 0077 ]
        config 'del(.process.user.umask)'
        (umask 0027 && [ "$(rt run "$ID")" = 0022 ])
}

@test "environment: just what is listed" {
        config '.process.env = ["PATH=/bin", "A=x y", "EMPTY=", "B=1"]'
        script 'env | sort | grep -v -e ^_= -e ^SHLVL= -e ^PWD='
        run env LEAK=1 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "${lines[*]}" = "A=x y B=1 EMPTY= HOME=/root PATH=/bin" ]
}

@test "working directory: entered, and made when it is not there" {
        config '.process.cwd = "/tmp"'
        process pwd
        [ "$(rt run "$ID")" = /tmp ]
        config '.process.cwd = "/new/directory"'
        [ "$(rt run "$ID")" = /new/directory ]
        config '.process.cwd = "relative"'
        run ! rt run "$ID"
}

@test "arguments go through as they are" {
        process printf '[%s]' 'two words' '' '*' '"q"' $'new\nline' 'ünï'
        [ "$(rt run "$ID")" = $'[two words][][*]["q"][new\nline][ünï]' ]
}

@test "capabilities: all five sets" {
        config '.process.capabilities = {
                bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW", "CAP_SETUID"],
                permitted: ["CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW"], effective: ["CAP_KILL", "CAP_CHOWN"],
                inheritable: ["CAP_KILL", "CAP_NET_RAW"], ambient: ["CAP_KILL"]} | .process.user = {uid: 1000, gid: 1000}'
        process grep Cap /proc/self/status
        rt run "$ID" >"$WORK/caps"
        cat "$WORK/caps"
        # What execve() makes of them for a user other than root: the ambient set.
        grep -qx 'CapInh:.0000000000002020' "$WORK/caps"
        grep -qx 'CapPrm:.0000000000000020' "$WORK/caps"
        grep -qx 'CapEff:.0000000000000020' "$WORK/caps"
        grep -qx 'CapBnd:.00000000000020a1' "$WORK/caps"
        grep -qx 'CapAmb:.0000000000000020' "$WORK/caps"
}

@test "capabilities: none" {
        config 'del(.process.capabilities)'
        process grep Cap /proc/self/status
        rt run "$ID" >"$WORK/caps"
        [ "$(grep -c ':.0000000000000000' "$WORK/caps")" -eq 5 ]
}

@test "capabilities: an unknown name is no error" {
        config '.process.capabilities.bounding += ["CAP_NO_SUCH"]'
        rt run "$ID"
}

@test "no_new_privs" {
        process grep NoNewPrivs /proc/self/status
        [[ $(rt run "$ID") == *1 ]]
        config '.process.noNewPrivileges = false'
        [[ $(rt run "$ID") == *0 ]]
}

@test "rlimits" {
        config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 99, hard: 101}, {type: "RLIMIT_CORE", soft: 0, hard: 4096},
                {type: "RLIMIT_STACK", soft: 4194304, hard: 8388608}, {type: "RLIMIT_NPROC", soft: 50, hard: 60}]'
        process cat /proc/self/limits
        rt run "$ID" >"$WORK/limits"
        grep -qE '^Max open files +99 +101 ' "$WORK/limits"
        grep -qE '^Max core file size +0 +4096 ' "$WORK/limits"
        grep -qE '^Max stack size +4194304 +8388608 ' "$WORK/limits"
        grep -qE '^Max processes +50 +60 ' "$WORK/limits"
        config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 102, hard: 101}]'
        run ! rt run "$ID"
        config '.process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 1}]'
        run ! rt run "$ID"
}

@test "rlimits: those that would not do for the making of a container" {
        config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 8, hard: 8}, {type: "RLIMIT_FSIZE", soft: 0, hard: 0}] |
                .hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo written >\($w)/by-hook"]}]' --arg w "$WORK"
        process sh -c 'ulimit -n; ulimit -f'
        [ "$(rt run "$ID")" = $'8\n0' ]
        [ "$(cat "$WORK/by-hook")" = written ]
        config '.process.rlimits |= .[:1]'
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt start "$ID"
        wait_for 5 has_status "$ID" stopped
        [ "$(head -n 1 "$WORK/out")" = 8 ]
        rt delete "$ID"
}

@test "rlimits: the same one twice" {
        skip_runc "takes the last"
        config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 99, hard: 101}, {type: "RLIMIT_NOFILE", soft: 9, hard: 10}]'
        run ! rt run "$ID"
}

@test "oom_score_adj" {
        config '.process.oomScoreAdj = 123'
        process cat /proc/self/oom_score_adj
        [ "$(rt run "$ID")" = 123 ]
}

@test "scheduler" {
        skip_runc "knows none"
        probe_into rootfs
        process probe policy
        config '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
        [[ $(rt run "$ID") == "policy=3 priority=0 nice=7 "* ]]
        config '.process.scheduler = {policy: "SCHED_IDLE"}'
        [[ $(rt run "$ID") == "policy=5 "* ]]
        config '.process.scheduler = {policy: "SCHED_NOSUCH"}'
        run ! rt run "$ID"
}

@test "scheduler: real time, where the host lets us" {
        skip_runc "knows none"
        chrt -f 1 true || skip "this host allows no real-time scheduling"
        bundle_at "$WORK/try" "$ID"
        jq '.process.args = ["chrt", "-f", "1", "true"] | .process.capabilities |= with_entries(.value += ["CAP_SYS_NICE"])' "$WORK/try/config.json" >config.json
        rt run "$ID" || skip "this host allows no real-time scheduling in a new cgroup"
        probe_into rootfs
        process probe policy
        config '.process.scheduler = {policy: "SCHED_FIFO", priority: 5} | .process.capabilities |= with_entries(.value += ["CAP_SYS_NICE"])'
        [[ $(rt run "$ID") == "policy=1 priority=5 "* ]]
}

@test "ioPriority" {
        skip_runc "knows none"
        probe_into rootfs
        process probe policy
        config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
        [[ $(rt run "$ID") == *"ioclass=2 iolevel=6" ]]
        config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
        [[ $(rt run "$ID") == *"ioclass=3 iolevel=0" ]]
        config '.process.ioPriority = {class: "IOPRIO_CLASS_NOSUCH", priority: 0}'
        run ! rt run "$ID"
}

@test "personality" {
        skip_runc "knows none"
        process uname -m
        config '.linux.personality = {domain: "LINUX32"}'
        [ "$(rt run "$ID")" = i686 ]
        config '.linux.personality = {domain: "LINUX"}'
        [ "$(rt run "$ID")" = x86_64 ]
        config '.linux.personality = {domain: "SOLARIS"}'
        run ! rt run "$ID"
}

@test "hostname and domain name" {
        script 'hostname; cat /proc/sys/kernel/domainname'
        config '.hostname = "my-box"'
        run rt run "$ID"
        [ "${lines[0]}" = my-box ]
        config '.linux.namespaces |= map(select(.type != "uts"))'
        run ! rt run "$ID"
}

@test "domain name" {
        skip_runc "knows none"
        process cat /proc/sys/kernel/domainname
        config '.domainname = "example.org"'
        [ "$(rt run "$ID")" = example.org ]
}

@test "sysctl: in the container's namespaces" {
        config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "123456", "net/ipv4/conf/lo/forwarding": "0",
                "fs.mqueue.msg_max": "11"}'
        script 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/net/ipv4/conf/lo/forwarding /proc/sys/fs/mqueue/msg_max'
        local before
        before=$(cat /proc/sys/kernel/shmmax)
        run rt run "$ID"
        echo "$output"
        [ "${lines[*]}" = "1 123456 0 11" ]
        [ "$(cat /proc/sys/kernel/shmmax)" = "$before" ]
}

@test "sysctl: what would change the host is refused" {
        for key in vm.swappiness kernel.core_pattern kernel.panic ../../etc/passwd net.ipv4.no_such_thing; do
                config '.linux.sysctl = {($key): "1"}' --arg key "$key"
                run rt run "$ID"
                [ "$status" -ne 0 ]
        done
        config '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))'
        run ! rt run "$ID"
        config '.linux.sysctl = {"kernel.shmmax": "1"} | .linux.namespaces |= map(select(.type != "ipc"))'
        run ! rt run "$ID"
}

@test "what this host cannot give is refused, not ignored" {
        [ ! -e /sys/fs/resctrl/info ] || skip "this host has resctrl"
        config '.linux.intelRdt = {l3CacheSchema: "L3:0=7f0"}'
        run ! rt run "$ID"
        [ -n "$output" ]
}

@test "AppArmor and SELinux are refused where the host has them not" {
        [ ! -e /sys/module/apparmor/parameters/enabled ] || skip "this host has AppArmor"
        config '.process.apparmorProfile = "some-profile"'
        run ! rt run "$ID"
        config 'del(.process.apparmorProfile) | .process.selinuxLabel = "system_u:system_r:svirt_t:s0"'
        run ! rt run "$ID"
}

@test "another 1.x of the specification and unknown fields are accepted, 2.x is not" {
        config '.ociVersion = "1.0.0" | .unknown = {"a": 1} | .process.unknown = true | .linux.unknown = []'
        rt run "$ID"
        config '.ociVersion = "1.99.7"'
        rt run "$ID"
}

@test "a version that is none is refused" {
        skip_runc "takes any"
        for version in 2.0.0 0.9.0 "" x; do
                config '.ociVersion = $v' --arg v "$version"
                run ! rt run "$ID"
        done
}

@test "the host's binary cannot be reached from within" {
        probe_into rootfs
        local before
        before=$(sha256sum <"$RUNTIME")
        process /proc/self/exe
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        printf '#!/proc/self/exe\n' >rootfs/bin/script
        chmod +x rootfs/bin/script
        process /bin/script
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        script 'while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || probe writable $p/exe; done; done >/tmp/tries 2>&1'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        for i in {1..20}; do
                rt exec "$ID" /proc/self/exe >/dev/null 2>&1 || true
                rt exec "$ID" /bin/script >/dev/null 2>&1 || true
                rt exec "$ID" true
        done
        [ "$(sha256sum <"$RUNTIME")" = "$before" ]
}

@test "the working directory cannot be the host's through a descriptor" {
        for fd in 3 4 5 6 7 8 9 10 11 12 15 20; do
                config '.process.cwd = $p' --arg p "/proc/self/fd/$fd"
                process cat ../../../../../../etc/hostname
                run rt run "$ID"
                [ "$status" -ne 0 ]
        done
        config '.process.cwd = "/"'
        start_sleeper
        for fd in 3 4 5 6 7 8 9 10; do
                run rt exec --cwd "/proc/self/fd/$fd" "$ID" cat ../../../../../../etc/hostname
                [ "$status" -ne 0 ]
        done
}
