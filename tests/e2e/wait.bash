# SPDX-License-Identifier: Apache-2.0
#
# Waiting for what is about to come. Sourced by the other libraries.
#
# shellcheck shell=bash

# wait_for SECONDS COMMAND...: until it succeeds; what it prints is nobody's. Ten times as long when the host is busy: only
# a failure waits for that.
wait_for() {
        local end=$((SECONDS + 10 * $1))
        shift
        until "$@" >/dev/null 2>&1; do
                ((SECONDS < end)) || {
                        echo "waited in vain for: $*"
                        return 1
                }
                sleep 0.02
        done
}

# differs FILE TEXT: the file has something else by now.
differs() { [[ $(cat "$1") != "$2" ]]; }

# has_let_go PID: the process is dead, and nobody has its files any more; whether somebody has waited for it or not.
has_let_go() { [[ ! -e /proc/$1/fd/0 ]]; }
