#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Every system call of a command fails, one by one, in the runtime and in what it forks (fault.c). The command then ends in
# time and without a crash. Where it fails it says so; where it succeeds the container is the same as without the fault:
# a mask, a limit or a right that could not be set is never passed over. Then the runtime is killed at each of its calls.
# Nothing is ever left behind.
#
# By default a fixed part of the cases is tried; FAULTS_ALL=1 tries all of them, which takes half an hour.

load helpers

# EPERM EIO EINVAL EROFS ENOSYS: what some call somewhere may answer without being a failure. So may ENOENT; but whoever
# asks for a container, or ends one, is told by it that the work is done.
FAULTS=(1 5 22 30 38)
ERRORS=(2 "${FAULTS[@]}")

setup_file() {
        local dir=$BATS_FILE_TMPDIR
        [ "$(uname -m)" = x86_64 ] || skip "fault.c knows the registers of x86-64 only"
        "${CC:-cc}" -E -dM -include sys/syscall.h -x c - </dev/null |
                sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/[__NR_\1] = "\1",/p' >"$dir/fault_names.h"
        "${CC:-cc}" -O1 -Wall -static -I"$dir" -o "$dir/fault" "$BATS_TEST_DIRNAME/fault.c"
}

setup() {
        bundle_make
        FAULT=$BATS_FILE_TMPDIR/fault
        WALK=61
        KILLS=7
        cat >rootfs/bin/see <<'EOF'
#!/bin/sh
# All that a container can see of what it was given.
grep -E '^(Uid|Gid|Groups|Sig(Blk|Ign)|Cap|NoNew|Seccomp|Cpus_allowed_list)' /proc/self/status
cut -d' ' -f4- /proc/self/mountinfo | sed 's/\(shared\|master\):[0-9]*/\1/'
cat /proc/self/cgroup /proc/self/limits /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward
for file in memory/memory.limit_in_bytes pids/pids.max devices/devices.list cpu/cpu.shares memory.max pids.max cpu.weight; do
        [ ! -e /sys/fs/cgroup/$file ] || cat /sys/fs/cgroup/$file
done
ls -ln /dev | grep -v '^total' | sed 's/ [A-Z][a-z][a-z]  *[0-9]* [0-9:]* / /'
ls /proc/self/fd
wc -c /proc/keys /proc/timer_list
ls -A /proc/acpi /sys/firmware
ip link show lo
hostname
pwd
umask
env
EOF
        chmod 755 rootfs/bin/see
        mkdir rootfs/data
        config '.process.user = {uid: 1000, gid: 1000, additionalGids: [5, 2000], umask: 18} | .process.oomScoreAdj = 100 |
                .process.cwd = "/home/test" | .root.readonly = true | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 500, hard: 600}] |
                .linux.sysctl = {"net.ipv4.ip_forward": "1"} |
                .mounts += [{destination: "/data", type: "bind", source: "/etc", options: ["rbind", "ro", "nosuid", "nodev"]}] |
                .linux.resources += {memory: {limit: 67108864}, pids: {limit: 50}, cpu: {shares: 512}} |
                .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
                        syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}'
        process see
}

# The runtime with a group that no container is to keep.
as_member() { setpriv --groups 0,12345 "$@"; }

# under_fault OPTION... -- COMMAND...: its status is in $status.
under_fault() {
        local options=()
        for (( ; ; )); do
                [ "$1" != -- ] || break
                options+=("$1")
                shift
        done
        shift
        status=0
        as_member "$FAULT" "${options[@]}" "$RUNTIME" --root "$ROOT" "$@" </dev/null >"$WORK/stdout" 2>"$WORK/stderr" 3>&- 4<&- || status=$?
}

# calls_of COMMAND...: all the system calls it makes, as lines PROCESS CALL NAME, and what it prints.
calls_of() {
        under_fault -t "$WORK/calls" -- "$@"
        cp "$WORK/stdout" "$WORK/expected"
        [ "$status" -eq 0 ] || {
                echo "without a fault: status $status $(cat "$WORK/stderr")"
                return 1
        }
}

# complain WHAT: the walk goes on, and fails at its end.
complain() { echo "process $process, call $call, $name, error $error: $*" | tee -a "$WORK/complaints"; }

# Where the answer is no fault but a fact.
is_fact() {
        case $name/$error in
        rmdir/2 | unlink/2 | unlinkat/2) true ;; # it is gone already
        *) false ;;
        esac
}

# Where the container may differ, and does so by rights.
may_differ() {
        case $process/$name/$error in
        */openat2/2) true ;;                             # what is not there needs no mask
        0/statfs/2) true ;;                              # nothing is mounted there
        0/openat/2) true ;;                              # the container has no cgroup there any more
        0/write/1) true ;;                               # a device of which the cgroup above has none either
        */fsopen/1 | */fsconfig/1 | */fsmount/1) true ;; # the host's sysfs, bound, stands in for a new one
        */setgroups/1) true ;;                           # a user namespace may deny it
        *) false ;;
        esac
}

# Fails, if it does, with a message, and neither crashes nor hangs.
check_status() {
        if [ "$status" -ge 124 ] && [ "$status" -lt 255 ] && [ "$status" -ne 126 ] && [ "$status" -ne 127 ]; then
                complain "status $status $(cat "$WORK/stderr")"
        elif [ "$status" -ne 0 ] && [ ! -s "$WORK/stderr" ]; then
                complain "status $status without a word"
        fi
}

with_fault() {
        if [ "$error" = kill ]; then
                under_fault -p "$process" -n "$call" -k -- "$@"
        else
                under_fault -t "$WORK/hit" -p "$process" -n "$call" -e "$error" -- "$@"
                # Which of two calls comes first may depend on whether something is in the cache.
                read -r _ _ name <"$WORK/hit" || true
                check_status
        fi
}

# Without a /etc/passwd that can be read there are no names of users: the container gets another HOME, `state` says "#0".
without_names() { sed '/^HOME=/d; s/#0/root/; s/  */ /g' "$1"; }

is_as_expected() {
        may_differ || diff <(without_names "$WORK/expected") <(without_names "${1:-$WORK/stdout}") >"$WORK/difference" ||
                complain "differs: $(cat "$WORK/difference")"
}

clean() {
        ! is_fact || cgroups_left "$ID" | xargs -r rmdir
        timeout 10 "$RUNTIME" --root "$ROOT" delete --force "$ID" 2>"$WORK/stderr" 3>&- 4<&- || complain "delete --force: $? $(cat "$WORK/stderr")"
        no_leaks || complain "left something"
}

# walk TRY ERROR...: TRY is called for each case, and looks at $process, $call, $name and $error. Of PART cases one is
# tried; it has no divisor in common with the number of errors, so that each of them has its turn.
walk() {
        local try=$1 process call name error calls=0 cases=0 tried=0
        shift
        cp "$WORK/calls" "$WORK/walked"
        while read -r process call name <&4; do
                calls=$((calls + 1))
                for error in "$@"; do
                        cases=$((cases + 1))
                        [ -n "${FAULTS_ALL:-}" ] || ((cases % ${PART:-$WALK} == 0)) || continue
                        is_fact && continue
                        tried=$((tried + 1))
                        "$try"
                done
        done 4<"$WORK/walked"
        echo "# $BATS_TEST_DESCRIPTION: $calls calls, $tried of $cases cases" >&3
        [ "$tried" -gt 0 ]
        [ ! -s "$WORK/complaints" ]
}

only_runtime() { sed -i '/^0 /!d' "$WORK/calls"; }

create_quietly() { rt create "$ID" </dev/null >"$WORK/created" 2>&1 3>&- 4<&-; }
run_quietly() { rt run -d "$ID" </dev/null >"$WORK/created" 2>&1 3>&- 4<&-; }
processes_in() { cgroup_file pids cgroup.procs cgroup.procs | wc -l; }
is_alone() { [ "$(processes_in)" -eq 1 ]; }

try_run() {
        with_fault run "$ID"
        [ "$status" -ne 0 ] || is_as_expected
        clean
}

@test "run: each call fails" {
        rt run "$ID" >"$WORK/stdout" # the compiled seccomp filter is kept
        calls_of run "$ID"
        walk try_run "${ERRORS[@]}"
}

try_cold_run() {
        rm -rf "${ROOT:?}/.cache"
        try_run
}

@test "run: each call fails, as root with new privileges, the filter not yet compiled" {
        config 'del(.process.user) | .process.user = {uid: 0, gid: 0} | .process.noNewPrivileges = false |
                .hooks = {createRuntime: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}], poststop: [{path: "/bin/true"}]}'
        rt run "$ID" >"$WORK/stdout"
        rm -rf "${ROOT:?}/.cache"
        calls_of run "$ID"
        walk try_cold_run "${ERRORS[@]}"
}

@test "run: each call fails, in a user namespace" {
        config '.linux.namespaces += [{type: "user"}] | .mounts |= map(select(.type != "mqueue")) |
                .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
        rt run "$ID" >"$WORK/stdout"
        calls_of run "$ID"
        walk try_run "${ERRORS[@]}"
}

try_create() {
        with_fault create "$ID"
        [ "$status" -ne 0 ] || has_status "$ID" created || complain "not created"
        clean
}

@test "create: each call fails" {
        process /bin/true
        rt run "$ID"
        calls_of create "$ID"
        rt delete --force "$ID"
        walk try_create "${ERRORS[@]}"
}

try_start() {
        create_quietly
        with_fault start "$ID"
        if [ "$status" -eq 0 ]; then
                wait_for 5 has_status "$ID" stopped || complain "not started"
                is_as_expected "$WORK/created"
        fi
        clean
}

@test "start: each call fails" {
        create_quietly
        calls_of start "$ID"
        wait_for 5 has_status "$ID" stopped
        cp "$WORK/created" "$WORK/expected"
        rt delete "$ID"
        walk try_start "${ERRORS[@]}"
}

# attached OPTION...: create, and `start` while init is under fault. Its pid is from a file: who asks for the state wakes it.
attached() {
        local pid ended=0
        rm -f "$WORK/attached"
        rt create --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/created" 2>&1 3>&- 4<&-
        "$FAULT" "$@" -a "$(cat "$WORK/pid")" >"$WORK/attached" 3>&- 4<&- &
        pid=$!
        wait_for 5 test -s "$WORK/attached"
        status=0
        timeout 10 "$RUNTIME" --root "$ROOT" start "$ID" </dev/null >"$WORK/stdout" 2>"$WORK/stderr" 3>&- 4<&- || status=$?
        # Where the call that failed was an answer to `start`, it goes on waiting.
        [ "$status" -eq 0 ] || kill "$pid" 2>/dev/null || true
        wait "$pid" || ended=$?
        [ "$ended" -lt 124 ] || [ "$ended" -eq 143 ] || status=$ended
}

try_init() {
        attached -p 0 -n "$call" -e "$error"
        check_status
        if [ "$status" -eq 0 ]; then
                wait_for 5 has_status "$ID" stopped || complain "not started"
                is_as_expected "$WORK/created"
        fi
        clean
}

@test "start: each call of the container's first process fails" {
        attached -t "$WORK/calls"
        [ "$status" -eq 0 ]
        wait_for 5 has_status "$ID" stopped
        cp "$WORK/created" "$WORK/expected"
        rt delete "$ID"
        walk try_init "${ERRORS[@]}"
}

try_exec() {
        with_fault exec "$ID" see
        [ "$status" -ne 0 ] || [ "$error" = kill ] || is_as_expected
        wait_for 2 is_alone || complain "left a process"
}

@test "exec: each call fails" {
        process sleep 1000
        run_quietly
        calls_of exec "$ID" see
        walk try_exec "${ERRORS[@]}"
        has_status "$ID" running
}

try_kill() {
        run_quietly
        with_fault kill "$ID" KILL
        [ "$status" -ne 0 ] || wait_for 5 has_status "$ID" stopped || complain "not killed"
        clean
}

@test "kill: each call fails" {
        process sleep 1000
        run_quietly
        calls_of kill "$ID" KILL
        rt delete --force "$ID"
        walk try_kill "${ERRORS[@]}"
}

try_delete() {
        run_quietly
        with_fault delete --force "$ID"
        [ "$status" -ne 0 ] || no_leaks || complain "not deleted"
        clean
}

@test "delete: each call fails" {
        process sleep 1000
        run_quietly
        calls_of delete --force "$ID"
        walk try_delete "${FAULTS[@]}"
}

try_pause() {
        with_fault pause "$ID"
        [ "$status" -ne 0 ] || has_status "$ID" paused || complain "not paused"
        ! has_status "$ID" paused || rt resume "$ID"
        has_status "$ID" running || complain "does not run any more"
}

@test "pause: each call fails" {
        process sleep 1000
        run_quietly
        calls_of pause "$ID"
        rt resume "$ID"
        walk try_pause "${ERRORS[@]}"
}

try_resume() {
        has_status "$ID" paused || rt pause "$ID"
        with_fault resume "$ID"
        [ "$status" -ne 0 ] || has_status "$ID" running || complain "not resumed"
}

@test "resume: each call fails" {
        process sleep 1000
        run_quietly
        rt pause "$ID"
        calls_of resume "$ID"
        walk try_resume "${FAULTS[@]}"
}

limits() {
        cgroup_file memory memory.limit_in_bytes memory.max
        cgroup_file pids pids.max pids.max
}

try_update() {
        rt update --memory 67108864 --pids-limit 50 "$ID"
        with_fault update --memory 33554432 --pids-limit 20 "$ID"
        [ "$status" -ne 0 ] || [ "$(limits)" = $'33554432\n20' ] || complain "limits are $(limits)"
}

@test "update: each call fails" {
        process sleep 1000
        run_quietly
        calls_of update --memory 33554432 --pids-limit 20 "$ID"
        walk try_update "${ERRORS[@]}"
}

try_state() {
        with_fault state "$ID"
        [ "$status" -ne 0 ] || is_as_expected
}

try_list() {
        with_fault list
        [ "$status" -ne 0 ] || is_as_expected
}

@test "state and list: each call fails" {
        process sleep 1000
        run_quietly
        calls_of state "$ID"
        walk try_state "${FAULTS[@]}"
        calls_of list
        walk try_list "${FAULTS[@]}"
}

# An exec that was killed may have begun its program already: it ends by itself.
@test "kill -9 of run, create, start, exec and delete at each call" {
        local PART=$KILLS
        process /bin/true
        rt run "$ID"
        calls_of run "$ID"
        only_runtime
        walk try_run kill
        calls_of create "$ID"
        rt delete --force "$ID"
        only_runtime
        walk try_create kill
        create_quietly
        calls_of start "$ID"
        rt delete --force "$ID"
        only_runtime
        walk try_start kill
        process sleep 1000
        run_quietly
        calls_of exec "$ID" true
        only_runtime
        walk try_exec kill
        has_status "$ID" running
        calls_of delete --force "$ID"
        only_runtime
        walk try_delete kill
}
