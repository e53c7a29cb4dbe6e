#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What a virtual machine takes of its host, and how that is limited.

load images
load machines

setup_file() {
        machines_make dd df free head fstrim rm seq tr
        holt run -d --vm --network none --name web --memory 320m --shm-size 256m --cpus 1 --cpu-shares 512 --cpuset-cpus 1 --blkio-weight 300 box sleep 100000
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
        ((limit > 320 << 20 && limit < 1024 << 20))
        limit=$(limit_of "$qemu" pids.max pids.max)
        ((limit > 64 && limit < 200))
        [[ $(limit_of "$qemu" cpu.cfs_quota_us cpu.max) == 100000* ]]
        limit=$(limit_of "$qemu" cpu.shares cpu.weight)
        ((limit == 512 || limit == 20))
        [ "$(limit_of "$qemu" cpuset.cpus cpuset.cpus)" = 1 ]
}

@test "sysctls: all of the guest's kernel, and what any container has" {
        cat >"$WORK/look" <<'END'
for name in vm.max_map_count net.ipv4.ip_forward kernel.msgmax net.ipv4.ip_unprivileged_port_start kernel.randomize_va_space; do
        cat "/proc/sys/$(echo "$name" | tr . /)"
done
END
        [ "$(holt run --vm --rm --network none -v "$WORK/look:/look" --sysctl vm.max_map_count=262144 --sysctl net.ipv4.ip_forward=1 \
                --sysctl kernel.randomize_va_space=2 --sysctl kernel.msgmax=9000 box sh /look | xargs)" = '262144 1 9000 0 2' ]
        run -125 holt run --vm --rm --network none --sysctl no.such=1 box true
        [[ $output == *'sysctl "no/such"'*'no such parameter'* ]]
        run -125 holt run --vm --rm --network none --sysctl vm/../../kernel/x=1 box true
        [[ $output == *'not a valid name'* ]]
}

@test "stats: what the guest counts, and what the host pays" {
        run holt stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.HostMem}}' web
        [[ $output == 'web '*'iB / 320MiB '*MiB ]]
        local host=${output##* }
        ((${host%%[.M]*} > 10))
        run holt stats --no-stream
        [[ ${lines[0]} == *'HOST MEM'* ]]
        holt pause web
        run holt stats --no-stream --format '{{.MemUsage}} {{.HostMem}}' web
        holt unpause web
        [[ $output == '-- '*MiB ]]
}

@test "QEMU can get no rights, and has two filters of system calls" {
        local proc
        proc=/proc/$(qemu_of web)
        [ "$(grep -c '^Cap.*0000000000000000$' "$proc/status")" = 5 ]
        [ "$(awk '/^NoNewPrivs:/ {print $2}' "$proc/status")" = 1 ]
        (($(awk '/^Seccomp_filters:/ {print $2}' "$proc/status") >= 2))
        [ "$(awk '/^Groups:/ {print $2}' "$proc/status")" = '' ]
        grep -q '^Max core file size *0 *0 ' "$proc/limits"
        # Nothing of the host is open in it: sockets and files in memory, its layers and its disk.
        find "$proc/fd" -type l -printf '%l\n' >"$WORK/open"
        run ! grep -vE "^(socket:|pipe:|anon_inode:|/memfd:|/dev/null|/dev/net/tun|$STORE/)" "$WORK/open"
}

# What stands in for QEMU tries in its place, and tells by its last line.
@test "who takes QEMU over opens nothing, and enters nothing" {
        if [[ -r /sys/kernel/security/lsm ]] && ! grep -q landlock /sys/kernel/security/lsm; then skip 'no Landlock'; fi
        chmod 711 "$WORK"
        mkdir -p "$WORK/other/bin" "$WORK/other/lib"
        cp "$(command -v busybox)" "$WORK/other/lib/busybox"
        {
                echo "#!$WORK/other/lib/busybox sh"
                echo "b=$WORK/other/lib/busybox"
                cat <<'EOF'
$b cat /dev/null && said=started
for file in /etc/passwd /proc/self/status /proc/1/status /sys/kernel/uevent_seqnum /bin/true /dev/zero; do
        (: <$file) 2>/dev/null && said="$said read:$file"
done
for place in / /etc /tmp /proc /sys; do
        $b ls $place >/dev/null 2>&1 && said="$said ls:$place"
done
(: >/tmp/holt-escaped) 2>/dev/null && said="$said write"
/bin/true 2>/dev/null && said="$said run"
$b unshare -U $b true 2>/dev/null && said="$said unshare"
$b nc 127.0.0.1 1 2>&1 | $b grep -q 'socket.*not permitted' || said="$said socket"
$b echo "$said and shut in"
EOF
        } >"$WORK/other/bin/qemu-system-x86_64"
        chmod 755 "$WORK"/other/bin/*
        PATH=$WORK/other/bin:$PATH run -125 run_vm --rm box true
        echo "$output"
        [[ $output == *': started and shut in' ]]
}

# In KB: what no other process has too counts whole.
pss_of() { awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup"; }
is_back() { (($(pss_of "$1") < $2)); }

@test "memory that the guest has freed goes back to the host" {
        local qemu before
        qemu=$(qemu_of web)
        # QEMU's own grows with what it translates: that is not the guest's.
        holt exec web dd if=/dev/zero of=/dev/null bs=1M count=1
        before=$(pss_of "$qemu")
        holt exec web dd if=/dev/zero of=/dev/shm/large bs=1M count=200
        (($(pss_of "$qemu") > before + 190000))
        holt exec web rm /dev/shm/large
        wait_for 3 is_back "$qemu" $((before + 40000))
}

limit_is() { (($(limit_of "$(qemu_of web)" memory.limit_in_bytes memory.max) == $1)); }

@test "update: limits of one that runs, within what it was started with" {
        local most
        most=$(limit_of "$(qemu_of web)" memory.limit_in_bytes memory.max)
        holt update --memory 200m --cpus 0.5 --cpu-shares 256 --pids-limit 50 web
        wait_for 3 limit_is $((most - (120 << 20)))
        [[ $(limit_of "$(qemu_of web)" cpu.cfs_quota_us cpu.max) == 50000* ]]
        [ "$(holt exec web cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max)" = $'209715200\n50' ]
        (($(holt exec web free | awk '/^Mem:/ {print $4}') < 200 << 10))
        [[ $(holt stats --no-stream --format '{{.MemUsage}}' web) == *' / 200MiB' ]]

        run ! holt update --memory 400m web
        [[ $output == *'320 MB'*'restart'* ]]
        run ! holt update --cpus 2 web
        [[ $output == *restart* ]]
        run ! holt update --memory 8m web
        [[ $output == *96* ]]
        holt exec web dd if=/dev/zero of=/dev/shm/large bs=1M count=120
        run ! holt update --memory 100m web
        [[ $output == *'it uses 12'*' MB'* ]]
        holt exec web rm /dev/shm/large
        [ "$(holt inspect -f '{{.HostConfig.Memory}}' web)" = $((200 << 20)) ]
        holt update --memory 320m --cpus 1 web
        limit_is "$most"
        holt update --memory 200m web
}

# MB on the host.
disk_of() { du -m "$STORE/instances/$(id_of "$1")"/*/disk | cut -f 1; }
disk_is_below() { (($(disk_of "$1") < $2)); }

@test "a disk takes what is written, gives back what is deleted, and has an end" {
        run -125 holt create --storage-opt size=64m box true
        [[ $output == *--storage-opt*--vm* ]]
        run -125 holt create --vm --network none --storage-opt size=1k box true
        [[ $output == *32m* ]]
        cp "$BUILD/tests/guest/scatter" "$WORK/tree/bin/"
        image_make scatter
        run_vm -d --name disk --storage-opt size=200m scatter sleep 100000
        disk_is_below disk 2
        holt exec disk scatter /scattered 20480
        disk_is_below disk 100
        (($(disk_of disk) >= 80))
        holt exec disk sh -c 'rm /scattered; sync'
        wait_for 3 disk_is_below disk 10
        run -1 holt exec disk dd if=/dev/zero of=/large bs=1M count=300
        [[ $output == *'No space left on device'* ]]
        disk_is_below disk 201
        holt exec disk sh -c 'rm /large; echo more >/file; sync'
        [ "$(holt exec disk cat /file)" = more ]
        holt rm -f disk
}

@test "kill -9 of QEMU, of holt-vm, of the shim: nothing is left" {
        local id shim qemu monitor
        id=$(id_of web)
        kill -KILL "$(qemu_of web)"
        wait_for 5 status_is web 'Exited (137)'
        [ -z "$(cgroups_of "$id")" ]
        holt start web
        [ -n "$(cgroups_of "$id")" ]
        # What it was changed to holds.
        [ "$(holt exec web cat /sys/fs/cgroup/memory.max)" = 209715200 ]
        (($(holt exec web free | awk '/^Mem:/ {print $2}') < 200 << 10))
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
