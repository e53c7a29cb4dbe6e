#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images, and parts of volumes and images, that are mounted into instances.

load helpers
load instances-files

setup_file() {
        files_setup
        mkdir -p "$BATS_FILE_TMPDIR/tools/bin" "$BATS_FILE_TMPDIR/tools/share"
        cd "$BATS_FILE_TMPDIR/tools" || return
        echo one >share/version
        ln -s / share/up
        ln -s ../../../../../../../../etc share/away
        tar -c . | "$HOLT" import -q - tools >/dev/null
}
teardown_file() { files_teardown; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
        h rm -f -v --all >/dev/null
        h volume prune --all --force >/dev/null
}

m=type=image,source=tools,target=/opt/tools

@test "an image is mounted read-only" {
        is "$(once --mount $m box sh -c 'cat /opt/tools/share/version; touch /opt/tools/x 2>/dev/null || echo ro')" \
                "$(printf 'one\nro')"
        is "$(once --mount $m,subpath=share box cat /opt/tools/version)" one
        is "$(once --mount $m,image-subpath=share/version box cat /opt/tools)" one
        is "$(once -v /tmp:/elsewhere --mount $m --mount type=image,src=box,dst=/box box cat /box/data/file)" content
        run -125 once --mount $m,rw box true
        [[ $output == *'read-only'* ]]
        run -125 once --mount type=image,source=none:1,target=/x --pull never box true
        [[ $output == *'none:1'* ]]
        # What was held went with the instances.
        h system check
}

@test "a subpath leads nowhere but into the image" {
        is "$(once --mount $m,subpath=share/up/share box cat /opt/tools/version)" one
        run -125 once --mount $m,subpath=share/away box true
        run -125 once --mount $m,subpath=../../etc box true
        run -125 once --mount $m,subpath=/etc box true
}

@test "its image stays as long as the instance, by whatever name" {
        h tag tools kept
        start --name one --mount type=image,source=kept,target=/opt box sleep 100
        local id
        id=$(h inspect -f '{{.Id}}' one)
        run -1 h rmi "$(h image inspect -f '{{.Id}}' kept)"
        h rmi kept >/dev/null
        echo new >newer
        tar -c newer | h import -q - tools >/dev/null
        h image prune --force >/dev/null
        is "$(h exec one cat /opt/share/version)" one
        h stop -t 0 one >/dev/null
        h image prune --force >/dev/null
        h start one >/dev/null
        is "$(h exec one cat /opt/share/version)" one
        is "$(h cp one:/opt/share/version - | tar -xO)" one
        h stop -t 0 one >/dev/null
        is "$(h cp one:/opt/share/version - | tar -xO)" one
        image=$(h inspect -f '{{(index .Mounts 0).Image}}' one)
        [[ $image == sha256:* ]]
        run -1 h rmi "$image"
        [[ $output == *"is used by instance one"* ]]
        # A clone has the same, and keeps it when the original is gone.
        h clone --full one two >/dev/null
        h clone one three >/dev/null
        h rm one >/dev/null
        h image prune --force >/dev/null
        h start two three >/dev/null
        is "$(h exec two cat /opt/share/version)" one
        is "$(h exec three cat /opt/share/version)" one
        h rm -f two three >/dev/null
        h rmi "$image" >/dev/null
        cd "$BATS_FILE_TMPDIR/tools" || return
        tar -c . | "$HOLT" import -q - tools >/dev/null
}

@test "it is there after a restart by policy, and inherited" {
        start --name one --restart on-failure:1 --mount $m,subpath=share box \
                sh -c 'cat /opt/tools/version; [ -e /again ] && sleep 100; touch /again; exit 1'
        timeout 20 sh -c "until [ \"\$($HOLT logs one | wc -l)\" = 2 ]; do sleep 0.1; done"
        is "$(h logs one)" "$(printf 'one\none')"
        is "$(once --volumes-from one box cat /opt/tools/version)" one
}

@test "inspect shows it" {
        create --name one --mount $m,subpath=share box true
        is "$(h inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}} {{.Subpath}}{{end}}' one)" \
                'image tools /opt/tools false share'
}

@test "a part of a volume" {
        h volume create vol >/dev/null
        once -v vol:/v box sh -c 'mkdir -p /v/a/b; echo deep >/v/a/b/file; ln -s / /v/root; ln -s ../../../../etc /v/away'
        is "$(once --mount type=volume,src=vol,dst=/x,volume-subpath=a/b box cat /x/file)" deep
        is "$(once --mount type=volume,src=vol,dst=/x,volume-subpath=a/b box sh -c 'echo more >/x/new')" ''
        is "$(once -v vol:/v box cat /v/a/b/new)" more
        is "$(once --mount type=volume,src=vol,dst=/x,volume-subpath=root/a/b box cat /x/file)" deep
        run -125 once --mount type=volume,src=vol,dst=/x,volume-subpath=away box true
        run -125 once --mount type=volume,src=vol,dst=/x,volume-subpath=../../.. box true
        run -125 once --mount type=volume,src=vol,dst=/x,volume-subpath=missing box true
        [[ $output == *'missing'* ]]
        run -125 once --mount type=volume,dst=/x,volume-subpath=a box true
        run -125 once --mount type=bind,src=/tmp,dst=/x,volume-subpath=a box true
}

@test "a part of a volume that changes at that moment" {
        h volume create vol >/dev/null
        start --name attacker -v vol:/v box sh -c 'cd /v; mkdir -p a/b; echo deep >a/b/passwd; touch /v/ready
                while :; do mv a a1; ln -s ../../../../../../../../../../etc a; rm a; ln -s / a; rm a; mv a1 a; done'
        timeout 10 sh -c "until [ -e $(h volume inspect -f '{{.Mountpoint}}' vol)/ready ]; do sleep 0.1; done"
        for _ in $(seq 40); do
                once --mount type=volume,src=vol,dst=/x,volume-subpath=a box cat /x/passwd /x/b/passwd >>seen 2>/dev/null || true
        done
        is "$(sort -u seen)" deep
}
