#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Files of instances that are virtual machines, running and stopped: cp, diff, export, commit, snapshots, clones, top.
# Each guest that is booted takes seconds where no hardware helps: one machine runs for most of it.

load images
load machines

setup_file() {
        machines_begin cat date echo id ln ls mkdir rm seq sleep sync true
        mkdir -p "$WORK/tree/etc"
        echo 'root:x:0:0:of the guest:/:/bin/sh' >"$WORK/tree/etc/passwd"
        echo 0123456789abcdef0123456789abcdef >"$WORK/tree/etc/machine-id"
        echo old >"$WORK/tree/old"
        image_make box
        machines_keep
        holt run -d --vm --network none --name web --memory 128m box sh -c 'trap "echo last >/last; exit 3" TERM; n=0; while :; do n=$((n + 1)); echo $n >/ticks; sleep 0.1; done'
}

teardown_file() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
        ! pgrep -f "^holt-shim run $STORE"
        store_finish
}

setup() {
        load_store
}

# same TREE TREE: names, modes, owners, links, contents.
same() { diff <(tar -C "$1" --sort=name -cf - . | sha256sum) <(tar -C "$2" --sort=name -cf - . | sha256sum); }

@test "cp: to a machine and back, trees, links, holes, streams" {
        mkdir -p from/deep/er
        seq 20000 >from/numbers
        ln -s numbers from/link
        ln from/numbers from/again
        truncate -s 3M from/hole
        chmod 4755 from/deep
        holt cp from web:/there
        [ "$(holt exec web cat /there/link | sha256sum)" = "$(seq 20000 | sha256sum)" ]
        holt cp -a web:/there back
        same from back
        # Into a directory that is there, its content alone, one file under another name.
        mkdir into
        holt cp web:/there into
        [ -e into/there/deep/er ]
        holt cp web:/there/. into
        [ -e into/deep/er ]
        holt cp web:/there/numbers into/other
        cmp from/numbers into/other
        tar -cf - --transform 's/^link/streamed/' -C from link | holt cp - web:/there
        [ "$(holt exec web ls -l /there/streamed | cut -c1)" = l ]
        holt cp web:/there - | tar -tf - | sort >listed
        grep -qx there/deep/er/ listed
        holt cp -L web:/there/link - | tar -xOf - | cmp - from/numbers
}

@test "cp: what is not there, and what cannot be" {
        run -1 holt cp web:/no/such .
        [[ $output == *'/no/such'*'No such file'* ]]
        run -1 holt cp listed web:/such/
        [[ $output == *'no such directory'* ]]
        run -1 holt cp from web:/old
        [[ $output == *'cannot copy a directory over a file'* ]]
        run -1 holt cp web:/dev/null .
        [[ $output == *--archive* ]]
        holt exec web ln -s /etc /to-etc
        holt cp listed web:/to-etc/listed
        holt exec web cat /etc/listed | cmp - listed
}

@test "top and diff: of the guest" {
        run holt top web
        [[ ${lines[0]} == UID*PID*CMD ]]
        [[ ${lines[1]} == root*'sh -c trap'* ]]
        run ! holt top web -o pid
        holt exec web sh -c 'rm /old; echo x >/etc/passwd; mkdir /made'
        run holt diff web
        [[ $output == *'D /old'* && $output == *'C /etc/passwd'* && $output == *'A /made'* && $output == *'A /there'* ]]
        [[ $output != *hostname* && $output != *'/proc'* ]]
}

@test "commit, snapshot and export while it runs; a container of the image" {
        local before
        [ "$(holt commit web changed | cut -c1-7)" = sha256: ]
        run holt run --rm --network none changed sh -c 'cat /etc/passwd; ls -d /made /there; ls /old'
        [[ $output == *$'x\n/made\n/there'*'/old: No such file'* ]]
        holt snapshot create web one
        holt exec web sh -c 'echo later >/later'
        wait_for 20 holt exec web true
        before=$(holt exec web cat /ticks)
        ticks_on() { [ "$(holt exec web cat /ticks)" -gt "$before" ]; }
        wait_for 20 ticks_on
        mkdir exported
        holt export web | tar -C exported -xf -
        [ "$(cat exported/later)" = later ]
        [ ! -e exported/old ]
        [ -z "$(ls exported/proc)" ]
}

@test "an errand that nobody waits for ends, and what it froze goes on" {
        local pid before
        holt exec web sh -c 'seq 3000000 >/much'
        "$HOLT" --root "$STORE" --run "$RUN" commit web never >/dev/null 2>&1 &
        pid=$!
        sleep 0.3
        kill -KILL "$pid"
        wait_for 20 holt exec web true
        before=$(holt exec web cat /ticks)
        ticks_on() { [ "$(holt exec web cat /ticks)" -gt "$before" ]; }
        wait_for 20 ticks_on
        holt exec web rm /much
}

@test "paused: nothing is asked of it" {
        holt pause web
        run -1 holt cp web:/old .
        [[ $output == *unpause* ]]
        holt unpause web
}

@test "stop leaves what was written last; the stopped one is looked at by a guest" {
        holt exec web sh -c 'echo unsynced >/unsynced; mkdir /into'
        holt stop -t 60 web
        # One is started for each of them.
        holt cp listed web:/into/
        holt clone web linked
        [ -z "$(ls "$RUN/instances")" ]
        holt rename linked renamed
        holt start renamed
        [ "$(holt exec renamed cat /last)" = last ]
        [ "$(holt exec renamed cat /unsynced)" = unsynced ]
        holt exec renamed cat /into/listed | cmp - listed
        run holt exec renamed cat /etc/machine-id
        [[ ${#output} == 32 && $output != 0123456789abcdef0123456789abcdef ]]
        holt rm -f renamed
}

@test "snapshot restore: a fresh disk on one more layer" {
        holt snapshot restore web one
        [ "$(holt diff web)" = '' ]
        run ! holt cp web:/later -
        holt cp web:/made - | tar -tf - | grep -qx made/
        holt rm web
}

@test "a clone of one that was never started boots nothing, and is small" {
        holt create --vm --network none --name fresh box true
        local before after
        before=$(du -sb "$STORE" | cut -f1)
        holt clone fresh twin
        after=$(du -sb "$STORE" | cut -f1)
        echo "$before $after"
        ((after - before < 65536))
        [ "$(holt diff twin)" = '' ]
        holt cp twin:/old - | tar -tf -
}
