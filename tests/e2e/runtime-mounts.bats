#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# mounts, the root filesystem, masked and read-only paths, devices.

load helpers

mount_add() { config '.mounts += [$ARGS.positional[] | fromjson]' --args -- "$@"; }

# options DESTINATION: mount and superblock options as the container sees them
options() { rt run "$ID" | awk -v d="$1" '$5 == d { o = $6; for (i = 7; i <= NF; i++) if ($i == "-") o = o " " $(i + 3); print o }' | tail -n 1; }

shared_dir() {
        mkdir -p "$WORK/shared"
        mount -t tmpfs holt-e2e "$WORK/shared"
}

setup() {
        bundle_make
        mkdir -p "$WORK/src/sub"
        echo file >"$WORK/src/file"
        SRC=$WORK/src
        process cat /proc/self/mountinfo
}

teardown() {
        umount -R "$WORK/shared" 2>/dev/null || true
        umount -R "$WORK/src/sub" 2>/dev/null || true
        bundle_remove
}

@test "the default mounts are what they say" {
        rt run "$ID" >"$WORK/mountinfo"
        for pair in /proc:proc /dev:tmpfs /dev/pts:devpts /dev/shm:tmpfs /dev/mqueue:mqueue /sys:sysfs; do
                awk -v d="${pair%:*}" -v t="${pair#*:}" '$5 == d { for (i = 7; i <= NF; i++) if ($i == "-" && $(i + 1) == t) ok = 1 }
                        END { exit !ok }' "$WORK/mountinfo"
        done
        script 'ls -l /dev; for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done; stat -c %a /dev /dev/shm'
        run rt run "$ID"
        for node in null zero full random urandom tty; do [[ $output == *" $node"* ]]; done
        [[ $output == *"/proc/self/fd"*"/proc/self/fd/0"*"/proc/self/fd/1"*"/proc/self/fd/2"*"pts/ptmx"* ]]
        [[ $output == *755*1777* ]]
}

@test "bind: directory, read-write and read-only" {
        mount_add "{\"destination\": \"/rw\", \"source\": \"$SRC\", \"options\": [\"bind\"]}" \
                "{\"destination\": \"/ro\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"bind\", \"ro\"]}"
        script 'cat /rw/file; touch /rw/new; touch /ro/other'
        run rt run "$ID"
        [ "${lines[0]}" = file ]
        [[ $output == *"Read-only file system"* ]]
        [ -e "$SRC/new" ]
        [ ! -e "$SRC/other" ]
}

@test "bind: a source relative to the bundle" {
        mkdir relative
        echo near >relative/file
        mount_add '{"destination": "/mnt", "source": "relative", "options": ["bind"]}'
        process cat /mnt/file
        [ "$(rt run "$ID")" = near ]
}

@test "bind: a file, and a target that is not there" {
        mount_add "{\"destination\": \"/etc/new/deep/file\", \"source\": \"$SRC/file\", \"options\": [\"bind\", \"ro\"]}" \
                "{\"destination\": \"/etc/passwd\", \"source\": \"$SRC/file\", \"options\": [\"bind\"]}"
        process cat /etc/new/deep/file /etc/passwd
        run rt run "$ID"
        [ "${lines[*]}" = "file file" ]
}

@test "bind: flags" {
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"bind\", \"nosuid\", \"nodev\", \"noexec\", \"noatime\"]}"
        [[ $(options /mnt) =~ ^rw,nosuid,nodev,noexec,noatime ]]
        config '.mounts[-1].options = ["bind", "ro", "nosuid", "suid", "exec", "nodiratime"]'
        local o
        o=$(options /mnt)
        [[ $o == ro,* && $o == *nodiratime* && $o != *nosuid* ]]
}

@test "bind and rbind: what is mounted below" {
        mount -t tmpfs holt-e2e "$SRC/sub"
        touch "$SRC/sub/deep"
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"rbind\", \"ro\"]}"
        script 'ls /mnt/sub; touch /mnt/x; touch /mnt/sub/y && echo written'
        run rt run "$ID"
        [[ $output == *deep* ]]
        [[ $output == *"Read-only"* ]]
        [[ $output == *written* ]]
        config '.mounts[-1].options = ["bind"]'
        [ -z "$(rt run "$ID" 2>/dev/null | grep deep)" ]
}

@test "rro, rnosuid, rnoexec ...: recursive attributes" {
        mount -t tmpfs holt-e2e "$SRC/sub"
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"rbind\", \"rro\", \"rnosuid\", \"rnodev\", \"rnoexec\", \"rnoatime\"]}"
        rt run "$ID" >"$WORK/mountinfo"
        for path in /mnt /mnt/sub; do
                [ "$(awk -v d=$path '$5 == d { print $6 }' "$WORK/mountinfo")" = ro,nosuid,nodev,noexec,noatime ]
        done
}

@test "propagation of mounts" {
        shared_dir
        mount --make-shared "$WORK/shared"
        mkdir "$WORK/shared/later"
        mount_add "{\"destination\": \"/slave\", \"source\": \"$WORK/shared\", \"options\": [\"rbind\", \"rslave\"]}" \
                "{\"destination\": \"/private\", \"source\": \"$WORK/shared\", \"options\": [\"rbind\", \"rprivate\"]}" \
                "{\"destination\": \"/shared\", \"source\": \"$WORK/shared\", \"options\": [\"rbind\", \"rshared\"]}" \
                "{\"destination\": \"/unbindable\", \"source\": \"$WORK/shared\", \"options\": [\"bind\", \"unbindable\"]}"
        config '.linux.rootfsPropagation = "slave"'
        rt run "$ID" >"$WORK/mountinfo"
        awk '$5 == "/slave"' "$WORK/mountinfo" | grep -q 'master:'
        awk '$5 == "/shared"' "$WORK/mountinfo" | grep -q 'shared:'
        awk '$5 == "/unbindable"' "$WORK/mountinfo" | grep -q 'unbindable'
        awk '$5 == "/private"' "$WORK/mountinfo" | grep -qE 'shared:|master:' && return 1
        start_sleeper
        mount -t tmpfs holt-e2e "$WORK/shared/later"
        touch "$WORK/shared/later/seen"
        [ "$(rt exec "$ID" ls /slave/later)" = seen ]
        [ -z "$(rt exec "$ID" ls /private/later)" ]
}

@test "rootfsPropagation" {
        for value in private slave; do
                config '.linux.rootfsPropagation = $v' --arg v $value
                rt run "$ID" >"$WORK/mountinfo"
                awk '$5 == "/"' "$WORK/mountinfo" >"$WORK/line"
                run ! grep -E 'shared:' "$WORK/line"
                [ "$value" = slave ] || run ! grep -E 'master:' "$WORK/line"
        done
        config '.linux.rootfsPropagation = "nosuch"'
        run ! rt run "$ID"
}

@test "rootfsPropagation: shared and unbindable" {
        skip_runc "refuses or ignores them; later ones do not"
        local before
        before=$(awk '$5 == "/"' /proc/self/mountinfo)
        config '.linux.rootfsPropagation = "shared"'
        rt run "$ID" | awk '$5 == "/"' | grep -q shared:
        config '.linux.rootfsPropagation = "unbindable"'
        rt run "$ID" | awk '$5 == "/"' | grep -q unbindable
        [ "$(awk '$5 == "/"' /proc/self/mountinfo)" = "$before" ]
}

@test "tmpfs: size and mode" {
        mount_add '{"destination": "/fresh", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=0711", "nosuid"]}'
        script 'stat -c %a /fresh; df -k /fresh | tail -n 1; dd if=/dev/zero of=/fresh/big bs=1k count=2000 2>&1'
        run rt run "$ID"
        [ "${lines[0]}" = 711 ]
        [[ ${lines[1]} == *" 1024 "* ]]
        [[ $output == *"No space left"* ]]
}

@test "tmpfs: tmpcopyup keeps what was there" {
        mkdir -p rootfs/data/sub
        echo kept >rootfs/data/sub/file
        ln -s sub/file rootfs/data/link
        chmod 645 rootfs/data/sub/file
        chown 1000:1000 rootfs/data/sub/file
        mount_add '{"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}'
        script 'cat /data/link; stat -c %a:%u /data/sub/file; touch /data/new; grep -c " /data " /proc/mounts'
        run rt run "$ID"
        echo "$output"
        [ "${lines[*]}" = "kept 645:1000 1" ]
        [ ! -e rootfs/data/new ]
}

@test "cgroup: the container's own, read-only" {
        process cat /proc/self/mountinfo
        local o
        if [[ -n $CGROUP_V2 ]]; then
                o=$(options /sys/fs/cgroup)
                [[ $o == ro,* ]]
                process test -e /sys/fs/cgroup/cgroup.procs
        else
                o=$(options /sys/fs/cgroup/memory)
                [[ $o == ro,* ]]
                script 'test -e /sys/fs/cgroup/memory/memory.limit_in_bytes && grep -qx 1 /sys/fs/cgroup/memory/cgroup.procs'
        fi
        rt run "$ID"
}

@test "cgroup: read-only also without a cgroup namespace" {
        config '.linux.namespaces |= map(select(.type != "cgroup"))'
        script 'find /sys/fs/cgroup -name tasks -o -name cgroup.procs | while read f; do (echo 0 >$f) 2>/dev/null && echo "wrote $f"; done'
        run rt run "$ID"
        [ "$status" -eq 0 ] || [ "$status" -eq 1 ]
        [[ $output != *wrote* ]]
}

@test "mqueue, sysfs and proc with options" {
        config '(.mounts[] | select(.type == "proc")).options = ["nosuid", "noexec", "nodev", "hidepid=2"]'
        [[ $(options /proc) == rw,nosuid,nodev,noexec*hidepid=* ]]
}

@test "idmapped bind mount" {
        skip_runc "has none without a user namespace"
        chown 0:0 "$SRC/file"
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"bind\"],
                \"uidMappings\": [{\"containerID\": 0, \"hostID\": 7000, \"size\": 10}],
                \"gidMappings\": [{\"containerID\": 0, \"hostID\": 8000, \"size\": 10}]}"
        script 'stat -c %u:%g /mnt/file'
        [ "$(rt run "$ID")" = 7000:8000 ]
}

@test "idmapped bind mount in a user namespace" {
        skip_runc "has none"
        chown 0:0 "$SRC/file"
        chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$WORK" "$BUNDLE"
        chown -hR 100000:200000 rootfs
        config '.linux.namespaces += [{type: "user"}] | .mounts |= map(select(.type != "mqueue")) |
                .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
                .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"bind\", \"idmap\"]}"
        script 'stat -c %u:%g /mnt/file; touch /mnt/mine'
        [ "$(rt run "$ID")" = 0:0 ]
        [ "$(stat -c %u:%g "$SRC/mine")" = 0:0 ]
}

@test "ridmap: below too" {
        skip_runc "has none"
        mount -t tmpfs holt-e2e "$SRC/sub"
        touch "$SRC/sub/deep"
        mount_add "{\"destination\": \"/mnt\", \"source\": \"$SRC\", \"options\": [\"rbind\", \"ridmap\"],
                \"uidMappings\": [{\"containerID\": 0, \"hostID\": 7000, \"size\": 10}],
                \"gidMappings\": [{\"containerID\": 0, \"hostID\": 8000, \"size\": 10}]}"
        script 'stat -c %u:%g /mnt/file /mnt/sub/deep'
        run rt run "$ID"
        [ "${lines[*]}" = "7000:8000 7000:8000" ]
        config '.mounts[-1].options = ["rbind", "idmap"]'
        run rt run "$ID"
        [ "${lines[*]}" = "7000:8000 0:0" ]
}

@test "a target that is a symlink stays inside the root" {
        ln -s /inside rootfs/link
        ln -s ../../../../../../../../outside-"$ID" rootfs/up
        ln -s "/tmp/abs-$ID" rootfs/abs
        mkdir rootfs/inside
        for name in link up abs; do
                mount_add "{\"destination\": \"/$name\", \"source\": \"$SRC\", \"options\": [\"bind\"]}"
        done
        mount_add "{\"destination\": \"/abs/sub/file\", \"source\": \"$SRC/file\", \"options\": [\"bind\"]}"
        script "cat /inside/file /up/file /abs/file /outside-$ID/file /tmp/abs-$ID/sub/file"
        run rt run "$ID"
        echo "$output"
        [ "${lines[*]}" = "file file file file file" ]
        [ ! -e "/outside-$ID" ]
        [ ! -e "/tmp/abs-$ID" ]
}

@test "a target with .. stays inside the root" {
        mount_add "{\"destination\": \"/../../../../../escape-$ID\", \"source\": \"$SRC\", \"options\": [\"bind\"]}"
        process cat "/escape-$ID/file"
        run rt run "$ID"
        [ ! -e "/escape-$ID" ]
        [ "$output" = file ] || [ "$status" -ne 0 ]
}

@test "/proc that is no proc is refused" {
        for bad in \
                "{\"destination\": \"/proc\", \"source\": \"$SRC\", \"options\": [\"bind\"]}" \
                '{"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}' \
                "{\"destination\": \"/proc/self/attr\", \"source\": \"$SRC\", \"options\": [\"bind\"]}" \
                "{\"destination\": \"/proc/sys\", \"source\": \"$SRC\", \"options\": [\"bind\"]}"; do
                jq --argjson m "$bad" '.mounts += [$m]' "$TESTS/config.json" | jq --arg cg "$CGROUP" '.linux.cgroupsPath = $cg |
                        .process.args = ["/bin/echo", "ran"]' >config.json
                run rt run "$ID"
                echo "$bad: $output"
                [ "$status" -ne 0 ]
                [[ $output != ran ]]
        done
}

@test "/proc, /sys and /dev that are symlinks do no harm outside" {
        skip_runc "makes its device links wherever /dev points to"
        mkdir "$WORK/outside" rootfs/elsewhere
        for name in proc sys dev; do
                for target in "$WORK/outside" ../../outside /elsewhere; do
                        rm -rf "rootfs/$name"
                        ln -s "$target" "rootfs/$name"
                        process /bin/true
                        run rt run "$ID"
                        [ -z "$(ls -A "$WORK/outside")" ]
                        rm "rootfs/$name"
                        mkdir "rootfs/$name"
                done
        done
        no_leaks
}

@test "read-only root" {
        config '.root.readonly = true'
        script 'touch /file; touch /dev/shm/x && echo shm'
        run rt run "$ID"
        [[ $output == *"Read-only file system"* ]]
        [[ $output == *shm* ]]
        [ ! -e rootfs/file ]
}

@test "a root given absolutely, and one through a symlink" {
        config '.root.path = $p' --arg p "$BUNDLE/rootfs"
        rt run "$ID"
        mv rootfs real
        ln -s real rootfs
        config '.root.path = "rootfs"'
        rt run "$ID" || true
        rm rootfs
        mv real rootfs
}

@test "masked paths: files and directories" {
        mkdir -p rootfs/secret/dir
        echo hidden >rootfs/secret/file
        touch rootfs/secret/dir/x
        config '.linux.maskedPaths += ["/secret/file", "/secret/dir", "/no/such/path"]'
        script 'cat /secret/file; ls /secret/dir; stat -c %F /secret/file; touch /secret/dir/y; cat /proc/kcore | head -c 10'
        run rt run "$ID"
        echo "$output"
        [[ $output != *hidden* ]]
        [[ $output == *"character special file"* ]]
        [[ $output == *"Read-only file system"* ]]
        [ ! -e rootfs/secret/dir/y ]
}

@test "read-only paths" {
        mkdir -p rootfs/data
        config '.linux.readonlyPaths += ["/data", "/no/such/path"] | .process.capabilities |= with_entries(.value += ["CAP_SYS_ADMIN"])'
        script 'touch /data/x; echo 1 >/proc/sys/kernel/panic'
        run rt run "$ID"
        [ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
}

@test "devices: listed ones are made and may be used, others may not" {
        config '.linux.devices = [{path: "/dev/probe", type: "c", major: 1, minor: 5, fileMode: 438, uid: 7, gid: 8},
                {path: "/dev/sub/pipe", type: "p"}] |
                .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 5, access: "rw"}] |
                .process.capabilities |= with_entries(.value += ["CAP_MKNOD"])'
        script 'stat -c "%F %a %u:%g %t:%T" /dev/probe; stat -c %F /dev/sub/pipe; head -c 3 /dev/probe | wc -c;
                head -c 3 /dev/urandom | wc -c; mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg'
        run rt run "$ID"
        echo "$output"
        [ "${lines[0]}" = "character special file 666 7:8 1:5" ]
        [ "${lines[1]}" = fifo ]
        [ "${lines[2]}" = 3 ]
        [ "${lines[3]}" = 3 ]
        [[ $output == *"not permitted"* ]]
}

@test "devices: access by its letters" {
        config '.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "b", major: 7, minor: 77, access: "m"}] |
                .process.capabilities |= with_entries(.value += ["CAP_MKNOD"])'
        script 'mknod /tmp/loop b 7 77 && echo made; dd if=/tmp/loop of=/dev/null count=1'
        run rt run "$ID"
        [[ ${lines[0]} == made ]]
        [[ $output == *"/tmp/loop"*"not permitted"* ]]
}

@test "devices: an unknown type is refused" {
        config '.linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 5}]'
        run ! rt run "$ID"
}

@test "--no-pivot" {
        process ls /
        run rt run --no-pivot "$ID"
        [ "$status" -eq 0 ]
        [[ $output == *home* ]]
}

@test "no mount namespace: refused or left alone, never the host's root changed" {
        config '.linux.namespaces |= map(select(.type != "mount"))'
        grep -c . /proc/self/mountinfo >"$WORK/before"
        run rt run "$ID"
        [ "$(grep -c . /proc/self/mountinfo)" = "$(cat "$WORK/before")" ]
}

@test "a mount that cannot be made is told by its name" {
        mount_add "{\"destination\": \"/mnt\", \"source\": \"/no/such/source\", \"options\": [\"bind\"]}"
        run ! rt run "$ID"
        [[ $output == */no/such/source* ]]
        config '.mounts[-1] = {destination: "/mnt", type: "nosuchfs", source: "none"}'
        run ! rt run "$ID"
        [[ $output == */mnt* ]]
        config '.mounts[-1] = {destination: "/mnt", type: "tmpfs", source: "none", options: ["nosuchoption=1"]}'
        run ! rt run "$ID"
        no_leaks
}

@test "mounts over a path that the container's volume swaps all the while" {
        # CVE-2021-30465: a volume's owner exchanges a directory with a symlink to the host while targets are made.
        mkdir -p "$WORK/volume/a" "$WORK/outside"
        ln -s "$WORK/outside" "$WORK/volume/b"
        cat >"$WORK/swap.py" <<'PY'
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (sys.argv[1] + "/a").encode(), (sys.argv[1] + "/b").encode()
while True:
    libc.renameat2(-100, a, -100, b, 2)
PY
        background python3 "$WORK/swap.py" "$WORK/volume"
        mount_add "{\"destination\": \"/volume\", \"source\": \"$WORK/volume\", \"options\": [\"rbind\"]}" \
                "{\"destination\": \"/volume/a/x/y\", \"source\": \"$SRC\", \"options\": [\"bind\"]}" \
                "{\"destination\": \"/volume/a/z\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}"
        process /bin/true
        for _ in {1..100}; do
                rt run "$ID" >/dev/null 2>&1 || true
                [ -z "$(ls -A "$WORK/outside")" ]
        done
        no_leaks
}
