/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a dynamically linked program does with its libraries before its main(), with a file of the layer (of 5 pages or
 * more) in their place: the kernel's way through all of that is gone once (monitor/rehearsal.h). Nothing of the file
 * is executed: QEMU would keep watching its pages, whoever has them later. An exit status.
 */
int rehearse_and_wait(const char *file);

/* The first is an instance's program, and goes on until the second has done the same beside it, as an exec has it. */
int rehearse_beside(const char *file);
