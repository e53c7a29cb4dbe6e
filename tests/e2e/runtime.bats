#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The runtime's commands and a container's life.

load helpers

@test "version and help name what is there" {
        run rt --version
        [ "$status" -eq 0 ]
        [[ $output == *"spec: 1."* ]]
        run rt --help
        [ "$status" -eq 0 ]
        for command in create start run state kill delete exec list ps pause resume update events spec features \
                checkpoint restore; do
                [[ $output == *"$command"* ]]
        done
        for command in create start run state kill delete exec list ps pause resume update events spec features; do
                run rt "$command" --help
                [ "$status" -eq 0 ]
                [[ $output == *"$command"* ]]
        done
}

@test "unknown commands, options and missing arguments are refused" {
        run ! rt no-such-command
        run ! rt run --no-such-option "$ID"
        run ! rt --no-such-option list
        run ! rt state
        run ! rt run
        run ! rt exec "$ID"
        run ! rt run "$ID" two-many
}

@test "ids that could leave the root are refused" {
        for id in ../x a/b .. . '' 'a b' "$(printf 'x%.0s' {1..2000})"; do
                run rt run "$id"
                [ "$status" -ne 0 ]
        done
        run ! rt delete --force ../bundle
        [ -e "$BUNDLE/config.json" ]
}

@test "run: output, exit status and nothing left" {
        script 'echo out; echo err >&2; exit 42'
        rt run "$ID" >"$WORK/out" 2>"$WORK/err" || status=$?
        [ "$status" -eq 42 ]
        [ "$(cat "$WORK/out")" = out ]
        [ "$(cat "$WORK/err")" = err ]
        run ! rt state "$ID"
        no_leaks
}

@test "run: stdin reaches the container" {
        process cat
        [ "$(echo hello | rt run "$ID")" = hello ]
}

@test "run: a bundle elsewhere" {
        script 'echo here'
        cd /
        [ "$(rt run --bundle "$BUNDLE" "$ID")" = here ]
        [ "$(rt run -b "$BUNDLE" "$ID")" = here ]
}

@test "run: death by a signal is 128 + its number" {
        process sleep 1000
        background rt run "$ID"
        wait_for 5 has_status "$ID" running
        rt kill "$ID" KILL
        local status=0
        wait "${PIDS[0]}" || status=$?
        [ "$status" -eq 137 ]
}

@test "run: signals are passed on to the container" {
        script 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
        background rt run "$ID" >"$WORK/out"
        wait_for 5 grep -q ready "$WORK/out"
        kill -TERM "${PIDS[0]}"
        local status=0
        wait "${PIDS[0]}" || status=$?
        [ "$status" -eq 3 ]
        grep -q 'got it' "$WORK/out"
}

@test "run --detach: leaves it running, with its pid in the pid file" {
        script 'echo begun; exec sleep 1000'
        rt run --detach --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q begun "$WORK/out"
        [ "$(status_of "$ID")" = running ]
        [ "$(cat "$WORK/pid")" = "$(pid_of "$ID")" ]
        grep -q sleep "/proc/$(cat "$WORK/pid")/cmdline"
}

@test "run --keep: a stopped container stays until it is deleted" {
        skip_runc "has no --keep"
        rt run --keep "$ID"
        [ "$(status_of "$ID")" = stopped ]
        rt delete "$ID"
}

@test "create, start, kill, delete: the states in their order" {
        script 'touch /tmp/started; exec sleep 1000'
        rt create --pid-file "$WORK/pid" "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        [ "$(status_of "$ID")" = created ]
        [ "$(cat "$WORK/pid")" = "$(pid_of "$ID")" ]
        [ ! -e rootfs/tmp/started ]
        rt start "$ID"
        [ "$(status_of "$ID")" = running ]
        wait_for 5 test -e rootfs/tmp/started
        run ! rt delete "$ID"
        [ "$(status_of "$ID")" = running ]
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        rt delete "$ID"
        run ! rt state "$ID"
        no_leaks
}

@test "state: what the specification asks for" {
        config '.annotations = {"org.example.key": "value"}'
        start_sleeper
        rt state "$ID" >"$WORK/state"
        jq -e --arg id "$ID" --arg bundle "$BUNDLE" --arg owner "$(id -un)" '
                .id == $id and .bundle == $bundle and .status == "running" and (.pid | type == "number") and
                (.ociVersion | startswith("1.")) and .annotations["org.example.key"] == "value" and
                .rootfs == $bundle + "/rootfs" and (.created | test("^20[0-9-]+T[0-9:.]+Z$")) and
                (.owner == $owner)' "$WORK/state"
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        rt state "$ID" | jq -e '.pid == 0'
}

@test "a created container can be killed and deleted without having run" {
        process touch /tmp/started
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        rt delete "$ID"
        [ ! -e rootfs/tmp/started ]
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt delete --force "$ID"
        no_leaks
}

@test "delete --force: a running one, and none at all" {
        start_sleeper
        local pid
        pid=$(pid_of "$ID")
        rt delete --force "$ID"
        is_gone "$pid"
        rt delete --force "$ID"
        run ! rt delete "$ID"
        no_leaks
}

@test "delete --force ends what shares no pid namespace" {
        config '.linux.namespaces |= map(select(.type != "pid"))'
        script 'sleep 1001 & sleep 1002 & exec sleep 1003'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 processes_are 3
        rt delete --force "$ID"
        no_leaks
}

@test "kill: signals by name and by number" {
        script 'for s in HUP USR1 USR2 TERM; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.02; done'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q ready "$WORK/out"
        rt kill "$ID" SIGHUP
        wait_for 5 grep -q HUP "$WORK/out"
        rt kill "$ID" USR1
        wait_for 5 grep -q USR1 "$WORK/out"
        rt kill "$ID" 12
        wait_for 5 grep -q USR2 "$WORK/out"
        rt kill "$ID"
        wait_for 5 grep -q TERM "$WORK/out"
        run ! rt kill "$ID" NOSUCH
        run ! rt kill "$ID" 99
        [ "$(status_of "$ID")" = running ]
}

@test "kill --all reaches every process" {
        config '.linux.namespaces |= map(select(.type != "pid"))'
        script 'sleep 1001 & sleep 1002 & exec sleep 1003'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 processes_are 3
        local pids
        pids=$(rt ps -f json "$ID" | jq '.[]')
        rt kill --all "$ID" KILL
        for pid in $pids; do wait_for 5 is_gone "$pid"; done
}

@test "list: table, json and ids" {
        mkdir "$ROOT"
        run rt list -q
        [ "$status" -eq 0 ]
        [ -z "$output" ]
        run rt list
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == ID*PID*STATUS*BUNDLE*CREATED*OWNER* ]]
        start_sleeper
        [ "$(rt list -q)" = "$ID" ]
        run rt list
        [ "${#lines[@]}" -eq 2 ]
        [[ ${lines[1]} == "$ID "*running*"$BUNDLE"* ]]
        rt list --format json | jq -e --arg id "$ID" 'length == 1 and .[0].id == $id and .[0].status == "running" and
                .[0].pid > 1 and (.[0].ociVersion | length > 0)'
        run ! rt list --format xml
}

@test "ps: table with its own columns, and json" {
        start_sleeper
        run rt ps "$ID"
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == UID*PID*CMD* ]]
        [[ ${lines[1]} == *"sleep 1000"* ]]
        run rt ps "$ID" -o pid,comm
        [ "$status" -eq 0 ]
        [[ ${lines[1]} == *"$(pid_of "$ID")"*sleep* ]]
        [ "$(rt ps -f json "$ID" | jq -c .)" = "[$(pid_of "$ID")]" ]
        run ! rt ps -f yaml "$ID"
}

@test "pause and resume" {
        script 'while :; do echo x; sleep 0.02; done'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 test -s "$WORK/out"
        rt pause "$ID"
        [ "$(status_of "$ID")" = paused ]
        sleep 0.1
        local before after
        before=$(wc -c <"$WORK/out")
        sleep 0.2
        after=$(wc -c <"$WORK/out")
        [ "$before" -eq "$after" ]
        rt list | grep -q paused
        run ! rt exec "$ID" true
        rt resume "$ID"
        [ "$(status_of "$ID")" = running ]
        grows() { (($(wc -c <"$WORK/out") > after)); }
        wait_for 5 grows
        run ! rt resume "$ID"
}

@test "a created container can be paused and resumed" {
        process touch /started
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt pause "$ID"
        [ "$(status_of "$ID")" = paused ]
        run ! rt pause "$ID"
        rt resume "$ID"
        [ "$(status_of "$ID")" = created ]
        rt start "$ID"
        wait_for 5 test -e rootfs/started
}

@test "a created container that does not answer can be looked at as often as one likes" {
        process touch /started
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt kill "$ID" STOP
        local i
        for i in {1..20}; do
                [ "$(timeout -s KILL 10 "$RUNTIME" --root "$ROOT" state "$ID" | jq -r .status)" = created ]
        done
        rt kill "$ID" CONT
        rt start "$ID"
        wait_for 5 test -e rootfs/started
}

@test "a paused container can be killed and deleted" {
        start_sleeper
        rt pause "$ID"
        rt kill "$ID" KILL
        rt delete --force "$ID"
        no_leaks
}

@test "a paused container is deleted by --force at once" {
        start_sleeper
        rt pause "$ID"
        rt delete --force "$ID"
        no_leaks
}

@test "exec --ignore-paused waits until it is resumed" {
        start_sleeper
        rt pause "$ID"
        background rt exec --ignore-paused "$ID" touch /tmp/done
        sleep 0.2
        [ ! -e rootfs/tmp/done ]
        rt resume "$ID"
        wait_for 5 test -e rootfs/tmp/done
}

@test "start, pause, resume, exec and kill are refused in the wrong state" {
        for command in start pause resume state "kill" "ps"; do
                run ! rt "$command" "$ID"
                [[ $output == *"does not exist"* ]]
        done
        process sleep 1000
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        run ! rt resume "$ID"
        rt start "$ID"
        run ! rt start "$ID"
        run ! rt create "$ID"
        [[ $output == *"exist"* ]]
        run ! rt run "$ID"
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        run ! rt start "$ID"
        run ! rt pause "$ID"
        run ! rt exec "$ID" true
        run ! rt kill "$ID" TERM
        [[ $output == *"not running"* ]]
        rt delete "$ID"
}

@test "a missing or unusable program is told in the words that clients look for" {
        # In these letters: docker makes its exit statuses 126 and 127 of them, and minds upper case.
        process /no/such/program
        run rt run "$ID"
        [ "$status" -ne 0 ]
        [[ $output =~ (executable file not found in|no such file or directory) ]]
        process nosuchprogram
        run rt run "$ID"
        [ "$status" -ne 0 ]
        [[ $output =~ (executable file not found in|no such file or directory) ]]
        process /etc/passwd
        run rt run "$ID"
        [ "$status" -ne 0 ]
        [[ $output == *"permission denied"* ]]
        no_leaks
}

@test "--log: one JSON object for an error, text by default" {
        run ! rt --log "$WORK/log" --log-format json state nothing-there
        jq -e 'select(.level == "error") | (.msg | contains("does not exist")) and (.time | length > 10)' "$WORK/log"
        run ! rt --log "$WORK/text" state nothing-there
        grep -q 'level=error.*does not exist' "$WORK/text"
        run ! rt --log "$WORK/log" --log-format yaml list
}

@test "--debug says more" {
        rt --debug --log "$WORK/debug" run "$ID"
        [ -s "$WORK/debug" ]
}

@test "features: what runs here, as JSON" {
        rt features | jq -e '.ociVersionMin and .ociVersionMax and (.hooks | index("prestart") and index("startContainer"))
                and (.mountOptions | index("rro")) and (.linux.namespaces | index("user"))
                and (.linux.capabilities | index("CAP_SYS_ADMIN")) and .linux.cgroup.v1 and .linux.seccomp.enabled
                and (.linux.seccomp.actions | index("SCMP_ACT_ERRNO"))'
}

@test "features: of specification 1.2" {
        skip_runc "older"
        rt features | jq -e '(.linux.namespaces | index("time")) and .linux.mountExtensions.idmap.enabled == true
                and (.linux.seccomp.supportedFlags | length > 0) and (.linux.cgroup | has("systemd"))'
}

@test "spec: writes a configuration that runs, and never over one that is there" {
        mkdir "$WORK/new"
        cd "$WORK/new"
        rt spec
        jq -e '.ociVersion and .process.args == ["sh"] and .process.terminal' config.json
        run ! rt spec
        mv "$BUNDLE/rootfs" rootfs
        jq --arg cg "$CGROUP" '.process.terminal = false | .process.args = ["/bin/echo", "it runs"] |
                .linux.cgroupsPath = $cg' config.json >new && mv new config.json
        [ "$(rt run "$ID")" = "it runs" ]
        mv rootfs "$BUNDLE/rootfs"
        mkdir "$WORK/rootless"
        rt spec --rootless --bundle "$WORK/rootless"
        jq -e '.linux.uidMappings[0].containerID == 0 and ([.linux.namespaces[].type] | index("user"))' \
                "$WORK/rootless/config.json"
}

@test "--preserve-fds: just as many as asked for, and no other descriptor" {
        script 'cat <&3; ls /proc/self/fd | wc -l'
        echo third >"$WORK/third"
        exec 4<"$WORK/third"
        # Descriptors 0 to 2, the preserved 3, and the one that ls itself opens.
        run rt run --preserve-fds 1 "$ID" 3<"$WORK/third"
        [ "${lines[0]}" = third ]
        [ "${lines[1]}" -eq 5 ]
        script 'ls /proc/self/fd | wc -l'
        run rt run "$ID" 3<"$WORK/third"
        exec 4<&-
        [ "$output" -eq 4 ]
        run ! rt run --preserve-fds 9 "$ID"
}

@test "LISTEN_FDS: socket activation goes through" {
        script 'echo "$LISTEN_FDS $LISTEN_PID $$"; cat <&3; cat <&4'
        echo three >"$WORK/three"
        echo four >"$WORK/four"
        run sh -c 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"' sh "$RUNTIME" --root "$ROOT" run "$ID" \
                3<"$WORK/three" 4<"$WORK/four"
        echo "$output"
        [ "$output" = "$(printf '2 1 1\nthree\nfour')" ]
}

@test "LISTEN_FDS: meant for another process, it stays outside" {
        script 'ls /proc/self/fd | wc -l'
        run env LISTEN_PID=1 LISTEN_FDS=1 "$RUNTIME" --root "$ROOT" run "$ID" 3</dev/null
        [ "$output" = 4 ]
}

@test "NOTIFY_SOCKET: readiness from within reaches the outside" {
        python3 - "$WORK/notify" "$WORK/notified" 3>&- <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(15)
with open(sys.argv[2], "w") as out:
    while True:
        message = s.recv(4096).decode()
        out.write(message + "\n")
        out.flush()
        if "READY=1" in message:
            break
PY
        PIDS+=($!)
        wait_for 5 test -S "$WORK/notify"
        probe_into rootfs
        script '[ -S "$NOTIFY_SOCKET" ] && probe notify "$NOTIFY_SOCKET" READY=1; exec sleep 1000'
        NOTIFY_SOCKET=$WORK/notify rt run --detach "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 grep -q READY=1 "$WORK/notified"
}

@test "a hundred processes of a container die with it" {
        script 'for i in $(seq 100); do sleep 1000 & done; exec sleep 1001'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 10 processes_are 101
        rt delete -f "$ID"
        no_leaks
}

@test "ten containers at once" {
        script 'exit $(hostname | tr -d a-z)'
        for i in 0 1 2 3 4 5 6 7 8 9; do
                cp -a "$BUNDLE" "$WORK/b$i"
                jq --arg cg "$CGROUP-$i" --arg name "box$i" '.linux.cgroupsPath = $cg | .hostname = $name' config.json \
                        >"$WORK/b$i/config.json"
        done
        local pids=() status
        for i in 0 1 2 3 4 5 6 7 8 9; do
                rt run -b "$WORK/b$i" "$ID-$i" 3>&- &
                pids+=($!)
        done
        for i in 0 1 2 3 4 5 6 7 8 9; do
                status=0
                wait "${pids[$i]}" || status=$?
                [ "$status" -eq "$i" ]
        done
        no_leaks
}

@test "delete in parallel does no harm" {
        start_sleeper
        local pids=()
        for i in 1 2 3 4; do
                rt delete --force "$ID" 3>&- &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || true; done
        run ! rt state "$ID"
        no_leaks
}

@test "a create that fails late does no harm to who has got its name meanwhile" {
        process sleep 1000
        cp config.json plain.json
        config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "touch $0.waits; until [ -e $0 ]; do sleep 0.02; done", $f]}]}' --arg f "$WORK/go"
        background rt create "$ID" </dev/null >"$WORK/log" 2>&1
        local first=$! status=0
        wait_for 5 test -e "$WORK/go.waits"
        rt delete --force "$ID"
        cp plain.json config.json
        start_sleeper
        touch "$WORK/go"
        wait "$first" || status=$?
        [ "$status" -eq 1 ]
        has_status "$ID" running
        rt exec "$ID" true
}

@test "a run in the foreground that ends late does no harm to who has got its name meanwhile" {
        local hooks
        for hooks in '{}' '{poststop: [{path: "/bin/true"}]}'; do
                process sleep 1000
                config ".hooks = $hooks"
                background rt run "$ID" </dev/null >"$WORK/log" 2>&1
                local first=$!
                wait_for 5 has_status "$ID" running
                kill -STOP "$first"
                rt delete --force "$ID"
                start_sleeper
                kill -CONT "$first"
                local status=0
                SECONDS=0
                wait "$first" || status=$?
                [ "$status" -eq 137 ]
                ((SECONDS < 4))
                has_status "$ID" running
                rt exec "$ID" true
                rt delete --force "$ID"
        done
}
