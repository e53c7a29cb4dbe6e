#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The command line of holt over a real store, with fetch_double.py in place of holt-fetch: what is asked of it, and what
# is shown of its answers. tests/golden/holt.golden has what needs no image.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-build/holt-oci}")")
        BIN=$BATS_FILE_TMPDIR/bin
        export BIN LAYER_FROM_TAR=$build/tests/store/layer_from_tar
        mkdir "$BIN"
        # holt-fetch is looked for beside the program.
        cp "$build/holt" "$BIN/holt"
        ln -s "$(realpath "$BATS_TEST_DIRNAME/fetch_double.py")" "$BIN/holt-fetch"
}

setup() {
        cd "$BATS_TEST_TMPDIR" || return
        export PATH=$BIN:$PATH HOME=$PWD HOLT_ROOT=$PWD/root HOLT_RUN=$PWD/run FETCH_DOUBLE_LOG=$PWD/log
        unset XDG_RUNTIME_DIR REGISTRY_AUTH_FILE DOCKER_CONFIG
        export CONTAINERS_REGISTRIES_CONF=$PWD/registries.conf
        : >registries.conf
        STACK=9bc8b01c8663 TOP=fdbd753cddeb BARE=e0f1f7d918ab
}

teardown() {
        [[ ! -d run ]] || holt --root "$BATS_TEST_TMPDIR/root" image umount -a
        findmnt -rno TARGET | grep "^$PWD/" | sort -r | xargs -r umount
}

pulled() {
        holt pull -q stack stack:top bare 2>/dev/null
}

# What the last job was asked.
asked() {
        tail -n 1 log | jq -c "$1"
}

@test "pull: closing lines on standard output, progress and warnings on standard error" {
        run --separate-stderr holt pull stack
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == "Digest: sha256:"* ]]
        [ "${lines[1]}" = "Status: Downloaded newer image for stack:latest" ]
        [ "${lines[2]}" = docker.io/library/stack:latest ]
        [ "${stderr_lines[0]}" = "holt: warning: the registry is slow" ]
        [[ ${stderr_lines[1]} =~ ^[0-9a-f]{12}:\ done$ ]]
        run --separate-stderr holt pull stack:latest
        [ "${lines[1]}" = "Status: Image is up to date for stack:latest" ]
        [[ ${stderr_lines[1]} =~ ^[0-9a-f]{12}:\ already\ exists$ ]]
        run --separate-stderr holt pull -q stack
        [ "$output" = docker.io/library/stack:latest ]
        [ "$stderr" = "holt: warning: the registry is slow" ]
}

@test "pull: JSON and no progress" {
        holt pull --progress json bare >/dev/null 2>err
        [ "$(sed 1d err | jq -rs 'map(.state) | join(" ")')" = "waiting transferring done" ]
        [ "$(sed 1d err | jq -s '.[1].done < .[1].total')" = true ]
        run --separate-stderr holt pull --progress none stack
        [ "$stderr" = "holt: warning: the registry is slow" ]
}

@test "pull: bars on a terminal end as a line each" {
        script -qec "stty cols 80; holt pull bare" /dev/null >out
        grep -q $'\033\[J''[0-9a-f]\{12\}: waiting' out
        grep -q '^[^:]*[0-9a-f]\{12\}: done' out
}

@test "pull: what is asked of the registry" {
        holt pull -q --platform linux/arm64 bare:2
        [ "$(asked .job,.parameters.reference,.parameters.name,.parameters.platform)" = \
                $'"pull"\n"docker.io/library/bare:2"\n"docker.io/library/bare:2"\n"linux/arm64"' ]
        run -0 --separate-stderr holt pull -a stack
        [ "$output" = docker.io/library/stack ]
        [ "$(asked .parameters.all_tags,.parameters.name)" = $'true\nnull' ]
        run -0 holt images -q stack
        [ "$output" = "$TOP"$'\n'"$STACK" ]
}

@test "pull: policies" {
        run -1 holt pull --policy never stack
        [ "$output" = "holt: no such image: stack" ]
        [ ! -e log ]
        holt pull -q --policy missing stack
        holt pull -q --policy missing stack
        [ "$(wc -l <log)" -eq 1 ]
        holt pull -q --policy always stack
        [ "$(wc -l <log)" -eq 2 ]
        holt tag stack gone:1
        run -0 --separate-stderr holt pull --policy newer gone:1
        [ "$stderr" = "holt: warning: docker.io/library/gone:1: manifest unknown [31m" ]
        run -1 --separate-stderr holt pull gone:1
        [ "$stderr" = "holt: docker.io/library/gone:1: manifest unknown [31m" ]
}

@test "pull: a short name is looked for in each registry" {
        echo 'unqualified-search-registries = ["one.example", "two.example"]' >registries.conf
        run -1 --separate-stderr holt pull gone
        [ "$stderr" = "holt: one.example/gone:latest: manifest unknown [31m; two.example/gone:latest: manifest unknown [31m" ]
        run -0 --separate-stderr holt pull -q stack
        [ "$output" = one.example/stack:latest ]
}

@test "a transfer that is interrupted leaves nothing" {
        holt pull --progress none slow &
        while [[ ! -s log ]]; do sleep 0.05; done
        kill -INT $! || true
        kill -TERM $!
        wait $! && false
        run -0 holt images -q
        [ -z "$output" ]
}

@test "images: rows, ids, filters" {
        pulled
        holt tag bare team/bare:1
        run -0 holt images --format '{{.Repository}}:{{.Tag}} {{.ID}} {{.CreatedAt}}'
        [ "${lines[0]}" = "stack:top $TOP 2024-03-01 00:00:00 +0000 UTC" ]
        [ "${#lines[@]}" -eq 4 ]
        run -0 holt images
        [[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
        [[ ${lines[3]} =~ ^bare\ +latest\ +$BARE\ +.*\ ago\ +16.5kB$ ]]
        run -0 holt image ls -q --no-trunc team/bare
        [[ $output == "sha256:$BARE"* && ${#output} -eq 71 ]]
        run -0 holt images -qf reference='team/*'
        [ "$output" = "$BARE" ]
        run -0 holt images -qf label=tier=tools
        [ "$output" = "$STACK" ]
        run -0 holt images -qf label=tier -f before=stack:top -f since=bare
        [ "$output" = "$STACK" ]
        run -0 holt images -q --filter until=2024-01-15 'ba?e:*'
        [ "$output" = "$BARE" ]
        run -0 holt images -qf dangling=true
        [ -z "$output" ]
        [ "$(holt images --format json | jq -rs 'map(.Tag) | join(" ")')" = "top latest latest 1" ]
        run -0 holt images --digests --format json bare
        [[ $(jq -r .Digest <<<"$output") == sha256:* ]]
}

@test "tag and rmi: names come and go, the last one takes the image along" {
        pulled
        holt tag stack localhost:5000/web
        run -1 holt rmi "$STACK"
        [ "$output" = "holt: $STACK has several names; -f removes it with all of them" ]
        run -0 holt rmi localhost:5000/web
        [ "$output" = "Untagged: localhost:5000/web:latest" ]
        run -1 holt rmi nothing stack
        [ "${lines[0]}" = "holt: no such image: nothing" ]
        [ "${lines[1]}" = "Untagged: stack:latest" ]
        [[ ${lines[2]} == "Untagged: stack@sha256:"* ]]
        [[ ${lines[3]} == "Deleted: sha256:$STACK"* ]]
        [ "$(find root/layers -type f ! -name '*.recipe' | wc -l)" -eq 3 ]
        run -0 holt rmi -f stack:top nothing "${BARE:0:4}"
        [ "$(find root/layers -type f | wc -l)" -eq 0 ]
        holt pull -q bare 2>/dev/null
        holt pull -q stack 2>/dev/null
        holt tag bare stack
        run -0 holt images --format '{{.ID}} {{.Tag}}' -f dangling=true
        [ "$output" = "$STACK <none>" ]
        run -0 holt rmi --no-prune "$STACK"
        [ "$(find root/layers -type f ! -name '*.recipe' | wc -l)" -eq 1 ]
}

@test "inspect: Docker's form" {
        pulled
        [ "$(holt image inspect stack bare | jq -c '[.[].RepoTags[0]]')" = '["stack:latest","bare:latest"]' ]
        [ "$(holt image inspect stack | jq -c '.[0] | [.Os, .Architecture, .Config.Env, .Config.Entrypoint, (.RootFS.Layers | length)]')" = \
                '["linux","amd64",["PATH=/bin","LANG=C"],null,2]' ]
        run -0 holt image inspect -f '{{.Config.Env}} {{index .Config.Labels "org.x"}} {{len .RootFS.Layers}} {{json .Config.Cmd}}' stack
        [ "$output" = '[PATH=/bin LANG=C] y 2 ["/bin/sh"]' ]
        run -1 --separate-stderr holt image inspect -f '{{.Id}}' nothing bare
        [[ $output == "sha256:$BARE"* ]]
        [ "$stderr" = "holt: no such image: nothing" ]
}

@test "history: newest first, harmless to a terminal" {
        pulled
        run -0 holt history --format '{{.ID}}|{{.CreatedAt}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}' stack
        [ "${lines[0]}" = "$STACK|2024-02-01T00:00:00Z|CMD [31m|0B|end" ]
        [ "${lines[1]}" = "<missing>|2024-02-01T00:00:00Z|add tools xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…|10.2kB|" ]
        [ "${#lines[@]}" -eq 3 ]
        run -0 holt history --human=false --no-trunc --format '{{.Size}} {{len .CreatedBy}}' stack
        [ "${lines[1]}" = "10240 70" ]
        run -0 holt history -q stack
        [ "$output" = "$STACK"$'\n<missing>\n<missing>' ]
}

@test "tree: images share their stem" {
        pulled
        tar -cf other.tar log
        holt import -q other.tar other >/dev/null
        run -0 holt image tree
        [[ ${lines[0]} =~ ^├─\ [0-9a-f]{12}\ .*\ \(other:latest\)$ ]]
        [[ ${lines[1]} =~ ^└─\ [0-9a-f]{12}\ 16.5kB\ \ $BARE\ \(bare:latest\)$ ]]
        [[ ${lines[2]} =~ ^\ \ \ [0-9a-f]{12}\ .*\ $STACK\ \(stack:latest\)$ ]]
        [[ ${lines[3]} =~ ^\ \ \ [0-9a-f]{12}\ .*\ $TOP\ \(stack:top\)$ ]]
        run -0 holt image tree bare
        [ "${#lines[@]}" -eq 1 ]
}

@test "mount: where it says, until it is unmounted; what is mounted stays" {
        [ "$(id -u)" -eq 0 ] || skip "needs root"
        pulled
        run -0 holt image mount stack
        at=$output
        [ "$(head -n 1 "$at/tools.txt") $(head -n 1 "$at/base.txt")" = "tools base" ]
        run touch "$at/x"
        [ "$status" -ne 0 ]
        run -0 holt image mount stack
        [ "$output" = "$at" ]
        [ "$(findmnt -rno TARGET | grep -c "^$at$")" -eq 1 ]
        run -0 holt image mount --format '{{.ID}} {{.Repository}}:{{.Tag}} {{.Mount}}'
        [ "$output" = "$STACK stack:latest $at" ]
        run -1 holt rmi stack
        [ "$output" = "holt: image $STACK is mounted at $at" ]
        run -0 holt image prune -af
        [[ $output != *"sha256:$STACK"* ]]
        run -0 holt image umount stack
        [[ $output == "sha256:$STACK"* ]]
        [ ! -e "$at" ]
        run -1 holt image umount stack
        [ "$output" = "holt: image $STACK is not mounted" ]
        holt image mount stack
        holt image unmount --all
        holt rmi stack
}

@test "prune: asks, and keeps what is named" {
        pulled
        holt tag bare stack
        run -125 --separate-stderr holt image prune <<<y
        [[ -z $output && $stderr == *'without a terminal: --force says yes'* ]]
        run -0 holt image prune --dry-run
        [[ $output == '  image    '* && ${#lines[@]} -eq 1 ]]
        # On a terminal what goes is listed, and asked for.
        typed() { script -qec "holt image prune" /dev/null <<<"$1"; }
        run -0 typed n
        [[ $output == *'would be removed for good'*image*"${STACK:0:12}"*'[y/N]'* && $output != *Deleted* ]]
        run -0 --separate-stderr holt image prune --force
        [ "${lines[0]}" = "Deleted Images:" ]
        [[ ${lines[2]} == "deleted: sha256:$STACK"* ]]
        [[ ${lines[3]} == "Total reclaimed space: "* ]]
        run -0 holt images -q
        [ "${#lines[@]}" -eq 3 ]
        run -0 holt system prune -af --filter label=tier=base --filter label!=none
        [[ $output == *"untagged: bare:latest"* ]]
        run -0 holt images -q
        [ "$output" = "$TOP" ]
        run -0 holt image prune -af --filter until=2024-02-15
        [ "$output" = "Total reclaimed space: 0B" ]
}

@test "system: df and check" {
        pulled
        run -0 holt system df --format '{{.Type}} {{.TotalCount}} {{.Reclaimable}}'
        [ "${lines[0]}" = "Images 3 0B (0%)" ]
        [ "${lines[1]}" = "Layers 3 0B (0%)" ]
        run -0 holt system df -v --format '{{.ID}} {{.SharedSize}} {{.UniqueSize}}'
        [ "${lines[0]}" = "$TOP 32.99kB 12.4kB" ]
        run -0 holt system check
        [ "$output" = "The store is in order" ]
        run -1 --separate-stderr holt system check --verify
        [[ $output =~ ^layer\ sha256:[0-9a-f]{64}:\ its\ archive\ has\ another\ digest$ ]]
        [ "$(asked '.job, (.parameters.layers | length)')" = $'"verify"\n3' ]
        echo >root/layers/stray
        run -0 holt system check --repair
        run -0 holt system check
}

@test "system check: a database that is damaged is made anew from the files" {
        pulled
        before=$(holt images --no-trunc | sort)
        pages=$(($(stat -c %s root/holt.db) / 4096))
        for ((page = 1; page < pages; page++)); do
                printf 'damaged!%.0s' {1..512} | dd of=root/holt.db bs=4096 seek=$page conv=notrunc status=none
        done
        run -1 --separate-stderr holt system check
        [[ $stderr == "holt: the store's database is damaged"*"holt system check --repair"* ]]
        run -0 --separate-stderr holt system check --repair
        [[ ${lines[0]} == "the database was damaged"*" (repaired)" ]]
        [ "$(holt images --no-trunc | sort)" = "$before" ]
        run -0 holt system check
        [ "$output" = "The store is in order" ]
        holt rmi bare
}

@test "holt.conf: what it says is in effect, unless the store or the environment says otherwise" {
        export HOLT_CONF=$PWD/holt.conf
        unset HOLT_VM_POOL
        is_pool() { [ "$(holt system pool --size) $(holt info -f '{{.MachinePool}}')" = "$1 $1" ]; }
        is_pool 1
        holt info | grep -x 'Configuration: no holt.conf'
        holt info | grep -x 'Machine Templates: at most 2GiB'
        printf 'vm.pool = 2\nvm.template_limit = 512m # of the disk\n' >holt.conf
        is_pool 2
        holt info | grep -x "Configuration: $PWD/holt.conf"
        holt info | grep -x 'Machine Templates: at most 512MiB'
        holt system pool 3
        is_pool 3
        HOLT_VM_POOL=4 is_pool 4
        echo vm.pol = 1 >>holt.conf
        run -1 holt system pool --size
        [[ $output == *"holt.conf:3: \"vm.pol\" is no key that is known"* ]]
        run -0 --separate-stderr holt info -f '{{.MachinePool}}'
        [[ $output == 3 && $stderr == *"holt.conf:3: "* ]]
        # What has to do with no machine does not look at it.
        holt images
}

@test "push: to its own name, to another, all tags" {
        pulled
        run -0 --separate-stderr holt push stack
        [[ $output =~ ^latest:\ digest:\ sha256:[0-9a-f]{64}\ size:\ 1234$ ]]
        run -0 --separate-stderr holt push -q --compression zstd --compression-level 9 --chunk-size 16m "$STACK" localhost:5000/x:1
        [ "$output" = localhost:5000/x:1 ]
        [ "$(asked '.parameters | del(.manifest)')" = \
                '{"reference":"localhost:5000/x:1","compression":"zstd","level":9,"chunk_size":16777216}' ]
        run -0 --separate-stderr holt push -aq stack
        [ "$(sort <<<"$output")" = $'docker.io/library/stack:latest\ndocker.io/library/stack:top' ]
        run -1 --separate-stderr holt push -a nothing
        [ "$stderr" = "holt: no such image: nothing" ]
        run -125 --separate-stderr holt push --compression lzma stack
        [ "$stderr" = 'holt: option --compression: invalid value "lzma"; see holt push --help' ]
}

@test "login and logout: credentials are tried and kept" {
        run -0 --separate-stderr holt login -u bob --password-stdin registry.example <<<secret
        [ "$output" = "Login Succeeded" ]
        [ "$(jq -r '.auths["registry.example"].auth' .config/containers/auth.json | base64 -d)" = bob:secret ]
        [ "$(stat -c %a .config/containers/auth.json)" = 600 ]
        run -1 --separate-stderr holt login -u bob --password-stdin --authfile other.json registry.example <<<wrong
        [ "$stderr" = "holt: login to registry.example: unauthorized: incorrect username or password" ]
        [ ! -e other.json ]
        run ! grep -r secret log
        run -0 holt logout registry.example
        [ "$output" = "Removed login credentials for registry.example" ]
        run -1 holt logout https://registry.example/v2/
        [ "$output" = "holt: not logged in to registry.example" ]
}

wait_for() { # TEXT: until the terminal shows it
        for ((i = 0; i < 1200; i++)); do
                grep -q "$1" out && return
                sleep 0.05
        done
}

@test "login: a password that is typed does not appear" {
        : >out
        {
                wait_for Username:
                echo bob
                wait_for Password:
                echo secret
                wait_for Succeeded
        } | script -qefc "holt login registry.example" out >/dev/null
        grep -q "Login Succeeded" out
        grep -q "bob" out
        run grep -c secret out
        [ "$output" = 0 ]
        [ "$(jq -r '.auths["registry.example"].auth' .config/containers/auth.json | base64 -d)" = bob:secret ]
}

@test "search: rows, filters, limits" {
        run -0 holt search deb --format '{{.Name}} {{.StarCount}} {{.IsOfficial}}'
        [ "$output" = $'deb0 10 [OK]\ndeb1 6 \ndeb2 2 ' ]
        [ "$(asked .parameters)" = '{"registry":"docker.io","term":"deb","limit":25}' ]
        run -0 holt search --limit 1 localhost:5000/team/web
        [ "$(asked .parameters)" = '{"registry":"localhost:5000","term":"team/web","limit":1}' ]
        [[ ${lines[1]} =~ ^localhost:5000/team/web0\ +about\ \[31m\ words.*…\ +10\ +\[OK\]$ ]]
        run -0 holt search -f stars=5 -f is-official=false --format '{{.Name}}' deb
        [ "$output" = deb1 ]
        run -125 holt search -f stars=many deb
        [ "$output" = 'holt: option --filter: stars: "many" is no number; see holt search --help' ]
}

@test "save: a file appears when it is complete" {
        pulled
        holt save -qo a.tar stack bare 2>/dev/null || holt save -o a.tar stack bare 2>/dev/null
        [ "$(cat a.tar)" = archive ]
        [ "$(asked '.parameters.format, (.parameters.images | map(.names[0]))')" = \
                $'"docker-archive"\n["docker.io/library/stack:latest","docker.io/library/bare:latest"]' ]
        FETCH_DOUBLE_FAIL=1 run -1 --separate-stderr holt save --progress none -o b.tar stack
        [ "$stderr" = "holt: No space left on device" ]
        [ "$(echo b.tar*)" = "b.tar*" ]
        echo old >b.tar
        FETCH_DOUBLE_FAIL=1 run -1 holt save -o b.tar stack
        [ "$(cat b.tar)" = old ]
        [ "$(holt save --format oci-archive "$STACK" 2>/dev/null)" = archive ]
        [ "$(asked '.parameters.format, .parameters.images[0].names')" = $'"oci-archive"\n["docker.io/library/stack:latest"]' ]
        holt save --format oci-dir -o layout stack
        [ -e layout/oci-layout ]
        run -125 holt save --format oci-dir stack
        [ "$output" = "holt: a directory needs a name: use -o; see holt save --help" ]
        run -1 holt save stack nothing -o c.tar
        [ ! -e c.tar ]
        run script -qec "holt save stack" /dev/null
        [[ $output == "holt: an archive is not for a terminal: use -o or redirect"* ]]
}

@test "load and import: images from archives" {
        echo hello >file
        tar -cf archive.tar file
        run -0 --separate-stderr holt load -i archive.tar
        [ "${lines[0]}" = "Loaded image: loaded:1" ]
        [[ ${lines[1]} == "Loaded image ID: sha256:"* ]]
        run -0 --separate-stderr holt load -q --platform linux/arm64 <archive.tar
        [ -z "$stderr" ]
        [ "$(asked .parameters)" = '{"format":"auto","platform":"linux/arm64"}' ]
        run -0 --separate-stderr holt import -q -c 'CMD ["/bin/sh"]' --change 'ENV A=1 B=2' -m "by hand" archive.tar mine:2
        [[ $output == sha256:* && ${#output} -eq 71 ]]
        run -0 holt image inspect -f '{{.Config.Env}} {{.Config.Cmd}}' mine:2
        [ "$output" = "[A=1 B=2] [/bin/sh]" ]
        run -0 holt history --format '{{.Comment}}' mine:2
        [ "$output" = "by hand" ]
        run -0 --separate-stderr holt import - <archive.tar
        [ "$(asked .parameters.comment,.parameters.name)" = $'"Imported from -"\nnull' ]
}

@test "completion offers the images that exist" {
        pulled
        # shellcheck disable=SC1091
        . "$(dirname "$LAYER_FROM_TAR")/../../src/cli/holt.bash"
        COMP_WORDS=(holt --root "$HOLT_ROOT" rmi sta) COMP_CWORD=4
        unset HOLT_ROOT
        _holt
        [ "${COMPREPLY[*]}" = "stack:top stack:latest" ]
        COMP_WORDS=(holt --root "$PWD/root" history "${BARE:0:3}")
        _holt
        [ "${COMPREPLY[*]}" = "$BARE" ]
}
