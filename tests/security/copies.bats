#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What copies of files have met elsewhere: links that are swapped while the path is resolved (CVE-2018-15664), programs
# and libraries of the container that are loaded (CVE-2019-14271), devices and setuid programs that come to the host.

load ../e2e/helpers
load ../e2e/instances-files

setup_file() {
        export HOLT
        files_setup
}
teardown_file() { files_teardown; }
setup() {
        cd "$BATS_TEST_TMPDIR" || return
        SECRET=$BATS_TEST_TMPDIR/secret
        echo secret >"$SECRET"
        echo evil >evil
}
teardown() { h rm -f -v --all >/dev/null; }

@test "links lead no further than the instance's root: stopped and running" {
        local state up
        up=$(printf '../%.0s' {1..24})
        for state in stopped running; do
                create --name one box sleep 1000
                mkdir -p links
                ln -sfn "$SECRET" links/absolute
                ln -sfn "$up$SECRET" links/up
                ln -sfn "${SECRET%/*}" links/dir
                ln -sfn /proc/self/root links/magic
                ln -sfn /proc/1/root links/magic1
                tar -C links -c . | h cp - one:/
                [ $state = stopped ] || h start one
                for i in absolute up; do
                        run -1 h cp -L one:/$i - >/dev/null
                        h cp evil one:/$i || true
                done
                run -1 h cp "one:/dir/secret" -
                run -1 h cp "one:/magic$SECRET" -
                run -1 h cp "one:/magic1$SECRET" -
                h cp evil one:/dir/secret || true
                h cp evil "one:/magic$SECRET" || true
                h cp evil "one:$up$SECRET" || true
                is "$(cat "$SECRET")" secret
                h rm -f -v one
        done
}

@test "a path that is swapped with a link all the time" {
        start --name one box sh -c "mkdir -p /race$BATS_TEST_TMPDIR; echo inside >/race$BATS_TEST_TMPDIR/secret
                cd /race; ln -s / link; mkdir x; echo ok >/ready
                while :; do mv x real; mv link x; mv x link; mv real x; done"
        wait_for 5 h cp one:/ready -
        for _ in {1..60}; do
                h cp "one:/race/x$SECRET" - 2>/dev/null | tar -xO 2>/dev/null >got || true
                run ! grep secret got
                h cp evil "one:/race/x$SECRET" 2>/dev/null || true
                h cp evil "one:/race/x/evil" 2>/dev/null || true
        done
        is "$(cat "$SECRET")" secret
        [ ! -e /evil ]
}

@test "a tree that changes while it is copied: nothing but its own comes out" {
        mkdir out
        start --name one box sh -c "mkdir -p /t/d; echo inside >/t/d/secret; ln -s ${SECRET%/*} /t/l; echo ok >/ready; cd /t
                while :; do mv d e; mv l d; mv d l; mv e d; done"
        wait_for 5 h cp one:/ready -
        for _ in {1..60}; do
                h cp one:/t out 2>/dev/null || true
                # Links come as links, and are not for grep to follow.
                find out -type l -delete
                run ! grep -rs '^secret' out
                rm -rf out/t
        done
}

@test "no program and no library of the instance is run or loaded" {
        create --name one box sleep 1000
        mkdir -p bad/{bin,lib,usr/bin,lib/x86_64-linux-gnu,etc}
        cat >bad/bin/tar <<END
#!/bin/sh
echo pwned >$SECRET
END
        chmod 755 bad/bin/tar
        cp bad/bin/tar bad/bin/getent
        cp bad/bin/tar bad/usr/bin/tar
        for i in libnss_files.so.2 libc.so.6; do cp bad/bin/tar bad/lib/x86_64-linux-gnu/$i; done
        echo 'passwd: evil' >bad/etc/nsswitch.conf
        tar -C bad -c . | h cp - one:/
        h cp one:/etc/passwd - | tar -t
        h cp -a one:/etc out
        h cp evil one:/tmp
        h export one | tar -t >/dev/null
        h diff one >/dev/null
        h snapshot create one
        is "$(cat "$SECRET")" secret
}

@test "no devices, setuid programs and capabilities come to the host" {
        create --name one box sh -c 'mkdir /d; cp /bin/busybox /d/suid; chmod 6755 /d/suid; mknod -m 666 /d/disk b 8 0; mknod -m 666 /d/mem c 1 1; mkfifo /d/pipe'
        h start -a one
        h cp one:/d out
        is "$(stat -c %a out/suid)" 755
        [ ! -e out/disk ] && [ ! -e out/mem ] && [ -p out/pipe ]
        # A device where a file was expected is never opened.
        run -1 h cp one:/d/disk out/disk
        [ ! -e out/disk ]
        h cp one:/d - | tar -t | grep -x d/disk
}

@test "archives on standard input cannot leave the instance" {
        create --name one box sleep 1000
        python3 - "$SECRET" <<'PY' >archive
import io, sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as t:
    def add(name, type=tarfile.REGTYPE, link=""):
        e = tarfile.TarInfo(name)
        e.type, e.linkname, e.size = type, link, 5 if type == tarfile.REGTYPE else 0
        t.addfile(e, io.BytesIO(b"evil\n") if e.size else None)
    add("out", tarfile.SYMTYPE, "/")
    add("out" + sys.argv[1])
    add("out/tmp/evil-of-holt-tests")
PY
        h cp - one:/tmp <archive
        is "$(cat "$SECRET")" secret
        [ ! -e /tmp/evil-of-holt-tests ]
        h cp one:/tmp/evil-of-holt-tests - >/dev/null
        python3 -c '
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as t:
    t.addfile(tarfile.TarInfo("../../../../../../tmp/evil-of-holt-tests"))' >archive
        run -1 h cp - one:/tmp <archive
        [ ! -e /tmp/evil-of-holt-tests ]
}

@test "volumes: what they are filled from and mounted on stays inside" {
        mkdir -p evil.d/rootfs
        cp -a "$BATS_FILE_TMPDIR/rootfs/." evil.d/rootfs
        ln -s "${SECRET%/*}" evil.d/rootfs/leak
        ln -s / evil.d/rootfs/all
        tar -C evil.d/rootfs -c . | h import -q - evil >/dev/null
        run h run --rm --network none -v one:/leak -v "two:/all$BATS_TEST_TMPDIR" evil true
        run ! grep -rs '^secret' "$HOLT_ROOT/volumes"
        h volume prune -af >/dev/null
        h rmi evil >/dev/null
}
