# SPDX-License-Identifier: Apache-2.0
#
# What the tests of an ordinary user share: uid 12345, who has no rights and, where a test says nothing else, a range of
# subordinate ids. The host knows nothing of him: for his processes alone, other files lie over those of /etc.
#
#   $PLACE  holt and its kin where he can reach them     $WORK  this test's directory, his own     $HOLT  the program
#
# shellcheck shell=bash

load helpers

user_make() {
        HOLT=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        PLACE=$(mktemp -d -t holt-rootless.XXXXXX)
        chmod 755 "$PLACE"
        export PLACE HOLT=$PLACE/holt
        # He may not be able to reach where they were built.
        install -m 755 -t "$PLACE" "$(dirname "$RUNTIME")"/{holt,holt-shim,holt-init,holt-workload,tests/store/image_add}
        [ ! -e "$(dirname "$RUNTIME")/holt-fetch" ] || install -m 755 -t "$PLACE" "$(dirname "$RUNTIME")/holt-fetch"
        mkdir "$PLACE/etc"
        { cat /etc/passwd && echo "he:x:12345:12345::$PLACE:/bin/sh"; } >"$PLACE/etc/passwd"
        ranges he:200000:65536
        user true
        user unshare -U true || skip 'this kernel makes no user namespaces for ordinary users'
        command -v newuidmap >/dev/null || skip 'newuidmap is not installed'
}

user_remove() {
        rm -rf "$PLACE"
        ! grep -F "$PLACE" /proc/self/mountinfo
}

user_setup() {
        WORK=$(mktemp -d "$PLACE/test.XXXXXX")
        mkdir "$WORK"/{root,run}
        chown -R 12345:12345 "$WORK"
        chmod 755 "$WORK"
        ranges he:200000:65536
        cd "$WORK" || return
}

user_teardown() {
        cd /
        nothing_left
        nobody_left
        rm -rf "$WORK"
}

ranges() { # LINE...
        printf '%s\n' "$@" | tee "$PLACE/etc/subuid" >"$PLACE/etc/subgid"
}

# user COMMAND...: in the network of NETNS, a process, if that is set. Everybody may use /dev/net/tun, as on most hosts.
user() {
        # shellcheck disable=SC2016 # that shell's own
        ${NETNS:+nsenter --net --target "$NETNS"} unshare --mount --propagation private bash -c '
                for file in passwd subuid subgid; do mount --bind "$PLACE/etc/$file" "/etc/$file" || exit; done
                ! [ -c /dev/net/tun ] || { mount -t tmpfs none /dev/net && mknod -m "${TUN_MODE:-666}" /dev/net/tun c 10 200; }
                exec setpriv --reuid 12345 --regid 12345 --clear-groups "$@"' - \
                env HOME="${WORK-$PLACE}" HOLT_ROOT="${WORK-$PLACE}/root" HOLT_RUN="${WORK-$PLACE}/run" "$@" 3>&- 4>&-
}

nothing_left() {
        local files
        files=$(find "$WORK/root/instances" "$WORK/run/containers" -mindepth 1 ! -path '*/.cache*' 2>/dev/null) || true
        [ -z "$files" ] || { echo "left: ${files:0:2000}"; return 1; }
        ! grep -F "$WORK" /proc/self/mountinfo || return 1
        # What is removed with an image goes a little later.
        for _ in {1..600}; do
                files=$(find "$WORK/root/unpacked" -mindepth 1 -maxdepth 1 -name '*.*' 2>/dev/null) || true
                [ -n "$files" ] || return 0
                sleep 0.1
        done
        echo "left: $files"
        return 1
}

# A shim ends a little after it has told of the end of its instance.
nobody_left() {
        local tries
        for tries in {1..600}; do
                pgrep -f "^holt-shim run $WORK/root " >/dev/null || return 0
                sleep 0.05
        done
        echo "left after $tries: $(pgrep -af "^holt-shim run $WORK/root ")"
        return 1
}

is() { # TEXT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

# image NAME ARCHIVE...: entered by the user, or by whom WHO says.
image() {
        local name=$1 archive ids=() config
        shift
        for archive; do ids+=("sha256:$(sha256sum <"$archive" | cut -c 1-64)"); done
        jq -n '{architecture: "amd64", os: "linux", config: {Cmd: ["true"], Env: ["PATH=/bin:/sbin"]},
                rootfs: {type: "layers", diff_ids: $ARGS.positional}}' --args "${ids[@]}" >"$WORK/config"
        config=sha256:$(sha256sum <"$WORK/config" | cut -c 1-64)
        jq -n --arg config "$config" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
                config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: 1},
                layers: $ARGS.positional | map({mediaType: "application/vnd.oci.image.layer.v1.tar", digest: ., size: 1})}' \
                --args "${ids[@]}" >"$WORK/manifest"
        ${WHO:-user} "$PLACE/image_add" "$name" "sha256:$(sha256sum <"$WORK/manifest" | cut -c 1-64)" "$WORK/manifest" \
                "$WORK/config" "$@"
}
