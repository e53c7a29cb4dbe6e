# SPDX-License-Identifier: Apache-2.0
#
# What the tests of holt-shim share: instances of a plain directory (tests/instance/shim_tool.c).
#
# shellcheck shell=bash

setup() {
        bundle_make
        BUILD=$(dirname "$RUNTIME")
        STORE=$WORK/store RUN=$WORK/run BIN=$WORK/bin
        mkdir "$BIN"
        cp "$BUILD/tests/instance/shim_tool" "$BIN"
        ln -s "$BUILD/holt-shim" "$BIN"
        N=0
}

teardown() {
        local id
        cd /
        for pid in "${PIDS[@]}"; do
                kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
        done
        # Whatever a failed test left running.
        for id in "$RUN"/instances/*; do
                [[ -d $id ]] && tool stop "${id##*/}" 0
        done
        wait_for 5 is_empty "$RUN/instances"
        ROOT=$RUN/containers no_leaks
}

is_empty() { [[ ! -e $1 || -z $(ls -A "$1") ]]; }

tool() { "$BIN/shim_tool" --root "$STORE" --run "$RUN" "$@"; }
holt() { "$BUILD/holt" --root "$STORE" --run "$RUN" "$@"; }

# spec FILTER: the next instances' configuration.
spec() {
        CONFIG=$WORK/config-$((++N)).json
        jq "$1 | .linux.cgroupsPath = \"$CGROUP-$N\"" "$BUNDLE/config.json" >"$CONFIG"
}
sh_spec() { spec ".process.args = [\"/bin/sh\", \"-c\", $(jq -n --arg s "$1" '$s')]"; }

# start NAME [-d] [OPTION=VALUE...]
start() { tool run "$CONFIG" "$BUNDLE/rootfs" "$@"; }
# The same in the background; $! is the command itself.
background_start() { background "$BIN/shim_tool" --root "$STORE" --run "$RUN" run "$CONFIG" "$BUNDLE/rootfs" "$@"; }

dir() { realpath "$STORE/instances/$1"; }
state() {
        jq -r ".$2" "$RUN/instances/$(basename "$(dir "$1")")/state" 2>/dev/null ||
                jq -r ".$2" "$(dir "$1")/state" 2>/dev/null
}
has_state() { [[ $(state "$1" "$2") == "$3" ]]; }
log_text() { jq -rj 'select(.stream == "'"${2:-stdout}"'") | .log' "$(dir "$1")/log"; }
logged() { log_text "$1" 2>/dev/null | grep -q "$2"; }
# Not by grep in /proc/*/cmdline, which would find its own.
shim_of() { pgrep -f "^holt-shim run .* $(basename "$(dir "$1")")\$" | head -n 1; }
