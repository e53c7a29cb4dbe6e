#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Virtual machines as clones of a guest that has booted: what they must not share, what a template must not be taken for,
# and what is left behind. A template is made in seconds where no hardware helps: few tests need a new one.

load images
load machines

setup_file() {
        machines_begin cat cut date echo find hostname od sleep sort tr true uname wc
        # What an image's own sshd would do: a key of random bytes, made when there is none.
        cat >"$WORK/tree/bin/who" <<'SH'
#!/bin/sh
hex() { od -An -v -tx1 -N "$1" "$2" | tr -d ' \n'; }
[ -e /etc/host_key ] || hex 32 /dev/random >/etc/host_key
echo "random $(hex 16 /dev/urandom)"
echo "uuid $(cat /proc/sys/kernel/random/uuid)"
echo "boot $(cat /proc/sys/kernel/random/boot_id)"
echo "key $(cat /etc/host_key)"
echo "hostname $(hostname)"
echo "shared $(cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp | grep -vc local_address) $(cat /etc/machine-id 2>&1)"
echo "time $(date +%s)"
SH
        chmod 755 "$WORK/tree/bin/who"
        ln -sf busybox "$WORK/tree/bin/grep"
        image_make box
        machines_keep
}

teardown_file() {
        [[ -e $BATS_FILE_TMPDIR/store ]] || return 0
        load_store
        holt rm -f -a >/dev/null
        [[ -z $(ls "$RUN/instances") ]]
        no_machines
        store_finish
}

setup() {
        load_store
}

templates() { find "$STORE/vm/templates" -mindepth 1 -maxdepth 1 -name '????????????????*'; }
# When the only one was made.
made() { jq .memory.time "$(templates)/manifest"; }
nothing_left() { [[ ! -e $STORE/vm/templates/part && $(templates | wc -l) == 1 ]]; }

@test "two at once make one template, and whoever comes later is its clone" {
        local before
        echo one | run_vm --rm -i box cat >"$WORK/one" &
        local first=$!
        echo two | run_vm --rm -i box cat >"$WORK/two"
        wait "$first"
        [ "$(cat "$WORK/one" "$WORK/two")" = $'one\ntwo' ]
        nothing_left
        [ "$(stat -c %a "$(templates)/memory")" = 400 ]
        before=$(made)
        [ "$(run_vm --rm box uname -r)" = "$(ls "$STORE/vm/kernels")" ]
        [ "$(made)" = "$before" ]
}

@test "the clones differ in all that must differ, and know the time" {
        local n what
        for n in $(seq "${HOLT_TEST_CLONES:-12}"); do
                run_vm --rm box who >"$WORK/who.$n" 2>&1 &
                PIDS+=($!)
        done
        for n in "${PIDS[@]}"; do wait "$n"; done
        PIDS=()
        cat "$WORK"/who.* >"$WORK/all"
        for what in random uuid boot key hostname; do
                echo "$what: $(grep -c "^$what " "$WORK/all") $(grep "^$what " "$WORK/all" | sort -u | wc -l)"
                [ "$(grep -c "^$what ." "$WORK/all")" = "${HOLT_TEST_CLONES:-12}" ]
                [ "$(grep "^$what " "$WORK/all" | sort -u | wc -l)" = "${HOLT_TEST_CLONES:-12}" ]
        done
        # No connection of the original's, no identity.
        [ "$(grep ^shared "$WORK/all" | cut -d ' ' -f 2 | sort -u)" = 0 ]
        ! grep -q '^shared 0 [0-9a-f]' "$WORK/all"
        # None is from before this test.
        for n in $(grep ^time "$WORK/all" | cut -d ' ' -f 2); do
                ((n >= $(stat -c %Y "$WORK/who.1") - 120 && n <= $(date +%s) + 1))
        done
}

@test "its clock is the host's, and goes on where the template's stopped" {
        local before after guest
        before=$(date +%s%N)
        guest=$(run_vm --rm box sh -c 'date +%s; cut -d . -f 1 /proc/uptime')
        after=$(date +%s%N)
        ((${guest%%$'\n'*} >= before / 1000000000 && ${guest%%$'\n'*} <= after / 1000000000))
        ((${guest##*$'\n'} < 60))
}

@test "what a clone writes to its memory no other sees" {
        local before
        before=$(sha256sum <"$(templates)/memory")
        run_vm --rm --tmpfs /m box sh -c 'head -c 30000000 /dev/urandom >/m/much; wc -c </m/much' >"$WORK/much"
        [ "$(cat "$WORK/much")" = 30000000 ]
        [ "$(sha256sum <"$(templates)/memory")" = "$before" ]
}

@test "QEMU cannot write to the memory that its clones share" {
        local qemu fd
        run_vm -d --name web box sleep 1000
        qemu=$(pgrep -P "$(pgrep -x -P "$(holt inspect -f '{{.State.Pid}}' web)" holt-guard)")
        for fd in "/proc/$qemu/fd/"*; do
                [[ $(readlink "$fd") == "$STORE/vm/templates/"* ]] || continue
                grep -q '^flags:.*0$' "/proc/$qemu/fdinfo/${fd##*/}"
        done
        grep -q "$(templates)/memory" "/proc/$qemu/maps"
        [ -z "$(awk -v f="$(templates)/memory" '$NF == f && $2 ~ /s/' "/proc/$qemu/maps")" ]
        holt rm -f web
}

@test "one whose state was damaged is made anew" {
        local before
        before=$(made)
        printf x | dd of="$(templates)/state" bs=1 seek=1000 conv=notrunc status=none
        [ "$(run_vm --rm box echo hello)" = hello ]
        nothing_left
        [ "$(made)" != "$before" ]
}

@test "a holt.conf that cannot be read stops it, and no container" {
        export HOLT_CONF=$WORK/holt.conf
        echo 'vm.template_limit = much' >"$HOLT_CONF"
        run -125 run_vm --rm box true
        [[ $output == *'holt.conf:1: "much" is no value of vm.template_limit: it wants bytes'* ]]
        holt run --rm --network none box true
}

@test "--no-template neither uses nor makes one" {
        mv "$STORE/vm/templates" "$WORK/away"
        [[ $(run_vm --no-template --kernel-arg holt.test=1 --rm box cat /proc/cmdline) == *' holt.test=1' ]]
        [ ! -e "$STORE/vm/templates" ]
        mv "$WORK/away" "$STORE/vm/templates"
}

@test "kill -9 of who makes one: nothing of it is used, and the next makes it" {
        local monitor
        rm -r "$(templates)"
        run_vm -d --name victim box sleep 1000 >"$WORK/victim" 2>&1 &
        PIDS+=($!)
        wait_for 20 test -e "$STORE/vm/templates/part/state"
        monitor=$(pgrep -P "$(pgrep -f "^holt-shim run $STORE")")
        kill -KILL "$monitor"
        wait "${PIDS[0]}" || true
        PIDS=()
        wait_for 5 no_machines
        [ -z "$(templates)" ]
        # Another QEMU, kernel or agent has another name: this is what was left of one that is none.
        mkdir "$STORE/vm/templates/$(printf '%064d' 1)"
        [ "$(run_vm --rm box echo hello)" = hello ]
        [ ! -e "$STORE/vm/templates/part" ]
        [ "$(templates | wc -l)" = 2 ]
        holt rm -f victim || true
}

@test "system check, df and prune know it: that of another kernel goes" {
        local key size
        rm -r "$STORE/vm/templates/$(printf '%064d' 1)"
        key=$(templates) key=${key##*/}
        holt system check --verify
        [ "$(holt system df --format json | jq -r 'select(.Type == "Machine Templates") | .TotalCount + .Active')" = 11 ]
        [ -z "$(holt system prune --dry-run)" ]
        [[ $(holt system prune -a --dry-run) == *"  template $key  "* ]]
        # What its memory holds is read for --verify alone.
        size=$(stat -c %y "$(templates)/memory")
        cp -a "$(templates)" "$WORK/good"
        printf x | dd of="$(templates)/memory" bs=1 seek=8192 conv=notrunc status=none
        touch -d "$size" "$(templates)/memory"
        holt system check
        run -1 holt system check --verify
        [[ $output == "the template ${key:0:12} of a booted machine is damaged: its memory is damaged" ]]
        run -0 holt system check --verify --repair
        [ -z "$(templates)" ]
        cp -a "$WORK/good" "$STORE/vm/templates/$key"
        sed -i 's/"origin": "./"origin": "x/' "$(templates)/manifest"
        [ "$(holt system df --format json | jq -r 'select(.Type == "Machine Templates") | .TotalCount + .Active')" = 10 ]
        [[ $(holt system prune --dry-run) == *"  template $key  "* ]]
        holt system prune -f
        [ -z "$(templates)" ]
}

boot_files() { holt system df --format json | jq -r 'select(.Type == "Machine Boot Files") | "\(.TotalCount) \(.Active)"'; }

@test "what guests of another kernel or holt booted from goes as well, but for what a machine may want" {
        local boot=$STORE/vm/boot old gone name
        old=$(printf '%064d' 7) gone=$(printf '%064d' 8)
        holt system prune -f
        name=$(ls "$boot")
        run_vm -d --name present box sleep 1000
        [ "$(boot_files)" = '1 1' ]
        head -c 100000 /dev/urandom >"$boot/$old"
        head -c 100000 /dev/urandom >"$boot/modules-$gone"
        echo mine >"$boot/mine"
        # The machine has booted from the present ones; then it might have been another.
        [ "$(boot_files)" = '3 1' ]
        touch "$boot/$name"
        [ "$(boot_files)" = '3 3' ]
        [[ $(holt system prune -a --dry-run) != *'  boot '* ]]
        touch -d '1 day ago' "$boot/$name"
        [[ $(holt system prune --dry-run) == *"  boot     $old  "*"  boot     modules-$gone  "* || $(holt system prune --dry-run) == *"  boot     modules-$gone  "*"  boot     $old  "* ]]
        # What was killed while it made one leaves this.
        touch -d '1 hour ago' "$boot/.$name.999999999" "$boot/modules-$gone.999999999"
        touch "$boot/.$name.999999998"
        holt system check
        [ "$(ls -A "$boot" | sort)" = "$(printf '%s\n' ".$name.999999998" "$old" "$name" mine "modules-$gone" | sort)" ]
        holt system prune -f
        [ "$(ls "$boot" | sort)" = "$(printf '%s\n' "$name" mine | sort)" ]
        holt rm -f present
        [[ $(holt system prune -a --dry-run) == *"  boot     $name  "* ]]
}
