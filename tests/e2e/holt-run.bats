#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt run in the foreground: what one expects of docker run, and nothing that is left behind.
#
#   $HOLT  the program under test (default: holt beside $RUNTIME)

load helpers
load image-add

setup_file() {
        HOLT=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        HOLT_ROOT=$(mktemp -d -t holt-run.XXXXXX)
        HOLT_RUN=$HOLT_ROOT/run
        export HOLT HOLT_ROOT HOLT_RUN
        mkdir "$HOLT_RUN"
        rootfs_make "$BATS_FILE_TMPDIR/rootfs"
        tar -C "$BATS_FILE_TMPDIR/rootfs" -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
        image box '{"Cmd": ["sh", "-c", "echo default"], "Env": ["FROM_IMAGE=yes", "PATH=/bin:/sbin:/usr/bin"]}'
        image entry '{"Entrypoint": ["echo", "entry"], "Cmd": ["cmd"], "User": "test:extra", "WorkingDir": "/made/by/image"}'
        image nothing '{}'
}

teardown_file() {
        local dir
        for dir in "$HOLT_RUN"/layers/*; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
        ! mountpoint -q "$HOLT_RUN/layers" || umount "$HOLT_RUN/layers"
        rm -rf "$HOLT_ROOT"
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo
}

setup() {
        WORK=$BATS_TEST_TMPDIR
        TESTS=$BATS_TEST_DIRNAME
        cd "$WORK" || return
}

teardown() {
        nothing_left
}

OPTIONS=(--rm --network none)

hr() { timeout 120 "$HOLT" run "${OPTIONS[@]}" "$@"; }

# Of any instance: files, cgroups, mounts but the layers' own, processes.
nothing_left() {
        local files
        files=$(find "$HOLT_ROOT/instances" "$HOLT_RUN/containers" -mindepth 1 ! -path '*/.cache*' 2>/dev/null) || true
        [ -z "$files" ] || { echo "left: ${files:0:2000}"; return 1; }
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo | grep -vE "$HOLT_RUN/layers(/[0-9a-f]+)? " || return 1
        ! find /sys/fs/cgroup -mindepth 3 -path '*/holt/*' -type d 2>/dev/null | grep -F "$(ids)" || return 1
}

# Those of other tests run beside.
ids() {
        echo none
        grep -oE '"container","Action":"create","Actor":[{]"ID":"[0-9a-f]{64}' "$HOLT_RUN/events" 2>/dev/null | grep -oE '[0-9a-f]{64}$'
}

is() { # COMMAND-OUTPUT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

@test "output, errors and exit status are the program's" {
        is "$(hr box)" default
        is "$(hr box echo a 'b  c' '')" 'a b  c '
        hr box sh -c 'echo out; echo err >&2; exit 7' >out 2>err || status=$?
        [ "$status" -eq 7 ]
        is "$(cat out err)" "$(printf 'out\nerr')"
        hr box sh -c 'head -c 3000000 /dev/zero' | wc -c | grep -x 3000000
}

@test "125, 126, 127" {
        run -125 hr --pull never nosuchimage true
        [[ $output == *'no such image'* ]]
        run -125 hr --memory nonsense box true
        run -125 hr -u nobodyofthatname box true
        run -125 hr nothing
        [[ $output == *'no command'* ]]
        run -126 hr box /etc/passwd
        run -126 hr box /etc
        run -127 hr box nosuchprogram
        [[ $output == *'executable file not found'* ]]
        run -127 hr box /no/such/program
        run -137 hr box sh -c 'sh -c "kill -9 \$\$"; exit $?'
}

@test "environment: the image's, ours, files; the last of a name counts" {
        printf '# a comment\n\nIN_FILE=1\nBOTH=file\nPASSED\n' >variables
        PASSED=on hr -e NEW=1 -e BOTH=flag --env FROM_IMAGE=no -e PASSED -e ABSENT --env-file variables box env >out
        for i in NEW=1 BOTH=flag FROM_IMAGE=no PASSED=on IN_FILE=1 HOME=/root PATH=/bin:/sbin:/usr/bin; do
                grep -Fx "$i" out
        done
        run ! grep ABSENT out
        is "$(hr nothing sh -c 'echo $PATH')" /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        grep -E '^HOSTNAME=[0-9a-f]{12}$' out
}

@test "user, groups, home" {
        is "$(hr box id)" 'uid=0(root) gid=0(root) groups=0(root)'
        is "$(hr -u test box id)" 'uid=1000(test) gid=1000(test) groups=1000(test),2000(extra)'
        is "$(hr -u 1000 box sh -c 'id -G; echo $HOME')" "$(printf '1000 2000\n/home/test')"
        is "$(hr --user test:tty box id)" 'uid=1000(test) gid=5(tty) groups=5(tty)'
        is "$(hr -u 4711:42 box sh -c 'id -u; id -G; echo $HOME')" "$(printf '4711\n42\n/')"
        is "$(hr --entrypoint id entry)" 'uid=1000(test) gid=2000(extra) groups=2000(extra)'
}

@test "entry point and arguments" {
        is "$(hr entry)" 'entry cmd'
        is "$(hr entry a b)" 'entry a b'
        is "$(hr --entrypoint echo entry)" ''
        is "$(hr --entrypoint echo entry x)" x
        is "$(hr --entrypoint '' entry echo plain)" plain
}

@test "working directory, made if it is not there" {
        is "$(hr box pwd)" /
        is "$(hr --entrypoint pwd entry)" /made/by/image
        is "$(hr -w /some/where box pwd)" /some/where
        run -125 hr --workdir relative box pwd
}

@test "names: hostname, hosts" {
        is "$(hr -h there box sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME')" "$(printf 'there\nthere\nthere')"
        hr box cat /etc/hosts | grep localhost
        is "$(hr box cat /etc/resolv.conf)" "$(cat /etc/resolv.conf)"
}

@test "input only with -i" {
        is "$(echo hello | hr -i box cat)" hello
        is "$(echo hello | hr box cat)" ''
        head -c 1000000 /dev/urandom >data
        hr -i box cat <data | cmp - data
}

@test "a terminal" {
        "$TESTS/tty_drive.py" -s 31x97 -e '[$#] ' -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' \
                -s 20x40 -d 0.2 -i 'stty size\r' -e '20 40' -i 'exit 3\r' -- "$HOLT" run "${OPTIONS[@]}" -it box sh >terminal || status=$?
        [ "$status" -eq 3 ] || { cat terminal; return 1; }
        grep -q /dev/pts/0 terminal
        is "$("$TESTS/tty_drive.py" -- "$HOLT" run "${OPTIONS[@]}" -t box sh -c 'echo $TERM; test -t 1 && echo yes' | tr -d '\r')" \
                "$(printf 'xterm\nyes')"
        run -125 hr -it box true
        [[ $output == *TTY* ]]
}

@test "signals are passed on" {
        local i pid
        "$HOLT" run "${OPTIONS[@]}" box sh -c 'trap "echo got TERM; exit 5" TERM; echo ready; while :; do sleep 0.1; done' >out &
        pid=$!
        wait_for 5 grep -q ready out
        kill -TERM "$pid"
        wait "$pid" || status=$?
        [ "$status" -eq 5 ]
        is "$(tail -n 1 out)" 'got TERM'
}

@test "what is written is gone afterwards, and the image stays as it is" {
        hr box sh -c 'echo changed >/etc/group; rm -rf /home; mkdir /new; ls /home' && return 1
        is "$(hr box sh -c 'head -n 1 /etc/group; ls -d /home/test; ls /new 2>&1')" \
                "$(printf 'root:x:0:\n/home/test\nls: /new: No such file or directory')"
}

@test "a root that cannot be written to" {
        hr --read-only --tmpfs /t box sh -c 'touch /x 2>/dev/null && exit 1; touch /dev/shm/y /t/z'
        hr --read-only -w /made box sh -c '[ "$(pwd)" = /made ] && [ -s /etc/hosts ]'
}

@test "volumes" {
        mkdir data
        echo one >data/file
        is "$(hr -v "$PWD/data:/data" box sh -c 'cat /data/file; echo two >/data/new')" one
        is "$(cat data/new)" two
        run ! hr -v "$PWD/data:/data:ro" box touch /data/x
        run ! hr --mount "type=bind,source=$PWD/data,target=/data,readonly" box touch /data/x
        hr -v ./data:/data/deeper/there box cat /data/deeper/there/file
        hr -v "$PWD/data/file:/etc/passwd" box grep -x one /etc/passwd
        hr -v "$PWD/created:/c" box touch /c/file
        [ -e created/file ]
        hr --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 box sh -c \
                '[ "$(stat -c %a /t)" = 700 ] && grep " /t tmpfs .*size=1024k" /proc/mounts'
        hr --tmpfs /t:exec,size=64k box sh -c 'cp /bin/busybox /t 2>/dev/null; grep -v noexec /proc/mounts | grep " /t "'
        run -125 hr -v "$PWD/data:relative" box true
        run -125 hr --mount "type=bind,source=$PWD/nowhere,target=/data" box true
}

@test "limits" {
        hr -m 64m --cpus 0.5 --pids-limit 33 --ulimit nofile=100:200 box sh -c '
                ulimit -n; ulimit -Hn; cd /sys/fs/cgroup
                cat memory/memory.limit_in_bytes memory.max cpu/cpu.cfs_quota_us cpu.max pids/pids.max pids.max' \
                >out 2>/dev/null || true
        is "$(sed 's/ .*//' out)" "$(printf '100\n200\n67108864\n50000\n33')"
        run -137 hr -m 16m box sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null; exit $((128+9))'
}

@test "rights: capabilities, seccomp, no-new-privileges, devices" {
        is "$(hr box sh -c 'grep CapEff /proc/self/status')" "$(printf 'CapEff:\t00000000a80425fb')"
        is "$(hr --cap-drop ALL --cap-add NET_ADMIN box sh -c 'grep CapEff /proc/self/status')" \
                "$(printf 'CapEff:\t0000000000001000')"
        is "$(hr --cap-add all --cap-drop sys_admin box sh -c 'grep CapEff /proc/self/status | cut -c 8-')" \
                "$(printf '\t%016x' $((0x$(sed -n 's/^CapBnd:\t//p' /proc/self/status) & ~(1 << 21))))"
        run -125 hr --cap-add nonsense box true
        is "$(hr --security-opt no-new-privileges box sh -c 'grep NoNewPrivs /proc/self/status')" "$(printf 'NoNewPrivs:\t1')"
        is "$(hr --security-opt seccomp=unconfined box sh -c 'grep Seccomp: /proc/self/status')" "$(printf 'Seccomp:\t0')"
        [ ! -e /usr/share/containers/seccomp.json ] ||
                is "$(hr box sh -c 'grep Seccomp: /proc/self/status; unshare -m true 2>&1')" \
                        "$(printf 'Seccomp:\t2\nunshare: unshare(0x20000): Operation not permitted')"
        hr --device /dev/zero:/dev/mine:r box sh -c '[ "$(head -c 4 /dev/mine | wc -c)" -eq 4 ]'
        run ! hr box sh -c 'mknod /dev/kmsg2 c 1 11 && head -c 1 /dev/kmsg2'
}

@test "the program's own file: a container that gets hold of it cannot write to it" {
        local before
        before=$(sha256sum <"$HOLT")
        run hr --entrypoint /proc/self/exe box --version
        run hr box sh -c 'for i in $(seq 200); do for f in /proc/[0-9]*/exe; do echo x 2>/dev/null >>$f && echo written; done; done 2>/dev/null'
        [[ $output != *written* ]]
        [ "$(sha256sum <"$HOLT")" = "$before" ]
}

@test "a network of its own, with nothing but lo" {
        is "$(hr box sh -c "sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev")" lo
        hr box ping -c 1 -W 2 127.0.0.1
}

@test "names are taken once" {
        mkfifo ready
        "$HOLT" run "${OPTIONS[@]}" --name web box sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' >ready &
        local pid=$!
        head -n 1 ready
        run -125 hr --name web box true
        [[ $output == *'the name "web"'* ]]
        hr --name other box true
        kill -TERM "$pid"
        wait "$pid"
        hr --name web box true
        run -125 hr --name /x box true
}

@test "kill -9 of holt: the program goes on, and is removed as any other" {
        local i pid
        for i in 1 2 3; do
                rm -f ready
                mkfifo ready
                "$HOLT" run "${OPTIONS[@]}" --name left box sh -c 'mkdir -p /a/b; echo up; sleep 1000' >ready &
                pid=$!
                head -n 1 ready
                kill -KILL "$pid"
                wait "$pid" || true
                is "$("$HOLT" ps --format '{{.Names}} {{.State}}')" "left running"
                is "$("$HOLT" rm -f left)" left
        done
        nothing_left
}

@test "kill -9 of holt at any instant" {
        local i
        for i in {1..40}; do
                timeout -s KILL "$(printf '0.%04d' $((i * 3)))" "$HOLT" run "${OPTIONS[@]}" box true || true
        done
        # What ran when holt was killed ends by itself.
        none_is_there() { [ -z "$("$HOLT" ps -aq)" ]; }
        wait_for 10 none_is_there
        nothing_left
}

@test "many at once" {
        local i pids=()
        for i in {1..12}; do
                "$HOLT" run "${OPTIONS[@]}" box sh -c "echo $i; sleep 0.2" >"out.$i" &
                pids+=($!)
        done
        for i in "${pids[@]}"; do wait "$i"; done
        is "$(cat out.* | sort -n | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 10 11 12 '
}

@test "a deep tree and odd names are removed as well" {
        hr box sh -c 'i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done; cd /; touch "new
line" -- -x; mkdir -m 0 closed'
}

@test "after a boot: one left behind that cannot be removed is in nobody's way" {
        local left
        left=$HOLT_ROOT/instances/$(printf 'a%.0s' {1..64})
        mkdir -p "$left/upper/dir"
        mount -t tmpfs none "$left/upper/dir"
        rmdir "$HOLT_RUN/instances"
        run hr box echo well
        umount "$left/upper/dir"
        [ "$status" -eq 0 ]
        [[ $output == *well* && $output == *aaaa* ]]
        "$HOLT" ps
}
