#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Configurations that are too large, and hosts that have run out (CVE-2021-43784: lengths that overflowed).

load attack

# config_py CODE: changes `c`, the configuration, by Python: jq takes no arguments of this size.
config_py() {
        python3 - "$BUNDLE/config.json" "$1" <<'PY'
import json, sys
c = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(c, open(sys.argv[1], "w"))
PY
}

@test "values of 64 KiB and more everywhere" {
        local code
        cp config.json plain.json
        process touch /started
        cp config.json plain.json
        for code in 'c["root"]["path"] = "x" * 70000' 'c["process"]["cwd"] = "/" + "x" * 70000' 'c["process"]["cwd"] = "/x" * 70000' \
                'c["process"]["args"][0] = "/" + "x" * 70000' 'c["mounts"][0]["destination"] = "/" + "x" * 70000' \
                'c["mounts"][0]["destination"] = "/x" * 70000' 'c["mounts"][0]["source"] = "x" * 70000' 'c["mounts"][0]["type"] = "x" * 70000' \
                'c["mounts"][0]["options"] = ["x" * 70000]' 'c["mounts"][1]["options"] = ["mode=" + "7" * 70000]' \
                'c["mounts"].append({"destination": "/b", "type": "bind", "source": "/" + "x" * 70000, "options": ["bind"]})' \
                'c["hostname"] = "x" * 70000' 'c["domainname"] = "x" * 70000' 'c["linux"]["cgroupsPath"] = "/" + "x" * 70000' \
                'c["linux"]["cgroupsPath"] = "/x" * 70000' 'c["linux"]["sysctl"] = {"net." + "x" * 70000: "1"}' \
                'c["linux"]["namespaces"][0]["path"] = "/" + "x" * 70000' 'c["linux"]["maskedPaths"] = ["/" + "x" * 70000]' \
                'c["linux"]["readonlyPaths"] = ["/" + "x" * 70000]' 'c["linux"]["devices"] = [{"path": "/dev/" + "x" * 70000, "type": "c", "major": 1, "minor": 3}]' \
                'c["linux"]["devices"] = [{"path": "/dev" + "/x" * 70000, "type": "c", "major": 1, "minor": 3}]' \
                'c["hooks"] = {"prestart": [{"path": "/" + "x" * 70000}]}' 'c["process"]["apparmorProfile"] = "x" * 70000' \
                'c["linux"]["seccomp"] = {"defaultAction": "x" * 70000}' 'c["process"]["capabilities"]["bounding"] = ["x" * 70000]' \
                'c["process"]["rlimits"] = [{"type": "x" * 70000, "soft": 1, "hard": 1}]' 'c["ociVersion"] = "1." + "0" * 70000'; do
                cp plain.json config.json
                config_py "$code"
                run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                if [ "$status" -ge 124 ] && [ "$status" -ne 255 ] || { [ "$status" -ne 0 ] && [ -z "$output" ]; }; then
                        echo "$status: $code: ${output:0:200}"
                        return 1
                fi
                # A name of this length exists nowhere: only what may be absent is passed over.
                [ "$status" -ne 0 ] || [[ $code == *maskedPaths* || $code == *readonlyPaths* || $code == *source* || $code == *ociVersion* ]]
        done
}

@test "many and long values that are allowed arrive whole" {
        config_py 'c["process"]["env"] += ["BIG%d=%s" % (i, "x" * 100000) for i in range(10)]; c["process"]["args"] = ["/bin/sh", "-c", "echo ${#BIG0} ${#BIG9} ${#1} $#", "sh", "y" * 120000] + ["z"] * 5000; c["annotations"] = {"a%d" % i: "v" * 1000 for i in range(1000)}'
        [ "$(rt run "$ID")" = '100000 100000 120000 5001' ]
        config_py 'c["process"]["user"]["additionalGids"] = list(range(1, 65537))'
        script 'grep Groups: /proc/self/status | wc -w'
        run rt run "$ID"
        [ "$output" = 65537 ]
        config_py 'c["process"]["user"]["additionalGids"] = list(range(1, 65538))'
        refused run "$ID"
}

@test "mappings without end" {
        process touch /started
        with_user_namespace
        cp config.json plain.json
        local code
        for code in '[{"containerID": i, "hostID": 100000 + i, "size": 1} for i in range(341)]' \
                '[{"containerID": i, "hostID": 100000 + i, "size": 1} for i in range(20000)]' '[{"containerID": 0, "hostID": 4294967295, "size": 2}]' \
                '[{"containerID": 4294967295, "hostID": 0, "size": 4294967295}]' '[{"containerID": 0, "hostID": 100000, "size": 4294967296}]' \
                '[{"containerID": 0, "hostID": -1, "size": 1}]' '[{"containerID": 0, "hostID": 100000, "size": 0}]' \
                '[{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 5, "hostID": 200000, "size": 10}]'; do
                cp plain.json config.json
                config_py "c['linux']['uidMappings'] = $code; c['linux']['gidMappings'] = $code"
                refused run "$ID" || { echo "$code"; return 1; }
        done
        [ ! -e rootfs/started ]
}

@test "thousands of mounts" {
        config_py 'c["mounts"] += [{"destination": "/mnt/%d" % i, "type": "tmpfs", "source": "tmpfs"} for i in range(1500)]'
        script 'grep -c /mnt/ /proc/self/mounts'
        run timeout 60 "$RUNTIME" --root "$ROOT" run "$ID"
        if [ "$status" -eq 0 ]; then [ "$output" = 1500 ]; else [[ $output == *"/mnt/"* ]]; fi
}

@test "few descriptors: a refusal or a container, nothing between" {
        local n ran=0 refused=0
        process touch /started
        for n in {3..40}; do
                rm -f rootfs/started
                run bash -c 'ulimit -Sn "$1"; shift; exec "$@" 3>&- 4>&- 5>&-' _ "$n" timeout 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                if [ "$status" -eq 0 ]; then
                        [ -e rootfs/started ]
                        ran=$((ran + 1))
                else
                        [ "$status" -lt 124 ] || [ "$status" -eq 127 ] || [ "$status" -eq 255 ]
                        [ -n "$output" ]
                        [ ! -e rootfs/started ]
                        refused=$((refused + 1))
                fi
                [ ! -e "$ROOT/$ID:state" ]
                run rt delete --force "$ID"
        done
        ((ran && refused))
        no_leaks
}

@test "few descriptors: masks are not left out" {
        local n ran=0
        echo secret >rootfs/etc/secret
        config '.linux.maskedPaths += ["/etc/secret"]'
        script 'echo x >/proc/sys/vm/panic_on_oom; cat /etc/secret; ls /proc/scsi /sys/firmware; echo done'
        for n in {3..40}; do
                run bash -c 'ulimit -Sn "$1"; shift; exec "$@" 3>&- 4>&- 5>&-' _ "$n" timeout 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                [[ $output != *secret* ]]
                [[ $output != *done* ]] || { [[ $output == *Read-only* ]] && ran=$((ran + 1)); }
        done
        ((ran))
}

@test "limits of the container do not weaken it" {
        local limit
        echo secret >rootfs/etc/secret
        for limit in NOFILE FSIZE AS STACK NPROC CORE MEMLOCK MSGQUEUE SIGPENDING DATA; do
                for value in 0 1 3 5 4096; do
                        config '.linux.maskedPaths = ["/etc/secret"] | .process.rlimits = [{type: $t, soft: $v, hard: $v}]' --arg t "RLIMIT_$limit" --argjson v "$value"
                        process /bin/cat /etc/secret
                        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID" </dev/null
                        [[ $output != *secret$'\n'* && $output != secret ]] || { echo "$limit $value"; return 1; }
                        [ "$status" -ne 124 ]
                done
        done
}
