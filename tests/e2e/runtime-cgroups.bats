#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.resources and cgroupsPath, update, events and statistics: by the cgroupfs manager, in whichever layout is here.

load helpers

# is CONTROLLER V1-FILE V2-FILE V1-VALUE [V2-VALUE]: what the kernel holds
is() {
        local value
        value=$(cgroup_file "$1" "$2" "$3")
        if [[ -n $CGROUP_V2 ]]; then
                [ "$value" = "${5:-$4}" ] || { echo "$3 is $value, not ${5:-$4}"; return 1; }
        else
                [ "$value" = "$4" ] || { echo "$2 is $value, not $4"; return 1; }
        fi
}

has() { # CONTROLLER V1-FILE V2-FILE: does this kernel have it?
        if [[ -n $CGROUP_V2 ]]; then
                find /sys/fs/cgroup -maxdepth 2 -name "$3" | grep -q .
        else
                [[ -e /sys/fs/cgroup/$1/$2 ]]
        fi
}

resources() { config '.linux.resources += $r' --argjson r "$1"; }

@test "memory: limit, reservation, swap" {
        resources '{"memory": {"limit": 67108864, "reservation": 33554432}}'
        start_sleeper
        is memory memory.limit_in_bytes memory.max 67108864
        is memory memory.soft_limit_in_bytes memory.low 33554432
}

@test "memory: swap" {
        has memory memory.memsw.limit_in_bytes memory.swap.max || skip "this kernel counts no swap"
        resources '{"memory": {"limit": 67108864, "swap": 134217728}}'
        start_sleeper
        is memory memory.memsw.limit_in_bytes memory.swap.max 134217728 67108864
}

@test "memory: the limit holds, and the process over it is killed" {
        resources '{"memory": {"limit": 16777216}}'
        script 'dd if=/dev/zero of=/dev/null bs=64M count=1; echo status $?'
        run rt run "$ID"
        [[ $output != *"status 0"* ]]
        [ "$status" -eq 137 ] || [[ $output == *"status 137"* ]]
        no_leaks
}

@test "cpu: shares, quota, period" {
        resources '{"cpu": {"shares": 512, "quota": 50000, "period": 100000}}'
        start_sleeper
        if [[ -n $CGROUP_V2 ]]; then
                [ "$(cgroup_file x x cpu.max)" = "50000 100000" ]
                [[ $(cgroup_file x x cpu.weight) =~ ^(20|59)$ ]]
        else
                is cpu cpu.cfs_quota_us x 50000
                is cpu cpu.cfs_period_us x 100000
                is cpu cpu.shares x 512
        fi
}

@test "cpu: burst and idle" {
        skip_runc "knows none"
        has cpu cpu.cfs_burst_us cpu.max.burst || skip "this kernel has no CPU burst"
        resources '{"cpu": {"quota": 50000, "period": 100000, "burst": 20000}}'
        start_sleeper
        is cpu cpu.cfs_burst_us cpu.max.burst 20000
        rt delete -f "$ID"
        has cpu cpu.idle cpu.idle || skip "this kernel has no idle groups"
        config '.linux.resources.cpu = {idle: 1}'
        start_sleeper
        is cpu cpu.idle cpu.idle 1
}

@test "cpuset: CPUs and memory nodes" {
        resources '{"cpu": {"cpus": "0", "mems": "0"}}'
        script 'grep _allowed_list /proc/self/status'
        run rt run "$ID"
        [[ ${lines[0]} == *:*0 ]]
        start_sleeper
        is cpuset cpuset.cpus cpuset.cpus 0
        is cpuset cpuset.mems cpuset.mems 0
}

@test "cpuset: parents that hold none are filled on the way" {
        [[ -z $CGROUP_V2 ]] || skip "a matter of cgroup v1"
        config '.linux.cgroupsPath = $p' --arg p "$CGROUP/one/two"
        start_sleeper
        [ -n "$(cat "/sys/fs/cgroup/cpuset$CGROUP/one/two/cpuset.cpus")" ]
        rt delete --force "$ID"
        find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*$ID*" -exec rmdir {} +
}

@test "pids: the limit holds" {
        resources '{"pids": {"limit": 5}}'
        script 'for i in 1 2 3 4 5 6 7 8; do sleep 0.3 & done; wait'
        run rt run "$ID"
        [[ $output == *"can't fork"* || $output == *"Resource temporarily unavailable"* ]]
        start_sleeper
        is pids pids.max pids.max 5
}

@test "pids: none is no limit" {
        resources '{"pids": {"limit": -1}}'
        start_sleeper
        is pids pids.max pids.max max
}

@test "blkio: weight and throttles, where the kernel has them" {
        has blkio blkio.throttle.read_bps_device io.max || skip "this kernel throttles no I/O"
        local disk
        disk=$(lsblk -dnro MAJ:MIN,TYPE 2>/dev/null | awk '$2 == "disk" || $2 == "loop" { print $1; exit }')
        [[ -n $disk ]] || skip "no block device"
        resources "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 1048576}],
                \"throttleWriteIOPSDevice\": [{\"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 333}]}}"
        start_sleeper
        is blkio blkio.throttle.read_bps_device io.max "$disk 1048576" "$disk rbps=1048576 wbps=max riops=max wiops=333"
        [[ -n $CGROUP_V2 ]] || is blkio blkio.throttle.write_iops_device x "$disk 333"
}

@test "a controller that this host lacks is refused, not ignored" {
        [ ! -e /sys/fs/cgroup/net_cls/tasks ] && [ ! -e /sys/fs/cgroup/rdma/tasks ] && [[ -z $CGROUP_V2 ]] || skip "this host has them"
        skip_runc "ignores it"
        resources '{"network": {"classID": 1048577}}'
        run ! rt run "$ID"
        config 'del(.linux.resources.network)'
        resources '{"rdma": {"mlx5_1": {"hcaHandles": 3}}}'
        run ! rt run "$ID"
        no_leaks
}

@test "hugetlb" {
        local dir=/sys/fs/cgroup/unified
        [[ -z $CGROUP_V2 ]] || dir=/sys/fs/cgroup
        [[ -e /sys/fs/cgroup/hugetlb/tasks ]] && dir=
        [[ -z $dir ]] || grep -qw hugetlb $dir/cgroup.controllers || skip "this kernel has no hugetlb controller"
        skip_runc "looks for it in v1 only"
        resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
        start_sleeper
        if [[ -n $dir ]]; then
                [ "$(cat "$dir$CGROUP/hugetlb.2MB.max")" = 4194304 ]
        else
                [ "$(cat "/sys/fs/cgroup/hugetlb$CGROUP/hugetlb.2MB.limit_in_bytes")" = 4194304 ]
        fi
}

@test "unified: keys are written, unknown ones refused" {
        if [[ -z $CGROUP_V2 ]]; then
                resources '{"unified": {"memory.max": "67108864"}}'
                run ! rt run "$ID"
                return
        fi
        resources '{"unified": {"memory.max": "67108864", "pids.max": "77"}}'
        start_sleeper
        is x x memory.max 67108864
        is x x pids.max 77
        rt delete -f "$ID"
        config '.linux.resources.unified = {"no.such": "1"}'
        run ! rt run "$ID"
        config '.linux.resources.unified = {"../memory.max": "1"}'
        run ! rt run "$ID"
}

@test "cgroupsPath: absolute, relative and absent; .. is refused" {
        config '.linux.cgroupsPath = $p' --arg p "$CGROUP/sub"
        start_sleeper
        grep -q ":$CGROUP/sub\$" "/proc/$(pid_of "$ID")/cgroup"
        rt delete -f "$ID"
        config '.linux.cgroupsPath = $p' --arg p "$ID-relative"
        start_sleeper
        grep -q "$ID-relative\$" "/proc/$(pid_of "$ID")/cgroup"
        rt delete -f "$ID"
        config 'del(.linux.cgroupsPath)'
        start_sleeper
        grep -q "/$ID\$" "/proc/$(pid_of "$ID")/cgroup"
        rt delete -f "$ID"
        find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*$ID*" -exec rmdir {} +
}

@test "cgroupsPath: .. does not lead out" {
        skip_runc "cleans the path"
        config '.linux.cgroupsPath = $p' --arg p "/../../$ID/../x"
        run ! rt run "$ID"
}

@test "update: memory, cpu, pids" {
        resources '{"memory": {"limit": 67108864}}'
        start_sleeper
        rt update --memory 134217728 "$ID"
        is memory memory.limit_in_bytes memory.max 134217728
        rt update --memory-reservation 33554432 --cpu-period 100000 --cpu-quota 30000 --pids-limit 50 "$ID"
        is memory memory.soft_limit_in_bytes memory.low 33554432
        is cpu cpu.cfs_quota_us cpu.max 30000 "30000 100000"
        is pids pids.max pids.max 50
        is memory memory.limit_in_bytes memory.max 134217728
        rt update --cpu-share 512 "$ID"
        [[ -n $CGROUP_V2 ]] || is cpu cpu.shares x 512
        rt update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
        is cpuset cpuset.cpus cpuset.cpus 0
        rt update --cpu-quota -1 --pids-limit -1 "$ID"
        is cpu cpu.cfs_quota_us cpu.max -1 "max 100000"
        is pids pids.max pids.max max
}

@test "update: resources from a file and from stdin" {
        start_sleeper
        echo '{"memory": {"limit": 50331648}, "pids": {"limit": 10}}' >"$WORK/resources.json"
        rt update -r "$WORK/resources.json" "$ID"
        is memory memory.limit_in_bytes memory.max 50331648
        is pids pids.max pids.max 10
        echo '{"cpu": {"quota": 40000, "period": 80000}}' | rt update --resources - "$ID"
        is cpu cpu.cfs_period_us cpu.max 80000 "40000 80000"
        echo '{"cpu":' >"$WORK/resources.json"
        run ! rt update -r "$WORK/resources.json" "$ID"
}

@test "update: human sizes and nonsense" {
        start_sleeper
        rt update --memory 64M "$ID"
        is memory memory.limit_in_bytes memory.max 67108864
        run ! rt update --memory lots "$ID"
        run ! rt update --cpuset-cpus 9999 "$ID"
        run ! rt update --memory 1M no-such-container
        [ "$(status_of "$ID")" = running ]
}

@test "update: a limit below what is in use fails, and the container goes on" {
        [[ -z $CGROUP_V2 ]] || skip "a matter of cgroup v1"
        resources '{"memory": {"limit": 67108864}}'
        script 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; echo full; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q full "$WORK/out"
        run rt update --memory 1048576 "$ID"
        [ "$(status_of "$ID")" = running ]
}

@test "events --stats: what it uses" {
        resources '{"memory": {"limit": 67108864}, "pids": {"limit": 20}}'
        script 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo counted; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q counted "$WORK/out"
        rt events --stats "$ID" >"$WORK/stats"
        cat "$WORK/stats"
        jq -e --arg id "$ID" '.type == "stats" and .id == $id and .data.pids.current == 1 and .data.pids.limit == 20 and
                .data.memory.usage.limit == 67108864 and .data.memory.usage.usage > 0 and .data.cpu.usage.total > 0' "$WORK/stats"
}

@test "events: again and again, until the container is deleted" {
        start_sleeper
        background rt events --interval 100ms "$ID" >"$WORK/events"
        three() { [ "$(jq -c 'select(.type == "stats")' "$WORK/events" | wc -l)" -ge 3 ]; }
        wait_for 10 three
        rt delete --force "$ID"
        wait_for 10 is_gone "${PIDS[0]}"
}

@test "events: an out-of-memory kill is told" {
        resources '{"memory": {"limit": 16777216}}'
        script 'sleep 1; dd if=/dev/zero of=/dev/null bs=64M count=1; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        background rt events --interval 10s "$ID" >"$WORK/events"
        wait_for 10 grep -q '"oom"' "$WORK/events"
}

@test "a frozen cgroup that is already there is refused" {
        local dir
        if [[ -n $CGROUP_V2 ]]; then
                dir=/sys/fs/cgroup$CGROUP
                mkdir "$dir"
                echo 1 >"$dir/cgroup.freeze"
        else
                dir=/sys/fs/cgroup/freezer$CGROUP
                mkdir "$dir"
                echo FROZEN >"$dir/freezer.state"
        fi
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -ne 0 ]
        [ "$status" -ne 124 ]
        [ ! -d "$dir" ] || rmdir "$dir"
}

@test "cgroups made within a container go with it" {
        config '(.mounts[] | select(.type == "cgroup")).options = ["rw"] | .process.capabilities |= with_entries(.value += ["CAP_SYS_ADMIN"])'
        local dir=/sys/fs/cgroup
        [[ -n $CGROUP_V2 ]] || dir=/sys/fs/cgroup/memory
        script "mkdir -p $dir/sub/deep && sleep 1001 & sleep 0.2; exec sleep 1000"
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        if [[ -n $CGROUP_V2 ]]; then
                wait_for 5 test -d "/sys/fs/cgroup$CGROUP/sub/deep"
        else
                wait_for 5 test -d "/sys/fs/cgroup/memory$CGROUP/sub/deep"
        fi
        rt delete --force "$ID"
        no_leaks
}
