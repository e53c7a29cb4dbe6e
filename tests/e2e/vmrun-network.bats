#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Virtual machines on the networks of containers, seen from within, from their host and from another host.

load images
load hosts

setup_file() {
        if [ -n "$(objdump -p "$(dirname "$(realpath "$RUNTIME")")/holt-agent" | grep NEEDED)" ]; then skip 'needs a static holt-agent'; fi
        export HOLT STORE RUN WORK
        store_make
        hosts_make
        layer_tree "$WORK/tree"
        local applet
        for applet in dd httpd ip nslookup ping sleep true wget; do ln -s busybox "$WORK/tree/bin/$applet"; done
        mkdir -p "$WORK/tree/www"
        echo 'served by the machine' >"$WORK/tree/www/index.html"
        image_make box
        talkers_make
        mkdir -p "$STORE/vm"
        ln -s "$("$BATS_TEST_DIRNAME/../vm/guest-kernel")" "$STORE/vm/kernels"
        holt run -d --vm --name vm -p 8080:80 box httpd -f -p 80 -h /www >/dev/null
        holt run -d --name box box httpd -f -p 80 -h /www >/dev/null
}

teardown_file() {
        [[ -n ${STORE-} ]] || return 0
        holt rm -f -a >/dev/null
        pgrep -x holt-dns | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/net") != "$(readlink "/proc/$INSIDE/ns/net")" ]] || kill "$pid"
        done
        hosts_finish
        store_finish
}

address() { holt inspect "$1" | jq -r '.[0].NetworkSettings.Networks.bridge.IPAddress // ""'; }

@test "a container and a machine reach each other by name, over IPv4 and IPv6" {
        wait_for 5 holt exec box wget -q -O /dev/null http://vm/
        [ "$(holt exec box wget -q -O - http://vm/)" = 'served by the machine' ]
        [ "$(holt exec vm wget -q -O - http://box/)" = 'served by the machine' ]
        holt exec vm ping -6 -c 1 -w 20 box
        holt exec box ping -6 -c 1 -w 20 vm
}

@test "one that begins as the process of another is on the network as well" {
        kept() { ls "$STORE"/vm/templates/*/process; }
        HOLT_VM_POOL=0 holt run --rm --vm box true
        wait_for 60 kept
        HOLT_VM_POOL=none holt run -d --vm --name kept box httpd -f -p 80 -h /www
        [[ $(readlink "/proc/$(pgrep -P "$(pgrep -x -P "$(holt inspect -f '{{.State.Pid}}' kept)" holt-guard)")/exe") == */holt-thaw ]]
        wait_for 5 holt exec box wget -q -O /dev/null http://kept/
        [ "$(holt exec box wget -q -O - http://kept/)" = 'served by the machine' ]
        [ "$(holt exec kept wget -q -O - http://vm/)" = 'served by the machine' ]
        holt exec kept ping -6 -c 1 -w 20 box
        # Frames of full size, there and back.
        holt exec vm sh -c 'dd if=/dev/zero of=/www/big bs=1M count=4 2>/dev/null'
        [ "$(holt exec kept wget -q -O - http://vm/big | wc -c)" = 4194304 ]
        holt rm -f kept
}

@test "its address is the one that the host knows" {
        run holt exec vm ip -o -4 address show eth0
        [[ $output == *" $(address vm)/16 "* ]]
        run holt exec vm ip route
        [[ $output == *'default via 10.112.0.1'* ]]
}

@test "a published port is reached from the host and from outside" {
        inside curl -sf http://127.0.0.1:8080/ | grep -q 'served by the machine'
        outside curl -sf http://198.51.100.1:8080/ | grep -q 'served by the machine'
}

@test "it gets out, with the host's address" {
        nsenter --net="/proc/$OUTSIDE/ns/net" python3 "$WORK/who.py" 7000 >/dev/null 2>&1 3>&- &
        local server=$!
        wait_for 5 inside python3 "$WORK/ask.py" 198.51.100.2 7000
        [ "$(holt exec vm busybox nc 198.51.100.2 7000 </dev/null)" = 198.51.100.1 ]
        kill "$server"
}

established() { holt exec "$1" cat /proc/net/tcp /proc/net/tcp6 | grep -c ' 01 '; }

@test "who goes on from a template has an address of its own, and no connection of the original's" {
        local mac
        holt run -d --name holds box sh -c 'sleep 1000 | busybox nc vm 80'
        wait_for 5 eval '[ "$(established vm)" = 1 ]'
        holt template create warm vm
        [ "$(established vm)" = 1 ]
        holt run -d --name other -p 8081:80 --template warm
        [ "$(established other)" = 0 ]
        [ "$(holt exec other wget -q -O - http://vm/)" = 'served by the machine' ]
        [ "$(holt exec box wget -q -O - http://other/)" = 'served by the machine' ]
        run holt exec other ip -o -4 address show eth0
        [[ $output == *" $(address other)/16 "* && $output != *" $(address vm)/16 "* ]]
        [ "$(holt exec other ip -o -4 address show eth0 | wc -l)" = 1 ]
        mac=$(holt exec vm cat /sys/class/net/eth0/address)
        [ "$(holt exec other cat /sys/class/net/eth0/address)" != "$mac" ]
        inside curl -sf http://127.0.0.1:8081/ | grep -q 'served by the machine'
        holt exec other ping -6 -c 1 -w 20 vm
        holt rm -f other holds
        holt template rm warm
}

@test "one that waits comes to a network as it is, and leaves nothing there" {
        local before
        before=$(inside ip -o link | wc -l)
        HOLT_VM_POOL=1 holt run --rm --vm box true
        is_ready() { holt system pool | grep -q ready; }
        wait_for 20 is_ready
        HOLT_VM_POOL=0 holt run -d --vm --name waited box httpd -f -p 80 -h /www
        # It was another's child.
        [ -z "$(pgrep -x -P "$(holt inspect -f '{{.State.Pid}}' waited)" holt-guard)" ]
        wait_for 5 holt exec box wget -q -O /dev/null http://waited/
        [ "$(holt exec box wget -q -O - http://waited/)" = 'served by the machine' ]
        holt exec waited ping -6 -c 1 -w 20 box
        holt rm -f waited
        are_gone() { [[ $(inside ip -o link | wc -l) == "$before" ]]; }
        wait_for 5 are_gone
}

@test "another start gets another interface, and the end leaves none" {
        local before
        before=$(inside ip -o link | grep -c veth)
        holt restart -t 1 vm >/dev/null
        [ "$(inside ip -o link | grep -c veth)" -eq "$before" ]
        wait_for 5 holt exec box wget -q -O /dev/null http://vm/
        holt rm -f vm >/dev/null
        wait_for 5 bash -c "[ \"\$(nsenter --net=/proc/$INSIDE/ns/net ip -o link | grep -c veth)\" -lt $before ]"
        run ! holt exec box wget -q -O - -T 3 http://vm/
}
