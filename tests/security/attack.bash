# SPDX-License-Identifier: Apache-2.0
#
# What the attacks on the runtime share: the bundle of the end-to-end tests, with the attacker's program in it.
#
# shellcheck shell=bash
# Bats sets $status and $output; the tests read $TESTS and $UP.
# shellcheck disable=SC2034,SC2154

load ../e2e/helpers
TESTS=$BATS_TEST_DIRNAME/../e2e

attacker_build() {
        [[ -x $BATS_FILE_TMPDIR/attacker ]] ||
                "${CC:-cc}" -O1 -Wall -static -o "$BATS_FILE_TMPDIR/attacker" "$BATS_TEST_DIRNAME/attacker.c"
}

# A bundle with /bin/attacker; a marker file that only the host has, and the state that proves the host unharmed.
attack_setup() {
        bundle_make
        attacker_build
        cp "$BATS_FILE_TMPDIR/attacker" "$BUNDLE/rootfs/bin/attacker"
        HOST=$WORK/host
        mkdir "$HOST"
        echo unharmed >"$HOST/marker"
        # As many steps up as any descriptor can need, then down to what only the host has.
        UP=$(printf '../%.0s' {1..24})
}

setup() { attack_setup; }

# refused COMMAND...: fails within time, says why, and does not crash.
refused() {
        run timeout 20 "$RUNTIME" --root "$ROOT" "$@" </dev/null
        if [ "$status" -eq 0 ] || { [ "$status" -ge 124 ] && [ "$status" -lt 255 ]; } || [ -z "$output" ]; then
                echo "status $status: ${output:0:300}"
                return 1
        fi
}

# The bundle becomes that of an ordinary user (uid 1000, without subordinate ids), whose commands are as_user COMMAND...
for_ordinary_user() {
        config '.linux.namespaces = [{type: "user"}, {type: "mount"}, {type: "pid"}, {type: "network"}, {type: "uts"}, {type: "ipc"}] |
                .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings |
                del(.linux.resources, .linux.cgroupsPath) | .mounts |= map(select(.type != "cgroup")) |
                .mounts |= map(if .type == "devpts" then .options -= ["gid=5"] else . end)'
        chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$WORK"
        chown -R 1000:1000 "$WORK"
}
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }

# The container's user namespace: ids from 100000 on.
with_user_namespace() {
        config '.linux.namespaces += [{type: "user"}] |
                .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
        chown -R 100000:100000 "$BUNDLE/rootfs"
        chmod 755 "$WORK" "$BUNDLE"
}

grant() {
        config '.process.capabilities[] += $ARGS.positional | .process.capabilities.inheritable = []' --args -- "$@"
}

# again TIMES FILE COMMAND...: so often, and longer as long as the attacker, who writes to FILE, has seen nothing of it: on
# a busy machine his turn may never come while COMMAND runs.
again() {
        local i times=$1 file=$2
        shift 2
        for ((i = 0; i < times || (i < 1000 && $(grep -c sees "$file" || true) == 0); i++)); do
                "$@" || return
        done
}

# may_fail COMMAND...
may_fail() { "$@" || true; }
