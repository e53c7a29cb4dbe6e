#!/bin/zsh -f
# SPDX-License-Identifier: Apache-2.0
# complete.zsh FILE LINE...: what zsh offers at the end of each line with the completion in FILE, in one line of words.
#
# Completion lives in the line editor alone, so a shell behind a terminal of its own is asked. That one reads this
# script, too ("inside"): it prints what it would have added to its list.

# Takes the place of the editor's own, which is still used where a function only asks it what would match.
compadd()
{
        local -a offered

        if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"
                return
        fi
        builtin compadd -A offered "$@"
        (( ! $#offered )) || print -rl -- "@offer "${^offered}
}

say-what-completes()
{
        print
        zle complete-word
        print @end
        zle kill-whole-line
}

if [[ $1 == inside ]]; then
        fpath=("${2:h}" $fpath)
        autoload -Uz compinit
        compinit -D -u
        zle -N say-what-completes
        bindkey '^I' say-what-completes
        print @ready
        return
fi

zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source ${(q)0:A} inside ${(q)1:A}"
zpty -r shell said '*@ready*' || exit 1
for line in "${@:2}"; do
        words=()
        zpty -n -w shell "$line"$'\t'
        while zpty -r shell said && [[ $said != *@end* ]]; do
                said=${said%%$'\r'*}
                [[ $said != *"@offer "* ]] || words+=(${said##*@offer })
        done
        print -r -- ${(o)words}
done
zpty -d shell
