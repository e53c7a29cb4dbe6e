#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Behaviour that users of runc rely on and that is easily done otherwise.
# shellcheck shell=bash

load helpers

# A script that reads `run -t` through a pipe wants lines as the program wrote them.
@test "output of a relayed terminal has bare newlines" {
        config '.process.terminal = true'
        script 'echo one; echo two'
        [ "$(rt run "$ID" </dev/null | od -An -c | tr -d ' \n')" = 'one\ntwo\n' ]
}

@test "a newline on the caller's terminal is still CR LF" {
        config '.process.terminal = true'
        script 'echo one; echo two'
        "$TESTS/tty_drive.py" -e 'two' -- "$RUNTIME" --root "$ROOT" run "$ID" >"$WORK/tty"
        od -An -c "$WORK/tty" | tr -d ' \n' | grep -F 'one\r\ntwo\r\n'
}

@test "environment: of one name the last entry counts" {
        config '.process.env = ["A=1", "PATH=/bin", "A=", "B=x", "AB=y", "A=3", "B=z=w"]'
        process env
        [ "$(rt run "$ID" | sort)" = "$(printf '%s\n' A=3 AB=y B=z=w HOME=/root PATH=/bin)" ]
}

@test "environment: an empty HOME is that of the user" {
        config '.process.env += ["HOME=/elsewhere", "HOME="] | .process.user = {"uid": 1000, "gid": 1000}'
        script 'echo "$HOME"'
        [ "$(rt run "$ID")" = /home/test ]
}

@test "environment: thousands of entries, half of them twice" {
        config '.process.env += [range(4000) | "VARIABLE_\(. % 2000)=\(.)"]'
        script 'env | grep -c ^VARIABLE_; echo $VARIABLE_1999'
        [ "$(rt run "$ID" | xargs)" = "2000 3999" ]
}

@test "mounts: a read-only /dev has its devices, a read-only tmpfs what is mounted in it" {
        mkdir "$WORK/source"
        echo inside >"$WORK/source/file"
        config '.mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end)
                | .mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]},
                              {"destination": "/mnt/deep/er", "source": $source, "options": ["bind"]}]' --arg source "$WORK/source"
        script 'grep -E " (/dev|/mnt) " /proc/self/mounts | cut -d" " -f2,4 | cut -d, -f1; cat /mnt/deep/er/file
                test -c /dev/null && echo device; touch /dev/x /mnt/x 2>&1 | grep -c "Read-only"'
        [ "$(rt run "$ID" | xargs)" = "/dev ro /mnt ro inside device 2" ]
}

@test "mounts: a tmpfs has the mode of the directory it covers, as a mount option" {
        mkdir "$BUNDLE/rootfs/cover"
        chmod 1710 "$BUNDLE/rootfs/cover"
        config '.mounts += [{"destination": "/cover", "type": "tmpfs", "source": "tmpfs"}]'
        script 'stat -c %a /cover; grep " /cover " /proc/self/mounts'
        run -0 rt run "$ID"
        [ "${lines[0]}" = 1710 ]
        [[ ${lines[1]} == *mode=1710* ]]
}

# bind_attributes OPTIONS...: those of a bind mount of $WORK/source.
bind_attributes() {
        config '.mounts[-1].options = $ARGS.positional' --args "$@"
        rt run "$ID" | cut -d' ' -f4
}

@test "mounts: any attribute of a bind mount replaces its source's, none keeps them" {
        mkdir "$WORK/source"
        mount -t tmpfs -o noexec,nosuid,nodev,noatime conformance "$WORK/source"
        config '.mounts += [{"destination": "/mnt", "type": "bind", "source": $source}]' --arg source "$WORK/source"
        process grep ' /mnt ' /proc/self/mounts
        {
                bind_attributes bind rprivate
                bind_attributes rbind ro
                bind_attributes bind nodev
                bind_attributes bind rw relatime
                bind_attributes bind nodiratime
        } >"$WORK/out"
        umount "$WORK/source"
        cat "$WORK/out"
        mapfile -t lines <"$WORK/out"
        [[ ${lines[0]} == rw,nosuid,nodev,noexec,noatime* ]]
        [[ ${lines[1]} == ro,noatime* ]]
        [[ ${lines[2]} == rw,nodev,noatime* ]]
        [[ ${lines[3]} == rw,relatime* ]]
        [[ ${lines[4]} == rw,nodiratime,relatime* ]]
}

@test "mounts: what is mounted already can be the source of another mount" {
        mkdir "$WORK/source"
        echo here >"$WORK/source/file"
        config '.mounts += [{"destination": "/mnt", "source": $source, "options": ["rbind"]},
                            {"destination": "/home", "source": ($bundle + "/rootfs/mnt"), "options": ["rbind"]}]' \
                --arg source "$WORK/source" --arg bundle "$BUNDLE"
        process cat /home/file
        [ "$(rt run "$ID")" = here ]
        config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
                | .linux.gidMappings = .linux.uidMappings'
        chmod 711 "$WORK" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
        [ "$(rt run "$ID")" = here ]
}

# hook KIND COMMAND: a shell's, as the next of its kind.
hook() {
        config '.hooks[$kind] += [{"path": "/bin/sh", "args": ["sh", "-c", $command]}]' --arg kind "$1" --arg command "$2"
}

@test "hooks: the error says which one failed" {
        process true
        hook createRuntime true
        hook createRuntime 'echo why; exit 3'
        run -1 rt run "$ID"
        [[ $output == *"error running createRuntime hook #1: /bin/sh failed with exit status 3: why"* ]]
}

@test "hooks: without an environment they have the runtime's, startContainer the process's" {
        config '.process.env += ["MARK=container"]'
        process true
        hook createRuntime "echo \$MARK >$WORK/mark"
        hook startContainer 'echo $MARK >/tmp/mark'
        MARK=runtime rt run "$ID"
        [ "$(cat "$WORK/mark" "$BUNDLE/rootfs/tmp/mark" | xargs)" = "runtime container" ]
}

@test "hooks: startContainer has the process's user, rights and filter" {
        config '.process.user = {"uid": 1000, "gid": 1000, "umask": 63}
                | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
                        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}'
        script 'cat /tmp/hook; umask'
        hook startContainer 'id -u >/tmp/hook; grep -E "^(CapEff|Seccomp):" /proc/self/status | tr -s "\t " " " >>/tmp/hook
                mkdir /tmp/directory 2>&1 | grep -o "not supported" >>/tmp/hook'
        run -0 rt run "$ID"
        echo "$output"
        [ "${lines[*]}" = "1000 CapEff: 0000000000000000 Seccomp: 2 not supported 0077" ]
}

@test "kill KILL without a pid namespace of its own: the others as well, init being dead or not" {
        local init
        for init in alive dead; do
                config '.linux.namespaces |= map(select(.type != "pid"))'
                script 'sleep 1000 & sleep 1000; true'
                rt run -d "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
                wait_for 5 processes_are 3
                if [ $init = dead ]; then
                        kill -KILL "$(pid_of "$ID")"
                        wait_for 5 has_status "$ID" stopped
                        wait_for 5 processes_are 2
                fi
                rt kill "$ID" KILL
                wait_for 5 processes_are 0
                has_status "$ID" stopped
                rt delete "$ID"
        done
}

@test "exec --cap: ambient where the container has inheritable ones" {
        start_sleeper
        rt exec --cap CAP_SYSLOG "$ID" grep CapAmb /proc/self/status | grep -w 0000000000000000
        rt delete -f "$ID"
        config '.process.capabilities |= (.inheritable = ["CAP_KILL", "CAP_SYSLOG"] | .bounding += ["CAP_SYSLOG"])'
        start_sleeper || { cat "$WORK/out"; false; }
        rt exec --cap CAP_SYSLOG "$ID" grep CapAmb /proc/self/status | grep -w 0000000400000000
}

@test "the CPUs the caller is bound to do not bind the container" {
        local all
        [ "$(nproc)" -gt 1 ] || skip "one CPU"
        all=$(nproc)
        process nproc
        cp "$(command -v busybox)" "$BUNDLE/rootfs/bin/nproc"
        [ "$(taskset -c 0 "$RUNTIME" --root "$ROOT" run "$ID")" = "$all" ]
        start_sleeper
        [ "$(taskset -c 0 "$RUNTIME" --root "$ROOT" exec "$ID" nproc)" = "$all" ]
}

@test "created, and not started: ended by SIGTERM" {
        process sleep 1000
        rt create "$ID" </dev/null >"$WORK/out" 2>&1 3>&-
        rt kill "$ID" TERM
        wait_for 5 has_status "$ID" stopped
}

# On cgroup v1 devices are denied first and allowed one by one after that.
@test "a terminal does not depend on how many device rules there are" {
        config '.process.terminal = true
                | .linux.resources.devices = [{"allow": false, "access": "rwm"}]
                        + [range(2000) | {"allow": true, "type": "c", "major": 200, "minor": ., "access": "r"}]'
        process true
        for _ in 1 2 3; do
                rt run "$ID" </dev/null
        done
}

# The kernel lets a user namespace mount a new procfs only where a whole one is in sight already.
@test "run --no-pivot: the host's procfs and sysfs are out of reach, so nobody may mount new ones" {
        local masked='.linux.maskedPaths += ["/proc/loadavg"]
                | .process.capabilities[] += ["CAP_SETFCAP"] | .process.capabilities |= del(.ambient, .inheritable)'
        config "$masked"
        script 'unshare -mrpf sh -c "echo inside; mount -t proc none /proc"'
        for option in "" --no-pivot; do
                run rt run $option "$ID"
                echo "$option: $output"
                [ "$status" -ne 0 ]
                [ "${lines[0]}" = inside ]
                [[ ${lines[1]} == *"ermission denied"* || ${lines[1]} == *"not permitted"* ]]
        done
        script 'unshare -mrn sh -c "echo inside; mount -t sysfs none /sys"'
        run rt run --no-pivot "$ID"
        [[ $output == inside*"ermission denied"* || $output == inside*"not permitted"* ]]
}

@test "run --no-pivot in a user namespace" {
        config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
                | .linux.gidMappings = .linux.uidMappings'
        chmod 711 "$WORK" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
        script 'echo here; ls /proc/1 >/dev/null && echo proc'
        [ "$(rt run --no-pivot "$ID" | xargs)" = "here proc" ]
}

@test "mounts: a destination may be given with the path of the root filesystem" {
        mkdir "$WORK/source"
        echo here >"$WORK/source/file"
        config '.mounts += [{"destination": ($bundle + "/rootfs/mnt"), "source": $source, "options": ["bind"]}]' \
                --arg source "$WORK/source" --arg bundle "$BUNDLE"
        process cat /mnt/file
        [ "$(rt run "$ID")" = here ]
}

# user_namespace: a new one, from 100000 on; its root may come here.
user_namespace() {
        config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
                | .linux.gidMappings = .linux.uidMappings'
        chmod 711 "$WORK" "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
}

@test "mounts: what is mounted already can be mounted again with other owners" {
        mkdir "$WORK/source"
        touch "$WORK/source/file"
        config '.mounts += [{"destination": "/mnt", "source": $source, "options": ["rbind"]},
                            {"destination": "/home", "source": ($bundle + "/rootfs/mnt"), "options": ["rbind"],
                             "uidMappings": [{"containerID": 0, "hostID": 107000, "size": 10}],
                             "gidMappings": [{"containerID": 0, "hostID": 108000, "size": 10}]}]' \
                --arg source "$WORK/source" --arg bundle "$BUNDLE"
        process stat -c %u:%g /home/file
        [ "$(rt run "$ID")" = 107000:108000 ]
        user_namespace
        [ "$(rt run "$ID")" = 7000:8000 ]
}

@test "mounts: idmap without mappings of its own takes those of a user namespace that is joined" {
        local target
        mkdir "$WORK/source"
        touch "$WORK/source/file"
        user_namespace
        cp config.json other.json
        start_sleeper
        target=$(pid_of "$ID")
        bundle_at "$WORK/second" "$ID-2"
        jq '(.linux.namespaces[] | select(.type == "user")).path = $path | del(.linux.uidMappings, .linux.gidMappings)
                | .linux.cgroupsPath += "-2" | .process.args = ["stat", "-c", "%u:%g", "/mnt/file"]
                | .mounts += [{"destination": "/mnt", "source": $source, "options": ["bind", "idmap"]}]' \
                --arg path "/proc/$target/ns/user" --arg source "$WORK/source" other.json >"$WORK/second/config.json"
        [ "$(rt run -b "$WORK/second" "$ID-2")" = 0:0 ]
}

# What the kernel locks in a user namespace stays; nosymfollow is none of that.
@test "mounts: in a user namespace an attribute of a bind mount replaces nosymfollow only" {
        mkdir "$WORK/source"
        mount -t tmpfs -o nodev,noexec,noatime,nosymfollow conformance "$WORK/source"
        user_namespace
        config '.mounts += [{"destination": "/mnt", "type": "bind", "source": $source}]' --arg source "$WORK/source"
        process grep ' /mnt ' /proc/self/mounts
        {
                bind_attributes bind
                bind_attributes bind ro
        } >"$WORK/out"
        umount "$WORK/source"
        cat "$WORK/out"
        mapfile -t lines <"$WORK/out"
        [[ ${lines[0]} == rw,nodev,noexec,noatime,*nosymfollow* ]]
        [[ ${lines[1]} == ro,nodev,noexec,noatime* ]]
        [[ ${lines[1]} != *nosymfollow* ]]
}

@test "hooks: they run in the bundle, createContainer in the root filesystem, startContainer in the process's directory" {
        local kind
        for kind in prestart createRuntime createContainer poststart poststop; do
                hook $kind "echo $kind \$(pwd -P) >>$WORK/out"
        done
        hook startContainer 'echo startContainer $(pwd -P) >/tmp/out'
        config '.process.cwd = "/home"'
        process true
        cd /
        rt run -b "$BUNDLE" "$ID"
        cat "$BUNDLE/rootfs/tmp/out" >>"$WORK/out"
        rt create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&-
        rt start "$ID"
        rt delete -f "$ID"
        cat "$WORK/out"
        diff "$WORK/out" - <<END
prestart $BUNDLE
createRuntime $BUNDLE
createContainer $BUNDLE/rootfs
poststart $BUNDLE
poststop $BUNDLE
startContainer /home
prestart $BUNDLE
createRuntime $BUNDLE
createContainer $BUNDLE/rootfs
poststart $BUNDLE
poststop $BUNDLE
END
}

@test "hooks: a signal that ended one is named" {
        process true
        hook createRuntime 'kill -SYS $$'
        run -1 rt run "$ID"
        [[ $output == *"error running createRuntime hook #0: /bin/sh failed with exit status 159 (bad system call)"* ]]
}

@test "scheduler: that a deadline does not go with a choice of CPUs is said" {
        [ "$(nproc)" -gt 1 ] || skip "one CPU"
        config '.linux.resources.cpu.cpus = "0"
                | .process.scheduler = {"policy": "SCHED_DEADLINE", "runtime": 42000, "deadline": 1000000, "period": 1000000}'
        process true
        run -1 rt run "$ID"
        [[ $output == *"process scheduler can't be used together with AllowedCPUs"* ]]
}

# A program is there, and what shall read it is not.
@test "the error tells a program that is missing from one that cannot be executed" {
        printf '#!/no/such/interpreter\n' >"$BUNDLE/rootfs/program"
        chmod +x "$BUNDLE/rootfs/program"
        process /missing
        run -1 rt run "$ID"
        [[ $output == *'exec: "/missing": no such file or directory'* ]]
        process /program
        run -1 rt run "$ID"
        [[ $output == *'exec /program: no such file or directory'* ]]
        start_sleeper
        run -255 rt exec "$ID" /program
        [[ $output == *'exec /program: no such file or directory'* ]]
}

@test "exec --cgroup: a way out is refused in runc's words" {
        start_sleeper
        run -255 rt exec --cgroup .. "$ID" true
        [[ $output == *" .. is not a sub cgroup path"* ]]
}
