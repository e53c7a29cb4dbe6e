#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The life of instances: made, started, looked at, stopped, removed; and what is left when somebody is killed.

load images

setup_file() {
        # One store for all: what a test leaves behind, another one would see.
        BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME store_make
        layer_tree "$WORK/tree"
        for name in sleep true; do ln -s busybox "$WORK/tree/bin/$name"; done
        image_make box
        declare -p WORK STORE RUN HOME REGISTRY_AUTH_FILE HOLT | sed 's/declare -[-a-z]*/declare -gx/' >"$BATS_FILE_TMPDIR/store"
}

teardown_file() {
        load_store
        store_finish
}

load_store() {
        PIDS=()
        # shellcheck disable=SC1091
        source "$BATS_FILE_TMPDIR/store"
        cd "$WORK" || return
}

setup() {
        load_store
}

# Nothing of a test's instances stays: no directory, no process, no cgroup.
teardown() {
        holt rm -f -a >/dev/null
        [[ -z $(ls "$STORE/instances") ]]
        [[ -z $(ls "$RUN/instances") ]]
        [[ -z $(ls "$RUN/containers" 2>/dev/null) ]]
        ! find /sys/fs/cgroup -type d -path '*holt/*' 2>/dev/null | grep -F "$(cat "$BATS_FILE_TMPDIR/ids" 2>/dev/null || echo none)"
        wait_for 2 no_shims
}

no_shims() { ! pgrep -f "holt-shim.*$STORE"; }
runs_as() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline") == "$2" ]]; }

run_d() { holt run -d --network none "$@"; }

@test "run -d answers with the id of what runs" {
        id=$(run_d --name web box sh -c 'echo here; exec sleep 100')
        [[ $id =~ ^[0-9a-f]{64}$ ]]
        run holt ps --format '{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.State}}'
        [ "$output" = "${id:0:12} box \"sh -c 'echo here; e…\" web running" ] || [ "$output" = "${id:0:12} box \"sh -c echo here; ex…\" web running" ]
        [[ $(holt ps --format '{{.Status}}') == "Up "* ]]
        [ "$(holt ps -q --no-trunc)" = "$id" ]
        pid=$(holt inspect -f '{{.State.Pid}}' web)
        wait_for 5 runs_as "$pid" 'sleep 100 '
        [ "$(holt stop -t 1 web)" = web ]
        [ -z "$(holt ps -q)" ]
        [[ $(holt ps -a --format '{{.Status}}') == "Exited (137) "* ]]
        [ ! -e "/proc/$pid" ]
        [ "$(holt rm "${id:0:5}")" = "${id:0:5}" ]
        [ -z "$(holt ps -aq)" ]
}

@test "ps: labels, mounts and networks as templates want them" {
        holt create --network none --name aa --label stage=test --label with.dots-and_more=1,2 -v a-volume-with-a-long-name:/v \
                -v /tmp:/t -v /anonymous box >/dev/null
        holt create --network name=bridge,ip=10.112.0.77 --name bb box >/dev/null
        run holt ps -a --format '{{.Names}}|{{.Label "stage"}}|{{.Label "with.dots-and_more"}}|{{.LocalVolumes}}|{{.Networks}}'
        [ "$output" = $'bb|||0|bridge\naa|test|1,2|2|none' ]
        run holt ps -a --filter name=aa --format '{{.Mounts}}'
        [[ $output == *a-volume-with-…* && $output == */tmp* && $output != *:/* ]]
        run holt ps -a --no-trunc --filter name=aa --format '{{.Mounts}}'
        [[ $output == *a-volume-with-a-long-name* ]]
        run holt ps -a --filter name=aa --format 'table {{.Names}}\t{{.Label "with.dots-and_more"}}'
        [ "$output" = $'NAMES     dots and more\naa        1,2' ]
        [ "$(holt ps -a --filter name=aa --format json | jq -r 'keys | join(" ")')" = "Command CreatedAt ID Image Isolation Labels LocalVolumes Mounts Names Networks Pid Ports RunningFor Size State Status" ]
        run holt ps -a --format '{{.Labell}}'
        [ "$status" -ne 0 ]
        holt volume create --label colour=blue kept >/dev/null
        [ "$(holt volume ls --filter name=kept --format '{{.Name}} {{.Label "colour"}}{{.Label "none"}}')" = "kept blue" ]
        holt network create --label colour=red labelled >/dev/null
        [ "$(holt network ls --filter name=labelled --format '{{.Name}} {{.Label "colour"}}')" = "labelled red" ]
        holt network rm labelled
        holt rm -f -v aa bb
        holt volume rm kept a-volume-with-a-long-name
}

@test "what was written is there after the next start" {
        holt run --network none --name keep box sh -c 'echo once >>/file; cat /file' >out
        [ "$(cat out)" = once ]
        [ "$(holt start -a keep)" = $'once\nonce' ]
        [ "$(holt ps -aq --filter name=keep --filter status=exited | wc -l)" -eq 1 ]
}

@test "--rm leaves nothing" {
        run holt run --rm --network none --name gone box sh -c 'echo x >/file; exit 7'
        [ "$status" -eq 7 ]
        [ -z "$(holt ps -aq)" ]
        id=$(run_d --rm box true)
        wait_for 5 test ! -e "$STORE/instances/$id"
}

@test "exit codes say who failed" {
        run holt run --rm --network none box /no/such
        [ "$status" -eq 127 ]
        run holt run --rm --network none box /etc/passwd
        [ "$status" -eq 126 ]
        run holt run --rm --network none --memory nonsense box true
        [ "$status" -eq 125 ]
        run holt run --rm --network none --pull never nothing-here true
        [ "$status" -eq 125 ]
        run holt run --rm --network none box sh -c 'kill -TERM $$'
        [ "$status" -eq 0 ] || [ "$status" -eq 143 ]
        [ -z "$(holt ps -aq)" ]
        run holt run --network none --name failed box /no/such
        [ "$status" -eq 127 ]
        [ "$(holt inspect -f '{{.State.Status}} {{.State.ExitCode}}' failed)" = "created 127" ]
        [[ $(holt inspect -f '{{.State.Error}}' failed) == *"/no/such"* ]]
}

@test "names are one instance's" {
        holt create --network none --name one box >/dev/null
        run holt create --network none --name one box
        [ "$status" -eq 125 ]
        [[ $output == *'"one" is in use'* ]]
        run holt create --network none --name -bad box
        [ "$status" -eq 125 ]
        holt rename one two
        run holt inspect one
        [ "$status" -eq 1 ]
        [[ $output == *"no such instance or image: one"* ]]
        [ "$(holt inspect -f '{{.Name}}' two)" = /two ]
        id=$(holt create --network none box)
        [[ $(holt inspect -f '{{.Name}}' "$id") =~ ^/[a-z]+_[a-z]+$ ]]
        holt rename two one
}

@test "one that gets another name while it runs is known by that, to its shim too" {
        holt run -d --network none --name one box sleep 1000 >/dev/null
        holt rename one two
        holt stop -t 0 two
        [ "$(holt events --since 0 --stream=false --filter event=die --format '{{.Actor.Attributes.name}}' | tail -n 1)" = two ]
        holt rm two
}

@test "what makes no sense is refused before anything is made" {
        run -125 holt create -p 99999:1 box
        [[ $output == *"ports from 1 to 65535"* ]]
        run -125 holt create --cpus x box
        run -125 holt create --memory 1 box
        run -125 holt run --memroy 5 box true
        [[ $output == *"did you mean --memory?"* ]]
        run -125 holt run -it box sh </dev/null
        [[ $output == *"leave out --tty"* ]]
        run -125 holt run -it --pull never nosuchimage sh </dev/null
        [[ $output == *"not a TTY"* ]]
        [ -z "$(holt ps -aq)" ]
}

@test "what does not run is named, with what starts it" {
        holt run -d --network none --name ended box true
        holt wait ended >/dev/null
        for command in kill pause unpause; do
                run -1 holt $command ended
                [[ $output == *"instance ended does not run: it is exited; start it with: holt start ended"* ]]
        done
        run -1 holt exec ended true
        [[ $output == *"start it with: holt start ended"* ]]
        holt rm ended
}

@test "create and start" {
        id=$(holt create --network none --name later --env A=1 --cidfile "$BATS_TEST_TMPDIR/cid" box sh -c 'echo $A; exit 3')
        [ "$(cat "$BATS_TEST_TMPDIR/cid")" = "$id" ]
        [ "$(holt ps -a --format '{{.Status}}')" = Created ]
        [ "$(holt inspect -f '{{range .Config.Env}}{{.}} {{end}}{{if .State.Health}}x{{else}}none{{end}} {{index .Config.Cmd 0}} {{.Config.Labels.no}}' later)" = 'PATH=/bin A=1 none sh <no value>' ]
        [ "$(holt ps -a --format 'table {{.Names | printf "%-7s|"}}{{slice .ID 0 5}}')" = $'NAMES  |CONTAINER ID\nlater  |'"${id:0:5}" ]
        run holt start -a later
        [ "$status" -eq 3 ]
        [ "$output" = 1 ]
        run holt start no-such later
        [ "$status" -eq 1 ]
        [[ $output == *"no such instance: no-such"* ]]
        [[ $output == *later* ]]
        run holt create --network none --cidfile "$BATS_TEST_TMPDIR/cid" box
        [ "$status" -eq 125 ]
}

@test "lists are filtered and shaped" {
        run_d --name aa --label stage=test box sleep 100 >/dev/null
        holt create --network none --name bb --label other=1 box >/dev/null
        [ "$(holt ps -a --filter label=stage=test --format '{{.Names}}')" = aa ]
        [ "$(holt ps -a --filter 'label!=stage' --format '{{.Names}}')" = bb ]
        [ "$(holt ps --filter status=created --format '{{.Names}}')" = bb ]
        [ "$(holt ps -a --filter name=aa --filter name=bb -q | wc -l)" -eq 2 ]
        [ "$(holt ps -l --format '{{.Names}}')" = bb ]
        [ "$(holt ps -n 5 -q | wc -l)" -eq 2 ]
        [ "$(holt ps -a --filter ancestor=box -q | wc -l)" -eq 2 ]
        [ "$(holt ps --format json | jq -r .Names)" = aa ]
        [[ $(holt ps -s --filter name=aa --format '{{.Size}}') == *virtual* ]]
        run holt ps --filter nonsense=1
        [ "$status" -eq 125 ]
        run holt ps --filter status=nonsense
        [ "$status" -eq 125 ]
}

@test "signals, pause and restart" {
        run_d --name trap box sh -c 'trap "echo usr1 >/got" USR1; : >/set; while :; do sleep 0.05; done' >/dev/null
        upper=$STORE/instances/$(holt inspect -f '{{.Id}}' trap)/upper
        wait_for 5 test -e "$upper/set"
        holt kill -s USR1 trap >/dev/null
        wait_for 5 test -s "$upper/got"
        holt pause trap >/dev/null
        [ "$(holt ps --format '{{.State}} {{.Status}}' | grep -c Paused)" -eq 1 ]
        run holt pause trap
        [ "$status" -eq 1 ]
        holt unpause trap >/dev/null
        before=$(holt inspect -f '{{.State.Pid}}' trap)
        holt restart -t 0 trap >/dev/null
        [ "$(holt inspect -f '{{.State.Pid}}' trap)" != "$before" ]
        [ "$(cat "$upper/got")" = usr1 ]
        holt kill trap >/dev/null
        run holt kill -s NONSENSE trap
        [ "$status" -eq 125 ]
}

@test "limits change while it runs" {
        run_d --name limited --memory 64m box sleep 100 >/dev/null
        pid=$(holt inspect -f '{{.State.Pid}}' limited)
        group=$(sed -n 's/^[0-9]*:memory://p; s/^0:://p' "/proc/$pid/cgroup" | head -1)
        file=/sys/fs/cgroup/memory$group/memory.limit_in_bytes
        [ -e "$file" ] || file=/sys/fs/cgroup$group/memory.max
        [ "$(cat "$file")" -eq $((64 << 20)) ]
        holt update --memory 128m limited >/dev/null
        [ "$(cat "$file")" -eq $((128 << 20)) ]
        [ "$(holt inspect -f '{{.HostConfig.Memory}}' limited)" -eq $((128 << 20)) ]
        run holt update limited
        [ "$status" -eq 125 ]
        run holt update --memory nonsense limited
        [ "$status" -ne 0 ]
        [ "$(holt inspect -f '{{.HostConfig.Memory}}' limited)" -eq $((128 << 20)) ]
}

# wait_for SECONDS COMMAND...
wait_for() {
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                ((SECONDS < end)) || return 1
                sleep 0.05
        done
}

# memory_limit PID
memory_limit() {
        local group file
        group=$(sed -n 's/^[0-9]*:memory://p; s/^0:://p' "/proc/$1/cgroup" | head -1)
        file=/sys/fs/cgroup/memory$group/memory.limit_in_bytes
        [ -e "$file" ] || file=/sys/fs/cgroup$group/memory.max
        cat "$file"
}

pid_of() { holt inspect -f '{{.State.Pid}}' "$1"; }

# What its shim starts anew: its pid is another one.
runs_again() { # NAME PID
        local pid
        pid=$(pid_of "$1")
        ((pid > 0 && pid != $2))
}

has_status() { [ "$(holt inspect -f '{{.State.Status}}' "$1")" = "$2" ]; }

@test "what update changed holds for starts by the restart policy" {
        run_d --name again --memory 64m --restart always box sleep 100 >/dev/null
        holt update --memory 128m again >/dev/null
        pid=$(pid_of again)
        kill -KILL "$pid"
        wait_for 20 runs_again again "$pid"
        pid=$(pid_of again)
        [ "$(memory_limit "$pid")" -eq $((128 << 20)) ]
        holt update --restart no again >/dev/null
        kill -KILL "$pid"
        wait_for 20 has_status again exited
        [ "$(holt inspect -f '{{.RestartCount}}' again)" -eq 1 ]
}

@test "update gives a restart policy to one that runs without" {
        run_d --name plain --memory 64m box sleep 100 >/dev/null
        holt update --restart always --memory 128m plain >/dev/null
        pid=$(pid_of plain)
        kill -KILL "$pid"
        wait_for 20 runs_again plain "$pid"
        pid=$(pid_of plain)
        [ "$(memory_limit "$pid")" -eq $((128 << 20)) ]
        kill -KILL "$pid"
        wait_for 20 runs_again plain "$pid"
        holt stop -t 0 plain >/dev/null
        has_status plain exited
        # Somebody who waits in the foreground sees the end of what he started, and it goes on without him.
        holt create --name front --network none box sleep 100 >/dev/null
        holt start -a front 3>&- &
        PIDS+=($!)
        wait_for 20 has_status front running
        pid=$(pid_of front)
        holt update --restart on-failure:1 front >/dev/null
        kill -KILL "$pid"
        code=0
        wait "${PIDS[0]}" || code=$?
        [ "$code" -eq 137 ]
        PIDS=()
        wait_for 20 runs_again front "$pid"
        # The host's end is no reason to start anything.
        run_d --name host box sleep 100 >/dev/null
        holt update --restart always host >/dev/null
        kill -TERM "$(pgrep -f "holt-shim.*$(holt inspect -f '{{.Id}}' host)")"
        wait_for 20 has_status host exited
}

@test "update refuses a policy that makes no sense, and loses nobody's change" {
        holt create --network none --name quiet box >/dev/null
        run holt update --restart sometimes quiet
        [ "$status" -ne 0 ]
        holt create --network none --rm --name gone box >/dev/null
        run holt update --restart always gone
        [ "$status" -ne 0 ]
        for n in 1 2 3 4 5 6 7 8; do
                holt update --memory "$((n + 10))m" quiet >/dev/null 3>&- &
                one=$!
                holt update --cpu-shares "$((n + 100))" quiet >/dev/null 3>&- &
                wait "$one" $!
                [ "$(holt inspect -f '{{.HostConfig.Memory}} {{.HostConfig.CpuShares}}' quiet)" = "$(((n + 10) << 20)) $((n + 100))" ]
        done
}

@test "what runs is removed only by force" {
        run_d --name runs box sleep 100 >/dev/null
        run holt rm runs
        [ "$status" -eq 1 ]
        [[ $output == *"--force"* ]]
        run holt rm --dry-run runs
        [ "$status" -eq 1 ]
        [ "$(holt rm -f no-such runs)" = runs ]
        run holt rm no-such
        [ "$status" -eq 1 ]
}

@test "prune asks on a terminal, and fails without one" {
        holt create --network none --name old box >/dev/null
        run_d --name runs box sleep 100 >/dev/null
        run holt container prune </dev/null
        [ "$status" -eq 125 ]
        [[ $output == *"--force"* ]]
        [[ $(holt prune --dry-run) == *old* ]]
        [ "$(holt prune -f --filter until=1h)" = "" ]
        holt prune -f >/dev/null
        [ "$(holt ps -a --format '{{.Names}}')" = runs ]
}

@test "an image that an instance needs stays" {
        holt create --network none --name needs box >/dev/null
        run holt rmi box
        [ "$status" -eq 1 ]
        [ "$(holt images -q box | wc -l)" -eq 1 ]
}

@test "one whose configuration cannot be read is seen, hides nobody, and can be removed" {
        holt create --network none --name good box >/dev/null
        for name in empty torn odd; do holt create --network none --name "$name" box >/dev/null; done
        run_d --name runs box sleep 100 >/dev/null
        run_d --name killed box sleep 100 >/dev/null
        config() { echo "$STORE/instances/$(readlink "$STORE/instances/$1")/${2-config}"; }
        : >"$(config empty)"
        truncate -s 100 "$(config torn)"
        jq '.isolation = "sorcery"' "$(config odd)" >new
        cat new >"$(config odd)"
        truncate -s 50 "$(config runs)" "$(config killed)"
        shim=$(pgrep -f "holt-shim.*$(readlink "$STORE/instances/killed")")
        kill -9 "$shim"
        wait_for 5 has_let_go "$shim"
        run -0 --separate-stderr holt ps -a --format '{{.Names}} {{.State}} {{.Status}}'
        [ -z "$stderr" ]
        [[ $output == *"good created Created"* ]]
        for name in empty torn odd killed; do [[ $output == *"$name damaged Damaged: "* ]]; done
        [[ $output == *"runs running Damaged: "* ]]
        [[ $(holt ps --format '{{.Names}}') == runs ]]
        [[ $(holt ps -a --filter status=damaged --format '{{.Names}}' | sort | xargs) == "empty killed odd torn" ]]
        run -1 holt system check
        for name in empty torn odd runs; do [[ $output == *"instance $name is damaged"* ]]; done
        for command in start inspect stop update\ --memory\ 20m rm; do
                # shellcheck disable=SC2086
                run holt $command torn
                [ "$status" -ne 0 ]
                [[ $output == *"holt rm -f torn"* ]]
        done
        [ "$(holt stop --all --time 0 2>/dev/null)" = "" ]
        holt container prune -f >/dev/null
        [[ $(holt ps -a --format '{{.Names}}' | sort | xargs) == "empty killed odd runs torn" ]]
        [ "$(holt rm -f torn runs | xargs)" = "torn runs" ]
        holt rm -f --all >/dev/null
        run -0 holt ps -aq
        [ -z "$output" ]
        run -0 holt system check
        # Its state as well: then it has only lost how it ended.
        holt create --network none --name forgetful box true >/dev/null
        holt start -a forgetful
        : >"$(config forgetful state)"
        [[ $(holt ps -a --format '{{.Names}} {{.State}}') == "forgetful exited" ]]
        holt start -a forgetful
        [[ $(holt inspect -f '{{.State.Error}}' forgetful) == "" ]]
}

@test "kill -9 of a shim: the next command sees the truth" {
        run_d --name lost box sleep 100 >/dev/null
        run_d --rm --name lost-too box sleep 100 >/dev/null
        for name in lost lost-too; do
                pid=$(holt inspect -f '{{.State.Pid}}' $name)
                shim=$(awk '/^PPid:/ {print $2}' "/proc/$pid/status")
                [[ $(cat "/proc/$shim/comm") == holt-shim* ]]
                kill -9 "$shim"
                wait_for 5 has_let_go "$shim"
                echo "$pid" >>pids
        done
        [ -z "$(holt ps -q)" ]
        [ "$(holt ps -a --format '{{.Names}}')" = lost ]
        [ "$(holt inspect -f '{{.State.Status}} {{.State.ExitCode}}' lost)" = "exited 137" ]
        # What is dead may wait for its new parent.
        while read -r pid; do [ ! -e "/proc/$pid" ] || grep -q "^State:.Z" "/proc/$pid/status"; done <pids
        holt start lost >/dev/null
        [ "$(holt ps --format '{{.Names}}')" = lost ]
}

@test "kill -9 of the command that waits: the program goes on" {
        "$HOLT" --root "$STORE" --run "$RUN" run --rm --network none --name alone box sh -c 'sleep 1; echo done >/dev/null; sleep 100' &
        pid=$!
        runs() { [ -n "$(holt ps -q)" ]; }
        wait_for 5 runs
        kill -9 $pid
        wait $pid || true
        sleep 0.2
        [ "$(holt ps --format '{{.Names}}')" = alone ]
        holt stop -t 0 alone >/dev/null
        [ -z "$(holt ps -aq)" ]
}

@test "many stop at once" {
        for n in {1..10}; do run_d --name "many$n" box sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null; done
        begin=$(date +%s%N)
        [ "$(holt stop -a -t 1 | wc -l)" -eq 10 ]
        (($(date +%s%N) - begin < 8000000000))
}

@test "a thousand in a row, with kill -9 in between" {
        "$TESTS/stress.py" "${HOLT_STRESS:-1000}" -- "$HOLT" --root "$STORE" --run "$RUN"
        # What the last ones left is for the next command.
        [ -z "$(holt ps -aq)" ]
        [ -z "$(ls "$STORE/instances")" ]
        [ -z "$(ls "$RUN/instances")" ]
        [ -z "$(ls "$RUN/containers")" ]
        holt system check
}

@test "any command at any time, with kill -9 in between" {
        "$TESTS/stress_mix.py" "${HOLT_STRESS_MIX:-300}" -- "$HOLT" --root "$STORE" --run "$RUN" 3>&-
        holt system check
        timeout 60 "$HOLT" --root "$STORE" --run "$RUN" rm -f -a >/dev/null
        holt system check
}
