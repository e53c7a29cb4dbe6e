#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Directories, files and volumes of the host in virtual machines. One machine is there for nearly all of it.
#
# shellcheck disable=SC2016

load images
load machines

setup_file() {
        machines_begin cat chmod chown cp dd df echo grep head id ln ls mkdir mkfifo mknod mount mv rm rmdir seq sh sleep stat sync tail test touch true truncate wc
        mkdir -p "$WORK/tree/etc" "$WORK/tree/filled"
        printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$WORK/tree/etc/passwd"
        echo 'of the image' >"$WORK/tree/filled/first"
        "${CC:-cc}" -O1 -Wall -D_GNU_SOURCE -static -o "$WORK/tree/bin/guest_files" "$BATS_TEST_DIRNAME/guest_files.c"
        image_make box
        machines_keep
        mkdir -p "$WORK/host/sub/deep" "$WORK/ro" "$WORK/rules"
        echo one >"$WORK/host/file"
        echo deep >"$WORK/host/sub/deep/file"
        echo 'read only' >"$WORK/ro/file"
        echo 'a single file' >"$WORK/single"
        ln -s /etc/passwd "$WORK/host/out"
        chmod 0777 "$WORK/host"
        holt run -d --vm --network none --name vm --memory 128m -v "$WORK/host:/host" -v "$WORK/ro:/ro:ro" \
                -v "$WORK/single:/etc/single" -v filled:/filled --mount type=volume,source=other,target=/other,readonly \
                --mount "type=bind,source=$WORK/host/sub,target=/sub" --tmpfs /scratch:size=1m \
                box sh -c 'while :; do sleep 0.1; done'
}

teardown_file() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        holt volume prune --all --force >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
        store_finish
}

setup() {
        load_store
}

# What a shell in the machine says.
vm() { holt exec vm sh -ec "$1"; }
is() { [ "$1" = "$2" ] || { printf 'is: %s\nnot: %s\n' "$1" "$2" && return 1; }; }
host_says() { [[ $(cat "$1") == "$2" ]]; }

@test "files and directories, both ways; what is changed is seen by the other" {
        is "$(vm 'cat /host/file /host/sub/deep/file /sub/deep/file /etc/single')" $'one\ndeep\ndeep\na single file'
        vm 'echo guest >/host/new; mkdir -p /host/a/b; mv /host/new /host/a/b/moved; echo more >>/host/file; echo x >/etc/single'
        is "$(cat host/a/b/moved host/file single)" $'guest\none\nmore\nx'
        echo changed >host/a/b/moved
        echo fresh >host/a/b/fresh
        sleep 1.1
        is "$(vm 'cat /host/a/b/moved /host/a/b/fresh')" $'changed\nfresh'
        vm 'rm -r /host/a'
        [ ! -e host/a ]
        # A link is the guest's to follow.
        is "$(vm 'head -n 1 /host/out')" 'root:x:0:0::/:/bin/sh'
}

@test "read-only is read-only, and volumes are filled from the image" {
        is "$(vm 'cat /ro/file')" 'read only'
        run -1 vm 'echo no >/ro/file'
        [[ $output == *'Read-only'* ]]
        run ! vm 'mount -o remount,rw,bind /ro; echo no >/ro/file'
        run ! vm 'touch /other/file'
        is "$(cat ro/file)" 'read only'
        is "$(vm 'cat /filled/first; echo kept >/filled/second')" 'of the image'
        is "$(cat "$(holt volume inspect -f '{{.Mountpoint}}' filled)/second")" kept
        vm 'echo x >/scratch/x; df /scratch' | grep -q tmpfs
        holt inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}}
{{end}}' vm | grep -q 'bind /ro false'
}

@test "owners, modes, links, sparse files, names that move, extended attributes" {
        vm 'cd /host; echo x >owned; chown 1000:1000 owned; chmod 4711 owned; ln owned second; ln -s owned third
            truncate -s 1000000 sparse; mkfifo fifo; echo a >m; echo b >n; mv m n; mkdir d e; mv d e'
        is "$(stat -c '%u:%g %a %h' host/second)" '1000:1000 4711 2'
        is "$(stat -c '%s %b' host/sparse)" '1000000 0'
        is "$(cat host/n)" a
        is "$(readlink host/third)" owned
        [ -p host/fifo ] && [ -d host/e/d ] && [ ! -e host/m ]
        # Who is not root makes what is his own, and what he writes to loses set-user-ID.
        holt exec -u 1000:1000 vm sh -ec 'echo mine >/host/mine; mkdir /host/dir; echo y >>/host/owned'
        is "$(stat -c '%u:%g %a' host/mine host/dir host/owned)" $'1000:1000 644\n1000:1000 755\n1000:1000 711'
        run ! holt exec -u 1000:1000 vm sh -c 'echo no >/host/sub/no'
        run ! vm 'mknod /host/null c 1 3'
        [ ! -e host/null ]
        # What is open stays there when its name goes.
        is "$(vm 'cd /host; echo still >gone; exec 3<gone; rm gone; cat <&3')" still
        is "$(vm 'dd if=/dev/zero of=/host/large bs=1M count=40 2>/dev/null; stat -c %s /host/large; rm /host/large')" 41943040
}

@test "what programs expect of files: renames, mappings, holes, attributes, what is unlinked, locks" {
        vm 'mkdir /host/try; cd /host/try; guest_files'
}

@test "locks hold between the guest and the host, and who waits holds up nobody" {
        touch host/lock
        python3 -c 'import fcntl, os, time
f = open("host/lock", "r+"); fcntl.lockf(f, fcntl.LOCK_EX); open("host/held", "w")
while not os.path.exists("host/go"): time.sleep(0.05)' 3>&- &
        local holder=$! waiter
        until [[ -e host/held ]]; do sleep 0.05; done
        vm 'cd /host; guest_files locked'
        holt exec vm sh -ec 'cd /host; guest_files lock' 3>&- &
        waiter=$!
        is "$(vm 'cat /ro/file')" 'read only'
        [ ! -e host/got ]
        touch host/go
        wait "$holder"
        wait "$waiter"
        is "$(cat host/got)" got
}

@test "a copy of it while it runs has them as well, and does not meet what the original has open" {
        echo before >host/shown
        holt exec -d vm sh -c 'cd /host/sub; exec 3<../shown; while :; do sleep 0.1; [ -e /tmp/look ] || continue
            cat <&3 >/tmp/open 2>&1; cat ../shown >/tmp/path 2>&1; cat /host/shown >/tmp/again; pwd >/tmp/done; exit; done'
        run ! holt template create copied vm
        [[ $output == *'something else runs'* ]]
        vm 'touch /tmp/look'
        wait_for 10 eval 'vm "[ -e /tmp/done ]"'
        is "$(vm 'cat /tmp/open')" before
        holt run -d --vm --network none --name held --memory 128m -v "$WORK/host:/host" -v filled:/filled box sh -c \
                'exec 3<>/host/shown; cat /host/sub/deep/file; while ! [ -e /host/go-on ]; do sleep 0.1; done
                 cat <&3; cat /host/shown; sleep 1000'
        wait_for 20 logged held deep
        holt template create copied held
        echo after >host/shown
        holt run -d --network none --template copied --name copy
        touch host/go-on
        wait_for 10 logged copy after
        wait_for 10 logged held after
        # Its own connection: what was open is stale, what has a name is there. The original has not felt anything.
        holt logs copy 2>&1 | grep -i 'stale'
        run ! eval 'holt logs held 2>&1 | grep -i stale'
        is "$(holt exec copy sh -ec 'echo copy >/host/of-copy; cat /filled/first; ls /host/sub; rm -r /host/sub/deep; ls /host/sub')" \
                "$(printf 'of the image\ndeep')"
        is "$(cat host/of-copy)" copy
        is "$(holt exec held sh -ec 'cat /host/of-copy; mkdir -p /host/sub/deep; echo deep >/host/sub/deep/file')" copy
        # One of it, while it uses them.
        holt exec copy cat /host/sub/deep/file
        holt clone --live copy second
        holt start second
        is "$(holt exec second cat /host/sub/deep/file /host/of-copy)" $'deep\ncopy'
        # The same in a QEMU that has loaded it.
        rm -f "$STORE/templates/copied/process"
        holt run -d --network none --template copied --name third
        is "$(holt exec third cat /host/sub/deep/file /host/of-copy)" $'deep\ncopy'
        holt rm -f held copy second third
        holt template rm copied
}

@test "what is mounted within a directory of the host cannot be copied" {
        holt run -d --vm --network none --name nested --memory 128m -v "$WORK/host:/host" -v "$WORK/ro:/host/sub" box sleep 1000
        run ! holt template create no nested
        [[ $output == *'mounted within a directory of the host'* ]]
        is "$(holt exec nested cat /host/sub/file)" 'read only'
        holt rm -f nested
}

@test "what cannot be had is refused; --volumes-from; a restart has it all again" {
        run ! holt run --vm --rm --network none -v "$WORK/host:/host:rslave" box true
        [[ $output == *'rslave'*'virtual machine'* ]]
        run ! holt run --vm --rm --network none -v /dev/null:/null box true
        [[ $output == *'/dev/null'*'virtual machine'* ]]
        run ! holt run --vm --rm --network none --mount type=bind,source=/none,target=/x box true
        [[ $output == *'/none'* ]]
        is "$(holt run --vm --rm --network none --memory 128m --volumes-from vm box sh -c 'cat /filled/first; cat /host/file; echo no >/ro/x' 2>&1 | head -n 2)" \
                $'of the image\none'
        [ ! -e ro/x ]
        is "$(pgrep -c -P "$(holt inspect -f '{{.State.Pid}}' vm)" holt-share)" 1
}

@test "who serves a machine's directories has the machine's limits" {
        local name
        share_of() { pgrep -P "$(monitor_of "$1")" -x holt-share; }
        HOLT_VM_POOL=1 holt run --vm --rm --network none --memory 128m box true
        is_ready() { holt system pool | grep -q ready; }
        wait_for 20 is_ready
        HOLT_VM_POOL=0 holt run -d --vm --network none --name pooled --memory 128m -v "$WORK/host:/host" box sleep 1000
        [ -z "$(pgrep -x -P "$(monitor_of pooled)" holt-guard)" ]
        is "$(holt exec pooled cat /host/file)" "$(cat "$WORK/host/file")"
        for name in vm pooled; do
                is "$(cut -d : -f 3 "/proc/$(share_of "$name")/cgroup" | sort -u)" \
                        "$(jq -r '.cgroup.hierarchies[].path' "$RUN/instances/$(id_of "$name")/cgroup" | sort -u)"
        done
        holt rm -f pooled
        holt system pool 0
}
