#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Machines that wait to be somebody's: who gets one, what it knows of those before, and when they go.

export HOLT_VM_POOL=1
load images
load machines

setup_file() {
        machines_begin cat date echo find grep hostname ls mount sleep true uname wc
        image_make box
        mkdir -p "$WORK/tree/other"
        echo 'of the other image' >"$WORK/tree/other/file"
        image_make other
        machines_keep
}

teardown_file() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        holt system pool 0
        wait_for 5 nobody_waits
        [[ -z $(ls "$RUN/instances") ]]
        store_finish
}

setup() {
        load_store
}

nobody_waits() { [[ -z $(ls "$RUN/vm-pool/instances") ]]; }
is_ready() { holt system pool | grep -q ready; }
# Another one than $1.
is_new() { is_ready && [[ $(ls "$RUN/vm-pool/instances") != "$1" ]]; }
waiter() { ls "$RUN/vm-pool/instances"; }
# The pid of who keeps it.
keeper() {
        local pid
        for pid in $(pgrep -x holt-vm-pool); do
                [[ $(readlink "/proc/$pid/fd/5") != "$RUN/vm-pool/instances/$(waiter)" ]] || echo "$pid"
        done
}

@test "one is left behind, and the next run of another image gets it, with nothing of the first" {
        local first cgroup
        run_vm --rm --hostname secret-name -e PASSWORD=secret box sh -c 'echo written >/file; hostname' >"$WORK/first"
        [ "$(cat "$WORK/first")" = secret-name ]
        wait_for 10 is_ready
        first=$(waiter)
        cgroup=$(grep -o '/[^"]*' "$RUN/vm-pool/instances/$first/cgroup" | head -1)
        [ -n "$cgroup" ]
        run_vm -d --name web --privileged other sleep 1000
        [ ! -e "$RUN/vm-pool/instances/$first" ]
        # It was another's child, and is in the cgroup that it was born in.
        [ -z "$(pgrep -x -P "$(holt inspect -f '{{.State.Pid}}' web)" holt-guard)" ]
        [ "$(cat "$RUN/instances/$(holt inspect -f '{{.Id}}' web)/cgroup" | grep -o '/[^"]*' | head -1)" = "$cgroup" ]
        [ "$(holt exec web cat /other/file)" = 'of the other image' ]
        holt exec web sh -c 'ls /lib/modules/*/modules.dep'
        run ! holt exec web ls /file
        run holt exec web sh -c 'hostname; cat /proc/mounts /etc/hostname /etc/hosts; grep -c . /proc/net/tcp'
        [[ $output != *rehearsal* && $output != *secret* ]]
        [[ ${lines[0]} == "$(holt inspect -f '{{.Config.Hostname}}' web)" ]]
}

@test "it is a machine as any other: exec, stop, start, its end" {
        holt exec web sh -c 'echo kept >/kept; sync'
        holt stop -t 5 web
        holt start web
        [ "$(holt exec web cat /kept)" = kept ]
        holt rm -f web
}

was_used() { (($(stat -c %Y "$1") > $(date +%s) - 600)); }

@test "a template that serves by those who wait is in use" {
        wait_for 10 is_ready
        touch -d '1 day ago' "$STORE"/vm/templates/*/
        run_vm --rm box true
        wait_for 10 was_used "$STORE"/vm/templates/*/
}

@test "its clock is the host's however long it waited" {
        local before after guest
        wait_for 10 is_ready
        before=$(date +%s)
        guest=$(run_vm --rm box date +%s)
        after=$(date +%s)
        ((guest >= before && guest <= after))
}

@test "those that were one after the other share no random numbers, and no boot" {
        local n first
        for n in 1 2; do
                wait_for 10 is_ready
                first=$(waiter)
                run_vm --rm box cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id >"$WORK/random.$n"
                wait_for 10 is_new "$first"
        done
        [ "$(cat "$WORK"/random.* | sort -u | wc -l)" = 4 ]
}

@test "one that does not answer is passed over" {
        local first
        wait_for 10 is_ready
        first=$(waiter)
        kill -KILL "$(pgrep -f -P "$(pgrep -x holt-guard -P "$(keeper)")" qemu-system)"
        [ "$(run_vm --rm box echo hello)" = hello ]
        wait_for 10 is_new "$first"
}

is_gone() { [[ ! -e $1 ]]; }

@test "one that ends while it is taken leaves nothing" {
        local first qemu
        wait_for 10 is_ready
        first=$(waiter)
        qemu=$(pgrep -P "$(pgrep -x holt-guard -P "$(keeper)")")
        [ -n "$(cgroups_of "${first##*-}")" ]
        kill -STOP "$qemu"
        run_vm --rm box echo hello >"$WORK/taken" 3>&- &
        PIDS+=($!)
        wait_for 10 is_gone "$RUN/vm-pool/instances/$first"
        kill -KILL "$qemu"
        wait "${PIDS[0]}"
        PIDS=()
        [ "$(cat "$WORK/taken")" = hello ]
        [ -z "$(cgroups_of "${first##*-}")" ]
}

@test "kill -9 of who keeps it: its QEMU goes, and the next run cleans up" {
        local first pid guard qemu
        wait_for 10 is_ready
        first=$(waiter) pid=$(keeper)
        guard=$(pgrep -x -P "$pid" holt-guard)
        qemu=$(pgrep -P "$guard")
        # No time is taken, and it is as confined as any.
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$qemu/status")" = 65534 ]
        kill -KILL "$pid"
        wait_for 5 has_let_go "$qemu"
        [ "$(run_vm --rm box echo hello)" = hello ]
        wait_for 10 is_new "$first"
        [ ! -e "$RUN/vm-pool/instances/$first" ]
}

ready_are() { [[ $(holt system pool --format '{{.Status}}' | grep -c ready) == "$1" ]]; }
several_wait() { (($(holt system pool --format '{{.Status}}' | grep -c ready) > 1)); }
burst() {
        local pids=() pid
        for _ in 1 2 3; do
                run_vm --rm box true 3>&- &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid"; done
}

@test "after a burst more wait" {
        wait_for 10 is_ready
        # How many of them find the one that waits depends on who else is at work here.
        for _ in 1 2 3 4 5; do
                burst
                ! wait_for 2 several_wait || break
        done
        several_wait
        # It decays: one that is taken is not replaced.
        : >"$(echo "$RUN"/vm-pool/runs-*)"
        holt system pool 2
        wait_for 10 ready_are 2
        run_vm --rm box true
        wait_for 10 ready_are 1
}

@test "as many as are wanted are made after one run" {
        HOLT_VM_POOL=2 run_vm --rm box true
        wait_for 10 ready_are 2
        holt system pool 1
        wait_for 10 ready_are 1
}

# run_where FILE TEXT: a run on a host whose /proc/FILE says that; returns when whoever looked whether to wait is gone.
run_where() {
        local place pid
        printf "$2" >"$WORK/fake"
        # shellcheck disable=SC2016
        unshare -m --propagation private sh -c 'mount --bind "$1" "/proc/$2" && readlink /proc/self/ns/mnt >"$1.place" && shift 2 && exec "$@"' sh \
                "$WORK/fake" "$1" "$HOLT" --root "$STORE" --run "$RUN" run --vm --network none --rm box true
        place=$(cat "$WORK/fake.place")
        nobody_looks() { for pid in $(pgrep -x holt-vm-pool); do [[ $(readlink "/proc/$pid/ns/mnt") != "$place" ]] || return 1; done; }
        wait_for 10 nobody_looks
}

@test "none is left behind where memory is short" {
        wait_for 10 is_ready
        holt system pool 0
        wait_for 5 nobody_waits
        run_where meminfo 'MemTotal: 4000000 kB\nMemAvailable: 900000 kB\n'
        nobody_waits
        run_where pressure/memory 'some avg10=12.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n'
        nobody_waits
        run_vm --rm box true
        wait_for 10 is_ready
}

@test "holt system pool shows and sets" {
        wait_for 10 is_ready
        [ "$(holt system pool --size)" = 1 ]
        [ "$(holt system pool --format json | jq -r .Status)" = ready ]
        holt system pool 0
        wait_for 5 nobody_waits
        [ "$(HOLT_VM_POOL='' holt system pool --size)" = 0 ]
        HOLT_VM_POOL='' run_vm --rm box true
        HOLT_VM_POOL='' holt system pool 3
        [ "$(HOLT_VM_POOL='' holt system pool --size)" = 3 ]
        nobody_waits
        run ! holt system pool 65
        run ! holt system pool x
        # The session in which it was left is over.
        setsid bash -c "'$HOLT' --root '$STORE' --run '$RUN' run --vm --network none --rm box true; true"
        wait_for 5 nobody_waits
}
