#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Ways out through descriptors that the runtime holds (CVE-2024-21626, CVE-2016-9962), and what its children get of them.

load attack

@test "run: no descriptor leads a working directory out of the container" {
        local n
        for n in {3..24}; do
                for cwd in "/proc/self/fd/$n" "/proc/self/fd/$n/$UP$HOST"; do
                        config '.process.cwd = $cwd' --arg cwd "$cwd"
                        script "echo started; cat marker $UP$HOST/marker"
                        run rt run "$ID"
                        [[ $output != *unharmed* ]] || { echo "$cwd: $output"; return 1; }
                        [ "$status" -ne 0 ]
                done
        done
}

@test "run: no descriptor leads to a program of the host" {
        local n
        cp "$(command -v busybox)" "$HOST/busybox"
        for n in {3..24}; do
                process "/proc/self/fd/$n/$UP$HOST/busybox" echo escaped
                refused run "$ID"
                [[ $output != *escaped* && $output != *applet* ]]
        done
}

@test "create and start: no descriptor leads to a program of the host" {
        local n
        cp "$(command -v busybox)" "$HOST/busybox"
        for n in {3..24}; do
                process "/proc/self/fd/$n/$UP$HOST/busybox" true
                if rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-; then
                        refused start "$ID"
                        rt delete --force "$ID"
                fi
        done
}

@test "exec: no descriptor leads out" {
        local n
        cp "$(command -v busybox)" "$HOST/busybox"
        start_sleeper
        for n in {3..24}; do
                refused exec "$ID" "/proc/self/fd/$n/$UP$HOST/busybox" echo escaped
                [[ $output != *escaped* && $output != *applet* ]]
                for cwd in "/proc/self/fd/$n" "/proc/self/fd/$n/$UP$HOST"; do
                        run rt exec --cwd "$cwd" "$ID" /bin/cat marker "$UP$HOST/marker"
                        [[ $output != *unharmed* ]] || { echo "$cwd: $output"; return 1; }
                        [ "$status" -ne 0 ]
                done
        done
}

@test "the container's files are not read through the runtime's descriptors" {
        # HOME comes of /etc/passwd when the configuration has none: a link there must not reach the host's.
        local n
        echo 'root:x:0:0:root:/stolen:/bin/sh' >"$HOST/passwd"
        script 'echo "HOME is $HOME"'
        for n in {3..24}; do
                ln -sf "/proc/self/fd/$n/$UP$HOST/passwd" rootfs/etc/passwd
                run rt run "$ID"
                [ "$output" = 'HOME is /' ] || { echo "$n: $output"; return 1; }
        done
}

@test "a startContainer hook in the container is not one of the host" {
        local n
        cp "$(command -v busybox)" "$HOST/busybox"
        for n in {3..24}; do
                ln -sf "/proc/self/fd/$n/$UP$HOST/busybox" rootfs/bin/hook
                config '.hooks = {startContainer: [{path: "/bin/hook", args: ["true"]}]}'
                refused run "$ID"
                [[ $output == *"no such file"* || $output == *"exit status 12"* ]]
        done
}

@test "only 0 to 2 and what is to be preserved is open in the container" {
        process ls /proc/self/fd
        # listed COMMAND...: with 3, 7 and 8 open; the lowest free one is the directory that ls itself reads.
        listed() { rt "$@" 3<"$HOST/marker" 4<&- 5<&- 6<&- 7<"$HOST/marker" 8<"$HOST" 9<&- | tr '\n' ' '; }
        [ "$(listed run "$ID")" = '0 1 2 3 ' ]
        [ "$(rt run --preserve-fds 2 "$ID" 3<"$HOST/marker" 4<"$HOST/marker" 7<"$HOST" | tr '\n' ' ')" = '0 1 2 3 4 5 ' ]
        start_sleeper
        [ "$(listed exec "$ID" ls /proc/self/fd)" = '0 1 2 3 ' ]
        [ "$(rt exec --preserve-fds 1 "$ID" ls /proc/self/fd 3<"$HOST/marker" 4<&- 7<"$HOST" | tr '\n' ' ')" = '0 1 2 3 4 ' ]
        # One that is not there would be whatever the runtime has opened by then.
        run ! rt exec --preserve-fds 5 "$ID" ls /proc/self/fd 3<"$HOST/marker" 4<&-
}

@test "more descriptors to be preserved than were given do not open a way out" {
        local n
        cp "$(command -v busybox)" "$HOST/busybox"
        start_sleeper
        for n in {3..24}; do
                refused exec --preserve-fds 100 "$ID" "/proc/self/fd/$n/$UP$HOST/busybox" echo escaped 3>&-
                [[ $output != *escaped* && $output != *applet* ]]
        done
        rt delete --force "$ID"
        for n in {3..24}; do
                process "/proc/self/fd/$n/$UP$HOST/busybox" echo escaped
                refused run --preserve-fds 100 "$ID" 3>&-
                [[ $output != *escaped* && $output != *applet* ]]
        done
}

@test "hooks get 0 to 2, an umask and nothing else" {
        cat >"$WORK/hook" <<SH
#!/bin/busybox sh
cat >/dev/null
{ echo "\$1 \$(umask) \$(ls /proc/self/fd | tr '\n' ' ')"; } >>"$WORK/hooks"
SH
        sed "s,$WORK/hooks,/hooks,; s,umask,umask,; s,^cat,/bin/cat," "$WORK/hook" >rootfs/bin/hook
        chmod +x "$WORK/hook" rootfs/bin/hook
        config '.hooks = {
                prestart: [{path: $h, args: ["h", "prestart"]}], createRuntime: [{path: $h, args: ["h", "createRuntime"]}],
                createContainer: [{path: $h, args: ["h", "createContainer"]}],
                startContainer: [{path: "/bin/hook", args: ["h", "startContainer"], env: ["PATH=/bin"]}],
                poststart: [{path: $h, args: ["h", "poststart"]}], poststop: [{path: $h, args: ["h", "poststop"]}]
        } | .hooks[][].env = ["PATH=/usr/bin:/bin"]' --arg h "$WORK/hook"
        exec 7<"$HOST"
        (umask 027 && rt run "$ID" 3>&-)
        exec 7<&-
        cat "$WORK/hooks" rootfs/hooks
        [ "$(cat "$WORK/hooks" rootfs/hooks | wc -l)" -eq 6 ]
        # 3 is what ls itself reads.
        run ! grep -Ev '^[a-zA-Z]+ 0027 0 1 2 3 $' "$WORK/hooks"
        # This one runs where the process will, with that one's umask.
        run ! grep -Ev '^startContainer 0022 0 1 2 3 $' rootfs/hooks
}

# rt without standard input, output and error, and with nothing else open.
rt_closed() { bash -c 'exec "$@" <&- >&- 2>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-' _ "$RUNTIME" --root "$ROOT" "$@"; }

@test "closed standard descriptors are not taken by the runtime's own" {
        script 'readlink /proc/self/fd/0; readlink /proc/self/fd/1 >/seen; readlink /proc/self/fd/2 >>/seen; exec ls /proc/self/fd >/list'
        rt_closed run "$ID"
        cat rootfs/seen
        [ "$(tr '\n' ' ' <rootfs/seen)" = '/seen /dev/null ' ]
        [ "$(tr '\n' ' ' <rootfs/list)" = '0 1 2 3 ' ]
        # Error messages must not go into a file that the runtime has just opened.
        process /none
        run ! rt_closed --log "$WORK/log" create --pid-file "$WORK/pid" "$ID"
        [ "$(wc -l <"$WORK/log")" -eq 1 ]
        grep -q 'level=error.*/none' "$WORK/log"
        start_sleeper
        rt_closed exec "$ID" /bin/sh -c 'readlink /proc/self/fd/2 >/seen; ls /proc/self/fd >/list'
        [ "$(cat rootfs/seen)" = /dev/null ]
        [ "$(tr '\n' ' ' <rootfs/list)" = '0 1 2 3 ' ]
        grep -q '"id":"'"$ID" "$ROOT/$ID:state"
        run ! grep -q holt-oci: "$ROOT/$ID:state"
}

# Processes that share the pid namespace look into the runtime while it enters (CVE-2016-9962): with the same
# capabilities as the attacker and still with what it needed of the host.
watched() {
        wait_for 10 grep -q ready "$WORK/watch"
        again 60 "$WORK/watch" "$@"
        touch rootfs/stop
        wait_for 15 grep -q got "$WORK/watch"
        cat "$WORK/watch"
        grep -q 'got 0' "$WORK/watch"
        ! grep -q 'seen 0$' "$WORK/watch"
}

# The attacker's container, and what it can see.
start_watcher() {
        process /bin/attacker fds 60 "$HOST/marker" "$ID"
        rt run -d "$ID" </dev/null >"$WORK/watch" 2>&1 3>&-
}

@test "exec: the container cannot reach into its descriptors" {
        start_watcher
        watched rt exec "$ID" true
}

@test "run: a container of the same pid namespace cannot reach into its descriptors" {
        start_watcher
        bundle_at "$WORK/second" "$ID-2"
        jq --arg pid "/proc/$(pid_of "$ID")/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $pid' \
                "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        watched rt run -b "$WORK/second" "$ID-2" 3>&-
}

@test "run: a container without a pid namespace cannot reach into others' descriptors" {
        config '.linux.namespaces |= map(select(.type != "pid"))'
        start_watcher
        bundle_at "$WORK/second" "$ID-2"
        watched rt run -b "$WORK/second" "$ID-2" 3>&-
}
