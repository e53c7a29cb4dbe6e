#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Guests that lie. A machine's files come as archives and lists that its guest makes, and who has broken into the guest
# says what he likes: names beside what was asked for and links that lead out of it (kubectl cp: CVE-2018-1002100,
# CVE-2019-1002101, CVE-2019-11246), devices, bytes without end, words for the terminal. Nothing is booted: lying_vm
# stands in the place of holt-vm.

load ../e2e/images
load ../e2e/machines

setup_file() {
        BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME/../e2e store_make
        mkdir "$WORK/bin" "$WORK/path"
        for name in holt holt-fetch holt-shim holt-agent holt-init; do cp "$BUILD/$name" "$WORK/bin/"; done
        cp "$BUILD/tests/instance/lying_vm" "$WORK/bin/holt-vm"
        ln -s /bin/true "$WORK/path/qemu-system-x86_64"
        HOLT=$WORK/bin/holt PATH=$WORK/path:$PATH
        image_make box
        machines_keep
        holt create --vm --network none --name web box true
        truncate -s 4M "$STORE"/instances/web/upper/disk
}

teardown_file() {
        machines_finish
}

setup() {
        load_store
        export LIES=$BATS_TEST_TMPDIR/lies
        mkdir "$LIES"
        mkdir -p "$BATS_TEST_TMPDIR/home/.keys"
        cd "$BATS_TEST_TMPDIR/home" || return
        echo precious >.keys/mine
}

# What was in the directory before, and nothing else.
untouched() {
        [ "$(find . -mindepth 1 ! -path './box*' | sort | tr '\n' ' ')" = './.keys ./.keys/mine ' ]
        [ "$(cat .keys/mine)" = precious ]
        [ "$(stat -c %h .keys/mine)" = 1 ]
}

# archive PYTHON: of a tarfile `t`, with `add(name, type, link, **more)`.
archive() {
        printf d >"$LIES/source"
        python3 -c "
import io, sys, tarfile
t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|')
def add(name, kind=tarfile.REGTYPE, link='', data=b'evil\n', **more):
    i = tarfile.TarInfo(name)
    i.type, i.linkname, i.size, i.mode = kind, link, len(data) if kind == tarfile.REGTYPE else 0, more.get('mode', 0o777)
    i.devmajor, i.devminor = more.get('dev', (0, 0))
    t.addfile(i, io.BytesIO(data))
$1
t.close()" >"$LIES/${2-archive}"
}

@test "cp: an honest one" {
        archive 'add("box", tarfile.DIRTYPE); add("box/file"); add("box/link", tarfile.SYMTYPE, "../.keys")'
        holt cp web:/box .
        [ "$(cat box/file)" = evil ]
        untouched
}

@test "cp: names beside the one that was asked for" {
        local name
        for name in .keys/mine boxer ../x box/../.keys/mine "$PWD/.keys/mine" . ''; do
                archive "add('box', tarfile.DIRTYPE); add('$name')"
                run -1 holt cp web:/box .
                untouched
        done
}

@test "cp: through links, of the archive or there before" {
        archive 'add("box", tarfile.SYMTYPE, ".keys"); add("box/mine")'
        run -1 holt cp web:/box .
        untouched
        rm box
        archive 'add("box", tarfile.DIRTYPE); add("box/out", tarfile.SYMTYPE, "../.keys"); add("box/out/mine")'
        run -1 holt cp web:/box .
        untouched
        # The content of a directory: into one that has a link.
        archive 'add("./out/mine")'
        run -1 holt cp web:/box/. box
        untouched
        archive 'add("box", tarfile.DIRTYPE); add("box/mine", tarfile.LNKTYPE, ".keys/mine")'
        run -1 holt cp web:/box .
        untouched
}

@test "cp: devices and setuid stay away, whatever it said before" {
        archive 'add("box", tarfile.DIRTYPE); add("box/sda", tarfile.BLKTYPE, dev=(8, 0)); add("box/su", mode=0o6755)'
        holt cp web:/box .
        [ ! -e box/sda ]
        [ "$(stat -c %a box/su)" = 755 ]
        archive 'add("box", tarfile.CHRTYPE, dev=(1, 1))'
        printf f >"$LIES/source"
        rm -rf box
        holt cp web:/box .
        [ ! -e box ]
}

@test "cp: no archive, an end in the middle, an error in its words" {
        printf d >"$LIES/source"
        head -c 5000 /dev/urandom >"$LIES/archive"
        run -1 holt cp web:/box .
        untouched
        archive 'add("box", tarfile.DIRTYPE); add("box/file", data=bytes(100000))'
        truncate -s 60000 "$LIES/archive"
        run -1 holt cp web:/box .
        [ ! -e box/file ]
        touch "$LIES/archive.dies"
        run -1 holt cp web:/box .
        [[ $output == *'machine has ended'* ]]
        rm "$LIES"/archive*
        printf 'wiped \033[2Jaway\n' >"$LIES/archive.err"
        echo 5 >"$LIES/archive.exit"
        run -1 holt cp web:/box .
        [[ $output == *'wiped  [2Jaway'* && $output != *$'\033'* ]]
        untouched
}

@test "cp: answers that make no sense; what it is given goes to it alone" {
        local answer
        for answer in '' "d$(printf 'x%.0s' {1..5000})" 'd\0/x'; do
                printf %b "$answer" >"$LIES/target"
                run -1 holt cp .keys/mine web:/x
        done
        printf -- '-/other/../../name' >"$LIES/target"
        holt cp .keys/mine web:/x
        [ "$(tar -tf "$LIES/got")" = name ]
        untouched
}

@test "diff and top: lists without sense or end, words for the terminal" {
        printf 'A/fine\0C/al\033]0;so\0' >"$LIES/changes"
        run -0 holt diff web
        [[ ${lines[0]} == 'A /fine' && $output != *$'\033'* ]]
        for answer in 'X/what\0' 'A/no-end' 'A\0' 'Arelative\0'; do
                printf %b "$answer" >"$LIES/changes"
                run -1 holt diff web
        done
        head -c 30000 /dev/zero >"$LIES/changes"
        touch "$LIES/changes.flood"
        run -1 bash -c "ulimit -v 400000; exec '$HOLT' --root '$STORE' --run '$RUN' diff web"
        [[ $output == *'sense'* || $output == *'more than'* ]]
}

@test "commit: a layer as hostile as any, and one without end" {
        archive 'add("./"); add("../../out"); add("etc/.wh.passwd"); add("dev/sda", tarfile.BLKTYPE, dev=(8, 0)); add("bin", tarfile.SYMTYPE, "/etc"); add("bin/x")' layer
        run holt commit web evil
        [ ! -e "$STORE/../out" ]
        untouched
        head -c 1M /dev/urandom >"$LIES/layer"
        run -1 holt commit web evil2
        archive 'add("./", tarfile.DIRTYPE); add("half", data=bytes(100000))' layer
        truncate -s 60000 "$LIES/layer"
        run -1 holt commit web evil2
        archive 'add("./", tarfile.DIRTYPE); add("well")' layer
        touch "$LIES/layer.dies"
        run -1 holt commit web evil2
        [[ $output == *'machine has ended'* ]]
        rm "$LIES/layer.dies"
        echo 5 >"$LIES/layer.exit"
        run -1 holt commit web evil2
        # More than its disk can hold.
        rm "$LIES/layer.exit"
        archive 'add("endless", data=bytes(40 << 20))' layer
        run -1 holt commit web evil2
        [[ $output == *'longer than it can be'* ]]
        run ! holt image inspect evil2
        rm "$LIES/layer"
        archive 'add("./", tarfile.DIRTYPE); add("well")' layer
        holt commit web good
        holt system check
}
