#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt commit, snapshot, clone.

load helpers
load instances-files

setup_file() { files_setup; }
teardown_file() { files_teardown; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
        h rm -f -v --all >/dev/null
        h volume prune -af >/dev/null
        h image prune -f >/dev/null
        # Nothing is left but the image of the file's own.
        is "$(h images -aq | wc -l)" 1
        is "$(find "$HOLT_ROOT/layers" -type f ! -name '*.recipe' | wc -l)" 1
        h system check >check || { cat check; return 1; }
}

# written NAME SCRIPT...: an instance that has run it, and does not run.
written() {
        local name=$1
        shift
        create --name "$name" "$@" box sh -c "${SCRIPT:-true}"
        h start -a "$name"
}

@test "commit: what was changed, and the configuration" {
        SCRIPT='echo new >/new; rm /etc/passwd; rm -r /data; mkdir /data; chown 5:6 /home; ln /new /linked' written one \
                -e A=1 -w /tmp -u 0:0 --label l=1 --expose 80
        id=$(h commit -a 'some body' -m 'a comment' -c 'ENV B=2' -c 'CMD ["cat", "/new"]' -c 'LABEL m=2' one made:1)
        is "$(once made:1)" new
        is "$(once made:1 sh -c 'ls /data; [ -e /etc/passwd ] || echo gone; stat -c %u:%g /home; stat -c %h /new; echo $A$B; pwd')" \
                "$(printf 'gone\n5:6\n2\n12\n/tmp')"
        h image inspect made:1 | jq -e --arg id "$id" '.[0] | .Id == $id and .Author == "some body" and .Comment == "a comment"
                and .Config.Labels == {l: "1", m: "2"} and .Config.ExposedPorts == {"80/tcp": {}} and (.RootFS.Layers | length) == 2'
        h history made:1 --format '{{.Comment}}' | grep -x 'a comment'
        # It can go elsewhere, and comes back the same.
        h save -o archive made:1
        h rmi made:1
        is "$(h load -i archive)" 'Loaded image: made:1'
        is "$(once made:1)" new
        h rm one
        h rmi made:1
        run -1 h commit none x
        written two
        run -1 h commit two 'Bad Name'
        run -125 h commit -c 'NONSENSE x' two
}

@test "commit of a running one: it stands still meanwhile, unless it shall not" {
        start --name one box sh -c 'while :; do echo x >>/growing; done'
        wait_for 5 h exec one test -s /growing
        h commit one made:1 >/dev/null
        h commit --pause=false one made:2 >/dev/null
        is "$(h ps --format '{{.Status}}' | cut -c 1-2)" Up
        before=$(h cp one:/growing - | wc -c)
        grown() { [ "$(h cp one:/growing - | wc -c)" -gt "$before" ]; }
        wait_for 5 grown
        once made:1 test -s /growing
        h rm -f one
        h rmi made:1 made:2
}

@test "snapshots: create, ls, restore, rm" {
        SCRIPT='echo $((1 + $(cat /count 2>/dev/null || echo 0))) >/count; cat /count' written one
        is "$(h snapshot create one)" snap0
        is "$(h snapshot create one)" snap1
        is "$(h start -a one)" 2
        is "$(h snapshot create one second)" second
        is "$(h start -a one)" 3
        is "$(h snapshot ls -q one | tr '\n' ' ')" 'snap0 snap1 second '
        is "$(h snapshot restore one second)" one
        is "$(h start -a one)" 3
        is "$(h snapshot restore one/snap0)" one/snap0
        is "$(h start -a one)" 2
        run -1 h snapshot create one second
        [[ $output == *'has a snapshot second already'* ]]
        run -1 h snapshot restore one none
        run -125 h snapshot restore one
        # It went back to snap0, and stands on it.
        run -1 h snapshot rm one snap0
        [[ $output == *'needed by one'* ]]
        is "$(h snapshot rm --dry-run one second)" second
        is "$(h snapshot rm one second)" second
        is "$(h snapshot rm -f one/snap0)" snap0
        is "$(h start -a one)" 3
        is "$(h snapshot ls -q one)" snap1
        run -1 h snapshot rm one none
        # They are none of the images that people have.
        is "$(h images -q | wc -l)" 1
        h rm one
}

@test "a snapshot of a running one; restoring stops it only by force" {
        start --name one box sh -c 'trap exit TERM; echo before >/state; echo ok >/ready; while :; do sleep 0.1; done'
        wait_for 5 h cp one:/ready -
        h snapshot create one s1
        is "$(h ps --format '{{.Names}}')" one
        echo after >state
        h cp state one:/state
        run -1 h snapshot restore one s1
        [[ $output == *--force* ]]
        is "$(h cp one:/state - | tar -xO)" after
        h snapshot restore --force one s1
        is "$(h ps -q)" ''
        is "$(h cp one:/state - | tar -xO)" before
        h start one
        # Paused ones stay so.
        h pause one
        h snapshot create one s2
        is "$(h ps --format '{{.State}}')" paused
        h unpause one
}

@test "killed at any instant: it goes on, and the store is whole" {
        start --name one box sh -c 'trap exit TERM; echo x >/x; while :; do date >/alive; sleep 0.05; done'
        for i in {1..30}; do
                timeout -s KILL "$(printf '0.%04d' $((i * 4)))" "$HOLT" snapshot create one >/dev/null 2>&1 3>&- || true
                timeout -s KILL "$(printf '0.%04d' $((i * 4)))" "$HOLT" clone one >/dev/null 2>&1 3>&- || true
        done
        # What was killed while all stood still is set going by its guard.
        goes_on() { [ "$(h ps --format '{{.State}}')" = running ]; }
        wait_for 5 goes_on
        h snapshot create one last
        h clone one/last copy >/dev/null
        is "$(h cp copy:/x - | tar -xO)" x
        h snapshot restore --force one last
        h rm -f --all >/dev/null
        h image prune -f >/dev/null
}

@test "restoring that is killed: restored or not, nothing between" {
        SCRIPT='echo first >/state' written one
        h snapshot create one s1
        for i in {1..25}; do
                echo "$i" >state
                h cp state one:/state
                timeout -s KILL "$(printf '0.%04d' $((i * 4 / 5 + 1)))" "$HOLT" snapshot restore one s1 >/dev/null 2>&1 3>&- || true
                state=$(h cp one:/state - | tar -xO)
                [ "$state" = first ] || [ "$state" = "$i" ]
        done
        h snapshot restore one s1
        is "$(h cp one:/state - | tar -xO)" first
        h rm one
        h image prune -f >/dev/null
}

@test "clone: files and options, an identity of its own" {
        SCRIPT='echo $(hostname) $A; cat /etc/machine-id; ls /data' written one -e A=1 -h name --label l=1 -v /data
        id=$(h clone one two)
        is "$(h ps -a --filter name=two --format '{{.Names}} {{.Status}}')" 'two Created'
        h start -a two >out
        is "$(head -n 1 out)" "${id:0:12} 1"
        grep -xE '[0-9a-f]{12}4[0-9a-f]{19}' out
        run ! grep 0123456789abcdef0123456789abcdef out
        grep -x file out
        is "$(h inspect -f '{{.Config.Labels.l}}' two)" 1
        is "$(h volume ls -q | wc -l)" 2
        [[ $(h clone one) =~ ^[0-9a-f]{64}$ ]]
        run -1 h clone one two
        run -125 h clone one three --name four
        run -1 h clone none
        run -1 h clone one/none x
        is "$(h start -a one | head -n 1)" 'name 1'
}

@test "clone: the same published ports, or others, or none" {
        h create --name one --network none -p 8080:80 -p 9090:90 box true
        h clone one same >/dev/null
        h clone -p 8081:80 one others >/dev/null
        h clone -p '' one none >/dev/null
        run -1 h clone -p 99999:1 one wrong
        is "$(h inspect -f '{{json .HostConfig.PortBindings}}' same)" "$(h inspect -f '{{json .HostConfig.PortBindings}}' one)"
        h inspect others | jq -e '.[0].HostConfig.PortBindings == {"80/tcp": [{HostIp: "", HostPort: "8081"}]}'
        h inspect none | jq -e '.[0].HostConfig.PortBindings == {}'
}

@test "clones go on when the original, its snapshots and its image are gone" {
        h tag box other
        create --name one other sh -c 'cat /state 2>/dev/null; echo x >>/state'
        h start -a one
        h snapshot create one s1
        h clone one linked >/dev/null
        h clone one/s1 of-snapshot >/dev/null
        h clone --full one full >/dev/null
        h clone --full one/s1 full-of-snapshot >/dev/null
        run -1 h snapshot rm one s1
        [[ $output == *of-snapshot* ]]
        h rm one
        h rmi other
        for i in linked of-snapshot full full-of-snapshot; do is "$(h start -a "$i")" x; done
        h clone linked again >/dev/null
        h rm linked
        is "$(h start -a again | wc -l)" 2
        is "$(h inspect -f '{{.Image}}' full | xargs "$HOLT" image inspect | jq '.[0].RootFS.Layers | length')" 1
}

@test "clone of a running one, many at once" {
        start --name one box sh -c 'echo here >/file; echo ok >/ready; sleep 1000'
        wait_for 5 h cp one:/ready -
        local i pids=()
        for i in {1..8}; do
                "$HOLT" clone one "clone$i" >/dev/null 3>&- &
                pids+=($!)
        done
        for i in "${pids[@]}"; do wait "$i"; done
        is "$(h ps -aq | wc -l)" 9
        is "$(h ps --format '{{.State}}')" running
        for i in {1..8}; do is "$(h cp "clone$i:/file" - | tar -xO)" here; done
}

@test "of one that goes at its end there are no snapshots" {
        start --rm --name one box sleep 1000
        run -1 h snapshot create one
        [[ $output == *--rm* ]]
        h clone one two >/dev/null
        h rm -f one
        is "$(h ps -a --format '{{.Names}}')" two
}
