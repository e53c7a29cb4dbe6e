#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman with our runtime and a real Debian image. Its storage, networks and sockets lie in a directory of this
# file's own; networks are made in a network namespace of the test's.

load clients

setup_file() {
        export HOLT_DIR PARENT
        HOLT_DIR=$(mktemp -d -t holt-podman.XXXXXX)
        PARENT=holt-e2e-podman-$$
        mkdir "$HOLT_DIR"/{tmp,net}
        # Root may lack CAP_SYS_RESOURCE: podman's default limits must not be above ours.
        cat >"$HOLT_DIR/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "$HOLT_DIR/net"
default_subnet = "10.123.45.0/24"
CONF
        local tar
        tar=$("$BATS_TEST_DIRNAME/make-rootfs")
        probe_at "$HOLT_DIR/probe"
        pod import --quiet "$tar" debian:holt >/dev/null
}

# podman itself leaves the parent and its monitors' cgroups, and does not wait for the monitors.
monitors_gone() {
        find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*$PARENT*" ! -path '*/libpod-????????????????????????????????????????????????????????????????' -exec rmdir {} + 2>/dev/null
        [ -z "$(find /sys/fs/cgroup -mindepth 2 -type d -path "*$PARENT*")" ]
}

teardown_file() {
        local status=0 dir
        pod rm --all --force --time 0 >/dev/null 2>&1 || true
        pod rmi --all --force >/dev/null 2>&1 || true
        wait_for 10 monitors_gone || true
        umount -l "$HOLT_DIR/root/overlay" 2>/dev/null || true
        no_leaks "$HOLT_DIR" "$PARENT" || status=1
        rm -rf "$HOLT_DIR"
        return $status
}

pod() {
        CONTAINERS_CONF=$HOLT_DIR/containers.conf TMPDIR=$HOLT_DIR/tmp podman --root "$HOLT_DIR/root" --runroot "$HOLT_DIR/run" \
                --tmpdir "$HOLT_DIR/libpod" --storage-driver overlay --runtime "$RUNTIME" --log-level error "$@" 3>&-
}

pod_run() { pod run --cgroup-parent "/$PARENT" "$@"; }
# Removed at once when it ends; takes no name.
once() { pod_run --rm "$@"; }

drive() { # STEPS... -- ARGUMENTS: podman on a terminal
        local steps=()
        while [[ $1 != -- ]]; do
                steps+=("$1")
                shift
        done
        shift
        CONTAINERS_CONF=$HOLT_DIR/containers.conf TMPDIR=$HOLT_DIR/tmp "$TESTS/tty_drive.py" "${steps[@]}" -- podman --root "$HOLT_DIR/root" \
                --runroot "$HOLT_DIR/run" --tmpdir "$HOLT_DIR/libpod" --storage-driver overlay --runtime "$RUNTIME" --log-level error "$@" 3>&-
}

setup() {
        NAME=c$BATS_TEST_NUMBER
        # conmon leaves a file "oom" where it stands.
        cd "$HOLT_DIR" || return
}
teardown() { pod rm --force --ignore --time 0 "$NAME" >/dev/null; }

start() { pod_run -d --name "$NAME" "$@" >/dev/null; }
state_is() { [ "$(pod inspect -f '{{.State.Status}}' "$NAME")" = "$1" ]; }

@test "podman run: foreground, output and exit status" {
        run once debian:holt sh -c 'cat /etc/debian_version; echo err >&2; exit 42'
        [ "$status" -eq 42 ]
        [[ ${lines[0]} == 12.* ]]
        [[ $output == *err* ]]
        [ "$(echo hello | once -i debian:holt cat)" = hello ]
}

@test "podman run: it is our runtime that runs it" {
        start debian:holt sleep 1000
        [ "$(pod inspect -f '{{.OCIRuntime}}' "$NAME")" = "$RUNTIME" ]
        [[ $(pod info -f '{{.Host.OCIRuntime.Path}}') == "$RUNTIME" ]]
        pod info -f '{{.Host.OCIRuntime.Version}}' | grep -q 'spec: 1'
}

@test "podman run: exit statuses 125, 126 and 127" {
        run -127 once debian:holt nosuchcommand
        run -127 once debian:holt /no/such/command
        run once debian:holt /etc/passwd
        [ "$status" -eq 126 ]
        run once debian:holt /etc
        [ "$status" -eq 126 ]
        run once --no-such-option debian:holt true
        [ "$status" -eq 125 ]
}

@test "podman run -it: a terminal, its size, input, echo, resize, exit status" {
        drive -s 31x97 -e '# ' -i 'stty size; tty; echo a$((1+1))b\r' -e '31 97.*a2b' -s 40x100 -d 0.5 -i 'stty size\r' -e '40 100' \
                -i 'exit 7\r' -- run --rm -it --cgroup-parent "/$PARENT" debian:holt bash >"$BATS_TEST_TMPDIR/tty" || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 7 ]
}

@test "podman run -d: detached, logs, wait" {
        start debian:holt sh -c 'echo one; echo two >&2; sleep 0.5; exit 9'
        [ "$(pod wait "$NAME")" -eq 9 ]
        run pod logs "$NAME"
        [[ $output == *one* && $output == *two* ]]
        state_is exited
}

@test "podman run: limits stand in the cgroup" {
        start --memory 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --pids-limit 33 --cpuset-cpus 0 debian:holt sleep 1000
        [ "$(pod exec "$NAME" sh -c "$(limit memory/memory.limit_in_bytes memory.max)")" = 67108864 ]
        [ "$(pod exec "$NAME" sh -c "$(limit memory/memory.soft_limit_in_bytes memory.low)")" = 33554432 ]
        [ "$(pod exec "$NAME" sh -c "$(limit pids/pids.max pids.max)")" = 33 ]
        [[ $(pod exec "$NAME" sh -c "$(limit cpu/cpu.cfs_quota_us cpu.max)") =~ ^50000 ]]
        [ "$(pod exec "$NAME" sh -c "$(limit cpuset/cpuset.cpus cpuset.cpus)")" = 0 ]
        [ "$(pod exec "$NAME" nproc)" = 1 ]
}

@test "podman run: over its memory it is killed" {
        run once --memory 32m --memory-swap 32m debian:holt bash -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); echo alive'
        [ "$status" -ne 0 ]
        [[ $output != *alive* ]]
}

@test "podman exec: output, user, environment, directory, exit statuses" {
        start debian:holt sleep 1000
        [ "$(pod exec "$NAME" cat /proc/1/comm)" = sleep ]
        [ "$(pod exec -u 33 "$NAME" id -u)" = 33 ]
        [ "$(pod exec -u www-data "$NAME" id -un)" = www-data ]
        [ "$(pod exec -e KEY=value -w /usr "$NAME" sh -c 'echo $KEY $PWD')" = "value /usr" ]
        [ "$(echo in | pod exec -i "$NAME" cat)" = in ]
        run pod exec "$NAME" sh -c 'exit 33'
        [ "$status" -eq 33 ]
        run -127 pod exec "$NAME" nosuchcommand
        run pod exec "$NAME" /etc/passwd
        [ "$status" -eq 126 ]
}

@test "podman exec -it and -d" {
        start debian:holt sleep 1000
        drive -s 33x99 -e '# ' -i 'stty size; echo a$((1+1))b\r' -e '33 99.*a2b' -i 'exit 5\r' -- exec -it "$NAME" bash >"$BATS_TEST_TMPDIR/tty" || status=$?
        cat "$BATS_TEST_TMPDIR/tty"
        [ "$status" -eq 5 ]
        pod exec -d "$NAME" sh -c 'echo yes >/tmp/done; sleep 1000'
        wait_for 5 pod exec "$NAME" grep yes /tmp/done
}

@test "podman pause and unpause" {
        start debian:holt sh -c 'while :; do date +%s%N >/now; sleep 0.02; done'
        local file before
        file=$(pod mount "$NAME")/now
        wait_for 5 test -s "$file"
        pod pause "$NAME" >/dev/null
        state_is paused
        before=$(cat "$file")
        sleep 0.2
        [ "$(cat "$file")" = "$before" ]
        pod unpause "$NAME" >/dev/null
        state_is running
        wait_for 5 differs "$file" "$before"
        pod umount "$NAME" >/dev/null
}

@test "podman update" {
        start --memory 64m debian:holt sleep 1000
        pod update --memory 128m --cpus 0.25 "$NAME" >/dev/null
        [ "$(pod exec "$NAME" sh -c "$(limit memory/memory.limit_in_bytes memory.max)")" = 134217728 ]
        [[ $(pod exec "$NAME" sh -c "$(limit cpu/cpu.cfs_quota_us cpu.max)") =~ ^25000 ]]
}

@test "podman stop: SIGTERM is honoured" {
        start debian:holt bash -c 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
        wait_for 5 sh -c "$(declare -f pod); RUNTIME=$RUNTIME HOLT_DIR=$HOLT_DIR; pod logs $NAME 3>/dev/null | grep ready"
        pod stop --time 10 "$NAME" >/dev/null
        [ "$(pod inspect -f '{{.State.ExitCode}}' "$NAME")" -eq 3 ]
        pod logs "$NAME" | grep -q bye
}

@test "podman stop: after the timeout comes SIGKILL" {
        start debian:holt sleep 1000
        local begun=$SECONDS
        pod stop --time 1 "$NAME" >/dev/null 2>&1
        ((SECONDS - begun < 8))
        [ "$(pod inspect -f '{{.State.ExitCode}}' "$NAME")" -eq 137 ]
}

@test "podman kill and restart" {
        start debian:holt sh -c 'echo x >>/count; exec sleep 1000'
        local pid
        pid=$(pod inspect -f '{{.State.Pid}}' "$NAME")
        pod restart --time 0 "$NAME" >/dev/null
        wait_for 5 is_gone "$pid"
        state_is running
        wait_for 5 pod exec "$NAME" sh -c 'test $(wc -l </count) -eq 2'
        pod kill "$NAME" >/dev/null
        wait_for 5 state_is exited
        pod start "$NAME" >/dev/null
        state_is running
}

@test "podman top and stats" {
        start debian:holt sleep 1000
        pod top "$NAME" | grep -q 'sleep 1000'
        pod stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' "$NAME" >"$BATS_TEST_TMPDIR/stats"
        cat "$BATS_TEST_TMPDIR/stats"
        grep -q "^$NAME .*B.* 1\$" "$BATS_TEST_TMPDIR/stats"
}

@test "podman run: volumes, read-only ones, tmpfs, read-only root" {
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
        run once -v named:/data debian:holt sh -c 'echo there >/data/file'
        [ "$(once -v named:/data debian:holt cat /data/file)" = there ]
        pod volume rm named >/dev/null
}

@test "podman run: capabilities" {
        [ "$(once --cap-drop all debian:holt grep CapEff /proc/self/status | cut -f2)" = 0000000000000000 ]
        [ "$(once --cap-drop all --cap-add net_raw debian:holt grep CapEff /proc/self/status | cut -f2)" = 0000000000002000 ]
        run once --cap-drop chown debian:holt chown 1 /tmp
        [ "$status" -ne 0 ]
        once --user 33 debian:holt grep CapEff /proc/self/status | grep -q 0000000000000000
}

@test "podman run: the default seccomp profile is on" {
        run once -v "$HOLT_DIR/probe:/probe:ro" debian:holt sh -c 'grep ^Seccomp: /proc/self/status; /probe syscall personality-bsd; /probe syscall personality; /probe syscall none'
        echo "$output"
        [[ ${lines[0]} == *2 ]]
        [[ ${lines[1]} =~ ^(EPERM|ENOSYS)$ ]]
        [ "${lines[2]}" = ok ]
        [ "${lines[3]}" = ENOSYS ]
        run once --security-opt seccomp=unconfined -v "$HOLT_DIR/probe:/probe:ro" debian:holt sh -c 'grep ^Seccomp: /proc/self/status; /probe syscall personality-bsd'
        [[ ${lines[0]} == *0 ]]
        [ "${lines[1]}" = ok ]
}

@test "podman run: no-new-privileges, ulimits, sysctl, hostname, devices, shm, oom score" {
        run once --security-opt no-new-privileges --ulimit nofile=99:101 --ulimit nproc=1000:1000 --sysctl net.ipv4.ip_forward=1 --hostname box --device /dev/zero:/dev/nil \
                --shm-size 1m --oom-score-adj 77 debian:holt sh -c 'grep NoNewPrivs /proc/self/status; ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward;
                hostname; head -c 2 /dev/nil | wc -c; df -k /dev/shm | tail -n 1; cat /proc/self/oom_score_adj'
        echo "$output"
        [[ ${lines[0]} == *1 ]]
        [ "${lines[*]:1:5}" = "99 101 1 box 2" ]
        [[ ${lines[6]} == *" 1024 "* ]]
        [ "${lines[7]}" = 77 ]
}

@test "podman run: user namespace" {
        run once --uidmap 0:100000:65536 --gidmap 0:200000:65536 debian:holt sh -c 'cat /proc/self/uid_map; stat -c %u:%g /etc/passwd; id -u; touch /root/x && echo mine'
        echo "$output"
        [ "$(echo ${lines[0]})" = "0 100000 65536" ]
        [ "${lines[1]}" = 0:0 ]
        [ "${lines[2]}" = 0 ]
        [ "${lines[3]}" = mine ]
}

@test "podman run: networks none and host" {
        [ "$(once --network none debian:holt sh -c 'ls /sys/class/net')" = lo ]
        [ "$(once --network host debian:holt readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
}

@test "podman run: a bridge and a published port" {
        # In a network namespace of the test's: podman leaves chains and a bridge behind.
        cat >"$BATS_TEST_TMPDIR/inner" <<SH
set -e
$(declare -f pod pod_run)
ip link set lo up
pod_run -d --name $NAME --network bridge -p 127.0.0.1:18080:80 -v $HOLT_DIR/probe:/probe:ro debian:holt \
        perl -MIO::Socket::INET -e '\$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, ReuseAddr => 1) or die; while (\$c = \$s->accept) { print \$c "hello\n"; close \$c }' >/dev/null
address=\$(pod inspect -f '{{.NetworkSettings.IPAddress}}' $NAME)
for i in \$(seq 600); do
        text=\$( (exec 5<>/dev/tcp/\$address/80 && cat <&5) 2>/dev/null) && break
        sleep 0.1
done
echo "bridge \$text"
echo "port \$(exec 5<>/dev/tcp/127.0.0.1/18080 && cat <&5)"
pod rm -f --time 0 $NAME >/dev/null
SH
        run env RUNTIME="$RUNTIME" HOLT_DIR="$HOLT_DIR" PARENT="$PARENT" unshare --net bash "$BATS_TEST_TMPDIR/inner" 3>&-
        echo "$output"
        [[ $output == *"bridge hello"* ]]
        [[ $output == *"port hello"* ]]
}

@test "podman pod: shared namespaces" {
        start --ipc shareable debian:holt sleep 1000
        [ "$(once --network "container:$NAME" --ipc "container:$NAME" --pid "container:$NAME" debian:holt sh -c 'cat /proc/1/comm; readlink /proc/self/ns/ipc')" = \
                "$(printf 'sleep\n%s' "$(pod exec "$NAME" readlink /proc/self/ns/ipc)")" ]
}

@test "podman run --init, --systemd off, --privileged" {
        run once --privileged debian:holt sh -c 'grep CapEff /proc/self/status; ls /dev | wc -l; mount -t tmpfs x /mnt && echo mounted'
        [[ $output == *mounted* ]]
        once --systemd=false debian:holt true
}

@test "podman rm -f: of a running and of a paused one, nothing left" {
        start debian:holt sleep 1000
        local pid
        pid=$(pod inspect -f '{{.State.Pid}}' "$NAME")
        pod rm -f --time 0 "$NAME" >/dev/null
        wait_for 5 is_gone "$pid"
        start debian:holt sleep 1000
        local id
        id=$(pod inspect -f '{{.Id}}' "$NAME")
        pod pause "$NAME" >/dev/null
        pod rm -f --time 0 "$NAME" >/dev/null
        [ -z "$(find /sys/fs/cgroup -type d -name "libpod-$id")" ]
        run ! pod container exists "$NAME"
}

@test "podman run --rm: ten at once" {
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
        [ -z "$(pod ps -aq)" ]
}

@test "podman create, start, inspect, cp, diff" {
        pod create --cgroup-parent "/$PARENT" --name "$NAME" debian:holt sh -c 'cat /in; sleep 1000' >/dev/null
        echo text >"$BATS_TEST_TMPDIR/in"
        pod cp "$BATS_TEST_TMPDIR/in" "$NAME:/in"
        pod start "$NAME" >/dev/null
        logged() { pod logs "$NAME" | grep -q text; }
        wait_for 5 logged
        pod diff "$NAME" | grep -q '/in'
        pod generate systemd "$NAME" >/dev/null
}
