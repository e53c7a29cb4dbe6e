#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# completion.sh PROGRAM BASH ZSH FISH: what was generated for the shells loads there, and their answers
# are right; zsh and fish are asked where they are installed.
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
        case $* in
        "ps -a --format {{.Names}}") printf '%s\n' web worker ;;
        "ps --format container:{{.Names}}") printf '%s\n' container:web container:worker ;;
        "network ls --format {{.Name}}") printf '%s\n' bridge back ;;
        "volume ls --format {{.Name}}") printf '%s\n' data dump ;;
        "volume ls --format {{.Name}}:") printf '%s\n' data: dump: ;;
        "snapshot ls --format {{.Name}} -- web") printf '%s\n' before after ;;
        esac
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
        check "df disable doctor" system d
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
        check "web worker" stop ""
        check "web worker" stop web ""
        check "bridge back" network rm ""
        check "bridge back" network connect --alias x b
        check "web worker" network connect bridge ""
        check "" network connect bridge web ""
        check "" network create b
        check "data" volume inspect dump da
        check "web worker" snapshot rm ""
        check "before after" snapshot rm -f web ""
        check "before" snapshot restore web b
        check "web" exec -i we
        check "" exec web s
        check "web worker" commit w
        check "debian:12 debian:13" run deb
        check "" run debian:12 deb
        check "web worker" cp w
        check "web" inspect we
        check "none host pasta bridge back container:web container:worker" run --network ""
        check "bridge back" run --network b
        check "web worker" run --volumes-from w
        check "data:" create -v da
        check "web" container rm web we
        check "worker" stats --no-stream wo
        check "" frob ""
}

# The same programs once more, for shells that do not know the functions above.
stubs_make()
{
        cat >"$1/holt-oci" <<'EOF'
#!/bin/sh
case $* in
"list -q") printf '%s\n' web worker ;;
"--root /r list -q") echo other ;;
esac
EOF
        cat >"$1/holt" <<'EOF'
#!/bin/sh
case $* in
"images --filter dangling=false --format {{.Repository}}:{{.Tag}}\n{{.ID}}") printf '%s\n' debian:12 0123 debian:13 4567 ;;
"--root /r --run /s images --filter dangling=false "*) echo other:1 ;;
"ps -a --format {{.Names}}") printf '%s\n' web worker ;;
"ps --format container:{{.Names}}") echo container:web ;;
"network ls --format {{.Name}}") printf '%s\n' bridge back ;;
"volume ls --format {{.Name}}") printf '%s\n' data dump ;;
"volume ls --format {{.Name}}:") printf '%s\n' data: dump: ;;
"snapshot ls --format {{.Name}} -- web") printf '%s\n' before after ;;
"--root=/r images "* | "--root /r images "*) echo third:1 ;;
esac
EOF
        chmod 755 "$1/holt" "$1/holt-oci"
}

# A line of words for each line that is to be completed.
ask_zsh() { zsh -f "$(dirname "$0")/complete.zsh" "$@"; }

ask_fish() # FILE LINE...
{
        local line

        for line in "${@:2}"; do
                # The value of --option=VALUE comes with the option before it.
                # shellcheck disable=SC2016
                fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$1" "$line" | cut -f 1 | sed 's/^--.*=//' |
                        LC_ALL=C sort | paste -sd ' '
        done
}

check_shell() # SHELL FILE LINE EXPECTED...
{
        local shell=$1 file=$2 lines=() expected=() came i

        command -v "$shell" >/dev/null || return
        for ((i = 3; i < $#; i += 2)); do
                lines+=("${@:i:1}")
                expected+=("${@:i+1:1}")
        done
        mapfile -t came < <(PATH=$stubs:$PATH HOME=$stubs "ask_$shell" "$file" "${lines[@]}")
        for i in "${!lines[@]}"; do
                if [ "${came[i]-}" != "${expected[i]}" ]; then
                        echo "$shell: ${lines[i]}: expected \"${expected[i]}\", came \"${came[i]-}\""
                        failed=1
                fi
        done
}

bash -n "$2" || exit 1
# shellcheck disable=SC1090
. "$2"
"check_${program//-/_}"

stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
stubs_make "$stubs"
# What the two other shells are asked to complete, and what they have to offer, sorted.
case $program in
holt-oci) lines=(
        "holt-oci re" "restore resume"
        "holt-oci --root /r state " "other"
        "holt-oci delete --force w" "web worker"
        "holt-oci --log-format " "json text"
        "holt-oci list --form" "--format"
        "holt-oci help che" "checkpoint"
) ;;
holt) lines=(
        "holt pu" "pull push"
        "holt image p" "prune pull push"
        "holt system check --re" "--repair"
        "holt pull --policy " "always missing never newer"
        "holt image pull --policy=m" "missing"
        "holt image ls --fo" "--format"
        "holt rmi -f debian:1" "debian:12 debian:13"
        "holt --root /r --run /s save " "other:1"
        "holt --root=/r history " "third:1"
        "holt help pu" "pull push"
        "holt top w" "web worker"
        "holt container stop we" "web"
        "holt network connect b" "back bridge"
        "holt network connect bridge " "web worker"
        "holt volume rm data d" "data dump"
        "holt snapshot rm --force web " "after before"
        "holt exec -u root we" "web"
        "holt run --network b" "back bridge"
        "holt create --volumes-from w" "web worker"
        "holt run deb" "debian:12 debian:13"
) ;;
esac
check_shell zsh "$3" "${lines[@]}"
check_shell fish "$4" "${lines[@]}"
exit $failed
