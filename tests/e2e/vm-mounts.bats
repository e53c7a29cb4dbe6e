#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mounts.bats on an older kernel than the host's: loop devices, and all layers in one page. In the virtual machine:
# tests/vm/run.

bats_require_minimum_version 1.5.0

# All of the file is one test here.
setup_file() { export BATS_TEST_TIMEOUT=1000; }

@test "mounts.bats on the kernel $(uname -r)" {
        modprobe -a erofs loop overlay
        bats "$BATS_TEST_DIRNAME/mounts.bats"
}
