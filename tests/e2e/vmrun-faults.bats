#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Machines that go wrong, and what else limits a program in them.

load images
load machines

small() { timeout -k 1 60 "$HOLT" --root "$WORK/small/store" --run "$WORK/small/run" "$@"; }
small_finish() {
        mount -o remount,size=400m "$WORK/small"
        small rm -f -a >/dev/null
        umount -R "$WORK/small/run/layers"
        umount "$WORK/small"
}

setup_file() {
        machines_make dd grep head ip kill mkdir modprobe tr yes
        run_vm -d --name web --privileged --restart on-failure:1 --health-cmd 'test -e /well' --health-interval 1s \
                --health-retries 1 box sh -c 'while :; do sleep 1; done'
}

teardown_file() {
        load_store
        if mountpoint -q "$WORK/small"; then small_finish; fi
        machines_finish
}

setup() {
        load_store
}

health_is() { [[ $(holt inspect -f '{{.State.Health.Status}}' web) == "$1" ]]; }
restarted() { [[ $(holt inspect -f '{{.RestartCount}} {{.State.Status}}' web) == '1 running' ]]; }

@test "health is asked for in the machine" {
        wait_for 5 health_is unhealthy
        holt exec web sh -c 'echo >/well'
        wait_for 5 health_is healthy
}

@test "what a program may do is limited in the machine too" {
        echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$WORK/seccomp"
        run -1 run_vm --rm --read-only --ulimit nofile=77:88 --cap-drop all --security-opt no-new-privileges \
                --security-opt "seccomp=$WORK/seccomp" --tmpfs /tmp box sh -c \
                'ulimit -n; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; mkdir /tmp/x; echo >/file'
        [ "${lines[0]}" = 77 ]
        [[ $output == *CapEff:$'\t'0000000000000000* && $output == *NoNewPrivs:$'\t'1* && $output == *Seccomp:$'\t'2* ]]
        [[ $output == *'not permitted'*'Read-only'* ]]
}

@test "modules that the kernel asks for are loaded, with what they need" {
        holt exec web ip link add d1 type dummy
        holt exec web grep -q ' /lib/modules erofs ro' /proc/mounts
        holt exec web modprobe wireguard
        holt exec web grep -q '^libchacha20poly1305 ' /proc/modules
        # Who may do more than others, but not all.
        run -1 run_vm --rm --cap-add net_admin box sh -c 'ip link add d1 type dummy && ls /lib/modules'
        [[ $output == *'No such file'* ]]
        run -2 run_vm --rm box ip link add d1 type dummy
        [[ $output == *'not permitted'* ]]
}

@test "what cannot be is said at once" {
        run -125 run_vm --rm --device /dev/null box true
        [[ $output == *--device* ]]
        run -125 holt run --rm --network none --kernel-arg quiet box true
        [[ $output == *--kernel-arg*--vm* ]]
        run -125 run_vm --rm --memory 90000g box true
        [[ $output == *'this host has'* ]]
        holt import -q --platform linux/s390x "$WORK/tree.tar" other >/dev/null
        run -125 run_vm --rm --platform linux/s390x other true
        [[ $output == *'linux/s390x'*'linux/amd64'* ]]
        # A container says so, and tries; who wanted it knows.
        run -0 holt run --rm --network none other true
        [[ $output == *'linux/s390x'*'does not match'* ]]
        run -0 holt run --rm --network none --platform linux/s390x other true
        [ -z "$output" ]
}

# Whatever it writes to its console: holt keeps the last of it.
@test "a guest that floods the console costs its host nothing" {
        local monitor before after
        monitor=$(monitor_of web)
        before=$(awk '/^VmRSS:/ {print $2}' "/proc/$monitor/status")
        holt exec --privileged web sh -c 'head -c 300000 /dev/zero | tr "\0" "<" >/dev/kmsg; true'
        after=$(awk '/^VmRSS:/ {print $2}' "/proc/$monitor/status")
        ((after < before + 2048))
}

@test "QEMU killed: who entered it is told, the restart policy holds, and a kernel that panics ends soon" {
        local status=0
        timeout -k 1 60 "$HOLT" --root "$STORE" --run "$RUN" exec web sh -c 'echo here; sleep 1000' >"$WORK/entered" 2>&1 3>&- &
        PIDS+=($!)
        wait_for 6 grep -q here "$WORK/entered"
        kill -KILL "$(qemu_of web)"
        wait "${PIDS[0]}" || status=$?
        PIDS=()
        [ "$status" = 137 ]
        grep -q 'the machine of web has ended' "$WORK/entered"
        wait_for 6 restarted
        [[ $(holt logs web 2>&1) == *'holt: QEMU was killed by signal 9'* ]]
        timeout -k 1 60 "$HOLT" --root "$STORE" --run "$RUN" exec --privileged web sh -c 'echo c >/proc/sysrq-trigger' || true
        wait_for 6 status_is web 'Exited (137)'
        [[ $(holt logs web 2>&1) == *'holt: the guest died: '*'panic'* ]]
}

@test "an agent that ends: its kernel says so, and nothing has run" {
        mkdir "$WORK/bin"
        cp -p "$BUILD"/holt* "$WORK/bin/" 2>/dev/null || true
        printf 'int main(void) { return 3; }' | ${CC:-cc} -x c -static -o "$WORK/agent" -
        mv "$WORK/agent" "$WORK/bin/holt-agent"
        run -125 timeout -k 1 100 "$WORK/bin/holt" --root "$STORE" --run "$RUN" run --rm --vm --network none box true
        [[ $output == *'the guest died while it was booting: Kernel panic'*'Attempted to kill init'* ]]
        [ -z "$(ls "$STORE/vm/templates" | grep part)" ]
        rm -r "$WORK/bin"
}

small_is() { [[ $(small ps -a --format '{{.State}}') == "$1" ]]; }

@test "the host's disk is full: the machine waits, and goes on where it was" {
        mkdir "$WORK/small"
        mount -t tmpfs -o size=300m,mode=755 holt-small "$WORK/small"
        small import -q "$WORK/tree.tar" box >/dev/null
        mkdir -p "$WORK/small/store/vm"
        cp -P "$STORE/vm/kernels" "$WORK/small/store/vm/"
        small run -d --vm --network none --no-template --name full box /bin/sleep 100000 >/dev/null
        mount -o "remount,size=$(($(du -sm "$WORK/small" | cut -f 1) + 20))m" "$WORK/small"
        small exec -d full /bin/dd if=/dev/zero of=/large bs=1M count=40
        wait_for 6 small_is paused
        # Its log lies where there is no room.
        [[ $(small inspect -f '{{.State.Error}}' full) == *'No space left'* ]]
        mount -o remount,size=400m "$WORK/small"
        small unpause full
        [ -z "$(small inspect -f '{{.State.Error}}' full)" ]
        small exec full /bin/sync
        [ "$(small exec full /bin/busybox wc -c /large)" = "$((40 << 20)) /large" ]
        small_finish
}
