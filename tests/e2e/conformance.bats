#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Behaviour that users of runc rely on and that is easily done otherwise.
# shellcheck shell=bash

load helpers

# A script that reads `run -t` through a pipe wants lines as the program wrote them.
@test "output of a relayed terminal has bare newlines" {
        config '.process.terminal = true'
        script 'echo one; echo two'
        [ "$(rt run "$ID" </dev/null | od -An -c | tr -d ' \n')" = 'one\ntwo\n' ]
}

@test "a newline on the caller's terminal is still CR LF" {
        config '.process.terminal = true'
        script 'echo one; echo two'
        "$TESTS/tty_drive.py" -e 'two' -- "$RUNTIME" --root "$ROOT" run "$ID" >"$WORK/tty"
        od -An -c "$WORK/tty" | tr -d ' \n' | grep -F 'one\r\ntwo\r\n'
}

@test "environment: of one name the last entry counts" {
        config '.process.env = ["A=1", "PATH=/bin", "A=", "B=x", "AB=y", "A=3", "B=z=w"]'
        process env
        [ "$(rt run "$ID" | sort)" = "$(printf '%s\n' A=3 AB=y B=z=w HOME=/root PATH=/bin)" ]
}

@test "environment: an empty HOME is that of the user" {
        config '.process.env += ["HOME=/elsewhere", "HOME="] | .process.user = {"uid": 1000, "gid": 1000}'
        script 'echo "$HOME"'
        [ "$(rt run "$ID")" = /home/test ]
}

@test "environment: thousands of entries, half of them twice" {
        config '.process.env += [range(4000) | "VARIABLE_\(. % 2000)=\(.)"]'
        script 'env | grep -c ^VARIABLE_; echo $VARIABLE_1999'
        [ "$(rt run "$ID" | xargs)" = "2000 3999" ]
}
