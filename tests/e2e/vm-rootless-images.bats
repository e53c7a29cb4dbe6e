#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rootless.bats on an older kernel than the host's, and limits where a systemd delegates cgroups. In the virtual
# machine: tests/vm/run.

bats_require_minimum_version 1.5.0
load ../vm/lib

setup_file() {
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
        # All of rootless.bats is one test here.
        export BATS_TEST_TIMEOUT=1000
        modprobe -a erofs loop overlay
        useradd --create-home --shell /bin/bash holt-he
        loginctl enable-linger holt-he
        until_true 60 test -S "/run/user/$(id -u holt-he)/bus"
}

teardown_file() {
        loginctl disable-linger holt-he 2>/dev/null || true
}

setup() {
        vm_setup
        chmod 755 "$WORK"
}

teardown() {
        vm_teardown
}

as_user() {
        setpriv --reuid holt-he --regid holt-he --init-groups env -C "$WORK" HOME=/home/holt-he USER=holt-he \
                XDG_RUNTIME_DIR="/run/user/$(id -u holt-he)" \
                DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$(id -u holt-he)/bus" "$@" 3>&- 4>&-
}

# An image with nothing but busybox.
make_image() {
        local layer config
        mkdir -p tree/bin
        cp "$(command -v busybox)" tree/bin/
        ln -s busybox tree/bin/sh
        ln -s busybox tree/bin/cat
        tar -C tree -cf layer.tar .
        layer=sha256:$(sha256sum <layer.tar | cut -c 1-64)
        jq -n --arg layer "$layer" '{architecture: "amd64", os: "linux", config: {Env: ["PATH=/bin"]},
                rootfs: {type: "layers", diff_ids: [$layer]}}' >config
        config=sha256:$(sha256sum <config | cut -c 1-64)
        jq -n --arg config "$config" --arg layer "$layer" '{schemaVersion: 2,
                mediaType: "application/vnd.oci.image.manifest.v1+json",
                config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: 1},
                layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: 1}]}' >manifest
        as_user "$(dirname "$RUNTIME")/tests/store/image_add" box "sha256:$(sha256sum <manifest | cut -c 1-64)" \
                "$WORK/manifest" "$WORK/config" "$WORK/layer.tar"
}

@test "rootless.bats on this machine's kernel" {
        bats "$BATS_TEST_DIRNAME/rootless.bats"
}

@test "limits in what a user's systemd has delegated, and default places" {
        cd "$WORK"
        make_image
        as_user timeout 100 systemd-run --user --quiet --pipe --wait --collect --unit "holt-$ID" --property Delegate=yes \
                "$(dirname "$RUNTIME")/holt" run --rm --network none --security-opt seccomp=unconfined -m 64m --pids-limit 20 \
                box sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /proc/self/cgroup' >got
        [ "$(xargs <got)" = '67108864 20 0::/' ]
        [ -n "$(find /home/holt-he/.local/share/holt/unpacked -path '*/bin/busybox')" ]
        [ -d "/run/user/$(id -u holt-he)/holt" ]
        [ -z "$(find /home/holt-he/.local/share/holt/instances -mindepth 1)" ]
}

@test "limits by a user's systemd, where the cgroup that he is in is root's" {
        cd "$WORK"
        make_image
        local holt
        holt=$(dirname "$RUNTIME")/holt
        as_user timeout 100 "$holt" run --rm --network none --security-opt seccomp=unconfined -m 64m --pids-limit 20 box \
                sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /proc/self/cgroup' >got
        [ "$(xargs <got)" = '67108864 20 0::/' ]
        # They hold.
        run as_user timeout 100 "$holt" run --rm --network none --security-opt seccomp=unconfined -m 16m --memory-swap 16m box \
                busybox dd if=/dev/zero of=/dev/null bs=64M
        [ "$status" -eq 137 ]
        run as_user timeout 100 "$holt" run --rm --network none --security-opt seccomp=unconfined --pids-limit 5 box \
                sh -c 'for i in 1 2 3 4 5 6 7 8; do busybox sleep 9 & done; wait'
        [[ $output == *fork* ]]
        as_user timeout 100 "$holt" run -d --name limited --network none --security-opt seccomp=unconfined box \
                sh -c 'while :; do busybox sleep 1; done' >id
        as_user systemctl --user is-active "holt-$(cat id).scope"
        as_user timeout 100 "$holt" pause limited
        [ "$(as_user timeout 100 "$holt" inspect --format '{{.State.Status}}' limited)" = paused ]
        as_user timeout 100 "$holt" unpause limited
        as_user timeout 100 "$holt" update --memory 32m limited
        [ "$(as_user timeout 100 "$holt" exec limited cat /sys/fs/cgroup/memory.max)" = 33554432 ]
        as_user timeout 100 "$holt" rm -f limited
        until_true 20 eval '! as_user systemctl --user is-active "holt-$(cat id).scope"'
}
