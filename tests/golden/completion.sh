#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# completion.sh BASH ZSH FISH: what was generated for the shells loads, and bash's answers are right.
set -u
failed=0

check() # EXPECTED WORDS...: the last word is the one that is completed
{
        local expected=$1 words=("${@:2}")

        COMP_WORDS=(holt-oci "${words[@]}")
        COMP_CWORD=${#words[@]}
        COMPREPLY=()
        _holt_oci
        if [ "${COMPREPLY[*]-}" != "$expected" ]; then
                echo "holt-oci ${words[*]}: expected \"$expected\", came \"${COMPREPLY[*]-}\""
                failed=1
        fi
}

# In place of the program: it knows two containers below one root.
holt-oci()
{
        [ "$*" = "list -q" ] && printf '%s\n' web worker
        [ "$*" = "--root /r list -q" ] && echo other
}

bash -n "$1" || exit 1
# shellcheck disable=SC1090
. "$1"
check "restore resume" re
check "--systemd-cgroup" --sys
check "text json" --log-format ""
check "--no-pivot --no-new-keyring" --debug create --no
check "web" start we
check "web worker" delete --force w
check "other" --root /r state ""
check "restore resume" --log state re
check "" run ""
check "table json" list -f ""
check "0 1" update --cpu-idle ""
check "SIGTERM" kill web SIGTE
check "web worker" kill w
check "checkpoint" help che
check "" frob ""

# Syntax only, where these shells are.
if command -v zsh >/dev/null; then
        zsh -n "$2" || failed=1
fi
if command -v fish >/dev/null; then
        fish --no-execute "$3" || failed=1
fi
exit $failed
