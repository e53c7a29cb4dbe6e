/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes sure that this program runs from a file that nobody can write through /proc/PID/exe: executes itself again when
 * it does not. Returns when it does; ends the process when it cannot be had. With HOLT_SEALED_NAME argv[0] is then the
 * path of the file that was executed first: /proc/self/exe says it no more.
 */
void sealed_start(char **argv, char **envp);
