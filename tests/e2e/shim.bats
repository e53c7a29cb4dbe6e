#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt-shim: what stays with a running instance. Instances of a plain directory (tests/instance/shim_tool.c).
#
# shellcheck disable=SC2016,SC2030,SC2031

load helpers
load shim

# talk NAME: a connection to the shim, driven by Python on standard input; frame(type, payload), recv() -> (type, payload)
talk() {
        python3 - "$RUN/instances/$(basename "$(dir "$1")")" <<<"
import os, socket, struct, sys, time
os.chdir(sys.argv[1])
def connect():
    s = socket.socket(socket.AF_UNIX); s.connect('socket'); s.settimeout(5); return s
def frame(t, payload=b'', session=0): return struct.pack('<IHH', len(payload), t, session) + payload
def exactly(s, n):
    data = b''
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more: return None
        data += more
    return data
def recv(s):
    h = exactly(s, 8)
    if h is None: return None
    n, t, session = struct.unpack('<IHH', h)
    return t, exactly(s, n) if n else b''
HELLO, START, STARTED, ERROR, DONE, ATTACH, STDIN, STDOUT, STDERR, END, WINDOW, RESIZE, SIGNAL, STOP, WAIT, STATE, EXITED = range(1, 18)
hello = frame(HELLO, struct.pack('<I', 1))
$(cat)
"
}

@test "exit statuses: the program's, 128 + n, 126 and 127" {
        sh_spec 'exit 7'
        run start aaa
        [ "$status" -eq 7 ]
        [ "$(state aaa status) $(state aaa exitCode)" = "exited 7" ]
        sh_spec 'kill -KILL $$'
        spec '.process.args = ["/bin/sh", "-c", "sh -c \"kill -KILL \\$\\$\"; exit $?"]'
        run start bbb
        [ "$status" -eq 137 ]
        spec '.process.args = ["/bin/nothing"]'
        run -127 start ccc
        [[ $output == *"no such file or directory"* ]]
        spec '.process.args = ["nothing"]'
        run -127 start ddd
        spec '.process.args = ["/etc/passwd"]'
        run start eee
        [ "$status" -eq 126 ]
        wait_for 2 is_empty "$RUN/instances"
        grep -c '"die"' "$RUN/events" | grep -x 2
}

@test "standard streams: each its own, in the log as well" {
        sh_spec 'echo out; echo err >&2; printf "no newline"'
        run -0 --separate-stderr start aaa
        [ "$output" = $'out\nno newline' ]
        # shellcheck disable=SC2154
        [ "$stderr" = err ]
        [ "$(log_text aaa stderr)" = err ]
        [ "$(log_text aaa)" = $'out\nno newline' ]
        # Without -i there is no input.
        spec '.process.args = ["/bin/cat"]'
        run -0 start bbb <<<"nobody reads this"
        [ -z "$output" ]
        spec '.process.args = ["/bin/sh", "-c", "cat; echo end"]'
        run -0 start ccc interactive=true <<<"input"
        [ "$output" = $'input\nend' ]
        head -c 3000000 /dev/urandom >"$WORK/bytes"
        spec '.process.args = ["/bin/cat"]'
        # shellcheck disable=SC2094
        start ddd interactive=true log-driver=none <"$WORK/bytes" | cmp - "$WORK/bytes"
        [ ! -e "$(dir ddd)/log" ]
}

@test "output is complete, however slow its reader is" {
        sh_spec 'head -c 10000000 /dev/zero | tr "\0" x; echo; echo done >&2'
        start aaa log-driver=none 2>"$WORK/err" | (
                sleep 0.7
                head -c 100000
                sleep 0.5
                cat
        ) | wc -c | grep -x 10000001
        grep -x "done" "$WORK/err"
        # A program that waits for its reader does not run on.
        sh_spec 'x=$(head -c 5000 /dev/zero | tr "\0" x); i=0; while :; do i=$((i + 1)); echo $x; echo $i >/tmp/count; done'
        background bash -c "'$BIN/shim_tool' --root '$STORE' --run '$RUN' run '$CONFIG' '$BUNDLE/rootfs' bbb log-driver=none | { until [ -e '$WORK/enough' ]; do sleep 0.05; done; }"
        stands() {
                local before
                before=$(cat "$BUNDLE/rootfs/tmp/count")
                sleep 0.3
                [[ -n $before && $before == "$(cat "$BUNDLE/rootfs/tmp/count")" ]]
        }
        wait_for 5 stands
        background bash -c "sleep 0.5; touch '$WORK/enough'"
        # What it wrote last is not given up before its reader is.
        tool stop bbb 0
        [ "$(state bbb exitCode)" -eq 137 ]
}

@test "a signal is not stuck behind input that nobody reads" {
        sh_spec 'trap "echo got it; exit 5" USR1; echo ready; while :; do sleep 0.05; done'
        background bash -c "head -c 1000000 /dev/zero | '$BIN/shim_tool' --root '$STORE' --run '$RUN' run '$CONFIG' '$BUNDLE/rootfs' aaa interactive=true >'$WORK/out'; echo \"status \$?\" >>'$WORK/out'"
        wait_for 5 grep -q ready "$WORK/out"
        sleep 0.2
        tool kill aaa 10
        wait_for 5 grep -q "status 5" "$WORK/out"
        grep -q "got it" "$WORK/out"
}

@test "signals of the command are the program's" {
        sh_spec 'trap "echo term; exit 3" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done'
        background_start aaa >"$WORK/out"
        wait_for 5 grep -q ready "$WORK/out"
        kill -USR1 "${PIDS[0]}"
        wait_for 5 grep -q usr1 "$WORK/out"
        kill -TERM "${PIDS[0]}"
        local r=0
        wait "${PIDS[0]}" || r=$?
        [ "$r" -eq 3 ]
        [ "$(state aaa stopped)" = true ]
}

@test "kill -9 of the command: the program goes on, and what it says is in the log" {
        sh_spec 'echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two; exit 4'
        background_start aaa >"$WORK/out"
        wait_for 5 grep -q one "$WORK/out"
        kill -9 "${PIDS[0]}"
        touch "$BUNDLE/rootfs/tmp/go"
        wait_for 5 logged aaa two
        wait_for 5 has_state aaa status exited
        [ "$(state aaa exitCode)" -eq 4 ]
}

@test "who cleans up: the command that waits, else holt" {
        sh_spec 'while [ ! -e /tmp/go ]; do sleep 0.05; done'
        background_start aaa rm=true
        wait_for 5 has_state aaa status running
        touch "$BUNDLE/rootfs/tmp/go"
        wait "${PIDS[0]}"
        [ ! -e "$STORE/ended" ]
        wait_for 2 is_empty "$RUN/instances"
        rm "$BUNDLE/rootfs/tmp/go"
        start bbb rm=true -d
        sh_spec 'while [ ! -e /tmp/go ]; do sleep 0.05; done'
        background_start ccc rm=true
        wait_for 5 has_state ccc status running
        kill -9 "${PIDS[1]}"
        touch "$BUNDLE/rootfs/tmp/go"
        wait_for 5 grep -qs "$(basename "$(dir bbb)")" "$STORE/ended"
        wait_for 5 grep -qs "$(basename "$(dir ccc)")" "$STORE/ended"
        wait_for 2 is_empty "$RUN/instances"
}

@test "stop: the signal, then after its time SIGKILL; SIGTERM to the shim is a stop" {
        sh_spec 'trap "exit 9" TERM; while :; do sleep 0.05; done'
        start aaa -d
        tool stop aaa 10
        [ "$(state aaa exitCode) $(state aaa stopped)" = "9 true" ]
        sh_spec 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
        start bbb -d
        wait_for 5 logged bbb ready
        SECONDS=0
        tool stop bbb 1
        [ "$(state bbb exitCode)" -eq 137 ]
        ((SECONDS >= 1 && SECONDS <= 3))
        sh_spec 'trap "exit 8" USR2; echo ready; while :; do sleep 0.05; done'
        start ccc -d stop-signal=SIGUSR2 restart=always
        wait_for 5 logged ccc ready
        kill -TERM "$(shim_of ccc)"
        wait_for 5 has_state ccc status exited
        [ "$(state ccc exitCode) $(state ccc stopped)" = "8 false" ]
}

@test "restart: on failure so many times, with growing pauses; always until it is stopped" {
        sh_spec 'echo run; exit 3'
        run -0 start aaa -d restart=on-failure:3
        wait_for 5 has_state aaa status exited
        [ "$(state aaa restarts) $(state aaa exitCode)" = "3 3" ]
        [ "$(log_text aaa | grep -c run)" -eq 4 ]
        python3 - "$(dir aaa)/log" <<'PY'
import json, sys, datetime
t = [datetime.datetime.fromisoformat(json.loads(l)["time"][:26].rstrip("Z").ljust(26, "0")) for l in open(sys.argv[1])]
gaps = [(b - a).total_seconds() for a, b in zip(t, t[1:])]
assert all(g >= want for g, want in zip(gaps, (0.1, 0.2, 0.4))), gaps
PY
        sh_spec 'exit 0'
        start bbb -d restart=always
        wait_for 5 has_state bbb status restarting
        wait_for 5 has_state bbb restarts 2
        tool stop bbb 1
        [ "$(state bbb status)" = exited ]
        start ccc -d restart=on-failure
        wait_for 5 has_state ccc status exited
        [ "$(state ccc restarts)" -eq 0 ]
}

@test "the log rotates as Docker's does" {
        sh_spec 'i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i + 1)); done'
        tool run "$CONFIG" "$BUNDLE/rootfs" aaa log-opt=max-size=8k >/dev/null
        [ "$(find "$(dir aaa)" -name 'log*' | wc -l)" -eq 1 ]
        [ "$(stat -c %s "$(dir aaa)/log")" -le 8400 ]
        logged aaa "line 399"
        tool run "$CONFIG" "$BUNDLE/rootfs" bbb log-opt=max-size=8k log-opt=max-file=3 >/dev/null
        [ "$(cd "$(dir bbb)" && echo log*)" = "log log.1 log.2" ]
        cat "$(dir bbb)"/log.2 "$(dir bbb)"/log.1 "$(dir bbb)"/log | jq -rj .log | tail -n 100 | head -n 1 | grep -x "line 300"
        run tool run "$CONFIG" "$BUNDLE/rootfs" ccc log-opt=max-size=much
        [ "$status" -eq 125 ]
        # What JSON and HTML mind, and what is no UTF-8.
        printf 'a<b>&"\\\t\001\377\342\200\250z\n' >"$BUNDLE/rootfs/tmp/odd"
        spec '.process.args = ["/bin/cat", "/tmp/odd"]'
        start ddd >/dev/null
        grep -F '{"log":"a\u003cb\u003e\u0026\"\\\u0009\u0001\ufffd\u2028z\n","stream":"stdout","time":"' "$(dir ddd)/log"
        # A long line in parts.
        sh_spec 'head -c 40000 /dev/zero | tr "\0" y; echo'
        start eee >/dev/null
        [ "$(wc -l <"$(dir eee)/log")" -eq 3 ]
        [ "$(log_text eee | wc -c)" -eq 40001 ]
}

@test "health: from starting to healthy to unhealthy" {
        sh_spec 'while :; do sleep 0.1; done'
        start new -d health-test=CMD health-test=/bin/true health-interval=100s
        [ "$(state new health)" = starting ]
        tool stop new 0
        start aaa -d health-test=CMD-SHELL health-test='echo looked; test -e /tmp/well' health-interval=100ms health-retries=2
        wait_for 5 has_state aaa health unhealthy
        touch "$BUNDLE/rootfs/tmp/well"
        wait_for 5 has_state aaa health healthy
        [ "$(state aaa healthFailures)" -eq 0 ]
        jq -e '.Status == "healthy" and (.Log | length > 0) and .Log[-1].Output == "looked\n" and .Log[-1].ExitCode == 0' \
                "$RUN/instances/$(basename "$(dir aaa)")/health"
        grep -q '"health_status: unhealthy"' "$RUN/events"
        grep -q '"health_status: healthy"' "$RUN/events"
        tool stop aaa 0
        # One that takes too long is ended, and counts as failed.
        rm -f "$BUNDLE/rootfs/tmp/well"
        start bbb -d health-test=CMD health-test=/bin/sleep health-test=77 health-interval=100ms health-timeout=200ms health-retries=1
        wait_for 5 has_state bbb health unhealthy
        jq -e '.Log[-1].ExitCode == -1' "$RUN/instances/$(basename "$(dir bbb)")/health"
        tool stop bbb 0
        [ -z "$(pgrep -f 'sleep 77')" ]
}

@test "a terminal: size, keys, detach and attach again" {
        spec '.process.terminal = true | .process.args = ["/bin/sh"]'
        run "$TESTS/tty_drive.py" -s 30x100 -e '# ' -i 'stty size\r' -e '30 100' -s 40x90 -d 0.2 -i 'stty size\r' -e '40 90' \
                -i 'x=kept\r' -e '# ' -i '\x10\x11' -e 'read escape sequence' -- \
                "$BIN/shim_tool" --root "$STORE" --run "$RUN" run "$CONFIG" "$BUNDLE/rootfs" aaa tty=true interactive=true
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(state aaa status)" = running ]
        tool stop aaa 0
        # Lines end as a terminal ends them.
        spec '.process.terminal = true | .process.args = ["/bin/echo", "hi"]'
        start bbb tty=true | od -c | grep -q '\\r  *\\n'
}

@test "an instance keeps its terminal while its program closes and opens it" {
        spec '.process.terminal = true | .process.args = ["/bin/sh", "-c", "exec 0<&- 1>&- 2>&-; sleep 0.5; exec 1>/dev/console; echo back"]'
        run -0 start aaa tty=true
        [[ $output == back* ]]
}

@test "clients that flood, speak garbage, or too much of it are dropped" {
        sh_spec 'while :; do sleep 0.1; done'
        start aaa -d interactive=true
        talk aaa <<'PY'
def dropped(data, what):
    s = connect()
    try:
        s.sendall(data)
        while recv(s) is not None: pass
    except (BrokenPipeError, ConnectionResetError): pass
    except socket.timeout: sys.exit('not dropped: ' + what)
dropped(os.urandom(100000), 'noise')
dropped(b'\0' * 100000, 'zeros')
dropped(frame(ATTACH, b'\1'), 'no hello')
dropped(frame(HELLO, struct.pack('<I', 99)), 'version')
dropped(hello + hello, 'two hellos')
dropped(hello + struct.pack('<IHH', 0xffffffff, STDIN, 0), 'long frame')
dropped(hello + frame(START, struct.pack('<I', 2) + b'{}'), 'start')
dropped(hello + frame(STDIN, b'x'), 'input without a window')
dropped(hello + frame(ATTACH, b'\3') + frame(STDIN, b'x' * 32768) * 5, 'more input than granted')
dropped(hello + frame(WAIT, b'\7'), 'waits for nonsense')
dropped(hello + frame(STATE, b'{}'), 'speaks as a server')
dropped(hello + frame(ATTACH, b'\1', 5), 'session')
dropped(hello + frame(RESIZE, struct.pack('<HH', 1, 1)) * 10 + frame(WAIT, b'\2') * 100000, 'asks and never reads')
# Many at once, and those that only connect.
idle = [connect() for i in range(200)]
for s in idle: s.close()
# A descriptor that nobody wants.
s = connect(); s.sendmsg([hello], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 0))]); recv(s); s.close()
s = connect(); s.sendall(hello + frame(SIGNAL, struct.pack('<I', 9999)))
assert recv(s)[0] == HELLO and recv(s)[0] == ERROR
PY
        [ "$(state aaa status)" = running ]
        [ "$(find "/proc/$(shim_of aaa)/fd" -mindepth 1 | wc -l)" -lt 24 ]
        tool stop aaa 0
}

@test "without descriptors a shim waits, and neither burns time nor hangs" {
        sh_spec 'echo here; while :; do sleep 0.1; done'
        (ulimit -n 64; start aaa -d stop-timeout=1 health_test=CMD-SHELL health_test=true health_interval=1s)
        local shim
        shim=$(shim_of aaa)
        talk aaa <<PY
held = []
for i in range(60):
    s = connect(); s.sendall(hello + frame(ATTACH, b'\1')); held.append(s)
time.sleep(0.3)
ticks = lambda: sum(map(int, open('/proc/$shim/stat').read().split()[13:15]))
before = ticks(); time.sleep(1); burnt = ticks() - before
assert burnt < 12, burnt
for s in held[10:]: s.close()
time.sleep(0.3)
s = connect(); s.sendall(hello + frame(SIGNAL, struct.pack('<I', 9999)))
assert recv(s)[0] == HELLO and recv(s)[0] == ERROR
# Those that only stay make room.
for s in held: s.close()
held = [connect() for i in range(60)]
time.sleep(0.5)
s = connect(); s.settimeout(20); s.sendall(hello + frame(SIGNAL, struct.pack('<I', 9999)))
assert recv(s)[0] == HELLO and recv(s)[0] == ERROR
# The end is not in the way of anybody, either.
for s in held: s.close()
held = []
for i in range(60):
    s = connect(); s.sendall(hello + frame(ATTACH, b'\1')); held.append(s)
time.sleep(0.3)
os.kill($shim, 15)
for i in range(200):
    if not os.path.exists('/proc/$shim/fd/0'): break
    time.sleep(0.1)
else: sys.exit('the shim does not end')
PY
        wait_for 5 has_state aaa status exited
}

@test "many watch at once, and a slow one loses nothing" {
        sh_spec 'while [ ! -e /tmp/go ]; do sleep 0.05; done; i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done'
        start aaa -d log-driver=none
        touch "$BUNDLE/rootfs/tmp/prepare"
        talk aaa <<PY
import threading
want = b''.join(b'line %d\n' % i for i in range(20000))
results = []
def watch(delay):
    s = connect(); s.settimeout(20); s.sendall(hello + frame(ATTACH, b'\1')); data = b''; n = 0
    while True:
        f = recv(s)
        if f is None or f[0] == EXITED: break
        if f[0] == STDOUT:
            data += f[1]; n += 1
            if n % 3 == 0: time.sleep(delay)
    results.append(data == want)
threads = [threading.Thread(target=watch, args=(d,)) for d in (0, 0, 0.01, 0.02)]
for t in threads: t.start()
time.sleep(0.2)
open('$BUNDLE/rootfs/tmp/go', 'w').close()
for t in threads: t.join()
assert results == [True] * 4, results
PY
}

@test "an idle shim has less than 1 MB of its own" {
        ! grep -q __asan_init "$BUILD/holt-shim" || skip "the sanitizer has memory of its own"
        sh_spec 'echo started; sleep 1000'
        start aaa -d
        sleep 1.5
        awk '/^Private_(Clean|Dirty):/ { n += $2 } END { print n " kB"; exit n >= 1024 }' "/proc/$(shim_of aaa)/smaps_rollup"
        tool stop aaa 0
}

@test "memory: a kill for want of it is noted" {
        spec '.process.args = ["/bin/sh", "-c", "tail /dev/zero"] | .linux.resources.memory.limit = 20000000 | .linux.resources.memory.swap = 20000000'
        run start aaa
        [ "$status" -eq 137 ]
        [ "$(state aaa oomKilled)" = true ]
        grep -q '"oom"' "$RUN/events"
}

@test "the program cannot write to holt-shim" {
        local before
        before=$(sha256sum <"$BUILD/holt-shim")
        cp "$BUILD/holt-shim" "$BIN/real-shim" && rm "$BIN/holt-shim" && mv "$BIN/real-shim" "$BIN/holt-shim"
        spec '.process.args = ["/proc/self/exe"]'
        run ! start aaa
        [ "$(sha256sum <"$BIN/holt-shim")" = "$before" ]
        sh_spec 'sleep 1000'
        start bbb -d
        # Its file is one that is mounted read-only and nowhere.
        run bash -c "exec 3<>/proc/$(shim_of bbb)/exe"
        [[ $output == *"Read-only file system"* || $output == *"Text file busy"* ]]
        tool stop bbb 0
}
