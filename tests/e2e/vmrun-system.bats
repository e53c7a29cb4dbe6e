#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A machine whose program is systemd.

load images

setup() {
        if [ -n "$(objdump -p "$BUILD/holt-agent" | grep NEEDED)" ]; then skip 'needs a static holt-agent'; fi
        store_make
        mkdir -p "$STORE/vm"
        ln -s "$("$BATS_TEST_DIRNAME/../vm/guest-kernel")" "$STORE/vm/kernels"
        holt import -q --change 'CMD ["/sbin/init"]' "$("$BATS_TEST_DIRNAME/make-system-rootfs")" debian >/dev/null
}

teardown() {
        [ -n "${WORK:-}" ] || return 0
        holt rm -f -a >/dev/null
        store_finish
}

is_up() { [[ $(holt exec web systemctl is-system-running) == running ]]; }

@test "systemd boots, answers, divides its cgroup, and ends when it is asked to" {
        holt run -d --vm --memory 512m --network none --name web debian
        wait_for 60 is_up
        [ "$(holt exec web cat /proc/1/comm)" = systemd ]
        [ -z "$(holt exec web systemctl --failed --no-legend)" ]
        holt exec web systemd-run -q --wait -p MemoryMax=16M sh -c 'cat /proc/self/cgroup >/where'
        [[ $(holt exec web cat /where) == 0::/system.slice/run-*.service ]]
        holt stop web
        [[ $(holt ps -a --format '{{.Status}}') == 'Exited (0)'* ]]
}
