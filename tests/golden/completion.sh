#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# completion.sh PROGRAM BASH ZSH FISH: what was generated for the shells loads, and bash's answers are right.
set -u
program=$1
failed=0

check() # EXPECTED WORDS...: the last word is the one that is completed
{
        local expected=$1 words=("${@:2}")

        COMP_WORDS=("$program" "${words[@]}")
        COMP_CWORD=${#words[@]}
        COMPREPLY=()
        "_${program//-/_}"
        if [ "${COMPREPLY[*]-}" != "$expected" ]; then
                echo "$program ${words[*]}: expected \"$expected\", came \"${COMPREPLY[*]-}\""
                failed=1
        fi
}

# In place of the programs: two containers below one root, three images below another.
holt-oci()
{
        [ "$*" = "list -q" ] && printf '%s\n' web worker
        [ "$*" = "--root /r list -q" ] && echo other
}

holt()
{
        local list="images --filter dangling=false --format {{.Repository}}:{{.Tag}}\\n{{.ID}}"

        [ "$*" = "$list" ] && printf '%s\n' debian:12 0123 debian:13 4567 localhost:5000/web:1 89ab
        [ "$*" = "--root /r --run /s $list" ] && echo other:1
}

check_holt_oci()
{
        check "restore resume" re
        check "--systemd-cgroup" --sys
        check "text json" --log-format ""
        check "--no-pivot --no-new-keyring" --debug create --no
        check "web" start we
        check "web worker" delete --force w
        check "other" --root /r state ""
        check "other" --root = /r state ""
        check "restore resume" --log state re
        check "" run ""
        check "table json" list -f ""
        check "table json" list --format = ""
        check "json" list --format = j
        check "0 1" update --cpu-idle ""
        check "SIGTERM" kill web SIGTE
        check "web worker" kill w
        check "checkpoint" help che
        check "" frob ""
}

check_holt()
{
        check "image images import" im
        check "--root --run" --r
        check "prune pull push" image p
        check "umount unmount" image u
        check "--force --filter" image prune -a --f
        check "--format" image ls --fo
        check "--format" images --fo
        check "df" system d
        check "always missing newer never" pull --policy ""
        check "missing" image pull --policy = m
        check "auto tty plain json none" push --progress ""
        check "table json" images --format ""
        check "" search ""
        check "0123" history 01
        check "debian:12 debian:13" tag deb
        # Readline ends words at colons.
        check "12 13" rmi -f debian : 1
        check "12 13" rmi debian :
        check "5000/web:1" image inspect localhost :
        check "5000/web:1" image inspect localhost : 5
        check "1" push localhost : 5000/web :
        check "other:1" --root /r --run /s save o
        check "--output" save --out
        check "" frob ""
}

bash -n "$2" || exit 1
# shellcheck disable=SC1090
. "$2"
"check_${program//-/_}"

# Syntax only, where these shells are.
if command -v zsh >/dev/null; then
        zsh -n "$3" || failed=1
fi
if command -v fish >/dev/null; then
        fish --no-execute "$4" || failed=1
fi
exit $failed
