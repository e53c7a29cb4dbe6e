#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# exec, attach, logs and wait, on instances of a plain directory.
#
# shellcheck disable=SC2016,SC2030,SC2031

load helpers
load shim

sleeper() {
        sh_spec 'while :; do sleep 0.1; done'
        start "$1" -d "${@:2}"
}

@test "exec: output, input and exit statuses" {
        sleeper web
        run -0 --separate-stderr holt exec web sh -c 'echo out; echo err >&2'
        [ "$output" = out ]
        # shellcheck disable=SC2154
        [ "$stderr" = err ]
        run holt exec web sh -c 'exit 42'
        [ "$status" -eq 42 ]
        run holt exec web sh -c 'kill -TERM $$'
        [ "$status" -eq 143 ]
        run -127 holt exec web /bin/nothing
        run -127 holt exec web nothing
        run holt exec web /etc/passwd
        [ "$status" -eq 126 ]
        [ "$(echo text | holt exec -i web cat)" = text ]
        [ -z "$(echo text | holt exec web cat)" ]
        head -c 3000000 /dev/urandom >"$WORK/bytes"
        holt exec -i web cat <"$WORK/bytes" >"$WORK/copy"
        cmp "$WORK/bytes" "$WORK/copy"
        # shellcheck disable=SC2002
        cat "$WORK/bytes" | holt exec -i web cat | cmp - "$WORK/bytes"
        run holt exec nobody true
        [ "$status" -eq 1 ]
        [[ $output == *"no such instance: nobody"* ]]
        tool stop web 0
        run holt exec web true
        [ "$status" -eq 1 ]
        [[ $output == *"does not run: it is exited"* ]]
}

@test "exec: user, directory, variables, capabilities" {
        spec '.process.args = ["/bin/sleep", "1000"] | .process.user.additionalGids = [77]'
        start web -d
        [ "$(holt exec -u test web id)" = "uid=1000(test) gid=1000(test) groups=1000(test),2000(extra)" ]
        [ "$(holt exec -u 5:6 web id -G)" = 6 ]
        [[ "$(holt exec web id -G)" == *77* ]]
        run holt exec -u nobody-there web true
        [ "$status" -eq 125 ]
        [ "$(holt exec -w /tmp web pwd)" = /tmp ]
        echo 'B=file' >"$WORK/env"
        [ "$(A=ours holt exec -e A -e C=1 --env-file "$WORK/env" web sh -c 'echo $A $B $C')" = "ours file 1" ]
        [ "$(holt exec --privileged web grep CapEff /proc/self/status | tr -d 0f)" != "$(holt exec web grep CapEff /proc/self/status | tr -d 0f)" ]
        holt exec -d web sh -c 'sleep 0.1; touch /tmp/detached'
        wait_for 3 test -e "$BUNDLE/rootfs/tmp/detached"
        tool stop web 0
}

@test "exec: no process of an instance holds a file, directory or terminal of the host" {
        sleeper web
        echo text >"$WORK/file"
        run -0 holt exec -i web sh -c 'readlink /proc/self/fd/0' <"$WORK/file"
        [[ $output == pipe:* ]]
        run holt exec -i web sh -c 'readlink /proc/self/fd/0; ls /proc/self/fd/0/' <"$WORK"
        [[ $output == pipe:* ]]
        holt exec web sh -c 'readlink /proc/self/fd/1' >"$WORK/out"
        grep -q '^pipe:' "$WORK/out"
        stat -c %u "$WORK/out" | grep -x 0
        holt exec -u test web true >"$WORK/out"
        stat -c %u "$WORK/out" | grep -x 0
        run "$TESTS/tty_drive.py" -- "$BUILD/holt" --root "$STORE" --run "$RUN" exec -i web sh -c 'for n in 0 1 2; do readlink /proc/$$/fd/$n; done'
        [ "$(grep -c '^pipe:' <<<"$output")" -eq 3 ]
        tool stop web 0
}

@test "exec -t: a terminal, its size, keys, and leaving it" {
        sleeper web
        run -0 "$TESTS/tty_drive.py" -s 33x99 -e '# ' -i 'stty size; tty; echo $TERM\r' -e '33 99' -e /dev/pts/0 -e xterm \
                -s 20x70 -d 0.2 -i 'stty size\r' -e '20 70' -i 'exit 5\r' -- \
                bash -c "'$BUILD/holt' --root '$STORE' --run '$RUN' exec -it web sh; echo status \$?"
        [[ $output == *"status 5"* ]]
        run -0 "$TESTS/tty_drive.py" -e '# ' -i 'sleep 77 & touch /tmp/in\r' -e '# ' -i '\x10\x11' -e 'read escape sequence' -- \
                "$BUILD/holt" --root "$STORE" --run "$RUN" exec -it web sh
        run -0 "$TESTS/tty_drive.py" -e '# ' -i 'ab' -e 'ab' -i 'x' -- \
                "$BUILD/holt" --root "$STORE" --run "$RUN" exec -it --detach-keys x web sh
        run holt exec -it web sh </dev/null
        [ "$status" -eq 1 ]
        [[ $output == *"not a TTY"* ]]
        tool stop web 0
}

@test "attach: a terminal is left and found again; several see the same" {
        spec '.process.terminal = true | .process.args = ["/bin/sh"]'
        local attach=("$BUILD/holt" --root "$STORE" --run "$RUN" attach)
        run -0 "$TESTS/tty_drive.py" -e '# ' -i 'x=kept\r' -e '# ' -i '\x10\x11' -- \
                "$BIN/shim_tool" --root "$STORE" --run "$RUN" run "$CONFIG" "$BUNDLE/rootfs" web tty=true interactive=true
        background "${attach[@]}" --no-stdin web >"$WORK/second" </dev/null
        run -0 "$TESTS/tty_drive.py" -s 30x100 -d 0.3 -i 'echo $x; stty size\r' -e kept -e '30 100' -i '\x10\x11' -e 'read escape' -- "${attach[@]}" web
        wait_for 3 grep -q kept "$WORK/second"
        run "$TESTS/tty_drive.py" -d 0.2 -i 'exit 6\r' -- "${attach[@]}" --detach-keys=ctrl-a web
        [ "$status" -eq 6 ]
        local r=0
        wait "${PIDS[0]}" || r=$?
        [ "$r" -eq 6 ]
        run holt attach web
        [ "$status" -eq 1 ]
        [[ $output == *"does not run"* ]]
}

# Whoever is attached has the signals blocked, and reads them.
passes_hup_on() { ((0x$(awk '/^SigBlk:/ {print $2}' "/proc/$1/status") & 1)); }

@test "attach: without a terminal, with input and signals" {
        sh_spec 'trap "echo hup; exit 2" HUP; while read -r l; do echo "got $l"; done'
        start web -d interactive=true
        (
                echo one
                wait_for 3 logged web "got one"
                kill -9 "$(cat "$WORK/pid")"
        ) | background bash -c "echo \$\$ >'$WORK/pid'; exec '$BUILD/holt' --root '$STORE' --run '$RUN' attach web" >"$WORK/out"
        wait_for 3 logged web "got one"
        # Its end is not the end of the input.
        [ "$(state web status)" = running ]
        (
                echo two
                wait_for 3 logged web "got two"
                kill -9 "$(cat "$WORK/pid")"
        ) | bash -c "echo \$\$ >'$WORK/pid'; exec '$BUILD/holt' --root '$STORE' --run '$RUN' attach web" || true
        [ "$(state web status)" = running ]
        background bash -c "exec '$BUILD/holt' --root '$STORE' --run '$RUN' attach web </dev/null >'$WORK/out'"
        wait_for 3 passes_hup_on "${PIDS[-1]}"
        kill -HUP "${PIDS[-1]}"
        wait_for 3 grep -q hup "$WORK/out"
        local r=0
        wait "${PIDS[-1]}" || r=$?
        [ "$r" -eq 2 ]
}

# blocked COMMAND...: in the background, with a pipe for its output that nobody reads; $! is the command.
blocked() {
        local pipe=$WORK/blocked-$((++BLOCKED))
        mkfifo "$pipe"
        # shellcheck disable=SC2034
        exec {HELD}<>"$pipe"
        "$@" >"$pipe" 3>&- &
        PIDS+=($!)
}

ends() { # SECONDS PID: $code is how
        wait_for "$1" is_gone "$2"
        code=0
        wait "$2" || code=$?
}

@test "a signal is passed on while output is blocked, and ends the command when there is nobody to pass it on to" {
        local go=$BUNDLE/rootfs/tmp/go got=$BUNDLE/rootfs/tmp/got
        sh_spec 'trap "touch /tmp/got; exit 3" TERM; yes & wait'
        blocked "$BIN/shim_tool" --root "$STORE" --run "$RUN" run "$CONFIG" "$BUNDLE/rootfs" aaa log-driver=none
        wait_for 5 has_state aaa status running
        sleep 0.3
        kill -TERM "${PIDS[-1]}"
        wait_for 5 test -e "$got"
        ends 10 "${PIDS[-1]}"
        [ "$code" -eq 143 ]
        wait_for 5 has_state aaa status exited
        [ "$(state aaa exitCode)" -eq 3 ]
        rm "$got"
        # One who watches.
        start bbb -d log-driver=none
        blocked "$BUILD/holt" --root "$STORE" --run "$RUN" attach bbb
        sleep 0.5
        kill -TERM "${PIDS[-1]}"
        wait_for 5 test -e "$got"
        ends 10 "${PIDS[-1]}"
        [ "$code" -eq 143 ]
        wait_for 5 has_state bbb status exited
        # One that has ended by itself, whose last words nobody takes.
        sh_spec "head -c 1000000 /dev/zero & while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 4"
        blocked "$BIN/shim_tool" --root "$STORE" --run "$RUN" run "$CONFIG" "$BUNDLE/rootfs" ccc log-driver=none
        wait_for 5 has_state ccc status running
        sleep 0.3
        touch "$go"
        sleep 0.3
        kill -TERM "${PIDS[-1]}"
        ends 10 "${PIDS[-1]}"
        wait_for 5 has_state ccc status exited
        [ "$(state ccc exitCode)" -eq 4 ]
}

@test "exec and logs end by a signal while their output is blocked" {
        sh_spec 'trap "exit 3" TERM; yes & wait'
        start web -d log-opt=max-size=1m
        blocked "$BUILD/holt" --root "$STORE" --run "$RUN" logs -f web
        blocked "$BUILD/holt" --root "$STORE" --run "$RUN" exec web yes
        blocked "$BUILD/holt" --root "$STORE" --run "$RUN" exec -t web yes
        sleep 0.5
        for pid in "${PIDS[@]}"; do
                kill -TERM "$pid"
                ends 5 "$pid"
                [ "$code" -eq 143 ]
        done
        # A terminal that is full, of a command whose process has ended.
        python3 - "$BUILD/holt" --root "$STORE" --run "$RUN" exec web sh -c 'head -c 50000 /dev/zero' <<'END'
import os, subprocess, sys, time
master, slave = os.openpty()
holt = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=slave)
time.sleep(1)
assert holt.poll() is None
holt.terminate()
assert holt.wait(20) == -15
END
        # One that is ended by the signal itself, and leaves output that nobody takes.
        python3 - "$BUILD/holt" --root "$STORE" --run "$RUN" exec web yes <<'END'
import os, subprocess, sys, time
master, slave = os.openpty()
holt = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=slave)
time.sleep(1)
assert holt.poll() is None
holt.terminate()
assert holt.wait(20) == -15
END
        tool stop web 0
}

@test "suspended and continued, the terminal is as it was each time" {
        spec '.process.terminal = true | .process.args = ["/bin/sh"]'
        start web -d tty=true interactive=true
        # Found by its store: nobody else's has that name.
        background bash -c "until pid=\$(pgrep -f '^$BUILD/holt --root $STORE .* attach web') && [ -e '$BUNDLE/rootfs/tmp/typed' ]; do sleep 0.05; done; sleep 0.5; kill -TSTP \$pid"
        run -0 "$TESTS/tty_drive.py" -i "$BUILD/holt --root $STORE --run $RUN attach web\\r" -d 0.3 -i ': >/tmp/typed\r' -e '/ # ' -e Stopped -i 'stty -a\r' -e ' icanon' \
                -i 'fg\r' -d 0.3 -i 'echo ba""ck\r' -e 'back' -i '\x10\x11' -e 'read escape' -i 'stty -a; exit 0\r' -e ' icanon' -- \
                env PS1='$ ' bash --norc --noprofile -i
        tool stop web 0
}

@test "logs: all, the last, since, until, timestamps, each stream" {
        sh_spec 'i=1; while [ $i -le 5 ]; do echo "line $i"; i=$((i + 1)); sleep 0.05; done; echo err >&2; printf "a\000b"'
        start web >/dev/null 2>&1
        run -0 --separate-stderr bash -c "'$BUILD/holt' --root '$STORE' --run '$RUN' logs web | tr '\0' 0"
        [ "${lines[0]}" = "line 1" ]
        [ "${lines[5]}" = "a0b" ]
        [ "$stderr" = err ]
        [ "$(holt logs --tail 3 web 2>&1 | tr '\0' 0)" = $'line 5\nerr\na0b' ]
        [ "$(holt logs -n 0 web)" = "" ]
        [ "$(holt logs -n all web 2>/dev/null | grep -c line)" -eq 5 ]
        run -0 holt logs -t -n 3 web
        [[ ${lines[0]} =~ ^20[0-9-]+T[0-9:.]+Z\ line\ 5$ ]]
        local third
        third=$(jq -r 'select(.log == "line 3\n") | .time' "$(dir web)/log")
        [ "$(holt logs --since "$third" web 2>/dev/null | head -n 1)" = "line 3" ]
        [ "$(holt logs --until "$third" web | tail -n 1)" = "line 3" ]
        [ "$(holt logs --since 1h web 2>/dev/null | grep -c line)" -eq 5 ]
        [ "$(holt logs --until 1h web)" = "" ]
        run holt logs -n many web
        [ "$status" -eq 125 ]
        sh_spec true
        start none log-driver=none
        run holt logs none
        [ "$status" -eq 1 ]
}

@test "logs -f: to the end, over rotations, in order" {
        sh_spec 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done; while [ ! -e /tmp/go ]; do sleep 0.05; done; while [ $i -lt 6000 ]; do echo "line $i"; i=$((i + 1)); done'
        start web -d log-opt=max-size=16k log-opt=max-file=50
        background bash -c "exec '$BUILD/holt' --root '$STORE' --run '$RUN' logs -f web >'$WORK/followed'"
        wait_for 5 grep -q 'line 2999' "$WORK/followed"
        touch "$BUNDLE/rootfs/tmp/go"
        wait "${PIDS[0]}"
        seq -f 'line %g' 0 5999 | cmp - "$WORK/followed"
        holt logs web | cmp - "$WORK/followed"
        [ "$(holt logs -n 1000 web | head -n 1)" = "line 5000" ]
        # Of one that does not run it is all there will be.
        holt logs -f -n 1 web | grep -x 'line 5999'
        # One that begins again.
        sh_spec 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i + 1)); done; sleep 0.3; echo last'
        start one -d log-opt=max-size=8k
        holt logs -f one | tail -n 1 | grep -x last
}

@test "wait: exit statuses in order, healthy, running" {
        sh_spec 'sleep 0.4; exit 4'
        start first -d
        sh_spec 'sleep 0.1; exit 5'
        start second -d
        run -0 holt wait first second
        [ "$output" = $'4\n5' ]
        run -0 holt wait second
        [ "$output" = 5 ]
        run holt wait nobody second
        [ "$status" -eq 1 ]
        [[ $output == *5* ]]
        sleeper sick health-test=CMD health-test=/bin/test health-test=-e health-test=/tmp/well health-interval=100ms
        background bash -c "exec '$BUILD/holt' --root '$STORE' --run '$RUN' wait --for healthy sick >'$WORK/out'"
        sleep 0.3
        [ ! -s "$WORK/out" ]
        touch "$BUNDLE/rootfs/tmp/well"
        wait "${PIDS[-1]}"
        [ "$(cat "$WORK/out")" = sick ]
        [ "$(holt wait --condition running sick)" = sick ]
        sleeper plain
        run holt wait --for healthy plain
        [ "$status" -eq 1 ]
        [[ $output == *"no health check"* ]]
        background bash -c "exec '$BUILD/holt' --root '$STORE' --run '$RUN' wait --for healthy sick plain >'$WORK/out' 2>&1"
        run holt wait --for sunshine plain
        [ "$status" -eq 125 ]
        tool stop sick 0
        tool stop plain 0
        run holt wait --for running plain
        [ "$status" -eq 1 ]
}
