/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes sure that this program runs from a file that nobody can write through /proc/PID/exe: executes itself again when
 * it does not. Returns when it does; ends the process when it cannot be had.
 */
void sealed_start(char **argv, char **envp);
