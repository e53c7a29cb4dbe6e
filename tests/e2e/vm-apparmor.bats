#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor, which Debian's kernel has. In the virtual machine: tests/vm/run.
# Alone: the profile of all of holt's instances is taken away.

bats_require_minimum_version 1.5.0
load ../vm/lib
load image-add

setup_file() {
        [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || return 0
        local name
        for name in holt-test holt-exec; do
                printf '%s\n' "profile $name flags=(attach_disconnected,mediate_deleted) {" \
                        ' file,' ' capability,' ' mount,' ' umount,' ' signal,' ' ptrace,' " deny /tmp/$name/** w," '}'
        done >"$BATS_FILE_TMPDIR/profiles"
        apparmor_parser --replace --skip-cache "$BATS_FILE_TMPDIR/profiles"
}

setup() {
        vm_setup
        [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip 'no AppArmor here'
        bundle_make sleep 1000
}

teardown() {
        vm_teardown
}

@test "apparmor: the profile confines the container" {
        config '.process.apparmorProfile = "holt-test"'
        rt_start "$ID"
        until_true 10 grep -qx 'holt-test (enforce)' "/proc/$PID/attr/current"
        mkdir -p "$BUNDLE/rootfs/tmp/holt-test"
        run -1 rt exec "$ID" sh -c 'cat /proc/self/attr/current && echo x >/tmp/free && echo x >/tmp/holt-test/file'
        [ "${lines[0]}" = 'holt-test (enforce)' ]
        [[ "$output" = *'Permission denied'* ]]
        [ -s "$BUNDLE/rootfs/tmp/free" ]
        [ ! -e "$BUNDLE/rootfs/tmp/holt-test/file" ]
}

@test "apparmor: the profile of an exec" {
        config '.process.apparmorProfile = "holt-test"'
        rt_start "$ID"
        equal 'named' "$(rt exec --apparmor holt-exec "$ID" cat /proc/self/attr/current)" 'holt-exec (enforce)'
        equal 'not named' "$(rt exec "$ID" cat /proc/self/attr/current)" 'holt-test (enforce)'
}

@test "apparmor: with no_new_privs too" {
        config '.process.apparmorProfile = "holt-test" | .process.noNewPrivileges = true |
                .process.args = ["cat", "/proc/self/attr/current"]'
        equal output "$(rt_run "$ID")" 'holt-test (enforce)'
}

@test "apparmor: none asked for, none given" {
        config '.process.args = ["cat", "/proc/self/attr/current"]'
        equal output "$(rt_run "$ID")" unconfined
}

@test "apparmor: a profile that is not loaded is refused" {
        config '.process.apparmorProfile = "holt-none"'
        fails rt_run "$ID"
        [[ "$output" = *apparmor* || "$output" = *AppArmor* || "$output" = *holt-none* ]]
        state_gone
}

# ---- holt run ----

# The image "box", in a store of the test's own.
holt_setup() {
        HOLT=$(dirname "$(realpath "$RUNTIME")")/holt
        [ -x "$HOLT" ] || skip 'no holt beside the runtime'
        modprobe -a erofs loop overlay
        export HOLT_ROOT=$WORK/root HOLT_RUN=$WORK/run
        mkdir "$HOLT_RUN"
        tar -C "$BUNDLE/rootfs" -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
        image box '{"Cmd": ["sh"], "Env": ["PATH=/bin"]}'
}

h() { timeout 60 "$HOLT" "$@" 3>&- 4>&-; }

holt_end() {
        local dir
        h rm -f --all >/dev/null
        for dir in "$HOLT_RUN"/layers/* "$HOLT_RUN/layers"; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
}

profile_gone() { [ ! -e /sys/kernel/security/apparmor/policy/profiles/holt-default.* ] || echo 'profile holt-default {}' | apparmor_parser --remove; }

@test "apparmor: holt's own profile, unless another or none is asked for" {
        holt_setup
        profile_gone
        [[ $(h run --explain --network none box) = *AppArmor:*holt-default* ]]
        [[ $(h run --explain --network none --privileged box) != *AppArmor* ]]
        run -1 grep holt-default /sys/kernel/security/apparmor/profiles
        local current='cat /proc/self/attr/current'
        equal default "$(h run --rm --network none box $current)" 'holt-default (enforce)'
        equal unconfined "$(h run --rm --network none --security-opt apparmor=unconfined box $current)" unconfined
        equal named "$(h run --rm --network none --security-opt apparmor=holt-test box $current)" 'holt-test (enforce)'
        equal privileged "$(h run --rm --network none --privileged box $current)" unconfined
        h run -d --name one --network none box sleep 1000 >/dev/null
        equal exec "$(h exec one $current)" 'holt-default (enforce)'
        equal 'exec --privileged' "$(h exec --privileged one $current)" unconfined
        equal signal "$(h exec one sh -c 'sleep 100 & kill -9 $!; wait $!; echo $?')" 137
        # What other guards would let through.
        fails h run --rm --network none --cap-add sys_admin --security-opt seccomp=unconfined box mount -t tmpfs none /mnt
        fails h run --rm --network none --security-opt systempaths=unconfined box sh -c 'echo x >/proc/sys/vm/swappiness'
        h run --rm --network none --security-opt systempaths=unconfined box sh -c 'cat /proc/sys/vm/swappiness'
        fails h run --rm --network none --security-opt apparmor=holt-none box true
        h stop -t 1 one >/dev/null
        # It comes again after somebody has taken it away.
        profile_gone
        equal again "$(h run --rm --network none box $current)" 'holt-default (enforce)'
        holt_end
}

@test "apparmor: without apparmor_parser there is one warning, and no profile" {
        holt_setup
        profile_gone
        mkdir "$WORK/path"
        run --separate-stderr env PATH="$WORK/path" "$HOLT" run --rm --network none box cat /proc/self/attr/current
        equal output "$output" unconfined
        [[ "$stderr" = *'without an AppArmor profile: apparmor_parser is not installed'* ]]
        run --separate-stderr env PATH="$WORK/path" "$HOLT" run --rm --network none box true
        equal stderr "$stderr" ''
        holt_end
}
