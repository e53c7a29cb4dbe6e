#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What is laid over /proc, /sys and their files to have the runtime's writes and masks go elsewhere (CVE-2019-16884,
# CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-31133, CVE-2025-52881).

load attack

# mount_at DESTINATION SOURCE: a bind mount, before the mount of /proc (position 0) or as the last one.
bind_first() { config '.mounts = [{destination: $d, source: $s, type: "bind", options: ["rbind", "rw"]}] + .mounts' --arg d "$1" --arg s "$2"; }
bind_last() { config '.mounts += [{destination: $d, source: $s, type: "bind", options: ["rbind", "rw"]}]' --arg d "$1" --arg s "$2"; }

started_nothing() { [ ! -e "$BUNDLE/rootfs/started" ] && [ "$(ls "$HOST")" = "${1:-marker}" ]; }

@test "/proc or /sys of the image is a link" {
        local name target
        script 'touch /started'
        for name in proc sys; do
                for target in /tmp "$HOST" "../../../../../../..$HOST" /etc bin; do
                        rm -rf "rootfs/$name"
                        ln -s "$target" "rootfs/$name"
                        refused run "$ID"
                        started_nothing
                done
                rm "rootfs/$name"
                mkdir "rootfs/$name"
        done
}

@test "/proc is a volume, alone" {
        local place
        script 'touch /started'
        cp config.json plain.json
        for place in /proc //proc/ /proc// /./proc /proc/./; do
                cp plain.json config.json
                bind_first "$place" "$HOST"
                refused run "$ID"
                cp plain.json config.json
                bind_last "$place" "$HOST"
                refused run "$ID"
                config 'del(.mounts[] | select(.destination == "/proc"))'
                [[ $place == /proc ]] || refused run "$ID"
        done
        started_nothing
}

@test "/proc is a tmpfs" {
        script 'touch /started'
        config '.mounts = [{destination: "/proc", source: "tmpfs", type: "tmpfs"}] + .mounts'
        refused run "$ID"
        started_nothing
        # By another name: refused when it would hide the kernel's, harmless below it.
        config '.mounts[0].destination = "/tmp/.././proc"'
        script 'cat /proc/self/comm; echo x >/proc/sys/vm/panic_on_oom'
        run rt run "$ID"
        [[ $output == *cat* && $output == *"Read-only"* ]]
        config '.mounts = .mounts[1:] + .mounts[:1]'
        refused run "$ID"
}

@test "a volume or tmpfs over a file or directory of /proc" {
        local place
        script 'touch /started'
        cp config.json plain.json
        for place in /proc/self/attr /proc/self/attr/ /proc/sys /proc/sys/kernel /proc/1 /proc/self/fd /proc/self /bin/../proc/self/attr; do
                cp plain.json config.json
                bind_last "$place" "$HOST"
                refused run "$ID" || { echo "$place"; return 1; }
                cp plain.json config.json
                config '.mounts += [{destination: $d, source: "tmpfs", type: "tmpfs"}]' --arg d "$place"
                refused run "$ID" || { echo "$place"; return 1; }
        done
        for place in /proc/sysrq-trigger /proc/self/attr/current /proc/sys/kernel/core_pattern /proc/1/oom_score_adj; do
                cp plain.json config.json
                bind_last "$place" "$HOST/marker"
                refused run "$ID" || { echo "$place"; return 1; }
        done
        started_nothing
        [ "$(cat "$HOST/marker")" = unharmed ]
}

@test "the same through a link of the image" {
        script 'touch /started'
        ln -s /proc/self/attr rootfs/innocent
        bind_last /innocent "$HOST"
        refused run "$ID"
        ln -sfn ../../proc/sys rootfs/innocent
        refused run "$ID"
        started_nothing
        # Under the mount of /proc it does no harm.
        ln -sfn /proc rootfs/innocent
        config 'del(.mounts[-1])'
        bind_first /innocent "$HOST"
        script 'cat /proc/self/comm; ls /proc/marker'
        run rt run "$ID"
        [[ $output == *cat* && $output == *"No such file"* ]]
        [ "$(ls "$HOST")" = marker ]
}

@test "sysctls are written to the kernel, whatever stands at /proc/sys in the container" {
        # A mount that the runtime lets pass, because it is procfs: other files of it in the place of the right ones.
        config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"} | .linux.readonlyPaths = []'
        bind_last /proc/sys/net/ipv4/ip_forward /proc/sys/vm/panic_on_oom
        local before
        before=$(cat /proc/sys/vm/panic_on_oom)
        script 'cat /proc/sys/net/ipv4/conf/all/forwarding /proc/sys/kernel/shm_rmid_forced'
        run rt run "$ID"
        [ "$(cat /proc/sys/vm/panic_on_oom)" = "$before" ]
        [ "$status" -eq 0 ]
        [ "$output" = $'1\n1' ]
}

@test "sysctls that would leave their namespace or their directory" {
        local key
        script 'touch /started'
        for key in kernel.core_pattern vm.overcommit_memory kernel.sysrq net/../kernel/core_pattern net.../kernel/hostname \
                'net/ipv4/../../kernel/core_pattern' fs.mqueue/../file-max '/kernel/core_pattern' 'net./../kernel/sysrq' \
                kernel.hostname/ '' net fs.mqueue kernel/shm_rmid_forced/../sysrq; do
                config '.linux.sysctl = {($k): "1"}' --arg k "$key"
                refused run "$ID" || { echo "accepted: $key"; return 1; }
        done
        started_nothing
}

@test "dangerous files of /proc are out of reach after the start" {
        grant CAP_SYS_ADMIN CAP_DAC_OVERRIDE
        config '.linux.maskedPaths += ["/proc/sys/kernel/core_pattern"]'
        local before
        before=$(cat /proc/sys/kernel/core_pattern)
        script 'for f in /proc/sys/kernel/hostname /proc/sys/vm/panic_on_oom /proc/irq/default_smp_affinity; do
                        echo x 2>&1 >$f
                done
                echo "|/evil" >/proc/sys/kernel/core_pattern; cat /proc/sys/kernel/core_pattern /proc/kcore /proc/keys'
        run rt run "$ID"
        [ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ]
        [[ $output != *'|/evil'* ]]
        [ "$(grep -c "Read-only file system" <<<"$output")" -eq 3 ]
}

@test "/dev/null of the image is a link: masks use the host's" {
        local target
        config '.mounts |= map(select(.destination != "/dev")) | .linux.maskedPaths += ["/etc/secret"]'
        for target in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /etc/passwd /etc/innocent; do
                rm -rf rootfs/dev/*
                ln -s "$target" rootfs/dev/null
                echo 'a secret' >rootfs/etc/secret
                echo innocent >rootfs/etc/innocent
                script 'echo "[$(cat /proc/kcore)$(cat /proc/keys)$(cat /etc/secret)]"; echo x >/proc/keys && echo written'
                run rt run "$ID"
                if [ "$status" -eq 0 ]; then
                        [ "$output" = $'[]\nwritten' ]
                else
                        [[ $output == *"another file is in its place"* ]]
                fi
                [ "$(cat rootfs/etc/innocent)" = innocent ]
        done
}

@test "masks and read-only paths through links stay inside" {
        mkdir rootfs/real
        echo secret >rootfs/real/secret
        ln -s "$HOST" rootfs/out
        ln -s /real/secret rootfs/in
        config '.linux.maskedPaths += ["/in", "/out/marker", "/out", "/no/such"] | .linux.readonlyPaths += ["/out", "/real/../../../../../.."]'
        script 'cat /real/secret; echo done'
        run rt run "$ID"
        [ "$output" = "done" ]
        [ "$(cat "$HOST/marker")" = unharmed ]
}

@test "/dev is a volume in which null, console and the terminals are exchanged while containers start" {
        # CVE-2025-31133, CVE-2025-52565: one container races, the other one's masks and terminal are made meanwhile.
        local seconds=${RACE_SECONDS:-12} starts=0 ran=0 before
        local end=$((SECONDS + seconds))
        before=$(cat /proc/sys/kernel/core_pattern)
        mkdir -p "$WORK/dev/pts"
        mknod -m 666 "$WORK/dev/null" c 1 3
        touch "$WORK/dev/console"
        ln -s pts/ptmx "$WORK/dev/ptmx"
        echo innocent >rootfs/etc/innocent
        chmod 666 rootfs/etc/innocent
        ln -s /etc/innocent "$WORK/dev/null.evil"
        ln -s /proc/sys/kernel/core_pattern "$WORK/dev/console.evil"
        ln -s /proc/sys/kernel "$WORK/dev/pts.evil"
        ln -s /proc/sys/kernel/core_pattern "$WORK/dev/ptmx.evil"
        bundle_at "$WORK/second" "$ID-2"
        cp rootfs/bin/attacker "$WORK/second/rootfs/bin"
        jq '.mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind"]}] | .process.args = ["/bin/sh", "-c",
                "cd /vol; for n in null console pts ptmx; do /bin/attacker swap $n $n.evil \($s) & done; wait"]' \
                --arg v "$WORK/dev" --arg s "$seconds" "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        rt run -d -b "$WORK/second" "$ID-2" </dev/null >"$WORK/swap" 2>&1 3>&-
        config '.process.terminal = true | .linux.maskedPaths = ["/proc/keys", "/proc/timer_list"] | .linux.readonlyPaths = ["/proc/sys"] |
                .mounts |= map(if .destination == "/dev" then {destination: "/dev", type: "bind", source: $d, options: ["rbind"]} else . end)' \
                --arg d "$WORK/dev"
        # The shell must not write to /dev/null by itself: that is the image's file now and then.
        script 'for f in /proc/keys /proc/timer_list /dev/console /proc/sys/kernel/core_pattern; do echo "|/evil" >$f; done 2>/errors; echo inside'
        while ((SECONDS < end - 1)); do
                run timeout -s KILL 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                [ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ] || break
                [ "$(cat rootfs/etc/innocent)" = innocent ]
                [ "$status" -ne 137 ]
                [[ $output != *inside* ]] || ran=$((ran + 1))
                starts=$((starts + 1))
        done
        if [ "$(cat /proc/sys/kernel/core_pattern)" != "$before" ]; then
                echo "$before" >/proc/sys/kernel/core_pattern
                echo "the host's core_pattern was changed"
                return 1
        fi
        wait_for 10 grep -q swapped "$WORK/swap"
        echo "$starts starts, $ran ran"
        ((starts > 50 && ran > 5))
}
