/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-terminals by descriptors (pty(7), TIOCGPTPEER since Linux 4.13). */
#pragma once

#include <termios.h>

/*
 * Opens a new pair of the devpts instance whose ptmx is dirfd/path. Both descriptors are checked to be what they
 * shall be: the container owns that filesystem (CVE-2025-52565). 0 or -errno.
 */
int terminal_open(int dirfd, const char *path, int *ret_master, int *ret_slave);

/*
 * Another opening of the terminal, for writing without waiting: the flags of this one are shared with others. -errno;
 * -ENOTTY for what is none.
 */
int terminal_open_again(int fd);

int terminal_set_size(int fd, unsigned short rows, unsigned short columns);
/* Takes over the size of `from`; no error when that is no terminal. */
void terminal_copy_size(int from, int to);

/* Makes `slave` the controlling terminal of this session leader and its stdin, stdout and stderr. */
int terminal_adopt(int slave);

/* A newline written to the terminal stays one: no CR is put before it (termios(3), ONLCR). */
int terminal_keep_newlines(int fd);

/* Puts a terminal's input into raw mode and leaves its output as it is; *ret_saved is for tcsetattr(). */
int terminal_set_raw(int fd, struct termios *ret_saved);

/* The same with its output: for a terminal behind it that ends lines itself. */
int terminal_set_raw_whole(int fd, struct termios *ret_saved);

/* What is typed does not appear, but for the newline: for passwords. *ret_saved is for tcsetattr(). */
int terminal_hide_input(int fd, struct termios *ret_saved);

/* 80 columns and 24 rows where nobody knows. */
void terminal_size(int fd, unsigned *ret_columns, unsigned *ret_rows);
