/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/logs_journal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

static int show_some(const struct logs_journal *j, struct journal_reader *r, struct error *err)
{
        int shown = journal_reader_each(r, j->show, j->userdata, err);
        int flushed = shown < 0 && shown != -ENODATA ? shown : j->flush(j->userdata);

        return flushed < 0 ? flushed : shown;
}

/* From where the cursor is to the end. */
static int show_rest(const struct logs_journal *j, const char *cursor, struct error *err)
{
        own_journal_reader struct journal_reader r = { .fd = -1, .pid = -1 };
        struct journal_query q = j->query;
        int n;

        q.follow = false;
        q.after = cursor;
        if (*cursor)
                q.tail = -1;
        n = journal_reader_open(&r, &q, err);
        while (n == 0)
                n = show_some(j, &r, err);
        return n == -ENODATA ? 0 : n;
}

enum waited { THERE_IS_MORE, IS_OVER, HAS_ENDED };

static int wait_for_more(const struct logs_journal *j, const struct journal_reader *r, struct error *err)
{
        for (;;) {
                struct pollfd p[] = { { .fd = r->fd, .events = POLLIN }, { .fd = j->shim, .events = POLLIN } };
                int n = poll(p, ARRAY_SIZE(p), j->time_left(j->userdata));

                if (n < 0 && errno != EINTR)
                        return error_errno(err, errno, "wait for the log");
                if (n == 0)
                        return IS_OVER;
                if (n > 0 && p[0].revents)
                        return THERE_IS_MORE;
                if (n > 0 && j->has_ended(j->shim))
                        return HAS_ENDED;
        }
}

/* Until the instance has ended: 0, and the last cursor; 1: nothing more is wanted; -errno. */
static int follow(const struct logs_journal *j, char ret_cursor[JOURNAL_CURSOR_SIZE], struct error *err)
{
        own_journal_reader struct journal_reader r = { .fd = -1, .pid = -1 };
        int n = journal_reader_open(&r, &j->query, err), waited = THERE_IS_MORE;

        while (n == 0 && waited == THERE_IS_MORE) {
                waited = wait_for_more(j, &r, err);
                if (waited == THERE_IS_MORE)
                        n = show_some(j, &r, err);
        }
        memcpy(ret_cursor, r.cursor, sizeof r.cursor);
        if (n == 0 && waited != HAS_ENDED)
                n = waited == IS_OVER ? 1 : waited;
        return n;
}

int logs_journal_show(const struct logs_journal *j, struct error *err)
{
        char cursor[JOURNAL_CURSOR_SIZE] = "";
        int n = j->shim >= 0 ? follow(j, cursor, err) : 0;

        if (n != 0)
                return n == -ENODATA ? 0 : n;
        /* journald may still be at the last lines. */
        if (j->query.follow)
                journal_sync();
        return show_rest(j, cursor, err);
}
