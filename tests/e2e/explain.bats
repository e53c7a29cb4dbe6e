#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# run --explain and create --explain: what would be done is told, and nothing is done.

load images

setup_file() {
        BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME store_make
        layer_tree "$WORK/tree"
        echo 'who:x:7:8::/:' >"$WORK/tree/etc/passwd"
        for name in sleep true echo; do ln -s busybox "$WORK/tree/bin/$name"; done
        image_make box
        holt run -d --network none --name real -m 64m -v kept:/kept box sleep 1000 >/dev/null
        holt create --network none --name taken box >/dev/null
        declare -p WORK STORE RUN HOME REGISTRY_AUTH_FILE HOLT | sed 's/declare -[-a-z]*/declare -gx/' >"$BATS_FILE_TMPDIR/store"
}

load_store() {
        PIDS=()
        # shellcheck disable=SC1091
        source "$BATS_FILE_TMPDIR/store"
        cd "$WORK" || return
}

teardown_file() {
        load_store
        holt rm -f -a >/dev/null
        store_finish
}

setup() {
        load_store
        holt run --explain box >/dev/null # what any command makes, empty directories of the store
        things >"$BATS_TEST_TMPDIR/before"
}

teardown() {
        things | diff "$BATS_TEST_TMPDIR/before" -
}

# All that there is: files, mounts, interfaces, rules, processes of ours.
things() {
        find "$STORE" "$RUN" ! -name '*-shm' ! -name '*-wal' | sort
        grep -F "$WORK" /proc/self/mountinfo || true
        ip -o link | cut -d ' ' -f 2
        pgrep -f "holt-(shim|fetch).*$WORK" || true
}

explain() { holt run --explain "$@"; }
as_json() { holt run --explain --format json "$@"; }

@test "for people: image, network, limits, mounts" {
        explain --name new -m 64m --user who -p 8080:80 -e X=y box echo 'a b' >text
        grep -E '^Image: +box \(sha256:[0-9a-f]{12}\), which is here$' text
        grep -E '^Name: +new$' text
        grep -E '^Network: +bridge \(holt0' text
        grep -E '^Published: +8080 -> 80/tcp$' text
        grep -E "^Program: +echo 'a b'$" text
        grep -E '^User: +7:8' text
        grep -E '^Variables: .*X=y' text
        grep -E '^Limits: +memory 67.11MB' text
        grep -E '^  /etc/hosts +bind ' text
}

@test "its own users" {
        explain --network none --userns auto box | grep -E '^Own: .*\<user\>'
        explain --network none --userns auto box | grep -E '^Users: +ids of its own \(--userns auto\)$'
        [ "$(as_json --network none --userns auto box | jq -r .UsernsMode)" = auto ]
        explain --network none box | grep -E "^The host's: +user$"
}

@test "for machines: one object with the runtime's configuration" {
        as_json --network none --rm --restart no -v named:/named -v /anonymous -w /bin box true >out
        jq -e '.Image.Name == "box" and (.Image.ID | startswith("sha256:")) and .Image.Download == []' out
        jq -e '.AutoRemove and .Network.Mode == "none"' out
        jq -e '.Spec | .process.args == ["true"] and .process.cwd == "/bin" and .ociVersion != null' out
        jq -e '.Spec.mounts | map(.destination) | contains(["/named", "/anonymous", "/proc", "/dev"])' out
        jq -e '.Volumes | map(select(.New)) | length == 2' out
        jq -e '.Spec.linux.namespaces | map(.type) | contains(["pid", "network"])' out
}

@test "create tells the same as run" {
        hidden='s/[0-9a-f]{12,}/ID/g'
        holt create --explain --format json --name one box | sed -E "$hidden" >by-create
        as_json --name one box | sed -E "$hidden" >by-run
        diff by-create by-run
}

@test "what it tells is what runs" {
        as_json --network none --name other -m 64m -v kept:/kept box sleep 1000 >out
        jq -e '.Volumes[0].New == false' out
        pid=$(holt inspect -f '{{.State.Pid}}' real)
        cut -d ' ' -f 5 "/proc/$pid/mountinfo" | sort -u >mounted
        jq -r '.Spec.mounts[].destination' out | sort -u | comm -13 mounted - >lacking
        [ ! -s lacking ]
        [ "$(jq -r '.Spec.process.args | join(" ")' out) " = "$(tr '\0' ' ' <"/proc/$pid/cmdline")" ]
}

@test "an image that is not here would be downloaded, and is not" {
        explain nowhere.example/some/thing:9 >text
        grep -E '^Image: .*not here' text
        grep -E '^Download from: +nowhere.example/some/thing:9$' text
        as_json nowhere.example/some/thing:9 | jq -e '.Spec == null and .Image.ID == null and .Image.Download == ["nowhere.example/some/thing:9"]'
        explain --pull always box | grep 'would be asked for anew'
        [ -z "$(holt images -q nowhere.example/some/thing:9)" ]
        run -125 --separate-stderr explain --pull never nowhere.example/some/thing:9
        [[ $stderr == *"no such image"* ]]
}

# refused TEXT ARGUMENT...: as by the real run.
refused() {
        local text=$1
        shift
        run -125 --separate-stderr explain "$@"
        [[ $stderr == *"$text"* ]] || { echo "got: $stderr"; return 1; }
        [ -z "$output" ]
}

@test "what run refuses is refused" {
        refused "no-such-flag" --no-such-flag box
        refused "memory" -m lots box
        refused "in use by instance" --name taken box
        refused "no such network" --network nowhere box
        refused "--publish" -p 1:2:3:4 box
        refused "restart" --restart sometimes box
        refused "no user" --user nobody-has-this box
        refused "no such instance" --network container:nobody box
        refused "no such instance" --pid container:nobody box
        refused "stdin" --attach everything box
        refused "--pull" --pull perhaps box
        refused "--format" --format yaml box
        refused "memory" -m lots nowhere.example/x
        touch there
        refused "--cidfile" --cidfile there box
        run -125 --separate-stderr holt run --format json box
        [[ $stderr == *"--explain"* ]]
}

@test "a directory of the host that a bind would make is not made" {
        explain -v "$WORK/missing:/x" box >text
        grep -E "^  /x +bind +$WORK/missing " text
        [ ! -e missing ]
        refused "missing" --mount "type=bind,source=$WORK/missing,target=/x" box
}
