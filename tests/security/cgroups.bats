#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Attacks by way of cgroups, and on whoever has to end a container.

load attack

WRITABLE='.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
NO_NAMESPACE='.linux.namespaces |= map(select(.type != "cgroup"))'

# Prints the directories and files outside of the container's own cgroup that it could write or see.
see_cgroups='cd /sys/fs/cgroup; for d in . *; do [ -L "$d" ] || [ ! -f "$d/cgroup.procs" ] ||
        { echo "procs of $d: $(cat "$d/cgroup.procs" | tr "\n" " ")"; ls -d "$d"/release_agent "$d"/*/ 2>/dev/null; }; done
        find . -name "holt-*" -o -name "init.scope" -o -name "*.slice"; :'

@test "the container sees its own cgroups only, with and without a cgroup namespace" {
        # CVE-2023-25809
        local filter
        grant CAP_DAC_OVERRIDE
        sleep 300 3>&- &
        PIDS+=($!)
        for filter in . "$NO_NAMESPACE"; do
                config "$filter | $WRITABLE"
                script "$see_cgroups"
                run rt run "$ID"
                [ "$status" -eq 0 ]
                [[ $output == *"procs of"* ]]
                # Its own processes by their own numbers; no others (0: outside of the pid namespace).
                run ! grep -E 'release_agent|/$|holt-|slice|scope| 0 ' <<<"$output"
        done
}

@test "a read-only /sys/fs/cgroup is read-only, in every hierarchy" {
        grant CAP_DAC_OVERRIDE CAP_SYS_ADMIN
        local filter
        for filter in . "$NO_NAMESPACE"; do
                config "$filter"
                script 'for f in $(find /sys/fs/cgroup -name cgroup.procs -o -name tasks -o -name notify_on_release -o -name devices.allow); do
                                echo 1 2>/dev/null >$f && echo "wrote $f"
                        done; find /sys/fs/cgroup -name cgroup.procs | wc -l'
                run rt run "$ID"
                [[ $output != *wrote* ]]
                [[ $output =~ ^[1-9][0-9]*$ ]] || { echo "$output"; return 1; }
        done
}

@test "release_agent stays out of reach" {
        # CVE-2022-0492: root of a new user and cgroup namespace mounts a hierarchy of v1 for himself.
        local filter
        cat >rootfs/bin/escape <<'SH'
#!/bin/sh
mkdir -p /mnt/cg
for c in memory pids cpuset freezer devices rdma misc none,name=evil; do
        mount -t cgroup -o $c cgroup /mnt/cg 2>/dev/null || continue
        echo "mounted $c"
        echo /evil >/mnt/cg/release_agent && echo "owned $c"
        umount /mnt/cg
done
mount -t cgroup2 cgroup /mnt/cg 2>/dev/null && echo "mounted v2" && ls -d /mnt/cg/*.slice /mnt/cg/holt-* 2>/dev/null
mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo "owned by remount"
for f in $(find /sys/fs/cgroup /mnt/cg -name release_agent); do echo /evil >$f && echo "owned $f"; done
echo done
SH
        chmod +x rootfs/bin/escape
        for filter in . "$NO_NAMESPACE" "$WRITABLE"; do
                config "$filter | .process.noNewPrivileges = false"
                process /bin/escape
                run rt run "$ID"
                [[ $output == *done* && $output != *mounted* && $output != *owned* ]] || { echo "$output"; return 1; }
                process /bin/attacker newns /bin/escape
                run rt run "$ID"
                [[ $output == *done* && $output != *owned* && $output != *slice* && $output != *holt-* ]] || { echo "$output"; return 1; }
        done
        run ! grep -rs . /sys/fs/cgroup/*/release_agent
}

@test "exec --cgroup stays below the container" {
        config "$WRITABLE"
        start_sleeper
        local sub
        for sub in .. ../.. ../../.. /.. /../.. a/../.. ./.. ../../../tmp '' / . memory:.. memory:../.. :.. ':../..' no-such no-such:a "$(printf 'x%.0s' {1..5000})"; do
                run timeout 20 "$RUNTIME" --root "$ROOT" exec --cgroup "$sub" "$ID" cat /proc/self/cgroup
                [ "$status" -lt 124 ] || [ "$status" -eq 255 ]
                if [ "$status" -eq 0 ]; then
                        # With a cgroup namespace a path outside of it begins with /..
                        run ! grep -F '..' <<<"$output"
                fi
        done
        for sub in .. ../.. a/../.. memory:..; do
                refused exec --cgroup "$sub" "$ID" true
        done
}

@test "a paused container can be killed and deleted" {
        start_sleeper
        local pid
        pid=$(pid_of "$ID")
        rt pause "$ID"
        timeout 20 "$RUNTIME" --root "$ROOT" kill "$ID" KILL
        wait_for 5 is_gone "$pid"
        rt delete "$ID"
        start_sleeper
        rt pause "$ID"
        timeout 20 "$RUNTIME" --root "$ROOT" delete --force "$ID"
        start_sleeper
        rt pause "$ID"
        refused exec "$ID" true
        timeout 20 "$RUNTIME" --root "$ROOT" delete --force "$ID"
}

@test "a frozen cgroup is refused, not waited for" {
        local dir file frozen
        if [[ -n $CGROUP_V2 ]]; then
                dir=/sys/fs/cgroup/holt-frozen-$$ file=cgroup.freeze frozen=1
        else
                dir=/sys/fs/cgroup/freezer/holt-frozen-$$ file=freezer.state frozen=FROZEN
        fi
        mkdir "$dir"
        echo $frozen >"$dir/$file"
        config '.linux.cgroupsPath = $p' --arg p "/holt-frozen-$$/$ID"
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        local status_below=$status
        config '.linux.cgroupsPath = $p' --arg p "/holt-frozen-$$"
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        if [[ -n $CGROUP_V2 ]]; then echo 0 >"$dir/$file"; else echo THAWED >"$dir/$file"; fi 2>/dev/null || true
        find /sys/fs/cgroup -depth -type d -path "*/holt-frozen-$$*" -exec rmdir {} + 2>/dev/null || true
        [ "$status_below" -ne 0 ]
        [ "$status_below" -ne 124 ]
        [ "$status" -ne 0 ]
        [ "$status" -ne 124 ]
}

@test "a container that takes another's cgroup is refused and does the other no harm" {
        start_sleeper
        local pid other
        pid=$(pid_of "$ID")
        sleep 300 3>&- &
        other=$!
        PIDS+=("$other")
        bundle_at "$WORK/second" "$ID"
        refused run -b "$WORK/second" "$ID-2"
        refused create -b "$WORK/second" "$ID-2"
        sleep 0.2
        run ! is_gone "$pid"
        has_status "$ID" running
        rt exec "$ID" true
        # An empty one that was there before stays, too.
        local dir
        for dir in /sys/fs/cgroup/{,freezer/,memory/,unified/}; do
                [[ ! -e $dir/cgroup.procs ]] || mkdir -p "$dir/$ID-old/inner"
        done
        jq '.linux.cgroupsPath = $p | .process.args = ["/none"]' --arg p "/$ID-old" "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        refused run -b "$WORK/second" "$ID-3"
        find /sys/fs/cgroup -depth -type d -path "*/$ID-old*" -exec rmdir {} + 2>/dev/null || true
}

@test "a container that freezes itself in cgroups of its own can be ended" {
        grant CAP_DAC_OVERRIDE CAP_SYS_ADMIN
        config "$WRITABLE"
        cat >rootfs/bin/hide <<'SH'
#!/bin/sh
cd /sys/fs/cgroup
for root in freezer unified .; do
        [ -d $root ] || continue
        mkdir -p $root/$2/b 2>/dev/null || continue
        sleep 1000 & echo $! >$root/$2/b/cgroup.procs
        [ "$1" = init ] && echo 1 >$root/$2/b/cgroup.procs
done 2>/dev/null
echo ready
for root in freezer unified .; do
        for d in $2/b $2; do
                [ -f $root/$d/freezer.state ] && echo FROZEN >$root/$d/freezer.state
                [ -f $root/$d/cgroup.freeze ] && echo 1 >$root/$d/cgroup.freeze
        done
done 2>/dev/null
exec sleep 1000
SH
        chmod +x rootfs/bin/hide
        local who name pid
        for who in "init a" "child a" "init .a" "child .a"; do
                read -r who name <<<"$who"
                process /bin/hide "$who" "$name"
                rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
                wait_for 5 grep -q ready "$WORK/out"
                sleep 0.3
                pid=$(pid_of "$ID")
                run timeout 30 "$RUNTIME" --root "$ROOT" delete --force "$ID"
                [ "$status" -eq 0 ] || {
                        echo "$who $name: $status $output"
                        find /sys/fs/cgroup -path "*$ID*" -name freezer.state -exec sh -c 'echo THAWED >"$1"' _ {} \;
                        return 1
                }
                wait_for 5 is_gone "$pid"
                [ -z "$(cgroups_left "$ID")" ]
        done
}

@test "cgroups that the container nests and fills do not outlive it" {
        grant CAP_DAC_OVERRIDE
        config "$WRITABLE"
        script 'cd /sys/fs/cgroup; for r in * .; do (cd $r && for i in $(seq 150); do mkdir -p d && cd d || break; done; sleep 1000 & echo $! >cgroup.procs; echo FROZEN >freezer.state) 2>/dev/null; done; echo ready; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 20 grep -q ready "$WORK/out"
        timeout 30 "$RUNTIME" --root "$ROOT" delete --force "$ID"
        [ -z "$(cgroups_left "$ID")" ]
}

@test "cgroups that are nested deeper than there are descriptors do not outlive the container" {
        grant CAP_DAC_OVERRIDE
        config "$WRITABLE"
        script 'cd /sys/fs/cgroup; for r in memory freezer .; do (cd $r && for i in $(seq 1200); do mkdir -p d e/f && cd d || break; done; sleep 1000 & echo $! >cgroup.procs; echo FROZEN >freezer.state) 2>/dev/null; done; echo ready; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 20 grep -q ready "$WORK/out"
        timeout 30 "$RUNTIME" --root "$ROOT" delete --force "$ID"
        [ -z "$(cgroups_left "$ID")" ]
}

@test "a corpse that the container keeps costs the runtime no time" {
        # An exec'd process is ours to wait for; its tracer decides when we may.
        local runtime status=0 before after
        process /bin/attacker trace 60
        rt run -d "$ID" </dev/null >"$WORK/attack" 2>&1 3>&-
        wait_for 5 grep -q ready "$WORK/attack"
        background rt exec "$ID" sleep 1000 </dev/null
        runtime=$!
        wait_for 10 grep -q '^got 1$' "$WORK/attack"
        ticks() { awk '{print $14 + $15}' "/proc/$runtime/stat"; }
        before=$(ticks)
        sleep 1
        after=$(ticks)
        ((after - before < 20))
        touch rootfs/stop
        wait "$runtime" || status=$?
        [ "$status" -eq 137 ]
}
