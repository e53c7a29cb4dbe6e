#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Instances that are hostile to their host and to the commands that look at them, and hostile clients of a shim.

load ../e2e/images

# One store for all.
setup_file() {
        BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME store_make
        layer_tree "$WORK/tree"
        for name in sleep true ln rm chmod chown touch mknod ls mkfifo; do ln -s busybox "$WORK/tree/bin/$name"; done
        image_make box
        declare -p WORK STORE RUN HOME REGISTRY_AUTH_FILE HOLT | sed 's/declare -[-a-z]*/declare -gx/' >"$BATS_FILE_TMPDIR/store"
}

load_store() {
        PIDS=()
        # shellcheck disable=SC1091
        source "$BATS_FILE_TMPDIR/store"
        cd "$WORK" || return
}

setup() { load_store; }

teardown() {
        holt rm -f -a >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
}

teardown_file() {
        load_store
        store_finish
}

run_d() { holt run -d --network none "$@"; }

@test "what hides a file of /proc is not the host's /dev/null to be changed" {
        before=$(stat -c '%a %u %g' /dev/null)
        run holt run --rm --network none box sh -c '
                for file in /proc/keys /proc/timer_list /proc/interrupts; do
                        [ -c $file ] && touch -d 2001-01-01 $file && echo touched
                        [ -c $file ] && chmod 667 $file && chmod 666 $file && echo changed
                done
                : >/proc/keys && cat /proc/keys && echo written'
        [ "$(stat -c '%a %u %g' /dev/null)" = "$before" ]
        [[ $output != *changed* && $output != *touched* && $output == *written* ]]
}

shim_of() { awk '/^PPid:/ {print $2}' "/proc/$(holt inspect -f '{{.State.Pid}}' "$1")/status"; }

@test "a shim that dies while it is asked leaves nothing that runs" {
        local command pid shim
        for command in "rm -f" "restart -t 0" "stop -t 0"; do
                run_d --name web box sleep 100
                pid=$(holt inspect -f '{{.State.Pid}}' web)
                shim=$(shim_of web)
                kill -STOP "$shim"
                # shellcheck disable=SC2086
                timeout 20 "$HOLT" --root "$STORE" --run "$RUN" $command web &
                asking=$!
                sleep 0.3
                kill -KILL "$shim"
                wait "$asking" || true
                holt ps -a
                [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"
                case $command in
                restart*) [ "$(holt ps --format '{{.Names}}')" = web ] ;;
                stop*) [ -z "$(holt ps -q)" ] ;;
                rm*) [ -z "$(holt ps -aq)" ] ;;
                esac
                holt rm -f -a
                [ -z "$(ls "$RUN/containers")" ]
        done
}

@test "who is attached and does not read holds up no stop" {
        mkfifo "$WORK/unread"
        exec 8<>"$WORK/unread"
        "$HOLT" --root "$STORE" --run "$RUN" run --network none --name web box sh -c 'while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done' >&8 2>&8 &
        runs() { [ -n "$(holt ps -q)" ]; }
        wait_for 5 runs
        sleep 0.5
        timeout 20 "$HOLT" --root "$STORE" --run "$RUN" stop -t 0 web
        [ -z "$(holt ps -q)" ]
        kill -KILL $!
        wait $! || true
        exec 8<&-
}

@test "connections that say nothing keep nobody out" {
        id=$(run_d --name web box sleep 100)
        python3 - "$RUN/instances/$id" <<'PY' 3>&- &
import os, socket, sys, time
os.chdir(sys.argv[1])
kept = []
for _ in range(200):
    s = socket.socket(socket.AF_UNIX)
    s.connect("socket")
    kept.append(s)
time.sleep(30)
PY
        sleep 0.5
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" kill -s CONT web
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" stop -t 0 web
        kill $!
        wait $! || true
}

@test "each command understands an instance whose shim was killed" {
        local command
        for command in "exec web true" "start web" "stop web" "kill web" "restart web" "rename web web2" "logs web" \
                "inspect web" "update --cpu-shares 5 web" "pause web" "wait web" "top web" "cp web:/etc/passwd passwd" \
                "diff web" "port web" "attach web" "rm web" "stats --no-stream web"; do
                run_d --name web box sleep 100
                kill -KILL "$(shim_of web)"
                # shellcheck disable=SC2086
                run timeout 10 "$HOLT" --root "$STORE" --run "$RUN" $command
                echo "$command: $status $output"
                ((status < 124 || status == 125 || status == 137))
                [[ $output != *"shim has died"* ]]
                holt rm -f -a
        done
}

@test "what an instance or its image calls things moves no cursor and makes no line" {
        local escape=$'\e[2J' out
        run_d --name web --label "text=$escape" box sh -c "touch '/bad$escape
A forged' /ready; exec sleep 100" "$escape
second"
        wait_for 5 holt exec web ls /ready
        for out in "$(holt ps --no-trunc)" "$(holt ps --format '{{.Labels}} {{.Command}}')" "$(holt diff web)" "$(holt top web)" \
                "$(holt inspect web)" "$(holt events --since 1m --until 0s)" "$(holt stats --no-stream)"; do
                [[ $out != *$'\e'* ]] || { echo "${out@Q}"; return 1; }
        done
        [ "$(holt diff web | wc -l)" -eq 2 ]
        [ "$(holt ps --no-trunc | wc -l)" -eq 2 ]
}

@test "what an image says of itself makes no line of an explanation" {
        local forged=$'x\nSeccomp all is well\e[2J'
        holt run --explain --network none --name web -w "/$forged" -e "A=$forged" -v "/tmp:/$forged" \
                --mount "type=tmpfs,dst=/y$forged" -v "data:/z$forged" --device "/dev/null:/dev/$forged" box "$forged" >explained
        [ "$(grep -c '^Seccomp' explained)" -eq 1 ]
        ! grep -F $'\e' explained
        grep -q 'Directory:.*Seccomp all is well' explained
}

@test "a full disk: it is said, and everything can be removed" {
        local full=$WORK/full
        mkdir "$full"
        mount -t tmpfs -o size=16m tmpfs "$full"
        holt save box >"$WORK/box.tar"
        # shellcheck disable=SC2030
        STORE=$full/store RUN=$WORK/full-run
        holt load -q -i "$WORK/box.tar" || { umount "$full"; return 1; }
        run_d --name web -v data:/data box sh -c 'while :; do echo text; sleep 0.01; done'
        cat /dev/zero >"$full/fill" || true
        run holt run --rm --network none box true
        [ "$status" -eq 125 ]
        [[ $output == *"No space left"* ]]
        run holt create --network none --name other box
        [ "$status" -eq 125 ]
        holt ps -a
        holt rm -f web
        [ -z "$(holt ps -aq)" ]
        holt volume rm data
        holt rmi box
        [ -z "$(holt images -q)" ]
        [ -z "$(find "$full/store/instances" "$RUN/instances" "$RUN/containers" -mindepth 1 -not -path '*/.cache*')" ]
        umount -R "$RUN/layers"
        # What was removed may still be on its way.
        wait_for 5 umount "$full"
}

@test "who cleans up behind a restart policy leaves files and volumes as they are" {
        local data
        holt volume create vol
        data=$(holt volume inspect -f '{{.Mountpoint}}' vol)
        mkdir "$data/sub"
        echo kept >"$data/sub/file"
        run_d --name web --ipc shareable --restart on-failure:1 --mount type=volume,src=vol,dst=/sub,volume-subpath=sub \
                box sh -c 'echo more >>/made; echo more >>/sub/file; exit 3'
        ended() { [[ $(holt inspect -f '{{.State.Status}} {{.RestartCount}}' web) == 'exited 1' && -z $(ls "$RUN/instances") ]]; }
        wait_for 10 ended
        [ "$(xargs <"$data/sub/file")" = 'kept more more' ]
        holt cp web:/made "$WORK/made"
        [ "$(xargs <"$WORK/made")" = 'more more' ]
        holt rm web
        holt volume rm vol
}

# restarting NAME: one that waits for its next start. Its policy stands in its record.
restarting() {
        local id
        id=$(holt create --network none --name "$1" box true)
        sed -i 's/"options":{/&"restart":"always",/' "$STORE/instances/$id/config"
        holt start "$1"
        wait_for 5 has_restarted "$1" 2
}

has_restarted() { [[ $(holt inspect -f '{{.State.Status}} {{.RestartCount}}' "$1") == restarting\ ["$2"-9]* ]]; }

@test "a program that ends at once is started ever more seldom, and commands know what to do with it" {
        restarting web
        sleep 2
        count=$(holt inspect -f '{{.RestartCount}}' web)
        ((count <= 6))
        holt commit web committed
        holt update --cpu-shares 512 web
        run timeout 10 "$HOLT" --root "$STORE" --run "$RUN" exec web true
        [ "$status" -eq 1 ]
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" stop web
        [ "$(holt inspect -f '{{.State.Status}}' web)" = exited ]
        holt rm web
        restarting web
        timeout 10 "$HOLT" --root "$STORE" --run "$RUN" rm -f web
}

@test "one that is paused is stopped, killed and removed" {
        local command
        for command in "stop -t 0" "kill" "restart -t 0" "rm -f"; do
                run_d --name web box sleep 100
                holt pause web
                # shellcheck disable=SC2086
                timeout 10 "$HOLT" --root "$STORE" --run "$RUN" $command web
                sleep 0.2
                [ -z "$(holt ps -q --filter status=paused)" ]
                holt rm -f web
        done
}

@test "who waits for one that is removed is told" {
        run_d --name web box sleep 100
        "$HOLT" --root "$STORE" --run "$RUN" wait web >"$WORK/waited" &
        local asking=$!
        is_connected() { ls -l "/proc/$asking/fd" | grep -q socket:; }
        wait_for 5 is_connected
        sleep 0.3
        holt rm -f web
        wait $!
        [ "$(cat "$WORK/waited")" = 137 ]
}

@test "of eight with one name one wins, and two renames to one name leave two names" {
        local n
        for n in {1..8}; do run_d --name web box sleep 100 >"$WORK/won.$n" 2>/dev/null & done
        wait
        [ "$(cat "$WORK"/won.* | wc -l)" -eq 1 ]
        [ "$(holt ps -aq | wc -l)" -eq 1 ]
        holt create --network none --name one box true
        holt create --network none --name two box true
        holt rename one both & holt rename two both & wait
        [ "$(holt ps -a --format '{{.Names}}' | sort -u | wc -l)" -eq 3 ]
        for n in {1..4}; do holt rm -f -a & done
        wait
        [ -z "$(ls "$STORE/instances")" ]
}

@test "exec --user does not wait for what an instance has in the place of its /etc/passwd" {
        local made
        run_d --name web box sleep 100
        for made in "ln -s /proc/kmsg" "ln -s /proc/1/root/etc/hosts" "ln -s /dev/zero" "mkfifo"; do
                holt exec web sh -c "rm -f /etc/passwd; $made /etc/passwd"
                run timeout 20 "$HOLT" --root "$STORE" --run "$RUN" exec --user somebody web true
                [ "$status" -ne 0 ]
                [ "$status" -ne 124 ]
                run timeout 20 "$HOLT" --root "$STORE" --run "$RUN" exec --user 7 web true
                [ "$status" -eq 0 ]
        done
}

@test "what a killed rename, create or rm leaves is nobody's" {
        local id rest
        id=$(holt create --network none --name web box true)
        # Between the new name and the configuration, and between that and the old name.
        ln -s "$id" "$STORE/instances/other"
        holt create --network none --name other box true
        ln -s "$id" "$STORE/instances/third"
        holt rename web third
        [ "$(holt ps -a --format '{{.Names}}' | sort | tr '\n' ' ')" = "other third " ]
        run holt create --network none --name third box true
        [ "$status" -eq 125 ]
        # A directory that has no configuration.
        rest=$STORE/instances/$(printf '0123456789abcdef%.0s' {1..4})
        mkdir -p "$rest/upper"
        holt ps -a
        [ ! -e "$rest" ]
}

@test "a change of the configuration takes none back that was made meanwhile" {
        local n
        for n in {1..10}; do
                holt create --network none --name web box true
                holt snapshot create web one
                holt snapshot restore web one & holt update --cpu-shares 100 web & holt rename web new & wait
                [ "$(holt ps -a --format '{{.Names}}')" = new ]
                holt start -a new
                holt rm new
        done
}

@test "commands of all kinds are killed at any instant: nothing is left that nobody knows" {
        "$TESTS/crash.py" "${HOLT_CRASH:-8}" -- "$HOLT" --root "$STORE" --run "$RUN"
        holt ps -a
        [ -z "$(holt ps -a --format '{{.Names}}' | sort | uniq -d)" ]
        holt rm -f -a
        # A shim may still be on its way out.
        has_none() { [ -z "$(ls "$1")" ]; }
        for left in "$STORE/instances" "$RUN/instances" "$RUN/containers"; do
                wait_for 2 has_none "$left" || { ls -lR "$left" && return 1; }
        done
        [ -z "$(pgrep -f "holt-shim run $STORE ")" ]
        run holt system check
        echo "$output"
        [[ $output != *"kept for"* ]]
        holt system check --repair
        holt volume prune -a -f
        [ -z "$(ls "$STORE/volumes")" ]
}
