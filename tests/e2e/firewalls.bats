#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Networks beside firewalld, which runs in a network and a mount namespace of its own, with its own D-Bus.

load images
load hosts

setup_file() {
        command -v firewalld >/dev/null || skip 'no firewalld'
        export HOLT STORE RUN WORK
        store_make
        hosts_make
        talkers_make
        # shellcheck disable=SC2016
        nsenter --net="/proc/$INSIDE/ns/net" unshare --mount --propagation private sh -c '
                mount -t tmpfs none /run && mkdir /run/dbus && mount -t tmpfs none /etc/firewalld && mount -t tmpfs none /var/log
                touch /run/ready
                exec sleep 1000' 3>&- &
        export BESIDE=$!
        wait_for 5 beside test -e /run/ready
        nsenter --net --mount --target "$BESIDE" dbus-daemon --system --nofork --nopidfile >"$WORK/dbus.log" 2>&1 3>&- &
        export DBUS=$!
        wait_for 5 beside test -S /run/dbus/system_bus_socket
        firewalld_start
        layer_tree "$WORK/tree"
        local applet
        for applet in sleep ls readlink true; do ln -s busybox "$WORK/tree/bin/$applet"; done
        image_make box
        nsenter --net="/proc/$OUTSIDE/ns/net" python3 "$WORK/who.py" 7000 >/dev/null 2>&1 3>&- &
        export SERVER=$!
}

teardown_file() {
        [ -n "${BESIDE-}" ] || return 0
        # shellcheck disable=SC2046
        holt rm -f $(holt ps -aq) >/dev/null 2>&1
        pgrep -x holt-dns | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/mnt") != "$(readlink "/proc/$BESIDE/ns/mnt")" ]] || kill "$pid"
        done
        kill "$SERVER" "$(cat "$WORK/firewalld.pid")" "$DBUS" "$BESIDE"
        hosts_finish
        store_finish
}

teardown() {
        local pid
        for pid in "${SERVERS[@]}"; do kill "$pid"; done
}

beside() { nsenter --net --mount --target "$BESIDE" "$@"; }
holt() { beside "$HOLT" --root "$STORE" --run "$RUN" "$@"; }
firewalld_start() {
        nsenter --net --mount --target "$BESIDE" firewalld --nofork --nopid >"$WORK/firewalld.log" 2>&1 3>&- &
        echo $! >"$WORK/firewalld.pid"
        wait_for 20 beside firewall-cmd --state
}
firewalld_stop() {
        kill "$(cat "$WORK/firewalld.pid")"
        tail --pid="$(cat "$WORK/firewalld.pid")" -f /dev/null
}
start() { # NAME [OPTION...]: one that waits
        local name=$1
        shift
        holt run -d --name "$name" "$@" box sleep 1000 >/dev/null
}
zone() { beside firewall-cmd --zone=trusted --list-interfaces; }
leads_out() { [ "$(within "$1" python3 "$WORK/ask.py" 198.51.100.2 7000 2>/dev/null)" = 198.51.100.1 ]; }
leads_in() { [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080 2>/dev/null)" = 198.51.100.2 ]; }

@test "firewalld: a way out, published ports, and over a reload and a restart of it" {
        # It makes a zone's chains when it is first used, and keeps them.
        beside firewall-cmd -q --zone=trusted --add-interface=some0
        beside firewall-cmd -q --zone=trusted --remove-interface=some0
        beside nft list table inet firewalld >"$WORK/before"
        start aa -p 8080:80
        serve aa 80
        [ "$(zone)" = holt0 ]
        leads_out aa
        leads_in
        inside python3 "$WORK/ask.py" 127.0.0.1 8080
        [ "$(within aa python3 "$WORK/ask.py" 2001:db8:1::2 7000)" = 2001:db8:1::1 ]
        # What it refuses otherwise it refuses still.
        run outside python3 "$WORK/ask.py" 198.51.100.1 22
        [ "$status" -ne 0 ]

        beside firewall-cmd --reload
        leads_in
        start bb
        leads_out aa
        leads_out bb
        [ "$(zone)" = holt0 ]

        firewalld_stop
        leads_out aa
        # Nobody starts it by asking for it.
        start cc
        run beside firewall-cmd --state
        [ "$status" -ne 0 ]
        firewalld_start
        beside firewall-cmd -q --zone=trusted --add-interface=some0
        beside firewall-cmd -q --zone=trusted --remove-interface=some0
        start dd
        leads_out aa
        leads_in
        holt rm -f aa bb cc dd >/dev/null
        holt network rm bridge >/dev/null
        [ -z "$(zone)" ]
        beside nft list table inet firewalld | diff - "$WORK/before"
}

@test "firewalld: told once by its user, it lets all of holt's bridges pass over a reload" {
        beside firewall-cmd --permanent --zone=trusted --add-interface=holt+
        beside firewall-cmd --reload
        holt network create red >/dev/null
        start aa --network red -p 8080:80
        serve aa 80
        beside firewall-cmd --reload
        leads_out aa
        leads_in
        holt rm -f aa >/dev/null
        holt network rm red >/dev/null
}
