/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: making them with clone3(2), naming them by pidfd, telling a recycled pid apart. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct clone_options {
        uint64_t flags; /* CLONE_NEW*, CLONE_PARENT */
        int cgroup_fd;  /* >= 0: CLONE_INTO_CGROUP (Linux 5.7) */
        int *ret_pidfd; /* NULL: not wanted */
};

/* Like fork(): 0 in the child, its pid in the parent, or -errno. */
pid_t process_clone(const struct clone_options *o);

/* A pidfd, or -errno (-ESRCH: no such process). */
int process_open(pid_t pid);
int process_signal(int pidfd, int signo);

/* Field 22 of /proc/PID/stat (clock ticks after boot) and its state letter; -ESRCH when there is no such process. */
int process_stat(pid_t pid, uint64_t *ret_start_time, char *ret_state);

/* Waits for the child; returns the shell's exit status: the code, or 128 + signal. -errno on failure. */
int process_wait(pid_t pid);
int process_exit_status(int wait_status);

/*
 * Nobody but a process with CAP_SYS_PTRACE in our user namespace may trace us or follow our links in /proc until the
 * next exec, also when we have come down to rights that others have (runc CVE-2016-9962). Children inherit it.
 */
void process_hide(void);

/* Sets the default action of every signal and empties the mask: what a new program expects. */
void process_reset_signals(void);
