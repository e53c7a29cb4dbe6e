#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Layers mounted once on the host and joined by overlays, by a program of the tests' own (tests/store/mount_tool.c): in
# each way that this kernel has, and in the ways of older kernels. KILLS, KILLS_APART: how often one is killed, each time so
# many tenths of a millisecond later.

bats_require_minimum_version 1.5.0
load wait

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export TOOL=$build/tests/store/mount_tool LAYER_FROM_TAR=$build/tests/store/layer_from_tar
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
        LAYERS=$(mktemp -d -t holt-mounts.XXXXXX)
        export LAYERS
        local i
        # A test machine takes its time for each process.
        mkdir -p "$LAYERS"/trees/{1..120}/common
        for i in {1..120}; do echo "$LAYERS/trees/$i/dir-$i"; done | xargs mkdir
        for i in {1..120}; do
                cd "$LAYERS/trees/$i" || return
                echo "$i" >common/last
                echo "$i" >"common/file-$i"
                echo "$i" >"dir-$i/file"
                [ "$i" -ne 3 ] || head -c 3000000 /dev/urandom >large
                [ "$i" -ne 5 ] || install -m 4755 /bin/true setuid
                [ "$i" -ne 7 ] || touch common/.wh.file-6 .wh.dir-6
                tar -cf - . | "$LAYER_FROM_TAR" "$LAYERS/$i"
        done
        cd /
}

teardown_file() {
        rm -rf "$LAYERS"
}

setup() {
        WORK=$(mktemp -d -t holt-mounts.XXXXXX)
        cd "$WORK" || return
        mkdir run target upper work
}

# Whatever a test leaves at its own places goes; what is anywhere else is the test's failure.
teardown() {
        local dir
        cd /
        ! mountpoint -q "$WORK/target" || umount "$WORK/target"
        for dir in "$WORK"/run/layers/*; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
        ! mountpoint -q "$WORK/run/layers" || umount "$WORK/run/layers"
        rm -rf "$WORK"
        ! grep -F "$WORK" /proc/self/mountinfo
        wait_for 5 has_no_loop "$LAYERS"
        wait_for 5 has_no_loop "$WORK"
}

# The kernel lets a device go a little later than its mount.
has_no_loop() { ! losetup -n -O BACK-FILE | grep -F "$1"; }

layers() { # LAST
        seq -f "$LAYERS/%.0f" "$1"
}

# image_of LAST [OPTION...]: a writable overlay at target/.
image_of() {
        local last=$1
        shift
        # shellcheck disable=SC2046 # one word each
        "$TOOL" "$@" run image target upper work $(layers "$last")
}

looks_right() { # LAST
        [ "$(cat target/common/last)" = "$1" ]
        [ "$(find target/common -name 'file-*' | wc -l)" -eq $(($1 - ($1 > 6))) ]
        [ "$(cat target/dir-1/file)" = 1 ]
        [ "$1" -lt 7 ] || [ ! -e target/dir-6 ]
        [ "$(stat -c %a target/setuid)" = 4755 ]
        echo new >target/dir-1/file
        [ "$(cat target/dir-1/file upper/dir-1/file)" = "$(printf 'new\nnew')" ]
        mv target/dir-2 target/moved
        [ "$(cat target/moved/file)" = 2 ]
        [ "$(stat -c %d target/large)" = "$(stat -c %d target)" ]
}

mounts_of() { # PLACE
        awk -v p="$WORK/$1" '$5 == p' /proc/self/mountinfo | wc -l
}

@test "an image of ten layers" {
        image_of 10 -v
        looks_right 10
        findmnt -n -o OPTIONS target | grep -q volatile
        [ "$(stat -c %a run/layers)" = 700 ]
}

@test "an image of 120 layers" {
        image_of 120
        looks_right 120
}

# This kernel knows nothing else.
takes_one_page() {
        "$TOOL" run image target - - "$LAYERS/1" "$LAYERS/2"
        umount target
        [ "$(readlink run/layers/.overlay)" = page ]
}

@test "120 layers, named one by one, as Linux 6.5 has it" {
        ! takes_one_page || skip "this kernel takes one page"
        image_of 120 -o name
        looks_right 120
}

@test "120 layers in one page, as before that" {
        ! takes_one_page || skip "that was done by itself"
        image_of 120 -o page
        looks_right 120
        [ "$(mounts_of run/layers/.place)" -eq 0 ]
}

@test "layers by loop devices, which go with the mounts" {
        image_of 10 -l
        looks_right 10
        [ "$(losetup -n -O BACK-FILE,RO,AUTOCLEAR | grep -F "$LAYERS" | awk '$2 == 1 && $3 == 1' | wc -l)" -eq 10 ]
        umount target
        for i in {1..10}; do "$TOOL" run remove "$i"; done
        wait_for 5 has_no_loop "$LAYERS"
}

@test "without an upper directory it is read-only" {
        "$TOOL" run image target - - "$LAYERS/1" "$LAYERS/2"
        [ "$(cat target/common/last)" = 2 ]
        run ! touch target/new
}

@test "a clone of one layer" {
        "$TOOL" run layer target "$LAYERS/5"
        [ "$(cat target/common/last)" = 5 ]
        run ! touch target/new
        [ "$(stat -c %a target/setuid)" = 4755 ]
}

@test "each layer is mounted once, however many want it at once" {
        # shellcheck disable=SC2046 # one word each
        "$TOOL" run get 12 $(layers 10)
        [ "$(mounts_of run/layers)" -eq 1 ]
        for i in {1..10}; do [ "$(mounts_of "run/layers/$i")" -eq 1 ]; done
}

@test "what is mounted shows up in no other namespace, also where the host passes mounts on" {
        mount -t tmpfs none target
        mount --make-shared target
        mkdir target/run
        unshare --mount --propagation unchanged sleep 100 &
        local other=$! i
        for i in {1..1000}; do
                [ "$(readlink /proc/self/ns/mnt)" = "$(readlink "/proc/$other/ns/mnt")" ] || break
                sleep 0.02
        done
        "$TOOL" target/run get 1 "$LAYERS/1"
        grep -F "target/run/layers/1 " /proc/self/mountinfo
        run ! grep -F "target/run/layers/1 " "/proc/$other/mountinfo"
        kill "$other"
        wait "$other" || true
        umount target/run/layers/1
        umount target/run/layers
}

@test "a layer that was removed and made again is mounted again" {
        cp "$LAYERS/1" run/one
        "$TOOL" run layer target run/one
        umount target
        rm run/one
        cp "$LAYERS/2" run/one
        "$TOOL" run layer target run/one
        [ "$(cat target/common/last)" = 2 ]
        [ "$(mounts_of run/layers/one)" -eq 1 ]
}

@test "removing the layer's mount leaves its users theirs" {
        image_of 10
        for i in {1..10}; do "$TOOL" run remove "$i"; done
        [ "$(findmnt -rn -o TARGET | grep -c "$WORK/run/layers")" -eq 1 ]
        looks_right 10
        "$TOOL" run remove 1
        "$TOOL" run remove nothing
}

@test "two clones share what is cached, and the layer's own file is not cached as well" {
        "$TOOL" run cached "$LAYERS/3" large >out
        cat out
        [ "$(sed -n 's/^clone //p' out)" = '733 of 733' ]
        [ "$(readlink run/layers/.layer)" = directio ] || skip "this kernel reads layers through their files"
        [ "$(sed -n 's/^layer \([0-9]*\) .*/\1/p' out)" -lt 100 ]
}

# A process that was killed has let nothing go before it has ended.
let_go() {
        local i
        for i in {1..100}; do
                ! mountpoint -q "$1" || umount "$1" 2>/dev/null || { sleep 0.05; continue; }
                return
        done
        umount "$1"
}

@test "kill -9 at any instant: the next one works, and nothing is left" {
        local i delay
        # shellcheck disable=SC2046 # one word each
        for ((i = 1; i <= ${KILLS:-60}; i++)); do
                printf -v delay '0.%04d' $((i * ${KILLS_APART:-2}))
                local how=()
                [ $((i % 2)) -eq 0 ] || how=(-l -o page)
                timeout -s KILL "$delay" "$TOOL" "${how[@]}" run image target upper work $(layers 10) 2>/dev/null || true
                let_go target
                [ $((i % 3)) -ne 0 ] || for dir in run/layers/.place run/layers/*; do let_go "$dir"; done
        done
        image_of 10
        looks_right 10
        [ "$(mounts_of run/layers)" -eq 1 ]
        for i in {1..10}; do [ "$(mounts_of "run/layers/$i")" -eq 1 ]; done
        umount target
        image_of 10 -o page
        [ "$(mounts_of run/layers/.place)" -eq 0 ]
}

@test "a file that is no layer is refused" {
        head -c 100000 /dev/zero >zero
        run "$TOOL" run layer target zero
        [ "$status" -eq 1 ]
        [[ $output == *'mount layer zero'* ]]
        run "$TOOL" run image target - - "$LAYERS/1"
        [ "$status" -eq 1 ]
}
