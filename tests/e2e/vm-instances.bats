#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Instances where systemd runs: the journal, the boot, units. In the virtual machine: tests/vm/run.
#
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0
load ../vm/lib

setup_file() {
        [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
        modprobe -a erofs loop overlay
}

setup() {
        vm_setup
        export HOLT_ROOT=$WORK/store HOLT_RUN=/run/holt-$BATS_TEST_NUMBER
        make_image
}

teardown() {
        holt rm -f --all >/dev/null
        ! mountpoint -q "$HOLT_RUN/layers" || umount -R "$HOLT_RUN/layers"
        rm -rf "$HOLT_RUN"
        vm_teardown
}

holt() { "$(dirname "$RUNTIME")/holt" "$@" 3>&- 4>&-; }

# box: an image with nothing but busybox.
make_image() {
        local layer config
        cd "$WORK" || return
        mkdir -p tree/bin
        cp "$(command -v busybox)" tree/bin/
        for name in sh sleep echo yes tr head tail cat test touch mkdir; do ln -s busybox "tree/bin/$name"; done
        tar -C tree -cf layer.tar .
        layer=sha256:$(sha256sum <layer.tar | cut -c 1-64)
        printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
                "$layer" >config
        config=sha256:$(sha256sum <config | cut -c 1-64)
        printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":1},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":1}]}' \
                "$config" "$layer" >manifest
        "$(dirname "$RUNTIME")/tests/store/image_add" box "sha256:$(sha256sum <manifest | cut -c 1-64)" \
                "$WORK/manifest" "$WORK/config" "$WORK/layer.tar"
}

run_d() { holt run -d --network none "$@" >/dev/null; }
status_of() { holt inspect -f '{{.State.Status}}' "$1"; }
is_status() { [ "$(status_of "$1")" = "$2" ]; }

journal() { journalctl -q -o json "$@"; }
has_lines() { [ "$(journal CONTAINER_NAME="$1" | wc -l)" -eq "$2" ]; }

@test "log driver journald: each line with Docker's fields, and holt logs shows them" {
        run_d --name web --log-driver journald --log-opt tag=mine box sh -c 'echo out; echo bad >&2; sleep 1000'
        id=$(holt inspect -f '{{.Id}}' web)
        until_true 20 has_lines web 2
        journal CONTAINER_NAME=web | jq -c 'select(.MESSAGE == "out") | [.PRIORITY, .CONTAINER_ID, .CONTAINER_ID_FULL,
                .CONTAINER_TAG, .SYSLOG_IDENTIFIER, .IMAGE_NAME]' >out
        equal 'of standard output' "$(cat out)" "[\"6\",\"${id:0:12}\",\"$id\",\"mine\",\"mine\",\"box\"]"
        equal 'of errors' "$(journal CONTAINER_NAME=web | jq -r 'select(.MESSAGE == "bad") | .PRIORITY')" 3
        equal 'holt logs' "$(holt logs web 2>&1 | sort | xargs)" 'bad out'
        equal 'the last' "$(holt logs --tail 1 web 2>&1 | wc -l)" 1
        [ ! -e "$HOLT_ROOT/instances/$id/log" ]
        # A line that is longer than a message is one again; who follows sees the end, and goes.
        run_d --name long --log-driver journald box sh -c 'sleep 1; yes 0123456789 | tr -d "\n" | head -c 40000; echo; echo bad >&2'
        timeout 60 "$(dirname "$RUNTIME")/holt" logs -f long >followed 2>errors
        equal 'a long line' "$(wc -lc <followed | xargs)" '1 40001'
        equal 'of errors' "$(cat errors)" bad
        holt logs -t long 2>/dev/null | grep -q '^20[0-9-]*T[0-9:.]*Z 0123'
        # journald comes and goes.
        run_d --name talks --log-driver journald box sh -c 'while :; do echo line; sleep 0.5; done'
        systemctl restart systemd-journald
        before=$(journal CONTAINER_NAME=talks | wc -l)
        more() { [ "$(journal CONTAINER_NAME=talks | wc -l)" -gt "$((before + 1))" ]; }
        until_true 30 more
        holt stop -t 0 talks >/dev/null
}

# Copies of mounts are made in another way by kernels before 6.15, as this one is.
@test "who cleans up behind a restart policy leaves files and volumes as they are" {
        local data
        holt volume create vol >/dev/null
        data=$(holt volume inspect -f '{{.Mountpoint}}' vol)
        mkdir "$data/sub"
        echo kept >"$data/sub/file"
        run_d --name web --ipc shareable --restart on-failure:1 --mount type=volume,src=vol,dst=/sub,volume-subpath=sub \
                box sh -c 'echo more >>/made; echo more >>/sub/file; exit 3'
        ended() { [ "$(holt inspect -f '{{.State.Status}} {{.RestartCount}}' web)" = 'exited 1' ] && [ -z "$(ls "$HOLT_RUN/instances")" ]; }
        until_true 20 ended
        equal volume "$(xargs <"$data/sub/file")" 'kept more more'
        holt cp web:/made made
        equal file "$(xargs <made)" 'more more'
}

@test "--userns auto says which kernel it needs" {
        [ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.15 ] || skip 'this kernel has it'
        echo holt:700000000:65536 | tee -a /etc/subuid >>/etc/subgid
        local status=0
        holt run --rm --network none --userns auto box true 2>errors || status=$?
        sed -i '/^holt:700000000:/d' /etc/subuid /etc/subgid
        equal status "$status" 125
        grep -q -- '--userns auto needs Linux 6.15' errors
        equal 'what is left' "$(holt ps -aq | wc -l)" 0
}

# systemd goes into a cgroup of its own first, with who is there, and hands controllers down later.
@test "exec joins an init that manages cgroups where it is, and does not stand in its way" {
        run_d --name web --systemd always --security-opt apparmor=unconfined box sh -c 'cd /sys/fs/cgroup && mkdir init.scope && echo 1 >init.scope/cgroup.procs &&
                touch /moved && while [ ! -e /beside ]; do sleep 0.1; done; echo +pids >cgroup.subtree_control; echo $? >/done; sleep 1000'
        has() { holt exec web test -e "$1" 2>/dev/null; }
        until_true 20 has /moved
        holt exec -d web sleep 1000
        holt exec web touch /beside
        until_true 20 has /done
        equal 'what came of it' "$(holt exec web cat /done)" 0
        equal 'where the second process is' "$(holt exec web sh -c 'tail -n 1 /proc/self/cgroup')" 0::/init.scope
        # As long as nobody has gone anywhere it is where that one is.
        run_d --name plain --systemd always --security-opt apparmor=unconfined box sleep 1000
        equal 'beside a plain program' "$(holt exec plain sh -c 'tail -n 1 /proc/self/cgroup')" 0::/
}

# As if the machine had lost its power: nothing that ran is told, and what a boot forgets is gone.
lose_power() {
        local name init
        for name; do
                init=$(holt inspect -f '{{.State.Pid}}' "$name")
                kill -KILL "$(awk '/^PPid:/ {print $2}' "/proc/$init/status")" "$init" || true
        done
        umount -R "$HOLT_RUN/layers"
        rm -rf "$HOLT_RUN"
}

@test "system enable: who wants to is back after a loss of power, and after a shutdown" {
        holt system enable
        systemctl is-enabled holt.service
        run_d --name always --restart always box sleep 1000
        run_d --name unless --restart unless-stopped box sleep 1000
        run_d --name stopped --restart unless-stopped box sleep 1000
        run_d --name never box sleep 1000
        holt stop -t 0 stopped >/dev/null
        lose_power always unless never
        systemctl start holt.service
        for name in always unless; do equal "$name" "$(status_of "$name")" running; done
        for name in stopped never; do equal "$name" "$(status_of "$name")" exited; done
        # What a policy starts again lives on in the unit.
        kill -KILL "$(holt inspect -f '{{.State.Pid}}' always)"
        restarted() { [ "$(holt inspect -f '{{.RestartCount}} {{.State.Status}}' always)" = '1 running' ]; }
        until_true 20 restarted
        # sleep as the first process heeds no SIGTERM: each has its ten seconds, at once.
        systemctl stop holt.service
        for name in always unless; do equal "$name" "$(status_of "$name")" exited; done
        systemctl start holt.service
        for name in always unless; do equal "$name" "$(status_of "$name")" running; done
        equal stopped "$(status_of stopped)" exited
        holt system disable
        [ ! -e /etc/systemd/system/holt.service ]
        holt stop --all -t 0 >/dev/null
        systemctl stop holt.service || true
}

@test "generate systemd: a unit starts, follows and ends its instance" {
        holt create --network none --name web --stop-timeout 1 box sh -c 'echo here; sleep 1000' >/dev/null
        holt generate systemd --restart-policy on-failure --restart-sec 1 -t 1 web >/run/systemd/system/holt-web.service
        systemctl daemon-reload
        systemctl start holt-web.service
        until_true 20 is_status web running
        said() { journalctl -q -u holt-web.service -o cat | grep -qx here; }
        until_true 20 said
        kill -KILL "$(holt inspect -f '{{.State.Pid}}' web)"
        again() { [ "$(systemctl show -p NRestarts --value holt-web.service)" -ge 1 ] && is_status web running; }
        until_true 30 again
        systemctl stop holt-web.service
        equal web "$(status_of web)" exited
        rm /run/systemd/system/holt-web.service
        systemctl daemon-reload
}
