#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# holt doctor on this host; what other hosts have is in tests/unit/test_instance_doctor.c.

load images

setup() { store_make; }

teardown() { store_finish; }

# In a network namespace of its own: nothing of the machine's firewall is touched.
alone() { unshare --net "$@"; }

@test "doctor: a group and its findings, the exit status, no store is made" {
        holt doctor >out
        grep -x kernel out
        grep -Ex '  ok +Linux .*' out
        grep -E '^[0-9]+ ok, [0-9]+ warnings?, 0 problems$' out
        [ ! -e "$STORE" ]
        run ! grep "$(printf '\033')" out
        # What is not well says why, and nothing else is shown with -q.
        holt doctor -q >out
        run ! grep -E '^  ok ' out
}

@test "doctor: JSON and templates" {
        holt doctor --format json >out
        jq -es 'any(.Group == "storage" and .Check == "overlay" and .Level == "ok")' out
        [ "$(jq -r 'select(.Level != "ok" and .Why == "") | .Check' out)" = "" ]
        holt doctor --format '{{.Group}}.{{.Check}}' | grep -x storage.space
        run -1 holt doctor --format '{{.Nonsense}}'
}

@test "doctor: what is tried leaves nothing behind" {
        mkdir -p "$STORE"
        holt doctor >/dev/null
        [ -z "$(ls -A "$STORE")" ]
        [[ $(losetup --list --noheadings --output BACK-FILE) != *"$STORE"* ]]
        [ -z "$(find /sys/fs/cgroup -maxdepth 4 -name 'holt-doctor-*')" ]
}

@test "doctor: firewalls of others, and how to mend them" {
        command -v nft || skip "needs nft"
        alone bash -c 'nft "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }
                chain ufw-user-forward { }; }"; "$@"' - "$HOLT" doctor --format '{{.Check}}: {{.Finding}}: {{.Mend}}' >out
        grep '^forward: ufw drops .*: ufw route allow in on holt0' out
        alone bash -c 'nft "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }
                chain DOCKER-USER { }; }"; "$@"' - "$HOLT" doctor --format '{{.Check}}: {{.Finding}}' >out
        grep '^docker: Docker drops ' out
        alone bash -c 'nft "table inet firewalld { chain filter_FORWARD { type filter hook forward priority 0; }; }"
                "$@"' - "$HOLT" doctor --format '{{.Check}}: {{.Level}}' >out
        grep '^firewalld: ok' out
}

@test "doctor: a problem is told by the exit status" {
        # No place for an overlay: the store is on one.
        mkdir lower upper work over
        unshare --mount bash -c 'mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay over &&
                mkdir over/store && exec "$0" --root over/store --run run doctor -q' "$HOLT" >out || status=$?
        [ "$status" -eq 1 ]
        grep '  problem  overlayfs cannot be mounted in ' out
}

@test "doctor: --fix only shows with --dry-run, and needs root" {
        holt doctor --fix --dry-run >out 2>err
        run ! grep -E '^(done|failed):' err
        command -v setpriv || skip "needs setpriv"
        chmod 755 "$WORK"
        cp "$HOLT" "$WORK/holt"
        run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/holt" --root "$WORK/s" --run "$WORK/r" doctor --fix
        [ "$status" -eq 1 ]
        [[ $output == *'needs root'* ]]
}

@test "doctor: an ordinary user" {
        command -v setpriv || skip "needs setpriv"
        chmod 755 "$WORK"
        cp "$HOLT" "$WORK/holt"
        run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/holt" --root "$WORK/s" --run "$WORK/r" doctor \
                --format '{{.Group}}.{{.Check}} {{.Level}}'
        [[ $output == *'users.subuid '* && $output != *'firewall.'* ]]
}
