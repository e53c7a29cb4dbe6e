#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Volumes: with names, without, of images and of others.

load helpers
load instances-files

setup_file() {
        files_setup
        tar --xattrs -C "$BATS_FILE_TMPDIR/rootfs" -c . | "$HOLT" import -q -c 'VOLUME /data /other' - volumes >/dev/null
}
teardown_file() { files_teardown; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
        h rm -f -v --all >/dev/null
        h volume prune --all --force >/dev/null
}

@test "create, ls, inspect, rm" {
        is "$(h volume create --label a=1 --label b one)" one
        is "$(h volume create one)" one
        [[ $(h volume create) =~ ^[0-9a-f]{64}$ ]]
        is "$(h volume ls -q | wc -l)" 2
        is "$(h volume ls --filter name=one --format '{{.Driver}} {{.Name}} {{.Labels}}')" 'local one a=1,b'
        is "$(h volume ls -q --filter label=a=1)" one
        is "$(h volume ls -q --filter label=a=2)" ''
        is "$(h volume ls -q --filter label=b --filter label=a)" one
        is "$(h volume inspect one | jq -r '.[0] | .Name, .Driver, .Labels.a, .Scope')" "$(printf 'one\nlocal\n1\nlocal')"
        [ -d "$(h volume inspect -f '{{.Mountpoint}}' one)" ]
        run -1 h volume inspect none
        [[ $output == *'no such volume: none'* ]]
        is "$(h volume rm --dry-run one)" one
        is "$(h volume rm one)" one
        run -1 h volume rm one
        h volume rm -f one
        run -1 h volume create a
        run -1 h volume create ../a
        run -1 h volume create -o type=nfs x
}

@test "a volume is filled from the image once, with all that it has" {
        is "$(once -v vol:/data box stat -c '%a %u:%g' /data)" '2750 7:8'
        local data
        data=$(h volume inspect -f '{{.Mountpoint}}' vol)
        "$BATS_TEST_DIRNAME/../store/same_tree.py" "$BATS_FILE_TMPDIR/rootfs/data" "$data"
        is "$(once -v vol:/data box sh -c 'echo more >/data/file; rm /data/symlink; cat /data/linked')" more
        is "$(once -v vol:/data box sh -c 'cat /data/file; ls /data')" "$(printf 'more\nfile\nlinked\nsparse\nsub')"
        # Another place, with nothing of that name in the image.
        is "$(once -v vol:/new/place box cat /new/place/file)" more
        is "$(once -v empty:/data:nocopy box ls /data)" ''
        is "$(once --mount type=volume,src=empty2,dst=/data,volume-nocopy box ls /data)" ''
        is "$(once --mount type=volume,src=full,dst=/data,readonly box sh -c 'cat /data/file; touch /data/x 2>/dev/null || echo ro')" \
                "$(printf 'content\nro')"
        is "$(once -v vol:/data:ro box sh -c 'touch /data/x 2>/dev/null || echo ro')" ro
}

@test "one whose filling was killed is filled anew" {
        h volume create vol
        local data
        data=$(h volume inspect -f '{{.Mountpoint}}' vol)
        echo half >"$data/file"
        touch "$data/../filling"
        is "$(once -v vol:/data box cat /data/file)" content
        [ ! -e "$data/../filling" ]
}

@test "links of the image lead no further than its root" {
        mkdir -p evil/rootfs
        cp -a "$BATS_FILE_TMPDIR/rootfs/." evil/rootfs
        ln -s ../../../../../../../../etc evil/rootfs/leak
        tar -C evil/rootfs -c . | h import -q - evil >/dev/null
        once -v leak:/leak evil true
        local data
        data=$(h volume inspect -f '{{.Mountpoint}}' leak)
        cmp "$data/passwd" evil/rootfs/etc/passwd
        [ ! -e "$data/shadow" ]
}

@test "anonymous volumes go with rm -v and --rm, not with rm" {
        create --name one -v /data box true
        h start -a one || true
        is "$(h volume ls -q | wc -l)" 1
        h rm one
        is "$(h volume ls -q | wc -l)" 1
        h volume prune --force
        is "$(h volume ls -q | wc -l)" 0
        once -v /data box true
        is "$(h volume ls -q | wc -l)" 0
        create --name two -v /data -v named:/named box true
        h start -a two || true
        h rm -v two
        is "$(h volume ls -q)" named
}

@test "volumes of the image" {
        start --name one volumes sleep 100
        is "$(h volume ls -q | wc -l)" 2
        is "$(h cp one:/data/file - | tar -xO)" content
        h rm -f -v one
        is "$(h volume ls -q | wc -l)" 0
        once -v named:/data volumes true
        is "$(h volume ls -q)" named
}

@test "an anonymous volume stays the same over restarts" {
        create --name one -v /data box sh -c 'echo again >>/data/times; cat /data/times'
        is "$(h start -a one)" again
        is "$(h start -a one)" "$(printf 'again\nagain')"
}

@test "volumes of others" {
        mkdir bound
        echo host >bound/file
        create --name one -v named:/named -v /data -v "$PWD/bound:/bound" box true
        is "$(once --volumes-from one box sh -c 'cat /data/file /bound/file; ls -d /named')" "$(printf 'content\nhost\n/named')"
        is "$(once --volumes-from one:ro box sh -c 'for i in data bound named; do touch /$i/x 2>/dev/null || echo ro; done')" \
                "$(printf 'ro\nro\nro')"
        # Its own goes before.
        is "$(once --volumes-from one -v other:/bound box ls /bound)" ''
        run -125 once --volumes-from none box true
        run -125 once --volumes-from one:nonsense box true
        # Still needed by another.
        create --name two --volumes-from one box true
        h rm -v one
        is "$(h volume ls -q | wc -l)" 3
}

@test "what is used stays, the error names who uses it" {
        create --name user -v vol:/v box true
        run -1 h volume rm vol
        [[ $output == *'used by instance user'* ]]
        run -1 h volume rm --dry-run vol
        is "$(h volume ls -q --filter dangling=true)" ''
        is "$(h volume ls -q --filter dangling=false)" vol
        h volume prune --all --force
        is "$(h volume ls -q)" vol
        h rm user
        is "$(h volume ls -q --filter dangling=true)" vol
}

@test "prune asks, and spares names" {
        h volume create kept
        h volume create
        run -125 h volume prune </dev/null
        [[ $output == *--force* ]]
        h volume prune --dry-run | grep -E '^  [0-9a-f]{64}'
        is "$(h volume ls -q | wc -l)" 2
        h volume prune --force | grep -F 'Total reclaimed space'
        is "$(h volume ls -q)" kept
        h volume prune --all --force | grep -x kept
}

@test "what makes no sense is refused" {
        run -125 once -v x:/data box true
        [[ $output == *'no name for a volume'* ]]
        run -125 once -v vol:relative box true
        run -125 once -v vol:/a:ro:b box true
        run -125 once -v vol:/a:nonsense box true
        run -125 once -v vol:/a -v vol2:/a/ box true
        run -125 once --mount type=volume,src=vol box true
        run -125 once --mount type=nonsense,dst=/a box true
        run -125 once --mount type=volume,dst=/a,colour=red box true
        run -125 once --mount type=volume,dst=/a,volume-driver=nfs box true
}

@test "twenty at once fill one volume" {
        local i pids=()
        for i in {1..20}; do
                "$HOLT" run --rm --network none -v shared:/data box cat /data/file >"out.$i" 3>&- &
                pids+=($!)
        done
        for i in "${pids[@]}"; do wait "$i"; done
        is "$(sort -u out.*)" content
}
