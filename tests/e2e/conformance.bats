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
