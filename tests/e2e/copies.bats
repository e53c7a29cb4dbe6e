#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt cp, export, diff: Docker's rules of what becomes what, as Docker 20.10 was seen to follow them.

load helpers
load instances-files

setup_file() { files_setup; }
teardown_file() { files_teardown; }

# Of the host: src/. In the instance "box": /d (5:6) with sub, links to it and to a file, one that leads nowhere.
setup() {
        cd "$BATS_TEST_TMPDIR" || return
        mkdir -p src/dir/sub out/d
        echo a >src/dir/a
        echo f >src/file
        ln -s file src/lf
        ln -s dir src/ld
        chown -R 1234:2345 src
        chmod 700 src/dir
        chmod 4755 src/file
        echo old >out/f
        ln -s d out/ld
        ln -s f out/lf
        ln -s none out/dang
        create --name box box sleep 1000
        mkdir -p inside/d/sub
        echo r >inside/file
        ln -s d inside/ld
        ln -s /file inside/lf
        ln -s nowhere inside/dang
        chown 5:6 inside/d inside/file
        tar -C inside -c . | h cp - box:/
}
teardown() { h rm -f -v --all >/dev/null; }

# In the instance: MODE OWNER NAME [-> LINK] of all below the paths.
there() { h export box | tar -tv --numeric-owner | awk '{ $3 = $4 = $5 = ""; print }' | sed 's/  */ /g; s|\./||' | grep -E "^[^ ]+ [^ ]+ ($1)" | sort -k3; }

@test "into an instance: files" {
        h cp src/file box:/new && is "$(there new)" '-rwsr-xr-x 1234/2345 new'
        h cp src/file box:/d && is "$(there d/file)" '-rwsr-xr-x 1234/2345 d/file'
        h cp src/file box:/d/ 
        h cp src/file box:/file && is "$(there file)" '-rwsr-xr-x 1234/2345 file'
        h cp src/file box:/ld && is "$(there ld)" 'lrwxrwxrwx 0/0 ld -> d'
        h cp src/file box:/dang && is "$(there nowhere)" '-rwsr-xr-x 1234/2345 nowhere'
        echo again >src/file
        h cp src/file box:/lf && is "$(h cp box:/file - | tar -xO)" again
        h cp src/lf box:/link && is "$(there 'link ')" 'lrwxrwxrwx 1234/2345 link -> file'
        h cp -L src/lf box:/d && is "$(there d/lf)" '-rwsr-xr-x 1234/2345 d/lf'
        h cp src/file box:relative && is "$(there relative | wc -l)" 1
}

@test "into an instance: directories" {
        local all
        all=$(printf 'drwx------ 1234/2345 NEW/\n-rw-r--r-- 1234/2345 NEW/a\ndrwxr-xr-x 1234/2345 NEW/sub/')
        h cp src/dir box:/new1 && is "$(there new1)" "${all//NEW/new1}"
        h cp src/dir box:/new2/ && is "$(there new2)" "${all//NEW/new2}"
        h cp src/dir/ box:/new3 && is "$(there new3)" "${all//NEW/new3}"
        h cp src/dir/. box:/new4 && is "$(there new4)" "${all//NEW/new4}"
        h cp src/ld/ box:/new5 && is "$(there new5)" "${all//NEW/new5}"
        h cp src/dir box:/dang && is "$(there nowhere)" "${all//NEW/nowhere}"
        h cp src/dir box:/d && is "$(there d/dir)" "${all//NEW/d/dir}"
        h cp -L src/ld box:/d && is "$(there d/ld)" "${all//NEW/d/ld}"
        h cp src/ld box:/link && is "$(there 'link ')" 'lrwxrwxrwx 1234/2345 link -> dir'
        # What is in it: the directory itself stays as it is.
        h cp src/dir/. box:/d && is "$(there 'd/(a|sub/)?$')" "$(printf 'drwxr-xr-x 5/6 d/\n-rw-r--r-- 1234/2345 d/a\ndrwxr-xr-x 1234/2345 d/sub/')"
}

@test "into an instance: what is refused" {
        local args
        for args in 'src/file box:/new/' 'src/file box:/none/new' 'src/file box:/file/' 'src/file/ box:/new' \
                'src/dir box:/file' 'src/none box:/new' 'src/file nosuch:/new' 'src/file box:/file/below' \
                '- box:/new' '- box:/file'; do
                # shellcheck disable=SC2086
                run -1 h cp $args </dev/null
        done
        run -125 h cp src/file src/x
        run -125 h cp src/file box:
        run -1 h cp box:/d box:/e
        is "$(there new)" ''
}

@test "to the host" {
        (
                cd out || exit
                h cp box:/file . && is "$(cat file)" r
                is "$(stat -c %u:%g file)" "$(id -u):$(id -g)"
                h cp -a box:/file kept && is "$(stat -c %u:%g kept)" 5:6
                h cp box:/d new && is "$(find new | sort | tr '\n' ' ')" 'new new/sub '
                h cp box:/d d && [ -d d/d/sub ]
                h cp box:/d/. d && [ -d d/sub ]
                h cp box:/lf link && is "$(readlink link)" /file
                h cp -L box:/lf followed && is "$(cat followed)" r
                h cp -L box:/lf d && is "$(cat d/lf)" r
                h cp box:/ld/ ldnew && [ -d ldnew/sub ]
                h cp box:/ld/. ldnew2 && [ -d ldnew2/sub ]
                h cp box:/file ld && is "$(cat d/file)" r
                h cp box:/file lf && is "$(cat f)" r && [ -L lf ]
                h cp box:/file dang && is "$(cat none)" r && [ -L dang ]
                run -1 h cp box:/d f
                run -1 h cp box:/d nodir/x
                run -1 h cp box:/none x
                run -1 h cp box:/file nodir/
                run -1 h cp -L box:/dang x
        )
}

@test "streams" {
        is "$(h cp box:/d - | tar -t | tr '\n' ' ')" 'd/ d/sub/ '
        is "$(h cp box:/d/ - | tar -t | tr '\n' ' ')" 'd/ d/sub/ '
        is "$(h cp box:/d/. - | tar -t | tr '\n' ' ')" './ ./sub/ '
        is "$(h cp box:/file - | tar -t)" file
        is "$(h cp -L box:/lf - | tar -t)" lf
        is "$(h cp box:/d - | tar -tv --numeric-owner | head -n 1 | cut -c 1-14)" 'drwxr-xr-x 5/6'
        tar -C src -c dir | h cp - box:/d
        is "$(there d/dir | wc -l)" 3
        head -c 1000 /dev/urandom >noise
        run -1 bash -c "'$HOLT' cp - box:/d <noise"
}

@test "a running instance: volumes and other mounts are seen, between instances" {
        start --name one -v vol:/vol --tmpfs /t box sh -c 'echo in tmpfs >/t/file; echo in vol >/vol/file; echo ok >/ready; sleep 1000'
        wait_for 5 h cp one:/ready -
        is "$(h cp one:/t/file - | tar -xO)" 'in tmpfs'
        is "$(h cp one:/vol/file - | tar -xO)" 'in vol'
        h cp src/dir one:/vol
        is "$(cat "$(h volume inspect -f '{{.Mountpoint}}' vol)/dir/a")" a
        # What is mounted on a file is written to.
        h cp src/file one:/etc/hosts
        is "$(h cp one:/etc/hosts - | tar -xO)" f
        h cp one:/vol/dir box:/d
        is "$(there d/dir | wc -l)" 3
        # A stopped one's volumes as well.
        create --name two -v vol:/elsewhere box true
        is "$(h cp two:/elsewhere/file - | tar -xO)" 'in vol'
        create --name three -v vol:/third box true
        h cp two:/elsewhere/file three:/third/again
        is "$(h cp one:/vol/again - | tar -xO)" 'in vol'
        h rm three
        h cp two:/elsewhere/file one:/tmp/copied
        is "$(h cp one:/tmp/copied - | tar -xO)" 'in vol'
        # What the kernel makes up has no end.
        timeout 20 "$HOLT" cp one:/ - | tar -t | grep -x ./proc/
        h volume rm vol 2>/dev/null && return 1
        h rm -f -v one two
        h volume rm vol
}

@test "a root that cannot be written to" {
        start --name one --read-only -v vol:/vol box sleep 1000
        run -1 h cp src/file one:/new
        [[ $output == *'Read-only'* ]]
        h cp src/file one:/vol
        h rm -f one
        h volume rm vol
}

@test "large and sparse files, hard links, attributes" {
        head -c 20000000 /dev/urandom >src/dir/large
        truncate -s 100M src/dir/sparse
        ln src/dir/large src/dir/linked
        setfattr -n user.x -v y src/dir/a
        h cp src/dir box:/all
        h cp -a box:/all out
        rm -rf out/all/none
        "$BATS_TEST_DIRNAME/../store/same_tree.py" src/dir out/all
}

@test "export: the whole root, without what is mounted" {
        start --name one -v vol:/vol box sh -c 'rm -r /data; echo changed >/etc/group; echo x >/vol/x; echo ok >/ready; sleep 1000'
        wait_for 5 h cp one:/ready -
        mkdir root
        h export -o one.tar one
        tar -xpf one.tar -C root
        is "$(cat root/etc/group)" changed
        [ ! -e root/data ] && [ ! -e root/vol/x ] && [ -x root/bin/busybox ]
        h export one | h import -q - flat >/dev/null
        is "$(once flat cat /etc/group)" changed
        h rm -f -v one
        h volume rm vol
}

@test "diff" {
        create --name one -v /anon box sh -c 'rm /etc/passwd; rm -r /data; mkdir /data; echo n >/data/new
                echo x >>/etc/group; mkdir -p /a/b; chmod 700 /home; ln -s x /a/link'
        h start -a one
        is "$(h diff one)" "$(printf '%s\n' 'A /a' 'A /a/b' 'A /a/link' 'C /data' 'D /data/file' 'D /data/linked' \
                'D /data/sparse' 'D /data/sub' 'D /data/symlink' 'A /data/new' 'C /etc' 'C /etc/group' 'D /etc/passwd' 'C /home')"
        create --name two box true
        h start -a two
        is "$(h diff two)" ''
}
