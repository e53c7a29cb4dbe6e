#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SELinux, which denies: tests/vm/run -s, with the policy of tests/vm/selinux-policy.
#
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
load ../vm/lib
load image-add

setup_file() {
        [ -e /opt/holt/bin/selinux ] || return 0
        modprobe -a erofs loop overlay
        dd if=/opt/holt/bin/selinux of=/sys/fs/selinux/load bs=1M 2>/dev/null
        mkdir -p /usr/share/containers/selinux
        printf 'process = "%s"\ninit_process = "%s"\nfile = "%s"\nro_file = "%s"\n' system_u:system_r:container_t:s0 \
                system_u:system_r:container_init_t:s0 system_u:object_r:container_file_t:s0 \
                system_u:object_r:container_ro_file_t:s0 >/usr/share/containers/selinux/contexts
        echo 1 >/sys/fs/selinux/enforce
}

setup() {
        [ -e /opt/holt/bin/selinux ] || skip 'no SELinux here: tests/vm/run -s'
        vm_setup
        bundle_make sleep 1000
        HOLT=$(dirname "$(realpath "$RUNTIME")")/holt
        export HOLT_ROOT=$WORK/root HOLT_RUN=$WORK/run
        mkdir "$HOLT_RUN"
        tar -C "$BUNDLE/rootfs" -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
        cd "$WORK"
        image box '{"Cmd": ["sh"], "Env": ["PATH=/bin"]}'
}

teardown() {
        [ -n "${HOLT_RUN-}" ] || return 0
        [ -n "${BATS_TEST_COMPLETED-}" ] || dmesg | grep denied | tail -n 5
        h rm -f --all >/dev/null
        ! mountpoint -q "$HOLT_RUN/layers" || umount -R "$HOLT_RUN/layers"
        vm_teardown
}

h() { timeout 60 "$HOLT" "$@" 3>&- 4>&-; }
run_d() { h run -d --network none "$@" >/dev/null; }
run_rm() { h run --rm --network none "$@"; }
label_of() { tr -d '\0' </proc/"$(h inspect -f '{{.State.Pid}}' "$1")"/attr/current; }
file_label() { stat -c %C "/proc/$(h inspect -f '{{.State.Pid}}' "$1")/root$2"; }

@test "selinux: each instance has categories of its own, which all of its files have" {
        local one two path
        run_d --name one --tmpfs /t -v data:/data box sleep 1000
        run_d --name two box sleep 1000
        one=$(label_of one)
        two=$(label_of two)
        echo "$one $two"
        [[ $one =~ ^system_u:system_r:container_t:s0:c[0-9]+,c[0-9]+$ ]]
        [[ $two =~ ^system_u:system_r:container_t:s0:c[0-9]+,c[0-9]+$ ]]
        [ "$one" != "$two" ]
        one=${one/system_r:container_t/object_r:container_file_t}
        h exec one sh -c 'echo x >/new && echo x >/t/new && echo x >/dev/shm/new && cat /new /bin/busybox >/dev/null'
        for path in / /bin/busybox /new /t /t/new /dev /dev/shm/new /dev/pts /dev/mqueue /etc/hosts /etc/resolv.conf /etc/hostname; do
                equal "$path" "$(file_label one "$path")" "$one"
        done
        # What several may have has no categories.
        equal volume "$(file_label one /data)" system_u:object_r:container_file_t:s0
        equal exec "$(h exec one cat /proc/self/attr/current | tr -d '\0')" "$(label_of one)"
        # For as long as it is there.
        one=$(label_of one)
        h restart -t 0 one >/dev/null
        equal 'after a restart' "$(label_of one)" "$one"
        equal 'joined' "$(run_rm --pid container:one box cat /proc/self/attr/current | tr -d '\0')" "$one"
}

@test "selinux: what is not labelled is denied, z is for all, Z for one" {
        mkdir -p host/deep shared/deep own/deep
        echo text | tee host/deep/file shared/deep/file own/deep/file >/dev/null
        fails run_rm -v "$PWD/host:/m" box cat /m/deep/file
        [[ $output = *'Permission denied'* ]]
        run_d --name one -v "$PWD/shared:/z:z" -v "$PWD/own:/Z:Z" -v "$PWD/own/deep/file:/file" box sleep 1000
        equal z "$(h exec one cat /z/deep/file)" text
        equal Z "$(h exec one cat /Z/deep/file)" text
        h exec one sh -c 'echo new >/Z/new && echo new >>/file'
        equal shared "$(stat -c %C shared shared/deep/file | uniq)" system_u:object_r:container_file_t:s0
        equal own "$(stat -c %C own own/deep own/deep/file own/new | uniq)" "$(label_of one | sed 's/system_r:container_t/object_r:container_file_t/')"
        equal host "$(stat -c %C host)" system_u:object_r:host_t:s0
        run_d --name two -v "$PWD/shared:/z:z" -v "$PWD/own:/Z" box sleep 1000
        equal 'z of another' "$(h exec two cat /z/deep/file)" text
        fails h exec two cat /Z/deep/file
        [[ $output = *'Permission denied'* ]]
        # The last one has it.
        run_rm --mount "type=bind,source=$PWD/own,target=/Z,relabel=private" box cat /Z/deep/file
        fails h exec one cat /Z/deep/file
        fails run_rm -v /usr:/m:Z box true
        [[ $output = *'the host needs'* ]]
}

@test "selinux: what --security-opt label=... and --privileged say" {
        mkdir host
        echo text >host/file
        local current='cat /proc/self/attr/current'
        equal disable "$(run_rm --security-opt label=disable -v "$PWD/host:/m" box sh -c "$current; cat /m/file" | tr -d '\0')" \
                "$(printf 'system_u:system_r:host_t:s0\ntext' | tr -d '\n')"
        equal privileged "$(run_rm --privileged box $current | tr -d '\0\n')" system_u:system_r:host_t:s0
        equal 'host pids' "$(run_rm --pid host box $current | tr -d '\0\n')" system_u:system_r:host_t:s0
        equal level "$(run_rm --security-opt label=level:s0:c5,c6 box $current | tr -d '\0\n')" system_u:system_r:container_t:s0:c5,c6
        equal no-new-privileges "$(run_rm --security-opt no-new-privileges --security-opt label=level:s0:c5,c6 box $current | tr -d '\0\n')" \
                system_u:system_r:container_t:s0:c5,c6
        run_d --name other --security-opt label=type:other_t --security-opt label=filetype:other_file_t \
                --security-opt label=level:s0:c7 box sleep 1000
        equal type "$(label_of other)" system_u:system_r:other_t:s0:c7
        equal filetype "$(file_label other /)" system_u:object_r:other_file_t:s0:c7
        h exec other cat /bin/busybox >/dev/null
        fails run_rm --security-opt label=type:none_t box true
        [[ $output = *none_t* ]]
        equal 'exec --privileged' "$(h exec --privileged other $current | tr -d '\0\n')" "$(label_of other)"
}

@test "selinux: what is holt's own in a container is let through" {
        # As policies have programs.
        chcon system_u:object_r:exec_file_t:s0 "$(dirname "$HOLT")/holt-init"
        run_rm --init box true
        run_rm box sh -c 'cp /bin/busybox /tmp/echo && /tmp/echo written'
        run_rm --mount type=image,source=box,target=/i box cat /i/bin/busybox >/dev/null
        run_rm --read-only box true
        run_d --name one --ipc shareable box sleep 1000
        h exec one sh -c 'echo x >/dev/shm/x'
        run_rm --ipc container:one box cat /dev/shm/x
        echo text >file
        h cp file one:/file
        equal 'cp' "$(h exec one cat /file)" text
        h exec one sh -c 'echo x >/written; mkdir /d; echo y >/d/y'
        h snapshot create one now
        h clone one two >/dev/null
        h start two >/dev/null
        equal clone "$(h exec two cat /written /d/y | xargs)" 'x y'
        h commit one mine >/dev/null
        equal commit "$(run_rm mine cat /written)" x
}
