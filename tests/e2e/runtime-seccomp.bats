#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# linux.seccomp: what a filter lets through, refuses, kills and asks about.

load helpers

setup() {
        bundle_make
        probe_into rootfs
}

# seccomp DEFAULT-ACTION RULES: rules as a JSON array
seccomp() {
        config '.linux.seccomp = {defaultAction: $action, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], syscalls: $rules}' \
                --arg action "$1" --argjson rules "$2"
        case $(uname -m) in
        aarch64) config '.linux.seccomp.architectures = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]' ;;
        esac
}

MKDIR='"mkdir", "mkdirat"'

@test "a filter is in force, for exec too, and without one there is none" {
        process grep -E '^Seccomp' /proc/self/status
        rt run "$ID" | grep -qx 'Seccomp:.0'
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_ERRNO\"}]"
        rt run "$ID" | grep -qx 'Seccomp:.2'
        start_sleeper
        rt exec "$ID" grep '^Seccomp:' /proc/self/status | grep -qx 'Seccomp:.2'
        [ "$(rt exec "$ID" probe syscall mkdir)" = EPERM ]
}

@test "errno: EPERM by default, another one when it is given" {
        process probe syscall mkdir
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_ERRNO\"}]"
        [ "$(rt run "$ID")" = EPERM ]
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 123}]"
        [ "$(rt run "$ID")" = ENOMEDIUM ]
        [ "$(rt run "$ID")" = ENOMEDIUM ]
}

@test "the default action, with its own errno" {
        # Everything is allowed by name but what is asked for: a list of all syscalls of busybox would be long.
        seccomp SCMP_ACT_ERRNO '[]'
        config '.linux.seccomp.defaultErrnoRet = 77 | .linux.seccomp.syscalls = [{names: $n, action: "SCMP_ACT_ALLOW"}]' --argjson n \
                '["read","write","open","openat","close","stat","fstat","newfstatat","lstat","mmap","mprotect","munmap","brk","exit","exit_group",
                "execve","arch_prctl","set_tid_address","set_robust_list","rseq","prlimit64","readlink","readlinkat","getrandom","writev",
                "futex","fcntl","ioctl","rt_sigaction","rt_sigprocmask","getuid","geteuid","getgid","getegid","chdir","getcwd","fstatfs",
                "capget","capset","prctl","close_range","setuid","setgid","setgroups","setresuid","setresgid","epoll_pwait","epoll_ctl","epoll_create1",
                "sched_yield","nanosleep","getpid","gettid","tgkill","madvise","sigaltstack","umask","fchown","fchownat","statx","poll","ppoll","connect",
                "socket","sendmsg","recvmsg","accept4","faccessat2","faccessat","getdents64","dup3","lseek","pread64","clock_gettime","rt_sigreturn","setsid","waitid","keyctl"]'
        process probe syscall swapon
        run rt run "$ID"
        [ "$output" = EBADFD ]
}

@test "kill: one and the whole process" {
        for action in SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD; do
                process probe syscall mkdir
                seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"$action\"}]"
                run rt run "$ID"
                [ "$status" -eq 159 ]
                [ -z "$output" ]
        done
}

@test "trap sends SIGSYS" {
        process probe syscall mkdir
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_TRAP\"}]"
        run rt run "$ID"
        [ "$status" -eq 159 ]
}

@test "trace without a tracer, and log" {
        process probe syscall mkdir
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_TRACE\"}]"
        [ "$(rt run "$ID")" = ENOSYS ]
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_LOG\"}]"
        [ "$(rt run "$ID")" = ok ]
}

@test "arguments: equal, not equal, masked, less, greater" {
        # personality(2) has one argument: 0xffffffff only asks, PER_BSD is 6.
        rule() { seccomp SCMP_ACT_ALLOW "[{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 123, \"args\": [$1]}]"; }
        check() { # PROBE EXPECTED
                process probe syscall "$1"
                [ "$(rt run "$ID")" = "$2" ]
        }
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_EQ"}'
        check personality-bsd ENOMEDIUM
        check personality ok
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_NE"}'
        check personality-bsd ok
        check personality ENOMEDIUM
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_GT"}'
        check personality-bsd ok
        check personality ENOMEDIUM
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_GE"}'
        check personality-bsd ENOMEDIUM
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_LT"}'
        check personality-bsd ok
        rule '{"index": 0, "value": 6, "op": "SCMP_CMP_LE"}'
        check personality-bsd ENOMEDIUM
        check personality ok
        rule '{"index": 0, "value": 14, "valueTwo": 6, "op": "SCMP_CMP_MASKED_EQ"}'
        check personality-bsd ENOMEDIUM
        check personality ok
}

@test "names that this host does not know are left out" {
        seccomp SCMP_ACT_ALLOW "[{\"names\": [\"no_such_syscall\", $MKDIR], \"action\": \"SCMP_ACT_ERRNO\"}]"
        process probe syscall mkdir
        [ "$(rt run "$ID")" = EPERM ]
}

@test "syscalls newer than the profile answer ENOSYS, not its errno" {
        seccomp SCMP_ACT_ERRNO '[]'
        [ -e /usr/share/containers/seccomp.json ] || skip "golang-github-containers-common is not installed"
        config '.linux.seccomp.syscalls = [{names: $p[0].syscalls | map(select((.args // []) == [] and .action == "SCMP_ACT_ALLOW") | .names[]), action: "SCMP_ACT_ALLOW"}]' \
                --slurpfile p /usr/share/containers/seccomp.json
        process probe syscall none
        [ "$(rt run "$ID")" = ENOSYS ]
}

@test "unknown actions, operators, architectures and flags are refused" {
        seccomp SCMP_ACT_NOSUCH '[]'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW '[{"names": ["mkdir"], "action": "SCMP_ACT_NOSUCH"}]'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW '[{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NOSUCH"}]}]'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW '[{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}]'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW '[]'
        config '.linux.seccomp.architectures = ["SCMP_ARCH_NOSUCH"]'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW '[]'
        config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_NOSUCH"]'
        run ! rt run "$ID"
}

@test "flags" {
        skip_runc "knows none"
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_ERRNO\"}]"
        process probe syscall mkdir
        config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'
        [ "$(rt run "$ID")" = EPERM ]
        config '.linux.seccomp.flags = []'
        [ "$(rt run "$ID")" = EPERM ]
}

@test "without no_new_privs too" {
        config '.process.noNewPrivileges = false'
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_ERRNO\"}]"
        script 'probe syscall mkdir; grep NoNewPrivs /proc/self/status'
        run rt run "$ID"
        [ "${lines[0]}" = EPERM ]
        [[ ${lines[1]} == *0 ]]
}

@test "notify: the agent gets the state and the descriptor, and decides" {
        background "$TESTS/seccomp_agent.py" "$WORK/agent.sock" "$WORK/agent.state" 123
        wait_for 5 test -S "$WORK/agent.sock"
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_NOTIFY\"}]"
        config '.linux.seccomp.listenerPath = $p | .linux.seccomp.listenerMetadata = "some=data" | .annotations = {"k": "v"}' --arg p "$WORK/agent.sock"
        script 'probe syscall mkdir; probe syscall mkdir'
        run timeout 30 "$RUNTIME" --root "$ROOT" run "$ID"
        echo "$output"
        [ "${lines[*]}" = "ENOMEDIUM ENOMEDIUM" ]
        cat "$WORK/agent.state"
        jq -e --arg id "$ID" --arg bundle "$BUNDLE" '.descriptors == 1 and (.state.fds | index("seccompFd")) == 0 and
                .state.metadata == "some=data" and .state.pid > 0 and (.state.ociVersion | startswith("1.")) and
                .state.state.id == $id and .state.state.bundle == $bundle and .state.state.annotations.k == "v"' "$WORK/agent.state"
}

@test "notify: an exec'd process has its own" {
        background "$TESTS/seccomp_agent.py" "$WORK/agent.sock" "$WORK/agent.state" 123
        wait_for 5 test -S "$WORK/agent.sock"
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_NOTIFY\"}]"
        config '.linux.seccomp.listenerPath = $p' --arg p "$WORK/agent.sock"
        start_sleeper
        wait_for 5 test -e "$WORK/agent.state"
        kill -KILL "${PIDS[0]}"
        rm "$WORK/agent.sock"
        background "$TESTS/seccomp_agent.py" "$WORK/agent.sock" "$WORK/agent2.state" 95
        wait_for 5 test -S "$WORK/agent.sock"
        [ "$(timeout 30 "$RUNTIME" --root "$ROOT" exec "$ID" probe syscall mkdir)" = EOPNOTSUPP ]
        jq -e '.state.state.status == "running"' "$WORK/agent2.state"
}

@test "notify: without a listener, or with none behind its path, it is refused" {
        seccomp SCMP_ACT_ALLOW "[{\"names\": [$MKDIR], \"action\": \"SCMP_ACT_NOTIFY\"}]"
        run ! rt run "$ID"
        config '.linux.seccomp.listenerPath = "/no/such/socket"'
        run ! rt run "$ID"
        seccomp SCMP_ACT_ALLOW "[{\"names\": [\"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}]"
        config '.linux.seccomp.listenerPath = "/no/such/socket"'
        run ! timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        no_leaks
}
