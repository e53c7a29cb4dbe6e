#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images and volumes that try to have something made or mounted outside of the container.

load attack

# Nothing but the marker is there, nothing is mounted there, and it says what it said.
unharmed() {
        [ "$(ls -A "$HOST")" = marker ] && [ "$(cat "$HOST/marker")" = unharmed ] && [ ! -L "$HOST/marker" ] &&
                ! grep -F "$HOST" /proc/self/mountinfo
}

# every way in which the image can point to $HOST: absolute, relative, through another link
links() {
        local at=$1
        rm -rf "${at:?}" "rootfs/${WORK:?}"
        case $2 in
        absolute) ln -s "$HOST" "$at" ;;
        relative) ln -s "$UP$HOST" "$at" ;;
        chained) ln -sfn "$UP$HOST" rootfs/tmp/chain && ln -s /tmp/chain "$at" ;;
        new) ln -s "$HOST/new" "$at" ;;
        dots) ln -s "tmp/../../../../../../$UP/$HOST/new/x" "$at" ;;
        esac
}

@test "mount points that are links in the image stay inside" {
        local how
        for how in absolute relative chained new dots; do
                links rootfs/link "$how"
                config '.mounts = [.mounts[] | select(.destination | startswith("/link") | not)] + [
                        {destination: "/link", type: "tmpfs", source: "tmpfs"},
                        {destination: "/link/dir/below", type: "tmpfs", source: "tmpfs"},
                        {destination: "/link/file", type: "bind", source: $f, options: ["bind", "ro"]}]' --arg f "$BUNDLE/config.json"
                script 'echo x >/link/written && test "$(stat -f -c %T /link/dir/below)" = tmpfs && grep -q ociVersion /link/file && echo inside'
                [ "$(rt run "$ID")" = inside ]
                unharmed
                # Without a mount on the link itself: what is missing behind it is made.
                config '.mounts |= map(select(.destination != "/link"))'
                script 'test "$(stat -f -c %T /link/dir/below)" = tmpfs && grep -q ociVersion /link/file && echo inside'
                [ "$(rt run "$ID")" = inside ]
                unharmed
        done
}

@test "a link to a file of the host in the place of a file to be mounted over" {
        ln -s "$HOST/marker" rootfs/file
        ln -s "$HOST/new" rootfs/newfile
        config '.mounts += [{destination: "/file", type: "bind", source: $f, options: ["bind"]}, {destination: "/newfile", type: "bind", source: $f, options: ["bind"]}]' \
                --arg f "$BUNDLE/config.json"
        script 'grep -q ociVersion /file && grep -q ociVersion /newfile && echo inside'
        [ "$(rt run "$ID")" = inside ]
        unharmed
}

@test "/dev is a link in the image" {
        local how
        for how in absolute relative chained new dots; do
                links rootfs/dev "$how"
                config '.linux.devices = [{path: "/dev/own", type: "c", major: 1, minor: 3}, {path: "/dev/sub/own", type: "c", major: 1, minor: 3}]'
                script 'echo inside >/dev/null; ls /dev/own /dev/sub/own; echo x >/dev/new'
                run rt run "$ID"
                [ "$output" = $'/dev/own\n/dev/sub/own' ] || { echo "$how: $output"; return 1; }
                unharmed
                # And with nothing mounted there.
                cp config.json with.json
                config '.mounts |= map(select(.destination | startswith("/dev") | not))'
                run rt run "$ID"
                unharmed
                mv with.json config.json
        done
}

@test "/dev is a volume: no device is made in it" {
        local place
        for place in /dev /dev/ /dev// /./dev /tmp/../dev; do
                config '.mounts |= map(select(.destination | startswith("/dev") | not)) |
                        .mounts += [{destination: $d, type: "bind", source: $s, options: ["rbind"]}] |
                        .linux.devices = [{path: "/dev/own", type: "c", major: 1, minor: 3}]' --arg d "$place" --arg s "$HOST"
                script 'cat /dev/marker'
                [ "$(rt run "$ID")" = unharmed ] || { echo "$place"; return 1; }
                unharmed || { ls -l "$HOST"; return 1; }
                config '.mounts |= map(select(.source != $s))' --arg s "$HOST"
        done
        # The image decides where /data is.
        rm -r rootfs/dev
        mkdir rootfs/dev
        ln -s dev rootfs/data
        config '.mounts += [{destination: "/data", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$HOST"
        run rt run "$ID"
        unharmed || { ls -l "$HOST"; return 1; }
        with_user_namespace
        run rt run "$ID"
        unharmed || { ls -l "$HOST"; return 1; }
}

@test "devices outside of /dev are made inside" {
        local how
        for how in absolute relative chained new dots; do
                links rootfs/link "$how"
                config '.linux.devices = [{path: "/link/own", type: "c", major: 1, minor: 3}, {path: "/../../../x/own", type: "c", major: 1, minor: 3}]'
                script 'echo x >/link/own && test -c /x/own && echo inside'
                run rt run "$ID"
                [ "$output" = inside ] || { echo "$how: $output"; return 1; }
                unharmed
                rm -rf rootfs/x rootfs/tmp/* "rootfs${WORK:?}"
        done
}

@test "/dev/console, /dev/pts and /dev/ptmx of the image are links" {
        config '.process.terminal = true | .mounts |= map(select(.destination != "/dev"))'
        ln -s "$HOST/marker" rootfs/dev/console
        script 'tty; echo inside'
        run rt run "$ID" </dev/null
        unharmed
        [[ $output == *inside* ]]
        # No terminal of its own: what the image has there must not be opened as one.
        config '.mounts |= map(select(.destination | startswith("/dev") | not))'
        rm -rf rootfs/dev
        mkdir -p rootfs/dev/pts
        local make
        for make in 'mkfifo rootfs/dev/pts/ptmx' 'mknod rootfs/dev/pts/ptmx c 5 2' 'mknod rootfs/dev/pts/ptmx c 1 3' \
                "ln -s $HOST/marker rootfs/dev/pts/ptmx" 'ln -s /dev/zero rootfs/dev/pts/ptmx' 'touch rootfs/dev/pts/ptmx' \
                'mknod rootfs/dev/pts/ptmx b 7 0'; do
                rm -f rootfs/dev/pts/ptmx
                $make
                refused run "$ID" || { echo "$make"; return 1; }
                unharmed
        done
        rm -r rootfs/dev/pts
        ln -s "$HOST" rootfs/dev/pts
        refused run "$ID"
        unharmed
}

@test "exec -t: the container's /dev/pts/ptmx is something else" {
        grant CAP_SYS_ADMIN CAP_MKNOD
        config '.mounts |= map(select(.destination != "/dev/pts")) | .linux.resources.devices = [{allow: true, access: "rwm"}]'
        script 'mkdir -p /dev/pts; touch /ready; exec sleep 1000'
        rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        wait_for 5 test -e rootfs/ready
        local make
        for make in 'mkfifo /dev/pts/ptmx' 'mknod /dev/pts/ptmx c 5 2' 'mknod /dev/pts/ptmx c 1 3' 'ln -s /bin/busybox /dev/pts/ptmx'; do
                rt exec "$ID" /bin/sh -c "rm -f /dev/pts/ptmx; $make"
                refused exec -t "$ID" echo opened || { echo "$make"; return 1; }
                [[ $output != *opened ]]
        done
}

@test "the working directory is made inside" {
        local how
        for how in new dots; do
                links rootfs/link "$how"
                config '.process.cwd = "/link/deep/er"'
                script 'echo inside >here; cat here'
                [ "$(rt run "$ID")" = inside ]
                unharmed
        done
}

@test "a volume whose directories and links are exchanged while containers start" {
        # CVE-2021-30465, CVE-2024-45310: one container races, others have mounts below the volume.
        local end=$((SECONDS + ${RACE_SECONDS:-50})) starts=0 failed=0 i
        mkdir -p "$WORK/vol/a"
        ln -s "$HOST" "$WORK/vol/b"
        cp -a rootfs/bin/attacker "$WORK/attacker"
        config '.mounts += [
                {destination: "/vol", type: "bind", source: $v, options: ["rbind"]},
                {destination: "/vol/a/new", type: "tmpfs", source: "tmpfs"},
                {destination: "/vol/a/deep/er/file", type: "bind", source: $f, options: ["bind", "ro"]},
                {destination: "/vol/a", type: "tmpfs", source: "tmpfs"}] |
                .linux.maskedPaths += ["/vol/a/masked"] | .linux.readonlyPaths += ["/vol/a/ro"] |
                .linux.devices = [{path: "/vol/a/node", type: "c", major: 1, minor: 3}]' --arg v "$WORK/vol" --arg f "$BUNDLE/config.json"
        process true
        bundle_at "$WORK/second" "$ID-2"
        cp rootfs/bin/attacker "$WORK/second/rootfs/bin"
        jq '.mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind"]}] |
                .process.args = ["/bin/attacker", "swap", "/vol/a", "/vol/b", $s]' \
                --arg v "$WORK/vol" --arg s "${RACE_SECONDS:-50}" "$WORK/second/config.json" >"$WORK/second/new"
        mv "$WORK/second/new" "$WORK/second/config.json"
        rt run -d -b "$WORK/second" "$ID-2" </dev/null >"$WORK/swap" 2>&1 3>&-
        while ((SECONDS < end)); do
                for i in {1..50}; do
                        rt run "$ID" </dev/null >>"$WORK/errors" 2>&1 3>&- || failed=$((failed + 1))
                        starts=$((starts + 1))
                done
                [ "$(ls -A "$HOST")" = marker ] || break
        done
        wait_for 10 grep -q swapped "$WORK/swap"
        echo "$starts starts, $failed refused, $(cat "$WORK/swap")"
        sort "$WORK/errors" | uniq -c | sort -n | tail -n 5
        unharmed
        # Enough of both ways were met.
        ((starts > 100))
        ((failed < starts))
        ! grep -q 'swapped 0$' "$WORK/swap"
}

@test "a mount namespace pinned below the source of a recursive bind" {
        mkdir -p "$WORK/source/sub"
        echo right >"$WORK/source/file"
        touch "$WORK/source/sub/ns"
        unshare --mount --propagation unchanged sleep 60 3>&- &
        local pid=$!
        wait_for 5 test "$(readlink /proc/self/ns/mnt)" != "$(readlink /proc/$pid/ns/mnt)"
        mount --make-private --bind "$WORK/source/sub" "$WORK/source/sub"
        mount --bind "/proc/$pid/ns/mnt" "$WORK/source/sub/ns"
        config '.mounts += [{destination: "/source", type: "bind", source: $s, options: ["rbind"]}]' --arg s "$WORK/source"
        script 'cat /source/file'
        run rt run "$ID"
        kill -KILL "$pid"
        umount "$WORK/source/sub/ns"
        umount "$WORK/source/sub"
        # The right source or a refusal.
        if [ "$status" -eq 0 ]; then [ "$output" = right ]; else [[ $output == *source* ]]; fi
}

@test "mounts made in a volume do not reach the host from a user namespace" {
        mkdir "$WORK/shared"
        mount -t tmpfs tmpfs "$WORK/shared"
        mount --make-shared "$WORK/shared"
        mkdir "$WORK/shared/sub"
        chown -R 100000:100000 "$WORK/shared"
        with_user_namespace
        grant CAP_SYS_ADMIN
        local options
        for options in '["rbind"]' '["bind"]' '["rbind", "rslave"]' '["rbind", "rshared"]' '["rbind", "rprivate"]'; do
                config '.mounts |= map(select(.destination != "/shared")) |
                        .mounts += [{destination: "/shared", type: "bind", source: $s, options: $o}]' --arg s "$WORK/shared" --argjson o "$options"
                script 'mount -t tmpfs tmpfs /shared/sub && touch /shared/sub/x && echo mounted'
                run rt run "$ID"
                grep "$WORK/shared/sub" /proc/self/mountinfo >"$WORK/leaked" || true
                while umount "$WORK/shared/sub" 2>/dev/null; do :; done
                [ "$output" = mounted ] || { echo "$options: $output"; umount "$WORK/shared"; return 1; }
                [ ! -s "$WORK/leaked" ] || { echo "$options:"; cat "$WORK/leaked"; umount "$WORK/shared"; return 1; }
        done
        umount "$WORK/shared"
}

@test "the container's own mounts do not reach a shared host" {
        mkdir "$WORK/shared"
        mount -t tmpfs tmpfs "$WORK/shared"
        mount --make-shared "$WORK/shared"
        mv rootfs "$WORK/shared/rootfs"
        mkdir "$WORK/shared/vol"
        config '.root.path = $r | .mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind"]}, {destination: "/vol/sub", type: "tmpfs", source: "tmpfs"}]' \
                --arg r "$WORK/shared/rootfs" --arg v "$WORK/shared/vol"
        process sleep 1000
        rt run -d "$ID" </dev/null >/dev/null 2>&1 3>&-
        grep -F "$WORK/shared/" /proc/self/mountinfo >"$WORK/leaked" || true
        rt delete --force "$ID"
        umount "$WORK/shared"
        cat "$WORK/leaked"
        [ ! -s "$WORK/leaked" ]
}

@test "tmpcopyup of hostile trees" {
        mkdir -p rootfs/up/dir
        ln -s "$HOST" rootfs/up/link
        ln -s "$UP$HOST/marker" rootfs/up/file
        ln -s /proc/self/exe rootfs/up/exe
        mkfifo rootfs/up/fifo
        mknod rootfs/up/null c 1 3
        python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind("rootfs/up/sock")'
        echo text >rootfs/up/dir/file
        chmod 6755 rootfs/up/dir/file
        ln rootfs/up/dir/file rootfs/up/dir/hard
        touch "rootfs/up/$(printf 'n%.0s' {1..255})"
        config '.mounts += [{destination: "/up", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
        script 'cat /up/dir/file; readlink /up/link; echo x >/up/dir/new; rm /up/link; stat -c %a /up/dir/file'
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$output" = "text
$HOST
6755" ]
        [ -L rootfs/up/link ]
        [ ! -e rootfs/up/dir/new ]
        unharmed
        # Deeper than anybody wants to go.
        python3 -c 'import os
os.chdir("rootfs/up")
for i in range(3000):
    os.mkdir("d"); os.chdir("d")'
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -lt 124 ]
        rm -rf rootfs/up
        # The mount point itself is a link.
        ln -s "$HOST" rootfs/up
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        unharmed
        ! find "$ROOT" -name marker | grep .
}

@test "tmpcopyup is paid by the container" {
        mkdir rootfs/up
        head -c 60000000 /dev/zero >rootfs/up/big
        config '.mounts = [{destination: "/up", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}] + .mounts | .linux.resources.memory = {limit: 20000000}'
        script 'stat -c %s /up/big'
        run timeout 60 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -ne 0 ]
        [[ $output != 60000000 ]]
}

@test "no file is written into the root filesystem" {
        # CVE-2025-24965: a file of the runtime's own in the guest's root, through a link of the image.
        local name
        for name in .krun_config.json config.json .dockerenv run; do ln -s "$HOST/new" "rootfs/$name"; done
        (cd rootfs && find . -not -type d -printf '%p %y %T@ %l\n' | sort) >"$WORK/before"
        process true
        rt run "$ID"
        (cd rootfs && find . -not -type d -printf '%p %y %T@ %l\n' | sort) >"$WORK/after"
        diff "$WORK/before" "$WORK/after"
        unharmed
}

@test "bundle, hooks and sources behind links are the host's own affair, and are followed there" {
        ln -s "$BUNDLE" "$WORK/link"
        ln -s /bin/true "$WORK/hook"
        ln -s "$HOST" "$WORK/source"
        config '.hooks = {prestart: [{path: $h}], createContainer: [{path: $h}]} |
                .mounts += [{destination: "/host", type: "bind", source: $s, options: ["rbind", "ro"]}]' --arg h "$WORK/hook" --arg s "$WORK/source"
        # The image has another file by the hook's and the source's names: it is not what is meant.
        mkdir -p "rootfs$WORK" "rootfs$HOST"
        printf '#!/bin/sh\ntouch /hooked; exit 1\n' >"rootfs$WORK/hook"
        chmod +x "rootfs$WORK/hook"
        echo false >"rootfs$HOST/marker"
        script 'cat /host/marker'
        [ "$(rt run -b "$WORK/link" "$ID")" = unharmed ]
        [ ! -e rootfs/hooked ]
}
