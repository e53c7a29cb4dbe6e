#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images attacked: by who writes them, who serves them, by a holt-fetch that was taken over, and by who kills at a bad
# moment. Whatever happens, there is a clear error, the host is unharmed, and the store is in order.
#
# shellcheck disable=SC2030,SC2031,SC2153,SC2154  # bats sets $output and $status, images.bash $HOLT and others

load ../e2e/images.bash

setup_file() {
        local kind
        for kind in layers documents bombs; do
                mkdir "$BATS_FILE_TMPDIR/$kind"
                python3 "$BATS_TEST_DIRNAME/hostile_image.py" "$kind" "$BATS_FILE_TMPDIR/$kind" "$BATS_FILE_TMPDIR/host"
        done
}

setup() {
        store_make
        CASES=$BATS_FILE_TMPDIR
        HOSTILE=$BATS_TEST_DIRNAME/hostile_image.py
        HOST=$BATS_FILE_TMPDIR/host
        mkdir -p "$HOST"
        echo unharmed >"$HOST/marker"
        # No attack takes more memory than this, without the machine's other programs being asked.
        SANITIZED=$(grep -c __asan_init "$HOLT" || true)
        ((SANITIZED)) || ulimit -v 4000000
}

teardown() {
        unharmed
        store_finish
}

unharmed() {
        [[ $(ls -A "$HOST") == marker && $(<"$HOST/marker") == unharmed && ! -e /marker && ! -e /tmp/marker ]]
}

# absent GREP_ARGUMENTS...
absent() {
        if grep "$@"; then return 1; fi
}

in_order() { [[ $(holt system check) == "The store is in order" ]]; }

# What an attempt may not leave behind.
nothing_stored() {
        in_order
        [[ -z $(ls -A "$STORE/layers"; ls -A "$STORE/tmp"; holt images -q) ]]
}

# refused COMMAND...: in time, with a message that a terminal can have.
refused() {
        run timeout 30 "$HOLT" --root "$STORE" --run "$RUN" "$@" </dev/null
        if ((status == 0 || status >= 124)) || [[ $output != holt:* || ${output//$'\n'/} == *[[:cntrl:]]* ]] ||
                grep -v ^holt: <<<"$output"; then
                echo "$*: status $status: ${output:0:1000}"
                return 1
        fi
}

# hostile_load CONFIG [LAYER.tar]: an image hostile:1 of a good layer, and of one more.
hostile_load() {
        [[ -d tree ]] || layer_tree tree
        tar -C tree -cf tree.tar .
        python3 "$HOSTILE" archive archive.tar "$1" tree.tar ${2:+"$2"}
        holt load -q -i archive.tar
}

# memory_of COMMAND...: the most megabytes that one of its processes had; its exit status is not looked at.
memory_of() {
        python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

seccomp() { [[ -e /usr/share/containers/seccomp.json ]] || echo --security-opt=seccomp=unconfined; }

hostile_run() {
        # shellcheck disable=SC2046
        output=$(timeout 30 "$HOLT" --root "$STORE" --run "$RUN" run --network none $(seccomp) "$@" 2>&1 </dev/null) && status=0 || status=$?
        ((status != 124)) && unharmed
}

# ---- archives ----

@test "layers that leave the root, lie about sizes or make no sense are refused" {
        local case
        for case in "$CASES"/layers/*; do
                [[ $case != */fine_* ]] || continue
                refused import -q "$case" evil:1
                [[ -z $(ls -A "$STORE/layers") ]]
        done
        nothing_stored
}

@test "layers that are strange, and do no harm" {
        local case
        for case in "$CASES"/layers/fine_*; do
                holt import -q "$case" strange:1
                holt image mount strange:1
                unharmed
                holt image umount strange:1
                holt rmi strange:1
        done
        nothing_stored
}

@test "what a layer's attributes say to overlayfs leads nowhere" {
        local at
        hostile_load '{}' "$CASES/layers/fine_strange_attributes.tar"
        at=$(holt image mount hostile:1)
        [[ -z $(ls -A "$at/d") ]]
        # Linux refuses to open it.
        run cat "$at/meta"
        [[ $output == evil || $status != 0 ]]
        holt image umount hostile:1
}

@test "documents of archives that are paths, lies, bombs or two things at once are refused" {
        local case
        for case in "$CASES"/documents/*; do
                refused load -q -i "$case"
                [[ -z $(ls -A "$STORE/layers") ]]
        done
        nothing_stored
        for case in "$CASES"/documents/layout_*; do
                mkdir layout
                tar -xf "$case" -C layout
                refused load -q -i layout
                [[ -z $(ls -A "$STORE/layers") ]]
                rm -r layout
        done
        nothing_stored
}

@test "large documents of archives take bounded memory" {
        local case mb
        ((SANITIZED == 0)) || skip "the sanitizer has memory of its own"
        for case in giant_manifest many_documents giant_json deep_json; do
                mb=$(memory_of "$HOLT" --root "$STORE" --run "$RUN" load -q -i "$CASES/documents/$case.tar")
                echo "$case: $mb MB"
                ((mb < 160))
        done
}

@test "an archive's names do not reach a terminal" {
        local name=$'\e]0;x\a\n.tar'
        layer_tree tree
        tar -C tree -cf "./$name" .
        tar -cf archive.tar --force-local "./$name"
        run -1 holt load -i archive.tar
        [[ $output == *"]0;x"* && $output != *$'\e'* && $output != *$'\a'* && ${#lines[@]} == 2 ]]
}

# ---- a holt-fetch in wrong hands ----

evil_setup() {
        mkdir evil
        cp "$HOLT" evil/holt
        cp "$BATS_TEST_DIRNAME/evil_fetch.py" evil/holt-fetch
        image_make good:1
        BEFORE=$(holt image inspect good:1 | sha256sum)
        echo foreign >foreign
        echo '{"auths": {"https://index.docker.io/v1/": {"auth": "dTpzZWNyZXQ="}, "registry.example.com": {"auth": "dTpzZWNyZXQ="}}}' \
                >"$REGISTRY_AUTH_FILE"
        EVIL_LOG=$WORK/log
        EVIL_FILE=$WORK/foreign
        EVIL_DIGEST=$(holt image inspect --format '{{index .RootFS.Layers 0}}' good:1)
        EVIL_BLOB=$(holt images -q --no-trunc)
        EVIL_MANIFEST=$(holt image inspect --format '{{.Descriptor.digest}}' good:1)
        export EVIL_LOG EVIL_FILE EVIL_DIGEST EVIL_BLOB EVIL_MANIFEST
}

# evil CASE [COMMAND...]
evil() {
        local case=$1
        shift
        : >"$EVIL_LOG"
        (($#)) || set -- pull 127.0.0.1:1/x:1
        EVIL=$case run timeout 30 evil/holt --root "$STORE" --run "$RUN" "$@" </dev/null
        echo "$case: $status ${output:0:500}"
        ((status < 124)) && [[ $output != *$'\e'* ]]
        in_order
        [[ $(holt image inspect good:1 | sha256sum) == "$BEFORE" && $(<foreign) == foreign ]]
}

@test "a holt-fetch that talks nonsense, or ends before its last word" {
        evil_setup
        for case in garbage no_object too_long empty deep no_last_word crash closed_socket strange_error nothing_said; do
                evil "$case"
                ((status != 0))
                [[ $output == holt:* && $output != *$'\n'* ]]
        done
        for case in wrong_types wrong_tales escapes goes_on; do
                evil "$case"
                ((status == 1)) && [[ $output == *"no such image: 127.0.0.1:1/x:1"* ]]
        done
        evil wrong_types
        absent -v ^refused "$EVIL_LOG"
}

@test "a holt-fetch that floods with progress and descriptors" {
        evil_setup
        evil flood
        evil many_descriptors
        [[ $(<"$EVIL_LOG") == "leaked 0" ]]
        evil many_pins
        evil no_descriptor
        [[ $(grep -c refused "$EVIL_LOG") == 3 ]]
}

@test "a holt-fetch that hands over what is no file of the store" {
        local case
        evil_setup
        # Whoever looks at instances or networks makes their directory.
        holt ps >/dev/null
        holt network ls >/dev/null
        ls -A "$STORE"/* >before
        for case in irregular same_file_twice huge_blob paths; do
                evil "$case"
                [[ -s $EVIL_LOG ]]
                absent -v refused "$EVIL_LOG"
                ls -A "$STORE"/* | diff before -
        done
}

@test "a holt-fetch that would replace what is there" {
        evil_setup
        evil replace_layer
        holt system check --verify
        holt save -o saved.tar good:1
}

@test "a holt-fetch that asks for what its job has nothing to do with" {
        evil_setup
        evil steal
        absent -F secret "$EVIL_LOG"
        [[ $(grep -c refused "$EVIL_LOG") == 7 ]]
        [[ $(holt images --format '{{.Repository}}') == good ]]
        # No store belongs to these.
        evil steal search 127.0.0.1:1/x
        [[ $(grep -c refused "$EVIL_LOG") == 8 ]]
}

# ---- running ----

@test "an image's /etc/passwd is a fifo, a device, a link or without end" {
        local at
        layer_tree tree
        for at in fifo device zero descriptor loop up huge directory; do
                rm -rf tree/etc/passwd
                case $at in
                fifo) mkfifo tree/etc/passwd ;;
                device) mknod tree/etc/passwd c 1 5 ;;
                zero) ln -s /dev/zero tree/etc/passwd ;;
                descriptor) ln -s /proc/self/fd/0 tree/etc/passwd ;;
                loop) ln -s passwd tree/etc/passwd ;;
                up) ln -s "../../../../../../../..$HOST/marker" tree/etc/passwd ;;
                huge) truncate -s 20G tree/etc/passwd ;;
                directory) mkdir tree/etc/passwd ;;
                esac
                tar -C tree -Scf tree.tar .
                holt import -q tree.tar "passwd:$at" >/dev/null
                hostile_run --user name "passwd:$at" /bin/sh -c true
                echo "$at: $status $output"
                ((status != 0))
                [[ $output == holt:* ]]
        done
}

@test "an image's directories and files that are mounted upon are links to the host" {
        local path target
        for target in "$HOST" "../../../../../../../../..$HOST" /proc/self/cwd /proc/self/fd/3; do
                for path in etc etc/hosts etc/resolv.conf etc/hostname dev proc sys place data dev/shm sys/fs; do
                        rm -rf tree
                        mkdir -p "tree/bin" "tree/$(dirname "$path")"
                        cp "$(command -v busybox)" tree/bin/sh
                        ln -s "$target" "tree/$path"
                        tar -C tree -cf tree.tar .
                        holt import -q tree.tar links:1 >/dev/null
                        hostile_run --rm -v "$HOST:/data/inner:ro" -w /place/inner links:1 /bin/sh -c true
                        [[ $path == bin || $status -lt 128 ]]
                done
        done
}

@test "a working directory that is a descriptor of the host (CVE-2024-21626)" {
        local fd
        for fd in {3..12}; do
                hostile_load "{\"WorkingDir\": \"/proc/self/fd/$fd\", \"Cmd\": [\"/bin/sh\", \"-c\", \"echo in; cat ../../../..$HOST/marker\"]}" >/dev/null
                hostile_run hostile:1
                [[ $output != *unharmed* ]]
                hostile_run -w "/proc/self/fd/$fd/../../../../.." hostile:1
                [[ $output != *unharmed* ]]
        done
}

@test "an image whose program is /proc/self/exe, and one that writes to it" {
        local before
        before=$(sha256sum <"$HOLT")
        hostile_load '{"Entrypoint": ["/proc/self/exe"], "Cmd": ["run"]}' >/dev/null
        hostile_run hostile:1
        ((status != 0))
        hostile_run --entrypoint /bin/sh hostile:1 -c 'for i in /proc/[0-9]*/exe; do echo evil >>$i; done; true' 2>/dev/null
        [[ $(sha256sum <"$HOLT") == "$before" ]]
}

# ---- neighbours on the host ----

@test "other users of the host reach no file of the store" {
        chmod 755 "$WORK" "$BATS_RUN_TMPDIR"
        install -d -m 755 "$STORE" "$RUN"
        hostile_load '{}' "$CASES/layers/fine_devices.tar" >/dev/null
        at=$(holt image mount hostile:1)
        # shellcheck disable=SC2046
        holt run --rm --network none $(seccomp) hostile:1 /bin/sh -c 'cp /bin/sh /suid; chmod 4755 /suid'
        [[ -u $at/setuid && -b $at/sda ]]
        run -1 dd if="$at/null" count=1
        findmnt -n -o OPTIONS "$at" | grep -w nosuid | grep -w nodev
        run setpriv --reuid 1000 --regid 1000 --clear-groups find "$STORE" "$RUN" -type f -readable
        absent -v "Permission denied" <<<"$output"
        run setpriv --reuid 1000 --regid 1000 --clear-groups find "$STORE" "$RUN" -perm -4000
        absent -v "Permission denied" <<<"$output"
        holt image umount hostile:1
}

# ---- registries ----

hostile_registry_start() {
        python3 "$BATS_TEST_DIRNAME/hostile_registry.py" "$WORK/ports" "$WORK/requests" 3>&- &
        PIDS+=($!)
        until [[ -s $WORK/ports ]]; do sleep 0.05; done
        read -r HERE ELSEWHERE <"$WORK/ports"
        wait_for_port "$ELSEWHERE"
        : >"$WORK/requests"
}

@test "a registry that lies or never ends" {
        local case
        hostile_registry_start
        for case in both lies-smaller path blob-other blob-endless manifest-endless headers-endless digest-lies digest-path \
                other-type redirect-file redirect-loop foreign-file errors never; do
                refused pull -q --creds name:secret "127.0.0.1:$HERE/$case:1"
                [[ -z $(ls -A "$STORE/layers") ]]
        done
        refused pull -q -a --creds name:secret "127.0.0.1:$HERE/tags"
        nothing_stored
}

@test "credentials go to the registry alone (CVE-2020-15157, CVE-2019-10214)" {
        hostile_registry_start
        for case in foreign redirect; do
                holt pull -q --creds name:secret "127.0.0.1:$HERE/$case:1"
                grep "^elsewhere /blob" requests
                holt rmi -f "$(holt images -q)"
        done
        refused pull -q --creds name:secret "127.0.0.1:$HERE/foreign-challenge:1"
        grep "^elsewhere /challenge" requests
        grep "^here .* Basic" requests
        grep '^elsewhere' requests >elsewhere
        absent -v -- ' -$' elsewhere
        : >requests
        # What has to be https is not spoken to without.
        refused pull -q --tls-verify --creds name:secret "127.0.0.1:$HERE/fine:1"
        [[ ! -s requests ]]
}

@test "what a registry and its image say reaches no terminal raw" {
        local command
        hostile_registry_start
        script -qefc "$HOLT --root $STORE --run $RUN pull --creds name:secret 127.0.0.1:$HERE/warns:1" out </dev/null >/dev/null
        absent -aF $'\e]' out
        for command in history "history --human=false --no-trunc" "history --format '{{.CreatedAt}}{{.Comment}}'" "image inspect" \
                "image inspect --format '{{.Config.Labels.a}}{{.Os}}{{.Created}}'" "image inspect --format '{{json .}}'" "image tree"; do
                script -qefc "$HOLT --root $STORE --run $RUN $command 127.0.0.1:$HERE/warns:1" out </dev/null >/dev/null
                echo "$command: $(cat -v out)"
                absent -aq $'[\e\a]' out
        done
        # Programs get it as it is.
        [[ $(holt image inspect --format '{{.Config.Labels.a}}' "127.0.0.1:$HERE/warns:1") == *$'\e'* ]]
}

# ---- bombs ----

@test "archives that grow without end, or want more memory than there should be" {
        local case mb
        refused load -q -i "$CASES/bombs/archive"
        [[ $output == *"out of all proportion"* ]]
        for case in window dictionary; do
                refused import -q "$CASES/bombs/$case" x:1
                mb=$(memory_of "$HOLT" --root "$STORE" --run "$RUN" import -q "$CASES/bombs/$case" x:1)
                ((mb < 64 || SANITIZED))
        done
        nothing_stored
}

# ---- races ----

@test "kill -9 of holt and of holt-fetch at any moment" {
        local i pid child
        image_make good:1
        holt save -o good.tar good:1
        registry_start
        holt tag good:1 "$REGISTRY/good:1"
        holt push -q "$REGISTRY/good:1"
        for i in {1..48}; do
                holt rmi -f "$(holt images -q)" >/dev/null 2>&1 || true
                case $((i % 3)) in
                0) set -- pull -q "$REGISTRY/good:1" ;;
                1) set -- load -q -i good.tar ;;
                2) set -- import -q tree.tar new:1 ;;
                esac
                "$HOLT" --root "$STORE" --run "$RUN" "$@" >/dev/null 2>&1 3>&- &
                pid=$!
                sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
                child=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)
                if ((i % 2)); then
                        kill -9 "$pid" 2>/dev/null || true
                elif [[ -n $child ]]; then
                        kill -9 "${child%% *}" 2>/dev/null || true
                fi
                wait "$pid" 2>/dev/null || true
                run holt system check
                echo "$i $*: $output"
                [[ $output == "The store is in order" || $output == *"belongs to nothing"* ]]
        done
        holt system prune -f >/dev/null
        in_order
        holt pull -q "$REGISTRY/good:1"
        in_order
}

@test "pull, load, run, rmi and prune at once" {
        local until pids=()
        image_make good:1
        holt save -o good.tar good:1
        registry_start
        holt tag good:1 "$REGISTRY/good:1"
        holt push -q "$REGISTRY/good:1"
        holt rmi -f "$(holt images -q)"
        until=$((SECONDS + 3))
        race() {
                while ((SECONDS < until)); do
                        "$HOLT" --root "$STORE" --run "$RUN" "$@" >>"race.$1" 2>&1 3>&- </dev/null || true
                done
        }
        race pull -q "$REGISTRY/good:1" &
        pids+=($!)
        race pull -q "$REGISTRY/good:1" &
        pids+=($!)
        race load -q -i good.tar &
        pids+=($!)
        race rmi -f "$REGISTRY/good:1" good:1 &
        pids+=($!)
        race system prune -f &
        pids+=($!)
        # shellcheck disable=SC2046
        race run --network none --pull never $(seccomp) good:1 /bin/sh -c true &
        pids+=($!)
        wait "${pids[@]}"
        cat race.pull race.load race.run
        absent -ahiE "malformed|corrupt|damaged|locked|signal|assert" race.*
        # It may be removed before its pull has told so.
        absent -vE "^($REGISTRY/good:1|holt: .*: no such image: .*)$" race.pull
        in_order
        holt pull -q "$REGISTRY/good:1"
        in_order
}
