#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# exec: a further process in a running container.

load helpers

@test "exec: output, stdin and exit status" {
        start_sleeper
        [ "$(rt exec "$ID" echo hello)" = hello ]
        [ "$(echo in | rt exec "$ID" cat)" = in ]
        run rt exec "$ID" sh -c 'exit 33'
        [ "$status" -eq 33 ]
        run rt exec "$ID" sh -c 'kill -TERM $$'
        [ "$status" -eq 143 ]
}

@test "exec: every namespace and cgroup is the container's" {
        start_sleeper
        local pid
        pid=$(pid_of "$ID")
        for ns in pid net ipc uts mnt cgroup; do
                [ "$(rt exec "$ID" readlink "/proc/self/ns/$ns")" = "$(readlink "/proc/$pid/ns/$ns")" ]
        done
        rt exec "$ID" cat /proc/1/cgroup >"$WORK/init"
        rt exec "$ID" cat /proc/self/cgroup >"$WORK/self"
        diff "$WORK/init" "$WORK/self"
        background rt exec "$ID" sleep 1001
        wait_for 5 processes_are 2
        diff "/proc/$pid/cgroup" "/proc/$(rt ps -f json "$ID" | jq "map(select(. != $pid))[0]")/cgroup"
}

@test "exec: user, working directory, environment" {
        start_sleeper
        [ "$(rt exec --user 1000:2000 "$ID" sh -c 'echo $(id -u) $(id -g)')" = "1000 2000" ]
        [ "$(rt exec -u 1000 "$ID" id -u)" = 1000 ]
        [ "$(rt exec --cwd /tmp "$ID" pwd)" = /tmp ]
        [ "$(rt exec --env A=1 --env B=2 "$ID" sh -c 'echo $A $B $TERM')" = "1 2 xterm" ]
        [ "$(rt exec -u 1000 "$ID" sh -c 'echo $HOME')" = /home/test ]
        [ "$(rt exec "$ID" sh -c 'echo $HOME')" = /root ]
        rt exec -u 1000:1000 -g 2000 -g 5 "$ID" id -G >"$WORK/groups"
        [ "$(tr ' ' '\n' <"$WORK/groups" | sort -n | xargs)" = "5 1000 2000" ]
}

@test "exec: a user that is no number is refused, not taken for root" {
        start_sleeper
        local users=("1 " 0x1 1: "1000:x" -5)
        [[ $("$RUNTIME" --version) == runc* ]] || users+=(4294967296 18446744073709551616 +1 " 1" 1:4294967296)
        for user in "${users[@]}"; do
                run rt exec --user="$user" "$ID" id -u
                echo "$user: $output"
                [ "$status" -ne 0 ]
        done
}

@test "exec: capabilities and no_new_privs" {
        start_sleeper
        rt exec "$ID" grep -E 'Cap|NoNewPrivs' /proc/self/status >"$WORK/status"
        grep -qx 'CapEff:.0000000020000420' "$WORK/status"
        grep -qx 'CapInh:.0000000000000000' "$WORK/status"
        grep -qx 'NoNewPrivs:.1' "$WORK/status"
        rt exec --cap CAP_SYS_ADMIN "$ID" grep -E 'Cap' /proc/self/status >"$WORK/status"
        grep -qx 'CapEff:.0000000020200420' "$WORK/status"
        grep -qx 'CapBnd:.0000000020200420' "$WORK/status"
        # "The runtime MUST NOT fail if the container configuration requests capabilities that cannot be granted".
        rt exec --cap CAP_NO_SUCH "$ID" true
}

@test "exec --process: a whole process from a file" {
        start_sleeper
        cat >"$WORK/process.json" <<'JSON'
{ "args": ["/bin/sh", "-c", "id -u; id -G; pwd; echo $KEY; grep CapEff /proc/self/status; ulimit -n"],
  "user": { "uid": 1000, "gid": 1000, "additionalGids": [2000] },
  "env": ["PATH=/bin", "KEY=value"], "cwd": "/tmp", "noNewPrivileges": true,
  "rlimits": [{ "type": "RLIMIT_NOFILE", "soft": 77, "hard": 77 }] }
JSON
        run rt exec --process "$WORK/process.json" "$ID"
        [ "$status" -eq 0 ]
        echo "$output"
        [ "${lines[*]}" = "1000 1000 2000 /tmp value CapEff:	0000000000000000 77" ]
        echo '{"args": [' >"$WORK/broken.json"
        run ! rt exec --process "$WORK/broken.json" "$ID"
        run ! rt exec --process "$WORK/none.json" "$ID"
}

@test "exec --process: its umask" {
        skip_runc "takes the container's"
        start_sleeper
        jq '.process + {args: ["/bin/sh", "-c", "umask"], user: {uid: 0, gid: 0, umask: 23}}' config.json >"$WORK/process.json"
        [ "$(rt exec --process "$WORK/process.json" "$ID")" = 0027 ]
}

@test "exec --detach: goes on by itself, with a pid file" {
        start_sleeper
        rt exec --detach --pid-file "$WORK/pid" "$ID" sleep 1001 </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q 1001 "/proc/$(cat "$WORK/pid")/cmdline"
        processes_are 2
        rt delete --force "$ID"
        wait_for 5 is_gone "$(cat "$WORK/pid")"
}

@test "exec: no descriptor of the runtime's is seen" {
        start_sleeper
        # 0 to 2 and the one that ls itself opens.
        [ "$(rt exec "$ID" ls /proc/self/fd | wc -l)" -eq 4 ]
        echo third >"$WORK/third"
        run rt exec --preserve-fds 1 "$ID" cat /proc/self/fd/3 3<"$WORK/third"
        [ "$output" = third ]
}

@test "exec: a program that is missing or cannot run" {
        start_sleeper
        run rt exec "$ID" nosuchprogram
        [ "$status" -ne 0 ]
        [[ $output =~ (executable file not found in|no such file or directory) ]]
        run rt exec "$ID" /etc/passwd
        [ "$status" -ne 0 ]
        [[ $output == *"permission denied"* ]]
        run rt exec --cwd /no/such/directory/here -u 1000 "$ID" true
        [ "$status" -ne 0 ]
}

@test "exec -t: a terminal of its own, with its size and its keys" {
        start_sleeper
        "$TESTS/tty_drive.py" -s 31x97 -e '[$#] ' -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' \
                -s 40x100 -d 0.2 -i 'stty size\r' -e '40 100' -i 'exit 7\r' -- \
                "$RUNTIME" --root "$ROOT" exec -t "$ID" sh >"$WORK/tty" || status=$?
        cat "$WORK/tty"
        [ "$status" -eq 7 ]
        grep -q /dev/pts/ "$WORK/tty"
}

@test "exec -t: control-C reaches the program, not the runtime" {
        start_sleeper
        "$TESTS/tty_drive.py" -e '[$#] ' -i 'sleep 100\r' -d 0.3 -i '\x03' -e '[$#] ' -i 'echo st$((1))ll\r' -e 'st1ll' -i 'exit\r' \
                -- "$RUNTIME" --root "$ROOT" exec -t "$ID" sh >"$WORK/tty" || status=$?
        cat "$WORK/tty"
        grep -q st1ll "$WORK/tty"
}

@test "exec -t --detach --console-socket: the terminal is handed over" {
        start_sleeper
        background "$TESTS/tty_drive.py" --listen "$WORK/console.sock" -e '[$#] ' -i 'tty; exit\r' >"$WORK/tty"
        wait_for 5 test -S "$WORK/console.sock"
        rt exec -t -d --console-socket "$WORK/console.sock" "$ID" sh </dev/null
        wait "${PIDS[0]}"
        grep -q /dev/pts/ "$WORK/tty"
}

@test "exec: CPU affinity first and at last" {
        skip_runc "knows none"
        (($(nproc) > 1)) || skip "this machine has one CPU"
        probe_into rootfs
        config '.process.execCPUAffinity = {"initial": "0", "final": "1"}'
        start_sleeper
        [ "$(rt exec "$ID" probe affinity)" = 1 ]
        jq '.process + {args: ["/bin/probe", "affinity"], execCPUAffinity: {final: "0"}}' config.json >"$WORK/process.json"
        [ "$(rt exec --process "$WORK/process.json" "$ID")" = 0 ]
}

@test "exec: into a container that another one shares its namespaces with" {
        start_sleeper
        local pid second=$ID-second
        pid=$(pid_of "$ID")
        bundle_at "$WORK/second" "$second"
        jq --arg p "/proc/$pid/ns" '.linux.namespaces |= map(if .type == "mount" or .type == "cgroup" then . else
                .path = $p + "/" + ({network: "net"}[.type] // .type) end) | del(.hostname) |
                .process.args = ["/bin/sleep", "1002"]' "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        rt run -d -b "$WORK/second" "$second" </dev/null >"$WORK/out" 2>&1 3>&-
        [ "$(rt exec "$second" hostname)" = box ]
        rt exec "$second" ps >"$WORK/ps"
        grep -q 'sleep 1000' "$WORK/ps"
        grep -q 'sleep 1002' "$WORK/ps"
        rt delete -f "$second"
        [ "$(status_of "$ID")" = running ]
}

@test "exec: fifty at once" {
        start_sleeper
        local pids=() i
        for i in {1..50}; do
                rt exec "$ID" sh -c "exit $i" 3>&- &
                pids+=($!)
        done
        for i in {1..50}; do
                status=0
                wait "${pids[i - 1]}" || status=$?
                [ "$status" -eq "$i" ]
        done
        processes_are 1
}
