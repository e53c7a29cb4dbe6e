#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A guest that speaks FUSE to holt-share as no kernel would.

bats_require_minimum_version 1.5.0
: "${RUNTIME:=$(git -C "$BATS_TEST_DIRNAME" rev-parse --show-toplevel)/build/holt-oci}"

setup() {
        BUILD=$(dirname "$(realpath "$RUNTIME")")
        cd "$BATS_TEST_TMPDIR" || return
        mkdir -p share/sub ro outside
        echo secret >outside/secret
        echo inside >share/file
        echo 'read only' >ro/file
        ln -s ../outside share/away
        ln -s ../outside/secret share/link
        mkfifo share/fifo
        mknod share/null c 1 3
        echo whole >single
}

@test "nothing of what a hostile guest says leads out of its directories, or harms the server" {
        run -0 timeout 60 unshare -m python3 "$BATS_TEST_DIRNAME/hostile_guest.py" "$BUILD" "$PWD"
        echo "$output"
        [ "$(cat outside/secret)" = secret ]
        [ "$(cat ro/file)" = 'read only' ]
        [ "$(find outside ro | sort | tr '\n' ' ')" = 'outside outside/secret ro ro/file ' ]
        [ -z "$(find . -type b -o -type c ! -name null)" ]
}
