#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What one sees of instances while they run: events, stats, top.

load images

setup() {
        store_make
        mkdir -p "$RUN"
}

teardown() {
        [ ! -e "$STORE/holt.db" ] || holt rm --force --all >/dev/null
        store_finish
}

is() { # GOT EXPECTED
        [ "$1" = "$2" ] || { printf 'got:\n%s\nexpected:\n%s\n' "$1" "$2"; return 1; }
}

# event TIME TYPE ACTION ID ATTRIBUTES, as whoever does something writes it down.
event() {
        printf '{"Type":"%s","Action":"%s","Actor":{"ID":"%s","Attributes":{%s}},"timeNano":%s}\n' "$2" "$3" "$4" "$5" "$1" \
                >>"$RUN/events"
}

some_events() {
        event 1000000000000000001 container create aaa111 '"name":"web","image":"debian:12","tier":"front"'
        event 1000000001000000000 container start aaa111 '"name":"web","image":"debian:12","tier":"front"'
        event 1000000002000000000 container 'health_status: healthy' bbb222 '"name":"db","image":"postgres"'
        event 1000000003000000000 network connect ccc333 '"name":"lan","container":"aaa111"'
        event 1000000004000000000 volume create data ''
        event 1000000005000000000 container die aaa111 '"name":"web","image":"debian:12","exitCode":"3","tier":"front"'
}

# watches PID: waits until it does, and waits for what comes.
watches() {
        local tries=100
        while ((tries--)); do
                grep -qs inotify /proc/"$1"/fdinfo/* && grep -q '^State:.*S' /proc/"$1"/status && return
                sleep 0.02
        done
        return 1
}

past() { TZ=UTC holt events --stream=false "$@"; }

@test "events: what has happened, for people" {
        some_events
        is "$(past | sed -n '1p;3p;5p;6p')" "2001-09-09T01:46:40.000000001Z container create aaa111 (image=debian:12, name=web, tier=front)
2001-09-09T01:46:42.000000000Z container health_status: healthy bbb222 (image=postgres, name=db)
2001-09-09T01:46:44.000000000Z volume create data
2001-09-09T01:46:45.000000000Z container die aaa111 (exitCode=3, image=debian:12, name=web, tier=front)"
        TZ=Europe/Berlin holt events --since 0 --until 1s >out
        grep -q '^2001-09-09T03:46:40.000000001+02:00 container' out
}

@test "events: filters" {
        some_events
        is "$(past --filter type=volume | cut -d ' ' -f 2-)" 'volume create data'
        is "$(past -f event=health_status | wc -l)" 1
        is "$(past -f event=start -f event=die | wc -l)" 2
        is "$(past -f container=web | wc -l)" 3
        is "$(past -f container=aaa | wc -l)" 4
        is "$(past -f container=we | wc -l)" 0
        is "$(past -f container=web -f event=die -f type=container | wc -l)" 1
        is "$(past -f image=debian | wc -l)" 3
        is "$(past -f image=debian:1 | wc -l)" 0
        is "$(past -f network=lan | wc -l)" 1
        is "$(past -f volume=data | wc -l)" 1
        is "$(past -f label=tier=front -f label=name=web | wc -l)" 3
        is "$(past -f label=tier=back | wc -l)" 0
        is "$(past -f label!=tier -f type=container | wc -l)" 1
        is "$(past --since 1000000003 | wc -l)" 3
        is "$(past --since 1000000000.000000002 --until 2001-09-09T01:46:42Z | wc -l)" 2
        run -125 holt events --filter nonsense=1
        run -125 holt events --since nonsense
}

@test "events: JSON as Docker's, templates" {
        some_events
        is "$(past --format json | head -n 1)" '{"status":"create","id":"aaa111","from":"debian:12","Type":"container","Action":"create","Actor":{"ID":"aaa111","Attributes":{"name":"web","image":"debian:12","tier":"front"}},"scope":"local","time":1000000000,"timeNano":1000000000000000001}'
        is "$(past --format json -f type=volume)" '{"Type":"volume","Action":"create","Actor":{"ID":"data","Attributes":{}},"scope":"local","time":1000000004,"timeNano":1000000004000000000}'
        is "$(past --format '{{.Time}} {{.ID}} {{.Actor.Attributes.name}}' -f event=die)" '1000000005 aaa111 web'
        run -1 past --format '{{.Nonsense}}'
}

@test "events: what happens now, across rotation; a torn line harms nobody" {
        some_events
        "$HOLT" --root "$STORE" --run "$RUN" events --format '{{.TimeNano}}' >out 3>&- &
        PIDS+=($!)
        watches $!
        event 1 container start a ''
        printf '{"Type":"contai\n' >>"$RUN/events"
        mv "$RUN/events" "$RUN/events.1"
        event 2 container start a ''
        told_two() { [ "$(wc -l <out)" -ge 2 ]; }
        wait_for 5 told_two
        is "$(cat out)" "$(printf '1\n2')"
}

@test "events: end with the time of --until, and with the reader" {
        run -0 timeout 10 "$HOLT" --root "$STORE" --run "$RUN" events --until "$(date -d '+1 sec' +%s)"
        # The reader of a pipe goes: nothing happens, but it ends.
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" events | true
        [ "${PIPESTATUS[0]}" -ne 124 ]
}

# runs NAME COMMAND [OPTION...]: a shell of the image that runs it.
runs() {
        local name=$1 command=$2
        shift 2
        [ -e "$WORK/id" ] || image_make box
        holt run -d --network none --name "$name" "$@" box sh -c "$command" >/dev/null
}

@test "events: an end is told once, and no end is earlier than its start" {
        runs gone 'sleep 100' --rm
        holt rm -f gone
        runs short true
        holt wait short
        holt rm short
        is "$(past -f event=destroy --format '{{.Actor.Attributes.name}}' | sort)" "$(printf 'gone\nshort')"
        is "$(past -f container=short -f event=start -f event=die --format '{{.TimeNano}} {{.Action}}' | sort -n | cut -d ' ' -f 2)" \
                "$(printf 'start\ndie')"
}

@test "stats: a look at all that run, at those that are named, and at the others" {
        runs busy 'while :; do :; done' --memory 64m
        runs idle 'sleep 100 & sleep 100'
        runs ended 'exit 3'
        holt wait ended
        has_two() { [ "$(holt stats --no-stream --format '{{.PIDs}}' idle)" = 2 ]; }
        wait_for 5 has_two
        run -0 holt stats --no-stream --format '{{.Name}} {{.PIDs}} {{.NetIO}}'
        is "$(sort <<<"$output")" "$(printf 'busy 1 0B / 0B\nidle 2 0B / 0B')"
        run -0 holt stats --no-stream -a --format '{{.Name}} {{.PIDs}}'
        is "$(sort <<<"$output")" "$(printf 'busy 1\nended 0\nidle 2')"
        holt stats --no-stream --format json busy ended >out
        is "$(jq -r .Name out)" "$(printf 'busy\nended')"
        head -n 1 out | jq -e '(.CPUPerc | rtrimstr("%") | tonumber) > 2 and (.MemUsage | endswith(" / 64MiB")) and
                (.MemPerc | rtrimstr("%") | tonumber) > 0 and .BlockIO != "--" and (.ID | length) == 12'
        run -0 holt stats --no-stream --no-trunc --format '{{.ID}}' busy
        is "${#output}" 64
        run -1 holt stats --no-stream nobody
        is "$output" 'holt: no such instance: nobody (holt ps -a lists them)'
        run -125 holt stats --interval 0
}

@test "stats: again and again, on a terminal in its place, until the reader goes" {
        runs one 'sleep 100'
        holt stats --format '{{.Name}}' | head -n 2 >out
        is "$(cat out)" "$(printf 'one\none')"
        script -qfec "$HOLT --root $STORE --run $RUN stats" /dev/null >out </dev/null 3>&- &
        wait_for 5 grep -q "$(printf '\033\\[2J\033\\[HCONTAINER ID')" out
        wait_for 5 grep -q "$(printf '\033\\[J\033\\[HCONTAINER ID')" out
        kill $!
        wait $! || true
        # Elsewhere nothing is moved.
        timeout 1 "$HOLT" --root "$STORE" --run "$RUN" stats >out || true
        run ! grep -q "$(printf '\033')" out
}

@test "top: as ps -ef, with ps's options, with podman's columns" {
        runs two 'sleep 101 & sleep 102; true'
        has_three() { [ "$(holt top two | wc -l)" -eq 4 ]; }
        wait_for 5 has_three
        run -0 holt top two
        [[ ${lines[0]} =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
        is "${#lines[@]}" 4
        [[ $output == *'sleep 101'*'sleep 102'* ]]
        [[ ${lines[1]} == root*' sh -c sleep 101'* ]]
        if command -v ps; then
                run -0 holt top two -o pid,args
                is "${#lines[@]}" 4
                run -0 holt top two aux
                [[ ${lines[0]} == USER*COMMAND && ${#lines[@]} -eq 4 ]]
                run -0 holt top two ppid comm
                is "$(sed -n '2,4p' <<<"$output" | awk '{print $2}' | sort)" "$(printf 'sh\nsleep\nsleep')"
                run -1 holt top two -o args
                [[ $output == *'no column PID'* ]]
        fi
        holt stop -t 0 two
        run -1 holt top two
        [[ $output == *'two is not running'* ]]
}

@test "events: what instances do" {
        "$HOLT" --root "$STORE" --run "$RUN" events --filter type=container \
                --format '{{.Action}} {{.Actor.Attributes.name}}' >out 3>&- &
        PIDS+=($!)
        watches $!
        runs three 'exit 4' --label tier=x
        wait_for 5 grep -q die out
        is "$(cat out)" "$(printf 'create three\nstart three\ndie three')"
        is "$(holt events --stream=false --filter event=die --format '{{.Actor.Attributes.exitCode}}')" 4
}

@test "info: how many there are of what" {
        runs one 'sleep 100'
        runs two 'sleep 100'
        runs three 'exit 0'
        holt pause two
        has_ended() { [ "$(holt inspect -f '{{.State.Status}}' three)" = exited ]; }
        wait_for 5 has_ended
        holt info --format json >out
        jq -e '.Containers == 3 and .ContainersRunning == 1 and .ContainersPaused == 1 and .ContainersStopped == 1' out
        jq -e '.Images == 1 and (.SecurityOptions | length) > 0 and (.RegistryConfig.Search | length) > 0' out
        holt info | grep -x ' Paused: 1'
        holt info | grep -E '^ Run by: (QEMU|.*install qemu-system-x86)$'
        holt info | grep -E '^ Guest Kernel: ([0-9]|.*holt system kernel)'
        is "$(holt system info -f '{{.CgroupDriver}} {{.Driver}}')" 'cgroupfs erofs'
}
