#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# holt-run.bats on an older kernel than the host's, with cgroup v2 alone. In the virtual machine: tests/vm/run.

bats_require_minimum_version 1.5.0

# All of the file is one test here.
setup_file() { export BATS_TEST_TIMEOUT=1000; }

@test "holt-run.bats on this machine's kernel" {
        modprobe -a erofs loop overlay
        bats "$BATS_TEST_DIRNAME/holt-run.bats"
}
