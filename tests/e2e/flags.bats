#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Docker's flags, looked at from inside the container.
#
#   $HOLT  the program under test (default: holt beside $RUNTIME)

load helpers

setup_file() {
        HOLT=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        HOLT_ROOT=$(mktemp -d -t holt-flags.XXXXXX)
        HOLT_RUN=$HOLT_ROOT/run
        export HOLT HOLT_ROOT HOLT_RUN
        mkdir "$HOLT_RUN"
        rootfs_make "$BATS_FILE_TMPDIR/rootfs"
        tar -C "$BATS_FILE_TMPDIR/rootfs" -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
        "$HOLT" import -q --change 'CMD ["sh"]' "$BATS_FILE_TMPDIR/rootfs.tar" box
        LOOP=
        truncate -s 4M "$BATS_FILE_TMPDIR/disk"
        LOOP=$(losetup --find --show "$BATS_FILE_TMPDIR/disk") || true
        export LOOP
}

teardown_file() {
        [ -z "$LOOP" ] || losetup --detach "$LOOP"
        if grep -q " $HOLT_RUN/layers " /proc/self/mountinfo; then umount -R "$HOLT_RUN/layers"; fi
        rm -rf "$HOLT_ROOT"
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo
}

setup() {
        WORK=$BATS_TEST_TMPDIR
        cd "$WORK" || return
}

# Of any instance: files, cgroups, mounts but the layers' own.
teardown() {
        local files
        files=$(find "$HOLT_ROOT/instances" "$HOLT_RUN/containers" -mindepth 1 ! -path '*/.cache*' 2>/dev/null) || true
        [ -z "$files" ] || { echo "left: ${files:0:2000}"; return 1; }
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo | grep -vE "$HOLT_RUN/layers(/[0-9a-f]+)? " || return 1
}

hr() { timeout 30 "$HOLT" run --rm --network none "$@"; }

is() { # GOT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

# refused WORDS FLAGS...: 125, and the message has the words.
refused() {
        local words=$1
        shift
        run -125 hr "$@" box true
        [[ $output == *"$words"* ]] || { echo "$output"; return 1; }
}

# limit V1-FILE V2-FILE: what the container's cgroup says.
limit() { echo "cat /sys/fs/cgroup/$1 2>/dev/null || cat /sys/fs/cgroup/$2"; }

@test "memory: limits, swap, reservation, swappiness, the score" {
        is "$(hr -m 64m --memory-swap 96m --memory-reservation 32m box sh -c "
                $(limit memory/memory.limit_in_bytes memory.max)
                $(limit memory/memory.soft_limit_in_bytes memory.low)")" "$(printf '67108864\n33554432')"
        [ "$CGROUP_V2" ] || is "$(hr -m 64m --memory-swap 96m --memory-swappiness 7 --oom-kill-disable box sh -c \
                'cd /sys/fs/cgroup/memory; cat memory.memsw.limit_in_bytes memory.swappiness; grep disable memory.oom_control')" \
                "$(printf '100663296\n7\noom_kill_disable 1')"
        is "$(hr --oom-score-adj 321 box cat /proc/self/oom_score_adj)" 321
        refused --memory-swap --memory-swap 1g
        refused 6m -m 5m
        refused 'from -1000 to 1000' --oom-score-adj 5000
}

@test "limits that nobody asked for keep the host alive" {
        local all got
        all=$(awk '/MemTotal/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
        got=$(hr box sh -c "$(limit memory/memory.limit_in_bytes memory.max)")
        [ "$got" -lt "$all" ] && [ "$got" -gt $((all / 2)) ]
        is "$(hr box sh -c "$(limit pids/pids.max pids.max)")" 4096
        is "$(hr --pids-limit -1 box sh -c "$(limit pids/pids.max pids.max)")" max
        got=$(hr --memory 0 box sh -c "$(limit memory/memory.limit_in_bytes memory.max)")
        [ "$got" = max ] || [ "$got" -gt "$all" ]
        # A fork bomb ends, and nothing else of the host notices.
        run hr --pids-limit 20 box sh -c 'i=0; while [ $i -lt 50 ]; do sleep 0.2 & i=$((i+1)); done'
        [[ $status -ne 0 && $output == *fork* ]]
}

@test "processors: cpus, quota, shares, sets" {
        is "$(hr --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0 box sh -c "
                $(limit cpu/cpu.cfs_quota_us cpu.max)
                $(limit cpuset/cpuset.cpus cpuset.cpus)
                grep Cpus_allowed_list /proc/self/status" | sed 's/^50000 100000$/50000/')" \
                "$(printf '50000\n0\nCpus_allowed_list:\t0')"
        is "$(hr --cpu-period 50000 --cpu-quota 25000 box sh -c "$(limit cpu/cpu.cfs_quota_us cpu.max)" | cut -d ' ' -f 1)" 25000
        [ "$CGROUP_V2" ] || is "$(hr --cpu-shares 512 box cat /sys/fs/cgroup/cpu/cpu.shares)" 512
        refused '--cpus' --cpus 1000
        refused 'contradict' --cpus 1 --cpu-period 10000
        refused 'cpuset' --cpuset-cpus 4095
}

@test "block devices: rates and weights" {
        local number
        [ "$LOOP" ] || skip "no loop device"
        number=$(printf '%d:%d' 0x"$(stat -c %t "$LOOP")" 0x"$(stat -c %T "$LOOP")")
        hr --device-read-bps "$LOOP:1mb" --device-write-iops "$LOOP:77" box sh -c '
                cat /sys/fs/cgroup/io.max || cd /sys/fs/cgroup/blkio && cat blkio.throttle.read_bps_device \
                        blkio.throttle.write_iops_device' >out 2>/dev/null || true
        grep -E "^$number (1048576|rbps=1048576 )" out
        grep -E "^$number (77|.*wiops=77)" out
        # Where no scheduler has weights it says so, as Docker does, and goes on.
        hr --blkio-weight 200 box true
        refused 'from 10 to 1000' --blkio-weight 5
        refused 'no block device' --device-read-bps /dev/null:1mb
}

@test "ulimits" {
        is "$(hr --ulimit nofile=100:200 --ulimit core=0 box sh -c 'ulimit -n; ulimit -Hn; ulimit -c')" "$(printf '100\n200\n0')"
        refused above --ulimit nofile=20:10
        refused 'no such limit' --ulimit files=10
}

@test "devices: one, a directory, rules, access" {
        [ -z "$LOOP" ] || is "$(hr --device "$LOOP:/dev/mine:r" box sh -c ': </dev/mine && echo read; (: >/dev/mine) 2>/dev/null || echo refused')" \
                "$(printf 'read\nrefused')"
        mkdir -p devices/deeper
        mknod devices/zero c 1 5
        mknod devices/deeper/full c 1 7
        is "$(hr --device "$PWD/devices:/dev/all" box sh -c 'cd /dev/all; find . -type c | sort; head -c 1 zero | wc -c')" \
                "$(printf './deeper/full\n./zero\n1')"
        hr --cap-add syslog --device-cgroup-rule 'c 1:11 rm' box sh -c 'mknod /kmsg c 1 11 && : </kmsg'
        run ! hr --cap-add syslog box sh -c 'mknod /kmsg c 1 11 && : </kmsg'
        refused '--device' --device /dev/null:/dev/x:q
        refused 'c 10:200 rwm' --device-cgroup-rule nonsense
}

@test "capabilities of root and of others" {
        is "$(hr box grep -E 'Cap(Inh|Eff|Bnd)' /proc/self/status | cut -f 2)" \
                "$(printf '0000000000000000\n00000000a80425fb\n00000000a80425fb')"
        is "$(hr -u 1000 box grep -E 'Cap(Eff|Bnd)' /proc/self/status | cut -f 2)" \
                "$(printf '0000000000000000\n00000000a80425fb')"
}

@test "the default seccomp filter is there without any file" {
        is "$(hr box sed -n 's/^Seccomp:\t//p' /proc/self/status)" 2
        is "$(hr --security-opt seccomp=unconfined box sed -n 's/^Seccomp:\t//p' /proc/self/status)" 0
        run hr box unshare -m true
        [[ $output == *'not permitted'* ]]
        hr --cap-add sys_admin box unshare -m true
        cat >profile <<'END'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
END
        run hr --security-opt seccomp=profile box mkdir /x
        [[ $output == *'not implemented'* ]]
        refused nosuchfile --security-opt seccomp=nosuchfile
}

@test "security options: no-new-privileges, what of /proc is hidden" {
        is "$(hr --security-opt no-new-privileges box sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)" 1
        # Masked it is empty, or not to be written to.
        is "$(hr box sh -c 'cat /proc/keys; (: >/proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo read-only')" read-only
        hr --security-opt systempaths=unconfined box sh -c ': >>/proc/sys/net/ipv4/ip_forward'
        hr --security-opt unmask=/proc/sys box sh -c ': >>/proc/sys/net/ipv4/ip_forward'
        is "$(hr --security-opt mask=/etc/passwd:/etc/group box cat /etc/passwd /etc/group)" ''
        hr --security-opt proc-opts=hidepid=2 box grep -q 'proc .*hidepid=\(2\|invisible\)' /proc/mounts
        hr --security-opt label=disable --security-opt apparmor=unconfined box true
        refused '--security-opt' --security-opt nonsense=1
}

@test "privileged" {
        hr --privileged box sh -c '
                grep -q "^Seccomp:.0" /proc/self/status && test -c /dev/kmsg &&
                mknod /mem c 1 1 && mount -t tmpfs none /mnt && : >>/proc/sys/net/ipv4/ip_forward &&
                ! grep -E " /sys(/fs/cgroup)? .* ro," /proc/mounts'
        is "$(hr --privileged box sed -n 's/^CapEff:\t//p' /proc/self/status)" "$(sed -n 's/^CapBnd:\t//p' /proc/self/status)"
        run ! hr --privileged --cap-drop sys_admin box mount -t tmpfs none /mnt
}

@test "groups" {
        is "$(hr -u 1000 --group-add tty --group-add 4711 box id -G | tr ' ' '\n' | sort -n | tr '\n' ' ')" '5 1000 2000 4711 '
        refused 'no group "nosuch"' --group-add nosuch
}

@test "namespaces of the host" {
        local ns
        for ns in pid:--pid ipc:--ipc uts:--uts cgroup:--cgroupns; do
                is "$(hr "${ns#*:}" host box readlink "/proc/self/ns/${ns%:*}")" "$(readlink "/proc/self/ns/${ns%:*}")"
                [ "$(hr box readlink "/proc/self/ns/${ns%:*}")" != "$(readlink "/proc/self/ns/${ns%:*}")" ]
        done
        is "$(hr --uts host box hostname)" "$(hostname)"
        is "$(hr --ipc host box stat -c %d /dev/shm)" "$(stat -c %d /dev/shm)"
        run ! hr --ipc none box mountpoint -q /dev/shm
        refused contradict --uts host -h name
        refused '--userns' --userns nomap
        refused nosuch --pid container:nosuch
}

@test "namespaces of another instance" {
        "$HOLT" run -d --network none --name other --ipc shareable --shm-size 2m box sh -c 'echo shared >/dev/shm/file; exec sleep 100' >/dev/null
        hr --pid container:other box sh -c 'cat /proc/1/comm' | grep -x sleep
        hr --ipc container:other box sh -c 'cat /dev/shm/file; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2' >out
        is "$(cat out)" "$(printf 'shared\n2048')"
        "$HOLT" rm -f other
        ! grep -F "$HOLT_RUN/shm" /proc/self/mountinfo || return 1
        "$HOLT" run -d --network none --name other box sleep 100 >/dev/null
        refused shareable --ipc container:other
        "$HOLT" rm -f other
        refused other --pid container:other
}

@test "namespaces of an instance that ends, and whose pid is taken again" {
        "$HOLT" run -d --network none --name other --ipc shareable box sleep 100 >/dev/null
        local id state pid
        id=$("$HOLT" inspect -f '{{.Id}}' other)
        state=$HOLT_RUN/containers/$id:state
        # Another process has its pid by now: the start time is not the one that was written down.
        cp "$state" saved
        sed -i '$s/ .*/ 1/' "$state"
        refused 'does not run any more' --pid container:other
        refused 'does not run any more' --ipc container:other
        cat saved >"$state"
        hr --pid container:other box true
        # It is dead, and nobody has looked yet.
        pid=$("$HOLT" inspect -f '{{.State.Pid}}' other)
        local shim
        shim=$(awk '{ print $4 }' "/proc/$pid/stat")
        kill -STOP "$shim"
        kill -9 "$pid"
        refused other --pid container:other
        kill -CONT "$shim"
        timeout 20 "$HOLT" wait other >/dev/null
        "$HOLT" rm -f other
}

@test "who joined a namespace and starts again after its owner's end is told so" {
        "$HOLT" run -d --network none --name other box sleep 100 >/dev/null
        "$HOLT" run -d --network none --name joined --restart on-failure:1 --pid container:other box sleep 100 >/dev/null
        "$HOLT" stop -t 0 other >/dev/null
        timeout 20 "$HOLT" wait joined >/dev/null
        "$HOLT" inspect -f '{{.State.Status}}' joined | grep -x exited
        "$HOLT" rm -f other joined
}

@test "names" {
        is "$(hr -h there --domainname example.org box sh -c 'hostname; cat /proc/sys/kernel/domainname')" "$(printf 'there\nexample.org')"
}

@test "sysctl" {
        is "$(hr --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=4711 box cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax)" \
                "$(printf '1\n4711')"
        # As Docker has it: low ports are for all users.
        is "$(hr box cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 0
        is "$(hr --sysctl net.ipv4.ip_unprivileged_port_start=77 box cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 77
        refused 'vm.swappiness' --sysctl vm.swappiness=1
        refused 'kernel.msgmax' --ipc host --sysctl kernel.msgmax=4711
        refused '--sysctl' --sysctl nonsense
}

@test "--init: orphans, signals, exit status" {
        is "$(hr --init box sh -c 'cat /proc/1/comm; exit 7' || echo $?)" "$(printf 'init\n7')"
        run -127 hr --init box nosuchprogram
        run -126 hr --init box /etc/passwd
        run -137 hr --init box sh -c 'kill -9 $$'
        # An orphan that ends is taken off the table.
        # shellcheck disable=SC2016
        is "$(hr --init box sh -c 'pid=$(sh -c "sleep 0.1 >/dev/null & echo \$!"); i=0; while [ -e "/proc/$pid" ] && [ $i -lt 200 ]; do
                sleep 0.1; i=$((i + 1)); done; [ ! -e "/proc/$pid" ] && echo reaped')" reaped
        # The program has no handler: the first process of a container would ignore the signal.
        "$HOLT" run --rm --network none --init box sh -c 'echo up; exec sleep 100' >out &
        local pid=$!
        wait_for 5 grep -q up out
        kill -TERM "$pid"
        wait "$pid" || [ $? -eq 143 ]
        hr --init --read-only box true
}

@test "/dev/shm" {
        is "$(hr --shm-size 1.5m box sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2')" 1536
        is "$(hr box sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2')" 65536
}

@test "mounts: recursion, attributes, ids" {
        mkdir -p a/below
        mount -t tmpfs none a/below
        touch a/below/file
        is "$(hr -v "$PWD/a:/a:ro" box sh -c '(: >/a/below/new) 2>/dev/null || echo refused')" refused
        is "$(hr --mount "type=bind,source=$PWD/a,target=/a,readonly,bind-recursive=writable" box sh -c \
                '(: >/a/new) 2>/dev/null || echo refused; : >/a/below/new')" refused
        is "$(hr --mount "type=bind,source=$PWD/a,target=/a,bind-nonrecursive=true" box ls /a/below)" ''
        umount a/below
        hr -v "$PWD/a:/a:nosuid,nodev,noexec" box grep -q ' /a .*nosuid,nodev,noexec' /proc/mounts
        mkdir 'with,comma'
        hr --mount "type=bind,\"source=$PWD/with,comma\",target=/a" box touch /a/file
        [ -e with,comma/file ]
        is "$(hr --tmpfs /t:size=64k,mode=1770,uid=7 box stat -c '%a %u' /t)" '1770 7'
        refused 'quote' --mount 'type=bind,"source=/tmp,target=/a'
        refused 'absolute' --mount type=bind,source=tmp,target=/a
}

@test "mounts: ids of files mapped" {
        mkdir a
        touch a/file
        run hr -v "$PWD/a:/a:idmap=uids=0-4711-1;gids=0-42-1" box stat -c '%u %g' /a/file
        [[ $output != *'cannot be idmapped'* ]] || skip "this file system cannot be idmapped"
        is "$output" '4711 42'
}

@test "cgroup parent" {
        is "$(hr --cgroup-parent /holt/flags --cgroupns host box sh -c 'grep -c /holt/flags/ /proc/self/cgroup' || true)" \
                "$(hr --cgroupns host box grep -c /holt/ /proc/self/cgroup || true)"
        find /sys/fs/cgroup -depth -path '*/holt/flags' -type d -exec rmdir {} +
        refused '..' --cgroup-parent /holt/../..
}

@test "annotations and labels are taken" {
        hr --annotation a=b -l c=d --label e box true
        refused '--annotation' --annotation nonsense
}

@test "read-only, with and without places to write to" {
        run ! hr --read-only box touch /tmp/x
        hr --read-only --read-only-tmpfs box sh -c 'touch /run/x /tmp/x /var/tmp/x'
        is "$(hr --read-only --read-only-tmpfs box stat -c %a /tmp)" 1777
        run ! hr --read-only --read-only-tmpfs box touch /etc/x
        # A place that was asked for otherwise stays so.
        run ! hr --read-only --read-only-tmpfs --tmpfs /tmp:ro box touch /tmp/x
        is "$(hr --read-only-tmpfs box grep -c ' /tmp ' /proc/mounts || true)" 0
}

@test "inspect says what it was made with: the image's, and what was asked for on top of it" {
        "$HOLT" import -q --change 'CMD ["sh", "-c", "true"]' --change 'EXPOSE 80' \
                --change 'ENV A=b C=d' --change 'USER 5:6' --change 'WORKDIR /tmp' --change 'LABEL x=y' \
                --change 'STOPSIGNAL SIGINT' --change 'VOLUME /vol' "$BATS_FILE_TMPDIR/rootfs.tar" full >/dev/null
        config() { "$HOLT" create --name "$1" --network none "${@:2}" >/dev/null; "$HOLT" inspect "$1" | jq -cS '.[0].Config | del(.Hostname, .Domainname, .Image, .Tty, .OpenStdin)'; }
        is "$(config plain full)" '{"Cmd":["sh","-c","true"],"Entrypoint":null,"Env":["A=b","C=d"],"ExposedPorts":{"80/tcp":{}},"Labels":{"x":"y"},"StopSignal":"SIGINT","User":"5:6","Volumes":{"/vol":{}},"WorkingDir":"/tmp"}'
        is "$(config asked -e A=1 -e Z=2 -u 7 -w /new --label z=w --stop-signal TERM --expose 81 full ls)" \
                '{"Cmd":["ls"],"Entrypoint":null,"Env":["C=d","A=1","Z=2"],"ExposedPorts":{"80/tcp":{},"81/tcp":{}},"Labels":{"x":"y","z":"w"},"StopSignal":"TERM","User":"7","Volumes":{"/vol":{}},"WorkingDir":"/new"}'
        is "$(config other --entrypoint ls full)" '{"Cmd":null,"Entrypoint":["ls"],"Env":["A=b","C=d"],"ExposedPorts":{"80/tcp":{}},"Labels":{"x":"y"},"StopSignal":"SIGINT","User":"5:6","Volumes":{"/vol":{}},"WorkingDir":"/tmp"}'
        # An image that says nothing.
        is "$(config empty box sleep 1)" '{"Cmd":["sleep","1"],"Entrypoint":null,"Env":null,"Labels":{},"StopSignal":"SIGTERM","User":"","WorkingDir":""}'
        "$HOLT" rm -f -v plain asked other empty >/dev/null
        "$HOLT" rmi full >/dev/null
}

@test "health-start-interval: more often as long as it starts, and another name of an option" {
        "$HOLT" run -d --name web --net none --health-cmd 'echo x >>/asked; test -e /ok' --health-interval 1h \
                --health-start-period 1h --health-start-interval 200ms box sh -c 'sleep 1; touch /ok; sleep 100' >/dev/null
        timeout 20 "$HOLT" wait --for healthy web
        is "$("$HOLT" exec web sh -c '[ $(wc -l </asked) -gt 1 ] && ip link | grep -c UP')" 1
        "$HOLT" rm -f web >/dev/null
        run -125 "$HOLT" run --rm --net none --health-cmd true --health-start-interval soon box true
        [[ $output == *health-start-interval* ]]
}
