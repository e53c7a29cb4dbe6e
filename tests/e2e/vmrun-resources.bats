#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a virtual machine takes of its host, and how that is limited.

load images
load machines

setup_file() {
        machines_make dd df free head fstrim rm seq
        holt run -d --vm --network none --name web --memory 256m --cpus 1 --cpu-shares 512 --cpuset-cpus 1 --blkio-weight 300 box sleep 100000
}

teardown_file() {
        machines_finish
}

setup() {
        load_store
}

@test "QEMU stands in a cgroup of its own, which has the limits" {
        local qemu limit
        qemu=$(qemu_of web)
        [ "$(grep -c "/$(id_of web)$" "/proc/$qemu/cgroup")" = "$(wc -l <"/proc/$qemu/cgroup")" ]
        limit=$(limit_of "$qemu" memory.limit_in_bytes memory.max)
        ((limit > 256 << 20 && limit < 1024 << 20))
        limit=$(limit_of "$qemu" pids.max pids.max)
        ((limit > 64 && limit < 200))
        [[ $(limit_of "$qemu" cpu.cfs_quota_us cpu.max) == 100000* ]]
        limit=$(limit_of "$qemu" cpu.shares cpu.weight)
        ((limit == 512 || limit == 20))
        [ "$(limit_of "$qemu" cpuset.cpus cpuset.cpus)" = 1 ]
}

@test "stats: what the guest counts, and what the host pays" {
        run holt stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.HostMem}}' web
        [[ $output == 'web '*'iB / 256MiB '*MiB ]]
        local host=${output##* }
        ((${host%%[.M]*} > 60))
        run holt stats --no-stream
        [[ ${lines[0]} == *'HOST MEM'* ]]
        holt pause web
        run holt stats --no-stream --format '{{.MemUsage}} {{.HostMem}}' web
        holt unpause web
        [[ $output == '-- '*MiB ]]
}

@test "kill -9 of QEMU, of holt-vm, of the shim: nothing is left" {
        local id shim qemu monitor
        id=$(id_of web)
        kill -KILL "$(qemu_of web)"
        wait_for 5 status_is web 'Exited (137)'
        [ -z "$(cgroups_of "$id")" ]
        holt start web
        [ -n "$(cgroups_of "$id")" ]
        qemu=$(qemu_of web)
        kill -KILL "$(monitor_of web)"
        wait_for 5 status_is web 'Exited (137)'
        [ -z "$(cgroups_of "$id")" ]
        has_let_go "$qemu"
        holt start web
        qemu=$(qemu_of web) monitor=$(monitor_of web)
        shim=$(awk '/^PPid:/ {print $2}' "/proc/$monitor/status")
        kill -KILL "$shim"
        wait_for 5 has_let_go "$qemu"
        wait_for 5 has_let_go "$monitor"
        [ -n "$(cgroups_of "$id")" ]
        wait_for 5 status_is web 'Exited'
        [ -z "$(cgroups_of "$id")" ]
        no_machines
        [ ! -e "$RUN/instances/$id" ]
        holt rm web
        [ ! -e "$STORE/instances/$id" ]
}
