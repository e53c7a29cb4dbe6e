#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The runtime's own program file, attacked from containers (CVE-2019-5736). It is a copy: it shall be allowed to break.

load attack

setup() {
        attack_setup
        ORIGINAL=$RUNTIME
        cp "$RUNTIME" "$WORK/runtime"
        RUNTIME=$WORK/runtime
        BEFORE=$(sha256sum <"$RUNTIME")
}

teardown() {
        RUNTIME=$ORIGINAL
        ! mountpoint -q "$WORK/usr" || umount -l "$WORK/usr"
        bundle_remove
}

unharmed() { [ "$(sha256sum <"$RUNTIME")" = "$BEFORE" ]; }

# What an image does to have the runtime's file executed in the container, where the attacker can get at it.
@test "an image whose program is /proc/self/exe" {
        process /proc/self/exe
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -lt 124 ]
        [[ $output == *USAGE* || $output == *Usage* || $output == *usage* || $output == *SYNOPSIS* || $output == *denied* ]]
        unharmed
}

@test "a script whose interpreter is /proc/self/exe" {
        printf '#!/proc/self/exe\n' >rootfs/bin/script
        chmod +x rootfs/bin/script
        process /bin/script
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [ "$status" -ne 0 ]
        [ "$status" -lt 124 ]
        unharmed
}

@test "an ELF program whose interpreter is /proc/self/exe" {
        "${CC:-cc}" -o rootfs/bin/program "$BATS_TEST_DIRNAME/attacker.c" -Wl,--dynamic-linker=/proc/self/exe
        process /bin/program exe 1
        run timeout 20 "$RUNTIME" --root "$ROOT" run "$ID"
        [[ $output != *got* ]]
        unharmed
}

# attacked COMMAND...: while the attacker of the container works, COMMAND brings the runtime into its sight; then all
# of it has ended and he tries what he has kept.
attacked() {
        process /bin/attacker exe 60
        rt run -d "$ID" </dev/null >"$WORK/attack" 2>&1 3>&-
        wait_for 10 grep -q ready "$WORK/attack"
        again 40 "$WORK/attack" may_fail "$@" >/dev/null 2>&1
        touch rootfs/stop
        wait_for 30 grep -q got "$WORK/attack"
        cat "$WORK/attack"
        run ! grep -q '^seen 0$' "$WORK/attack"
        grep -q '^got 0$' "$WORK/attack"
        unharmed
        "$RUNTIME" --version
}

@test "exec of /proc/self/exe while the container tries to write it" { attacked rt exec "$ID" /proc/self/exe --version; }

@test "the same as nearly all of root" {
        grant CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYS_CHROOT CAP_MKNOD CAP_FOWNER
        attacked rt exec "$ID" /proc/self/exe --version
}

@test "exec of scripts, with the eyes of CAP_SYS_PTRACE on the runtime itself" {
        grant CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE
        printf '#!/proc/self/exe\n' >rootfs/bin/script
        chmod +x rootfs/bin/script
        attacked rt exec "$ID" /bin/script
}

@test "a read-only place of the runtime that becomes writable later" {
        # An administrator updates the system: what the container kept must still not be writable.
        mkdir "$WORK/usr"
        mv "$WORK/runtime" "$WORK/usr/runtime"
        mount --bind "$WORK/usr" "$WORK/usr"
        mount -o remount,bind,ro "$WORK/usr"
        RUNTIME=$WORK/usr/runtime
        process /bin/attacker exe 60
        rt run -d "$ID" </dev/null >"$WORK/attack" 2>&1 3>&-
        wait_for 10 grep -q ready "$WORK/attack"
        again 20 "$WORK/attack" may_fail rt exec "$ID" /proc/self/exe --version >/dev/null 2>&1
        mount -o remount,bind,rw "$WORK/usr"
        touch rootfs/stop
        wait_for 30 grep -q got "$WORK/attack"
        cat "$WORK/attack"
        unharmed
        run ! grep -q '^seen 0$' "$WORK/attack"
        grep -q '^got 0$' "$WORK/attack"
}

@test "an ordinary user's runtime" {
        for_ordinary_user
        process /bin/attacker exe 60
        as_user "$RUNTIME" --root "$ROOT" run -d "$ID" </dev/null >"$WORK/attack" 2>&1 3>&- || { cat "$WORK/attack"; false; }
        wait_for 10 grep -q ready "$WORK/attack"
        again 20 "$WORK/attack" as_user "$RUNTIME" --root "$ROOT" exec "$ID" /proc/self/exe --version >/dev/null
        touch rootfs/stop
        wait_for 30 grep -q got "$WORK/attack"
        cat "$WORK/attack"
        run ! grep -q '^seen 0$' "$WORK/attack"
        grep -q '^got 0$' "$WORK/attack"
        unharmed
        # What is a user's is not root's to delete.
        as_user "$RUNTIME" --root "$ROOT" delete --force "$ID"
}
