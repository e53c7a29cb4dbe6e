/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal and the signals of a command that relays for a program: raw while it does, and as it was when the
 * command ends or is suspended.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "base/error.h"

struct user_terminal {
        int fd; /* -1: none is raw */
        struct termios saved;
        int signals; /* a signalfd */
        sigset_t before;
};

/*
 * terminal: whether the program has one; then ours is made raw, if we have one at standard input. Signals that may end
 * or stop us wait from now on for user_terminal_signal(): with a raw terminal, to put it right first; with all, to be
 * passed on.
 */
int user_terminal_open(struct user_terminal *t, bool terminal, bool all, struct error *err);
void user_terminal_close(struct user_terminal *t);
#define own_user_terminal __attribute__((cleanup(user_terminal_close)))

/* The next signal, 0 if there is none. Being suspended is done in here; SIGWINCH is returned afterwards. */
int user_terminal_signal(struct user_terminal *t);

/* Puts the terminal right and ends by the signal. */
void user_terminal_die(struct user_terminal *t, int signo) __attribute__((noreturn));
