#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Networks beside libvirt's default one (virbr0, with its NAT, its DHCP and its rules), which runs in the network
# namespace of the tests' host and in a mount namespace of its own. A guest of libvirt's is a veth pair in its bridge.

load images
load hosts

setup_file() {
        command -v libvirtd >/dev/null || skip 'no libvirtd'
        export HOLT STORE RUN WORK
        store_make
        hosts_make
        talkers_make
        layer_tree "$WORK/tree"
        ln -s busybox "$WORK/tree/bin/sleep"
        image_make box
        # shellcheck disable=SC2016
        nsenter --net="/proc/$INSIDE/ns/net" unshare --mount --propagation private sh -c '
                for dir in /run /var/lib /var/cache /var/log /etc/libvirt; do mount -t tmpfs none $dir; done
                mkdir -p /etc/libvirt/qemu/networks/autostart
                # Neither waits for loops of bridges nor asks by ping whether an address is free: 3 seconds each.
                sed -e "s|<network>|<network xmlns:d=\"http://libvirt.org/schemas/network/dnsmasq/1.0\">|" \
                        -e "s|<bridge |&stp=\"off\" |" \
                        -e "s|</network>|<d:options><d:option value=\"no-ping\"/></d:options>&|" \
                        /usr/share/libvirt/networks/default.xml >/etc/libvirt/qemu/networks/default.xml
                ln -s ../default.xml /etc/libvirt/qemu/networks/autostart/
                # Of what it can do, networks alone: guests would need a user of their own.
                cd /usr/lib/*/libvirt/connection-driver && cp libvirt_driver_network.so /run && mount -t tmpfs none "$PWD" &&
                        cp /run/libvirt_driver_network.so "$PWD"
                touch /run/ready
                exec sleep 1000' 3>&- &
        export BESIDE=$!
        wait_for 5 beside test -e /run/ready
        nsenter --net="/proc/$OUTSIDE/ns/net" python3 "$WORK/who.py" 7000 >/dev/null 2>&1 3>&- &
        export SERVER=$!
}

teardown_file() {
        [ -n "${BESIDE-}" ] || return 0
        # shellcheck disable=SC2046
        holt rm -f $(holt ps -aq) >/dev/null 2>&1
        local pid
        pgrep -x 'holt-dns|dnsmasq' | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/net") != "$(readlink "/proc/$INSIDE/ns/net")" ]] || kill "$pid"
        done
        kill "$SERVER" "$BESIDE"
        hosts_finish
        store_finish
}

teardown() {
        local pid
        for pid in "${SERVERS[@]}" ${GUEST:+"$GUEST"}; do kill "$pid"; done
        # shellcheck disable=SC2046
        holt rm -f $(holt ps -aq) >/dev/null 2>&1
        holt network rm bridge >/dev/null 2>&1
        virsh net-destroy wide >/dev/null 2>&1
        virsh net-destroy default >/dev/null 2>&1
        libvirt_stop
}

beside() { nsenter --net --mount --target "$BESIDE" "$@"; }
virsh() { beside virsh -q -c network:///system "$@"; }
libvirt_start() {
        nsenter --net --mount --target "$BESIDE" libvirtd >"$WORK/libvirtd.log" 2>&1 3>&- &
        LIBVIRT=$!
        wait_for 3 virsh uri
}
libvirt_stop() { # its networks stay
        [ -n "$LIBVIRT" ] || return 0
        kill "$LIBVIRT"
        wait "$LIBVIRT" || true
        LIBVIRT=
}
# All rules but holt's, without the numbers of packets.
others_rules() { inside nft -s list ruleset 2>/dev/null | awk '/^table /{ours = $3 == "holt"} !ours'; }
guest_make() { # a machine on virbr0, whose address comes by DHCP
        unshare --net sleep 1000 3>&- &
        GUEST=$!
        wait_for 5 differs_netns "$GUEST"
        inside ip link add vnet0 type veth peer name eth0 netns "$GUEST"
        inside ip link set vnet0 master virbr0 up
        guest ip link set eth0 up
        guest_address
}
differs_netns() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }
guest() { nsenter --net="/proc/$GUEST/ns/net" "$@"; }
guest_address() {
        # shellcheck disable=SC2016
        printf '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip address replace "$ip/24" dev eth0\nip route replace default via "$router"\n' >"$WORK/bound"
        chmod 755 "$WORK/bound"
        guest ip address flush dev eth0
        guest busybox udhcpc -q -n -f -t 20 -T 1 -i eth0 -s "$WORK/bound" 2>/dev/null
        [[ $(guest ip -br address show eth0) == *\ 192.168.122.* ]]
}
guest_leads_out() { [ "$(guest python3 "$WORK/ask.py" 198.51.100.2 7000 2>/dev/null)" = 198.51.100.1 ]; }
start() { # NAME [OPTION...]: one that waits
        local name=$1
        shift
        holt run -d --name "$name" "$@" box sleep 1000 >/dev/null
}
address() { holt inspect "$1" | jq -r '.[0].NetworkSettings.Networks.bridge.IPAddress'; }
leads_out() { [ "$(within "$1" python3 "$WORK/ask.py" 198.51.100.2 7000 2>/dev/null)" = 198.51.100.1 ]; }
leads_in() { [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080 2>/dev/null)" = 198.51.100.2 ]; }
all_is_well() { # of the instances aa, which serves 80 as 8080, and bb; and of libvirt's guest
        leads_out aa
        leads_in
        [ "$(within bb python3 "$WORK/ask.py" "$(address aa)" 80)" = "$(address bb)" ]
        within bb dig +short +time=5 +tries=1 @169.254.53.53 aa | grep -qxF "$(address aa)"
        guest_leads_out
}

@test "libvirt is there first: containers and its guests have all they had, over a restart of it, and its rules stay" {
        libvirt_start
        virsh net-list --name | grep -qx default
        guest_make
        guest_leads_out
        others_rules >"$WORK/before"
        grep -q LIBVIRT "$WORK/before"

        start aa -p 8080:80
        start bb
        serve aa 80
        all_is_well
        # A guest reaches what is published, as any other host does.
        guest python3 "$WORK/ask.py" 192.168.122.1 8080
        others_rules | diff "$WORK/before" -

        libvirt_stop
        all_is_well
        libvirt_start
        all_is_well

        holt rm -f aa bb >/dev/null
        holt network rm bridge >/dev/null
        others_rules | diff "$WORK/before" -
        guest_leads_out
        guest_address
}

@test "holt is there first: libvirt's network comes and goes beside it, and no range is used twice" {
        start aa -p 8080:80
        start bb
        serve aa 80
        libvirt_start
        virsh net-list --name | grep -qx default || virsh net-start default
        guest_make
        all_is_well
        run holt network create --subnet 192.168.122.0/25 twice
        [ "$status" -ne 0 ]
        [[ $output == *"overlaps with 192.168.122.0/24"* ]]

        virsh net-destroy default
        leads_out aa
        leads_in
        holt rm -f aa bb >/dev/null
        holt network rm bridge >/dev/null
        # What would be the default network's range is libvirt's now.
        printf '<network><name>wide</name><bridge name="virbr7"/><ip address="10.112.3.1" netmask="255.255.255.0"/></network>' >"$WORK/wide.xml"
        virsh net-create /dev/stdin <"$WORK/wide.xml"
        start aa
        [[ $(address aa) != 10.112.* ]]
        leads_out aa
}
