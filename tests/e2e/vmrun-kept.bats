#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Machines whose QEMU begins as one that was kept: what they share, what they must not, and what becomes of a bad image.

export HOLT_VM_POOL=0
load images
load machines

setup_file() {
        machines_make cut date dd grep head hexdump mount nproc sh uname wc
        run_vm --rm box true
        wait_for 60 is_kept
        wait_for 20 nobody_waits
}

teardown_file() {
        machines_finish
}

setup() {
        load_store
}

image() { ls "$STORE"/vm/templates/*/process 2>/dev/null; }
are_kept() { (($(image | wc -l) >= $1)); }
is_kept() { [[ -n $(image) ]]; }
is_ready() { holt system pool | grep -q ready; }
nobody_waits() { [[ -z $(ls "$RUN/vm-pool/instances") ]]; }
# The program that QEMU's process really runs.
program_of() { basename "$(readlink "/proc/$(qemu_of "$1")/exe")"; }
# What an own hand can change of a file that nobody writes.
spoil() {
        local file
        file=$(image)
        "$@" "$file"
}

@test "the first run keeps one, and leaves no machine that waits" {
        is_kept
        [ -z "$(ls "$STORE"/vm/templates/*/process.part 2>/dev/null)" ]
        [ "$(stat -c %a "$(image)")" = 400 ]
        nobody_waits
}

@test "a machine that began as one can be made a template of, and so can its copy" {
        holt run -d --vm --network none --name kept box sh -c 'echo begun >/tmp/it; sleep 1000'
        [ "$(program_of kept)" = holt-thaw ]
        holt template create one kept
        # The guest's memory is there once.
        (($(stat -c %s "$(image)") < $(stat -c %s "$STORE"/vm/templates/*/memory)))
        holt run -d --network none --template one --name copy
        [ "$(holt exec copy cat /tmp/it)" = begun ]
        holt template create two copy
        holt rm -f kept copy
        holt run -d --network none --template two --name copy
        [ "$(holt exec copy cat /tmp/it)" = begun ]
        holt rm -f copy
        holt template rm one two
}

@test "others begin as that, and differ in all that is to differ" {
        local n
        for n in 1 2 3; do
                run_vm -d --privileged --name "m$n" box sleep 1000
                [ "$(program_of "m$n")" = holt-thaw ]
                holt exec "m$n" sh -c 'head -c 16 /dev/urandom | hexdump -C; cat /proc/sys/kernel/random/uuid /etc/hostname' >"$WORK/m$n"
                [ "$(grep -c . "$WORK/m$n")" = 4 ]
                # A device that gave random numbers would have some in store, the same in all of them.
                run ! holt exec "m$n" head -c 1 /dev/hwrng
        done
        # Each line is one's own, but for the lengths.
        [ "$(cat "$WORK"/m? | grep -v '^00000010$' | sort -u | wc -l)" = 9 ]
        (($(holt exec m3 date +%s) - $(date +%s) < 5))
        (($(date +%s) - $(holt exec m3 date +%s) < 5))
}

@test "it may do what QEMU may, and no more" {
        local status
        status=/proc/$(qemu_of m1)/status
        [ "$(awk '/^Uid:/ {print $2 $3 $4 $5}' "$status")" = 65534655346553465534 ]
        [ "$(awk '/^CapEff:/ {print $2}' "$status")" = 0000000000000000 ]
        [ "$(awk '/^NoNewPrivs:/ {print $2}' "$status")" = 1 ]
        [ "$(awk '/^Seccomp_filters:/ {print $2}' "$status")" = 2 ]
        # Nothing that was the kept one's, and the image itself is mapped, not open.
        run bash -c "readlink /proc/$(qemu_of m1)/fd/*"
        [[ $output != *process* && $output != *vm-pool* ]]
}

@test "all that a machine can be told" {
        holt pause m1
        holt unpause m1
        [ "$(holt exec m1 echo here)" = here ]
        run -7 run_vm --rm box sh -c 'exit 7'
        holt stop -t 60 m2
        status_is m2 Exited
        holt start m2
        [ "$(holt exec m2 cat /proc/1/comm)" = sleep ]
        holt update --cpus 0.5 m1
        holt snapshot create m1 first
        [ "$(run_vm --rm --memory 300m box echo other)" = other ]
        wait_for 60 are_kept 2
}

@test "a QEMU that is killed takes its machine along, and nothing else" {
        kill -9 "$(qemu_of m3)"
        wait_for 20 status_is m3 Exited
        [ "$(holt exec m1 echo here)" = here ]
        holt rm -f m1 m2 m3
        is_kept
}

@test "fifty at once all answer, and none has what another has" {
        local n what
        for n in $(seq 50); do
                run_vm --rm box sh -c 'cd /proc/sys/kernel/random; echo "uuid $(cat uuid)"; echo "name $(cat /etc/hostname)"
                        echo "random $(head -c 8 /dev/urandom | hexdump -C | head -n 1)"' >"$WORK/who.$n" 2>&1 &
                PIDS+=($!)
        done
        for n in "${PIDS[@]}"; do wait "$n"; done
        PIDS=()
        cat "$WORK"/who.* >"$WORK/all"
        for what in uuid name random; do
                [ "$(grep -c "^$what ." "$WORK/all")" = 50 ]
                [ "$(grep "^$what " "$WORK/all" | sort -u | wc -l)" = 50 ]
        done
        [ -z "$(ls "$RUN/instances")" ]
        no_machines
}

@test "one with two processors is kept as well" {
        local n=0
        run_vm --rm --cpus 2 box true
        wait_for 60 are_kept 3
        run_vm -d --name two --cpus 2 box sleep 1000
        [ "$(program_of two)" = holt-thaw ]
        [ "$(holt exec two nproc)" = 2 ]
        holt rm -f two
}

@test "a bad image is made anew" {
        image | xargs rm
        run_vm --rm box true
        wait_for 60 is_kept
        wait_for 20 nobody_waits
        spoil truncate -s -1
        [ "$(run_vm --rm box echo well)" = well ]
        wait_for 60 is_kept
        wait_for 20 nobody_waits
        spoil sh -c 'printf x | dd of="$1" bs=1 seek=0 conv=notrunc status=none' sh
        [ "$(run_vm --rm box echo well)" = well ]
        wait_for 60 is_kept
        wait_for 20 nobody_waits
        spoil "$BATS_TEST_DIRNAME/process_image.py" crash
        [ "$(run_vm --rm box echo well)" = well ]
        wait_for 60 is_kept
        wait_for 20 nobody_waits
        run_vm -d --name again box sleep 1000
        [ "$(program_of again)" = holt-thaw ]
        holt rm -f again
}

@test "one that never answers is not waited for long" {
        local begun=$SECONDS
        spoil "$BATS_TEST_DIRNAME/process_image.py" hang
        [ "$(run_vm --rm box echo well)" = well ]
        ((SECONDS < begun + 60))
        wait_for 60 is_kept
        wait_for 20 nobody_waits
}

@test "what the host lacks at the moment is no fault of what is kept" {
        local before
        before=$(stat -c '%n %i' "$STORE"/vm/templates/*/*)
        # Nobody's processes are too many, be they none: QEMU does not start, whatever it would have begun from.
        run ! timeout -k 1 60 bash -c 'ulimit -u 0; exec "$@"' bash "$HOLT" --root "$STORE" --run "$RUN" run --rm --vm --network none box true
        [[ $output == *'died while it was booting'* ]]
        [ "$(stat -c '%n %i' "$STORE"/vm/templates/*/*)" = "$before" ]
        [ "$(run_vm --rm box echo well)" = well ]
        [ "$(stat -c '%n %i' "$STORE"/vm/templates/*/*)" = "$before" ]
}

@test "where one is kept, nobody is left behind to look" {
        run_vm -d --name quiet box sleep 1000
        [ -z "$(pgrep -x -P "$(monitor_of quiet)" holt-vm-pool)" ]
        holt rm -f quiet
}

@test "who keeps one can be killed at any time" {
        local pid n
        for n in 0.2 0.6 1 1.4; do
                image | xargs rm
                run_vm --rm box true
                # A pause that has to hit something else each time.
                sleep "$n"
                for pid in $(pgrep -x holt-vm-pool); do
                        [[ $(readlink "/proc/$pid/fd/5") != "$RUN/vm-pool/instances/"* ]] || kill -9 "$pid"
                done
                [ "$(run_vm --rm box echo well)" = well ]
                wait_for 60 is_kept
                wait_for 20 nobody_waits
        done
        [ -z "$(ls "$STORE"/vm/templates/*/process.part 2>/dev/null)" ]
}

@test "what one leaves that was killed goes with the next run, also where nobody is to wait" {
        local left=$RUN/vm-pool/instances/$(basename "$(dirname "$(image)")")-0123456789abcdef
        mkdir "$left"
        truncate -s 1G "$left/disk"
        [ "$(run_vm --rm box echo well)" = well ]
        wait_for 20 nobody_waits
}

@test "a machine that waits begins as that, too" {
        HOLT_VM_POOL=1 run_vm --rm box true
        wait_for 20 is_ready
        HOLT_VM_POOL=1 run_vm -d --name claimed box sleep 1000
        [ "$(holt exec claimed echo here)" = here ]
        holt rm -f claimed
        holt system pool 0
        wait_for 20 nobody_waits
}

@test "system check knows a damaged one, and one of another boot goes without a word" {
        local part
        wait_for 60 is_kept
        part=$(image).part
        holt system check
        cp "$(image)" "$WORK/good"
        spoil truncate -s -1
        run -1 holt system check
        [[ $output == *'the process that is kept beside template '*' cannot be used: the image of a process is damaged' ]]
        is_kept
        run -0 holt system check --repair
        ! is_kept
        # Its place in the head: format.h.
        install -m 400 "$WORK/good" "${part%.part}"
        printf x | dd of="${part%.part}" bs=1 seek=24 conv=notrunc status=none
        echo >"$part"
        run -0 holt system check
        [ "$output" = 'The store is in order' ]
        ! is_kept
        [ ! -e "$part" ]
}

@test "nothing is kept where that is not wanted" {
        image | xargs -r rm
        HOLT_VM_POOL=none run_vm --rm box true
        nobody_waits
        ! is_kept
}
