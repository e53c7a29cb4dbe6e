#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mounts.bats on an older kernel than the host's: loop devices, and all layers in one page. In the virtual machine:
# tests/vm/run.

bats_require_minimum_version 1.5.0

# All of the file is one test here.
setup_file() { export BATS_TEST_TIMEOUT=1000; }

@test "mounts.bats on this machine's kernel" {
        modprobe -a erofs loop overlay
        KILLS=12 KILLS_APART=70 bats "$BATS_TEST_DIRNAME/mounts.bats"
}
