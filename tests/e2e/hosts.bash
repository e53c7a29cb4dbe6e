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

# Two programs in $WORK: who.py PORT... and ask.py.
talkers_make() {
        # Tells who asked: answers each connection with the address that it comes from.
        cat >"$WORK/who.py" <<'EOF'
import socket, sys, threading
def tcp(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(16)
    while True:
        c, a = s.accept()
        c.sendall((a[0].replace("::ffff:", "") + "\n").encode())
        c.close()
def udp(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    while True:
        d, a = s.recvfrom(100)
        s.sendto((a[0].replace("::ffff:", "") + "\n").encode(), a)
for p in sys.argv[1:]:
    threading.Thread(target=tcp, args=(int(p),)).start()
    threading.Thread(target=udp, args=(int(p),)).start()
EOF
        # Asks: ask.py ADDRESS PORT [udp [FROM-PORT]]
        cat >"$WORK/ask.py" <<'EOF'
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[3:] else socket.SOCK_STREAM
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, kind)
s.settimeout(4)
if sys.argv[4:]:
    s.bind(("", int(sys.argv[4])))
s.connect((sys.argv[1], int(sys.argv[2])))
if kind == socket.SOCK_DGRAM:
    s.send(b"x")
print(s.recv(100).decode().strip())
EOF
}

pid_of() { holt inspect -f '{{.State.Pid}}' "$1"; }
within() { # NAME COMMAND...: with the machine's programs, in the instance's network
        local pid
        pid=$(pid_of "$1")
        shift
        nsenter --net="/proc/$pid/ns/net" "$@"
}
serve() { # NAME PORT...: who.py in the instance's network
        local name=$1
        shift
        nsenter --net="/proc/$(pid_of "$name")/ns/net" python3 "$WORK/who.py" "$@" >/dev/null 2>&1 3>&- &
        SERVERS+=($!)
        local tries=100
        until within "$name" python3 "$WORK/ask.py" 127.0.0.1 "$1" >/dev/null 2>&1; do
                ((tries--)) || return 1
                sleep 0.05
        done
}
