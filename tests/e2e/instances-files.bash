# SPDX-License-Identifier: Apache-2.0
#
# What the tests of instances' files share: a store of the file's own with a small image "box".
#
#   $HOLT  the program under test (default: holt beside $RUNTIME)
#
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

files_setup() {
        HOLT=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        HOLT_ROOT=$(mktemp -d -t holt-files.XXXXXX)
        HOLT_RUN=$HOLT_ROOT/run
        export HOLT HOLT_ROOT HOLT_RUN
        mkdir "$HOLT_RUN"
        rootfs_make "$BATS_FILE_TMPDIR/rootfs"
        (
                cd "$BATS_FILE_TMPDIR/rootfs" || exit
                mkdir -p data/sub etc
                echo content >data/file
                ln data/file data/linked
                ln -s file data/symlink
                truncate -s 1M data/sparse
                chown -R 7:8 data
                chmod 2750 data
                setfattr -n user.kept -v yes data/file
                echo 0123456789abcdef0123456789abcdef >etc/machine-id
        )
        tar --xattrs -C "$BATS_FILE_TMPDIR/rootfs" -c . | "$HOLT" import -q - box >/dev/null
}

files_teardown() {
        local dir
        [ -n "$HOLT_ROOT" ] || return 0
        "$HOLT" rm -f -v --all >/dev/null
        for dir in "$HOLT_RUN"/layers/*; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
        ! mountpoint -q "$HOLT_RUN/layers" || umount "$HOLT_RUN/layers"
        rm -rf "$HOLT_ROOT"
        ! grep -F "$HOLT_ROOT" /proc/self/mountinfo
}

h() { timeout 60 "$HOLT" "$@" 3>&-; }
# create and run take the same options.
create() { h create --network none "$@" >/dev/null; }
start() { h run -d --network none "$@" >/dev/null; }
once() { h run --rm --network none "$@"; }

is() { # OUTPUT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

# mounts_make: a mount namespace for the file's tests. inside COMMAND...: in it. holt_inside [OPTION...]: from now on
# $HOLT runs in it; $HOLT_REAL is the program itself. At the end: kill "$MOUNTS".
mounts_make() {
        unshare --mount --propagation private sleep 1000 3>&- &
        MOUNTS=$!
        export MOUNTS
        until [[ $(readlink "/proc/$MOUNTS/ns/mnt") != "$(readlink /proc/self/ns/mnt)" ]]; do sleep 0.05; done
}
inside() { nsenter -t "$MOUNTS" -m -- "$@"; }
holt_inside() {
        HOLT_REAL=$(realpath "${HOLT:-$(dirname "${RUNTIME:-build/holt-oci}")/holt}")
        HOLT=$BATS_FILE_TMPDIR/holt
        export HOLT HOLT_REAL
        {
                printf '#!/bin/sh\nexec nsenter -t %s -m -- "%s"' "$MOUNTS" "$HOLT_REAL"
                (($# == 0)) || printf ' "%s"' "$@"
                # shellcheck disable=SC2016
                printf ' "$@"\n'
        } >"$HOLT"
        chmod +x "$HOLT"
}
