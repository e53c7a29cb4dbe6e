#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Docker with our runtime and a real Debian image: a dockerd of this file's own, on a private root and socket, in a
# network namespace of its own, so that its bridge and its firewall rules end with it.

load clients

setup_file() {
        export HOLT_DIR PARENT DAEMON
        HOLT_DIR=$(mktemp -d -t holt-docker.XXXXXX)
        PARENT=holt-e2e-docker-$$
        echo '{}' >"$HOLT_DIR/daemon.json"
        start_daemon
        probe_at "$HOLT_DIR/probe"
        dock import "$("$BATS_TEST_DIRNAME/make-rootfs")" debian:holt >/dev/null
}

start_daemon() {
        unshare --net sh -c 'ip link set lo up; exec "$@"' sh dockerd --config-file "$HOLT_DIR/daemon.json" --data-root "$HOLT_DIR/data" \
                --exec-root "$HOLT_DIR/exec" --pidfile "$HOLT_DIR/pid" --host "unix://$HOLT_DIR/sock" --add-runtime "holt=$RUNTIME" \
                --default-runtime holt --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$PARENT" --bip 10.124.45.1/24 \
                --log-level warn >"$HOLT_DIR/log" 2>&1 3>&- &
        DAEMON=$!
        wait_for 30 dock version
}

teardown_file() {
        local status=0
        dock ps -aq | xargs -r /usr/bin/docker --host "unix://$HOLT_DIR/sock" rm -f >/dev/null
        end_process "$DAEMON" || status=1
        wait_for 10 test ! -e "$HOLT_DIR/exec/containerd/containerd.pid" || true
        umount "$HOLT_DIR/exec/netns/default" 2>/dev/null || true
        umount -l "$HOLT_DIR/data" 2>/dev/null || true
        # The parent is dockerd's own.
        find /sys/fs/cgroup -mindepth 2 -type d -name "$PARENT" -exec rmdir {} + 2>/dev/null
        no_leaks "$HOLT_DIR" "$PARENT" || status=1
        [ $status -eq 0 ] || tail -n 20 "$HOLT_DIR/log"
        rm -rf "$HOLT_DIR"
        return $status
}

dock() { /usr/bin/docker --host "unix://$HOLT_DIR/sock" "$@" 3>&-; }
once() { dock run --rm "$@"; }
drive() { # STEPS... -- ARGUMENTS: docker on a terminal
        local steps=()
        while [[ $1 != -- ]]; do
                steps+=("$1")
                shift
        done
        shift
        "$TESTS/tty_drive.py" "${steps[@]}" -- /usr/bin/docker --host "unix://$HOLT_DIR/sock" "$@" 3>&-
}

setup() { NAME=c$BATS_TEST_NUMBER; }
teardown() { dock rm -f "$NAME" >/dev/null 2>&1 || true; }

start() { dock run -d --name "$NAME" "$@" >/dev/null; }
state_is() { [ "$(dock inspect -f '{{.State.Status}}' "$NAME")" = "$1" ]; }
value() { dock exec "$NAME" sh -c "$(limit "$@")"; }

@test "docker run: foreground, output and exit status" {
        run once debian:holt sh -c 'cat /etc/debian_version; echo err >&2; exit 42'
        [ "$status" -eq 42 ]
        # Two streams, which the client brings in no certain order.
        printf '%s\n' "${lines[@]}" | grep '^12\.'
        [[ $output == *err* ]]
        [ "$(echo hello | once -i debian:holt cat)" = hello ]
}

@test "docker run: it is our runtime that runs it" {
        start debian:holt sleep 1000
        [ "$(dock inspect -f '{{.HostConfig.Runtime}}' "$NAME")" = holt ]
        local id state
        id=$(dock inspect -f '{{.Id}}' "$NAME")
        state=$(find "$HOLT_DIR/exec" -path "*/runtime-*/$id:state")
        [ -f "$state" ]
        "$RUNTIME" --root "$(dirname "$state")" state "$id" | jq -e '.status == "running"'
}

@test "docker run: exit statuses 125, 126 and 127" {
        run -127 once debian:holt nosuchcommand
        run -127 once debian:holt /no/such/command
        run once debian:holt /etc/passwd
        [ "$status" -eq 126 ]
        run once debian:holt /etc
        [ "$status" -eq 126 ]
        run once --no-such-option debian:holt true
        [ "$status" -eq 125 ]
}

@test "docker run -it: a terminal, its size, input, echo, resize, exit status" {
        drive -s 31x97 -e '# ' -d 0.3 -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' -s 40x100 -d 0.5 -i 'stty size\r' -e '40 100' \
                -i 'exit 7\r' -- run --rm -it debian:holt bash >"$BATS_TEST_TMPDIR/tty" || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 7 ]
}

@test "docker run -d: detached, logs, wait" {
        start debian:holt sh -c 'echo one; echo two >&2; sleep 0.5; exit 9'
        [ "$(dock wait "$NAME")" -eq 9 ]
        run dock logs "$NAME"
        [[ $output == *one* && $output == *two* ]]
        state_is exited
}

@test "docker run: limits stand in the cgroup" {
        start --memory 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --pids-limit 33 --cpuset-cpus 0 debian:holt sleep 1000
        [ "$(value memory/memory.limit_in_bytes memory.max)" = 67108864 ]
        [ "$(value memory/memory.soft_limit_in_bytes memory.low)" = 33554432 ]
        [ "$(value pids/pids.max pids.max)" = 33 ]
        [[ $(value cpu/cpu.cfs_quota_us cpu.max) =~ ^50000 ]]
        [ "$(value cpuset/cpuset.cpus cpuset.cpus)" = 0 ]
        [ "$(dock exec "$NAME" nproc)" = 1 ]
}

@test "docker run: over its memory it is killed, and Docker is told why" {
        start --memory 32m --memory-swap 32m debian:holt bash -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); echo alive'
        dock wait "$NAME"
        run dock logs "$NAME"
        [[ $output != *alive* ]]
        [ "$(dock inspect -f '{{.State.OOMKilled}}' "$NAME")" = true ]
}

@test "docker exec: output, user, environment, directory, exit statuses" {
        start debian:holt sleep 1000
        [ "$(dock exec "$NAME" cat /proc/1/comm)" = sleep ]
        [ "$(dock exec -u 33 "$NAME" id -u)" = 33 ]
        [ "$(dock exec -u www-data "$NAME" id -un)" = www-data ]
        [ "$(dock exec -e KEY=value -w /usr "$NAME" sh -c 'echo $KEY $PWD')" = "value /usr" ]
        [ "$(echo in | dock exec -i "$NAME" cat)" = in ]
        run dock exec "$NAME" sh -c 'exit 33'
        [ "$status" -eq 33 ]
        # Docker 20.10 knows 126 only for exec; later ones say 127.
        run dock exec "$NAME" nosuchcommand
        [[ $status =~ ^12[67]$ && $output =~ "not found"|"no such file" ]]
        run dock exec "$NAME" /etc/passwd
        [ "$status" -eq 126 ]
}

@test "docker exec -it and -d" {
        start debian:holt sleep 1000
        drive -s 33x99 -e '# ' -d 0.3 -i 'stty size; echo a$((1+1))b\r' -e '33 99.*a2b' -i 'exit 5\r' -- exec -it "$NAME" bash >"$BATS_TEST_TMPDIR/tty" || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 5 ]
        dock exec -d "$NAME" sh -c 'echo yes >/tmp/done; sleep 1000'
        wait_for 5 dock exec "$NAME" grep yes /tmp/done
}

@test "docker pause and unpause" {
        start debian:holt sh -c 'while :; do date +%s%N >/tmp/now; sleep 0.02; done'
        wait_for 5 dock exec "$NAME" test -s /tmp/now
        dock pause "$NAME" >/dev/null
        state_is paused
        run ! dock exec "$NAME" true
        local file before
        file=/proc/$(dock inspect -f '{{.State.Pid}}' "$NAME")/root/tmp/now
        before=$(cat "$file")
        sleep 0.2
        [ "$(cat "$file")" = "$before" ]
        dock unpause "$NAME" >/dev/null
        state_is running
        wait_for 5 differs "$file" "$before"
}

@test "docker update" {
        start --memory 64m --memory-swap 256m debian:holt sleep 1000
        dock update --memory 128m --cpus 0.25 --pids-limit 44 "$NAME" >/dev/null
        [ "$(value memory/memory.limit_in_bytes memory.max)" = 134217728 ]
        [[ $(value cpu/cpu.cfs_quota_us cpu.max) =~ ^25000 ]]
        [ "$(value pids/pids.max pids.max)" = 44 ]
}

@test "docker stop: SIGTERM is honoured" {
        start debian:holt bash -c 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
        ready() { dock logs "$NAME" | grep -q ready; }
        wait_for 5 ready
        dock stop --time 10 "$NAME" >/dev/null
        [ "$(dock inspect -f '{{.State.ExitCode}}' "$NAME")" -eq 3 ]
        dock logs "$NAME" | grep -q bye
}

@test "docker stop: after the timeout comes SIGKILL" {
        start debian:holt sleep 1000
        local begun=$SECONDS
        dock stop --time 1 "$NAME" >/dev/null
        ((SECONDS - begun < 8))
        [ "$(dock inspect -f '{{.State.ExitCode}}' "$NAME")" -eq 137 ]
}

@test "docker kill, start and restart" {
        start debian:holt sh -c 'echo x >>/count; exec sleep 1000'
        local pid
        pid=$(dock inspect -f '{{.State.Pid}}' "$NAME")
        dock restart --time 0 "$NAME" >/dev/null
        wait_for 5 is_gone "$pid"
        state_is running
        wait_for 5 dock exec "$NAME" sh -c 'test $(wc -l </count) -eq 2'
        dock kill "$NAME" >/dev/null
        wait_for 5 state_is exited
        dock start "$NAME" >/dev/null
        state_is running
}

@test "docker restart policy: one that fails comes again" {
        start --restart on-failure:2 debian:holt sh -c 'echo x >>/count; exit 1'
        twice() { [ "$(dock inspect -f '{{.RestartCount}} {{.State.Status}}' "$NAME")" = "2 exited" ]; }
        wait_for 20 twice
}

@test "docker top and stats" {
        start debian:holt sleep 1000
        dock top "$NAME" | grep -q 'sleep 1000'
        dock stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' "$NAME" >"$BATS_TEST_TMPDIR/stats"
        cat "$BATS_TEST_TMPDIR/stats"
        grep -q "^$NAME .*iB.* 1\$" "$BATS_TEST_TMPDIR/stats"
}

@test "docker run: volumes, read-only ones, tmpfs, read-only root" {
        mkdir "$BATS_TEST_TMPDIR/v"
        echo kept >"$BATS_TEST_TMPDIR/v/file"
        run once -v "$BATS_TEST_TMPDIR/v:/rw" -v "$BATS_TEST_TMPDIR/v:/ro:ro" --tmpfs /scratch:size=1m --read-only debian:holt sh -c '
                cat /ro/file; touch /rw/new; touch /ro/no; touch /no; grep -c " /scratch tmpfs " /proc/mounts; touch /scratch/yes && echo scratch'
        echo "$output"
        [[ ${lines[0]} == kept ]]
        [ -e "$BATS_TEST_TMPDIR/v/new" ]
        [ ! -e "$BATS_TEST_TMPDIR/v/no" ]
        [ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
        [[ $output == *scratch* ]]
        once -v named:/data debian:holt sh -c 'echo there >/data/file'
        [ "$(once -v named:/data debian:holt cat /data/file)" = there ]
        dock volume rm named >/dev/null
}

@test "docker run: capabilities" {
        [ "$(once --cap-drop all debian:holt grep CapEff /proc/self/status | cut -f2)" = 0000000000000000 ]
        [ "$(once --cap-drop all --cap-add net_raw debian:holt grep CapEff /proc/self/status | cut -f2)" = 0000000000002000 ]
        [ "$(once debian:holt grep CapEff /proc/self/status | cut -f2)" = 00000000a80425fb ]
        run once --cap-drop chown debian:holt chown 1 /tmp
        [ "$status" -ne 0 ]
        once --user 33 debian:holt grep CapEff /proc/self/status | grep -q 0000000000000000
}

@test "docker run: the default seccomp profile is on" {
        run once -v "$HOLT_DIR/probe:/probe:ro" debian:holt sh -c 'grep ^Seccomp: /proc/self/status; for s in unshare keyctl add_key none; do /probe syscall $s; done'
        echo "$output"
        [[ ${lines[0]} == *2 ]]
        [ "${lines[*]:1}" = "EPERM EPERM EPERM ENOSYS" ]
        run once --security-opt seccomp=unconfined -v "$HOLT_DIR/probe:/probe:ro" debian:holt sh -c 'grep ^Seccomp: /proc/self/status; /probe syscall unshare; /probe syscall keyctl'
        [[ ${lines[0]} == *0 ]]
        [ "${lines[*]:1}" = "ok ok" ]
}

@test "docker run: no-new-privileges, ulimits, sysctl, hostname, devices, shm, oom score" {
        run once --security-opt no-new-privileges --ulimit nofile=99:101 --sysctl net.ipv4.ip_forward=1 --hostname box --device /dev/zero:/dev/nil \
                --shm-size 1m --oom-score-adj 77 debian:holt sh -c 'grep NoNewPrivs /proc/self/status; ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward;
                hostname; head -c 2 /dev/nil | wc -c; df -k /dev/shm | tail -n 1; cat /proc/self/oom_score_adj'
        echo "$output"
        [[ ${lines[0]} == *1 ]]
        [ "${lines[*]:1:5}" = "99 101 1 box 2" ]
        [[ ${lines[6]} == *" 1024 "* ]]
        [ "${lines[7]}" = 77 ]
}

@test "docker run: networks none, host and bridge, and a published port" {
        [ "$(once --network none debian:holt ls /sys/class/net)" = lo ]
        [ "$(once --network host debian:holt readlink /proc/self/ns/net)" = "$(readlink "/proc/$DAEMON/ns/net")" ]
        start -p 127.0.0.1:18080:80 debian:holt perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, ReuseAddr => 1) or die;
                while ($c = $s->accept) { print $c "hello\n"; close $c }'
        local address
        address=$(dock inspect -f '{{.NetworkSettings.IPAddress}}' "$NAME")
        greets() { [ "$(nsenter -t "$DAEMON" -n bash -c "exec 5<>/dev/tcp/$1/$2 && cat <&5" 2>/dev/null)" = hello ]; }
        wait_for 10 greets "$address" 80
        wait_for 10 greets 127.0.0.1 18080
        [ "$(once debian:holt bash -c "exec 5<>/dev/tcp/$address/80 && cat <&5")" = hello ]
}

@test "docker run: the namespaces of another container" {
        start --ipc shareable debian:holt sleep 1000
        [ "$(once --network "container:$NAME" --ipc "container:$NAME" --pid "container:$NAME" debian:holt sh -c 'cat /proc/1/comm; readlink /proc/self/ns/ipc')" = \
                "$(printf 'sleep\n%s' "$(dock exec "$NAME" readlink /proc/self/ns/ipc)")" ]
        once --pid host --uts host debian:holt true
}

@test "docker run --privileged" {
        skip_runc "fails when it lacks one of all the capabilities"
        run once --privileged debian:holt sh -c 'mount -t tmpfs x /mnt && echo mounted'
        echo "$output"
        [ "$output" = mounted ]
}

@test "docker commit, cp and diff" {
        start debian:holt sh -c 'echo new >/new; sleep 1000'
        echo text >"$BATS_TEST_TMPDIR/in"
        dock cp "$BATS_TEST_TMPDIR/in" "$NAME:/in"
        [ "$(dock exec "$NAME" cat /in)" = text ]
        dock diff "$NAME" | grep -q 'A /new'
        dock commit "$NAME" debian:more >/dev/null
        [ "$(once debian:more cat /new)" = new ]
        dock rmi debian:more >/dev/null
}

@test "docker rm -f: of a running and of a paused one" {
        start debian:holt sleep 1000
        local pid
        pid=$(dock inspect -f '{{.State.Pid}}' "$NAME")
        dock rm -f "$NAME" >/dev/null
        wait_for 5 is_gone "$pid"
        start debian:holt sleep 1000
        local id
        id=$(dock inspect -f '{{.Id}}' "$NAME")
        dock pause "$NAME" >/dev/null
        dock rm -f "$NAME" >/dev/null
        [ -z "$(find /sys/fs/cgroup -type d -name "$id")" ]
        [ -z "$(find "$HOLT_DIR/exec" -type d -name "$id")" ]
}

@test "docker run --rm: ten at once" {
        local pids=() i
        for i in 0 1 2 3 4 5 6 7 8 9; do
                once debian:holt sh -c "exit $i" &
                pids+=($!)
        done
        for i in 0 1 2 3 4 5 6 7 8 9; do
                status=0
                wait "${pids[$i]}" || status=$?
                [ "$status" -eq "$i" ]
        done
}

@test "docker run: a health check, which is an exec of Docker's own" {
        start --health-cmd 'test -e /tmp/ok' --health-interval 1s --health-retries 3 debian:holt sh -c 'sleep 1; touch /tmp/ok; sleep 1000'
        healthy() { [ "$(dock inspect -f '{{.State.Health.Status}}' "$NAME")" = healthy ]; }
        wait_for 15 healthy
}

@test "docker save and load: images go to holt and back unharmed" {
        local holt=("$(dirname "$RUNTIME")/holt" --root "$HOLT_DIR/store" --run "$HOLT_DIR/run") id
        id=$(dock image inspect -f '{{.Id}}' debian:holt)
        dock save debian:holt | "${holt[@]}" load -q
        [ "$("${holt[@]}" image inspect --format '{{.Id}}' debian:holt)" = "$id" ]
        "${holt[@]}" tag debian:holt debian:back
        "${holt[@]}" save -q debian:back | dock load
        [ "$(dock image inspect -f '{{.Id}}' debian:back)" = "$id" ]
        dock rmi debian:back
        run "${holt[@]}" run --rm --network none debian:holt cat /etc/debian_version
        [[ $status -eq 0 && $output == 12.* ]]
        umount -R "$HOLT_DIR/run/layers"
}
