#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# --userns auto: user namespaces and ranges of ids of instances' own. /etc/subuid and /etc/subgid are the test's own, in
# a mount namespace.

load helpers
load instances-files

setup_file() {
        [ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ] || skip 'needs Linux 6.15'
        mounts_make
        printf 'others:1:5\nholt:700000000:131072\nholt:710000000:2000\n' >"$BATS_FILE_TMPDIR/subuid"
        printf 'containers:1:9999999\nholt:800000000:200000\n' >"$BATS_FILE_TMPDIR/subgid"
        touch /etc/subuid /etc/subgid
        inside mount --bind "$BATS_FILE_TMPDIR/subuid" /etc/subuid
        inside mount --bind "$BATS_FILE_TMPDIR/subgid" /etc/subgid
        holt_inside
        files_setup
}
teardown_file() {
        [ -n "${MOUNTS-}" ] || return 0
        "$HOLT" rm -f -v --all >/dev/null
        kill "$MOUNTS"
        files_teardown
}
setup() {
        cd "$BATS_TEST_TMPDIR" || return
}
teardown() {
        h rm -f -v --all >/dev/null
        h volume prune --all --force >/dev/null
}

map() { h exec "$1" cat /proc/self/uid_map | tr -s ' '; }

@test "it is root of its own range, and files are those of the image" {
        is "$(once --userns auto box sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u' | tr -s ' ')" \
                "$(printf ' 0 700000000 65536\n 0 800000000 65536\n0')"
        is "$(once --userns auto box sh -c 'stat -c %u:%g /data /; touch /new; chown 3:4 /new; stat -c %u:%g /new')" \
                "$(printf '7:8\n0:0\n3:4')"
        is "$(once --userns auto box sh -c 'echo x >>/etc/hosts; chmod 600 /data/file; mkdir /data/d; stat -c %a:%u /data/file')" 600:7
        is "$(once --userns auto -u 5:6 box id -u)" 5
        is "$(once --userns auto box cat /sys/class/net/lo/flags)" 0x9
        is "$(once --userns private box sh -c 'cat /proc/self/uid_map' | tr -s ' ')" ' 0 700000000 65536'
        # Nothing on the disk has these ids.
        h create --name one --network none --userns auto box touch /made >/dev/null
        h start one >/dev/null
        h wait one >/dev/null
        is "$(find "$HOLT_ROOT" -uid +600000000 | wc -l)" 0
        is "$(h diff one)" 'A /made'
        is "$(h cp one:/made - | tar -tv | cut -d ' ' -f 2)" 0/0
}

@test "its cgroups, which it may search, whatever the umask" {
        local parent=holt/userns-$$ dir
        (umask 077 && start --name one --userns auto --cgroup-parent "/$parent" -u 5:6 box sleep 100)
        is "$(h exec one sh -c 'ls -d /sys/fs/cgroup/*/cgroup.procs || ls -d /sys/fs/cgroup/cgroup.procs' | grep -c procs)" \
                "$(h exec -u 0 one sh -c 'ls -d /sys/fs/cgroup/*/cgroup.procs || ls -d /sys/fs/cgroup/cgroup.procs' | grep -c procs)"
        is "$(find /sys/fs/cgroup -path "*/$parent*" -type d ! -perm 755)" ''
        h rm -f one >/dev/null
        for dir in /sys/fs/cgroup{,/*}/"$parent"; do
                [ ! -d "$dir" ] || rmdir "$dir"
        done
}

@test "volumes, images and parts of volumes are seen through the same ids" {
        is "$(once --userns auto -v vol:/data box sh -c 'stat -c %u:%g /data/file; touch /data/new; stat -c %u /data/new')" "$(printf '7:8\n0')"
        is "$(stat -c %u "$(h volume inspect -f '{{.Mountpoint}}' vol)/new")" 0
        is "$(once --userns auto --mount type=image,src=box,dst=/i box stat -c %u:%g /i/data/file)" 7:8
        is "$(once --userns auto --mount type=volume,src=vol,dst=/x,volume-subpath=sub box stat -c %u:%g /x)" 7:8
        # Of the host's directories it has nothing but what all have.
        is "$(once --userns auto -v /etc:/host box sh -c 'cat /host/shadow 2>/dev/null || echo no')" no
}

@test "no two have the same ids, as long as they are there" {
        start --name one --userns auto box sleep 100
        create --name two --userns auto box sleep 100
        run -125 h run --rm --network none --userns auto box true
        [[ $output == */etc/subuid*holt*'2 instances'* ]]
        start --name three --userns auto:size=2000 box sleep 100
        is "$(map three)" ' 0 710000000 2000'
        h start two >/dev/null
        is "$(map one)" ' 0 700000000 65536'
        is "$(map two)" ' 0 700065536 65536'
        h restart -t 0 one >/dev/null
        is "$(map one)" ' 0 700000000 65536'
        h exec one touch /made
        run -1 h clone one four
        h rm -f two >/dev/null
        h clone one four >/dev/null
        h start four >/dev/null
        is "$(map four)" ' 0 700065536 65536'
        is "$(h exec four stat -c %u /made)" 0
        h rm -f one four >/dev/null
        # Many at once.
        local k pids=()
        for k in $(seq 8); do
                "$HOLT" create --name "many$k" --network none --userns auto:size=5000 box true >/dev/null 3>&- &
                pids+=($!)
        done
        wait "${pids[@]}"
        is "$(for k in "$HOLT_ROOT"/instances/*/range; do readlink "$k"; done | sort -u | wc -l)" 9
}

@test "what cannot be is refused" {
        start --name one box sleep 100
        run -125 once --userns auto --pid container:one box true
        [[ $output == *'do not go together'* ]]
        run -125 once --userns auto:colour=red box true
        run -125 once --userns auto:size=0 box true
        run -125 once --userns keep-id box true
        run -125 once --userns nomap box true
        run -125 once --userns sometimes box true
        start --name two --userns auto box sleep 100
        echo x >file
        run -1 h cp "$PWD/file" two:/file
        [[ $output == *'stop it first'* ]]
        h stop -t 0 two >/dev/null
        h cp "$PWD/file" two:/file
        h start two >/dev/null
        is "$(h exec two stat -c %u /file)" 0
        # Without ids.
        echo >"$BATS_FILE_TMPDIR/empty"
        inside mount --bind "$BATS_FILE_TMPDIR/empty" /etc/subgid
        run -125 once --userns auto box true
        inside umount /etc/subgid
        [[ $output == */etc/subgid*'add a line "holt:'* ]]
}

@test "it starts again by its policy" {
        start --name one --userns auto --restart on-failure:1 box sh -c 'id -u; exit 1'
        timeout 20 sh -c "until [ \"\$($HOLT logs one | wc -l)\" = 2 ]; do sleep 0.1; done"
        is "$(h logs one)" "$(printf '0\n0')"
}
