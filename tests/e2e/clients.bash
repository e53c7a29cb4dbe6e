# SPDX-License-Identifier: Apache-2.0
#
# What the suites of the clients (podman, docker, containerd) share. Each file makes its client ready once, in
# setup_file, in a directory of its own; what the client needs in environment variables is exported there.
#
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/wait.bash
source "$(dirname "${BASH_SOURCE[0]}")/wait.bash"

: "${RUNTIME:=build/holt-oci}"
RUNTIME=$(realpath "$RUNTIME")
TESTS=$BATS_TEST_DIRNAME
CGROUP_V2=
[[ -e /sys/fs/cgroup/cgroup.controllers ]] && CGROUP_V2=1

# For what an older runc, with which a test is first tried, lacks.
skip_runc() { [[ $("$RUNTIME" --version | head -n 1) != runc* ]] || skip "$("$RUNTIME" --version | head -n 1): $1"; }

is_gone() { ! grep -qE '^State:[[:space:]]+[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }

# Ends a daemon by its pid, the hard way if it will not go.
end_process() {
        local i
        kill -TERM "$1" 2>/dev/null || return 0
        for ((i = 0; i < 1200; i++)); do
                is_gone "$1" && return 0
                sleep 0.05
        done
        echo "had to kill $1"
        kill -KILL "$1"
        return 1
}

# A script for a shell inside: the value of a limit in the layout that is there. limit V1-CONTROLLER/FILE V2-FILE
limit() {
        if [[ -n $CGROUP_V2 ]]; then
                echo "cat /sys/fs/cgroup/$2"
        else
                echo "cat /sys/fs/cgroup/$1"
        fi
}

# Everything below the directory or with the word in its cgroup that should be gone: leaks DIRECTORY WORD
leaks() {
        local pid
        grep -F " $1/" /proc/self/mountinfo | sed 's/^/left mount: /'
        find /sys/fs/cgroup -mindepth 2 -maxdepth 6 -type d -path "*$2*" 2>/dev/null | sed 's/^/left cgroup: /'
        for pid in $(grep -lsF "$2" /proc/[0-9]*/cgroup | cut -d/ -f3); do
                is_gone "$pid" || echo "left process: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        done
        for pid in $(grep -lsF "$1" /proc/[0-9]*/cmdline | cut -d/ -f3); do
                is_gone "$pid" || case $(tr '\0' ' ' <"/proc/$pid/cmdline") in
                *bats*) ;;
                *) echo "left process: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")" ;;
                esac
        done
}

no_leaks() {
        local left end=$((SECONDS + 30))
        while left=$(leaks "$@") && [[ -n $left ]]; do
                ((SECONDS < end)) || {
                        echo "$left"
                        return 1
                }
                sleep 0.1
        done
}

# The program `probe` of the tests, static: probe_at FILE
probe_at() { "${CC:-cc}" -O1 -Wall -static -o "$1" "$TESTS/probe.c"; }

# A containerd in $HOLT_DIR, with our runtime also behind its CRI plugin: containerd_start; its pid is in $DAEMON.
containerd_start() {
        cat >"$HOLT_DIR/config.toml" <<CONF
version = 2
root = "$HOLT_DIR/root"
state = "$HOLT_DIR/state"
[grpc]
  address = "$HOLT_DIR/sock"
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = "$HOLT_DIR/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:holt"
  restrict_oom_score_adj = true
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "holt"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.holt]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.holt.options]
        BinaryName = "$RUNTIME"
CONF
        ls /sys/fs/cgroup >"$HOLT_DIR/hierarchies"
        containerd --config "$HOLT_DIR/config.toml" >"$HOLT_DIR/log" 2>&1 3>&- &
        DAEMON=$!
        wait_for 30 ctr --address "$HOLT_DIR/sock" version
}

# Ends it and asserts that nothing is left: containerd_stop CGROUP-WORD
containerd_stop() {
        local status=0
        end_process "$DAEMON" || status=1
        # containerd makes plain directories for the v1 hierarchies that the host has not mounted.
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vxFf "$HOLT_DIR/hierarchies" |
                sed 's|^|/sys/fs/cgroup/|' | xargs -r rmdir
        no_leaks "$HOLT_DIR" "$1" || status=1
        [ $status -eq 0 ] || tail -n 20 "$HOLT_DIR/log"
        rm -rf "$HOLT_DIR"
        return $status
}
