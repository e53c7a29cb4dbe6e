#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Trees as archives and back: what volumes, snapshots, exports and copies are made by. tree_tool is a program of the
# tests' own.

bats_require_minimum_version 1.5.0

TOOLS=$(realpath "${BATS_TEST_DIRNAME}/../store")

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export TREE=$build/tests/store/tree_tool LAYER_FROM_TAR=$build/tests/store/layer_from_tar
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
}

setup() {
        WORK=$(mktemp -d -t holt-trees.XXXXXX)
        cd "$WORK" || return
}

teardown() {
        local dir
        cd /
        for dir in "$WORK"/merged "$WORK"/mnt; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
        rm -rf "$WORK"
        ! grep -F "$WORK" /proc/self/mountinfo
}

# Every kind of file, and what is said of it.
make_tree() {
        mkdir -p "$1"/{dir/deeper,empty}
        (
                cd "$1" || exit
                head -c 300000 /dev/urandom >large
                printf small >dir/file
                : >nothing
                ln large dir/link
                ln -s ../large dir/deeper/symlink
                ln -s nowhere dangling
                ln dangling dir/dangling-too
                mkfifo pipe
                mknod null c 1 3
                mknod -m 640 disk b 8 1048575
                truncate -s 10M sparse
                printf data | dd of=sparse bs=1 seek=5000000 conv=notrunc status=none
                truncate -s 1M hole
                chown 1000:2000 dir/file
                chown -h 4000000000:3000000000 dangling
                chmod 6755 nothing
                chmod 1777 empty
                setfattr -n user.test -v value dir/file
                setfattr -n user.empty dir
                setfattr -n trusted.test -v "$(head -c 3000 /dev/zero | tr '\0' x)" dir/file
                setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 nothing
                touch -d '1960-01-02 03:04:05.123456789' dir/file
                touch -d '2500-01-02 03:04:05.5' dir/deeper
                touch -h -d '2001-02-03 04:05:06.7' dangling
                printf x >"$(printf 'n%.0s' {1..255})"
                mkdir -p "$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})"
                printf y >"$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})/odd
name -- \\ "
                # The kind that an archive has no word for.
                python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
        )
}

@test "there and back again: the tree is the same" {
        make_tree tree
        "$TREE" archive tree . . >archive
        mkdir out
        "$TREE" extract out . <archive
        rm tree/socket
        touch -r tree out
        "$TOOLS/same_tree.py" tree out
        [ "$(stat -c %b out/sparse)" -lt 100 ]
        [ "$(stat -c %b out/hole)" -lt 10 ]
}

@test "GNU tar reads the archive, and what it writes is read" {
        make_tree tree
        "$TREE" archive tree . . >archive
        mkdir out
        tar --xattrs --xattrs-include='*' --numeric-owner -xpf archive -C out
        rm tree/socket
        touch -r tree out
        "$TOOLS/same_tree.py" tree out
        rm -rf out
        mkdir out
        tar --xattrs --xattrs-include='*' --format=pax -S -cf archive -C tree .
        "$TREE" extract out . <archive
        touch -r tree out
        "$TOOLS/same_tree.py" tree out
}

@test "the same tree gives the same bytes; names and single files" {
        make_tree tree
        cp -a tree again
        cmp <("$TREE" archive tree . .) <("$TREE" archive again . .)
        [ "$("$TREE" archive tree dir name | tar -t | head -n 2 | tr '\n' ' ')" = 'name/ name/dangling-too ' ]
        [ "$("$TREE" archive tree/dir file other | tar -t)" = other ]
        [ "$("$TREE" archive tree/dir file other | tar -xO)" = small ]
        "$TREE" archive tree dangling l | tar -tv | grep -F 'l -> nowhere'
        run -1 "$TREE" archive tree absent x
}

@test "deeper than there are descriptors" {
        mkdir deep out
        python3 -c '
import os
os.chdir("deep")
for i in range(1500):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").write("bottom")'
        "$TREE" archive deep . . >archive
        tar -tf archive | tail -n 1 | grep -x "./\(d/\)*file"
        "$TREE" extract out . <archive
        touch -r deep out
        "$TREE" archive out . . | cmp - archive
}

@test "an upper directory becomes a layer: what it hides is hidden" {
        mkdir -p lower/{gone,opaque,kept} upper work merged
        touch lower/{gone,opaque,kept}/{a,b} lower/file lower/other
        mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged
        rm -r merged/gone merged/opaque merged/file
        mkdir merged/opaque
        echo new >merged/opaque/c
        echo changed >merged/kept/a
        chmod 700 merged/kept
        ln merged/kept/a merged/kept/linked
        mkdir merged/file
        "$TREE" archive upper . . overlay >archive
        [ "$(tar -tf archive | sort | tr '\n' ' ')" = \
                './ ./.wh.gone ./file/ ./file/.wh..wh..opq ./kept/ ./kept/a ./kept/linked ./opaque/ ./opaque/.wh..wh..opq ./opaque/c ' ]
        # overlayfs's own attributes are none of the layer's.
        run ! grep -a SCHILY archive
        cp -a merged expected
        umount merged
        "$LAYER_FROM_TAR" image recipe <archive
        mkdir mnt
        mount -t erofs -o ro image mnt 2>/dev/null || mount -t erofs -o ro,loop image mnt
        mount -t overlay -o lowerdir=mnt:lower none merged
        "$TOOLS/same_tree.py" expected merged
}

@test "extracting: links on the way stay in the root, nothing outside is reached" {
        mkdir -p root/sub outside
        ln -s / root/absolute
        ln -s ../../../../../../outside root/up
        ln -s "$PWD/outside" root/sub/there
        python3 - <<'PY' >archive
import io, sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as t:
    def add(name, type=tarfile.REGTYPE, link=""):
        e = tarfile.TarInfo(name)
        e.type, e.linkname, e.size = type, link, 4 if type == tarfile.REGTYPE else 0
        t.addfile(e, io.BytesIO(b"evil") if e.size else None)
    add("absolute/one")
    add("up/two")
    add("made", tarfile.SYMTYPE, "/")
    add("made/three")
    add("/four")
    add("made/tmp/five")
PY
        mkdir -p outside
        "$TREE" extract root . <archive
        [ -z "$(ls outside)" ]
        [ -f root/one ] && [ -f root/three ] && [ -f root/four ] && [ -f root/tmp/five ] && [ -f root/outside/two ]
        [ ! -e /one ] && [ ! -e /three ] && [ ! -e /four ] && [ ! -e /tmp/five ]
}

@test "extracting: ways out and what is in the way" {
        hostile() { # NAME TYPE LINK
                python3 -c '
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as t:
    e = tarfile.TarInfo(sys.argv[1])
    e.type, e.linkname = sys.argv[2].encode(), sys.argv[3]
    t.addfile(e)' "$@"
        }
        mkdir -p root/dir
        echo secret >secret
        echo old >root/file
        ln -s ../secret root/symlink
        run -1 bash -c "$(declare -f hostile); hostile ../x 0 '' | $TREE extract root ."
        run -1 bash -c "$(declare -f hostile); hostile a/../../x 0 '' | $TREE extract root ."
        run -1 bash -c "$(declare -f hostile); hostile link 1 ../secret | $TREE extract root ."
        run -1 bash -c "$(declare -f hostile); hostile link 1 /secret | $TREE extract root ."
        run -1 bash -c "$(declare -f hostile); hostile dir 0 '' | $TREE extract root ."
        [[ $output == *'cannot overwrite directory'* ]]
        run -1 bash -c "$(declare -f hostile); hostile file 5 '' | $TREE extract root ."
        [[ $output == *'cannot overwrite non-directory'* ]]
        run -1 bash -c "$(declare -f hostile); hostile symlink 5 '' | $TREE extract root ."
        # A file that is there, and a link, give place.
        hostile file 0 '' | "$TREE" extract root .
        hostile symlink 0 '' | "$TREE" extract root .
        [ -f root/symlink ] && [ ! -L root/symlink ] && [ "$(cat secret)" = secret ]
        [ -z "$(find root -name '.holt*')" ]
}
