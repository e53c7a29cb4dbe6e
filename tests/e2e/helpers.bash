# SPDX-License-Identifier: Apache-2.0
#
# What the tests of the runtime's command line share: a bundle of busybox with a configuration that
# jq changes, the runtime under test, and a check after each test that nothing of it is left.
#
#   $RUNTIME  the runtime, as a path from the directory bats was started in (default build/holt-oci)
#   $BUNDLE   this test's bundle     $ROOT  its --root     $ID  a container id of its own
#   $CGROUP   its linux.cgroupsPath  $WORK  a directory for anything else
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

rt() { "$RUNTIME" --root "$ROOT" "$@"; }

# For the few cases in which a test is first tried with an older runc that lacks what is tested.
skip_runc() {
        local version
        version=$("$RUNTIME" --version | head -n 1)
        [[ $version != runc* ]] || skip "$version: $1"
}

rootfs_make() {
        local applet
        mkdir -p "$1"/{bin,sbin,dev,proc,sys,etc,tmp,root,usr/bin,mnt,home/test}
        cp "$(command -v busybox)" "$1/bin/busybox"
        for applet in sh true false cat echo ls id sleep touch mkdir rm rmdir mknod chmod chown ln readlink stat mount \
                umount grep sed awk head tail wc tr cut sort kill ps env pwd hostname uname ionice chrt taskset nice dd \
                stty tty date test printf seq ip ping unshare setsid timeout df cp mv sync uptime find od \
                nc sysctl ipcs mkfifo basename dirname expr yes mountpoint dnsdomainname hexdump; do
                ln -s busybox "$1/bin/$applet"
        done
        printf 'root:x:0:0:root:/root:/bin/sh\ntest:x:1000:1000:test:/home/test:/bin/sh\n' >"$1/etc/passwd"
        printf 'root:x:0:\ntty:x:5:\ntest:x:1000:\nextra:x:2000:test\n' >"$1/etc/group"
        chown 1000:1000 "$1/home/test"
        chmod 1777 "$1/tmp"
}

# A second bundle in the same test: bundle_at DIRECTORY ID
bundle_at() {
        mkdir -p "$1"
        cp -a "$BATS_FILE_TMPDIR/rootfs" "$1/rootfs"
        jq --arg cg "/$2" '.linux.cgroupsPath = $cg' "$TESTS/config.json" >"$1/config.json"
}

bundle_make() {
        WORK=$BATS_TEST_TMPDIR
        BUNDLE=$WORK/bundle
        ROOT=$WORK/root
        ID=holt-e2e-$$-$BATS_TEST_NUMBER
        CGROUP=/$ID
        PIDS=()
        [[ -d $BATS_FILE_TMPDIR/rootfs ]] || rootfs_make "$BATS_FILE_TMPDIR/rootfs"
        bundle_at "$BUNDLE" "$ID"
        cd "$BUNDLE" || return
}

# config FILTER [jq options]: changes this bundle's configuration.
config() {
        local filter=$1
        shift
        jq "$filter" "$BUNDLE/config.json" "$@" >"$BUNDLE/config.new" && mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# process ARGS...: what the container runs.
process() { config '.process.args = $ARGS.positional' --args -- "$@"; }
script() { process /bin/sh -c "$1"; }

# Runs in the background without holding bats open; ended at the test's end. $! is the runtime itself.
background() {
        if [[ $1 == rt ]]; then
                shift
                set -- "$RUNTIME" --root "$ROOT" "$@"
        fi
        "$@" 3>&- &
        PIDS+=($!)
}

status_of() { rt state "$1" | jq -r .status; }
has_status() { [[ $(status_of "$1" 2>/dev/null) == "$2" ]]; }
pid_of() { rt state "$1" | jq -r .pid; }
# Dead, and be it that its new parent has not yet asked for its status.
is_gone() { ! grep -qE '^State:[[:space:]]+[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }
processes_are() { [ "$(rt ps -f json "$ID" | jq length)" -eq "$1" ]; }

# A container that stays until it is killed.
start_sleeper() {
        process /bin/sleep 1000
        rt run -d "$@" "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
}

# cgroup_file CONTROLLER V1-FILE V2-FILE: the container's value.
cgroup_file() {
        if [[ -n $CGROUP_V2 ]]; then
                cat "/sys/fs/cgroup$CGROUP/$3"
        else
                cat "/sys/fs/cgroup/$1$CGROUP/$2"
        fi
}

# Whatever bears the test's id, in any layout.
cgroups_left() { find /sys/fs/cgroup -mindepth 1 -maxdepth 6 -type d -name "*$1*" 2>/dev/null; }

leaks() {
        local pid
        cgroups_left "$ID" | sed 's/^/left cgroup: /'
        grep -F "$WORK" /proc/self/mountinfo | sed 's/^/left mount: /'
        for pid in $(grep -lsF "$ID" /proc/[0-9]*/cgroup | cut -d/ -f3); do
                is_gone "$pid" || echo "left process: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        done
        if [[ -d $ROOT ]]; then
                find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*' | sed 's/^/left file: /'
        fi
}

# A process that was killed takes a moment to go, more of them where the host is busy.
no_leaks() {
        local pid
        local left end=$((SECONDS + 20))
        while left=$(leaks) && [[ -n $left ]]; do
                ((SECONDS < end)) || {
                        echo "$left"
                        return 1
                }
                sleep 0.05
        done
}

bundle_remove() {
        local id pid
        cd / || return
        for pid in "${PIDS[@]}"; do
                kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
        done
        if [[ -d $ROOT ]]; then
                # A directory ID, or files ID:something.
                find "$ROOT" -mindepth 1 -maxdepth 1 ! -name '.*' -printf '%f\n' | sed 's/:.*//' | sort -u |
                        while read -r id; do
                                rt delete --force "$id" >/dev/null 2>&1 </dev/null
                        done
        fi
        no_leaks
}

setup() { bundle_make; }
teardown() { bundle_remove; }

# The static helper program of the tests, as /bin/probe of a root filesystem: probe_into ROOTFS
probe_into() {
        [[ -x $BATS_FILE_TMPDIR/probe ]] ||
                "${CC:-cc}" -O1 -Wall -static -o "$BATS_FILE_TMPDIR/probe" "$TESTS/probe.c"
        cp "$BATS_FILE_TMPDIR/probe" "$1/bin/probe"
}
