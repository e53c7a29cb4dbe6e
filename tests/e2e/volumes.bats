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
        [[ $output == *'device='* ]]
        run -1 h volume create -o colour=red x
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

@test "what killed commands left of one goes with the next, unless somebody is at it" {
        local volumes
        volumes=$(dirname "$(dirname "$(h volume inspect -f '{{.Mountpoint}}' "$(h volume create)")")")
        mkdir -p "$volumes/half/_data/sub" "$volumes/made"
        touch "$volumes/half/_data/sub/file"
        exec 5<"$volumes/made"
        flock 5
        is "$(h volume ls -q | wc -l)" 1
        [ ! -e "$volumes/half" ]
        [ -e "$volumes/made" ]
        exec 5<&-
        h volume prune -a -f
        [ -z "$(ls "$volumes")" ]
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
        volume=$(h inspect -f '{{range .Mounts}}{{if ne .Name "named"}}{{.Name}}{{end}}{{end}}' two)
        is "$(h rm -v --dry-run two)" "$(printf 'volume %s\ntwo' "$volume")"
        is "$(h rm --dry-run two)" two
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

mounted() { grep -cF " $(h volume inspect -f '{{.Mountpoint}}' "$1") " /proc/self/mountinfo || true; }

@test "a volume that is a directory of the host" {
        mkdir there
        echo host >there/file
        h volume create -o type=none -o o=bind,ro -o "device=$PWD/there" bound >/dev/null
        is "$(h volume inspect -f '{{.Options.type}} {{.Options.o}}' bound)" 'none bind,ro'
        is "$(once -v bound:/data box sh -c 'ls /data; touch /data/x 2>/dev/null || echo ro')" "$(printf 'file\nro')"
        is "$(mounted bound)" 0
        start --name one -v bound:/data box sleep 100
        is "$(mounted bound)" 1
        h rm -f one >/dev/null
        is "$(mounted bound)" 0
        # What is mounted does not go with the volume.
        h volume rm bound >/dev/null
        is "$(cat there/file)" host
        is "$(once --mount "type=volume,src=made,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=$PWD/there" \
                box cat /x/file)" host
        h volume create -o type=none -o o=bind -o device=/none/there gone >/dev/null
        run -125 once -v gone:/x box true
        [[ $output == *gone*/none/there* ]]
        h volume create -o type=none -o o=bind,size=1 -o device=/tmp wrong >/dev/null
        run -125 once -v wrong:/x box true
        [[ $output == *size=1* ]]
        run -125 once --mount type=volume,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs box true
}

@test "a tmpfs is shared by those that run, and gone with the last" {
        h volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,nosuid mem >/dev/null
        start --name one -v mem:/m box sleep 100
        start --name two -v mem:/m box sleep 100
        h exec one sh -c 'echo shared >/m/file'
        is "$(h exec two cat /m/file)" shared
        is "$(h exec two stat -f -c %b:%S /m)" 256:4096
        is "$(h cp one:/m/file - | tar -xO)" shared
        h stop -t 0 one >/dev/null
        is "$(h exec two cat /m/file)" shared
        run -1 h volume rm mem
        h kill two >/dev/null
        h wait two >/dev/null
        timeout 10 sh -c "while grep -qF 'volumes/mem/' /proc/self/mountinfo; do sleep 0.1; done"
        is "$(once -v mem:/m box ls /m)" ''
        is "$(h cp two:/m - | tar -t)" m/
        is "$(mounted mem)" 0
}

@test "the mount of one whose shim was killed goes with the next command" {
        h volume create -o type=tmpfs -o device=tmpfs mem >/dev/null
        start --name one -v mem:/m box sleep 100
        is "$(mounted mem)" 1
        local shim
        shim=$(awk '{ print $4 }' "/proc/$(h inspect -f '{{.State.Pid}}' one)/stat")
        kill -9 "$shim"
        wait_for 5 has_let_go "$shim"
        h ps -a >/dev/null
        is "$(mounted mem)" 0
}

@test "the mount of a damaged one goes with it" {
        h volume create -o type=tmpfs -o device=tmpfs mem >/dev/null
        start --name one -v mem:/m box sleep 100
        echo x >"$HOLT_ROOT/instances/$(h inspect -f '{{.Id}}' one)/config"
        is "$(mounted mem)" 1
        h rm -f one >/dev/null
        is "$(mounted mem)" 0
}
