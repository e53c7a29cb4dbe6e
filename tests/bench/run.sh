#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures holt-oci beside crun and runc and prints one Markdown report. Run as root from the repository's root.
#
#   RUNTIME  the runtime (or the first argument; build/holt-oci)   CRUN, RUNC  the others (from PATH)
#   ROUNDS   rounds of each case (4)        RUNS        runs in a round, back to back (25)
#   SOAK     runs in a row (1000)           PARALLEL    containers at once (100)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
holt=$(realpath "${1:-${RUNTIME:-build/holt-oci}}")
crun=$(command -v "${CRUN:-crun}")
runc=$(command -v "${RUNC:-runc}")
rounds=${ROUNDS:-4}
runs=${RUNS:-25}
soak=${SOAK:-1000}
parallel=${PARALLEL:-100}
work=$(mktemp -d -t holt-bench.XXXXXX)
prefix=holt-bench-$$
keeper=

# crun 1.8 refuses a hybrid cgroup layout: it runs in a mount namespace of its own in which cgroup2 is not mounted.
in_crun_ns() { ${keeper:+nsenter -t "$keeper" -m} "$@"; }

cleanup() {
        local name
        for name in holt crun runc; do
                remove_container "$name" 2>/dev/null || true
        done
        [[ -z $keeper ]] || kill "$keeper" 2>/dev/null || true
        rm -rf "$work"
}
trap cleanup EXIT

binary_of() { declare -n path=$1; echo "$path"; }
wrap() { if [[ $1 == crun ]]; then in_crun_ns "${@:2}"; else "${@:2}"; fi; }
remove_container() { wrap "$1" "$(binary_of "$1")" --root "$work/root-$1" delete -f "$prefix-sleeper"; }

prepare() {
        "${CC:-cc}" -O2 -static -nostdlib -o "$work/true" "$here/true.c"
        "${CC:-cc}" -O2 -static -o "$work/launcher" "$here/launcher.c"
        "$here/docker-seccomp" >"$work/seccomp.json"
        bundle plain '.'
        bundle bare 'del(.linux.cgroupsPath)'
        bundle seccomp '.linux.seccomp = $seccomp[0]'
        if [[ -d /sys/fs/cgroup/unified ]]; then
                unshare --mount --propagation private sh -c 'umount /sys/fs/cgroup/unified && exec sleep infinity' &
                keeper=$!
                sleep 0.3
        fi
}

# Six namespaces, the mounts, masks and capabilities that every client asks for, and a cgroup with limits.
bundle() { # NAME FILTER
        mkdir -p "$work/$1/rootfs"/{proc,dev,sys}
        cp "$work/true" "$work/$1/rootfs/true"
        jq --arg cg "/$prefix" --slurpfile seccomp "${work}/seccomp.json" '.ociVersion = "1.0.2" | .process.args = ["/true"] | .linux.cgroupsPath = $cg |
                .linux.resources += {memory: {limit: 268435456}, cpu: {shares: 512, quota: 100000, period: 100000}, pids: {limit: 100}} | '"$2" \
                "$here/../e2e/config.json" >"$work/$1/config.json"
}

run_words() { echo "$(binary_of "$1") --root $work/root-$1 run -b $work/$2 $prefix-run"; }
exec_words() { echo "$(binary_of "$1") --root $work/root-$1 exec $prefix-sleeper /true"; }

# measure CASE PAUSE RUNS WORDS-FUNCTION [ARGUMENT]: in rounds, all times into $work/CASE.NAME, a ratio of each round
# into $work/CASE.ratio: what else the machine does meanwhile hits both sides of it.
measure() {
        local case=$1 pause=$2 count=$3 words=$4 round name order options
        for ((round = 0; round < rounds; round++)); do
                options=(--shell=none --style none --warmup 3 --runs "$count")
                [[ -z $pause ]] || options+=(--prepare "sleep $pause")
                order="holt crun runc"
                ((round % 2)) && order="runc crun holt"
                for name in $order; do
                        wrap "$name" hyperfine "${options[@]}" --export-json "$work/$case.$round.$name.json" "$("$words" "$name" "${@:5}")" \
                                >/dev/null 2>"$work/err" || { cat "$work/err" >&2; return 1; }
                done
                jq -n --slurpfile h "$work/$case.$round.holt.json" --slurpfile c "$work/$case.$round.crun.json" \
                        '$h[0].results[0].median / $c[0].results[0].median' >>"$work/$case.ratios"
        done
        for name in holt crun runc; do jq -s '[.[].results[0].times[]]' "$work/$case".*."$name".json >"$work/$case.$name"; done
        jq -s 'sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2] + .[length / 2 - 1]) / 2 end' "$work/$case.ratios" >"$work/$case.ratio"
}

# of CASE NAME QUANTILE: milliseconds
of() { jq --argjson q "$3" 'sort | .[((length - 1) * $q) | floor] * 1000' "$work/$1.$2"; }
row() { # TITLE CASE TARGET
        jq -rn --arg title "$1" --argjson h "$(of "$2" holt 0.5)" --argjson c "$(of "$2" crun 0.5)" --argjson r "$(of "$2" runc 0.5)" \
                --argjson h9 "$(of "$2" holt 0.9)" --argjson c9 "$(of "$2" crun 0.9)" --argjson ratio "$(cat "$work/$2.ratio")" \
                --argjson t "$3" 'def ms: . * 100 | round / 100 | tostring;
                "| \($title) | \($h | ms) (\($h9 | ms)) | \($c | ms) (\($c9 | ms)) | \($r | ms) | \($ratio | ms) | \($t) | \(if $ratio <= $t then "yes" else "**no**" end) |"'
}

peak_of() { # NAME COMMAND-KIND
        case $2 in
        run) wrap "$1" "$work/launcher" 10 1 "$(binary_of "$1")" --root "$work/root-$1" run -b "$work/$3" "$prefix-%d" ;;
        exec) wrap "$1" "$work/launcher" 10 1 "$(binary_of "$1")" --root "$work/root-$1" exec "$prefix-sleeper" /true ;;
        esac | jq .max_rss_kb
}

many() { # NAME: wall time of $parallel containers at once, best of three
        local _
        for _ in 1 2 3; do
                wrap "$1" "$work/launcher" "$parallel" "$parallel" "$(binary_of "$1")" --root "$work/root-$1" run -b "$work/bare" "$prefix-%d"
        done | jq -s 'if map(.failed) | add > 0 then error("some failed") else map(.ms) | min end'
}

leftovers() {
        echo "mounts $(grep -c . /proc/self/mountinfo)"
        echo "cgroups $(find /sys/fs/cgroup -type d -path "*$prefix*" | wc -l)"
        echo "files in the root $(find "$work/root-holt" -mindepth 1 -name '.*' -prune -o -mindepth 1 -print 2>/dev/null | wc -l)"
        echo "processes $(grep -lsF "$prefix" /proc/[0-9]*/cgroup | wc -l)"
}

stand_sleepers() {
        local name
        for name in holt crun runc; do
                bundle "sleeper-$name" ".process.args = [\"/true\", \"wait\"] | .linux.cgroupsPath += \"-sleeper-$name\""
                wrap "$name" "$(binary_of "$name")" --root "$work/root-$name" run -d -b "$work/sleeper-$name" "$prefix-sleeper" </dev/null >/dev/null 2>&1
        done
}

main() {
        local slow=$((runs / 2 > 5 ? runs / 2 : 5)) files_before files_after name
        prepare
        measure run '' "$runs" run_words plain
        measure run_slow 0.2 "$slow" run_words plain
        measure seccomp '' "$runs" run_words seccomp
        measure seccomp_slow 0.2 "$slow" run_words seccomp
        stand_sleepers
        measure exec '' "$runs" exec_words
        measure exec_slow 0.2 "$slow" exec_words
        for name in holt crun runc; do
                peak_of "$name" run plain >"$work/peak_run.$name"
                peak_of "$name" run seccomp >"$work/peak_seccomp.$name"
                peak_of "$name" exec >"$work/peak_exec.$name"
        done
        for name in holt crun runc; do remove_container "$name"; done
        for name in holt crun runc; do many "$name" >"$work/many.$name"; done

        leftovers >"$work/before"
        files_before=$(cut -f1 /proc/sys/fs/file-nr)
        "$work/launcher" "$soak" 1 "$holt" --root "$work/root-holt" run -b "$work/plain" "$prefix-run" >"$work/soak"
        sleep 1
        files_after=$(cut -f1 /proc/sys/fs/file-nr)
        leftovers >"$work/after"
        report "$files_before" "$files_after"
}

report() {
        local peak
        cat <<TEXT
Measured on $(nproc) x $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), Linux $(uname -r), $(date -u +%F); load $(cut -d' ' -f1-3 /proc/loadavg).
$("$crun" --version | head -n 1), $("$runc" --version | head -n 1), hyperfine --shell=none: $rounds rounds of $runs runs
($((runs / 2 > 5 ? runs / 2 : 5)) with pauses) after 3 to warm up; medians over all runs, ratios as the median of the rounds' ratios. A container is a static /true in six namespaces
with the usual mounts, masks and capabilities and a cgroup with limits on memory, CPU and processes.
$([[ -z $keeper ]] || echo "crun refuses this host's hybrid cgroups: it runs in a mount namespace of its own without cgroup2. In each round the
runtimes follow one another, in turns forwards and backwards.")

| milliseconds: median (90 %) | holt-oci | crun | runc | of crun | target | met |
| --- | --- | --- | --- | --- | --- | --- |
$(row 'run, back to back' run 0.45)
$(row 'run, one every 200 ms' run_slow 0.33)
$(row "run with Docker's seccomp profile, back to back" seccomp 0.25)
$(row "run with Docker's seccomp profile, one every 200 ms" seccomp_slow 0.25)
$(row 'exec, back to back' exec 0.40)
$(row 'exec, one every 200 ms' exec_slow 0.40)

| | holt-oci | crun | runc |
| --- | --- | --- | --- |
TEXT
        for peak in run:'run' seccomp:'run with seccomp' exec:'exec'; do
                echo "| peak memory, ${peak#*:} (KiB) | $(cat "$work/peak_${peak%%:*}.holt") | $(cat "$work/peak_${peak%%:*}.crun") | $(cat "$work/peak_${peak%%:*}.runc") |"
        done
        echo "| $parallel containers at once (ms) | $(cat "$work/many.holt") | $(cat "$work/many.crun") | $(cat "$work/many.runc") |"
        echo
        jq -r --argjson n "$soak" '"\($n) runs of holt-oci in a row: \(.ms / $n * 100 | round / 100) ms each, \(.failed) failed; the last tenth took \(.last_tenth_ms / .first_tenth_ms * 100 | round) % of the first."' "$work/soak"
        if diff "$work/before" "$work/after" >/dev/null; then
                echo "Left behind: nothing ($(tr '\n' ',' <"$work/after" | sed 's/,$//; s/,/, /g')). Open files of the whole system: $1 before, $2 after."
        else
                echo "Left behind:"
                diff "$work/before" "$work/after"
        fi
}

main
