#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor, which Debian's kernel has. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

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
