#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Pull, push, login and search against registries that do what bad ones do (registry_server.py) and Docker's own.
# registry_job is a program of the tests' own: the jobs of holt-fetch over a plain directory.

bats_require_minimum_version 1.5.0

E2E=$(realpath "$BATS_TEST_DIRNAME")

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export JOB=$build/tests/store/registry_job
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
        export FILES=$BATS_FILE_TMPDIR
        unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
        cd "$FILES" || return
        mkdir -p a/etc b/data c/data
        echo hello >a/etc/motd
        head -c 3000000 /dev/urandom >b/data/random
        head -c 200000 /dev/zero >c/data/zero
        echo more >c/data/more
        for layer in a b c; do
                tar -C $layer --owner=0 --group=0 --mtime=@0 --sort=name -cf $layer.tar .
        done
        "$E2E/oci_image.py" layout one linux/amd64=a.tar,b.tar,c.tar >one.digest
        "$E2E/oci_image.py" layout mixed linux/amd64=a.tar:none,b.tar:zstd,c.tar:gzip,a.tar:none >mixed.digest
        "$E2E/oci_image.py" layout multi linux/arm64=a.tar linux/amd64=a.tar,c.tar linux/arm/v7=c.tar >multi.digest
}

setup() {
        WORK=$(mktemp -d -t holt-registry.XXXXXX)
        cd "$WORK" || return
        mkdir store home
        export HOME=$WORK/home
        SERVERS=()
}

teardown() {
        local pid
        for pid in "${SERVERS[@]}"; do
                kill "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
        cd /
        rm -rf "$WORK"
}

# serve [-d DIRECTORY] FAULT...: a registry with the images; PORT, REGISTRY, LOG.
serve() {
        local dir=server
        if [ "$1" = -d ]; then
                dir=$2
                shift 2
        fi
        mkdir -p "$dir"
        "$E2E/registry_server.py" "$dir" "$FILES/layout" "$@" 3>&- &
        SERVERS+=($!)
        while ! [ -e "$dir/port" ]; do
                kill -0 "${SERVERS[-1]}" || return
                sleep 0.05
        done
        PORT=$(cat "$dir/port") LOG=$PWD/$dir/log
        REGISTRY=127.0.0.1:$PORT
}

# docker_registry [htpasswd]: Docker's own; PORT, REGISTRY.
docker_registry() {
        command -v docker-registry >/dev/null || skip "no docker-registry"
        PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        REGISTRY=127.0.0.1:$PORT
        cat >registry.yml <<-EOF
        version: 0.1
        log: {level: error}
        storage: {filesystem: {rootdirectory: $WORK/registry}}
        http: {addr: $REGISTRY, secret: tests}
        ${1:+auth: {htpasswd: {realm: test, path: $1\}\}}
EOF
        sed -i 's/^ \{8\}//; s/\\}/}/g' registry.yml
        docker-registry serve registry.yml >registry.log 2>&1 3>&- &
        SERVERS+=($!)
        for _ in {1..1200}; do
                ! curl -s -o /dev/null "http://$REGISTRY/v2/" || return 0
                sleep 0.05
        done
        cat registry.log
        return 1
}

pull() {
        "$JOB" "${STORE:-store}" pull "{\"reference\":\"$REGISTRY/${1:-test/image:one}\",\"name\":\"kept\",\"platform\":\"linux/amd64\"${2:+,$2}}"
}

# push REPOSITORY:TAG [MORE]: what was pulled last.
push() {
        "$JOB" "${STORE:-store}" push \
                "{\"reference\":\"$REGISTRY/$1\",\"manifest\":\"$(grep kept "${STORE:-store}/images" | tail -n 1 | cut -d ' ' -f 1)\"${2:+,$2}}"
}

# The store has the whole image, as the layers of a pull without faults are.
assert_pulled() {
        local layer
        for layer in a b c; do
                [ -s "store/layers/sha256:$(sha256sum <"$FILES/$layer.tar" | cut -d ' ' -f 1)" ]
        done
        grep -qxF "$(cat "$FILES/one.digest") kept" store/images
        [ -z "$(find store -name '.*' -o -name '#*')" ]
}

# Nothing was handed over but what had arrived whole.
assert_not_pulled() {
        [ ! -e store/images ]
        [ -z "$(ls store/blobs)" ]
}

# --- pull ---

@test "pull: gzip, zstd and none, by tag and digest" {
        serve
        pull
        assert_pulled
        pull "test/image@$(cat "$FILES/one.digest")"
        pull test/image:mixed
        # Layers that are there are not fetched again.
        [ "$(grep -c "GET /v2/test/image/blobs/$(jq -r '.layers[1].digest' "store/blobs/$(cat "$FILES/one.digest")")" "$LOG")" = 1 ]
        run ! grep "GET /v2/test/image/blobs/$(jq -r '.layers[1].digest' "store/blobs/$(cat "$FILES/mixed.digest")")" "$LOG"
}

@test "pull: the platform of an index" {
        serve
        run -0 pull test/image:multi
        [[ $output == *'"digest":"sha256:'* ]]
        [ "$(find store/blobs -type f | wc -l)" = 3 ]
        rm -rf store && mkdir store
        run -0 "$JOB" store pull "{\"reference\":\"$REGISTRY/test/image:multi\",\"platform\":\"linux/arm64\"}"
        [ "$(awk '{print $1}' store/images)" = "$(cat "$FILES/multi.digest")" ]
        run -1 "$JOB" store pull "{\"reference\":\"$REGISTRY/test/image:multi\",\"platform\":\"linux/s390x\"}"
        [[ $output == *"there is no image for linux/s390x, only for linux/arm64, linux/amd64, linux/arm"* ]]
}

@test "pull: all tags, page by page" {
        serve pages
        run -0 "$JOB" store pull "{\"reference\":\"$REGISTRY/test/image\",\"all_tags\":true,\"platform\":\"linux/amd64\"}"
        # The name of one that came by an index has the index's digest behind it.
        [ "$(cut -d ' ' -f 2 store/images | cut -d @ -f 1 | sort | xargs)" = \
                "$REGISTRY/test/image:mixed $REGISTRY/test/image:multi $REGISTRY/test/image:one" ]
}

@test "pull: what is not there" {
        serve
        run -1 pull test/none:one
        [[ $output == *"it is not there (manifest_unknown[31m)"* ]]
        run -1 "$JOB" store pull '{"reference":"127.0.0.1:1/a"}'
        [[ $output == *"onnect"* ]]
        run -1 "$JOB" store pull '{"reference":"no-such-host.invalid/a"}'
        assert_not_pulled
}

@test "pull: a cut blob goes on where it was" {
        serve cut=1000000
        pull
        assert_pulled
        grep -q 'blobs/.* 206 - bytes=1000000-' "$LOG"
}

@test "pull: a cut at every 700 kB" {
        serve cut-all=700000
        pull
        assert_pulled
}

@test "pull: a cut blob from a server that sends all of it again" {
        serve cut=1000000 no-range
        pull
        assert_pulled
        run ! grep ' 206 ' "$LOG"
}

@test "pull: a server that lies about parts" {
        serve cut=1000000 lying-range
        run -1 pull
        [[ $output == *"digest"* || $output == *"Bad message"* ]]
        assert_not_pulled
}

@test "pull: a server that sends another part than the one asked for" {
        serve cut=1000000 other-range
        run -1 pull
        [[ $output == *"the server sends another part"* ]]
        assert_not_pulled
}

@test "pull: 503 and 429 pass" {
        serve status='503*2'
        pull
        assert_pulled
        rm -rf store && mkdir store
        serve -d later status='429*1' retry-after=2
        SECONDS=0
        pull
        assert_pulled
        [ $SECONDS -ge 4 ]
}

@test "pull: 503 that does not pass, 429 that asks for too long" {
        serve status='503*99'
        run -1 pull
        [[ $output == *"status 503: toomanyrequests"* ]]
        serve -d later status='429*99' retry-after=100000
        SECONDS=0
        run -1 pull
        [[ $output == *"too many requests"* ]]
        [ $SECONDS -lt 20 ]
}

@test "pull: wrong digests" {
        serve flip
        run -1 pull
        assert_not_pulled
        serve -d manifest flip-manifest
        run -1 pull
        [[ $output == *"has the digest"* ]]
        run -1 pull "test/image@$(cat "$FILES/one.digest")"
        [[ $output == *"has the digest"* ]]
        serve -d lying lying-digest
        run -1 pull
        [[ $output == *"has the digest"* ]]
        assert_not_pulled
}

@test "pull: wrong lengths" {
        local fault
        for fault in longer shorter; do
                serve -d $fault $fault
                run -1 pull
                [[ $output == *"has not the size"* ]]
                assert_not_pulled
        done
        # Nobody says here that the end is missing; the rest is asked for.
        serve -d short-end short-end
        pull
        assert_pulled
}

@test "pull: manifests without an end" {
        serve endless-headers
        run -1 pull
        [[ $output == *"bytes of headers"* ]]
        serve -d body endless-body
        run -1 pull
        [[ $output == *"longer than the 4194304 bytes"* ]]
        serve -d huge huge-manifest
        run -1 pull
        [[ $output == *"file size"* ]]
        assert_not_pulled
}

@test "pull: redirections keep credentials at home" {
        serve redirect=127.0.0.2 basic=user:secret
        TEST_USER=user TEST_PASSWORD=secret pull
        assert_pulled
        grep -q '^GET /elsewhere/.* 200 - ' "$LOG"
        run ! grep '^GET /elsewhere/.* Basic' "$LOG"
}

@test "pull: redirections to nowhere good" {
        local fault
        for fault in loop nowhere file; do
                serve -d $fault $fault
                run -1 pull
                [[ $output == *"redirects"* || $output == *"another kind"* || $output == *"404"* ||
                        $output == *"not there"* ]]
                assert_not_pulled
        done
}

# --- logins ---

@test "login: basic" {
        serve basic=user:secret
        run -1 pull
        [[ $output == *"wants a login"* ]]
        TEST_USER=user TEST_PASSWORD=wrong run -1 pull
        [[ $output == *"wrong credentials"* ]]
        TEST_USER=user TEST_PASSWORD=secret pull
        assert_pulled
        TEST_USER=user TEST_PASSWORD=secret run -0 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
        [ "$output" = '{}' ]
        TEST_USER=user TEST_PASSWORD=wrong run -1 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
        [[ $output == *"wrong credentials"* ]]
        run -1 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
}

@test "login: tokens" {
        serve bearer=user:secret expired
        run -1 pull
        [[ $output == *"it may need a login"* ]]
        TEST_USER=user TEST_PASSWORD=secret pull
        assert_pulled
        TEST_USER=user TEST_PASSWORD=wrong run -1 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
        [[ $output == *"wrong credentials"* ]]
}

@test "login: tokens for anybody, shared by the threads" {
        serve bearer=
        pull
        assert_pulled
        [ "$(grep -c '^GET /token' "$LOG")" = 1 ]
}

@test "login: identity tokens" {
        serve bearer=user:secret identity
        TEST_USER=user TEST_PASSWORD=secret run -0 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
        [ "$output" = '{"identity_token":"the identity"}' ]
        TEST_IDENTITY='the identity' pull
        assert_pulled
        TEST_IDENTITY='another' run -1 "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
}

@test "login: certificates" {
        openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=test \
                -addext subjectAltName=IP:127.0.0.1 2>/dev/null
        serve tls="$PWD/cert:$PWD/key" bearer=user:secret
        export TEST_USER=user TEST_PASSWORD=secret TEST_ENDPOINTS=$REGISTRY/test/image
        run -1 pull
        [[ $output == *certificate* ]]
        assert_not_pulled
        TEST_ENDPOINTS=$REGISTRY/test/image! pull
        assert_pulled
        rm -rf store && mkdir -p store "$HOME/.config/containers/certs.d/$REGISTRY"
        cp cert "$HOME/.config/containers/certs.d/$REGISTRY/ca.crt"
        pull
        assert_pulled
}

@test "login: credentials go to no token service in plain text" {
        openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=test \
                -addext subjectAltName=IP:127.0.0.1 2>/dev/null
        serve -d plain bearer=user:secret
        local realm=http://$REGISTRY/token
        serve -d secure tls="$PWD/cert:$PWD/key" bearer=user:secret realm="$realm"
        mkdir -p "$HOME/.docker/certs.d/$REGISTRY"
        cp cert "$HOME/.docker/certs.d/$REGISTRY/ca.crt"
        TEST_ENDPOINTS=$REGISTRY/test/image TEST_USER=user TEST_PASSWORD=secret run -1 pull
        [[ $output == *"is not https"* ]]
        run ! grep token plain/log
}

# --- mirrors ---

@test "mirrors: the next one when one fails" {
        serve -d good
        local good=$REGISTRY
        serve -d bad status='404*99'
        TEST_ENDPOINTS="127.0.0.1:1/test/image! $REGISTRY/test/image! $good/test/image!" run -0 pull
        [[ $output == *"warning: "*"trying $REGISTRY"* ]]
        [[ $output == *"warning: "*"trying $good"* ]]
        assert_pulled
        # The place that had the manifest is asked first for the rest.
        run ! grep blobs bad/log
}

@test "mirrors: a blob goes on elsewhere" {
        serve -d good
        local good=$REGISTRY
        # Nothing more comes of this one after the first cut.
        serve -d cut cut=1000000 other-range
        TEST_ENDPOINTS="$REGISTRY/test/image! $good/test/image!" run -0 pull
        assert_pulled
        grep -q 'bytes=1000000-' good/log
}

@test "mirrors: wrong content is fetched anew elsewhere" {
        serve -d good
        local good=$REGISTRY
        serve -d bad flip
        TEST_ENDPOINTS="$REGISTRY/test/image! $good/test/image!" run -0 pull
        [[ $output == *"trying elsewhere"* ]]
        assert_pulled
}

# --- push ---

@test "push: what is there is not sent" {
        serve
        pull
        run -0 push test/image:again
        [[ $output == *"$(cat "$FILES/one.digest")"* ]]
        run ! grep -E '^(PUT|PATCH|POST) .*blobs' "$LOG"
}

@test "push: mounts, or not" {
        serve
        pull
        run -0 push other/image:1
        [[ $output == *"$(cat "$FILES/one.digest")"* ]]
        # A registry's blobs are everybody's here: it is asked for none by HEAD that it would have to mount.
        serve -d second no-head
        STORE=second-store && mkdir second-store
        pull
        run -0 push other/image:1
        [[ $output == *" mounted "* ]]
        serve -d third no-head no-mount
        rm -rf second-store && mkdir second-store
        pull
        run -0 push other/image:1
        [[ $output == *" done "* ]]
}

# pushed FAULT...: an image whose blobs the registry does not have, with these faults, comes back the same.
pushed() {
        local more=$1
        shift
        serve -d first
        pull
        rm -f store/known/*
        serve -d second "$@"
        run -0 push other/image:1 "\"compression\":\"zstd\"${more:+,$more}"
        [[ $output == *" done "* ]]
        STORE=back && rm -rf back && mkdir back
        pull other/image:1
        STORE=store
        diff -r store/layers back/layers
}

@test "push: packed, in one piece" {
        pushed ''
        run ! grep PATCH "$LOG"
}

@test "push: in chunks" {
        pushed '"chunk_size":1000000'
        [ "$(grep -c PATCH "$LOG")" -ge 4 ]
}

@test "push: cut in one piece" {
        pushed '' cut-upload=1500000
        grep -q '^PATCH .* 202 - 1500000-' "$LOG"
}

@test "push: cut in a chunk" {
        pushed '"chunk_size":2000000' cut-upload=1500000
        grep -q '^PATCH .* 202 - 1500000-' "$LOG"
}

@test "push: an answer that does not come" {
        pushed '' lost-answer
}

@test "push: a session that is forgotten" {
        pushed '"chunk_size":1000000' lost-session
}

@test "push: too large in one piece" {
        pushed '"chunk_size":500000' chunks=500000
        serve -d third chunks=500000
        run -1 push other/image:2 '"compression":"zstd"'
        [[ $output == *"413"* ]]
}

@test "push: with a login" {
        serve -d first
        pull
        rm -f store/known/*
        serve -d second bearer=user:secret
        run -1 push other/image:1
        TEST_USER=user TEST_PASSWORD=secret push other/image:1 '"compression":"zstd"'
}

# --- search ---

@test "search: by the old way and by the catalog" {
        serve old-search
        run -0 "$JOB" store search "{\"registry\":\"$REGISTRY\",\"term\":\"a b&c\"}"
        [ "${lines[0]}" = '{"name":"found/a b&c","description":"a \u001b thing","stars":7,"official":true}' ]
        [ "${#lines[@]}" = 2 ]
        run -0 "$JOB" store search "{\"registry\":\"$REGISTRY\",\"term\":\"x\",\"limit\":1}"
        [ "${#lines[@]}" = 1 ]
        serve -d second
        run -0 "$JOB" store search "{\"registry\":\"$REGISTRY\",\"term\":\"ima\"}"
        [ "$output" = '{"name":"test/image","description":"","stars":0,"official":false}' ]
        run -0 "$JOB" store search "{\"registry\":\"$REGISTRY\",\"term\":\"nothing\"}"
        [ "$output" = '' ]
}

@test "search: lists without an end, and on other hosts" {
        serve endless-pages
        run -1 "$JOB" store search "{\"registry\":\"$REGISTRY\",\"term\":\"none\"}"
        [[ $output == *"more than 1000 pages"* ]]
        serve -d evil evil-page
        run -1 "$JOB" store pull "{\"reference\":\"$REGISTRY/test/image\",\"all_tags\":true}"
        [[ $output == *"on another server"* ]]
}

# --- Docker's registry, and others' tools ---

@test "docker-registry: an image goes around" {
        docker_registry
        skopeo copy -q --dest-tls-verify=false "oci:$FILES/layout:one" "docker://$REGISTRY/team/one:1"
        pull team/one:1
        assert_pulled
        run -0 push team/one:2
        [[ $output == *"$(cat "$FILES/one.digest")"* ]]
        run -0 push other/one:1
        [[ $output == *" mounted "* ]]
        rm -f store/known/*
        push packed/one:1 '"compression":"zstd"'
        push chunks/one:1 '"compression":"gzip","level":1,"chunk_size":700000'
        for name in team/one:2 other/one:1 packed/one:1 chunks/one:1; do
                rm -rf layout back && mkdir back
                skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/$name" oci:layout:it
                STORE=back pull "$name"
                diff -r store/layers back/layers
        done
}

@test "docker-registry: with a login" {
        docker_registry "$PWD/htpasswd"
        python3 -W ignore -c 'import crypt; print("user:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >htpasswd
        run -1 pull team/one:1
        [[ $output == *"wants a login"* ]]
        export TEST_USER=user TEST_PASSWORD=secret
        skopeo copy -q --dest-tls-verify=false --dest-creds user:secret "oci:$FILES/layout:one" "docker://$REGISTRY/team/one:1"
        pull team/one:1
        assert_pulled
        rm -f store/known/*
        push team/two:1 '"compression":"zstd"'
        "$JOB" store login "{\"registry\":\"$REGISTRY\"}"
}
