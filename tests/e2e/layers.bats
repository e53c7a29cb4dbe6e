#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Layers: tar archives become EROFS images that the kernel mounts and that equal what GNU tar extracts.
# layer_from_tar is a program of the tests' own.

bats_require_minimum_version 1.5.0

TOOLS=$(realpath "${BATS_TEST_DIRNAME}/../store")

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export LAYER_FROM_TAR=$build/tests/store/layer_from_tar
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
}

setup() {
        WORK=$(mktemp -d -t holt-layers.XXXXXX)
        cd "$WORK" || return
}

teardown() {
        local dir
        cd /
        for dir in "$WORK"/mnt*; do
                ! mountpoint -q "$dir" || umount "$dir"
        done
        rm -rf "$WORK"
        ! grep -F "$WORK" /proc/self/mountinfo
}

# convert ARCHIVE IMAGE: the image is one that fsck.erofs finds nothing wrong with, and the archive comes back of it.
convert() {
        "$LAYER_FROM_TAR" "$2" recipe <"$1"
        "$LAYER_FROM_TAR" -x "$2" recipe | cmp - "$1"
        fsck.erofs "$2" >fsck 2>&1 || { cat fsck; return 1; }
        ! grep -q '<E>' fsck || { cat fsck; return 1; }
        dump.erofs -s -S "$2" >dump 2>&1 || { cat dump; return 1; }
}

# Mounts by the file itself where the kernel can (Linux 6.12), else by a loop device.
mount_layer() { # IMAGE DIRECTORY
        mkdir -p "$2"
        mount -t erofs -o ro "$1" "$2" 2>/dev/null || mount -t erofs -o ro,loop "$1" "$2"
}

extract() { # ARCHIVE DIRECTORY
        mkdir "$2"
        tar --xattrs --xattrs-include='*' --numeric-owner -xpf "$1" -C "$2"
}

same_as_extracted() { # ARCHIVE
        rm -rf out
        convert "$1" image
        extract "$1" out
        mount_layer image mnt
        "$TOOLS/same_tree.py" out mnt
        umount mnt
}

refused() { # ARCHIVE PATTERN
        run timeout 20 "$LAYER_FROM_TAR" image <"$1"
        [ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
        [[ $output == *$2* ]] || { echo "$output"; return 1; }
}

# One of everything that a file system can hold.
make_tree() {
        mkdir -p tree/dir/sub tree/empty tree/sticky "tree/with space" tree/many
        local i
        for i in 0 1 511 512 513 3500 3968 3969 4031 4032 4033 4095 4096 4097 8191 8192 8193 100000 3000000; do
                head -c "$i" /dev/urandom >"tree/dir/size-$i"
        done
        for i in {1..700}; do : >"tree/many/a-name-that-is-not-short-$i"; done
        touch 'tree/!before-the-dots' tree/-dash tree/é 'tree/new
line'
        ln -s target tree/link
        ln -s "$(printf 'x%.0s' {1..95})" tree/longer
        ln -s /absolute/../target tree/dir/absolute
        ln tree/dir/size-513 tree/dir/hard
        ln tree/dir/size-513 tree/hard2
        ln tree/link tree/hardlink-of-link
        mknod tree/char c 5 1
        mknod tree/block b 259 70000
        mkfifo tree/fifo
        chmod 1777 tree/sticky
        chmod 6755 tree/dir/size-512
        chmod 0 tree/dir/size-1
        chown 12345:54321 tree/dir/size-511 tree/empty
        touch -h -d '1969-12-31 23:59:58.25 UTC' tree/dir/size-0
        touch -h -d '2038-01-20 01:02:03.123456789 UTC' tree/link tree/empty
}

# What only some formats can tell.
make_rare() {
        local deep=tree/deep i
        for i in {1..14}; do deep+=/$(printf 'd%.0s' {1..250}); done
        mkdir -p "$deep"
        touch "tree/$(printf 'n%.0s' {1..255})" "$deep/file"
        ln -s "$(printf 'l%.0s' {1..4000})" tree/very-long-link
        chown 4294967294:4294967294 tree/-dash
}

make_xattrs() {
        python3 - <<'PY'
import os, struct
os.setxattr("tree/dir/size-512", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
os.setxattr("tree/dir/size-4096", "user.binary", bytes(range(256)))
os.setxattr("tree/dir/size-4096", "user.empty", b"")
os.setxattr("tree/dir", "trusted.overlay.origin", b"x")
os.setxattr("tree/dir", "user.directory", b"yes")
os.setxattr("tree", "user.root", b"yes")
os.setxattr("tree/link", "trusted.link", b"yes", follow_symlinks=False)
os.setxattr("tree/many", "user.large", b"v" * 3000)
PY
}

@test "a real root filesystem of Debian" {
        local archive
        archive=$("$BATS_TEST_DIRNAME/make-rootfs")
        same_as_extracted "$archive"
        [ "$(stat -c %s image)" -le $(($(stat -c %s "$archive") * 103 / 100)) ]
}

@test "a tree of everything, in every format of GNU tar" {
        local format
        make_tree
        for format in v7 ustar oldgnu gnu pax; do
                [ $format != pax ] || { make_rare; make_xattrs; }
                [ $format != gnu ] || make_rare
                if [ $format = v7 ] || [ $format = ustar ]; then
                        # It says what the format cannot hold, and leaves it out.
                        tar -C tree --format=$format -cf archive . 2>tar.log || [ $? -eq 2 ]
                else
                        tar -C tree --format=$format --xattrs --xattrs-include='*' -cf archive .
                fi
                same_as_extracted archive || { echo "$format"; return 1; }
                rm -rf tree
                make_tree
        done
}

@test "the same archive gives the same bytes, however it comes" {
        make_tree
        tar -C tree --format=pax -cf archive .
        "$LAYER_FROM_TAR" one <archive
        dd if=archive bs=777 status=none | "$LAYER_FROM_TAR" two
        cmp one two
}

@test "sparse files, in all four ways to say so" {
        mkdir tree
        truncate -s 5000000 tree/holes
        printf data | dd of=tree/holes bs=1 seek=1234567 conv=notrunc status=none
        truncate -s 3000000000 tree/large
        printf begin | dd of=tree/large conv=notrunc status=none
        head -c 10000 /dev/urandom | dd of=tree/large bs=1 seek=2999990000 conv=notrunc status=none
        truncate -s 40960 tree/nothing
        local i
        for i in {1..60}; do printf %04096d "$i" | dd of=tree/comb bs=4096 seek=$((i * 3)) conv=notrunc status=none; done
        tar -C tree --format=oldgnu -Scf oldgnu .
        for i in 0.0 0.1 1.0; do tar -C tree --format=pax -S --sparse-version=$i -cf $i .; done
        for i in oldgnu 0.0 0.1 1.0; do
                same_as_extracted $i || { echo $i; return 1; }
                [ "$(stat -c %b image)" -lt 4000 ] || { stat image; return 1; }
        done
}

@test "whiteouts and opaque directories hide what is below" {
        mkdir -p lower/{keep,gone,opaque,replaced} upper/{opaque,replaced} merged mnt-low mnt-up
        touch lower/{keep,gone,opaque,replaced}/file lower/file lower/both upper/replaced/new upper/opaque/own upper/both
        touch upper/.wh.gone upper/.wh.file upper/.wh.nothing upper/.wh.both upper/opaque/.wh..wh..opq upper/.wh.replaced \
                upper/.wh..wh.plnk
        tar -C lower -cf low.tar .
        tar -C upper -cf up.tar .
        convert low.tar low
        convert up.tar up
        mount_layer low mnt-low
        mount_layer up mnt-up
        [ "$(stat -c '%F %t %T' mnt-up/gone)" = 'character special file 0 0' ]
        [ ! -e mnt-up/.wh..wh.plnk ]
        mkdir mnt-merged
        mount -t overlay -o lowerdir=mnt-up:mnt-low overlay mnt-merged
        (cd mnt-merged && find . -mindepth 1 | sort) >got
        umount mnt-merged
        diff got - <<'TXT'
./both
./keep
./keep/file
./opaque
./opaque/own
./replaced
./replaced/new
TXT
}

# archive PYTHON: makes the file "archive"; add(name, ...) adds an entry, header(...) returns a block for raw().
archive() {
        python3 - "$1" <<'PY'
import io, sys, tarfile
out = open("archive", "wb")
t = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)
def add(name, type=tarfile.REGTYPE, data=b"", **more):
    i = tarfile.TarInfo(name)
    i.type, i.size = type, len(data)
    for k, v in more.items():
        setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
def header(name=b"f", size=b"0", type=b"0", mode=b"644", uid=b"0", mtime=b"0", magic=b"ustar\x0000", link=b"", rest=b"", sum=None):
    size = size if len(size) == 12 else size.rjust(11, b"0") + b"\0"
    b = (name.ljust(100, b"\0") + mode.rjust(7, b"0") + b"\0" + uid.rjust(7, b"0") + b"\0" + b"0000000\0" + size +
         mtime.rjust(11, b"0") + b"\0" + b" " * 8 + type + link.ljust(100, b"\0") + magic + rest).ljust(512, b"\0")
    s = b"%06o\0 " % __builtins__.sum(b) if sum is None else sum
    return b[:148] + s + b[156:]
def pax(*records):
    text = b""
    for r in records:
        n = len(r) + 3
        while len(b"%d" % n) + 1 + len(r) + 1 != n:
            n = len(b"%d" % n) + 1 + len(r) + 1
        text += b"%d " % n + r + b"\n"
    return header(type=b"x", size=b"%o" % len(text)) + text.ljust(-(-len(text) // 512) * 512, b"\0")
def raw(*blocks):
    out.write(b"".join(blocks))
exec(sys.argv[1])
t.close()
PY
}

@test "names that lead out are refused, or lead in" {
        archive 'add("../out")'
        refused archive '".."'
        archive 'add("a/../../out")'
        refused archive '".."'
        archive 'add("l", tarfile.SYMTYPE, linkname="/etc"); add("l/passwd", data=b"mine")'
        convert archive image
        mount_layer image mnt
        [ "$(cat mnt/etc/passwd)" = mine ]
        umount mnt
        archive 'add("d/l", tarfile.SYMTYPE, linkname="../../../up"); add("d/l/file", data=b"mine"); add("/abs//./file", data=b"mine")'
        convert archive image
        mount_layer image mnt
        [ "$(cat mnt/up/file mnt/abs/file)" = minemine ]
        umount mnt
        archive 'add("a", tarfile.SYMTYPE, linkname="b"); add("b", tarfile.SYMTYPE, linkname="a"); add("a/x")'
        refused archive 'Too many levels'
        archive 'add("f"); add("f/x")'
        refused archive 'Not a directory'
        archive 'add("h", tarfile.LNKTYPE, linkname="../../etc/passwd")'
        refused archive '".."'
        archive 'add("h", tarfile.LNKTYPE, linkname="etc/passwd")'
        refused archive 'not in the layer'
        archive 'add("d", tarfile.DIRTYPE); add("h", tarfile.LNKTYPE, linkname="d")'
        refused archive 'directory'
        archive 'add(".wh..")'
        refused archive 'whiteout'
        archive 'add("x" * 256)'
        refused archive 'too long'
        archive 'add("d/" * 2100 + "x")'
        refused archive ''
}

@test "the last entry of a name counts" {
        archive 'add("f", data=b"old"); add("h", tarfile.LNKTYPE, linkname="f"); add("f", data=b"new"); add("d/x"); add("d", data=b"file"); add("d2"); add("d2", tarfile.DIRTYPE, mode=0o700); add("d2/y"); add("d2", tarfile.DIRTYPE, mode=0o711)'
        convert archive image
        mount_layer image mnt
        [ "$(cat mnt/f mnt/h mnt/d)" = newoldfile ]
        [ "$(stat -c '%h %h' mnt/f mnt/h)" = $'1 1\n1 1' ]
        [ "$(stat -c %a mnt/d2)" = 711 ]
        [ -f mnt/d2/y ]
}

# Docker, podman and containerd take such ones, and umoci insert writes them.
@test "an archive may end without the padding behind its last file" {
        local n
        for n in 0 1 200 506; do
                archive "raw(header(size=b'00000000005 '), b'short' + b'\\0' * $n); out.close(); import os; os._exit(0)"
                [ "$(stat -c %s archive)" -eq $((512 + 5 + n)) ]
                convert archive image
                mount_layer image mnt
                [ "$(find mnt -type f -exec cat {} +)" = short ]
                umount mnt
        done
        archive "raw(header(size=b'00000000005 '), b'shor'); out.close(); import os; os._exit(0)"
        refused archive 'cut off'
}

@test "damaged and lying archives" {
        archive 'raw(header(sum=b"000000\0 "))'
        refused archive 'damaged'
        archive 'raw(b"x" * 512)'
        refused archive 'damaged'
        archive 'raw(header(size=b"7" * 11), b"short"); t.close(); out.close(); sys.exit()'
        refused archive 'cut off'
        archive 'raw(header(size=b"\x80" + b"\xff" * 11))'
        refused archive 'size'
        archive 'raw(header(size=b"\xff" * 12))'
        refused archive 'size'
        archive 'raw(header(size=b"99999999999"))'
        refused archive 'size'
        archive 'raw(header(uid=b"-1"))'
        refused archive 'uid'
        archive 'raw(header(type=b"Q"))'
        refused archive "type 'Q'"
        archive 'raw(pax(b"size=99999999999999999999"), header())'
        refused archive 'size'
        archive 'raw(pax(b"uid=4294967295"), header())'
        refused archive 'uid'
        archive 'raw(pax(b"uid=-1"), header())'
        refused archive 'uid'
        archive 'raw(pax(b"mtime=x"), header())'
        refused archive 'mtime'
        archive 'raw(pax(b"path=a\0b"), header())'
        refused archive 'NUL'
        archive 'raw(header(type=b"x", size=b"20"), b"99 path=x\n".ljust(512, b"\0"))'
        refused archive 'length'
        archive 'raw(header(type=b"x", size=b"77777777777"))'
        refused archive 'longer'
        archive 'raw(header(type=b"L", size=b"77777777"))'
        refused archive 'longer'
        archive 'raw(pax(b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=10"), header(size=b"1000"), b"99999999\n".ljust(512, b"0"))'
        refused archive 'map'
        archive 'raw(pax(b"GNU.sparse.map=0,10,5,10", b"GNU.sparse.size=100"), header(size=b"24"), b"x" * 512)'
        refused archive 'map'
        archive 'raw(pax(b"GNU.sparse.map=0,10", b"GNU.sparse.size=5"), header(size=b"12"), b"x" * 512)'
        refused archive 'map'
        archive 'add("s", tarfile.SYMTYPE, linkname="")'
        refused archive 'symlink'
        : >archive
        convert archive image
}

@test "a sparse file that says it is huge costs next to nothing" {
        archive 'raw(pax(b"GNU.sparse.map=0,1,9000000000000000000,1", b"GNU.sparse.size=9223372036854775807"), header(size=b"2"), b"x" * 512)'
        run timeout 20 "$LAYER_FROM_TAR" image <archive
        [ "$status" -eq 0 ] || [[ $output == *16\ TiB* ]]
        [ "$(stat -c %b image)" -lt 10000 ]
        archive 'raw(pax(b"GNU.sparse.map=0,1,1000000000000,1", b"GNU.sparse.size=1000000000001"), header(size=b"2"), b"x" * 512)'
        convert archive image
        [ "$(stat -c %b image)" -lt 10000 ]
        mount_layer image mnt
        [ "$(tail -c 1 mnt/f)" = x ]
}

@test "what no file is made of comes back too" {
        archive 'add("d/.wh.gone", data=b"whiteouts are empty, but this one"); add(".wh..wh.plnk/x", data=b"of aufs"); add("f", data=b"old" * 1000); add("f", data=b"new"); raw(b"\0" * 1024, b"and more behind the end")'
        convert archive image
}

@test "a damaged recipe or layer is refused" {
        make_tree
        tar -C tree -cf archive .
        convert archive image
        local i n
        n=$(stat -c %s recipe)
        : >empty
        refused_back() { run -1 timeout 20 "$LAYER_FROM_TAR" -x "$@" >/dev/null; }
        refused_back image empty
        refused_back image archive
        refused_back empty recipe
        for i in 1 100 $((n / 2)) $((n - 1)); do
                head -c "$i" recipe >cut
                refused_back image cut
        done
        head -c 100000 image >cut
        refused_back cut recipe
}

@test "many entries in little memory" {
        local n=${LAYER_ENTRIES:-150000}
        python3 - "$n" >archive <<'PY'
import io, sys, tarfile
n, out = int(sys.argv[1]), sys.stdout.buffer
for i in range(n):
    t = tarfile.TarInfo(f"dir-{i % 997}/entry-number-{i}" if i % 5 else f"flat/entry-{i}")
    out.write(t.tobuf(tarfile.USTAR_FORMAT))
out.write(b"\0" * 1024)
PY
        /usr/bin/time -f %M -o memory "$LAYER_FROM_TAR" image <archive
        fsck.erofs image
        cat memory
        # A million in 256 MB, and a million is no better than the same share.
        [[ $LAYER_FROM_TAR == *sanitize* ]] || [ "$(cat memory)" -le $((n * 256 * 1024 / 1000000 + 4096)) ]
        mount_layer image mnt
        [ "$(find mnt -type f | wc -l)" -eq "$n" ]
        [ -f mnt/flat/entry-$(((n - 1) / 5 * 5)) ]
}
