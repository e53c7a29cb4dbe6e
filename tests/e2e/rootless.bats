#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Images in the hands of an ordinary user, and what he runs in the foreground.

load rootless

setup_file() {
        user_make
        make_trees
}

teardown_file() { user_remove; }

setup() { user_setup; }

teardown() { user_teardown; }

OPTIONS=(--rm --network none)

hr() { user timeout 60 "$HOLT" run "${OPTIONS[@]}" "$@"; }

trees() { find "$WORK/root/unpacked" -mindepth 1 -maxdepth 1 ! -name '*.*' | wc -l; }

# Two layers with all that a layer can have.
make_trees() {
        local lower=$PLACE/lower upper=$PLACE/upper
        rootfs_make "$lower"
        ln -s busybox "$lower/bin/md5sum"
        mkdir -p "$lower/all/"{gone,hidden,kept,closed} "$upper/all/"{hidden,kept}
        echo lower | tee "$lower/all/gone/file" "$lower/all/hidden/file" "$lower/all/kept/file" "$lower/all/device" \
                >"$lower/all/gone-file"
        install -m 4755 -o 33 -g 44 /bin/true "$lower/all/setuid"
        install -m 2755 /bin/true "$lower/all/setgid"
        setcap cap_net_raw+ep "$lower/all/setgid"
        if [ -n "$(command -v setfattr)" ]; then # not in the virtual machine
                setfattr -n user.name -v value "$lower/all/kept/file"
                setfattr -n user.overlay.redirect -v /etc "$lower/all/kept"
        fi
        ln "$lower/all/setuid" "$lower/all/kept/linked"
        ln -s /nowhere "$lower/all/link"
        chown -h 33:44 "$lower/all/link"
        mkfifo "$lower/all/fifo"
        truncate -s 10M "$lower/all/holes"
        printf data | dd of="$lower/all/holes" bs=1 seek=5000000 conv=notrunc status=none
        head -c 100000 /dev/urandom >"$lower/all/data"
        chown 1:65535 "$lower/all/data"
        chmod 0 "$lower/all/closed"
        chmod 1777 "$lower/all/kept"
        touch -d '2001-02-03 04:05:06.123456789 UTC' "$lower/all/gone-file" "$lower/all/data" "$lower/all/closed"
        touch -h -d '2001-02-03 04:05:06.5 UTC' "$lower/all/link"
        touch "$upper/all/.wh.gone" "$upper/all/.wh.gone-file" "$upper/all/hidden/"{.wh..wh..opq,new} "$upper/all/kept/new"
        mkdir "$upper/dev"
        mknod "$upper/all/device" c 5 1
        mknod "$upper/dev/console" c 5 1
        tar -C "$lower" --format=pax --xattrs --xattrs-include='*' -Scf "$PLACE/lower.tar" .
        tar -C "$upper" --format=pax -cf "$PLACE/upper.tar" .
        chmod 644 "$PLACE"/*.tar
        rm -rf "$lower" "$upper"
}

# root COMMAND...: mounts of layers are gone with it.
root() { HOLT_ROOT=$WORK/of-root HOLT_RUN=$WORK/of-root/run unshare --mount --propagation private "$@"; }

@test "he is root in it, and the rest of the ids are his subordinates" {
        image box "$PLACE/lower.tar"
        mkdir -m 777 out
        is "$(hr -v "$WORK/out:/mnt" box sh -c 'id -u; id -g; cat /proc/self/uid_map; touch /mnt/root; touch /mnt/test
                chown 33:44 /mnt/test; hostname | wc -c; echo $$' | xargs)" '0 0 0 12345 1 1 200000 65536 13 1'
        is "$(stat -c %u:%g out/root out/test | xargs)" '12345:12345 200032:200043'
        is "$(hr -u test box id -u)" 1000
        is "$(hr -u 33:44 box id -g)" 44
        run -3 hr box sh -c 'exit 3'
        run -127 hr box nosuchprogram
}

@test "it has a network of its own, with lo alone, and the devices that one needs" {
        image box "$PLACE/lower.tar"
        is "$(hr box sh -c 'ls /sys/class/net; ip addr show lo | grep -c "UP.*"; ip addr show lo | grep -c 127.0.0.1' | xargs)" 'lo 1 1'
        is "$(hr box sh -c 'head -c 3 /dev/zero | od -An -tx1; echo x >/dev/null; ls -d /dev/pts/ptmx; umask' | xargs)" \
                '00 00 00 /dev/pts/ptmx 0022'
        run hr box mount -t tmpfs none /mnt
        [ "$status" -ne 0 ]
        run hr --read-only box touch /file
        [ "$status" -ne 0 ]
}

@test "what he sees is what root sees" {
        # shellcheck disable=SC2016 # that shell's own
        local look='cd /all && find . | sort | while read -r f; do
                [ "$f" = ./device ] || stat -c "%n %f %u:%g %h %s %Y %N" "$f"
                [ ! -f "$f" ] || [ "$f" = ./device ] || md5sum "$f"; done'
        image box "$PLACE/lower.tar" "$PLACE/upper.tar"
        mkdir -p "$WORK/of-root/run"
        WHO=root image box "$PLACE/lower.tar" "$PLACE/upper.tar"
        root "$HOLT" run "${OPTIONS[@]}" box sh -c "$look" | sed -E '/^\.[^ ]* 4/s/ [0-9]+ ([0-9]+ [^ ]+)$/ \1/' >of-root.txt
        hr box sh -c "$look" 2>warning | sed -E '/^\.[^ ]* 4/s/ [0-9]+ ([0-9]+ [^ ]+)$/ \1/' >his.txt
        diff of-root.txt his.txt
        grep -q '^\./closed 4000' his.txt
        grep -qE '^[0-9a-f]{32} +\./data' his.txt
        grep -q 'all/hidden/new\|^\./hidden/new' his.txt
        run ! grep -E '\./(gone|gone-file|hidden/file) ' his.txt
        # What he cannot have is hidden, not what lies below it; and he is told once.
        run hr box ls /all/device
        [ "$status" -eq 1 ]
        grep -q '1 devices' warning
        [[ $output != *warning* ]]
        local tree
        tree=$(dirname "$(find root/unpacked -name holes)")
        if [ -n "$(command -v getfattr)" ]; then
                is "$(getfattr --absolute-names --only-values -n user.name "$tree/kept/file")" value
                [[ $(getfattr -d -m - "$tree/kept") != *redirect* ]]
        fi
        getcap "$tree/setgid" | grep -q cap_net_raw
        [ "$(stat -c %b "$tree/holes")" -lt 100 ]
        [ "$(stat -c %i "$tree/setuid")" = "$(stat -c %i "$tree/kept/linked")" ]
        is "$(stat -c %y "$tree/data")" '2001-02-03 04:05:06.123456789 +0000'
}

@test "set-user-id programs are root's of the namespace, and no one else's outside" {
        image box "$PLACE/lower.tar"
        hr box true
        is "$(stat -c %a root/unpacked)" 700
        is "$(find root/unpacked -name setuid -perm 4755 -uid 200032 -gid 200043 | wc -l)" 1
}

@test "a layer is unpacked once, however many want it" {
        image box "$PLACE/lower.tar" "$PLACE/upper.tar"
        local i pids=()
        for i in {1..6}; do
                hr box sh -c "echo $i" >"out.$i" 2>"err.$i" &
                pids+=($!)
        done
        for i in "${pids[@]}"; do wait "$i"; done
        is "$(cat out.* | sort | xargs)" '1 2 3 4 5 6'
        is "$(cat err.* | grep -c warning)" 1
        is "$(trees)" 2
}

@test "kill -9 while it unpacks, and while it runs: the next one takes the rest away" {
        image box "$PLACE/lower.tar"
        local i
        for i in {1..25}; do
                user timeout -s KILL "$(printf '0.%03d' $((i * 4)))" "$HOLT" run "${OPTIONS[@]}" box true || true
        done
        mkfifo ready
        user "$HOLT" run "${OPTIONS[@]}" -u test --name left box sh -c 'mkdir -p /tmp/a; echo up; sleep 1234' >ready &
        head -n 1 ready
        pkill -KILL -f "^$HOLT run.* --name left" -u 12345
        wait $! || true
        # Its shim does not need it.
        is "$(user "$HOLT" ps --format '{{.Names}}')" left
        kill -KILL "$(pgrep -f "^holt-shim run $WORK/root ")"
        nobody_left
        hr --name left box true
        nothing_left
        run ! pgrep -f 'sleep 1234' -u 200999
        is "$(trees)" 1
        is "$(hr box md5sum /all/data | cut -c 1-32)" "$(tar -xOf "$PLACE/lower.tar" ./all/data | md5sum | cut -c 1-32)"
}

@test "removing an image removes what was unpacked" {
        image box "$PLACE/lower.tar"
        image both "$PLACE/lower.tar" "$PLACE/upper.tar"
        hr both true
        hr box true
        is "$(trees)" 2
        user "$HOLT" rmi both
        is "$(trees)" 1
        user "$HOLT" rmi box
        is "$(trees)" 0
        is "$(find root/layers -type f)" ''
}

@test "what is unpacked is in the sums, and what belongs to nothing is found" {
        image box "$PLACE/lower.tar"
        hr box true
        local size tree
        tree=$(find root/unpacked -mindepth 1 -maxdepth 1)
        size=$(readlink "$tree/size")
        # About, as du has it.
        du -s -B1 "$tree/tree" | awk -v size="$size" '{ exit !(size > $1 * 0.9 && size < $1 * 1.1) }'
        user "$HOLT" system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep -x 'Unpacked Layers 1 1'
        user "$HOLT" system check
        user mkdir "root/unpacked/$(printf 'a%.0s' {1..64})-01234567" "root/unpacked/torn.new"
        run -1 user "$HOLT" system check
        [[ $output == *'unpacked/aaa'*' belongs to nothing'* && $output == *'unpacked/torn.new is not whole'* ]]
        user "$HOLT" system check --repair
        user "$HOLT" system check
        is "$(find root/unpacked -mindepth 1 -maxdepth 1)" "$tree"
}

@test "without subordinate ids all files are his, and root is the only user" {
        image box "$PLACE/lower.tar"
        ranges someone:1:2
        is "$(hr box sh -c 'id -u; cat /proc/self/uid_map; stat -c %u:%g /all/data' 2>warning | xargs)" '0 0 12345 1 0:0'
        grep -q ' [1-9][0-9]* files belong to root' warning
        run -125 hr -u 33 box true
        run hr box true
        is "$status $output" '0 '
        # With ids of his it is not the same layer; both go.
        ranges 12345:300000:65536
        is "$(hr box stat -c %u:%g /all/data)" 1:65535
        is "$(trees)" 2
        user "$HOLT" rmi box
        is "$(trees)" 0
}

@test "lines of /etc/subuid that say nothing are passed over" {
        image box "$PLACE/lower.tar"
        ranges nonsense he:x:y he:1: he:400000:0 he:4000000000:400000000 other:1:1000 he:200000:100 '' 12345:300000:65535
        is "$(hr box cat /proc/self/gid_map 2>/dev/null | xargs)" '0 12345 1 1 200000 100 101 300000 65535'
}

@test "what was not on the disk when the machine went down is unpacked again" {
        image box "$PLACE/lower.tar"
        hr box true
        local tree
        tree=$(find root/unpacked -mindepth 1 -maxdepth 1)
        until [ ! -L "$tree/boot" ]; do sleep 0.1; done
        touch "$tree/tree/kept"
        hr box ls /kept
        ln -s another-boot "$tree/boot"
        run hr box ls /kept
        [ "$status" -eq 1 ]
        is "$(trees)" 1
}

@test "a layer that is damaged is refused, and leaves nothing" {
        image box "$PLACE/lower.tar"
        local layer
        layer=$(find root/layers -type f -size +100k)
        chmod 600 "$layer"
        # The root directory's inode.
        head -c 64 /dev/zero | dd of="$layer" bs=1 seek=1152 conv=notrunc status=none
        run -125 hr box true
        [[ $output == *damaged* || $output == *'no such node'* ]]
        is "$(trees)" 0
}

@test "a terminal" {
        image box "$PLACE/lower.tar"
        [[ $(user script -qec "$HOLT run ${OPTIONS[*]} -it box sh -c 'tty && id -u'" /dev/null </dev/null) == \
                */dev/pts/0*0* ]]
        ranges nobody:1:1
        [[ $(user script -qec "$HOLT run ${OPTIONS[*]} -it box tty" /dev/null </dev/null) == */dev/pts/0* ]]
}

@test "root of a namespace that he makes himself may mount images, he may not" {
        image box "$PLACE/lower.tar"
        run user "$HOLT" image mount box
        [ "$status" -eq 1 ]
        [[ $output == *'needs root'* ]]
        # shellcheck disable=SC2016 # that shell's own
        is "$(user unshare --user --map-root-user --mount sh -c 'dir=$("$0" image mount box 2>/dev/null) && cat "$dir/all/kept/file" &&
                ! touch "$dir/all/file" 2>/dev/null' "$HOLT")" lower
}

@test "a limit needs a cgroup of his own" {
        image box "$PLACE/lower.tar"
        hr -m 64m --cpus 1 box echo ran >out 2>warning
        is "$(cat out)" ran
        is "$(grep -c 'warning: limits do not hold' warning)" 1
        is "$(hr box echo ran 2>&1)" ran
        run -125 hr -m 1k box true
        [[ $output == *'6m is the least'* ]]
}

@test "import, images, inspect, save, load, tag, rmi" {
        [ -x "$PLACE/holt-fetch" ] || skip 'holt-fetch is not here'
        user "$HOLT" import --change 'CMD ["id", "-u"]' "$PLACE/lower.tar" his:1
        [[ $(user "$HOLT" images) == *his*1* ]]
        user "$HOLT" save -o "$WORK/root/saved" his:1
        user "$HOLT" rmi his:1
        user "$HOLT" load -i "$WORK/root/saved"
        user "$HOLT" tag his:1 his:2
        is "$(hr his:2)" 0
        user "$HOLT" system check
        user "$HOLT" rmi his:1 his:2
        is "$(find root/layers -type f)" ''
}
