#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Instances that are virtual machines: `run --vm` and what is done to them. A boot takes seconds where no hardware helps:
# so one machine is there for several tests.

load images
load machines

setup_file() {
        machines_begin cat echo id ls seq sleep stty sync true
        mkdir -p "$WORK/tree/etc"
        echo 'root:x:0:0:of the guest:/:/bin/sh' >"$WORK/tree/etc/passwd"
        image_make box
        machines_keep
        holt run -d --vm --network none --name web --memory 128m box sh -c 'trap "echo asked; exit 3" TERM; echo started; while :; do sleep 0.1; done'
}

teardown_file() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
        no_machines
        store_finish
}

setup() {
        load_store
}

# The pids of holt-vm and of QEMU for an instance.
qemu_of() { pgrep -P "$(pgrep -x -P "$(monitor_of "$1")" holt-guard)"; }

@test "a kernel of its own; output, input and exit status are the program's" {
        echo typed | {
                run -7 run_vm --rm -i -e A=b box sh -c 'cat; echo $A; uname -r; echo wrong >&2; exit 7'
                [ "${lines[0]}" = typed ]
                [ "${lines[1]}" = b ]
                [ "${lines[2]}" = "$(ls "$STORE/vm/kernels")" ]
                [[ $output == *wrong* ]]
        }
}

@test "--init: a first process that reaps, and ends as the program does" {
        local script='cat /proc/1/comm; sh -c "sleep 0.1 >/dev/null & echo \$!" >/tmp/pid; sleep 1; test ! -e "/proc/$(cat /tmp/pid)"; exit 7'
        run -7 run_vm --rm --init --user 1000 box sh -ec "$script"
        [ "$output" = init ]
}

@test "commands in it: streams, user, directory, environment, exit status" {
        run holt exec web cat /etc/passwd
        [ "$output" = 'root:x:0:0:of the guest:/:/bin/sh' ]
        run -4 holt exec -u 5:6 -w /bin -e A=b web sh -c 'echo $A; pwd; id -u; id -g; exit 4'
        [ "$output" = $'b\n/bin\n5\n6' ]
        [ "$(echo in | holt exec -i web cat)" = in ]
        [ "$(holt exec web sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" = err ]
        [ "$(holt exec web seq 50000 | sha256sum)" = "$(seq 50000 | sha256sum)" ]
        [ "$(seq 50000 | holt exec -i web cat | sha256sum)" = "$(seq 50000 | sha256sum)" ]
        run -127 holt exec web /no/such
        [[ $output == *'/no/such'* ]]
        run -126 holt exec web /etc/passwd
}

@test "a reader that sleeps holds up nobody else" {
        "$HOLT" --root "$STORE" --run "$RUN" exec web sh -c 'while :; do echo much; done' >"$WORK/much" 2>/dev/null &
        local pid=$!
        PIDS+=("$pid")
        kill -STOP "$pid"
        [ "$(holt exec web echo quick)" = quick ]
        kill -KILL "$pid"
        [ "$(holt exec web echo again)" = again ]
}

@test "many at once" {
        local n
        for n in $(seq 12); do
                holt exec web echo "number $n" >"$WORK/many.$n" &
        done
        wait
        for n in $(seq 12); do
                [ "$(cat "$WORK/many.$n")" = "number $n" ]
        done
}

@test "what it does is counted in the guest" {
        run holt stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' web
        [[ $output == 'web '*' / 128MiB '* ]]
}

@test "pause and unpause stop the machine" {
        holt pause web
        status_is web Up
        [[ $(holt ps --format '{{.State}}' --filter name=web) == paused ]]
        run ! holt exec web true
        holt unpause web
        holt exec web true
}

@test "nothing of the host is taken for the guest's" {
        local command
        for command in 'run --rm --network container:web box true' \
                'run --rm --network none --pid container:web box true' 'update --memory 200m web' 'top web -o pid'; do
                # shellcheck disable=SC2086
                run ! holt $command
                [[ $output == *machine* || $output == *vm* || $output == *kind* ]] || { echo "$command: $output"; false; }
        done
}

@test "what a machine cannot do is refused before there is one" {
        local flag
        for flag in '--device /dev/null' '--pid host' '--ipc host' '--uts host' \
                '--userns host' '--cgroup-parent /x' '--memory 8m' '--network bridge --network other'; do
                # shellcheck disable=SC2086
                run -125 holt create --vm --network none --name refused $flag box true
                echo "$flag: $output"
                [[ $output == *"${flag%% *}"* || $output == *network* ]]
        done
        [[ -z $(holt ps -aq --filter name=refused) ]]
}

@test "QEMU is nobody, without the host's network" {
        local qemu
        qemu=$(qemu_of web)
        [ "$(awk '/^Uid:/ {print $2 $3 $4 $5}' "/proc/$qemu/status")" = 65534655346553465534 ]
        [ "$(awk '/^CapEff:/ {print $2}' "/proc/$qemu/status")" = 0000000000000000 ]
        [ "$(awk '/^NoNewPrivs:/ {print $2}' "/proc/$qemu/status")" = 1 ]
        [ "$(awk '/^Seccomp:/ {print $2}' "/proc/$qemu/status")" = 2 ]
        [ "$(readlink "/proc/$qemu/ns/net")" != "$(readlink /proc/self/ns/net)" ]
        [ "$(readlink "/proc/$qemu/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]
}

@test "stop asks, logs keep what was said, start brings the same files" {
        holt exec web sh -c 'echo kept >/file'
        holt stop -t 60 web
        status_is web 'Exited (3)'
        logged web asked
        holt start web
        [ "$(holt exec web cat /file)" = kept ]
        holt exec web sh -c 'echo killed >/file'
        holt kill web
        holt wait web
        holt start web
        [ "$(holt exec web cat /file)" = killed ]
}

@test "kill -9 of QEMU, of holt-vm, of the shim: the next command knows" {
        local shim
        kill -KILL "$(qemu_of web)"
        wait_for 5 status_is web 'Exited (137)'
        holt start web
        kill -KILL "$(monitor_of web)"
        wait_for 5 status_is web 'Exited (137)'
        holt start web
        shim=$(awk '/^PPid:/ {print $2}' "/proc/$(monitor_of web)/status")
        kill -KILL "$shim"
        wait_for 5 status_is web 'Exited'
        no_machines
        holt rm web
}

@test "without QEMU, or a kernel for guests, the error says what to install" {
        PATH=/usr/sbin run -125 holt run --vm --network none --rm box true
        [[ $output == *qemu-system-x86* ]]
        rm "$STORE/vm/kernels"
        mkdir "$STORE/vm/kernels"
        if compgen -G '/lib/modules/*cloud*' >/dev/null; then skip 'this host has a kernel for clouds'; fi
        run -125 run_vm --rm box true
        [[ $output == *linux-image-cloud-amd64* ]]
}
