#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What one sees of instances while they run: events, stats, top.

load images

setup() {
        store_make
        mkdir -p "$RUN"
}

teardown() { store_finish; }

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
        holt events --format '{{.TimeNano}}' >out 3>&- &
        PIDS+=($!)
        for ((i = 0; i < 100; i++)); do
                grep -q inotify /proc/${PIDS[0]}/fdinfo/* 2>/dev/null && break
                sleep 0.05
        done
        sleep 0.1
        event 1 container start a ''
        printf '{"Type":"contai\n' >>"$RUN/events"
        mv "$RUN/events" "$RUN/events.1"
        event 2 container start a ''
        for ((i = 0; i < 100; i++)); do
                [ "$(wc -l <out)" -lt 2 ] || break
                sleep 0.05
        done
        is "$(cat out)" "$(printf '1\n2')"
}

@test "events: end with the time of --until, and with the reader" {
        run -0 timeout 10 "$HOLT" --root "$STORE" --run "$RUN" events --until "$(date -d '+1 sec' +%s)"
        # The reader of a pipe goes: nothing happens, but it ends.
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" events | true
        [ "${PIPESTATUS[0]}" -ne 124 ]
}
