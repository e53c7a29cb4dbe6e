#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# containerd's CRI plugin, the door to Kubernetes, with our runtime: a pod sandbox with two containers in it, driven
# by a small client of our own (Debian 12 has no crictl). The pod is on the node's network, so it needs no CNI plugins.

load clients

setup_file() {
        export HOLT_DIR DAEMON PARENT
        HOLT_DIR=$(mktemp -d -t holt-cri.XXXXXX)
        chmod 711 "$HOLT_DIR"
        PARENT=holt-e2e-cri-$$
        containerd_start
        mkdir "$HOLT_DIR/pause" "$HOLT_DIR/logs"
        probe_at "$HOLT_DIR/pause/probe"
        tar -C "$HOLT_DIR/pause" -cf "$HOLT_DIR/pause.tar" .
        image "$HOLT_DIR/pause.tar" localhost/pause:holt /probe pause
        image "$("$BATS_TEST_DIRNAME/make-rootfs")" localhost/debian:holt bash
        imported() { cri ImageStatus '{"image": {"image": "localhost/debian:holt"}}' | jq -e .image.id; }
        wait_for 10 imported
}

teardown_file() {
        find /sys/fs/cgroup -mindepth 2 -maxdepth 2 -type d -name "$PARENT" -exec rmdir {} + 2>/dev/null
        containerd_stop "$PARENT"
}

image() { "$TESTS/make-image" "$@" | ctr --address "$HOLT_DIR/sock" --namespace k8s.io images import - >/dev/null; }

# cri METHOD [REQUEST]: prints the answer
cri() { "$TESTS/cri_client.py" "$HOLT_DIR/sock" "$1" <<<"${2:-}" 3>&- || { tail -n 3 "$HOLT_DIR/log" >&2; return 1; }; }

# POD: host network; pid and ipc as the sandbox's (mode 0) unless another pid mode is given
pod_config() {
        jq -n --arg name "$1" --arg logs "$HOLT_DIR/logs" --arg parent "/$PARENT" --argjson pid "${2:-0}" '{
                metadata: {name: $name, uid: "uid-\($name)", namespace: "default"}, log_directory: $logs, labels: {app: "holt"},
                linux: {cgroup_parent: $parent, security_context: {namespace_options: {network: 2, pid: $pid}}}}'
}

run_pod() { # NAME [PID-MODE]
        CONFIG=$(pod_config "$@")
        POD=$(cri RunPodSandbox "$(jq -n --argjson c "$CONFIG" '{config: $c}')" | jq -r .pod_sandbox_id)
}

# create NAME CONFIG-CHANGES COMMAND...: prints the id
create() {
        local name=$1 changes=$2 pid
        shift 2
        pid=$(jq .linux.security_context.namespace_options.pid <<<"$CONFIG")
        cri CreateContainer "$(jq -n --arg pod "$POD" --argjson c "$CONFIG" --arg name "$name" --argjson changes "$changes" --argjson pid "$pid" '{
                pod_sandbox_id: $pod, sandbox_config: $c, config: ({metadata: {name: $name}, image: {image: "localhost/debian:holt"},
                command: $ARGS.positional, log_path: "\($name).log",
                linux: {security_context: {namespace_options: {network: 2, pid: $pid}}}} * $changes)}' --args -- "$@")" | jq -r .container_id
}

start() { cri StartContainer "{\"container_id\": \"$1\"}" >/dev/null; }
inside() { # ID COMMAND...: stdout of ExecSync
        local id=$1
        shift
        cri ExecSync "$(jq -n --arg id "$id" '{container_id: $id, cmd: $ARGS.positional, timeout: 20}' --args -- "$@")" | tee "$BATS_TEST_TMPDIR/exec" | jq -j '.stdout // ""'
}
state_of() { cri ContainerStatus "{\"container_id\": \"$1\"}" | jq '.status.state // 0'; }
state_is() { [ "$(state_of "$1")" -eq "$2" ]; } # 0 created, 1 running, 2 exited

teardown() {
        local pod
        for pod in $(cri ListPodSandbox | jq -r '.items[]?.id'); do
                cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null || true
                cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null || true
        done
}

@test "CRI: the plugin is ready and knows our images" {
        cri Version | jq -e '.runtime_name == "containerd"'
        cri Status | jq -e '.status.conditions[] | select(.type == "RuntimeReady") | .status == 1'
        cri ListImages | jq -e '[.images[].repo_tags[]] | index("localhost/debian:holt") and index("localhost/pause:holt")'
}

@test "CRI: a pod of two containers that share its namespaces" {
        run_pod shared
        local a b
        a=$(create a '{}' sleep 1000)
        state_is "$a" 0
        b=$(create b '{}' sleep 1001)
        start "$a"
        start "$b"
        state_is "$a" 1
        state_is "$b" 1
        for ns in net ipc pid uts; do
                [ "$(inside "$a" readlink "/proc/self/ns/$ns")" = "$(inside "$b" readlink "/proc/self/ns/$ns")" ]
        done
        [ "$(inside "$a" readlink /proc/self/ns/mnt)" != "$(inside "$b" readlink /proc/self/ns/mnt)" ]
        [ "$(inside "$a" readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
        [ "$(inside "$a" readlink /proc/self/ns/ipc)" != "$(readlink /proc/self/ns/ipc)" ]
        # One pid namespace: the sandbox is process 1, and each sees the other.
        [ "$(inside "$a" cat /proc/1/comm)" = probe ]
        inside "$a" ps -eo args | grep -q 'sleep 1001'
        inside "$b" ps -eo args | grep -q 'sleep 1000'
        [ "$(inside "$a" sh -c 'ls /dev/shm; touch /dev/shm/from-a')" = "" ]
        [ "$(inside "$b" ls /dev/shm)" = from-a ]
        cri ListContainers "{\"filter\": {\"pod_sandbox_id\": \"$POD\"}}" | jq -e '.containers | length == 2'
        cri StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
        state_is "$a" 2
        state_is "$b" 2
        cri RemovePodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
        cri ListContainers | jq -e '.containers // [] | length == 0'
        gone() { [ -z "$(find /sys/fs/cgroup -mindepth 3 -type d -path "*$PARENT/*")" ]; }
        wait_for 10 gone
}

@test "CRI: each container a pid namespace of its own" {
        run_pod own 1
        local a b
        a=$(create a '{}' sleep 1000)
        b=$(create b '{}' sleep 1001)
        start "$a"
        start "$b"
        [ "$(inside "$a" cat /proc/1/comm)" = sleep ]
        [ "$(inside "$a" readlink /proc/self/ns/pid)" != "$(inside "$b" readlink /proc/self/ns/pid)" ]
        [ "$(inside "$a" readlink /proc/self/ns/ipc)" = "$(inside "$b" readlink /proc/self/ns/ipc)" ]
}

@test "CRI: limits, and their update" {
        run_pod limits 1
        local a
        a=$(create a '{"linux": {"resources": {"memory_limit_in_bytes": 67108864, "cpu_quota": 50000, "cpu_period": 100000, "cpu_shares": 512, "cpuset_cpus": "0", "oom_score_adj": 500}}}' sleep 1000)
        start "$a"
        [ "$(inside "$a" sh -c "$(limit memory/memory.limit_in_bytes memory.max)")" = 67108864 ]
        [[ $(inside "$a" sh -c "$(limit cpu/cpu.cfs_quota_us cpu.max)") =~ ^50000 ]]
        [ "$(inside "$a" nproc)" = 1 ]
        [ "$(inside "$a" cat /proc/1/oom_score_adj)" = 500 ]
        cri UpdateContainerResources "{\"container_id\": \"$a\", \"linux\": {\"memory_limit_in_bytes\": 134217728, \"cpu_quota\": 25000, \"cpu_period\": 100000}}"
        [ "$(inside "$a" sh -c "$(limit memory/memory.limit_in_bytes memory.max)")" = 134217728 ]
        [[ $(inside "$a" sh -c "$(limit cpu/cpu.cfs_quota_us cpu.max)") =~ ^25000 ]]
        cri ContainerStats "{\"container_id\": \"$a\"}" | jq -e '.stats.memory.working_set_bytes.value > 0'
}

@test "CRI: ExecSync's output and exit status, logs, user, environment, mounts" {
        run_pod execs 1
        mkdir "$BATS_TEST_TMPDIR/v"
        echo kept >"$BATS_TEST_TMPDIR/v/file"
        local a
        a=$(create a "{\"envs\": [{\"key\": \"KEY\", \"value\": \"value\"}], \"working_dir\": \"/usr\", \"mounts\": [{\"container_path\": \"/ro\", \"host_path\": \"$BATS_TEST_TMPDIR/v\", \"readonly\": 1}],
                \"linux\": {\"security_context\": {\"run_as_user\": {\"value\": 33}, \"run_as_group\": {\"value\": 33}, \"no_new_privs\": 1, \"readonly_rootfs\": 1}}}" \
                sh -c 'echo to the log; echo $KEY $PWD $(id -u); sleep 1000')
        start "$a"
        logged() { grep -q 'stdout F value /usr 33' "$HOLT_DIR/logs/a.log"; }
        wait_for 5 logged
        [ "$(inside "$a" cat /ro/file)" = kept ]
        inside "$a" sh -c 'echo out; echo err >&2; exit 7'
        jq -e '.stdout == "out\n" and .stderr == "err\n" and .exit_code == 7' "$BATS_TEST_TMPDIR/exec"
        inside "$a" touch /ro/no
        jq -e '.exit_code == 1 and (.stderr | contains("Read-only file system"))' "$BATS_TEST_TMPDIR/exec"
        inside "$a" grep -E '^(NoNewPrivs|Uid)' /proc/self/status | grep -q 'NoNewPrivs:.1'
        run ! cri ExecSync "{\"container_id\": \"$a\", \"cmd\": [\"nosuchcommand\"]}"
}

@test "CRI: seccomp, capabilities, privileged" {
        run_pod secure 1
        local a
        a=$(create a "{\"mounts\": [{\"container_path\": \"/probe\", \"host_path\": \"$HOLT_DIR/pause/probe\", \"readonly\": 1}], \"linux\": {\"security_context\": {\"seccomp\": {\"profile_type\": 0},
                \"capabilities\": {\"drop_capabilities\": [\"ALL\"], \"add_capabilities\": [\"NET_RAW\"]}}}}" sleep 1000)
        start "$a"
        [[ $(inside "$a" grep ^Seccomp: /proc/self/status) == *2 ]]
        [ "$(inside "$a" /probe syscall unshare)" = EPERM ]
        [[ $(inside "$a" grep CapEff /proc/self/status) == *0000000000002000 ]]
}

@test "CRI: a container that ends by itself, and one that will not" {
        run_pod stops 1
        local a b
        a=$(create a '{}' sh -c 'exit 9')
        start "$a"
        wait_for 5 state_is "$a" 2
        [ "$(cri ContainerStatus "{\"container_id\": \"$a\"}" | jq .status.exit_code)" = 9 ]
        cri RemoveContainer "{\"container_id\": \"$a\"}"
        b=$(create b '{}' sleep 1000)
        start "$b"
        cri StopContainer "{\"container_id\": \"$b\", \"timeout\": 1}"
        state_is "$b" 2
        [ "$(cri ContainerStatus "{\"container_id\": \"$b\"}" | jq .status.exit_code)" = 137 ]
        cri RemoveContainer "{\"container_id\": \"$b\"}"
        run ! cri ContainerStatus "{\"container_id\": \"$b\"}"
}

@test "CRI: over its memory it is killed, and Kubernetes is told why" {
        run_pod oom 1
        local a
        a=$(create a '{"linux": {"resources": {"memory_limit_in_bytes": 33554432, "memory_swap_limit_in_bytes": 33554432}}}' \
                bash -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); echo alive')
        start "$a"
        wait_for 20 state_is "$a" 2
        [ "$(cri ContainerStatus "{\"container_id\": \"$a\"}" | jq -r .status.reason)" = OOMKilled ]
}

@test "CRI: a command that is not there" {
        run_pod missing 1
        local a
        a=$(create a '{}' nosuchcommand)
        run ! start "$a"
        wait_for 5 state_is "$a" 2
        [ "$(cri ContainerStatus "{\"container_id\": \"$a\"}" | jq .status.exit_code)" -ne 0 ]
}
