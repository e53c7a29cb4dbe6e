#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Units for systemd, and what they do at a boot. No systemd is asked to do anything.

load images

setup() { store_make; }

teardown() {
        [ ! -e "$STORE/holt.db" ] || holt rm --force --all >/dev/null
        store_finish
}

is() { # GOT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

verify() {
        command -v systemd-analyze >/dev/null || return 0
        # The pages are not installed where it looks.
        systemd-analyze verify --man=no "$@" 2>&1 | tee verified
        [ ! -s verified ]
}

has_restart() { holt run --help | grep -q -- '--restart '; }

status_of() { holt inspect -f '{{.State.Status}}' "$1"; }

wait_until() { # STATUS NAME
        local tries=1000
        while ((tries--)); do
                [ "$(status_of "$2")" != "$1" ] || return 0
                sleep 0.05
        done
        return 1
}

@test "generate systemd: of an instance as it is" {
        image_make box
        holt create --network none --name web box sh -c 'sleep 100; true'
        holt generate systemd -n -t 7 web >container-web.service
        verify ./container-web.service
        grep -x "ExecStart=$HOLT start --attach web" container-web.service
        grep -x "ExecStop=$HOLT stop --time 7 web" container-web.service
        grep -x 'TimeoutStopSec=67' container-web.service
        grep -x 'Restart=on-failure' container-web.service
        grep -x 'RestartForceExitStatus=137' container-web.service
        id=$(holt inspect -f '{{.Id}}' web)
        holt generate systemd --restart-policy always --restart-sec 5 -t 3 --after a.service --after b.service web >unit
        grep -x "# container-$id.service" unit
        grep -x "ExecStart=$HOLT start --attach $id" unit
        grep -x 'Restart=always' unit
        run ! grep RestartForce unit
        grep -x 'RestartSec=5' unit
        grep -x 'After=a.service b.service' unit
        run -125 holt generate systemd --restart-policy sometimes web
        run -125 holt generate systemd --container-prefix a/b web
        run -1 holt generate systemd nobody
}

@test "generate systemd --new: all that was asked for, and quotation marks" {
        image_make box
        # shellcheck disable=SC2016 # the container's
        holt create --network none --name web -t --memory 64m -e 'A=b c' -e 'P=100%' -e 'D=$HOME "q"' box \
                sh -c 'echo $A; sleep 1'
        cd "$(mktemp -d -p "$WORK")"
        run -0 holt generate systemd --new --files web
        is "$output" "$PWD/container-web.service"
        verify ./container-web.service
        grep -F -- '"--env=A=b c" \' container-web.service
        grep -F -- '"--env=P=100%%" \' container-web.service
        grep -F -- '"--env=D=$$HOME \"q\"" \' container-web.service
        grep -F -- ' box sh -c "echo $$A; sleep 1"' container-web.service
        grep -x "ExecStartPre=-$HOLT rm --force web" container-web.service
        run ! grep -- --restart= container-web.service
        # What it starts is what there is now. A unit's words are undone here as systemd would.
        command=$(sed -n '/^ExecStart=/,/^ExecStop=/p' container-web.service | sed '$d' | tr -d '\\\n' |
                sed 's/^ExecStart=//; s/\$\$/$/g; s/%%/%/g')
        [[ $command == *"--memory=64m"*"--tty"* || $command == *"--tty"*"--memory=64m"* ]]
        holt generate systemd --new --format json web | jq -er '."container-web.service"' | grep -x '\[Install\]'
        # Two who start it again would get in each other's way.
        has_restart || return 0
        holt create --network none --name two --restart always box sleep 1
        run -0 --separate-stderr holt generate systemd two
        # shellcheck disable=SC2154 # bats's
        [[ $stderr == *'restart policy of its own'* ]]
}

@test "system enable --print: a unit that is right" {
        holt system enable --print >holt.service
        verify ./holt.service
        grep -x "ExecStart=$HOLT system boot" holt.service
        grep -x "Environment=\"HOLT_ROOT=$STORE\"" holt.service
        grep -x "RequiresMountsFor=\"$STORE\"" holt.service
        [ ! -e "$STORE/instances" ] || [ -z "$(ls "$STORE/instances")" ]
}

@test "system enable and disable: the file, where no systemd runs" {
        [ ! -e /run/systemd/system ] || skip 'systemd runs here'
        mkdir units
        # shellcheck disable=SC2016
        unshare --mount bash -c 'mount -t tmpfs none /etc/systemd && "$@" enable && cat /etc/systemd/system/holt.service &&
                "$@" disable && ls -A /etc/systemd/system && "$@" disable' - "$HOLT" --root "$STORE" --run "$RUN" system \
                >out 2>err
        grep -x 'wrote /etc/systemd/system/holt.service' out
        grep -x '\[Install\]' out
        is "$(tail -n 1 out)" 'removed /etc/systemd/system/holt.service'
        grep 'systemctl enable holt.service' err
        [ ! -e /etc/systemd/system/holt.service ]
}

# As if the machine had gone: nothing is told to anybody.
crash() {
        local init shim
        init=$(holt inspect -f '{{.State.Pid}}' "$1")
        shim=$(awk '/^PPid:/ { print $2 }' "/proc/$init/status")
        kill -KILL "$shim"
        kill -KILL "$init" 2>/dev/null || true
}

@test "system boot: those come back that want to" {
        has_restart || skip 'no restart policies yet'
        image_make box
        local name
        holt run -d --network none --name always --restart always box sh -c 'sleep 100; true'
        holt run -d --network none --name unless --restart unless-stopped box sh -c 'sleep 100; true'
        holt run -d --network none --name stopped --restart unless-stopped box sh -c 'sleep 100; true'
        holt run -d --network none --name never box sh -c 'sleep 100; true'
        holt create --network none --name made --restart always box sh -c 'sleep 100; true'
        holt stop -t 0 stopped
        for name in always unless never; do crash "$name"; done
        wait_until exited always && wait_until exited unless && wait_until exited never
        run -0 holt system boot
        is "$output" ''
        for name in always unless; do is "$(status_of "$name")" running; done
        for name in stopped never; do is "$(status_of "$name")" exited; done
        is "$(status_of made)" created
        # A second time there is nothing to do.
        run -0 holt system boot
        # A host that goes down in an orderly way is nobody's stop.
        run -0 holt system shutdown
        [ "${#lines[@]}" -eq 2 ]
        for name in always unless; do is "$(status_of "$name")" exited; done
        run -0 holt system boot
        for name in always unless; do is "$(status_of "$name")" running; done
        for name in stopped never; do is "$(status_of "$name")" exited; done
}
