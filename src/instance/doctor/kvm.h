/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs three instructions in a guest by /dev/kvm: 0 or -errno. May hang where KVM is broken. */
int kvm_try(void);
