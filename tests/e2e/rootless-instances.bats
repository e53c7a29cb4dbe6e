#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Instances of an ordinary user, each command of his from aa process outside of the namespace in which they run.

load rootless

setup_file() {
        user_make
        local tree=$PLACE/tree
        rootfs_make "$tree"
        mkdir "$tree/data"
        install -m 600 -o 33 -g 44 /dev/null "$tree/data/its"
        tar -C "$tree" -cf "$PLACE/box.tar" .
        chmod 644 "$PLACE/box.tar"
        rm -rf "$tree"
}

teardown_file() { user_remove; }

setup() {
        # exec hides itself (process_hide()), in an ordinary user's hands from the sanitizer's own tracer, too, which hangs.
        export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
        user_setup
        image box "$PLACE/box.tar"
}

teardown() {
        local ids
        unset TUN_MODE
        mapfile -t ids < <(h ps -aq)
        [ "${#ids[@]}" = 0 ] || h rm -f "${ids[@]}" >/dev/null
        user_teardown
        [ -z "${NETNS-}" ] || kill "$NETNS"
}

h() { user timeout 60 "$HOLT" "$@"; }

run_box() { h run -d --network none "$@"; }

state() { h inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1"; }

@test "ps, exec, logs, attach, wait, stop, start, restart, kill, rename, rm" {
        run_box --name aa box sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 0.05; done'
        is "$(h ps --format '{{.Names}} {{.State}}')" 'aa running'
        is "$(h exec aa id -u)" 0
        is "$(h exec -u test aa id -u)" 1000
        is "$(h exec -u 33:44 -w /tmp -e A=b aa sh -c 'id -g; pwd; echo $A' | xargs)" '44 /tmp b'
        run -7 h exec aa sh -c 'exit 7'
        run -127 h exec aa nosuchprogram
        is "$(echo typed | h exec -i aa cat)" typed
        [[ $(user script -qec "$HOLT exec -it aa tty" /dev/null </dev/null) == */dev/pts/* ]]
        is "$(h logs aa)" up
        h rename aa bb
        h wait bb >exit.txt &
        sleep 0.2
        is "$(h stop bb)" bb
        wait $!
        is "$(cat exit.txt)" 4
        is "$(state bb)" 'exited 4'
        run -1 h exec bb true
        h start bb
        h restart -t 5 bb
        [[ $(state bb) == running* ]]
        h kill bb
        h wait bb
        is "$(state bb)" 'exited 137'
        h start bb
        run -1 h rm bb
        h rm -f bb
        is "$(h ps -aq)" ''
}

@test "attach" {
        run_box -i --name aa box sh -c 'read word; echo "got $word"; exit 5'
        run -5 user sh -c "echo it | $HOLT attach aa"
        is "$output" 'got it'
}

@test "programs of other users end, too, and their files go" {
        run_box --name aa -u test box sh -c 'mkdir /tmp/d && touch /tmp/d/f && chmod 0 /tmp/d; trap "" TERM; sleep 1000 & wait; wait'
        run_box --name bb -u test box sleep 1000
        is "$(h stop -t 0 aa)" aa
        h rm aa
        kill -KILL "$(pgrep -f "^holt-shim run $WORK/root ")"
        is "$(state bb)" 'exited 137'
        h rm bb
}

@test "all of them share a namespace: they join each other" {
        run_box --name aa --ipc shareable box sh -c 'echo shared >/dev/shm/file; hostname >/tmp/name; sleep 1000'
        run_box --name bb box sleep 1000
        is "$(h inspect --format '{{.State.Pid}}' aa bb | xargs -I{} readlink /proc/{}/ns/user | sort -u | wc -l)" 1
        [ "$(h exec aa readlink /proc/self/ns/net)" = "$(h run --rm --network container:aa box readlink /proc/self/ns/net)" ]
        is "$(h run --rm --network none --ipc container:aa box cat /dev/shm/file)" shared
        h run --rm --network none --pid container:aa box ps | grep -q 'sleep 1000'
        [ "$(readlink /proc/self/ns/net)" = "$(h run --rm --network host box readlink /proc/self/ns/net)" ]
        h stop -t 0 aa bb
        is "$(find run/shm -mindepth 1 2>/dev/null)" ''
}

@test "two that are the first at once share a namespace, too" {
        local n i
        for n in 1 2 3 4 5; do
                for i in aa bb cc; do run_box --name $i box sleep 1000 & done
                wait
                is "$(h inspect --format '{{.State.Pid}}' aa bb cc | xargs -I{} readlink /proc/{}/ns/user | sort -u | wc -l)" 1
                h rm -f aa bb cc
        done
}

@test "cp and diff, running and stopped" {
        echo mine >file
        chown 12345:12345 file
        run_box --name aa box sleep 1000
        h cp file aa:/data/file
        is "$(h exec aa stat -c %u:%g /data/file)" 0:0
        h exec aa sh -c 'echo more >>/data/file; chown 33:44 /data/file; chmod 600 /data/file; rm /data/its'
        h cp aa:/data/file run/out
        is "$(xargs <run/out)" 'mine more'
        is "$(h diff aa | xargs)" 'C /data A /data/file D /data/its'
        h stop -t 0 aa
        h cp aa:/data/file run/again
        is "$(stat -c %u run/again)" 12345
        h cp file aa:/data/second
        is "$(h diff aa | xargs)" 'C /data A /data/file D /data/its A /data/second'
        is "$(h export aa | tar -t | grep -c '^./data/')" 3
}

@test "commit, snapshot, clone" {
        run_box --name aa box sh -c '[ -e /data/new ] || { rm /data/its; echo new >/data/new; chown 33:44 /data/new
                chmod 600 /data/new; }; sleep 1000'
        until h exec aa test -s /data/new; do sleep 0.05; done
        h commit aa saved
        h snapshot create aa s1
        is "$(h run --rm --network none saved sh -c 'cat /data/new; ls /data; stat -c %u /data/new' | xargs)" 'new new 33'
        h exec aa sh -c 'echo newer >/data/new'
        h stop -t 0 aa
        h clone aa bb
        h snapshot restore aa s1
        h start aa bb
        is "$(h exec aa cat /data/new)" new
        is "$(h exec bb cat /data/new)" newer
        h clone --full bb cc
        h rm -f bb
        h start cc
        is "$(h exec cc ls /data)" new
        h rm -f aa cc
        h system check
}

@test "volumes" {
        h volume create vol
        h run --rm --network none -v vol:/data box sh -c 'echo kept >/data/kept; chown 33 /data/kept; stat -c %u:%g /data/its' >out
        is "$(cat out)" 33:44
        is "$(h run --rm --network none -v vol:/mnt box sh -c 'ls /mnt; cat /mnt/kept' | xargs)" 'its kept kept'
        is "$(h volume ls -q)" vol
        h volume inspect vol | grep -q Mountpoint
        h create --name aa -v vol:/mnt -v /anonymous box true
        run -1 h volume rm vol
        h rm -v aa
        h volume rm vol
        is "$(h volume ls -q)" ''
        is "$(find root/volumes -mindepth 1 -type d)" ''
}

@test "images and parts of volumes are mounted" {
        is "$(h run --rm --network none --mount type=image,src=box,dst=/x box sh -c 'stat -c %u:%g /x/data/its; touch /x/y 2>/dev/null || echo ro')" \
                "$(printf '33:44\nro')"
        is "$(h run --rm --network none --mount type=image,src=box,dst=/x,subpath=data box ls /x)" its
        h volume create part >/dev/null
        h run --rm --network none -v part:/v box sh -c 'mkdir -p /v/a/b; echo deep >/v/a/b/file'
        is "$(h run --rm --network none --mount type=volume,src=part,dst=/x,volume-subpath=a/b box cat /x/file)" deep
        h volume rm part >/dev/null
}

@test "volumes of the driver: a directory is bound, what he may not mount is refused" {
        h volume create -o type=none -o o=bind -o device=/etc bound >/dev/null
        is "$(h run --rm --network none -v bound:/x box head -c 4 /x/passwd)" root
        h volume create -o type=tmpfs -o device=tmpfs mem >/dev/null
        run -125 h run --rm --network none -v mem:/x box true
        [[ $output == *'mount volume mem'*--tmpfs* ]]
        h volume create -o type=ext4 -o device=/dev/null disk >/dev/null
        run -125 h run --rm --network none -v disk:/x box true
        [[ $output == *'mount volume disk'* ]]
        h volume rm bound mem disk >/dev/null
}

@test "inspect, stats, top, port, events, pause, update: they work or say why not" {
        run_box --name aa -u test box sleep 1000
        is "$(h inspect --format '{{.State.Running}}' aa)" true
        h top aa | grep -q 'sleep 1000'
        h stats --no-stream aa | grep -q aa
        h port aa
        h events --stream=false >events
        grep -q 'container start' events
        if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
                run -1 h pause aa
                [[ $output == *cgroup* ]]
                run -1 h update --memory 64m aa
                [[ $output == *cgroup* ]]
        fi
        is "$(state aa)" 'running 0'
}

@test "update: limits that he cannot have do not stand in the way of what he can" {
        [ ! -e /sys/fs/cgroup/cgroup.controllers ] || skip 'he may have limits here'
        run_box --name limited --memory 64m box sleep 1000
        h update --restart on-failure limited
        is "$(h inspect --format '{{.HostConfig.RestartPolicy.Name}}' limited)" on-failure
        h rm -f limited >/dev/null
}

# A host of its own: with an interface that leads nowhere, and nobody's ports.
net_make() {
        command -v pasta >/dev/null || skip 'pasta is not installed'
        [ -c /dev/net/tun ] || skip 'this host has no /dev/net/tun'
        unshare --net sleep 1000 3>&- &
        NETNS=$!
        until [ "$(readlink "/proc/$NETNS/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
        nsenter --net --target "$NETNS" sh -ec 'ip link set lo up; ip link add eth7 type veth peer name eth8
                ip addr add 192.0.2.2/24 dev eth7; ip link set eth7 up; ip link set eth8 up; ip route add default via 192.0.2.1'
}

pasta_runs() { pgrep -f "^pasta .*$WORK/run/"; }

@test "his network is pasta's, which passes ports on and ends with the instance" {
        net_make
        h run -d --name web -p 127.0.0.1:8080:80 -p 8081:81/udp -p 82 box sh -c 'while :; do echo hi | nc -l -p 80; done'
        is "$(h exec web ip -4 -o addr show eth0 | grep -o 192.0.2.2)" 192.0.2.2
        h exec web grep -q '^nameserver 169.254.1.1$' /etc/resolv.conf
        is "$(h port web | sed 's/:[0-9]*$//' | sort | xargs)" '80/tcp -> 127.0.0.1 81/udp -> 0.0.0.0 82/tcp -> 0.0.0.0'
        until [ "$(nsenter --net --target "$NETNS" timeout 5 busybox nc 127.0.0.1 8080 </dev/null)" = hi ]; do sleep 0.05; done
        run -125 h run --rm -p 8080:80 box true
        [[ $output == *'it is taken'* ]]
        is "$(h run --rm --network container:web box ip -4 -o addr show eth0 | grep -o 192.0.2.2)" 192.0.2.2
        is "$(pasta_runs | wc -l)" 1
        h restart -t 0 web
        is "$(pasta_runs | wc -l)" 1
        h stop -t 0 web
        until ! pasta_runs; do sleep 0.05; done
        h run --rm box true
        h run -d --name lost box sleep 1000
        kill -KILL "$(pgrep -f "^holt-shim run $WORK/root ")"
        is "$(state lost)" 'exited 137'
        until ! pasta_runs; do sleep 0.05; done
}

@test "without pasta there is a warning and no network, but no ports" {
        net_make
        export TUN_MODE=600
        h run --rm box ls /sys/class/net >out 2>warning
        is "$(cat out)" lo
        grep -q 'warning: .*no network' warning
        run -125 h run --rm -p 8080:80 box true
        run -125 h run --rm --network pasta box true
        [[ $output == *tun* ]]
        TUN_MODE=666 run -125 h run --rm -p 80:80 box true
        [[ $output == *ip_unprivileged_port_start* ]]
        run -125 h run --rm --network bridge box true
        [[ $output == *'--network pasta'* ]]
        run -125 user env PATH=/nowhere "$HOLT" run --rm --network pasta box true
        [[ $output == *'install the package passt'* ]]
}

until_true() { # SECONDS COMMAND...
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                ((SECONDS < end)) || { echo "waited in vain for: $*"; return 1; }
                sleep 0.05
        done
}

said() { [ "$(h inspect --format "$2" "$1")" = "$3" ]; } # NAME TEMPLATE TEXT

@test "restart policies: so often, with growing pauses; always, until it is stopped; by update" {
        run_box --name fails --restart on-failure:3 box sh -c 'cat /proc/uptime >>/times; exit 3' >/dev/null
        until_true 30 said fails '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' 'exited 3 3'
        # 100, 200 and 400 ms, at least.
        h cp fails:/times - | tar -xO | awk '{ if (NR > 1 && $1 - last < 0.095 * 2 ^ (NR - 2)) bad = 1; last = $1 }
                END { exit bad || NR != 4 }'
        run_box --name comes --restart always box sh -c 'sleep 0.1' >/dev/null
        comes_again() { [ "$(h inspect --format '{{.RestartCount}}' comes)" -ge 2 ]; }
        until_true 30 comes_again
        h stop -t 0 comes >/dev/null
        said comes '{{.State.Status}}' exited
        # By a policy that came later, with what else there is of an ordinary user's.
        run_box --name late -v kept:/kept box sh -c 'echo x >>/kept/starts; sleep 1000' >/dev/null
        h update --restart always late >/dev/null
        pid=$(h inspect --format '{{.State.Pid}}' late)
        kill -KILL "$pid"
        runs_anew() { local now; now=$(h inspect --format '{{.State.Pid}}' late); ((now > 0 && now != pid)); }
        until_true 30 runs_anew
        pid=$(h inspect --format '{{.State.Pid}}' late)
        kill -KILL "$pid"
        until_true 30 runs_anew
        [ "$(h exec late cat /kept/starts | wc -l)" -eq 3 ]
        h rm -f fails comes late >/dev/null
        h volume rm kept >/dev/null
}

@test "health checks: from starting to healthy, to unhealthy, and after another start again" {
        # Until it is well for the first time it is starting, however long that takes to be seen.
        run_box --name web --health-cmd 'test -e /well' --health-interval 200ms --health-retries 2 --restart always \
                --health-start-period 10m box sh -c 'sleep 1000' >/dev/null
        said web '{{.State.Health.Status}}' starting
        h exec web touch /well
        until_true 20 said web '{{.State.Health.Status}}' healthy
        h wait --for healthy web >/dev/null
        h exec web rm /well
        until_true 20 said web '{{.State.Health.Status}}' unhealthy
        [[ $(h ps --format '{{.Status}}') == *"(unhealthy)" ]]
        h exec web touch /well
        kill -KILL "$(h inspect --format '{{.State.Pid}}' web)"
        until_true 20 said web '{{.State.Health.Status}} {{.RestartCount}}' 'healthy 1'
        h stop -t 0 web >/dev/null
        said web '{{.State.Status}}' exited
}

@test "compare: on the host and in a container, with an image's files too" {
        run h compare --quiet --rounds 1 --amount 1 --workload syscalls
        [[ $output == *'bare '*'container '*' ms x'*'virtual machines are left out: '* ]]
        run h compare --quiet --no-vm --rounds 1 box sh -c 'echo it >/it'
        [[ $output == *'bare '*'container '*' ms x'* ]]
        run -1 h compare --quiet --no-vm --rounds 1 box sh -c 'read -r a </etc/passwd; echo "$$ $a" >&2; exit 5'
        [[ $output == *'ended with 5: 2 '* ]]
        [ -z "$(ls "$WORK/root/compare")" ]
}
