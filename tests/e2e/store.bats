#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The store under processes that are many, are killed, have no room or no right to write. store_tool and fault are
# programs of the tests' own. By default a fixed part of the system calls is killed or fails; FAULTS_ALL=1: all of them.

bats_require_minimum_version 1.5.0

setup_file() {
        local build dir=$BATS_FILE_TMPDIR
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export STORE_TOOL=$build/tests/store/store_tool
        export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
        [ "$(uname -m)" = x86_64 ] || return 0
        "${CC:-cc}" -E -dM -include sys/syscall.h -x c - </dev/null |
                sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/[__NR_\1] = "\1",/p' >"$dir/fault_names.h"
        "${CC:-cc}" -O1 -Wall -static -I"$dir" -o "$dir/fault" "$BATS_TEST_DIRNAME/fault.c"
}

setup() {
        WORK=$(mktemp -d -t holt-store.XXXXXX)
        ROOT=$WORK/root
        RUN=$WORK/run
        FAULT=$BATS_FILE_TMPDIR/fault
        PIDS=()
}

teardown() {
        local pid
        for pid in "${PIDS[@]}"; do
                kill "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
        rm -rf "$WORK"
        ! grep -F "$WORK" /proc/self/mountinfo
}

st() { "$STORE_TOOL" "$ROOT" "$RUN" "$@"; }

background() {
        "$@" 3>&- &
        PIDS+=($!)
}

is_empty() {
        [ -z "$(find "$ROOT"/layers "$ROOT"/blobs "$ROOT"/tmp -type f)" ]
}

@test "images come, get names and go" {
        st add foo 8192 a b c
        st add bar 8192 a b d
        st tag bar other:1
        [ "$(st list | wc -l)" -eq 2 ]
        st find other:1 | grep -F 'docker.io/library/bar:latest layers=3'
        [ "$(st rmi bar)" = untagged ]
        [ "$(st rmi other:1)" = removed ]
        run -1 st find bar
        [ "$output" = "no such image: bar" ]
        st check
        [ "$(find "$ROOT/layers" -type f | wc -l)" -eq 6 ]
        st remove foo
        is_empty
        st check
}

@test "a layer that is pinned stays, whoever wants to remove it" {
        st add foo 8192 a b
        mkfifo "$WORK/end"
        exec 7<>"$WORK/end"
        st pin a <"$WORK/end" >"$WORK/pinned" 3>&- 7>&- &
        PIDS+=($!)
        until grep -q pinned "$WORK/pinned"; do sleep 0.02; done
        run -1 st remove foo
        [[ $output == *"is in use"* ]]
        st list | grep foo
        st add bar 8192 a
        st remove bar
        [ "$(st usage | grep -o 'pinned=.')" = pinned=1 ]
        exec 7>&-
        wait "${PIDS[0]}"
        st remove foo
        is_empty
}

@test "an image that an owner holds stays" {
        st add foo 8192 a
        st hold foo web
        run -1 st remove foo
        [[ $output == *"is used by web: remove that first" ]]
        run -1 st rmi foo
        [ "$(st list | wc -l)" -eq 1 ]
        st find foo
        st release web
        [ "$(st rmi foo)" = removed ]
}

@test "many at once add, open, remove and collect" {
        local i
        for i in 1 2 3 4 5 6; do
                background "$STORE_TOOL" "$ROOT" "$RUN" work "${STORE_SECONDS:-5}" "$i"
        done
        # Who checks meanwhile takes nothing that comes or goes for damage.
        for i in 1 2 3 4 5 6 7 8 9 10; do
                only_strays
                st repair
        done
        for i in "${PIDS[@]}"; do
                wait "$i"
        done
        PIDS=()
        st check
        for i in $(st list | cut -d' ' -f1); do
                st remove "$i"
        done
        st collect
        st check
        is_empty
}

@test "many at once are killed at random" {
        local i round
        for round in 1 2 3 4 5 6; do
                PIDS=()
                for i in 1 2 3 4; do
                        background "$STORE_TOOL" "$ROOT" "$RUN" work 30 "$round$i"
                done
                sleep "0.$((RANDOM % 9 + 1))"
                kill -9 "${PIDS[@]}"
                wait "${PIDS[@]}" || true
                only_strays
        done
        PIDS=()
        st collect
        st check
}

# on FILESYSTEM COMMAND...: with a small file system at $ROOT that is gone afterwards.
on() {
        local kind=$1
        shift
        mkdir -p "$ROOT"
        export STORE_TOOL ROOT RUN
        export -f st only_strays fill_up until_full removes_from_full remount_ro reads_only
        case $kind in
        tmpfs) unshare -m bash -euc "mount -t tmpfs -o size=6m none '$ROOT'; $*" ;;
        *)
                truncate -s 16M "$WORK/disk"
                # With smaller blocks SQLite, which takes the pages of its index one by one, could get a quarter of one.
                mkfs."$kind" -q -b 4096 "$WORK/disk"
                unshare -m bash -euc "mount -o loop '$WORK/disk' '$ROOT'; rm -rf '$ROOT/lost+found'; $*"
                ;;
        esac
}

# Not one byte is left.
fill_up() {
        dd if=/dev/zero of="$ROOT/ballast" bs=64k 2>/dev/null || true
        dd if=/dev/zero of="$ROOT/ballast" bs=512 conv=notrunc oflag=append 2>/dev/null || true
}

until_full() {
        local i text
        for ((i = 0; i < 500; i++)); do
                text=$(st add "image$i" 100000 "x$i" y "z$i" 2>&1) || break
                [ "$i" -lt 2 ] || ! ((i % 3 == 2)) || fallocate -l 300000 "$ROOT/space$i" || true
        done
        [[ $text == *"No space left on device"* ]] || { echo "stopped at $i: $text"; return 1; }
        [ "$i" -gt 3 ]
}

removes_from_full() {
        local id n=0
        until_full
        only_strays
        fill_up
        st list >/dev/null
        st find image0 >/dev/null
        rm "$ROOT"/holt.db-shm # it holds nothing, and has to be made
        fill_up
        st list >/dev/null
        ! st add more 100000 p q r 2>/dev/null
        only_strays
        ! st tag image0 "$(printf 'long/%s' {a..z}{a..z} | head -c 200)" || true
        only_strays
        for id in $(st list | cut -d' ' -f1); do
                [ "$((++n % 2))" -eq 0 ] || fill_up
                st remove "$id"
        done
        fill_up
        st collect >/dev/null
        only_strays
        rm "$ROOT/ballast"
        st collect >/dev/null
        st check
        [ -z "$(find "$ROOT"/layers "$ROOT"/blobs "$ROOT"/tmp -type f)" ]
        [ "$(stat -c %s "$ROOT/reserve")" -gt 0 ]
        st add again 8192 a b
        st check
}

@test "a disk that is full: what is there stays whole, and can be removed" {
        on tmpfs removes_from_full
}

@test "a disk that is full: ext4" {
        on ext4 removes_from_full
}

# Not while something is still being synced.
remount_ro() {
        until mount -o remount,ro "$ROOT" 2>/dev/null; do sleep 0.1; done
}

reads_only() {
        st add foo 8192 a b
        "$STORE_TOOL" "$ROOT" "$RUN" work 1 1 >/dev/null
        remount_ro
        st list | grep -q foo
        st find foo
        st pin a </dev/null
        st usage
        st check
        local command
        for command in "add bar 8192 c" "remove foo" "tag foo bar" "collect" "untag foo" "hold foo web"; do
                # shellcheck disable=SC2086
                ! st $command 2>"$RUN.err" || return 1
                grep -q -i 'read-only' "$RUN.err" || { cat "$RUN.err"; return 1; }
        done
        mount -o remount,rw "$ROOT"
        # A log that nobody has read yet.
        "$STORE_TOOL" "$ROOT" "$RUN" work 5 1 >/dev/null &
        sleep 0.5
        kill -9 $!
        wait $! || true
        remount_ro
        # It may be more than can be done without a write, but then that is said.
        st list >/dev/null 2>"$RUN.err" || grep -q 'read-only' "$RUN.err"
}

@test "a file system that is read-only can be read" {
        on ext4 reads_only
}

@test "a file system without O_TMPFILE" {
        [[ $STORE_TOOL != *sanitize* ]] || skip "the sanitizer wants to be first"
        cat >"$WORK/none.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int openat(int dir, const char *path, int flags, ...)
{
        va_list list;
        va_start(list, flags);
        int mode = va_arg(list, int);
        va_end(list);
        if ((flags & O_TMPFILE) == O_TMPFILE)
                return errno = EOPNOTSUPP, -1;
        return ((int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat"))(dir, path, flags, mode);
}
C
        "${CC:-cc}" -shared -fPIC -o "$WORK/none.so" "$WORK/none.c" -ldl
        local i
        for i in 1 2 3 4; do
                LD_PRELOAD=$WORK/none.so background "$STORE_TOOL" "$ROOT" "$RUN" work 3 "$i"
        done
        for i in "${PIDS[@]}"; do wait "$i"; done
        PIDS=()
        LD_PRELOAD=$WORK/none.so st add foo 8192 a b
        st check
        [ -z "$(ls "$ROOT/tmp")" ] || { st collect && st check; }
        [ -z "$(ls "$ROOT/tmp")" ]
        st find foo
}

# The store is sound, but for files that nobody knows; a collection takes them.
only_strays() {
        local text
        text=$(st check 2>&1) || ! grep -vE ' belongs to nothing$|^[0-9]+ findings$' <<<"$text" || {
                echo "$text"
                return 1
        }
}

# each_call EVERY CALLS-FILE COMMAND...: the command is run once for each system call, which is killed or fails there.
each_call() {
        local every=$1 kind=$2 n=0 tried=0 process call name status
        shift 2
        while read -r process call name <&4; do
                # A lock that cannot be given back, which there is not, SQLite takes for one that others have: a minute.
                [ "$kind/$name" = kill/fcntl ] || [ "$name" != fcntl ] || continue
                n=$((n + 1))
                [ -n "${FAULTS_ALL:-}" ] || ((n % every == 0)) || continue
                tried=$((tried + 1))
                prepare
                status=0
                if [ "$kind" = kill ]; then
                        "$FAULT" -p "$process" -n "$call" -k "$STORE_TOOL" "$ROOT" "$RUN" "$@" >"$WORK/out" 2>&1 || status=$?
                        [ "$status" -ne 124 ]
                else
                        "$FAULT" -p "$process" -n "$call" -e "$kind" "$STORE_TOOL" "$ROOT" "$RUN" "$@" >"$WORK/out" 2>&1 || status=$?
                        [[ $status =~ ^(0|1|127)$ ]] && { [ "$status" -eq 0 ] || [ -s "$WORK/out" ]; }
                fi || { echo "process $process, call $call, $name, $kind: status $status $(cat "$WORK/out")"; return 1; }
                sound || { echo "process $process, call $call, $name, $kind: status $status $(cat "$WORK/out")"; return 1; }
        done 4<"$WORK/calls"
        echo "# $*: $kind at $tried of $n calls" >&3
        [ "$tried" -gt 0 ]
}

calls_of() {
        [ -x "$FAULT" ] || skip "fault.c knows the registers of x86-64 only"
        prepare
        "$FAULT" -t "$WORK/calls" "$STORE_TOOL" "$ROOT" "$RUN" "$@"
}

sound() {
        only_strays && st find base >/dev/null && st collect >/dev/null && st check && st add again 8192 y z && st remove again
}

prepare_add() {
        rm -rf "$ROOT"
        st add base 8192 x y
}
prepare_remove() {
        prepare_add
        st add foo 8192 y z
}
prepare_collect() {
        prepare_add
        st layer 8192 p q
        cp "$ROOT/holt.db" "$ROOT/layers/stray"
}
prepare_none() { rm -rf "$ROOT"; }

@test "kill -9 at each call of making the store" {
        prepare() { prepare_none; }
        sound() { only_strays && [ -z "$(st list)" ] && st check; }
        calls_of list
        each_call 7 kill list
}

@test "kill -9 at each call of adding an image" {
        prepare() { prepare_add; }
        calls_of add foo 8192 y z
        each_call 7 kill add foo 8192 y z
}

@test "kill -9 at each call of removing an image" {
        prepare() { prepare_remove; }
        calls_of remove foo
        each_call 7 kill remove foo
        calls_of rmi foo
        each_call 13 kill rmi foo
}

@test "kill -9 at each call of a collection" {
        prepare() { prepare_collect; }
        calls_of collect
        each_call 7 kill collect
}

@test "each call of adding, removing and collecting fails" {
        local error
        prepare() { prepare_add; }
        calls_of add foo 8192 y z
        for error in 28 5 1 24; do # ENOSPC EIO EPERM EMFILE
                each_call 11 "$error" add foo 8192 y z
        done
        prepare() { prepare_remove; }
        calls_of remove foo
        for error in 28 5 1 24; do
                each_call 11 "$error" remove foo
        done
        prepare() { prepare_collect; }
        calls_of collect
        for error in 28 5; do
                each_call 11 "$error" collect
        done
}
