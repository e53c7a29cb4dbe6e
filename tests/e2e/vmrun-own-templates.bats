#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Templates of machines that run, with the program in them: who goes on from one is somebody else, and the original goes
# on too.

load images
load machines

setup_file() {
        machines_make cut date head hostname od sha256sum
        # It says who it is, of what it has in its memory, and what it reads.
        cat >"$WORK/tree/bin/app" <<'SH'
#!/bin/sh
secret=$(od -An -v -tx1 -N 8 /dev/urandom)
echo begun
while read -r line; do
        [ "$line" != end ] || exit 7
        echo "$line:$secret:$(hostname):$(od -An -v -tx1 -N 8 /dev/urandom)"
        echo "$line" >>/heard
done
SH
        chmod 755 "$WORK/tree/bin/app"
        echo 00112233445566778899aabbccddeeff >"$WORK/tree/etc/machine-id"
        ln -s busybox "$WORK/tree/bin/grep"
        image_make app
        mkfifo "$WORK/in"
        holt run -i --vm --network none --name first -l is=original app app <>"$WORK/in" >"$WORK/out" 2>&1 3>&- &
        disown
        wait_for 30 says "$WORK/out" begun
        echo one >"$WORK/in"
        wait_for 5 says "$WORK/out" one
        holt template create warm first
}

teardown_file() {
        machines_finish
}

setup() {
        load_store
}

says() { grep -q "^$2" "$1"; }
field() { grep "^$2:" "$1" | cut -d : -f "$3"; }

@test "instances of it go on where it was, as somebody else, with streams of their own" {
        local n
        for n in 1 2; do
                { echo "line$n"; sleep 0.2; echo end; } | run_template "copy$n" -i >"$WORK/out.$n" || [ $? = 7 ]
                [ "$(cut -d : -f 1 "$WORK/out.$n")" = "line$n" ]
        done
        echo two >"$WORK/in"
        wait_for 5 says "$WORK/out" two
        cat "$WORK"/out*
        # What was in memory is the same, what is drawn now is not.
        [ "$(field "$WORK/out" two 2)" = "$(field "$WORK/out.1" line1 2)" ]
        [ "$(field "$WORK/out.2" line2 2)" = "$(field "$WORK/out.1" line1 2)" ]
        [ "$(sed -n 's/.*:.*:\(.*\):.*/\1/p' "$WORK"/out* | sort -u | wc -l)" = 3 ]
        [ "$(cut -d : -f 4 -s "$WORK"/out* | sort | uniq -d | wc -l)" = 0 ]
        [ "$(field "$WORK/out.1" line1 3)" = "$(holt inspect -f '{{.Config.Hostname}}' copy1)" ]
}

# What QEMU's process really runs.
program_of() { basename "$(readlink "/proc/$(qemu_of "$1")/exe")"; }

@test "where nothing helps it goes on as the process that stood still, if that is good" {
        [ "$(holt info --format "{{.Accelerator}}")" = tcg ] || skip "needs a machine without KVM"
        run_template kept -d -i
        [ "$(program_of kept)" = holt-thaw ]
        # Its disks are its own, and those of the original are gone from it.
        holt exec kept sh -c 'echo kept >>/heard; sync'
        holt exec first grep -c one /heard
        # Made of one that goes on as another did.
        holt template create again kept
        holt rm -f kept
        holt run -d -i --network none --template again --name kept
        [ "$(program_of kept)" = holt-thaw ]
        [ "$(holt exec kept cat /heard | tr '\n' ' ')" = 'one kept ' ] || holt exec kept cat /heard
        holt rm -f kept
        cp "$STORE/templates/again/process" "$WORK/good"
        printf x | dd of="$STORE/templates/again/process" bs=1 seek=3 conv=notrunc status=none
        holt run -d -i --network none --template again --name kept
        [[ $(program_of kept) == qemu-system-* ]]
        [ "$(holt exec kept cat /heard | tr '\n' ' ')" = 'one kept ' ]
        holt rm -f kept
        # Of another boot (process_image/format.h).
        install -m 400 "$WORK/good" "$STORE/templates/again/process"
        printf x | dd of="$STORE/templates/again/process" bs=1 seek=24 conv=notrunc status=none
        holt system check
        [ ! -e "$STORE/templates/again/process" ]
        holt template rm again
}

run_template() {
        local name=$1
        shift
        holt run --template warm --network none --name "$name" "$@"
}

@test "it has only the pages that changed, and keeps those that it needs" {
        local top=$STORE/templates base
        base=$(echo "$STORE"/vm/templates/*/memory)
        [ "$top/warm/memory.1" -ef "$base" ]
        (($(stat -c %b "$top/warm/memory") < $(stat -c %b "$base") / 2))
        # Of one of it: what that one has written, and what the other template has.
        run_template more -d -i
        holt exec more sh -c 'head -c 3000000 /dev/urandom >/tmp/drawn; sha256sum </tmp/drawn' >"$WORK/drawn"
        holt template create more more
        holt rm -f more
        [ "$top/more/memory.1" -ef "$base" ]
        [ "$top/more/memory.2" -ef "$top/warm/memory" ]
        (($(stat -c %s "$top/more/memory") > 3000000))
        holt system check
        # Nobody can take away what it needs; and a QEMU that loads it has the same.
        mv "$STORE/vm/templates" "$WORK/away"
        mv "$top/warm" "$WORK/warm"
        holt run -d -i --network none --template more --name more
        holt exec more sh -c 'sha256sum </tmp/drawn' | diff - "$WORK/drawn"
        holt rm -f more
        rm "$top/more/process"
        holt run -d -i --network none --template more --name more
        holt exec more sh -c 'sha256sum </tmp/drawn; cat /heard' | diff - <(cat "$WORK/drawn"; echo one)
        holt template create again more
        holt rm -f more
        mv "$WORK/away" "$STORE/vm/templates"
        mv "$WORK/warm" "$top/warm"
        printf x | dd of="$top/again/pages" bs=1 seek=3 conv=notrunc status=none
        run holt run -d -i --network none --template again --name broken
        [[ $status != 0 && $output == *'pages is damaged'* ]]
        rm "$top/more/memory.2"
        run holt run -d -i --network none --template more
        [[ $status != 0 && $output == *'memory.2 is not there'* ]]
        holt template rm more again
}

@test "its disk is its own, it has another machine-id, and what is there afterwards boots" {
        run_template disk -d -i
        [ "$(holt exec disk cat /heard)" = one ]
        [ "$(holt exec disk hostname)" = "$(id_of disk | cut -c 1-12)" ]
        [[ $(holt exec disk cat /etc/machine-id) =~ ^[0-9a-f]{32}$ ]]
        [ "$(holt exec disk cat /etc/machine-id)" != 00112233445566778899aabbccddeeff ]
        [ "$(holt exec first cat /etc/machine-id)" = 00112233445566778899aabbccddeeff ]
        [[ $(holt exec disk cat /etc/hosts) == *"$(id_of disk | cut -c 1-12)"* ]]
        (($(holt exec disk date +%s) >= $(date +%s) - 3))
        [ "$(holt inspect -f '{{.Config.Labels.is}}' disk)" = original ]
        holt exec disk sh -c 'echo disk >>/heard; sync'
        [ "$(holt exec first cat /heard | grep -c disk)" = 0 ]
        holt kill disk >/dev/null
        wait_for 20 status_is disk Exited
        holt start disk
        [ "$(holt exec disk cat /heard | tr '\n' ' ')" = 'one disk ' ] || holt exec disk cat /heard
        wait_for 10 logged disk begun
        holt rm -f disk
}

@test "a machine can be made a template of, again and again, and a clone of it is one" {
        holt template create second first
        run holt template create second first
        [[ $status != 0 && $output == *'there is a template second already'* ]]
        holt clone --live first live
        [ "$(holt ps -a --filter name=live --format '{{.Status}}')" = Created ]
        run holt diff live
        [[ $status != 0 && $output == *'start it once first'* ]]
        holt start live
        holt template create third live
        holt run -d -i --network none --template third --name last
        [ "$(holt exec last cat /heard | head -1)" = one ]
        holt rm -f live last
        [ "$(holt template ls -q | tr '\n' ' ')" = 'second third warm ' ]
        [ "$(holt template ls --format json | jq -r 'select(.Name == "third") | .Instance')" = live ]
        [ "$(holt template inspect -f '{{.Image}}' third)" = app ]
        [ "$(holt template rm --dry-run third)" = third ]
        holt template rm third
        run holt template rm third
        [[ $status != 0 && $output == *'no such template: third'* ]]
}

@test "what needs it is named, and its image stays" {
        local id
        id=$(holt create --template second)
        run holt template rm second
        [[ $status != 0 && $output == *"second is needed by $(holt inspect -f '{{.Name}}' "$id" | tr -d /)"* ]]
        [ "$(holt template prune --dry-run | cut -d ' ' -f 3)" = warm ]
        holt rm "$id"
        holt template rm second
        run holt rmi -f app
        [[ $status != 0 && $output == *'is used by'* ]]
}

@test "what cannot be is refused, and says why" {
        run holt run --template warm -e A=B
        [[ $status != 0 && $output == *'--env: a program runs in the template already'* ]]
        run holt run --template warm app
        [[ $status = 2 && $output == *'neither image nor command'* ]] || [[ $status != 0 && $output == *'neither image nor'* ]]
        run holt run --template none
        [[ $status != 0 && $output == *'no such template: none'* ]]
        run holt run
        [[ $status != 0 && $output == *'requires a minimum of 1'* ]]
        holt exec first sleep 1000 3>&- &
        PIDS+=($!)
        wait_for 5 eval 'holt top first | grep -q "sleep 1000"'
        run holt template create no first
        [[ $status != 0 && $output == *'something else runs in it'* ]]
        kill "${PIDS[@]}"
        holt pause first
        run holt template create no first
        [[ $status != 0 && $output == *paused* ]]
        holt unpause first
        holt run -d --network none --name box box sleep 1000
        run holt template create no box
        [[ $status != 0 && $output == *'box is a container'* ]]
        holt rm -f box
        run holt clone --live warm
        [ "$status" != 0 ]
        [ ! -e "$STORE/templates/no" ]
        [ ! -e "$STORE/templates/.part" ]
}

@test "one that is damaged, or of something else, does not start" {
        printf x | dd of="$STORE/templates/warm/state" bs=1 seek=5000 conv=notrunc status=none
        run run_template broken -d
        [[ $status != 0 && $output == *'its state is damaged'* ]]
        holt rm broken
        sed -i 's/"key": ".*"/"key": "x"/' "$STORE/templates/warm/manifest"
        run run_template broken -d
        [[ $status != 0 && $output == *'made by another QEMU'* ]]
        holt rm broken
        holt template prune -f
        [ -z "$(holt template ls -q)" ]
}
