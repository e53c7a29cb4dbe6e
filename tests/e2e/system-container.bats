#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A container whose program is systemd: it boots, its systemctl works, it ends by its signal.
#
#   $HOLT  the program under test (default: holt beside $RUNTIME)

bats_require_minimum_version 1.5.0

load wait

setup_file() {
        HOLT=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        HOLT_ROOT=$(mktemp -d -t holt-system.XXXXXX)
        HOLT_RUN=$HOLT_ROOT/run
        export HOLT HOLT_ROOT HOLT_RUN
        mkdir "$HOLT_RUN"
        "$HOLT" import -q --change 'CMD ["/sbin/init"]' "$("$BATS_TEST_DIRNAME/make-system-rootfs")" debian
}

teardown_file() {
        if grep -q " $HOLT_RUN/layers " /proc/self/mountinfo; then umount -R "$HOLT_RUN/layers"; fi
        rm -rf "$HOLT_ROOT"
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo
}

# What looks around inside is a service of the system.
setup() {
        cd "$BATS_TEST_TMPDIR" || return
        mkdir out
        cat >look.service <<'END'
[Unit]
After=dbus.socket
[Service]
ExecStart=/bin/sh /out/look
END
        printf '[Unit]\nWants=look.service\n' >wants.conf
        cat >out/look <<'END'
cd /out
systemctl is-system-running --wait >state
systemctl --no-pager --no-legend --failed >failed
systemctl --no-pager status >status
systemd-run --quiet --wait --slice=mine.slice --property=CPUWeight=50 true && touch ran
cat /proc/1/environ | tr '\0' '\n' >environ
cat /etc/machine-id >machine-id
cat /proc/self/mounts >mounts
systemd-detect-virt >virt
(: >/sys/fs/cgroup/memory/memory.limit_in_bytes || : >/sys/fs/cgroup/cpu/cpu.shares) 2>/dev/null && touch lifted
touch done
END
        PID=
}

# What a killed one leaves the next one takes away.
teardown() {
        if [ -n "$PID" ] && { pkill -KILL -P "$PID"; kill -KILL "$PID"; } 2>/dev/null; then
                wait "$PID" || true
                "$HOLT" run --rm --network none --systemd false --entrypoint /bin/true debian
        fi
}

# boot FLAGS...: in the background; waits until the service has looked.
boot() {
        rm -f out/done
        "${PROGRAM[@]:-$HOLT}" run --rm --network none -v "$PWD/out:/out" -v "$PWD/look.service:/etc/systemd/system/look.service:ro" \
                -v "$PWD/wants.conf:/etc/systemd/system/multi-user.target.d/look.conf:ro" "$@" debian >console 2>&1 </dev/null 3>&- &
        PID=$!
        for _ in {1..1200}; do
                [ ! -e out/done ] || return 0
                kill -0 "$PID" || break
                sleep 0.1
        done
        tail -n 50 console
        return 1
}

# Asks systemd to end, as a stop does; it must not have to be waited for (90 s).
stop() {
        local start=$SECONDS
        kill -RTMIN+3 "$PID"
        wait "$PID" || { echo "status $?"; return 1; }
        PID=
        [ $((SECONDS - start)) -le 40 ]
}

@test "systemd boots, systemctl works, it stops" {
        boot
        cat out/failed out/state
        grep -x running out/state
        grep -q 'State: running' out/status
        grep -q dbus.service out/status
        [ -e out/ran ]
        grep -qx container=holt out/environ
        grep -qx "container_uuid=$(cat out/machine-id)" out/environ
        grep -x container-other out/virt
        for i in /run /run/lock /tmp; do grep -q "^tmpfs $i tmpfs" out/mounts; done
        # Its limits are not its own to lift.
        [ -e /sys/fs/cgroup/cgroup.controllers ] || [ ! -e out/lifted ]
        stop
}

@test "with a terminal it has a console" {
        PROGRAM=("$BATS_TEST_DIRNAME/tty_drive.py" -s 30x100 -- "$HOLT")
        boot -t
        "$HOLT" stop --latest >/dev/null
        wait "$PID"
        PID=
        grep -q 'Debian GNU/Linux' console || { cat -v console; return 1; }
        grep -q OK console
}

@test "two of one image are two machines" {
        boot
        cp out/machine-id first
        stop
        boot
        run ! cmp -s first out/machine-id
        stop
}

@test "a reboot boots it again" {
        "$HOLT" run -d --name sys --restart always --network none debian >/dev/null
        wait_for 30 "$HOLT" exec sys systemctl is-system-running
        "$HOLT" exec sys systemctl reboot || true
        wait_for 30 again
        wait_for 30 "$HOLT" exec sys systemctl is-system-running
        "$HOLT" stop -t 60 sys
        [ "$("$HOLT" inspect -f '{{.State.ExitCode}}' sys)" -eq 0 ]
        "$HOLT" rm -f sys
}
again() { [ "$("$HOLT" inspect -f '{{.State.Status}} {{.RestartCount}}' sys)" = 'running 1' ]; }

@test "--systemd false leaves all as it is" {
        run timeout 20 "$HOLT" run --rm --network none --systemd false --entrypoint /bin/sh debian -c 'grep -c " /run " /proc/mounts'
        [ "$output" = 0 ]
        run -125 "$HOLT" run --rm --network none --systemd always --init debian
        run timeout 20 "$HOLT" run --rm --network none --systemd always --entrypoint /bin/sh debian -c 'grep -c " /run " /proc/mounts'
        [ "$output" = 1 ]
}
