#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Networks of instances, seen from within, from their host and from another host.

load images
load hosts

setup_file() {
        export HOLT STORE RUN WORK
        store_make
        hosts_make
        layer_tree "$WORK/tree"
        local applet
        for applet in sleep ls readlink true; do ln -s busybox "$WORK/tree/bin/$applet"; done
        image_make box
        talkers_make
        # No function in the background: its number would be a shell's.
        nsenter --net="/proc/$OUTSIDE/ns/net" python3 "$WORK/who.py" 7000 >/dev/null 2>&1 3>&- &
        export SERVER=$!
}

teardown_file() {
        kill "$SERVER"
        # shellcheck disable=SC2046
        holt rm -f $(holt ps -aq) >/dev/null
        pgrep -x holt-dns | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/net") != "$(readlink "/proc/$INSIDE/ns/net")" ]] || kill "$pid"
        done
        hosts_finish
        store_finish
}

teardown() {
        local pid
        for pid in "${SERVERS[@]}"; do kill "$pid"; done
        # shellcheck disable=SC2046
        holt rm -f $(holt ps -aq) >/dev/null 2>&1 || true
        holt network prune -f >/dev/null
        # Nothing is left of any instance.
        [ -z "$(ls "$RUN/endpoints")" ]
        [ -z "$(find "$RUN/networks" -type l)" ]
}

start() { # NAME [OPTION...]: one that waits
        local name=$1
        shift
        holt run -d --name "$name" "$@" box sleep 1000 >/dev/null
}
address() { holt inspect "$1" | jq -r --arg n "${2:-bridge}" '.[0].NetworkSettings.Networks[$n].IPAddress // ""'; }
address6() { holt inspect "$1" | jq -r --arg n "${2:-bridge}" '.[0].NetworkSettings.Networks[$n].GlobalIPv6Address // ""'; }
gateway() { holt network inspect "$1" | jq -r '.[0].IPAM.Config[0].Gateway'; }
lookup() { # NAME WHAT [TYPE]
        within "$1" dig +short +time=5 +tries=1 @169.254.53.53 "$2" "${3:-A}" | grep -v '^;'
}

@test "the default network: an address, a way out with the host's address, IPv6" {
        start aa
        [[ $(address aa) == 10.112.* ]]
        within aa ip -br address show eth0 | grep -F "$(address aa)/16"
        [ "$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        [ "$(within aa python3 "$WORK/ask.py" 2001:db8:1::2 7000)" = 2001:db8:1::1 ]
        [ "$(holt run --rm box cat /etc/resolv.conf | head -n 1)" = "nameserver 169.254.53.53" ]
        holt run --rm --name named box cat /etc/hosts | grep -E '^10\.112\.[0-9.]+	'
}

@test "instances find each other by name, on the default network as well" {
        start one
        start two --network-alias deux
        [ "$(lookup one two)" = "$(address two)" ]
        [ "$(lookup one TWO.bridge)" = "$(address two)" ]
        [ "$(lookup one deux)" = "$(address two)" ]
        [ "$(lookup one two AAAA)" = "$(address6 two)" ]
        [ "$(lookup one "$(holt inspect -f '{{.Id}}' two | cut -c 1-12)")" = "$(address two)" ]
        [ "$(within one dig +short @169.254.53.53 -x "$(address two)")" = two.bridge. ]
        [ "$(within one dig +tcp +short @169.254.53.53 two)" = "$(address two)" ]
        serve two 80
        [ "$(within one python3 "$WORK/ask.py" "$(address two)" 80)" = "$(address one)" ]
        holt rename two three
        [ "$(lookup one three)" = "$(address three)" ]
}

@test "a published port: from another host with its address, from the host, over loopback" {
        start web -p 8080:80 -p 9090:90/udp -p 127.0.0.1:8081:80
        serve web 80 90
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        [ "$(outside python3 "$WORK/ask.py" 2001:db8:1::1 8080)" = 2001:db8:1::2 ]
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 9090 udp)" = 198.51.100.2 ]
        run outside python3 "$WORK/ask.py" 198.51.100.1 8081
        [ "$status" -ne 0 ]
        inside python3 "$WORK/ask.py" 127.0.0.1 8080
        inside python3 "$WORK/ask.py" 127.0.0.1 8081
        inside python3 "$WORK/ask.py" 127.0.0.1 9090 udp
        inside python3 "$WORK/ask.py" 198.51.100.1 8080
        # What goes to ::1 is refused at once.
        run inside python3 "$WORK/ask.py" ::1 8080
        [[ $output == *refused* ]]
        [[ $(holt port web 80) == "0.0.0.0:8080"$'\n'"[::]:8080"$'\n'"127.0.0.1:8081" ]]
        holt ps --format '{{.Ports}}' | grep -F '0.0.0.0:8080->80/tcp'
        # From itself and from its neighbour, also where the bridge's packets do not pass the firewall.
        start neighbour
        within web python3 "$WORK/ask.py" 198.51.100.1 8080
        within neighbour python3 "$WORK/ask.py" 198.51.100.1 8080
        inside sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || return 0
        within web python3 "$WORK/ask.py" 198.51.100.1 8080
        within neighbour python3 "$WORK/ask.py" 198.51.100.1 8080
        inside sysctl -qw net.bridge.bridge-nf-call-iptables=1
}

@test "a UDP port that becomes another instance's, for who goes on sending from where he was" {
        local old
        ask() { outside python3 "$WORK/ask.py" "$1" 9090 udp 7777; }
        start one -p 9090:90/udp
        serve one 90
        [ "$(ask 198.51.100.1)" = 198.51.100.2 ]
        [ "$(ask 2001:db8:1::1)" = 2001:db8:1::2 ]
        old=$(address one)
        # What serves would keep its network.
        kill "${SERVERS[-1]}"
        unset "SERVERS[-1]"
        holt rm -f one
        run ask 198.51.100.1
        [ "$status" -ne 0 ]
        start two
        start three -p 9090:90/udp
        serve three 90
        [ "$(address three)" != "$old" ] || skip "the same address"
        [ "$(ask 198.51.100.1)" = 198.51.100.2 ]
        [ "$(ask 2001:db8:1::1)" = 2001:db8:1::2 ]
}

@test "ports that are free, ranges, and the image's own" {
        start web -p 80 -p 8100-8102:100-102 --expose 90 -P
        local port
        port=$(holt port web 80 | head -n 1)
        serve web 80 102
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 "${port##*:}")" = 198.51.100.2 ]
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8102)" = 198.51.100.2 ]
        [[ $(holt port web 90) == 0.0.0.0:* ]]
        holt ps --format '{{.Ports}}' | grep -F '0.0.0.0:8100-8102->100-102/tcp'
}

@test "ports as people write them" {
        start web -p 127.0.0.1::80/udp -p 8200-8202:80 -p '[2001:db8:1::1]:8300:80' -p 198.51.100.1:8301:80/tcp
        serve web 80
        local port
        port=$(holt port web 80/udp)
        [[ $port =~ ^127\.0\.0\.1:[0-9]+$ ]]
        inside python3 "$WORK/ask.py" 127.0.0.1 "${port##*:}" udp
        run outside python3 "$WORK/ask.py" 198.51.100.1 "${port##*:}" udp
        [ "$status" -ne 0 ]
        # The first one of a range, and the next one's is the second.
        holt port web 80/tcp | grep -x 0.0.0.0:8200
        start two -p 8200-8202:80
        [ "$(holt port two 80 | head -n 1)" = 0.0.0.0:8201 ]
        start three -p 8200-8202:80
        run holt run --rm -p 8200-8202:80 box true
        [[ $status -eq 125 && $output == *"all ports from 8200 to 8202 are taken"* ]]
        # At one address, of one family.
        [ "$(outside python3 "$WORK/ask.py" 2001:db8:1::1 8300)" = 2001:db8:1::2 ]
        run outside python3 "$WORK/ask.py" 198.51.100.1 8300
        [ "$status" -ne 0 ]
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8301)" = 198.51.100.2 ]
        run outside python3 "$WORK/ask.py" 2001:db8:1::1 8301
        [ "$status" -ne 0 ]
        # Another instance may have the same port at another address, and another protocol.
        start four -p 127.0.0.1:8301:80 -p 198.51.100.1:8301:80/udp
        run holt run --rm -p 8301:80 box true
        [[ $status -eq 125 && $output == *"taken by the instance"* ]]
        local wrong
        for wrong in 0:80:80:80 80:0 70000 a:80 80-70:80 8000-8001:80-82 ::1:80:80 300.0.0.1:1:1 8080:80/icmp; do
                run holt run --rm -p "$wrong" box true
                [[ $status -eq 125 && $output == *--publish* ]] || { echo "$wrong: $status $output"; return 1; }
        done
        run holt run --rm -p 203.0.113.9:80:80 box true
        [[ $status -eq 125 && $output == *"this host has no address 203.0.113.9"* ]]
}

@test "a port that is taken: the error names who has it, and nobody else gets it" {
        start web -p 8080:80
        run holt run --rm -p 8080:80 box true
        [[ $status -eq 125 && $output == *"8080/tcp: it is taken by the instance web"* ]]
        run inside python3 -c 'import socket; socket.socket().bind(("", 8080))'
        [[ $output == *"in use"* ]]
        nsenter --net="/proc/$INSIDE/ns/net" python3 "$WORK/who.py" 8090 >/dev/null 2>&1 3>&- &
        SERVERS+=($!)
        until inside python3 "$WORK/ask.py" 127.0.0.1 8090; do sleep 0.05; done
        run holt run --rm -p 8090:80 box true
        [[ $status -eq 125 && $output == *"taken by python3 (process"* ]]
        # With the instance, the port is free.
        holt rm -f web
        holt run --rm -p 8080:80 box true
}

@test "networks do not reach each other, nor know each other's names" {
        holt network create red >/dev/null
        holt network create --ipv6 blue >/dev/null
        start rr --network red
        start bb --network blue
        start both --network red --network name=blue,alias=middle
        serve bb 80
        serve both 80
        run within rr python3 "$WORK/ask.py" "$(address bb blue)" 80
        [ "$status" -ne 0 ]
        [ -z "$(lookup rr bb)" ]
        [ "$(lookup rr both)" = "$(address both red)" ]
        [ "$(lookup bb middle)" = "$(address both blue)" ]
        [ -z "$(lookup rr middle)" ]
        [ "$(within rr python3 "$WORK/ask.py" "$(address both red)" 80)" = "$(address rr red)" ]
        [ "$(within bb python3 "$WORK/ask.py" "$(address both blue)" 80)" = "$(address bb blue)" ]
        # Nor does another host that sends straight to them.
        outside ip route add 10.112.0.0/12 via 198.51.100.1
        run outside python3 "$WORK/ask.py" "$(address bb blue)" 80
        [ "$status" -ne 0 ]
        outside ip route del 10.112.0.0/12
        # What is published is, also from another network.
        start pp --network blue -p 8085:80
        serve pp 80
        within rr python3 "$WORK/ask.py" 198.51.100.1 8085
}

@test "networks do not reach each other by IPv6, nor by the host's addresses" {
        holt network create --ipv6 red >/dev/null
        holt network create --ipv6 blue >/dev/null
        start rr --network red
        start bb --network blue -p 127.0.0.1:8401:80 -p 198.51.100.1:8402:80
        serve bb 80
        # Refused at once: nobody waits for a time-out.
        run within rr timeout 3 python3 "$WORK/ask.py" "$(address6 bb blue)" 80
        [[ $status -ne 0 && $status -ne 124 ]]
        run within rr timeout 3 python3 "$WORK/ask.py" "$(address bb blue)" 80
        [[ $status -ne 0 && $status -ne 124 ]]
        # With any address of theirs as its own.
        within rr ip address add "$(address bb blue | sed 's/\.[0-9]*$/.77/')/32" dev lo
        run within rr python3 -c 'import socket, sys
s = socket.socket(); s.settimeout(2); s.bind((sys.argv[1], 0)); s.connect((sys.argv[2], 80))' \
                "$(address bb blue | sed 's/\.[0-9]*$/.77/')" "$(address bb blue)"
        [ "$status" -ne 0 ]
        # What is published at one address is not by another, be it that of a bridge.
        local to
        for to in "$(gateway red)" "$(gateway blue)"; do
                run within rr python3 "$WORK/ask.py" "$to" 8401
                [ "$status" -ne 0 ]
                run within rr python3 "$WORK/ask.py" "$to" 8402
                [ "$status" -ne 0 ]
        done
        within rr python3 "$WORK/ask.py" 198.51.100.1 8402
        # Nor does a neighbour of the host reach it by IPv6.
        outside ip -6 route add fd00::/8 via 2001:db8:1::1
        run outside python3 "$WORK/ask.py" "$(address6 bb blue)" 80
        outside ip -6 route del fd00::/8
        [ "$status" -ne 0 ]
}

@test "an internal network: no way out, no published ports, but names" {
        holt network create --internal closed >/dev/null
        start one --network closed -p 8080:80
        start two --network closed
        [ "$(lookup one two)" = "$(address two closed)" ]
        [ -z "$(within one ip route show default)" ]
        run outside python3 "$WORK/ask.py" 198.51.100.1 8080
        [ "$status" -ne 0 ]
        within one ip route add default via "$(gateway closed)"
        run within one python3 "$WORK/ask.py" 198.51.100.2 7000
        [ "$status" -ne 0 ]
        within one dig +time=5 +tries=1 @169.254.53.53 example.com | grep NXDOMAIN
        # Nor to what others publish, by the bridge's own address.
        start open -p 8080:80
        serve open 80
        run within one python3 "$WORK/ask.py" "$(gateway closed)" 8080
        [ "$status" -ne 0 ]
        run within one python3 "$WORK/ask.py" 198.51.100.1 8080
        [ "$status" -ne 0 ]
}

@test "what an instance sends to the host's loopback address does not arrive" {
        start aa -p 8080:80
        nsenter --net="/proc/$INSIDE/ns/net" python3 "$WORK/who.py" 6000 >/dev/null 2>&1 3>&- &
        SERVERS+=($!)
        until inside python3 "$WORK/ask.py" 127.0.0.1 6000; do sleep 0.05; done
        within aa sh -c 'ip address del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via 10.112.0.1'
        nsenter --net="/proc/$(pid_of aa)/ns/net" unshare -m sh -c 'mount -t proc proc /proc; echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet'
        run within aa python3 "$WORK/ask.py" 127.0.0.1 6000
        [ "$status" -ne 0 ]
}

@test "names of others are asked of the host's resolvers, or of --dns" {
        nsenter --net="/proc/$OUTSIDE/ns/net" python3 - >/dev/null 2>&1 3>&- <<'EOF' &
import socket, threading
def answer(q): return q[:2] + b"\x81\x80" + q[4:6] + b"\0\1\0\0\0\0" + q[12:q.index(b"\0", 12) + 5] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x07"
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("198.51.100.2", 53))
t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind(("198.51.100.2", 53)); t.listen()
def tcp():
    while True:
        c, _ = t.accept(); q = c.recv(600)[2:]; a = answer(q); c.sendall(len(a).to_bytes(2, "big") + a); c.close()
threading.Thread(target=tcp, daemon=True).start()
while True:
    q, a = u.recvfrom(600); u.sendto(answer(q), a)
EOF
        SERVERS+=($!)
        start aa --dns 198.51.100.2
        local tries=20
        until [ "$(lookup aa example.com)" = 192.0.2.7 ]; do ((tries--)); sleep 0.1; done
        [ "$(within aa dig +tcp +short @169.254.53.53 example.com)" = 192.0.2.7 ]
        [ "$(lookup aa aa)" = "$(address aa)" ]
        # Who is on an internal network alone tells nobody outside anything by asking for it.
        holt network create --internal closed >/dev/null
        start shut --network closed --dns 198.51.100.2
        within shut dig +time=5 +tries=1 @169.254.53.53 secret.example.com | grep NXDOMAIN
        within shut dig +tcp +time=5 +tries=1 @169.254.53.53 secret.example.com | grep NXDOMAIN
        start half --network closed --network bridge --dns 198.51.100.2
        [ "$(lookup half example.com)" = 192.0.2.7 ]
        # What stands in resolv.conf.
        holt run --rm --dns 198.51.100.2 --dns-search one.example --dns-search two.example --dns-option ndots:2 box \
                cat /etc/resolv.conf >"$WORK/resolv"
        grep -x 'nameserver 169.254.53.53' "$WORK/resolv"
        grep -x 'search one.example two.example' "$WORK/resolv"
        grep -x 'options .*ndots:2.*' "$WORK/resolv"
}

@test "none, host, and another instance's" {
        [ "$(holt run --rm --network none box sh -c 'ls /sys/class/net')" = lo ]
        [ "$(holt run --rm --network host box readlink /proc/self/ns/net)" = "$(inside readlink /proc/self/ns/net)" ]
        start aa
        start bb --network container:aa
        [ "$(readlink "/proc/$(pid_of bb)/ns/net")" = "$(readlink "/proc/$(pid_of aa)/ns/net")" ]
        run holt run --rm --network container:aa -p 80:80 box true
        [[ $status -eq 125 && $output == *"ports"* ]]
        # The address goes with the one that has it.
        holt rm -f aa
        [ -z "$(within bb ip -br link show eth0 2>/dev/null)" ]
}

@test "a chosen address, hardware address, and ones that cannot be had" {
        holt network create --subnet 10.5.0.0/24 --subnet fd05::/64 --gateway 10.5.0.254 --ip-range 10.5.0.128/25 chosen >/dev/null
        start aa --network chosen --ip 10.5.0.7 --ip6 fd05::7 --mac-address 02:00:00:00:00:07
        within aa ip address show eth0 | grep -F 'inet 10.5.0.7/24'
        within aa ip address show eth0 | grep -F 'inet6 fd05::7/64'
        within aa ip link show eth0 | grep -F 02:00:00:00:00:07
        within aa ip route show default | grep -F 10.5.0.254
        run holt run --rm --network chosen --ip 10.5.0.7 box true
        [[ $output == *"taken by the instance"* ]]
        run holt run --rm --network chosen --ip 10.6.0.7 box true
        [[ $output == *"not within the subnet"* ]]
        start bb --network chosen
        [[ $(address bb chosen) == 10.5.0.1[2-9]* ]]
        run holt network create --subnet 198.51.100.0/25 taken
        [[ $output == *"this host has addresses or routes in"* ]]
        run holt run --explain --network chosen --ip 10.6.0.7 box true
        [[ $output == *"not within the subnet"* ]]
        for dry in '' --dry-run; do
                # shellcheck disable=SC2086
                run -1 holt network rm $dry chosen
                [[ $output == *"in use by"* ]]
        done
}

@test "an instance moves to another network while it runs: its address, its names, its ports" {
        holt network create --subnet 10.6.0.0/24 new >/dev/null
        start aa -p 8080:80
        start there --network new
        serve aa 80
        holt network connect --ip 10.6.0.9 --alias www --alias api new aa
        [ "$(address aa new)" = 10.6.0.9 ]
        [ "$(lookup there www)" = 10.6.0.9 ]
        [ "$(lookup there api)" = 10.6.0.9 ]
        run holt network connect --ip 10.6.0.9 new there
        [[ $status -ne 0 && $output == *"is on the network new already"* ]]
        start other
        run holt network connect --ip 10.6.0.9 new other
        [[ $status -ne 0 && $output == *"taken by the instance aa"* ]]
        run holt network connect --ip 10.7.0.9 new other
        [[ $status -ne 0 && $output == *"not within the subnet"* ]]
        [ -z "$(within other ip -br link show eth1 2>/dev/null)" ]
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        holt network disconnect bridge aa
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        [ "$(within there python3 "$WORK/ask.py" 10.6.0.9 80)" = "$(address there new)" ]
        [ "$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        [ -z "$(lookup other aa)" ]
        run holt network rm new
        [[ $status -ne 0 && $output == *"in use by"* ]]
        holt rename aa moved
        [ "$(lookup there moved)" = 10.6.0.9 ]
        holt restart -t 0 moved
        [ "$(address moved new)" = 10.6.0.9 ]
        [ "$(lookup there www)" = 10.6.0.9 ]
}

@test "connect and disconnect, while it runs and for the next start" {
        holt network create more >/dev/null
        start aa
        start bb --network more
        holt network connect --alias x more aa
        [ "$(lookup bb x)" = "$(address aa more)" ]
        within aa ip -br address show eth1 | grep -F "$(address aa more)/"
        holt network disconnect bridge aa
        [ -z "$(within aa ip -br link show eth0 2>/dev/null)" ]
        [ "$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        holt restart -t 0 aa
        [ "$(lookup bb x)" = "$(address aa more)" ]
        [ -z "$(address aa bridge)" ]
        holt network disconnect more aa
        [ -z "$(lookup bb x)" ]
}

@test "after kill -9 of the shim, address and port are free again" {
        local shim
        start aa -p 8080:80
        shim=$(awk '/^PPid:/ {print $2}' "/proc/$(pid_of aa)/status")
        kill -9 "$shim"
        wait_for 5 has_let_go "$shim"
        run holt run --rm -p 8080:80 box true
        [ "$status" -eq 0 ]
        [ "$(holt inspect -f '{{.State.Status}}' aa)" = exited ]
        [ -z "$(inside nft list map inet holt published4 | grep elements)" ]
}

@test "who flushes the ruleset or kills holt-dns gets both back with the next start" {
        start aa -p 8080:80
        serve aa 80
        inside nft flush ruleset
        run outside python3 "$WORK/ask.py" 198.51.100.1 8080
        [ "$status" -ne 0 ]
        pgrep -x holt-dns | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/net") != "$(readlink "/proc/$INSIDE/ns/net")" ]] || kill -9 "$pid"
        done
        start bb
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        [ "$(lookup aa bb)" = "$(address bb)" ]
}

@test "a network that is removed takes holt-dns' end of it along, and the next one of its name has names" {
        start aa
        holt rm -f aa >/dev/null
        holt network rm bridge >/dev/null
        [ -z "$(inside ip -br link show type veth | grep '^dns-')" ]
        start aa
        start bb
        [ "$(lookup aa bb)" = "$(address bb)" ]
}

@test "networks of another root on this host, which go and come, are left alone" {
        other() { inside "$HOLT" --root "$WORK/other" --run "$WORK/other-run" "$@"; }
        other import -q --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' "$WORK/tree.tar" box >/dev/null
        start aa -p 8080:80
        serve aa 80
        other network create red >/dev/null
        other run -d --name bb -p 8081:80 box sleep 1000 >/dev/null
        other run -d --name cc --network red box sleep 1000 >/dev/null
        local bb before
        bb=$(other inspect bb | jq -r '.[0].NetworkSettings.Networks.bridge.IPAddress')
        [[ $bb != "$(address aa | cut -d. -f1-2)".* ]]
        # Neither reaches the other one's; each has its way out.
        run within aa busybox ping -c 1 -W 1 "$bb"
        [ "$status" -ne 0 ]
        [ "$(nsenter --net="/proc/$(other inspect -f '{{.State.Pid}}' bb)/ns/net" python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        # A port is taken for both.
        run other run --rm -p 8080:80 box true
        [[ $status -eq 125 && $output == *"it is taken"* ]]
        # The rules come back with either one's next start, its own with them.
        inside nft flush ruleset
        other run --rm box true
        start dd
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        # Theirs go without ours.
        other rm -f bb cc >/dev/null
        other network rm red bridge >/dev/null
        [ -z "$(inside nft list map inet holt published4 | grep 8081)" ]
        [ "$(outside python3 "$WORK/ask.py" 198.51.100.1 8080)" = 198.51.100.2 ]
        [ "$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        # One that was made while ours was not up has chosen the same interface.
        holt rm -f aa dd >/dev/null
        holt network rm bridge >/dev/null
        [ -z "$(inside nft list tables)" ]
        other network ls >/dev/null
        start aa
        run other run --rm box true
        [[ $status -eq 125 && $output == *"holt0 is another one's"* ]]
        other network rm bridge >/dev/null
        other run --rm box true
        within aa ip -br address show eth0 | grep -F "$(address aa)/16"
        [ "$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        other network rm bridge >/dev/null
        umount -R "$WORK/other-run/layers"
}

@test "two roots that have chosen one subnet: who comes second chooses anew" {
        other() { inside "$HOLT" --root "$WORK/other" --run "$WORK/other-run" "$@"; }
        subnet() { "$1" network inspect "$2" | jq -r '.[0].IPAM.Config[0].Subnet'; }
        other import -q --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' "$WORK/tree.tar" box >/dev/null
        holt network create red >/dev/null
        other network create red >/dev/null
        [ "$(subnet holt red)" = "$(subnet other red)" ]
        start aa --network red
        other run -d --name bb --network red box sleep 1000 >/dev/null
        local before bb n pids i
        before=$(subnet holt red)
        [[ $(address aa red) == "${before%.*.*}".* && $(subnet other red) != "$before" ]]
        bb=$(other inspect bb | jq -r '.[0].NetworkSettings.Networks.red.IPAddress')
        [ "$(nsenter --net="/proc/$(other inspect -f '{{.State.Pid}}' bb)/ns/net" python3 "$WORK/ask.py" 198.51.100.2 7000)" = 198.51.100.1 ]
        # It keeps what it has chosen.
        before=$(subnet other red)
        other restart -t 0 bb >/dev/null
        [[ $(subnet other red) == "$before" && $(other inspect bb | jq -r '.[0].NetworkSettings.Networks.red.IPAddress') == "${bb%.*.*}".* ]]
        # What was asked for stays, and cannot be had.
        other network create --subnet 10.77.0.0/24 asked >/dev/null
        inside ip link add other0 type bridge
        inside ip address add 10.77.0.1/16 dev other0
        run other run --rm --network asked box true
        [[ $status -eq 125 && $output == *'10.77.0.0/24 overlaps with 10.77.0.0/16'*'holt network rm asked'* ]]
        inside ip link delete other0
        other run --rm --network asked box true
        # At once.
        other rm -f bb >/dev/null
        for n in 1 2 3; do
                pids=()
                for i in holt other; do "$i" network create "same$n" >/dev/null; done
                holt run --rm --network "same$n" box true &
                pids+=($!)
                other run --rm --network "same$n" box true &
                pids+=($!)
                for i in "${pids[@]}"; do wait "$i"; done
                [ "$(subnet holt "same$n")" != "$(subnet other "same$n")" ]
        done
        [ -z "$(inside ip -4 -o address | awk '{ print $4 }' | sort | uniq -d)" ]
        other network rm red asked same1 same2 same3 >/dev/null
        umount -R "$WORK/other-run/layers"
}

@test "beside dockerd, which drops what it does not know" {
        command -v dockerd || skip "no dockerd"
        start aa -p 8080:80
        serve aa 80
        # It does that when it switches forwarding on.
        inside sysctl -qw net.ipv4.ip_forward=0
        # shellcheck disable=SC2016
        nsenter --net="/proc/$INSIDE/ns/net" unshare -m sh -c 'mount -t tmpfs x /var/lib/docker 2>/dev/null; exec dockerd "$@"' sh --data-root "$WORK/docker" \
                --exec-root "$WORK/docker-exec" --pidfile "$WORK/docker.pid" --host "unix://$WORK/docker.sock" --bip 10.124.46.1/24 \
                --log-level warn >"$WORK/docker.log" 2>&1 3>&- &
        local docker=$! tries=300
        until docker --host "unix://$WORK/docker.sock" version >/dev/null 2>&1; do
                ((tries--)) || break
                sleep 0.1
        done
        inside iptables -S FORWARD | grep -q -- '-P FORWARD DROP'
        # The next start sees that Docker has come.
        start bb
        local out published forward
        out=$(within aa python3 "$WORK/ask.py" 198.51.100.2 7000) || true
        published=$(outside python3 "$WORK/ask.py" 198.51.100.1 8080) || true
        forward=$(inside iptables -S DOCKER-USER)
        holt rm -f aa bb >/dev/null
        holt network rm bridge >/dev/null
        run inside iptables -S DOCKER-USER
        kill "$docker"
        wait "$docker" || true
        inside sh -c 'iptables -F; iptables -P FORWARD ACCEPT; iptables -t nat -F'
        umount -l "$WORK/docker-exec/netns/default" "$WORK/docker" 2>/dev/null || true
        echo "$out; $published; $forward"
        [ "$out" = 198.51.100.1 ]
        [ "$published" = 198.51.100.2 ]
        grep -q 'holt+' <<<"$forward"
        [[ $output != *holt+* ]]
}
