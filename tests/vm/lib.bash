# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the vm-*.bats files share. They run as root in the virtual machine of tests/vm/run. $RUNTIME is the runtime under
# test; they also pass with Debian 12's runc and crun, but for what those say they cannot do (see `lacks`).

# vm_setup: a folder of the test's own, away from bats' (which ordinary users may not enter).
vm_setup() {
        [ -n "${RUNTIME-}" ] || RUNTIME=runc
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || skip 'needs a host with cgroup v2 only: tests/vm/run'
        ID=t$BATS_TEST_NUMBER-$$
        WORK=$(mktemp -d /run/holt-vm.XXXXXX)
        chmod 755 "$WORK"
        STATE=$WORK/state
        BUNDLE=$WORK/bundle
        RT_FLAGS=()
}

# vm_teardown: whatever the test left; a leftover that a test is about is looked for by the test.
vm_teardown() {
        [ -n "${WORK-}" ] || return 0
        for id in "$WORK"/state/*/; do
                [ -e "$id" ] && rt delete --force "$(basename "$id")" >/dev/null 2>&1
        done
        rm -rf "$WORK"
}

# lacks NAME...: the runtime under test is one of these, of which the reason is known.
lacks() {
        local name
        for name; do
                [ "$(basename "$RUNTIME")" != "$name" ] || return 0
        done
        return 1
}

rt() {
        # A container that outlives the call must not hold bats' descriptors.
        "$RUNTIME" --root "$STATE" "${RT_FLAGS[@]}" "$@" 3>&- 4>&-
}

# rt_start ID [FLAG...]: a detached container; what it prints goes to $WORK/out.
rt_start() {
        local id=$1
        shift
        if ! rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$@" "$id" </dev/null >"$WORK/out" 2>&1; then
                cat "$WORK/out"
                return 1
        fi
        PID=$(cat "$WORK/pid")
}

# bundle_make [ARG...]: busybox and the runtime's own default configuration, running ARG.... The rootfs is writable.
bundle_make() {
        mkdir -p "$BUNDLE"/rootfs/{bin,dev,etc,proc,sys,tmp,run,root}
        chmod 1777 "$BUNDLE/rootfs/tmp"
        cp /bin/busybox "$BUNDLE/rootfs/bin/"
        local applet
        for applet in sh cat ls sleep id mkdir mknod mount head echo touch seq kill ps true dd stat wc tr; do
                ln -sf busybox "$BUNDLE/rootfs/bin/$applet"
        done
        (cd "$BUNDLE" && "$RUNTIME" spec)
        config '.process.terminal = false | .root.readonly = false | .process.args = $ARGS.positional |
                .process.rlimits = []' --args "$@"
}

# config FILTER [JQ-OPTION...]: edits the bundle's configuration.
config() {
        local filter=$1
        shift
        jq "$filter" "$BUNDLE/config.json" "$@" >"$BUNDLE/config.new"
        mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# is FILE TEXT: the file has exactly this text.
is() {
        local got
        got=$(cat "$1") || return 1
        if [ "$got" != "$2" ]; then
                echo "$1: expected '$2', got '$got'"
                return 1
        fi
}

# equal WHAT GOT EXPECTED
equal() {
        if [ "$2" != "$3" ]; then
                echo "$1: expected '$3', got '$2'"
                return 1
        fi
}

# until_true SECONDS COMMAND...: the machine may be slow.
until_true() {
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                if [ "$SECONDS" -ge "$end" ]; then
                        echo "still not: $*"
                        return 1
                fi
                sleep 0.1
        done
}

# status_is ID STATUS
status_is() {
        [ "$(rt state "$1" | jq -r .status)" = "$2" ]
}

# fails COMMAND...: a clear refusal: a non-zero status that is not a signal's, and something said.
fails() {
        run "$@"
        if [ "$status" = 0 ] || [ "$status" -ge 126 ] || [ -z "$output" ]; then
                echo "expected a refusal: $* (status $status, output '$output')"
                return 1
        fi
}
