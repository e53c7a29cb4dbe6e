# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2016,SC2154
#
# What the vm-*.bats files share. They run as root in the virtual machine of tests/vm/run. $RUNTIME is the runtime under
# test; they also pass with Debian 12's runc and crun, but for what those say they cannot do (see `lacks`).

# vm_setup: a folder of the test's own, away from bats' (which ordinary users may not enter) and on a file system that
# has device nodes (/run has none).
vm_setup() {
        [ -n "${RUNTIME-}" ] || RUNTIME=runc
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || skip 'needs a host with cgroup v2 only: tests/vm/run'
        ID=t$BATS_TEST_NUMBER-$$
        WORK=$(mktemp -d /var/lib/holt-vm.XXXXXX)
        chmod 755 "$WORK"
        STATE=$WORK/state
        BUNDLE=$WORK/bundle
        RT_FLAGS=()
}

# vm_teardown: whatever the test left; a leftover that a test is about is looked for by the test.
vm_teardown() {
        [ -n "${WORK-}" ] || return 0
        for id in $(rt list --quiet 2>/dev/null); do
                rt delete --force "$id" >/dev/null 2>&1
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
        config_write
        if ! rt run --detach --bundle "$BUNDLE" --pid-file "$WORK/pid" "$@" "$id" </dev/null >"$WORK/out" 2>&1; then
                cat "$WORK/out"
                return 1
        fi
        PID=$(<"$WORK/pid")
}

# rt_run ID: a container in the foreground, which has to end soon.
rt_run() {
        config_write
        timeout --kill-after 5 60 "$RUNTIME" --root "$STATE" "${RT_FLAGS[@]}" run --bundle "$BUNDLE" "$1" \
                </dev/null 3>&- 4>&-
}

# bundle_make [ARG...]: busybox and the runtime's own default configuration, running ARG... (none with a dash: jq). The rootfs is writable.
# What is the same for every test is made once.
bundle_make() {
        local base=/var/lib/holt-vm-base
        if [ ! -e "$base" ]; then
                local new applet
                new=$(mktemp -d "$base.XXXXXX")
                mkdir -p "$new"/rootfs/{bin,dev,etc,proc,sys,tmp,run,root}
                chmod 755 "$new"
                chmod 1777 "$new/rootfs/tmp"
                cp /bin/busybox "$new/rootfs/bin/"
                for applet in sh cat ls sleep id mkdir mknod mount head echo touch kill ps true dd stat; do
                        ln -s busybox "$new/rootfs/bin/$applet"
                done
                (cd "$new" && "$RUNTIME" spec && mv config.json config.base)
                # Another lane may be faster.
                mv -T "$new" "$base" 2>/dev/null || rm -rf "$new"
        fi
        cp -a "$base" "$BUNDLE"
        CONFIG='.process.terminal = false | .root.readonly = false | .process.rlimits = [] |
                .process.args = $ARGS.positional'
        CONFIG_ARGS=()
        CONFIG_POSITIONAL=("$@")
        CONFIG_WRITTEN=
}

# config FILTER [--arg NAME VALUE]...: one more edit of the bundle's configuration. They are done together, by config_write
# (rt_start and rt_run call it), because jq takes half a second to start here.
config() {
        CONFIG+=" | $1"
        shift
        CONFIG_ARGS+=("$@")
}

config_write() {
        [ "$CONFIG" != "$CONFIG_WRITTEN" ] || return 0
        jq "${CONFIG_ARGS[@]}" "$CONFIG" "$BUNDLE/config.base" --args "${CONFIG_POSITIONAL[@]}" >"$BUNDLE/config.json"
        CONFIG_WRITTEN=$CONFIG
}

# is FILE TEXT: the file has exactly this text.
is() {
        local got
        got=$(<"$1") || return 1
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

# until_true SECONDS COMMAND...: four times as long, when the host is busy: only a failure waits for it.
until_true() {
        local end=$((SECONDS + 4 * $1))
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

# state_gone: the runtime remembers nothing of the container.
state_gone() {
        ! compgen -G "$STATE/$ID*"
}

# fails COMMAND...: a clear refusal: it ends by itself, with an error, and says why. (runc's own status is 255 for exec.)
fails() {
        run "$@"
        if [ "$status" = 0 ] || [ "$status" = 124 ] || { [ "$status" -gt 128 ] && [ "$status" -lt 255 ]; } || [ -z "$output" ]; then
                echo "expected a refusal: $* (status $status, output '$output')"
                return 1
        fi
}
