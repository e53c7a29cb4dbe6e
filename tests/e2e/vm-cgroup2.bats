#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cgroup v2 alone, directories made by the runtime itself. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        CG=/sys/fs/cgroup/holt-vm/$ID
        bundle_make sleep 1000
        config '.linux.cgroupsPath = $p' --arg p "/holt-vm/$ID"
}

teardown() {
        vm_teardown
}

resources() {
        config ".linux.resources += $1"
}

# counter_stands: the container's counter does not move any more.
counter_stands() {
        local n
        n=$(cat "$BUNDLE/rootfs/tmp/n")
        sleep 1
        [ "$(cat "$BUNDLE/rootfs/tmp/n")" = "$n" ]
}

counter_make() {
        config '.process.args = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.05; done"]'
}

@test "v2: memory limit, reservation and swap; update of each" {
        resources '{"memory": {"limit": 67108864, "reservation": 33554432, "swap": 100663296}}'
        rt_start "$ID"
        is "$CG/memory.max" 67108864
        is "$CG/memory.low" 33554432
        is "$CG/memory.swap.max" 33554432

        lacks crun && return 0 # wants plain numbers
        rt update --memory 128M --memory-swap 256M "$ID"
        is "$CG/memory.max" 134217728
        is "$CG/memory.swap.max" 134217728
        is "$CG/memory.low" 33554432
        rt update --memory-reservation 16M "$ID"
        is "$CG/memory.low" 16777216
        is "$CG/memory.max" 134217728
        rt update --memory -1 --memory-swap -1 "$ID"
        is "$CG/memory.max" max
        is "$CG/memory.swap.max" max
}

@test "v2: swap equal to the limit means no swap" {
        resources '{"memory": {"limit": 67108864, "swap": 67108864}}'
        rt_start "$ID"
        is "$CG/memory.swap.max" 0
}

@test "v2: cpu shares, quota and period; update of each" {
        resources '{"cpu": {"shares": 512, "quota": 50000, "period": 100000}}'
        rt_start "$ID"
        is "$CG/cpu.max" '50000 100000'
        # 1 + (shares - 2) * 9999 / 262142
        is "$CG/cpu.weight" 20

        rt update --cpu-quota 30000 "$ID"
        is "$CG/cpu.max" '30000 100000'
        rt update --cpu-period 200000 --cpu-quota 20000 "$ID"
        is "$CG/cpu.max" '20000 200000'
        rt update --cpu-share 1024 "$ID"
        is "$CG/cpu.weight" 39
        is "$CG/cpu.max" '20000 200000'
        lacks crun && return 0 # keeps the quota
        rt update --cpu-quota -1 "$ID"
        [[ "$(cat "$CG/cpu.max")" = max\ * ]]
}

@test "v2: cpu burst and idle" {
        lacks runc crun && skip 'newer than Debian 12'
        resources '{"cpu": {"quota": 50000, "period": 100000, "burst": 20000, "idle": 1}}'
        rt_start "$ID"
        is "$CG/cpu.max.burst" 20000
        is "$CG/cpu.idle" 1
}

@test "v2: cpuset, update of it" {
        resources '{"cpu": {"cpus": "0-1", "mems": "0"}}'
        rt_start "$ID"
        is "$CG/cpuset.cpus" 0-1
        is "$CG/cpuset.mems" 0
        rt update --cpuset-cpus 1 "$ID"
        is "$CG/cpuset.cpus" 1
        equal 'affinity of the process' "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$PID/status")" 1
}

@test "v2: pids limit holds, update of it" {
        resources '{"pids": {"limit": 10}}'
        config '.process.args = ["sh", "-c", "(for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done); exec sleep 1000"]'
        rt_start "$ID"
        is "$CG/pids.max" 10
        until_true 10 grep -q 'max [1-9]' "$CG/pids.events"
        [ "$(cat "$CG/pids.current")" -le 10 ]
        rt update --pids-limit 77 "$ID"
        is "$CG/pids.max" 77
        rt update --pids-limit -1 "$ID"
        is "$CG/pids.max" max
}

@test "v2: block I/O throttles and weight" {
        local dev
        dev=$(lsblk -dno MAJ:MIN /dev/vda | tr -d ' ')
        config '.linux.resources.blockIO = {weight: 500,
                throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}],
                throttleWriteIOPSDevice: [{major: $a, minor: $b, rate: 100}]}' \
                --argjson a "${dev%:*}" --argjson b "${dev#*:}"
        rt_start "$ID"
        grep -x "$dev rbps=1048576 wbps=max riops=max wiops=100" "$CG/io.max"
        if [ -e "$CG/io.bfq.weight" ]; then
                is "$CG/io.bfq.weight" 'default 500'
        else
                # 1 + (weight - 10) * 9999 / 990
                is "$CG/io.weight" 'default 4950'
        fi
}

@test "v2: huge pages" {
        resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
        rt_start "$ID"
        is "$CG/hugetlb.2MB.max" 4194304
}

@test "v2: unified keys are written, and win" {
        resources '{"pids": {"limit": 10}, "unified": {"memory.high": "50331648", "pids.max": "33", "cpu.weight": "77"}}'
        rt_start "$ID"
        is "$CG/memory.high" 50331648
        is "$CG/pids.max" 33
        is "$CG/cpu.weight" 77
}

@test "v2: a unified key that is no file, or leaves the cgroup, is refused" {
        lacks crun && skip 'crun 1.8 leaves its cgroup behind'
        resources '{"unified": {"memory.nonsense": "1"}}'
        fails rt_run "$ID"
        config '.linux.resources.unified = {"../cgroup.max.depth": "3"}'
        fails rt_run "$ID"
        is /sys/fs/cgroup/holt-vm/cgroup.max.depth max
        [ ! -e "$CG" ]
}

@test "v2: update from a file of resources" {
        resources '{"memory": {"limit": 67108864}, "pids": {"limit": 20}}'
        rt_start "$ID"
        echo '{"memory": {"limit": 50331648}, "cpu": {"shares": 100, "quota": 10000, "period": 50000},
                "pids": {"limit": 30}, "unified": {"memory.high": "40000000"}}' >"$WORK/resources"
        rt update --resources "$WORK/resources" "$ID"
        is "$CG/memory.max" 50331648
        is "$CG/cpu.max" '10000 50000'
        is "$CG/cpu.weight" 4
        is "$CG/pids.max" 30
        lacks crun || equal memory.high "$(cat "$CG/memory.high")" 39997440
        rt update --resources - "$ID" <<<'{"pids": {"limit": 40}}'
        is "$CG/pids.max" 40
        is "$CG/memory.max" 50331648
}

# device_closed NAME TYPE MAJOR MINOR: root of the machine may read it, the container may make it, but not open it.
device_closed() {
        head -c1 "/dev/$1" >/dev/null
        rt exec "$ID" mknod "/tmp/$1" "$2" "$3" "$4"
        run -1 rt exec "$ID" head -c1 "/tmp/$1"
        [[ "$output" = *'Operation not permitted'* ]]
}

devices() {
        config '.process.capabilities |= with_entries(.value += ["CAP_MKNOD"])'
        config "$1"
}

@test "v2: devices: all are closed but the default ones and those listed" {
        devices '.linux.resources.devices += [{allow: true, type: "b", major: 254, minor: 16, access: "r"}]'
        rt_start "$ID"
        rt exec "$ID" sh -c 'echo x >/dev/null && head -c1 /dev/zero && head -c1 /dev/urandom && : >/dev/ptmx' >/dev/null
        rt exec "$ID" sh -c 'mknod /tmp/vdb b 254 16 && head -c1 /tmp/vdb' >/dev/null
        run -1 rt exec "$ID" sh -c 'exec 4<>/tmp/vdb'
        [[ "$output" = *'Operation not permitted'* ]]
        device_closed vda b 254 0
        device_closed vcs c 7 0
}

@test "v2: devices: no rules at all" {
        devices 'del(.linux.resources.devices)'
        rt_start "$ID"
        rt exec "$ID" head -c1 /dev/zero >/dev/null
        # runc and crun leave such a container open, which nobody can have meant.
        lacks runc crun || device_closed vcs c 7 0
}

@test "v2: devices: the last rule that fits counts, wildcards work" {
        lacks runc && skip 'runc keeps to what v1 could express'
        devices '.linux.resources.devices = [{allow: false, access: "rwm"},
                {allow: true, type: "c", major: 7, access: "rwm"},
                {allow: false, type: "c", major: 7, minor: 0, access: "rw"}]'
        rt_start "$ID"
        head -c1 /dev/vcsa >/dev/null
        rt exec "$ID" sh -c 'mknod /tmp/vcsa c 7 128 && head -c1 /tmp/vcsa' >/dev/null
        device_closed vcs c 7 0
}

@test "v2: devices: everything, when the first rule allows it" {
        devices '.linux.resources.devices = [{allow: true, access: "rwm"}]'
        rt_start "$ID"
        rt exec "$ID" sh -c 'mknod /tmp/vcs c 7 0 && head -c1 /tmp/vcs' >/dev/null
}

@test "v2: devices: an update of something else leaves the rules alone" {
        devices '.linux.resources.devices += [{allow: true, type: "c", major: 7, minor: 128, access: "r"}]'
        rt_start "$ID"
        rt update --pids-limit 50 "$ID"
        rt exec "$ID" sh -c 'mknod /tmp/vcsa c 7 128 && head -c1 /tmp/vcsa' >/dev/null
        device_closed vcs c 7 0
}

@test "v2: pause, resume" {
        counter_make
        rt_start "$ID"
        until_true 10 test -s "$BUNDLE/rootfs/tmp/n"
        rt pause "$ID"
        is "$CG/cgroup.freeze" 1
        status_is "$ID" paused
        counter_stands
        rt resume "$ID"
        is "$CG/cgroup.freeze" 0
        status_is "$ID" running
        ! counter_stands
}

@test "v2: a paused container can be killed and deleted" {
        rt_start "$ID"
        rt pause "$ID"
        rt kill "$ID" KILL
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        [ ! -e "$CG" ]

        rt_start "$ID"
        rt pause "$ID"
        rt delete --force "$ID"
        [ ! -e "$CG" ]
        [ ! -e "/proc/$PID" ]
}

@test "v2: exec into a paused container is refused" {
        rt_start "$ID"
        rt pause "$ID"
        fails timeout 20 "$RUNTIME" --root "$STATE" exec "$ID" true
        rt resume "$ID"
        rt exec "$ID" true
}

@test "v2: events --stats" {
        lacks crun && skip 'crun has no events'
        resources '{"memory": {"limit": 67108864}, "pids": {"limit": 20}}'
        config '.process.args = ["sh", "-c", "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 1000"]'
        rt_start "$ID"
        sleep 1
        rt events --stats "$ID" >"$WORK/stats"
        # One jq that names what is wrong.
        run jq -r --arg id "$ID" '{
                type: (.type == "stats" and .id == $id),
                memory: (.data.memory.usage | .limit == 67108864 and .usage > 0 and .usage < .limit),
                raw: (.data.memory.raw | has("anon") and has("file")),
                pids: (.data.pids | .current >= 1 and .current < 5 and .limit == 20),
                cpu: (.data.cpu.usage | .total > 0 and .user >= 0 and .kernel >= 0 and .total >= .user),
                throttling: (.data.cpu | has("throttling")),
                others: (.data | has("blkio") and has("hugetlb"))
        } | to_entries | map(select(.value | not) | .key) | join(" ")' "$WORK/stats"
        equal 'wrong in the statistics' "$status $output" '0 ' || {
                cat "$WORK/stats"
                return 1
        }
}

@test "v2: events reports an out-of-memory kill" {
        lacks crun && skip 'crun has no events'
        resources '{"memory": {"limit": 16777216, "swap": 16777216}}'
        config '.process.args = ["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=64M; sleep 1000"]'
        rt_start "$ID"
        rt events --interval 60s "$ID" >"$WORK/events" 2>"$WORK/events.err" 3>&- &
        local events=$!
        watches() { ls -l /proc/"$(pgrep -f "events --interval 60s $ID")"/fd | grep -q inotify; }
        until_true 20 watches
        touch "$BUNDLE/rootfs/tmp/go"
        until_true 20 grep -q '^oom_kill [1-9]' "$CG/memory.events"
        until_true 10 grep -q '"type":"oom"' "$WORK/events" || {
                kill "$events"
                cat "$WORK/events" "$WORK/events.err"
                return 1
        }
        # It ends with the container.
        rt kill "$ID" KILL
        until_true 10 status_is "$ID" stopped
        until_true 10 bash -c "! kill -0 $events 2>/dev/null"
}

@test "v2: events ends when the container does" {
        lacks crun && skip 'crun has no events'
        rt_start "$ID"
        timeout 30 "$RUNTIME" --root "$STATE" events --interval 1s "$ID" >"$WORK/events" 3>&- &
        local events=$!
        until_true 10 grep -q '"type":"stats"' "$WORK/events"
        rt kill "$ID" KILL
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        wait "$events"
}

@test "v2: kill --all reaches every process of a container that shares the host's pid namespace" {
        config '.linux.namespaces |= map(select(.type != "pid")) |
                .process.args = ["sh", "-c", "sleep 1000 & sleep 1000 & wait"]'
        rt_start "$ID"
        until_true 10 bash -c "[ \$(wc -l <$CG/cgroup.procs) = 3 ]"
        local pids
        mapfile -t pids <"$CG/cgroup.procs"
        rt kill --all "$ID" KILL
        local pid
        for pid in "${pids[@]}"; do
                until_true 10 bash -c "! grep -qs '^State:.[^Z]' /proc/$pid/status"
        done
        rt delete "$ID"
        [ ! -e "$CG" ]
}

@test "v2: delete kills what is left when there was no pid namespace" {
        lacks runc && skip 'mended in runc 1.2'
        config '.linux.namespaces |= map(select(.type != "pid")) |
                .process.args = ["sh", "-c", "sleep 1000 & exec true"]'
        rt_start "$ID"
        until_true 10 status_is "$ID" stopped
        [ "$(wc -l <"$CG/cgroup.procs")" -ge 1 ]
        rt delete --force "$ID"
        [ ! -e "$CG" ]
}

@test "v2: inside, a cgroup namespace and its own limits, read-only" {
        resources '{"memory": {"limit": 67108864}}'
        rt_start "$ID"
        equal '/proc/self/cgroup' "$(rt exec "$ID" cat /proc/self/cgroup)" '0::/'
        equal '/proc/1/cgroup' "$(rt exec "$ID" cat /proc/1/cgroup)" '0::/'
        equal 'memory.max inside' "$(rt exec "$ID" cat /sys/fs/cgroup/memory.max)" 67108864
        run -1 rt exec "$ID" mkdir /sys/fs/cgroup/sub
        [[ "$output" = *'Read-only file system'* ]]
        grep -q ' /sys/fs/cgroup ro,.* - cgroup2 ' "/proc/$PID/mountinfo"
}

@test "v2: inside without a cgroup namespace, the same limits at the same place" {
        resources '{"memory": {"limit": 67108864}}'
        config '.linux.namespaces |= map(select(.type != "cgroup"))'
        rt_start "$ID"
        equal '/proc/self/cgroup' "$(rt exec "$ID" cat /proc/self/cgroup)" "0::/holt-vm/$ID"
        equal 'memory.max inside' "$(rt exec "$ID" cat "/sys/fs/cgroup/holt-vm/$ID/memory.max" ||
                rt exec "$ID" cat /sys/fs/cgroup/memory.max)" 67108864
        run -1 rt exec "$ID" mkdir /sys/fs/cgroup/sub
}

@test "v2: a writable cgroup: sub-groups, exec into one, all gone after delete" {
        config '(.mounts[] | select(.type == "cgroup") .options) -= ["ro"]'
        rt_start "$ID"
        rt exec "$ID" mkdir -p /sys/fs/cgroup/a/b
        [ -d "$CG/a/b" ]
        if ! lacks crun; then
                equal 'cgroup of the exec' "$(rt exec --cgroup a/b "$ID" cat /proc/self/cgroup)" '0::/a/b'
                fails rt exec --cgroup ../.. "$ID" true
                fails rt exec --cgroup none "$ID" true
        fi
        rt delete --force "$ID"
        [ ! -e "$CG" ]
}

@test "v2: exec joins the cgroup, also when a controller keeps processes out of it" {
        lacks crun && skip 'crun does not try'
        config '(.mounts[] | select(.type == "cgroup") .options) -= ["ro"]'
        rt_start "$ID"
        rt exec "$ID" sh -c 'mkdir /sys/fs/cgroup/init && echo 1 >/sys/fs/cgroup/init/cgroup.procs &&
                echo $$ >/sys/fs/cgroup/init/cgroup.procs && echo +pids >/sys/fs/cgroup/cgroup.subtree_control'
        # As runc: where init is.
        equal 'cgroup of the exec' "$(rt exec "$ID" cat /proc/self/cgroup)" '0::/init'
}

@test "v2: nothing is left after delete" {
        resources '{"memory": {"limit": 67108864}}'
        local before after
        before=$(grep -c . /proc/self/mountinfo)
        rt_start "$ID"
        rt exec "$ID" true
        rt delete --force "$ID"
        [ ! -e "$CG" ]
        state_gone
        after=$(grep -c . /proc/self/mountinfo)
        equal mounts "$after" "$before"
}

@test "v2: a failed start leaves no cgroup" {
        config '.process.args = ["/no/such/program"]'
        fails rt_run "$ID"
        [ ! -e "$CG" ]
        state_gone
}

@test "v2: a relative cgroupsPath, and none" {
        config '.linux.cgroupsPath = $relative' --arg relative "holt-rel/$ID"
        rt_start "$ID"
        local path
        path=$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
        [[ "$path" = */holt-rel/$ID ]]
        rt delete --force "$ID"
        [ ! -e "/sys/fs/cgroup$path" ]

        config 'del(.linux.cgroupsPath)'
        rt_start "$ID"
        path=$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
        [[ "$path" = *$ID* ]]
        rt delete --force "$ID"
        [ ! -e "/sys/fs/cgroup$path" ]
}

@test "v2: a cgroupsPath that leaves the tree is harmless" {
        lacks crun && skip 'crun 1.8 makes the directory in /run'
        config '.linux.cgroupsPath = "/../../../../run/holt-evil"'
        run rt_start "$ID"
        [ ! -e /run/holt-evil ]
        rt delete --force "$ID" || true
        rmdir /sys/fs/cgroup/run/holt-evil /sys/fs/cgroup/run 2>/dev/null || true
}

@test "v2: a cgroup that is frozen already is refused" {
        lacks crun && skip 'crun waits for ever'
        mkdir -p "$CG"
        echo 1 >"$CG/cgroup.freeze"
        config_write
        fails timeout 30 "$RUNTIME" --root "$STATE" run --bundle "$BUNDLE" "$ID"
        echo 0 >"$CG/cgroup.freeze" || true
        rmdir "$CG" || true
}

@test "v2: ps lists the cgroup's processes" {
        rt_start "$ID"
        rt ps --format json "$ID" | jq -e --argjson pid "$PID" 'index($pid) != null'
}
