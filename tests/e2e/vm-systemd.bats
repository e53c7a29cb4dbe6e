#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cgroup v2 by way of systemd: one transient scope a container. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup() {
        vm_setup
        lacks crun && skip 'crun 1.8 has a group of its own below the scope and tells systemd of no limits'
        # shellcheck disable=SC2034
        RT_FLAGS=(--systemd-cgroup)
        UNIT=test-$ID.scope
        CG=/sys/fs/cgroup/machine.slice/$UNIT
        bundle_make sleep 1000
        config '.linux.cgroupsPath = $unit' --arg unit "machine.slice:test:$ID"
}

teardown() {
        vm_teardown
}

resources() {
        config ".linux.resources += $1"
}

# property NAME: of the container's unit.
property() {
        systemctl show --property "$1" --value "$UNIT"
}

unit_gone() {
        [ "$(property LoadState)" = not-found ] && [ ! -e "$CG" ]
}

@test "systemd: the scope stands in its slice and holds the process" {
        rt_start "$ID"
        equal 'cgroup of init' "$(</proc/"$PID"/cgroup)" "0::/machine.slice/$UNIT"
        equal ActiveState "$(property ActiveState)" active
        equal ControlGroup "$(property ControlGroup)" "/machine.slice/$UNIT"
        equal Slice "$(property Slice)" machine.slice
        equal Delegate "$(property Delegate)" yes
        [[ "$(property Description)" = *"$ID"* ]]
        equal 'inside' "$(rt exec "$ID" cat /proc/self/cgroup)" 0::/
        rt delete --force "$ID"
        unit_gone
}

@test "systemd: the limits of one that divides its cgroup stand above it" {
        resources '{"memory": {"limit": 67108864}}'
        config '.annotations = {"holt.cgroup-payload": "true"} | .mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
        rt_start "$ID"
        equal 'cgroup of init' "$(</proc/"$PID"/cgroup)" "0::/machine.slice/$UNIT/payload"
        mount -o remount /sys/fs/cgroup
        rt exec "$ID" sh -c 'echo max >/sys/fs/cgroup/memory.max; mkdir /sys/fs/cgroup/own; echo $$ >/sys/fs/cgroup/own/cgroup.procs'
        mount -o remount,nsdelegate /sys/fs/cgroup
        is "$CG/memory.max" 67108864
        equal 'inside' "$(rt exec "$ID" cat /proc/self/cgroup /sys/fs/cgroup/memory.max)" $'0::/\nmax'
        rt update --memory 128M "$ID"
        is "$CG/memory.max" 134217728
        rt delete --force "$ID"
        unit_gone
}

@test "systemd: limits are the unit's properties" {
        resources '{"memory": {"limit": 67108864, "reservation": 33554432, "swap": 100663296}, "pids": {"limit": 20},
                "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "1", "mems": "0"}}'
        rt_start "$ID"
        equal MemoryMax "$(property MemoryMax)" 67108864
        equal MemoryLow "$(property MemoryLow)" 33554432
        equal MemorySwapMax "$(property MemorySwapMax)" 33554432
        equal TasksMax "$(property TasksMax)" 20
        equal CPUWeight "$(property CPUWeight)" 20
        equal CPUQuotaPerSecUSec "$(property CPUQuotaPerSecUSec)" 500ms
        equal AllowedCPUs "$(property AllowedCPUs)" 1
        equal AllowedMemoryNodes "$(property AllowedMemoryNodes)" 0
        is "$CG/memory.max" 67108864
        is "$CG/memory.low" 33554432
        is "$CG/memory.swap.max" 33554432
        is "$CG/pids.max" 20
        is "$CG/cpu.weight" 20
        is "$CG/cpu.max" '50000 100000'
        is "$CG/cpuset.cpus" 1
}

@test "systemd: limits and devices outlive a daemon-reload" {
        resources '{"memory": {"limit": 67108864}, "pids": {"limit": 20}, "cpu": {"quota": 50000, "period": 100000}}'
        config '.process.capabilities |= with_entries(.value += ["CAP_MKNOD"]) |
                .linux.resources.devices += [{allow: true, type: "c", major: 7, minor: 128, access: "r"}]'
        rt_start "$ID"
        systemctl daemon-reload
        # What a reload does at once, and what systemd does when it next touches the unit.
        systemctl set-property --runtime "$UNIT" TasksAccounting=yes
        is "$CG/memory.max" 67108864
        is "$CG/pids.max" 20
        is "$CG/cpu.max" '50000 100000'
        rt exec "$ID" sh -c 'head -c1 /dev/zero && mknod /tmp/vcsa c 7 128 && head -c1 /tmp/vcsa' >/dev/null
        rt exec "$ID" mknod /tmp/vcs c 7 0
        run -1 rt exec "$ID" head -c1 /tmp/vcs
        [[ "$output" = *'Operation not permitted'* ]]
        status_is "$ID" running
}

@test "systemd: devices are the unit's policy too" {
        config '.process.capabilities |= with_entries(.value += ["CAP_MKNOD"])'
        rt_start "$ID"
        equal DevicePolicy "$(property DevicePolicy)" strict
        [[ "$(property DeviceAllow)" = *'/dev/char/1:3 rwm'* ]]
        rt exec "$ID" mknod /tmp/vcs c 7 0
        run -1 rt exec "$ID" head -c1 /tmp/vcs
        [[ "$output" = *'Operation not permitted'* ]]
}

@test "systemd: update changes unit and cgroup, and a reload keeps it" {
        resources '{"memory": {"limit": 67108864}, "pids": {"limit": 20}}'
        rt_start "$ID"
        rt update --memory 128M --memory-swap 128M --pids-limit 30 --cpu-share 1024 --cpu-quota 30000 "$ID"
        equal MemoryMax "$(property MemoryMax)" 134217728
        equal TasksMax "$(property TasksMax)" 30
        equal CPUWeight "$(property CPUWeight)" 39
        equal CPUQuotaPerSecUSec "$(property CPUQuotaPerSecUSec)" 300ms
        systemctl daemon-reload
        is "$CG/memory.max" 134217728
        lacks runc || is "$CG/memory.swap.max" 0 # which its unit has not been told
        is "$CG/pids.max" 30
        is "$CG/cpu.weight" 39
        is "$CG/cpu.max" '30000 100000'
}

@test "systemd: unified keys" {
        resources '{"unified": {"memory.high": "50331648", "pids.max": "33", "cpu.weight": "77", "cpu.max": "20000 50000"}}'
        rt_start "$ID"
        is "$CG/memory.high" 50331648
        is "$CG/pids.max" 33
        is "$CG/cpu.weight" 77
        is "$CG/cpu.max" '20000 50000'
        equal MemoryHigh "$(property MemoryHigh)" 50331648
        equal TasksMax "$(property TasksMax)" 33
        equal CPUWeight "$(property CPUWeight)" 77
        equal CPUQuotaPerSecUSec "$(property CPUQuotaPerSecUSec)" 400ms
}

@test "systemd: properties from annotations" {
        config '.annotations += {"org.systemd.property.TimeoutStopUSec": "uint64 123456789",
                "org.systemd.property.CollectMode": "'\''inactive-or-failed'\''",
                "org.systemd.property.After": "['\''basic.target'\'']"}'
        rt_start "$ID"
        equal TimeoutStopUSec "$(property TimeoutStopUSec)" '2min 3.456789s'
        equal CollectMode "$(property CollectMode)" inactive-or-failed
        [[ "$(property After)" = *basic.target* ]]
}

@test "systemd: an annotation that is no property is refused" {
        config '.annotations += {"org.systemd.property.NoSuchProperty": "true"}'
        fails rt_run "$ID"
        unit_gone
        lacks runc && return 0 # reads what it understands
        config '.annotations = {"org.systemd.property.TimeoutStopUSec": "uint64 12 34"}'
        fails rt_run "$ID"
        unit_gone
}

@test "systemd: a nested slice, and the default place" {
        config '.linux.cgroupsPath = $nested' --arg nested "machine-holt-deep.slice:test:$ID"
        rt_start "$ID"
        equal 'cgroup' "$(</proc/"$PID"/cgroup)" "0::/machine.slice/machine-holt.slice/machine-holt-deep.slice/$UNIT"
        rt delete --force "$ID"
        unit_gone

        config 'del(.linux.cgroupsPath)'
        rt_start "$ID"
        local path
        path=$(</proc/"$PID"/cgroup)
        [[ "$path" = 0::/system.slice/*$ID.scope ]]
        rt delete --force "$ID"
        [ ! -e "/sys/fs/cgroup${path#0::}" ]
}

@test "systemd: a cgroupsPath that is not slice:prefix:name is refused" {
        config '.linux.cgroupsPath = "/holt-vm/x"'
        fails rt_run "$ID"
        config '.linux.cgroupsPath = "a:b:c:d"'
        fails rt_run "$ID"
        # Something that is no slice.
        config '.linux.cgroupsPath = "machine.service:test:x"'
        fails rt_run "$ID"
}

@test "systemd: a name in use is refused and its owner left alone" {
        lacks runc && skip 'runc before 1.2 joins it'
        systemd-run --quiet --unit "$UNIT" --slice machine.slice --scope sleep 1000 3>&- &
        until_true 10 test -e "$CG"
        fails rt_run "$ID"
        equal ActiveState "$(property ActiveState)" active
        systemctl kill "$UNIT"
        until_true 10 unit_gone
}

@test "systemd: the unit is gone after the process ended by itself and was deleted" {
        config '.process.args = ["true"]'
        rt_start "$ID"
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        until_true 5 unit_gone

        rt_run "$ID"
        until_true 5 unit_gone
        state_gone
}

@test "systemd: stopping the unit stops the container" {
        rt_start "$ID"
        systemctl kill --signal KILL "$UNIT"
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        until_true 5 unit_gone
}

@test "systemd: a failed start leaves no unit, also not a failed one" {
        config '.process.args = ["/no/such/program"]'
        fails rt_run "$ID"
        until_true 5 unit_gone
        state_gone
}

@test "systemd: a limit that systemd refuses fails the start" {
        resources '{"cpu": {"cpus": "77"}}'
        fails rt_run "$ID"
        until_true 5 unit_gone
}

@test "systemd: pause, resume, exec, ps" {
        rt_start "$ID"
        rt pause "$ID"
        is "$CG/cgroup.freeze" 1
        status_is "$ID" paused
        rt resume "$ID"
        status_is "$ID" running
        equal 'cgroup of the exec' "$(rt exec "$ID" cat /proc/self/cgroup)" 0::/
        rt ps --format json "$ID" | jq -e --argjson pid "$PID" '. == [$pid]'
}

@test "systemd: a writable cgroup's sub-groups are gone after delete" {
        config '(.mounts[] | select(.type == "cgroup") .options) -= ["ro"]'
        rt_start "$ID"
        rt exec "$ID" sh -c 'mkdir -p /sys/fs/cgroup/a/b && echo 1 >/sys/fs/cgroup/a/b/cgroup.procs'
        systemctl daemon-reload
        equal 'cgroup of init' "$(</proc/"$PID"/cgroup)" "0::/machine.slice/$UNIT/a/b"
        rt kill "$ID" KILL
        until_true 10 status_is "$ID" stopped
        rt delete "$ID"
        until_true 5 unit_gone
}

@test "systemd: an id with a dash and a dot, a systemd that has to escape nothing" {
        local id=web-1.2_x$$
        config '.linux.cgroupsPath = $odd' --arg odd "machine.slice:holt:$id"
        rt_start "$id"
        equal 'cgroup' "$(</proc/"$PID"/cgroup)" "0::/machine.slice/holt-$id.scope"
        rt delete --force "$id"
        [ ! -e "/sys/fs/cgroup/machine.slice/holt-$id.scope" ]
}

@test "systemd: without a bus there is a clear error" {
        config_write
        fails timeout 60 unshare --mount sh -c "mount -t tmpfs none /run/dbus && mount -t tmpfs none /run/systemd/private 2>/dev/null;
                mount -t tmpfs none /run/systemd; exec '$RUNTIME' --root '$STATE' --systemd-cgroup run --bundle '$BUNDLE' '$ID'"
        state_gone
}
