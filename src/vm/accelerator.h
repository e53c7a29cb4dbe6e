/* SPDX-License-Identifier: Apache-2.0 */
/* What runs a guest's instructions: the processor, through KVM, or QEMU's translator (TCG). */
#pragma once

#include <stddef.h>

enum accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM };

/* Which, and in ret_why the reason as a person reads it. A /dev/kvm that opens is no proof: without the processor's
 * help (vmx, svm) it is an emulation in which a distribution's kernel dies. HOLT_VM_ACCEL=kvm|tcg decides otherwise. */
enum accelerator accelerator_probe(char *ret_why, size_t size);

const char *accelerator_name(enum accelerator a);
