#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# containerd's ctr with our runtime and a real Debian image: a containerd of this file's own, on a private root,
# state and socket.

load clients

setup_file() {
        export HOLT_DIR DAEMON PARENT
        HOLT_DIR=$(mktemp -d -t holt-containerd.XXXXXX)
        PARENT=holt-e2e-containerd-$$
        chmod 711 "$HOLT_DIR"
        containerd_start
        probe_at "$HOLT_DIR/probe"
        "$BATS_TEST_DIRNAME/make-image" "$("$BATS_TEST_DIRNAME/make-rootfs")" "$IMAGE" bash | c image import - >/dev/null
}

teardown_file() {
        find /sys/fs/cgroup -mindepth 2 -maxdepth 2 -type d -name "$PARENT" -exec rmdir {} + 2>/dev/null
        containerd_stop "$PARENT"
}

IMAGE=localhost/debian:holt
c() { ctr --address "$HOLT_DIR/sock" "$@" 3>&-; }
# ARGUMENTS...: options, then the command after the image and the name
options=(--runc-binary "$RUNTIME")
once() { # OPTIONS... -- COMMAND...
        local flags=()
        while [[ $1 != -- ]]; do
                flags+=("$1")
                shift
        done
        shift
        c run --rm "${options[@]}" --runc-root "$HOLT_DIR/oci" --cgroup "/$PARENT/$NAME" "${flags[@]}" "$IMAGE" "$NAME" "$@"
}
start() { # OPTIONS... -- COMMAND...
        local flags=()
        while [[ $1 != -- ]]; do
                flags+=("$1")
                shift
        done
        shift
        c run -d "${options[@]}" --runc-root "$HOLT_DIR/oci" --cgroup "/$PARENT/$NAME" --null-io "${flags[@]}" "$IMAGE" "$NAME" "$@"
}
status_is() { [ "$(c task ls | awk -v n="$NAME" '$1 == n { print $3 }')" = "$1" ]; }
inside() { c task exec --exec-id "e$RANDOM$RANDOM" "$NAME" "$@"; }

setup() { NAME=t$BATS_TEST_NUMBER; }
teardown() {
        c task rm -f "$NAME" >/dev/null 2>&1 || true
        c container rm "$NAME" >/dev/null 2>&1 || true
}

@test "ctr run: foreground, output, stdin and exit status" {
        run once -- sh -c 'cat /etc/debian_version; echo err >&2; exit 42'
        [ "$status" -eq 42 ]
        [[ $output == *12.* && $output == *err* ]]
}

@test "ctr run: it is our runtime that runs it" {
        start -- sleep 1000
        "$RUNTIME" --root "$HOLT_DIR/oci/default" state "$NAME" | jq -e '.status == "running"'
        "$RUNTIME" --root "$HOLT_DIR/oci/default" list -q | grep -qx "$NAME"
}

@test "ctr run: a missing command is told" {
        run once -- nosuchcommand
        [ "$status" -ne 0 ]
        [[ $output == *"executable file not found"* || $output == *"no such file"* ]]
}

@test "ctr run -t: a terminal, its size, input, echo, resize, exit status" {
        "$TESTS/tty_drive.py" -s 31x97 -e '# ' -d 0.3 -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' -s 40x100 -d 0.5 -i 'stty size\r' \
                -e '40 100' -i 'exit 7\r' -- ctr --address "$HOLT_DIR/sock" run --rm -t "${options[@]}" --runc-root "$HOLT_DIR/oci" --cgroup "/$PARENT/$NAME" \
                "$IMAGE" "$NAME" bash >"$BATS_TEST_TMPDIR/tty" 3>&- || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 7 ]
}

@test "ctr run -d, task ls, kill, wait, delete" {
        start -- sleep 1000
        status_is RUNNING
        local pid
        pid=$(c task ls | awk -v n="$NAME" '$1 == n { print $2 }')
        grep -q sleep "/proc/$pid/cmdline"
        c task kill -s KILL "$NAME"
        wait_for 5 status_is STOPPED
        run c task delete "$NAME"
        [[ $output == *"exit code 137"* ]]
        c container rm "$NAME"
        is_gone "$pid"
}

@test "ctr task kill: SIGTERM is honoured" {
        start -- bash -c 'trap "exit 3" TERM; touch /tmp/ready; while :; do sleep 0.05; done'
        wait_for 5 inside test -e /tmp/ready
        c task kill -s TERM "$NAME"
        wait_for 5 status_is STOPPED
        run c task delete "$NAME"
        [[ $output == *"exit code 3"* ]]
}

@test "ctr run: limits stand in the cgroup" {
        start --memory-limit 67108864 --cpus 0.5 -- sleep 1000
        # ctr mounts no cgroups inside.
        host() { eval "$(limit "${1%/*}/$PARENT/$NAME/${1##*/}" "$PARENT/$NAME/$2")"; }
        [ "$(host memory/memory.limit_in_bytes memory.max)" = 67108864 ]
        [[ $(host cpu/cpu.cfs_quota_us cpu.max) =~ ^50000 ]]
        c task metrics --format json "$NAME" >"$BATS_TEST_TMPDIR/metrics"
        grep -q 67108864 "$BATS_TEST_TMPDIR/metrics"
}

@test "ctr task exec: output, user, directory, exit status, terminal" {
        start -- sleep 1000
        [ "$(inside cat /proc/1/comm)" = sleep ]
        [ "$(c task exec --exec-id b --cwd /usr "$NAME" pwd)" = /usr ]
        run inside sh -c 'exit 33'
        [ "$status" -eq 33 ]
        run inside nosuchcommand
        [ "$status" -ne 0 ]
        "$TESTS/tty_drive.py" -s 33x99 -e '# ' -d 0.3 -i 'stty size; echo a$((1+1))b\r' -e '33 99.*a2b' -i 'exit 5\r' -- \
                ctr --address "$HOLT_DIR/sock" task exec -t --exec-id t "$NAME" bash >"$BATS_TEST_TMPDIR/tty" 3>&- || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 5 ]
        c task exec -d --exec-id d "$NAME" sh -c 'touch /tmp/done; sleep 1000'
        wait_for 5 inside test -e /tmp/done
        # Last: to look up the user, ctr mounts the running overlay a second time, after which nothing can be made in it.
        [ "$(c task exec --exec-id a --user 33 "$NAME" id -u)" = 33 ]
}

@test "ctr task pause and resume" {
        start -- sh -c 'while :; do date +%s%N >/tmp/now; sleep 0.02; done'
        wait_for 5 inside test -s /tmp/now
        c task pause "$NAME"
        status_is PAUSED
        local file before
        file=/proc/$(c task ls | awk -v n="$NAME" '$1 == n { print $2 }')/root/tmp/now
        before=$(cat "$file")
        sleep 0.2
        [ "$(cat "$file")" = "$before" ]
        c task resume "$NAME"
        status_is RUNNING
        wait_for 5 differs "$file" "$before"
}

@test "ctr task ps" {
        start -- sh -c 'sleep 1001 & exec sleep 1000'
        two() { [ "$(c task ps "$NAME" | grep -c '^[0-9]')" -eq 2 ]; }
        wait_for 5 two
}

@test "ctr run: mounts, read-only root, environment, user, capabilities" {
        mkdir "$BATS_TEST_TMPDIR/v"
        echo kept >"$BATS_TEST_TMPDIR/v/file"
        run once --mount "type=bind,src=$BATS_TEST_TMPDIR/v,dst=/rw,options=rbind:rw" --mount "type=bind,src=$BATS_TEST_TMPDIR/v,dst=/ro,options=rbind:ro" \
                --mount "type=tmpfs,src=tmpfs,dst=/scratch,options=size=1m" --read-only --env KEY=value --cap-add CAP_SYS_TIME --cap-drop CAP_CHOWN -- \
                sh -c 'cat /ro/file; touch /rw/new; touch /ro/no; touch /no; touch /scratch/yes && echo scratch; echo $KEY; grep CapEff /proc/self/status'
        echo "$output"
        [[ $output == *kept* && $output == *scratch* && $output == *value* ]]
        [ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
        [ -e "$BATS_TEST_TMPDIR/v/new" ]
        [[ $output == *00000000aa0425fa* ]]
}

@test "ctr run --seccomp: the default profile" {
        run once --seccomp --mount "type=bind,src=$HOLT_DIR/probe,dst=/probe,options=rbind:ro" -- \
                sh -c 'grep ^Seccomp: /proc/self/status; for s in unshare keyctl none; do /probe syscall $s; done'
        echo "$output"
        [[ ${lines[0]} == *2 ]]
        [ "${lines[*]:1}" = "EPERM EPERM ENOSYS" ]
}

@test "ctr run: host network, and another's namespaces by path" {
        [ "$(once --net-host -- readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
        start -- sleep 1000
        local pid
        pid=$(c task ls | awk -v n="$NAME" '$1 == n { print $2 }')
        [ "$(c run --rm "${options[@]}" --cgroup "/$PARENT/$NAME-b" --with-ns "network:/proc/$pid/ns/net" --with-ns "ipc:/proc/$pid/ns/ipc" "$IMAGE" "$NAME-b" \
                readlink /proc/self/ns/net)" = "$(readlink "/proc/$pid/ns/net")" ]
}

@test "ctr run: user namespace" {
        run once --uidmap 0:100000:65536 --gidmap 0:200000:65536 --remap-labels -- sh -c 'cat /proc/self/uid_map; id -u'
        echo "$output"
        [ "$(echo ${lines[0]})" = "0 100000 65536" ]
        [ "${lines[1]}" = 0 ]
}

@test "ctr run --privileged" {
        skip_runc "fails when it lacks one of all the capabilities"
        [ "$(once --privileged -- sh -c 'mount -t tmpfs x /mnt && echo mounted')" = mounted ]
}

@test "ctr: a shim that is killed leaves a container that can be removed" {
        start -- sleep 1000
        local pid shim
        pid=$(c task ls | awk -v n="$NAME" '$1 == n { print $2 }')
        shim=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
        kill -KILL "$shim"
        wait_for 10 is_gone "$pid"
        c task rm -f "$NAME" >/dev/null 2>&1 || true
        c container rm "$NAME"
        none_left() { [ -z "$(find /sys/fs/cgroup -type d -path "*$PARENT/$NAME")" ]; }
        wait_for 10 none_left
}
