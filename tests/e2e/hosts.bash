# SPDX-License-Identifier: Apache-2.0
#
# Two hosts in network namespaces of the test's own, joined by a veth pair, so that the machine's network and firewall
# are never touched. Load after images.bash, whose holt() then runs on the first one.
#
#   inside COMMAND...   on the host that has the instances: 198.51.100.1, 2001:db8:1::1
#   outside COMMAND...  on the other one: 198.51.100.2, 2001:db8:1::2
#
# shellcheck shell=bash

hosts_make() {
        unshare --net sleep 1000 3>&- &
        INSIDE=$!
        unshare --net sleep 1000 3>&- &
        OUTSIDE=$!
        export INSIDE OUTSIDE
        local pid own
        own=$(readlink /proc/self/ns/net)
        for pid in "$INSIDE" "$OUTSIDE"; do
                until [[ $(readlink "/proc/$pid/ns/net") != "$own" ]]; do sleep 0.01; done
        done
        inside ip link set lo up
        outside ip link set lo up
        inside ip link add out0 type veth peer name in0 netns "$OUTSIDE"
        inside ip address add 198.51.100.1/24 dev out0
        inside ip address add 2001:db8:1::1/64 dev out0 nodad
        outside ip address add 198.51.100.2/24 dev in0
        outside ip address add 2001:db8:1::2/64 dev in0 nodad
        inside ip link set out0 up
        outside ip link set in0 up
        inside ip route add default via 198.51.100.2
        inside ip -6 route add default via 2001:db8:1::2
        # Whom this machine asks for names is not there: that is said at once.
        local server
        for server in $(awk '/^nameserver [0-9.]+$/ {print $2}' /etc/resolv.conf); do
                [[ $server == 127.* ]] || inside ip route add prohibit "$server"
        done
}

hosts_finish() { kill "$INSIDE" "$OUTSIDE"; }

inside() { nsenter --net="/proc/$INSIDE/ns/net" "$@"; }
outside() { nsenter --net="/proc/$OUTSIDE/ns/net" "$@"; }
holt() { inside "$HOLT" --root "$STORE" --run "$RUN" "$@"; }
