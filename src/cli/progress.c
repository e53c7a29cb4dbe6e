/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines on a terminal stand in the order in which their blobs appeared. After each drawing the cursor is behind the
 * last of them; to draw again it goes up as many lines as were drawn. Lines that no longer fit on the screen cannot be
 * reached, so of more blobs than rows the ended ones at the top are written once more and then left alone, and of the
 * rest those that fit are shown.
 */
#include "cli/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "cli/human.h"
#include "cli/text_line.h"
#include "cli/misuse.h"
#include "oci/digest.h"

/* NUMBERS: "1.235GB/1.235GB  999MB/s": room that is always kept, so that bars do not change their width. */
enum { SHORT_ID = 12, BAR_MIN = 10, BAR_MAX = 50, NUMBERS = 26, RATE_MS = 500, MAX_ITEMS = 4096 };

struct item {
        char id[sizeof(struct digest)];
        char state[16];
        uint64_t done, total;
        uint64_t rate, rate_done, rate_ms; /* bytes a second; where and when it was measured */
};

struct progress {
        enum progress_mode mode;
        const char *verb;
        struct item *items;
        size_t n, cap;
        size_t settled; /* items above those that are drawn again */
        unsigned drawn; /* lines */
        uint64_t drawn_ms;
        bool fresh; /* something was drawn */
};

int progress_mode_parse(const char *text, int fd, enum progress_mode *ret, struct error *err)
{
        static const char *const names[] = { "none", "plain", "tty", "json" };
        const char *term = getenv("TERM");

        if (!text || strcmp(text, "auto") == 0) {
                *ret = isatty(fd) && term && strcmp(term, "dumb") != 0 ? PROGRESS_TTY : PROGRESS_PLAIN;
                return 0;
        }
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                if (strcmp(text, names[i]) == 0) {
                        *ret = (enum progress_mode)i;
                        return 0;
                }
        }
        return error_set(err, EMISUSED, "option --progress: invalid value \"%s\"", text);
}

struct progress *progress_new(enum progress_mode mode, const char *verb)
{
        struct progress *p = calloc(1, sizeof *p);

        if (p) {
                p->mode = mode;
                p->verb = verb;
        }
        return p;
}

void progress_free(struct progress *p)
{
        if (!p)
                return;
        free(p->items);
        free(p);
}

/* From a digest's digits on; in archives a name has them somewhere ("blobs/sha256/HEX", "HEX/layer.tar"). */
static const char *short_id(const char *id)
{
        for (const char *at = id; *at; at++) {
                size_t n = strspn(at, "0123456789abcdef");

                if (n >= SHORT_ID)
                        return at;
                at += n ? n - 1 : 0;
        }
        return id;
}

static bool is_state(const struct item *item, const char *state)
{
        return strcmp(item->state, state) == 0;
}

static bool has_ended(const struct item *item)
{
        return is_state(item, "done") || is_state(item, "exists") || is_state(item, "mounted");
}

static const char *state_words(const struct progress *p, const struct item *item)
{
        if (is_state(item, "transferring"))
                return p->verb;
        return is_state(item, "exists") ? "already exists" : item->state;
}

/* What moves out of an archive is called as the archive calls it. */
static void set_text(char *to, size_t size, const char *text)
{
        own_buf struct buf clean = {};

        text_add_line(&clean, text, 0);
        snprintf(to, size, "%s", buf_str(&clean));
}

/* NULL without memory, or when there are more than anybody looks at. */
static struct item *find_item(struct progress *p, const char *id)
{
        struct item new = {};

        set_text(new.id, sizeof new.id, id);
        for (size_t i = p->n; i-- > 0;)
                if (strcmp(p->items[i].id, new.id) == 0)
                        return &p->items[i];
        if (p->n == MAX_ITEMS || array_grow(&p->items, &p->cap, p->n + 1, sizeof *p->items) < 0)
                return NULL;
        p->items[p->n] = new;
        return &p->items[p->n++];
}

/* Measured twice a second at most, and smoothed: a rate that jumps cannot be read. */
static void measure(struct item *item, uint64_t now_ms)
{
        uint64_t ms = now_ms - item->rate_ms, rate;

        if (!item->rate_ms || item->done < item->rate_done) {
                item->rate_ms = now_ms;
                item->rate_done = item->done;
                item->rate = 0;
        } else if (ms >= RATE_MS) {
                rate = (item->done - item->rate_done) * 1000 / ms;
                item->rate = item->rate ? (item->rate * 2 + rate) / 3 : rate;
                item->rate_ms = now_ms;
                item->rate_done = item->done;
        }
}

static void add_bar(struct buf *out, const struct item *item, int width)
{
        int full = item->done >= item->total ? width : (int)((double)item->done / (double)item->total * width);

        buf_addf(out, "[");
        for (int i = 0; i < width; i++)
                buf_addf(out, "%c", i < full - 1 || (full == width && i < full) ? '=' : i == full - 1 ? '>' : ' ');
        buf_addf(out, "]");
}

static void add_amount(const struct item *item, char *text, size_t size)
{
        char done[HUMAN_SIZE_MAX], total[HUMAN_SIZE_MAX];

        human_size(item->done, 4, done);
        human_size(item->total, 4, total);
        snprintf(text, size, " %s%s%s", done, item->total ? "/" : "", item->total ? total : "");
}

static void add_rate(const struct item *item, char *text, size_t size)
{
        char rate[HUMAN_SIZE_MAX];

        human_size(item->rate, 3, rate);
        *text = '\0';
        if (item->rate)
                snprintf(text, size, "  %s/s", rate);
}

/* One line, never wider than the terminal: what does not fit is left out, the bar first. */
static void draw_item(const struct progress *p, const struct item *item, unsigned columns, struct buf *out)
{
        char line[256], amount[2 * HUMAN_SIZE_MAX + 4], rate[HUMAN_SIZE_MAX + 4];
        int width = (int)(columns > sizeof line - 1 ? sizeof line - 1 : columns), used, room;

        used = snprintf(line, sizeof line, "%.*s: %s", SHORT_ID, short_id(item->id), state_words(p, item));
        buf_addf(out, "%.*s", width, line);
        if (!is_state(item, "transferring"))
                return;
        add_amount(item, amount, sizeof amount);
        add_rate(item, rate, sizeof rate);
        room = width - used - NUMBERS - 3; /* " [" and "]" */
        if (item->total && room >= BAR_MIN) {
                buf_add_str(out, " ");
                add_bar(out, item, room > BAR_MAX ? BAR_MAX : room);
                used += 3 + room;
        }
        used += (int)strlen(amount);
        if (used <= width)
                buf_add_str(out, amount);
        if (used + (int)strlen(rate) <= width)
                buf_add_str(out, rate);
}

static void go_up(struct progress *p, struct buf *out)
{
        if (p->drawn)
                buf_addf(out, "\033[%uA", p->drawn);
        buf_addf(out, "\r\033[J");
        p->drawn = 0;
}

/* Writes ended lines at the top for the last time, as far as the others do not fit on the screen. */
static void settle(struct progress *p, size_t room, struct progress_size size, struct buf *out)
{
        while (p->settled < p->n && p->n - p->settled > room && has_ended(&p->items[p->settled])) {
                draw_item(p, &p->items[p->settled++], size.columns, out);
                buf_add_str(out, "\n");
        }
}

static void draw(struct progress *p, uint64_t now_ms, struct progress_size size, struct buf *out)
{
        size_t room = size.rows > 2 ? size.rows - 1 : 1, shown = 0, hidden = 0;

        go_up(p, out);
        settle(p, room, size, out);
        if (p->n - p->settled > room)
                hidden = 1; /* a line of its own says so */
        for (size_t i = p->settled; i < p->n; i++) {
                /* Where not all fit, those that have ended are the least interesting. */
                if (shown + hidden >= room || (hidden && has_ended(&p->items[i])))
                        continue;
                draw_item(p, &p->items[i], size.columns, out);
                buf_add_str(out, "\n");
                shown++;
        }
        if (hidden) {
                buf_addf(out, "%.*s\n", (int)size.columns, "...");
                shown++;
        }
        p->drawn = (unsigned)shown;
        p->drawn_ms = now_ms;
        p->fresh = true;
}

static void add_json(const struct item *item, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "id", item->id);
        json_write_string(&w, "state", item->state);
        json_write_u64(&w, "done", item->done);
        json_write_u64(&w, "total", item->total);
        json_end_object(&w);
        buf_add_str(out, "\n");
}

int progress_update(struct progress *p, const struct transfer_progress *report, uint64_t now_ms,
                    struct progress_size size, struct buf *out)
{
        struct item *item = p->mode == PROGRESS_NONE ? NULL : find_item(p, report->id);
        bool changed;

        if (!item)
                return p->mode == PROGRESS_NONE || p->n == MAX_ITEMS ? 0 : -ENOMEM;
        changed = !is_state(item, report->state);
        set_text(item->state, sizeof item->state, report->state);
        item->done = report->done;
        item->total = report->total;
        measure(item, now_ms);
        if (p->mode == PROGRESS_JSON)
                add_json(item, out);
        else if (p->mode == PROGRESS_PLAIN && changed && (has_ended(item) || is_state(item, "retrying")))
                buf_addf(out, "%.*s: %s\n", SHORT_ID, short_id(item->id), state_words(p, item));
        else if (p->mode == PROGRESS_TTY && (!p->fresh || now_ms - p->drawn_ms >= PROGRESS_INTERVAL_MS))
                draw(p, now_ms, size, out);
        return 0;
}

void progress_line(struct progress *p, const char *text, struct buf *out)
{
        if (p->mode == PROGRESS_TTY && p->drawn)
                go_up(p, out);
        buf_addf(out, "%s\n", text);
}

void progress_end(struct progress *p, struct progress_size size, struct buf *out)
{
        if (p->mode == PROGRESS_TTY && p->n) {
                go_up(p, out);
                for (; p->settled < p->n; p->settled++) {
                        draw_item(p, &p->items[p->settled], size.columns, out);
                        buf_add_str(out, "\n");
                }
        }
        p->n = p->settled = 0;
        p->fresh = false;
}
