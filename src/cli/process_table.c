/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process_table.h"

#include <errno.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define BLANKS " \t"

/* The word with that index in a line of `len` bytes, NULL when there are fewer. */
static const char *find_word(const char *line, size_t len, size_t index, size_t *ret_len)
{
        const char *p = line, *end = line + len;

        for (;; index--) {
                while (p < end && strchr(BLANKS, *p))
                        p++;
                if (p == end)
                        return NULL;
                *ret_len = strcspn(p, BLANKS "\n");
                if (index == 0)
                        return p;
                p += *ret_len;
        }
}

static int find_pid_column(const char *line, size_t len, size_t *ret)
{
        const char *word;
        size_t n;

        for (size_t i = 0; (word = find_word(line, len, i, &n)); i++) {
                if (n == 3 && strncmp(word, "PID", 3) == 0) {
                        *ret = i;
                        return 0;
                }
        }
        return -EINVAL;
}

/* 1 when the line belongs to one of the pids. */
static int is_wanted(const char *line, size_t len, size_t column, const pid_t *pids, size_t n_pids)
{
        uint32_t pid;
        char digits[12];
        const char *word;
        size_t n;

        word = find_word(line, len, column, &n);
        if (!word || n >= sizeof digits)
                return -EINVAL;
        memcpy(digits, word, n);
        digits[n] = '\0';
        if (parse_u32(digits, 10, &pid) < 0)
                return -EINVAL;
        for (size_t i = 0; i < n_pids; i++)
                if ((uint32_t)pids[i] == pid)
                        return 1;
        return 0;
}

int process_table_filter(const char *listing, const pid_t *pids, size_t n_pids, struct buf *out)
{
        size_t len = strcspn(listing, "\n"), column;

        if (find_pid_column(listing, len, &column) < 0)
                return -EINVAL;
        for (const char *line = listing; *line; line += len + (line[len] == '\n')) {
                int r = 1;

                len = strcspn(line, "\n");
                if (line != listing && len)
                        r = is_wanted(line, len, column, pids, n_pids);
                if (r < 0)
                        return r;
                if (r && len) {
                        buf_add(out, line, len);
                        buf_add(out, "\n", 1);
                }
        }
        return 0;
}
