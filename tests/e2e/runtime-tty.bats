#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# process.terminal: on the caller's terminal, and handed over through a console socket.

load helpers

terminal() { config '.process.terminal = true'; }

@test "run: the container's terminal on ours: size, input, echo, resize, exit status" {
        terminal
        process sh
        "$TESTS/tty_drive.py" -s 31x97 -e '[$#] ' -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' \
                -s 40x100 -d 0.2 -i 'stty size\r' -e '40 100' -i 'exit 7\r' -- \
                "$RUNTIME" --root "$ROOT" run "$ID" >"$WORK/tty" || status=$?
        cat "$WORK/tty"
        [ "$status" -eq 7 ]
        grep -qE '/dev/(pts/0|console)' "$WORK/tty"
        no_leaks
}

@test "run: control-C goes to the container, and our terminal is as before" {
        terminal
        script 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done'
        "$TESTS/tty_drive.py" -e '[$#] ' -i 'stty -a >before; '"$RUNTIME --root $ROOT run $ID"'; echo rc=$((0+$?)); stty -a >after\r' -e 'ready' -d 0.2 \
                -i '\x03' -e 'caught.*rc=5' -i 'exit\r' -- sh >"$WORK/tty"
        cat "$WORK/tty"
        diff before after
}

@test "run: without a terminal of our own" {
        terminal
        script 'tty; echo done'
        run rt run "$ID" </dev/null
        [ "$status" -eq 0 ] || [ -n "$output" ]
        no_leaks
}

@test "create --console-socket: the master is handed over" {
        terminal
        config '.process.consoleSize = {height: 41, width: 123}'
        process sh
        background "$TESTS/tty_drive.py" --listen "$WORK/console.sock" -e '[$#] ' -i 'stty size\r' -e '41 123' -s 20x30 -d 0.2 \
                -i 'stty size; tty; ls -l /dev/console\r' -e '20 30' -d 0.3 -i 'exit\r' >"$WORK/tty"
        wait_for 5 test -S "$WORK/console.sock"
        rt create --console-socket "$WORK/console.sock" "$ID" </dev/null
        rt start "$ID"
        wait "${PIDS[0]}"
        cat "$WORK/tty"
        grep -q '/dev/console' "$WORK/tty"
        wait_for 5 has_status "$ID" stopped
}

@test "run --detach --console-socket" {
        terminal
        script 'echo here; sleep 1000'
        background "$TESTS/tty_drive.py" --listen "$WORK/console.sock" -e 'here' -q >"$WORK/tty"
        wait_for 5 test -S "$WORK/console.sock"
        rt run --detach --console-socket "$WORK/console.sock" "$ID" </dev/null
        wait "${PIDS[0]}"
        grep -q here "$WORK/tty"
}

@test "the terminal belongs to the process's user and is its controlling one" {
        terminal
        config '.process.user = {uid: 1000, gid: 1000}'
        script 'stat -c %u $(tty); echo x >/dev/tty && ps -o tty,pid | tail -n 3; exit 0'
        "$TESTS/tty_drive.py" -- "$RUNTIME" --root "$ROOT" run "$ID" >"$WORK/tty"
        cat "$WORK/tty"
        grep -q '^1000' "$WORK/tty"
        grep -q '^x' "$WORK/tty"
}

@test "a console socket is needed for a detached terminal, and refused without one" {
        terminal
        run ! rt run --detach "$ID"
        [[ $output == *"console"* ]]
        config '.process.terminal = false'
        run ! rt run --detach --console-socket "$WORK/none.sock" "$ID"
        terminal
        run ! rt run --detach --console-socket "$WORK/none.sock" "$ID"
        no_leaks
}

