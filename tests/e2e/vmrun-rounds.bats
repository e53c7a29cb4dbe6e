#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Machines that come and go, and what is left of them. HOLT_TEST_ROUNDS and HOLT_TEST_BOOTS: how often.

load images

@test "rounds of starts and stops, and boots on a busy host, leave nothing behind" {
        if objdump -p "$BUILD/holt-agent" | grep -q NEEDED; then skip 'needs a static holt-agent'; fi
        run env ROUNDS="${HOLT_TEST_ROUNDS:-10}" BOOTS="${HOLT_TEST_BOOTS:-3}" \
                timeout 600 "$BATS_TEST_DIRNAME/../bench/machine_rounds.py" "$BUILD"
        echo "$output"
        [ "$status" = 0 ]
}
