# SPDX-License-Identifier: Apache-2.0
#
# What the tests of images share: holt with a store of the test's own, a real registry on loopback, small archives.
#
#   $HOLT      the program     $STORE  its --root     $RUN  its --run     $WORK  a directory for anything else
#   $REGISTRY  "127.0.0.1:PORT" after registry_start
#
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

# shellcheck source=tests/e2e/wait.bash
source "$(dirname "${BASH_SOURCE[0]}")/wait.bash"

: "${RUNTIME:=$(git -C "$BATS_TEST_DIRNAME" rev-parse --show-toplevel)/build/holt-oci}"
BUILD=$(dirname "$(realpath "$RUNTIME")")
HOLT=$BUILD/holt
# shellcheck disable=SC2034
TESTS=$BATS_TEST_DIRNAME

store_make() {
        # Machines that wait for the next one would outlive the test.
        export HOLT_VM_POOL=${HOLT_VM_POOL-none}
        WORK=$(mktemp -d -t holt-images.XXXXXX)
        STORE=$WORK/store RUN=$WORK/run
        export REGISTRY_AUTH_FILE=$WORK/auth.json HOME=$WORK/home
        mkdir -p "$HOME"
        echo '{}' >"$REGISTRY_AUTH_FILE"
        PIDS=()
        cd "$WORK" || return
}

# Ends what the test started, and looks for what it left: mounts, loop devices.
store_finish() {
        local pid
        for pid in "${PIDS[@]}"; do
                kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
        done
        cd /
        # Who waits to be somebody's machine has a cgroup, of which a file here says where it is.
        if [[ -d $RUN/vm-pool/instances ]]; then
                holt system pool 0
                wait_for 10 rmdir "$RUN/vm-pool/instances"
        fi
        if grep -q " $RUN/layers " /proc/self/mountinfo; then umount -R "$RUN/layers"; fi
        grep -F "$WORK" /proc/self/mountinfo && return 1
        losetup --list --noheadings --output BACK-FILE | grep -F "$WORK" && return 1
        rm -rf "$WORK"
}

holt() { "$HOLT" --root "$STORE" --run "$RUN" "$@"; }

free_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for_port() {
        local tries=1200
        while ((tries--)); do
                if bash -c ": <>/dev/tcp/127.0.0.1/$1" 2>/dev/null; then return; fi
                sleep 0.05
        done
        return 1
}

# registry_start [USER PASSWORD]: Debian's docker-registry, with basic authentication if asked for.
registry_start() {
        local port auth=
        port=$(free_port)
        if (($#)); then
                htpasswd -Bbc "$WORK/htpasswd" "$1" "$2" 2>/dev/null
                auth="auth: {htpasswd: {realm: test, path: $WORK/htpasswd}}"
        fi
        cat >"$WORK/registry-$port.yml" <<EOF
version: 0.1
log: {accesslog: {disabled: true}, level: error}
storage: {filesystem: {rootdirectory: $WORK/registry-$port}, delete: {enabled: true}}
http: {addr: '127.0.0.1:$port'}
$auth
EOF
        # It takes REGISTRY_* of the environment for its own configuration.
        env -u REGISTRY_AUTH_FILE docker-registry serve "$WORK/registry-$port.yml" >"$WORK/registry-$port.log" 2>&1 3>&- &
        PIDS+=($!)
        wait_for_port "$port"
        # shellcheck disable=SC2034
        REGISTRY=127.0.0.1:$port
}

# layer_tree DIR: some of all that layers have.
layer_tree() {
        mkdir -p "$1"/{bin,etc,tmp,dev,proc,sys,deep/er}
        cp "$(command -v busybox)" "$1/bin/busybox"
        ln -s busybox "$1/bin/sh"
        ln "$1/bin/busybox" "$1/bin/cat"
        echo "root:x:0:0:root:/root:/bin/sh" >"$1/etc/passwd"
        head -c 100000 /dev/urandom >"$1/deep/er/random"
        head -c 300000 /dev/zero >"$1/deep/zeros"
        chmod 4755 "$1/bin/cat"
        chmod 1777 "$1/tmp"
}

# image_make NAME [CMD...]: a small image in the store, of a tar archive.
image_make() {
        local name=$1
        shift
        [[ -d $WORK/tree ]] || layer_tree "$WORK/tree"
        tar -C "$WORK/tree" --numeric-owner --owner=0 --group=0 -cf "$WORK/tree.tar" .
        holt import -q --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' "$WORK/tree.tar" "$name" >"$WORK/id"
}

skopeo_inspect() { skopeo inspect --tls-verify=false "$@"; }
