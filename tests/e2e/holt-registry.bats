#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The command line of holt with a real registry: what a person does who comes from docker or podman.

# shellcheck disable=SC2154
load images.bash

setup() {
        store_make
        export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
        : >"$CONTAINERS_REGISTRIES_CONF"
}
teardown() { store_finish; }

skopeo_copy() { skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "$@"; }

id_of() { holt image inspect --format '{{.Id}}' "$1"; }

# image_push NAME...: one new image below all names of the registry; the store has nothing of it afterwards.
image_push() {
        local name
        image_make made:1
        for name; do holt push -q made:1 "$REGISTRY/$name" >/dev/null; done
        holt rmi made:1 >/dev/null
}

# index_push NAME: an index of two platforms. It has the digest $INDEX.
index_push() {
        local arch
        layer_tree tree
        tar -C tree --numeric-owner --owner=0 --group=0 -cf base.tar .
        for arch in amd64 arm64; do
                mkdir -p "only-$arch"
                echo "$arch" >"only-$arch/arch"
                tar -C "only-$arch" --numeric-owner --owner=0 --group=0 -cf "$arch.tar" .
        done
        python3 "$BATS_TEST_DIRNAME/oci_image.py" layout multi linux/amd64=base.tar,amd64.tar linux/arm64=base.tar,arm64.tar
        skopeo_copy --all oci:layout:multi "docker://$REGISTRY/$1"
        INDEX=$(skopeo_inspect --raw "docker://$REGISTRY/$1" | sha256sum | sed 's/^/sha256:/; s/ .*//')
}

private_podman() {
        unshare --mount --propagation private podman --root "$WORK/podman" --runroot "$WORK/podman-run" \
                --storage-driver vfs --cgroup-manager cgroupfs "$@"
}

@test "pull: a tag of several platforms has the digest of its index" {
        registry_start
        index_push multi:1
        run -0 --separate-stderr holt pull "$REGISTRY/multi:1"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "${lines[1]}" = "Status: Downloaded newer image for $REGISTRY/multi:1" ]
        id=$(id_of "$REGISTRY/multi:1")
        [ "$(id_of "$REGISTRY/multi@$INDEX")" = "$id" ]
        run -0 holt images --digests --format '{{.Digest}}'
        [ "$output" = "$INDEX" ]
        holt image inspect --format '{{json .RepoDigests}}' "$REGISTRY/multi:1" | grep -F "$REGISTRY/multi@$INDEX"
        run -0 --separate-stderr holt pull "$REGISTRY/multi:1"
        [ "${lines[1]}" = "Status: Image is up to date for $REGISTRY/multi:1" ]

        holt rmi "$REGISTRY/multi:1"
        run -0 --separate-stderr holt pull "$REGISTRY/multi@$INDEX"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "${lines[2]}" = "$REGISTRY/multi@$INDEX" ]
        [ "$(id_of "$REGISTRY/multi@$INDEX")" = "$id" ]
        run -0 holt images --format '{{.Repository}} {{.Tag}}'
        [ "$output" = "$REGISTRY/multi <none>" ]
        run -0 holt rmi "$REGISTRY/multi@$INDEX"
        [[ ${lines[-1]} == "Deleted: $id" ]]
}

@test "pull: for another platform" {
        registry_start
        index_push multi:1
        holt pull -q "$REGISTRY/multi:1"
        run -0 --separate-stderr holt pull --platform linux/arm64 "$REGISTRY/multi:1"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "$(holt image inspect --format '{{.Architecture}}' "$REGISTRY/multi:1")" = arm64 ]
        run -1 --separate-stderr holt pull --platform linux/s390x "$REGISTRY/multi:1"
        [ "$stderr" = "holt: $REGISTRY/multi:1: there is no image for linux/s390x, only for linux/amd64, linux/arm64" ]
}

@test "a short name finds here what a pull of it has brought" {
        registry_start
        image_push team/web:1 team/web:2
        printf '[aliases]\nweb = "%s/team/web"\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
        run -0 --separate-stderr holt pull -q web:1
        [ "$output" = "$REGISTRY/team/web:1" ]
        holt pull -q web:2
        id=$(id_of web:1)
        [ "$(id_of "$REGISTRY/team/web:1")" = "$id" ]
        run -0 holt rmi web:1
        [ "$output" = "Untagged: $REGISTRY/team/web:1" ]
        holt history -q web:2
        holt tag web:2 web:3
        run -0 --separate-stderr holt push -q web:2
        [ "$output" = "$REGISTRY/team/web:2" ]
        holt save -q --format oci-dir -o saved web:2
        grep -F "$REGISTRY/team/web:2" saved/index.json
        run ! grep -F web:3 saved/index.json
        run -1 holt image inspect web:4
        [[ $output == *"no such image: web:4"* ]]
}

@test "names that are also commands are pulled, too" {
        registry_start
        image_push run create
        run -0 --separate-stderr holt pull -q "$REGISTRY/run"
        printf 'unqualified-search-registries = ["%s"]\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
        run -0 --separate-stderr holt pull -q create
        [ "$output" = "$REGISTRY/create:latest" ]
}

@test "run: an image that is not here is pulled, as --pull says" {
        registry_start
        index_push multi:1
        run -125 --separate-stderr holt run --rm --network none --pull never "$REGISTRY/multi:1" true
        [ "$stderr" = "holt: no such image: $REGISTRY/multi:1" ]
        run -0 --separate-stderr holt run --rm --network none "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = amd64 ]
        [ "${stderr_lines[0]}" = "Unable to find image '$REGISTRY/multi:1' locally" ]
        [ "${stderr_lines[-2]}" = "Digest: $INDEX" ]
        [ "${stderr_lines[-1]}" = "Status: Downloaded newer image for $REGISTRY/multi:1" ]
        run -0 --separate-stderr holt run --rm --network none "$REGISTRY/multi:1" busybox cat /arch
        [ -z "$stderr" ]
        run -0 --separate-stderr holt run --rm --network none --pull always "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = amd64 ]
        [ "${stderr_lines[-1]}" = "Status: Image is up to date for $REGISTRY/multi:1" ]

        run -125 --separate-stderr holt run --rm --network none --pull never --platform linux/arm64 "$REGISTRY/multi:1" true
        [ "$stderr" = "holt: the image $REGISTRY/multi:1 that is here is for linux/amd64" ]
        run -0 --separate-stderr holt run --rm --network none -q --platform linux/arm64 "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = arm64 ]
        [ -z "$stderr" ]
        run -125 --separate-stderr holt run --rm --network none "$REGISTRY/multi:2" true
        [ "${stderr_lines[-1]}" = "holt: $REGISTRY/multi:2: manifest 2: it is not there (manifest unknown)" ]
        run -125 --separate-stderr holt run --rm --network none --pull sometimes "$REGISTRY/multi:1"
        [ "$stderr" = 'holt: option --pull: invalid value "sometimes"; see holt run --help' ]
}

@test "pull: by digest, and by tag and digest" {
        registry_start
        image_push web:1
        digest=$(skopeo_inspect --format '{{.Digest}}' "docker://$REGISTRY/web:1")
        run -0 --separate-stderr holt pull "$REGISTRY/web@$digest"
        [ "${lines[0]}" = "Digest: $digest" ]
        [ "${lines[1]}" = "Status: Downloaded newer image for $REGISTRY/web@$digest" ]
        run -0 holt images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}'
        [ "$output" = "$REGISTRY/web <none> $digest" ]
        run -0 --separate-stderr holt pull "$REGISTRY/web:1@$digest"
        [ "${lines[1]}" = "Status: Image is up to date for $REGISTRY/web@$digest" ]
        run -1 --separate-stderr holt pull "$REGISTRY/web@sha256:$(printf '0%.0s' {1..64})"
        [[ $stderr == *"it is not there"* ]]
}

@test "pull and push: all tags" {
        registry_start
        image_push web:1 web:2 web:three
        run -0 --separate-stderr holt pull -a "$REGISTRY/web"
        [ "$output" = "$REGISTRY/web" ]
        run -0 holt images --format '{{.Tag}}' "$REGISTRY/web"
        [ "$(sort <<<"$output")" = $'1\n2\nthree' ]
        holt tag "$REGISTRY/web:1" "$REGISTRY/other:1"
        holt tag "$REGISTRY/web:1" "$REGISTRY/other:2"
        run -0 --separate-stderr holt push -aq "$REGISTRY/other"
        [ "$(sort <<<"$output")" = "$REGISTRY/other:1"$'\n'"$REGISTRY/other:2" ]
        [ "$(skopeo list-tags --tls-verify=false "docker://$REGISTRY/other" | jq -c ".Tags | sort")" = '["1","2"]' ]
}

@test "pull: when a registry is asked" {
        registry_start
        image_push web:1
        web=$REGISTRY/web:1
        holt pull -q --policy missing "$web"
        kill "${PIDS[0]}"
        wait "${PIDS[0]}" || true
        run -0 --separate-stderr holt pull --policy missing "$web"
        [ "$output" = "$web" ]
        [ -z "$stderr" ]
        run -0 --separate-stderr holt pull -q --policy newer "$web"
        [ "$output" = "$web" ]
        [[ $stderr == "holt: warning: $web: "*"onnect"* ]]
        run -1 --separate-stderr holt pull -q "$web"
        [[ $stderr == "holt: $web: "*"onnect"* ]]
        [ "${#stderr_lines[@]}" -eq 1 ]
        run -0 --separate-stderr holt run --rm --network none --pull missing "$web" busybox echo ran
        [ "$output" = ran ]
        run -125 --separate-stderr holt run --rm --network none --pull always "$web" busybox echo ran
        [[ $stderr == "holt: $web: "*"onnect"* ]]
}

@test "login: basic authentication, and what happens without" {
        registry_start bob secret
        image_make web:1
        holt tag web:1 "$REGISTRY/web:1"
        run -1 --separate-stderr holt push -q "$REGISTRY/web:1"
        [[ $stderr == "holt: $REGISTRY/web:1: "*"$REGISTRY wants a login" ]]
        run -1 --separate-stderr holt login -u bob --password-stdin "$REGISTRY" <<<wrong
        [ "$stderr" = "holt: login to $REGISTRY: wrong credentials for $REGISTRY" ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [ "$(cat "$REGISTRY_AUTH_FILE")" = "{}" ]
        run -1 --separate-stderr holt push -q --creds bob:wrong "$REGISTRY/web:1"
        [[ $stderr == *"wrong credentials for $REGISTRY" ]]
        holt push -q --creds bob:secret "$REGISTRY/web:1"

        run -0 --separate-stderr holt login -u bob --password-stdin "$REGISTRY" <<<secret
        [ "$output" = "Login Succeeded" ]
        holt push -q "$REGISTRY/web:1"
        holt rmi "$REGISTRY/web:1"
        holt pull -q "$REGISTRY/web:1"
        # The others find it where holt keeps it.
        skopeo_inspect "docker://$REGISTRY/web:1" >/dev/null
        run -0 --separate-stderr holt run --rm --network none --pull always "$REGISTRY/web:1" busybox echo ran
        [ "$output" = ran ]

        holt logout "$REGISTRY"
        run -1 --separate-stderr holt pull -q "$REGISTRY/web:1"
        [[ $stderr == *"$REGISTRY wants a login" ]]
        run ! grep -r -e secret -e "$(printf bob:secret | base64)" "$WORK/auth.json" "$STORE/holt.db"
}

@test "login: a credential helper keeps what it is given" {
        registry_start bob secret
        image_make web:1
        mkdir -p bin
        cat >bin/docker-credential-test <<'EOF'
#!/bin/bash
store=$(dirname "$0")/kept
case $1 in
store) cat >"$store" ;;
get)
        server=$(cat)
        if ! grep -qsF "\"$server\"" "$store"; then
                echo "credentials not found in native keychain"
                exit 1
        fi
        cat "$store"
        ;;
erase) rm -f "$store" ;;
esac
EOF
        chmod 755 bin/docker-credential-test
        PATH=$WORK/bin:$PATH
        echo '{"credsStore": "test"}' >"$REGISTRY_AUTH_FILE"
        run -1 --separate-stderr holt push -q web:1 "$REGISTRY/web:1"
        holt login -u bob --password-stdin "$REGISTRY" <<<secret
        [ "$(jq -c '[.ServerURL, .Username, .Secret]' bin/kept)" = "[\"$REGISTRY\",\"bob\",\"secret\"]" ]
        run ! grep -e secret -e "$(printf bob:secret | base64)" "$REGISTRY_AUTH_FILE"
        holt push -q web:1 "$REGISTRY/web:1"
        holt pull -q "$REGISTRY/web:1"
        holt logout "$REGISTRY"
        [ ! -e bin/kept ]
        run -1 --separate-stderr holt pull -q "$REGISTRY/web:1"
        printf '#!/bin/sh\necho the keychain is locked\nexit 3\n' >bin/docker-credential-test
        run -1 --separate-stderr holt pull -q "$REGISTRY/web:1"
        [[ $stderr == *"docker-credential-test get failed with exit status 3: the keychain is locked" ]]
}

@test "push: what holt compresses with zstd, skopeo and podman read" {
        local id
        registry_start
        image_make web:1
        id=$(id_of web:1)
        holt push -q --compression zstd --compression-level 5 web:1 "$REGISTRY/web:z"
        [[ $(skopeo_inspect --raw "docker://$REGISTRY/web:z" | jq -r '.layers[0].mediaType') == *tar+zstd ]]
        skopeo_copy "docker://$REGISTRY/web:z" dir:copied
        private_podman pull -q --tls-verify=false "$REGISTRY/web:z"
        [ "sha256:$(private_podman image inspect --format '{{.Id}}' "$REGISTRY/web:z")" = "$id" ]
        holt rmi -f "$id"
        holt pull -q "$REGISTRY/web:z"
        [ "$(id_of "$REGISTRY/web:z")" = "$id" ]
}

@test "pull: an index that podman has made" {
        local arch
        registry_start
        image_make made:1
        for arch in amd64 arm64; do
                holt import -q --platform "linux/$arch" tree.tar "$REGISTRY/part:$arch"
                holt push -q "$REGISTRY/part:$arch"
        done
        private_podman manifest create list:1
        for arch in amd64 arm64; do
                private_podman manifest add --tls-verify=false --arch "$arch" --os linux list:1 "docker://$REGISTRY/part:$arch"
        done
        private_podman manifest push --tls-verify=false --all list:1 "docker://$REGISTRY/list:1"
        holt rmi "$REGISTRY/part:amd64" "$REGISTRY/part:arm64"
        holt pull -q --platform arm64 "$REGISTRY/list:1"
        [ "$(holt image inspect --format '{{.Os}}/{{.Architecture}}' "$REGISTRY/list:1")" = linux/arm64 ]
        holt pull -q "$REGISTRY/list:1"
        [ "$(holt image inspect --format '{{.Os}}/{{.Architecture}}' "$REGISTRY/list:1")" = linux/amd64 ]
}

@test "registries.conf: mirrors first, other locations, what is blocked" {
        registry_start
        image_push team/web:1
        cat >"$CONTAINERS_REGISTRIES_CONF" <<EOF
[[registry]]
prefix = "docker.io/library"
location = "$REGISTRY/team"
[[registry.mirror]]
location = "127.0.0.1:$(free_port)/down"

[[registry]]
prefix = "bad.example"
blocked = true
EOF
        run -0 --separate-stderr holt pull -q web:1
        [ "$output" = docker.io/library/web:1 ]
        [[ $stderr == *"trying $REGISTRY"* ]]
        run -0 holt images --format '{{.Repository}}:{{.Tag}}'
        [ "$output" = web:1 ]
        run -1 --separate-stderr holt pull -q bad.example/web:1
        [ "$stderr" = "holt: bad.example/web:1: registries.conf blocks bad.example" ]
        run -125 --separate-stderr holt run --rm --network none -q bad.example/web:1 true
        echo 'unknown words' >"$CONTAINERS_REGISTRIES_CONF"
        run -1 --separate-stderr holt pull -q web:1
        [[ $stderr == "holt: "*registries.conf* ]]
        holt image inspect web:1 >/dev/null
}

@test "search: what the registry has" {
        registry_start
        image_push team/web:1 team/worker:1 other/thing:1
        run -0 --separate-stderr holt search --format '{{.Name}}' "$REGISTRY/team"
        [ -z "$stderr" ]
        [ "$(sort <<<"$output")" = "$REGISTRY/team/web"$'\n'"$REGISTRY/team/worker" ]
}

@test "--debug: which files, registries and processes are used, and no secret" {
        registry_start bob secret
        image_make web:1
        holt login -u bob --password-stdin "$REGISTRY" <<<secret
        holt push -q web:1 "$REGISTRY/web:1"
        holt rmi web:1
        run -0 --separate-stderr "$HOLT" --debug --root "$STORE" --run "$RUN" run --rm --network none --pull always "$REGISTRY/web:1" busybox echo ran
        [ "$output" = ran ]
        [[ $stderr == *"holt: debug: the store is $STORE, what a boot forgets is in $RUN"* ]]
        [[ $stderr =~ debug:\ process\ [0-9]+\ runs\ .*/holt-fetch:\ pull ]]
        [[ $stderr == *"debug: read $CONTAINERS_REGISTRIES_CONF"* ]]
        [[ $stderr == *"debug: $REGISTRY/web may be had at $REGISTRY/web"* ]]
        [[ $stderr == *"debug: credentials for $REGISTRY: $REGISTRY_AUTH_FILE"* ]]
        [[ $stderr == *"debug: holt-fetch: GET http://$REGISTRY/v2/web/manifests/1: 200"* ]]
        [[ $stderr =~ debug:\ container\ [0-9a-f]{64}, ]]
        run ! grep -e secret -e "$(printf bob:secret | base64)" <<<"$stderr"
}

@test "load: an archive cannot say which digest its image is found by" {
        image_make evil:1
        holt save -q --format oci-dir -o oci evil:1
        jq --arg name "localhost/web@sha256:$(printf '1%.0s' {1..64})" '.manifests[0].annotations = {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": $name}' oci/index.json >index.json
        mv index.json oci/index.json
        holt rmi -f "$(holt images -q)"
        run -1 --separate-stderr holt load -q -i oci
        [[ $stderr == *"is not the digest of image"* ]]
        [ -z "$(holt images -q)" ]
}

@test "pull: through the proxy that the environment names" {
        local port
        registry_start
        image_make proxied:1
        holt tag proxied:1 "$REGISTRY/proxied:1"
        holt push -q "$REGISTRY/proxied:1"
        port=$(free_port)
        "$TESTS/http_proxy.py" "$port" "$REGISTRY" "$WORK/proxy.log" 3>&- &
        PIDS+=($!)
        wait_for_port "$port"
        printf '[[registry]]\nlocation = "registry.test"\ninsecure = true\n' >registries.conf
        export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
        run -1 holt pull -q registry.test/proxied:1
        http_proxy=http://127.0.0.1:$port https_proxy=http://127.0.0.1:$port run -0 holt pull -q registry.test/proxied:1
        grep '^GET http://registry.test/v2/proxied/blobs/' proxy.log
        [[ $(holt images -q registry.test/proxied) == "$(holt images -q proxied:1)" ]]
        http_proxy=http://127.0.0.1:$port no_proxy=registry.test run -1 holt pull -q registry.test/proxied:1
}
