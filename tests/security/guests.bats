#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A guest that has taken over its kernel, and then QEMU: what it says to holt-vm, and to the commands behind it, is made to
# fill memory, to be waited for without end, or to be shown to a person. Nothing is booted: lying_qemu stands in the place
# of QEMU, in its sandbox.

load ../e2e/images
load ../e2e/machines

setup_file() {
        BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME/../e2e store_make
        # Whom QEMU becomes has to reach it.
        mkdir -p "$WORK/path"
        chmod 711 "$WORK"
        cp "$BUILD/tests/instance/lying_qemu" "$WORK/path/qemu-system-x86_64"
        PATH=$WORK/path:$PATH
        image_make box
        machines_keep
}

teardown_file() {
        machines_finish
}

setup() {
        load_store
}

teardown() { holt rm -f -a >/dev/null; }

# lie NAME [PROGRAM]: a machine whose program that is.
lie() { timeout 60 "$HOLT" --root "$STORE" --run "$RUN" run -d --vm --network none --no-template --name "$1" box "${2:-stay}" >/dev/null; }
soon() { timeout -k 1 "$1" "$HOLT" --root "$STORE" --run "$RUN" "${@:2}"; }

@test "what an agent says out of turn ends its machine, and fills no memory" {
        local lie
        for lie in 'done' states windows started empty deaf; do
                lie web
                run soon 20 exec web "$lie"
                [[ $status -ne 124 && $output == *'machine of web has ended'* ]]
                wait_for 5 status_is web Exited
                holt logs web 2>&1 | grep 'makes no sense'
                holt rm web
        done
}

@test "a program that never runs: its start is not waited for without end" {
        run -125 lie web early
}

@test "why a machine is paused is said in words that no terminal heeds" {
        lie web full
        wait_for 5 status_is web 'Up'
        wait_for 5 eval "[[ \$(holt inspect -f '{{.State.Status}} {{.State.Error}}' web) == 'paused '*'No space left ?[2J on device' ]]"
}

@test "events without end keep nobody from ending it" {
        lie web events
        soon 20 kill web
        wait_for 2 status_is web Exited
        # One that would not be shut down.
        lie lost
        soon 20 rm -f lost
}

@test "sessions that never end keep nobody from ending it" {
        local n
        lie web
        for n in {1..64}; do soon 20 exec -d web stay; done
        run -125 soon 20 exec -d web stay
        [[ $output == *'64 programs'* ]]
        soon 20 rm -f web
}
