#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt-agent in a machine: tests/guest/machine_tool boots it, Python (guest.py) is the host. As much as possible in each
# test: without hardware that helps a boot takes seconds.
#
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
: "${RUNTIME:=$(git -C "$BATS_TEST_DIRNAME" rev-parse --show-toplevel)/build/holt-oci}"
BUILD=$(dirname "$(realpath "$RUNTIME")")

setup_file() {
        local name
        # The guest's program is alone there; one with a sanitizer wants libraries.
        if objdump -p "$BUILD/holt-agent" | grep -q NEEDED; then skip 'needs a static holt-agent'; fi
        WORK=$(mktemp -d -t holt-guest.XXXXXX)
        export WORK
        mkdir -p "$WORK/root/vm" "$WORK"/tree/{bin,dev,etc,proc,sys} "$WORK/top/etc"
        ln -s "$("$BATS_TEST_DIRNAME/../vm/guest-kernel")" "$WORK/root/vm/kernels"
        cp /bin/busybox "$WORK/tree/bin/busybox"
        for name in cat date echo head hostname id ip seq sh sleep stty true yes; do
                ln -s busybox "$WORK/tree/bin/$name"
        done
        printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$WORK/tree/etc/passwd"
        echo below >"$WORK/tree/etc/layer"
        echo above >"$WORK/top/etc/layer"
        layer "$WORK/tree" 1
        layer "$WORK/top" 2
}

teardown_file() {
        [ -z "${WORK-}" ] || rm -rf "$WORK"
}

# layer TREE NUMBER
layer() {
        tar -C "$1" --numeric-owner --owner=0 --group=0 -cf - . | "$BUILD/tests/store/layer_from_tar" "$WORK/layer$2"
}

# guest LAYERS: a program in Python on standard input, with `m` a machine of so many layers and `a` its agent, which has
# said HELLO.
guest() {
        PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1 timeout 300 python3 -c "
import sys
from guest import *
build, work = '$BUILD', '$WORK'
tool = build + '/tests/guest/machine_tool'
paths = [f'{work}/layer{i}' for i in range(1, $1 + 1)]
layers = json.loads(subprocess.check_output([tool, '--layers', work + '/image', *paths]))
disk = ['-d', work + '/disk'] if os.path.exists(work + '/disk') else []
m = Machine(tool, work + '/root', build + '/holt-agent', '-l', work + '/image', *disk)
a = m.agent
def configure(**more):
    a.configure(hostname='guest', time=time.time_ns(), entropy=os.urandom(64).hex(), layers=layers, disk=bool(disk), **more)
def run(session, *args, **more):
    a.start(session, what='process', args=args, **more)
    a.expect(STARTED, session)
    status = a.exited(session)['exit']
    return status, a.said_by(session).decode()
def shut_down():
    a.send(SHUTDOWN)
    assert m.end() == 0
    said = m.console_text()
    assert 'holt-agent' not in said, said
try:
    a.expect(HELLO)
    exec(sys.stdin.read())
finally:
    m.kill()
"
}

@test "agent: a container of two layers, processes beside it, and the end" {
        guest 2 <<'EOF'
configure(interfaces=[{'mac': '02:42:0a:58:00:02', 'name': 'eth0', 'mtu': 1400, 'addresses': ['10.88.0.2/16'],
                       'gateways': ['10.88.0.1']}], files=[{'path': 'etc/hosts', 'content': 'here\n'}])

# A container that ends at once, and others in the same guest.
a.start(1, spec('/bin/true'), what='container')
a.expect(STARTED, 1)
assert a.exited(1) == {'exit': 0}
a.start(1, spec('/bin/sh', '-c', 'echo out; echo err >&2; exit 3'), what='container')
a.expect(STARTED, 1)
assert a.exited(1) == {'exit': 3}
assert a.said_by(1) == b'out\n' and a.said_by(1, STDERR) == b'err\n'

a.start(1, spec('/bin/cat'), what='container')
a.expect(STARTED, 1)
assert run(2, 'cat', '/etc/layer') == (0, 'above\n')
assert run(2, 'hostname') == (0, 'web\n')
assert run(2, 'id', '-u', user='nobody') == (0, '65534\n')
assert run(2, 'sh', '-c', 'pwd; echo $NAME', cwd='/etc', env=['NAME=value']) == (0, '/etc\nvalue\n')
assert '02:42:0a:58:00:02' in run(2, 'ip', 'link', 'show', 'eth0')[1]
assert 'inet 10.88.0.2/16' in run(2, 'ip', 'address', 'show', 'eth0')[1]
assert 'default via 10.88.0.1' in run(2, 'ip', 'route')[1]
assert 'LOOPBACK,UP' in run(2, 'ip', 'link', 'show', 'lo')[1]
assert abs(int(run(2, 'date', '+%s')[1]) - time.time()) < 60
a.start(2, what='process', args=['no-such-program'])
assert a.expect(ERROR, 2)[4:].startswith(b'exec')
stats = a.stats()
assert stats['pids'] == 1 and stats['cpu_ns'] > 0 and stats['memory'] > 0, stats
assert 128 << 20 < stats['memory_limit'] < 256 << 20, stats

a.send(STDIN, b'hello\n', 1)
a.send(END, b'', 1)
assert a.exited(1) == {'exit': 0}
assert a.said_by(1) == b'hello\n'

# After an exec what is started is not in the namespaces of the container that was.
filters = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['reboot'], 'action': 'SCMP_ACT_ERRNO'}]}
a.start(1, spec('/bin/sh', '-c', 'echo $$ $(cat /etc/hosts); cat /proc/self/status', seccomp=filters,
                mounts=[('/etc/hosts', '/run/holt/files/etc/hosts')]), what='container')
a.expect(STARTED, 1)
assert a.exited(1) == {'exit': 0}
assert a.said_by(1).startswith(b'1 here\n') and b'Seccomp:\t2\n' in a.said_by(1), a.said_by(1)
shut_down()
EOF
}

@test "agent: terminals, windows, signals" {
        guest 2 <<'EOF'
configure()
a.start(1, spec('/bin/sh', '-c', 'read x; stty size; exit 5', tty=True), what='container', tty=True)
a.expect(STARTED, 1)
a.send(RESIZE, struct.pack('<HH', 33, 111), 1)
a.send(STDIN, b'go\n', 1)
assert a.exited(1) == {'exit': 5}
assert b'33 111' in a.said_by(1)

a.start(1, spec('/bin/sh', '-c', 'trap "exit 9" TERM; while :; do sleep 1 & wait $!; done'), what='container')
a.expect(STARTED, 1)
a.start(2, what='process', tty=True, rows=12, columns=34, args=['sh', '-c', 'stty size; echo $TERM; exec sleep 100'])
a.expect(STARTED, 2)

a.send(PREPARE)
a.expect(DONE)
assert 'virtio_balloon' in run(4, 'cat', '/proc/modules')[1]

# Who grants nothing holds back his own, and nobody else.
a.start(3, window=0, what='process', args=['sh', '-c', 'yes | head -c 3000000'])
a.expect(STARTED, 3)
assert run(4, 'echo', 'still here') == (0, 'still here\n')
a.grant(3, 1000000)
assert a.exited(3) == {'exit': 0}
assert len(a.said_by(3)) == 3000000

# A megabyte there and back.
data = os.urandom(1 << 20)
a.start(5, what='process', args=['cat'])
a.expect(STARTED, 5)
a.feed(5, data)
assert a.exited(5) == {'exit': 0}
assert a.said_by(5) == data

assert run(6, 'sh', '-c', 'sleep 1000 & sleep 1000 & echo left') == (0, 'left\n')
a.send(SIGNAL, struct.pack('<I', 9), 2)
a.expect(DONE, 2)
assert a.exited(2) == {'exit': 137}
assert b'12 34' in a.said_by(2) and b'xterm' in a.said_by(2), a.said_by(2)
a.send(SIGNAL, struct.pack('<I', 15), 1)
a.expect(DONE, 1)
assert a.exited(1) == {'exit': 9}
a.send(SIGNAL, struct.pack('<I', 15), 1)
assert struct.unpack('<I', a.expect(ERROR, 1)[:4])[0] == 3
shut_down()
EOF
}

@test "agent: 120 layers, and a disk that is kept" {
        local i
        for ((i = 3; i <= 120; i++)); do
                mkdir -p "$WORK/many/etc"
                echo "$i" | tee "$WORK/many/etc/last" >"$WORK/many/etc/$i"
                layer "$WORK/many" "$i"
                rm -rf "$WORK/many"
        done
        truncate -s 64M "$WORK/disk"
        mkfs.ext4 -q "$WORK/disk"
        guest 120 <<'EOF'
configure()
a.start(1, spec('/bin/sh', '-c', 'cat /etc/last /etc/3 /etc/77 /etc/layer; echo kept >/etc/written'), what='container')
a.expect(STARTED, 1)
assert a.exited(1) == {'exit': 0}, a.said_by(1, STDERR)
assert a.said_by(1) == b'120\n3\n77\nabove\n', a.said_by(1)
shut_down()
EOF
        guest 2 <<'EOF'
configure()
a.start(1, spec('/bin/cat', '/etc/written'), what='container')
a.expect(STARTED, 1)
assert a.exited(1) == {'exit': 0}
assert a.said_by(1) == b'kept\n'
shut_down()
EOF
        e2fsck -fn "$WORK/disk" >"$WORK/fsck"
        rm "$WORK/disk"
}

@test "agent: what it cannot do it says, and a host that makes no sense ends it" {
        guest 2 <<'EOF'
a.start(1, spec('/bin/true'), what='container')
assert b'configured' in a.expect(ERROR, 1)
a.send(CONFIGURE, b'{"layers": [0]}')
assert b'layers' in a.expect(ERROR)
configure()
a.send(CONFIGURE, b'{}')
a.expect(ERROR)
a.start(1, spec('/no/such/program'), what='container')
assert a.expect(ERROR, 1)[4:].startswith(b'exec')
a.start(1, b'{', what='container')
a.expect(ERROR, 1)
a.send(STATS)
a.expect(ERROR)

# A container that wants more memory than it may have.
limit = {'resources': {'memory': {'limit': 16 << 20}}}
a.start(1, spec('/bin/sh', '-c', 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done', **limit), what='container')
a.expect(STARTED, 1)
ended = a.exited(1)
assert ended == {'exit': 137, 'oom': True}, (ended, a.said_by(1, STDERR))
shut_down()
EOF
        guest 2 <<'EOF'
a.sock.sendall(b'\xff' * 64)
assert m.end() == 0
assert 'holt-agent: ' in m.console_text()
EOF
}
