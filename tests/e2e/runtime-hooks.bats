#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The six kinds of hooks: when they run, where, with what on stdin, and what their failure does.

load helpers

# A hook that notes its name, its namespaces and its stdin below $WORK.
setup() {
        bundle_make
        cat >"$WORK/hook" <<SH
#!/bin/sh
echo "\$1" >>"$WORK/order"
readlink /proc/self/ns/mnt >"$WORK/\$1.mnt"
readlink /proc/self/ns/net >"$WORK/\$1.net"
cat >"$WORK/\$1.state"
env >"$WORK/\$1.env"
SH
        # startContainer is looked up inside: busybox, on the root filesystem as it is there.
        cat >rootfs/bin/hook <<'SH'
#!/bin/sh
echo "$1" >>/order
readlink /proc/self/ns/mnt >"/$1.mnt"
cat >"/$1.state"
SH
        chmod +x "$WORK/hook" rootfs/bin/hook
}

hook_add() { # KIND JSON-OBJECT
        config '.hooks[$kind] += [$hook]' --arg kind "$1" --argjson hook "$2"
}

all_hooks() {
        local kind
        for kind in prestart createRuntime createContainer poststart poststop; do
                hook_add "$kind" "{\"path\": \"$WORK/hook\", \"args\": [\"hook\", \"$kind\"], \"env\": [\"PATH=$PATH\", \"KIND=$kind\"]}"
        done
        hook_add startContainer '{"path": "/bin/hook", "args": ["hook", "startContainer"], "env": ["PATH=/bin"]}'
}

@test "hooks: all six in their order, at create, start and delete" {
        all_hooks
        script 'echo program >>/order; exec sleep 1000'
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        [ "$(grep -v poststart "$WORK/order" | xargs)" = "prestart createRuntime createContainer" ]
        [ ! -e rootfs/order ]
        rt start "$ID"
        wait_for 5 grep -q program rootfs/order
        [ "$(xargs <rootfs/order)" = "startContainer program" ]
        wait_for 5 grep -q poststart "$WORK/order"
        run ! grep poststop "$WORK/order"
        rt kill "$ID" KILL
        wait_for 5 has_status "$ID" stopped
        rt delete "$ID"
        [ "$(xargs <"$WORK/order")" = "prestart createRuntime createContainer poststart poststop" ]
}

@test "hooks: poststart waits for the start" {
        skip_runc "runs it at create"
        all_hooks
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        run ! grep poststart "$WORK/order"
        rt start "$ID"
        grep -q poststart "$WORK/order"
}

@test "hooks: run makes them all too" {
        all_hooks
        rt run "$ID"
        [ "$(xargs <"$WORK/order")" = "prestart createRuntime createContainer poststart poststop" ]
        [ "$(cat rootfs/order)" = startContainer ]
}

@test "hooks: the state on stdin" {
        config '.annotations = {"org.example.key": "value"}'
        all_hooks
        rt run "$ID"
        cp rootfs/startContainer.state "$WORK/"
        for kind in prestart createRuntime createContainer startContainer poststart poststop; do
                jq -e --arg id "$ID" --arg bundle "$BUNDLE" --arg kind "$kind" '
                        .id == $id and .bundle == $bundle and (.ociVersion | startswith("1.")) and
                        .annotations["org.example.key"] == "value" and
                        (if $kind == "poststop" then .status == "stopped" else (.pid | type == "number") and .pid > 0 end)' \
                        "$WORK/$kind.state" || {
                        echo "$kind: $(cat "$WORK/$kind.state")"
                        return 1
                }
        done
        jq -e '.status == "creating" or .status == "created"' "$WORK/createRuntime.state"
}

@test "hooks: poststart is told that it runs" {
        skip_runc "says created"
        all_hooks
        rt run "$ID"
        jq -e '.status == "running"' "$WORK/poststart.state"
}

@test "hooks: each in its namespace" {
        all_hooks
        script 'readlink /proc/self/ns/mnt; readlink /proc/self/ns/net'
        run rt run "$ID"
        local host_mnt host_net
        host_mnt=$(readlink /proc/self/ns/mnt)
        host_net=$(readlink /proc/self/ns/net)
        for kind in prestart createRuntime poststart poststop; do
                [ "$(cat "$WORK/$kind.mnt")" = "$host_mnt" ]
                [ "$(cat "$WORK/$kind.net")" = "$host_net" ]
        done
        [ "$(cat "$WORK/createContainer.mnt")" = "${lines[0]}" ]
        [ "$(cat "$WORK/createContainer.net")" = "${lines[1]}" ]
        [ "$(cat rootfs/startContainer.mnt)" = "${lines[0]}" ]
}

@test "hooks: prestart and createRuntime see the process by its pid on the host" {
        cat >"$WORK/net" <<'SH'
#!/bin/sh
pid=$(jq .pid)
nsenter -t "$pid" -n ip link add hooked0 type dummy 2>/dev/null || nsenter -t "$pid" -n sysctl -qw net.ipv4.ip_forward=1
SH
        chmod +x "$WORK/net"
        hook_add createRuntime "{\"path\": \"$WORK/net\", \"env\": [\"PATH=$PATH\"]}"
        script 'ls /sys/class/net; cat /proc/sys/net/ipv4/ip_forward'
        run rt run "$ID"
        [[ $output == *hooked0* || $output == *1 ]]
}

@test "hooks: what createContainer mounts, the container has" {
        cat >"$WORK/mounter" <<SH
#!/bin/sh
mkdir -p "$BUNDLE/rootfs/mnt"
mount -t tmpfs hooked "$BUNDLE/rootfs/mnt"
SH
        chmod +x "$WORK/mounter"
        hook_add createContainer "{\"path\": \"$WORK/mounter\", \"env\": [\"PATH=$PATH\"]}"
        process grep ' /mnt ' /proc/mounts
        run rt run "$ID"
        [[ $output == hooked* ]]
        run ! grep -q "$BUNDLE/rootfs/mnt" /proc/self/mountinfo
}

@test "hooks: environment and arguments are just what is listed" {
        printf '#!/bin/sh\nenv | grep -v -e ^PWD= -e ^_= -e ^SHLVL= >"%s"\necho "$0 $*" >>"%s"\n' "$WORK/seen" "$WORK/seen" >"$WORK/env"
        chmod +x "$WORK/env"
        hook_add poststop "{\"path\": \"$WORK/env\", \"args\": [\"zero\", \"one\", \"two words\"], \"env\": [\"A=1\", \"B=x y\"]}"
        env LEAK=1 "$RUNTIME" --root "$ROOT" run "$ID"
        cat "$WORK/seen"
        [ "$(cat "$WORK/seen")" = "$(printf 'A=1\nB=x y\n%s one two words' "$WORK/env")" ]
}

@test "hooks: several of a kind, in their order" {
        for word in a b c; do hook_add createRuntime "{\"path\": \"$WORK/hook\", \"args\": [\"hook\", \"$word\"], \"env\": [\"PATH=$PATH\"]}"; done
        rt run "$ID"
        [ "$(xargs <"$WORK/order")" = "a b c" ]
}

@test "hooks: one that fails before the start undoes the container" {
        for kind in prestart createRuntime createContainer startContainer; do
                config 'del(.hooks)'
                if [ $kind = startContainer ]; then
                        hook_add $kind '{"path": "/bin/sh", "args": ["sh", "-c", "echo hook broke >&2; exit 3"]}'
                else
                        hook_add $kind '{"path": "/bin/sh", "args": ["sh", "-c", "echo hook broke >&2; exit 3"]}'
                fi
                script 'touch /ran'
                run rt run "$ID"
                echo "$kind: $output"
                [ "$status" -ne 0 ]
                [ ! -e rootfs/ran ]
                run ! rt state "$ID"
                no_leaks
        done
}

@test "hooks: a failing createRuntime at create leaves nothing" {
        hook_add createRuntime '{"path": "/bin/false"}'
        run ! rt create "$ID"
        run ! rt state "$ID"
        no_leaks
}

@test "hooks: a failing poststop is only told" {
        hook_add poststop '{"path": "/bin/false"}'
        rt run "$ID"
        no_leaks
}

@test "hooks: the ones after a failing poststop still run" {
        skip_runc "stops there"
        hook_add poststop '{"path": "/bin/false"}'
        hook_add poststop "{\"path\": \"$WORK/hook\", \"args\": [\"hook\", \"second\"], \"env\": [\"PATH=$PATH\"]}"
        rt run "$ID"
        grep -q second "$WORK/order"
        no_leaks
}

@test "hooks: one that is not there is an error" {
        hook_add createRuntime '{"path": "/no/such/hook"}'
        run ! rt run "$ID"
        [[ $output == */no/such/hook* ]]
        config '.hooks = {createRuntime: [{path: "relative"}]}'
        run ! rt run "$ID"
        no_leaks
}

@test "hooks: a timeout ends one that hangs" {
        for kind in createRuntime createContainer; do
                config 'del(.hooks)'
                hook_add $kind '{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}'
                local begun=$SECONDS
                run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
                [ "$status" -ne 0 ]
                [ "$status" -ne 124 ]
                ((SECONDS - begun < 10))
                no_leaks
        done
}

@test "hooks: a timeout longer than any life is none" {
        process true
        hook_add createRuntime '{"path": "/bin/sleep", "args": ["sleep", "0.2"], "timeout": 12345}'
        # Written by hand: jq would round it.
        sed -i 's/12345/9223372036854775807/' config.json
        rt run "$ID"
}

@test "hooks: a timeout of none or less is refused" {
        skip_runc "takes any"
        for timeout in 0 -1; do
                config '.hooks = {createRuntime: [{path: "/bin/true", timeout: $t}]}' --argjson t $timeout
                run ! rt run "$ID"
        done
}

@test "hooks: no descriptor of the runtime's is theirs" {
        printf '#!/bin/sh\ncat >/dev/null\nls -l /proc/self/fd >"%s"\n' "$WORK/fds" >"$WORK/fdhook"
        chmod +x "$WORK/fdhook"
        hook_add createRuntime "{\"path\": \"$WORK/fdhook\", \"env\": [\"PATH=$PATH\"]}"
        rt run "$ID"
        cat "$WORK/fds"
        run ! grep -E ' ([3-9]|[0-9]{2,}) -> ' <(grep -v '/proc/.*fd$' "$WORK/fds")
}

@test "hooks: a state that no socket can hold at once" {
        process true
        config '.annotations = {a: ("x" * 1000000)}'
        cp config.json plain.json
        hook_add createRuntime "{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"cat >$WORK/state\"]}"
        timeout -s KILL 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
        [ "$(jq '.annotations.a | length' "$WORK/state")" -eq 1000000 ]
        # One that does not read, one that prints as much first.
        cp plain.json config.json
        hook_add createRuntime '{"path": "/bin/true"}'
        hook_add createRuntime '{"path": "/bin/sh", "args": ["sh", "-c", "head -c 1000000 /dev/zero; exec wc -c"]}'
        timeout -s KILL 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
}
