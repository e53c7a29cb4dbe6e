#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Who a process is and what it may: users, capabilities, terminals, ids and recycled pids.

load attack

@test "exec -u: only UID or UID:GID as plain numbers" {
        start_sleeper
        local user
        for user in ' ' '1 ' ' 1' '+1' '-1' '0x1' '1:' ':1' ':' '1:2:3' '1.0' '1e3' '1,2' $'1\n' '4294967295' '4294967296' \
                '18446744073709551616' '1:4294967295' '1:4294967296' '1: 2' '1:+2' '1:0x2' '1a' 'root' 'test' '00x' '１' '0:' $'\t0'; do
                refused exec -u "$user" "$ID" id || { echo "accepted: '$user'"; return 1; }
                [[ $output != *uid=* ]]
        done
        [ "$(rt exec -u 1000 "$ID" id -u)" = 1000 ]
        [ "$(rt exec -u 1000:2000 "$ID" id -g)" = 2000 ]
        [ "$(rt exec -u 4294967294:4294967294 "$ID" id -u)" = 4294967294 ]
        [ "$(rt exec -u 010 "$ID" id -u)" = 10 ]
        # An empty one is none: whom the configuration names, never another.
        rt delete --force "$ID"
        config '.process.user = {uid: 1000, gid: 1000}'
        start_sleeper
        [ "$(rt exec -u '' "$ID" id -u)" = 1000 ]
        for user in '' '1 ' '+1' '0x1' 4294967296 root; do
                refused exec --additional-gids "$user" "$ID" id || { echo "accepted: '$user'"; return 1; }
        done
}

@test "an id of 2^32 - 1, by which the kernel changes nothing, does not leave the process root" {
        local user
        cp config.json plain.json
        for user in '{uid: 4294967295, gid: 1000}' '{uid: 1000, gid: 4294967295}' '{uid: 1000, gid: 1000, additionalGids: [4294967295]}'; do
                cp plain.json config.json
                config ".process.user = $user"
                process id
                refused run "$ID" || { echo "accepted: $user"; return 1; }
                jq .process config.json >process.json
                cp plain.json config.json
                start_sleeper
                refused exec --process process.json "$ID" || { echo "exec accepted: $user"; return 1; }
                rt delete --force "$ID"
        done
}

caps='grep ^Cap /proc/self/status; grep ^NoNewPrivs /proc/self/status'

@test "inheritable and ambient capabilities are empty, by run and by exec" {
        # CVE-2022-29162, CVE-2022-27650
        config '.process.noNewPrivileges = false'
        script "$caps; exec sleep 1000"
        rt run -d "$ID" </dev/null >"$WORK/run" 2>&1 3>&-
        wait_for 5 grep -q NoNew "$WORK/run"
        rt exec "$ID" /bin/sh -c "$caps" >"$WORK/exec"
        rt exec -u 1000 --cap CAP_NET_RAW "$ID" /bin/sh -c "$caps" >"$WORK/user"
        diff "$WORK/run" "$WORK/exec"
        local file
        for file in run exec user; do
                grep -qE '^CapInh:\s+0+$' "$WORK/$file"
                grep -qE '^CapAmb:\s+0+$' "$WORK/$file"
        done
        # CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE
        grep -qE '^CapBnd:\s+0000000020000420$' "$WORK/run"
        grep -qE '^CapPrm:\s+0000000020000420$' "$WORK/run"
}

@test "capabilities of the file system do not come back over exec" {
        # A program with CAP_DAC_OVERRIDE in its file: the bounding set takes it away.
        cp -L rootfs/bin/busybox rootfs/bin/busybox-strong
        python3 - rootfs/bin/busybox-strong <<'PY'
import os, struct, sys
os.setxattr(sys.argv[1], "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 1, 0, 0, 0))
PY
        config '.process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000}'
        chmod 600 rootfs/etc/group
        process /bin/busybox-strong cat /etc/group
        run rt run "$ID"
        [ "$status" -ne 0 ]
        [[ $output != *root:* ]]
        start_sleeper
        run rt exec "$ID" /bin/busybox-strong cat /etc/group
        [ "$status" -ne 0 ]
        [[ $output != *root:* ]]
        rt delete --force "$ID"
        # It is strong where the configuration lets it, unless no_new_privs forbids.
        config '.process.capabilities.bounding += ["CAP_DAC_OVERRIDE"]'
        process /bin/busybox-strong cat /etc/group
        run rt run "$ID"
        [[ $output == *root:* ]]
        config '.process.noNewPrivileges = true'
        run rt run "$ID"
        [ "$status" -ne 0 ]
        [[ $output != *root:* ]]
}

@test "TIOCSTI into the caller's terminal" {
        [[ ! -e /proc/sys/dev/tty/legacy_tiocsti || $(cat /proc/sys/dev/tty/legacy_tiocsti) == 1 ]] ||
                skip "the kernel refuses TIOCSTI to everybody"
        process /bin/attacker tiocsti
        # ours COMMAND...: its standard input is a terminal that controls its session.
        ours() {
                python3 - "$@" <<'PY'
import os, pty, sys
status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 1024), lambda fd: b"")
sys.exit(os.waitstatus_to_exitcode(status))
PY
        }
        # The attack works where nothing stands against it.
        run ours rootfs/bin/attacker tiocsti </dev/null
        [[ $output == *injected* ]]
        run ours "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
        [[ $output == *refused* ]]
        start_sleeper
        run ours "$RUNTIME" --root "$ROOT" exec "$ID" /bin/attacker tiocsti </dev/null
        [[ $output == *refused* ]]
}

@test "ids that leave the state directory, the cgroup or the keyring" {
        local id
        mkdir "$ROOT"
        echo keep >"$WORK/keep"
        for id in ../keep ../../x /tmp/x a/b . .. ./x '' ' ' 'a b' $'a\nb' 'a:b' 'a*' '.hidden' '-x/../y' "$(printf 'x%.0s' {1..1100})" 'a\b' $'\xff' 'é'; do
                for command in run create state start delete "delete --force" kill pause resume ps; do
                        # shellcheck disable=SC2086
                        refused $command -- "$id" || { echo "$command accepted: '$id'"; return 1; }
                done
        done
        [ "$(cat "$WORK/keep")" = keep ]
        [ -z "$(ls -A "$ROOT")" ]
}

@test "cgroupsPath and annotations do not leave the cgroup root" {
        local path
        process touch /started
        for path in /../../x ../../x /a/../../b .. /.. / a/../../../../tmp "$(printf 'x%.0s' {1..5000})"; do
                config '.linux.cgroupsPath = $p' --arg p "$path"
                refused run "$ID" || { echo "accepted: $path"; return 1; }
        done
        for path in "a:../..:b" "x/../y:z:w" "../../x:y:z"; do
                config '.linux.cgroupsPath = $p' --arg p "$path"
                refused --systemd-cgroup run "$ID"
        done
        config '.linux.cgroupsPath = $p | .annotations = {"run.oci.systemd.subgroup": "../../../x", "run.oci.cgroup": "../x"}' --arg p "$CGROUP"
        rt run "$ID"
        [ -e rootfs/started ]
        [ -z "$(cgroups_left started)" ]
}

@test "a recycled pid is not signalled, not entered and not called running" {
        start_sleeper
        local pid file=$ROOT/$ID:state
        pid=$(pid_of "$ID")
        grep -q "^$pid [0-9]*$" "$file"
        sleep 300 3>&- &
        local victim=$!
        PIDS+=("$victim")
        # Another process has come to the pid that the state knows.
        local start
        start=$(sed -n '2s/.* //p' "$file")
        sed -i "2s/.*/$victim $start/" "$file"
        [ "$(status_of "$ID")" = stopped ]
        refused kill "$ID" KILL
        refused exec "$ID" true
        refused pause "$ID"
        refused ps "$ID" || true
        kill -0 "$victim"
        rt delete --force "$ID"
        kill -0 "$victim"
        run ! is_gone "$victim"
        wait_for 5 is_gone "$pid"
}

@test "a damaged pid in the state harms nobody" {
        local text file=$ROOT/$ID:state
        sleep 300 3>&- &
        local victim=$!
        PIDS+=("$victim")
        for text in '' '0 0' '1 1' '-1 5' '4294967295 5' '99999999999 1' "$victim" "$victim " "$victim x" "$victim -1" "$victim 1 1" 'x y' $'0 0\n' $'1 1\n' "$victim 1"$'\n' "$victim -1"$'\n' \
                "$victim $(cut -d' ' -f22 "/proc/$victim/stat")"; do
                start_sleeper
                head -n 1 "$file" >"$WORK/state"
                printf '%s' "$text" >>"$WORK/state"
                cp "$WORK/state" "$file"
                run timeout 20 "$RUNTIME" --root "$ROOT" kill "$ID" KILL
                [ "$status" -lt 124 ] || [ "$status" -eq 255 ]
                run timeout 20 "$RUNTIME" --root "$ROOT" delete --force "$ID"
                [ "$status" -lt 124 ] || [ "$status" -eq 255 ]
                kill -0 "$victim"
                kill -0 1
        done
}

@test "the home directory is looked for in a file, not in whatever the image has there" {
        local make
        # shellcheck disable=SC2016
        script 'echo "HOME is $HOME"'
        for make in 'ln -s /dev/zero' 'ln -s /dev/random' 'mkfifo' 'mkdir' 'ln -s /dev/tty' 'ln -s passwd' 'truncate -s 100G' 'ln -s /proc/self/mem'; do
                rm -rf rootfs/etc/passwd
                $make rootfs/etc/passwd
                run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                [ "$output" = 'HOME is /' ] || { echo "$make: $status $output"; return 1; }
        done
        rm -rf rootfs/etc/passwd
        # Look-alikes, and a last line without an end.
        printf '0:0:1:1:0:/wrong:0\nroot:x: 0:0::/wrong:\nroot:x:+0:0::/wrong:\nroot:x::0::/wrong:\nroot:x:0:0::/right:' >rootfs/etc/passwd
        [ "$(rt run "$ID")" = 'HOME is /right' ]
}

@test "the state directory is for its owner alone, whatever the umask" {
        process sleep 1000
        (umask 0 && rt create "$ID" </dev/null >/dev/null 2>&1 3>&-)
        find "$ROOT" -mindepth 1 -perm /077 -ls | tee "$WORK/open"
        [ ! -s "$WORK/open" ]
        [ -z "$(find "$ROOT" -maxdepth 0 -perm /066)" ]
        chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$WORK"
        [ -x "$WORK" ]
        run ! as_user cat "$ROOT/$ID:state"
        run ! as_user "$RUNTIME" --root "$ROOT" start "$ID"
        has_status "$ID" created
}

@test "a state directory that somebody else could change is refused" {
        process touch /started
        chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*
        # Whoever may write in the parent was there first.
        mkdir -m 1777 "$WORK/tmp"
        chmod a+x "$WORK"
        as_user mkdir "$WORK/tmp/root"
        refused --root "$WORK/tmp/root" run "$ID"
        [[ $output == *"$WORK/tmp/root"* ]]
        as_user ln -s root "$WORK/tmp/link"
        refused --root "$WORK/tmp/link" run "$ID"
        mkdir -m 777 "$WORK/open"
        chmod 777 "$WORK/open"
        refused --root "$WORK/open" create "$ID"
        [ ! -e rootfs/started ]
        # A state that such a one has left there is not believed: it would name the process to be killed.
        sleep 300 3>&- &
        local victim=$!
        PIDS+=("$victim")
        start_sleeper
        cp -r "$ROOT"/* "$WORK/tmp/root"
        for command in "kill $ID KILL" "delete --force $ID" "exec $ID true" "state $ID"; do
                # shellcheck disable=SC2086
                refused --root "$WORK/tmp/root" $command || { echo "$command"; return 1; }
        done
        has_status "$ID" running
}
