#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images from a distribution's own packages: a few packages that are only unpacked, so that it is quick.

load images.bash

setup() { store_make; }
teardown() { store_finish; }

bootstrap() { holt image bootstrap -q --variant extract --include busybox-static "$@"; }

@test "the same packages at the same epoch are the same image, and it runs, without an identity" {
        local first second
        export SOURCE_DATE_EPOCH=1700000000
        first=$(bootstrap debian:12)
        second=$(bootstrap --include base-files -t team/base:1 debian:bookworm)
        [[ $first == sha256:* && $first != "$second" ]]
        [[ $(bootstrap debian:12) == "$first" ]]
        [[ $(holt images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' ') == "debian:12 team/base:1 " ]]
        [[ $(holt image inspect --format '{{.Created}} {{.Config.Cmd}}' debian:12) == "2023-11-14T22:13:20Z"*"/bin/bash"* ]]
        [[ $(holt run --rm --network none debian:12 /bin/busybox echo hello) == hello ]]
        [[ $(holt run --rm --network none team/base:1 /bin/busybox cat /etc/debian_version) == 12.* ]]
        # Each clone gets its own.
        [[ $(holt run --rm --network none team/base:1 /bin/busybox sh -c 'busybox wc -c </etc/machine-id') == 0 ]]
}

@test "what cannot be made leaves nothing, and says why" {
        run ! holt image bootstrap -q debian:99
        [[ $output == *"unknown release"* ]]
        run ! holt image bootstrap -q arch:1
        [[ $output == *"only debian and ubuntu"* ]]
        run ! holt image bootstrap -q --include=--option=x debian:12
        [[ $output == *"no package's name"* ]]
        run ! holt image bootstrap -q --variant extract --include there-is-no-such-package debian:12
        [[ $output == *"Unable to locate package there-is-no-such-package"*"mmdebstrap ended"* ]]
        [[ -z $(holt images -aq) ]]
        holt system check
        PATH=$WORK run ! "$HOLT" --root "$STORE" --run "$RUN" image bootstrap -q debian:12
        [[ $output == *"apt install mmdebstrap"* ]]
}
