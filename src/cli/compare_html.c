/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one page that needs nothing else: charts are drawn in SVG, colours follow what the reader prefers, and
 * all figures stand in tables too. It may have strangers' text in it (an image's name, a processor's), and nothing that
 * could run: its policy forbids it.
 */
#include <string.h>

#include "cli/compare.h"

enum {
        LABEL_WIDTH = 90,
        BAR_WIDTH = 420,
        VALUE_WIDTH = 190,
        BAR_HEIGHT = 18,
        BAR_STEP = 24,
        TITLE_HEIGHT = 26,
};

static const char head[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<title>holt compare</title>\n"
        "<style>\n"
        ":root { --fg: #1b1f24; --bg: #ffffff; --line: #d0d7de; --dim: #57606a; --bare: #6e7781; --container: #1a7f37; "
        "--vm: #0969da; --vm-warm: #bf3989; --vm-cold: #8250df; }\n"
        "@media (prefers-color-scheme: dark) {\n"
        ":root { --fg: #e6edf3; --bg: #0d1117; --line: #30363d; --dim: #9198a1; --bare: #9198a1; --container: #3fb950; "
        "--vm: #58a6ff; --vm-warm: #f778ba; --vm-cold: #bc8cff; }\n"
        "}\n"
        "body { font: 16px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); max-width: 60rem; "
        "margin: 2rem auto; padding: 0 1rem; }\n"
        "table { border-collapse: collapse; font-variant-numeric: tabular-nums; }\n"
        ".wide { overflow-x: auto; }\n"
        "th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: right; "
        "white-space: nowrap; }\n"
        "th:first-child { text-align: left; }\n"
        "small { color: var(--dim); }\n"
        "svg { display: block; max-width: 100%; height: auto; margin: 1rem 0; }\n"
        "svg text { font: 13px system-ui, sans-serif; fill: var(--fg); }\n"
        "svg .title { font-weight: 600; }\n"
        ".bare { fill: var(--bare); } .container { fill: var(--container); } .vm { fill: var(--vm); } "
        ".vm-warm { fill: var(--vm-warm); } .vm-cold { fill: var(--vm-cold); }\n"
        ".spread { stroke: var(--fg); stroke-width: 1.5; }\n"
        "</style>\n"
        "</head>\n"
        "<body>\n"
        "<h1>holt compare</h1>\n";

static void add_text(struct buf *out, const char *text)
{
        for (; *text; text++) {
                switch (*text) {
                case '&':
                        buf_add_str(out, "&amp;");
                        break;
                case '<':
                        buf_add_str(out, "&lt;");
                        break;
                case '>':
                        buf_add_str(out, "&gt;");
                        break;
                case '"':
                        buf_add_str(out, "&quot;");
                        break;
                case '\'':
                        buf_add_str(out, "&#39;");
                        break;
                default:
                        buf_add(out, text, 1);
                }
        }
}

/* ---- the chart ---- */

static uint64_t greatest(const struct compare_work *w, enum compare_measure m)
{
        uint64_t most = 0;

        for (unsigned p = 0; p < COMPARE_PLACES; p++) {
                struct compare_figure f = compare_figure(&w->rows[p], m);

                if (f.known && f.max > most)
                        most = f.max;
        }
        return most;
}

static unsigned length_of(uint64_t value, uint64_t most)
{
        unsigned length = most ? (unsigned)((double)value / (double)most * BAR_WIDTH + 0.5) : 0;

        return length ? length : 1;
}

static void add_bar(const struct compare_work *w, enum compare_place p, enum compare_measure m, uint64_t most,
                    unsigned y, struct buf *out)
{
        struct compare_figure f = compare_figure(&w->rows[p], m);
        unsigned length = length_of(f.median, most), middle = y + BAR_HEIGHT / 2;

        buf_addf(out, "<text x=\"0\" y=\"%u\">%s</text>\n", y + BAR_HEIGHT - 5, compare_place_name(p));
        if (f.known)
                buf_addf(out, "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"%u\" height=\"%d\" rx=\"2\"/>\n",
                         compare_place_name(p), LABEL_WIDTH, y, length, BAR_HEIGHT);
        if (f.known && f.min != f.max)
                buf_addf(out, "<line class=\"spread\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>\n",
                         LABEL_WIDTH + length_of(f.min, most), middle, LABEL_WIDTH + length_of(f.max, most), middle);
        buf_addf(out, "<text x=\"%u\" y=\"%u\">",
                 LABEL_WIDTH + (f.known ? length_of(f.min == f.max ? f.median : f.max, most) : 0) + 8,
                 y + BAR_HEIGHT - 5);
        compare_add_value(out, m, f.known ? f.median : COMPARE_UNKNOWN);
        if (p != COMPARE_BARE) {
                double ratio = compare_ratio(&w->rows[p], &w->rows[COMPARE_BARE], m);

                if (ratio > 0)
                        buf_add_str(out, " ");
                compare_add_ratio(out, ratio);
        }
        buf_add_str(out, "</text>\n");
}

static const char *title_of(enum compare_measure m)
{
        static const char *const titles[COMPARE_MEASURES] = { "Time to start",  "Time of the work", "Time in all",
                                                              "Processor time", "Memory (PSS)",     "Disk" };

        return titles[m];
}

static void add_chart(const struct compare_work *w, struct buf *out)
{
        static const enum compare_measure shown[] = { COMPARE_START, COMPARE_WORK, COMPARE_CPU, COMPARE_MEMORY };
        unsigned bars = 0, y = 0, n = sizeof shown / sizeof *shown;

        for (unsigned p = 0; p < COMPARE_PLACES; p++)
                bars += w->rows[p].is_there;
        buf_addf(out, "<svg role=\"img\" viewBox=\"0 0 %d %u\" width=\"%d\">\n<title>",
                 LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH, n * (TITLE_HEIGHT + bars * BAR_STEP + 8),
                 LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH);
        add_text(out, w->name);
        buf_add_str(out, ": bars of the medians; the figures stand in the table below</title>\n");
        for (unsigned i = 0; i < n; i++) {
                uint64_t most = greatest(w, shown[i]);

                y += TITLE_HEIGHT;
                buf_addf(out, "<text class=\"title\" x=\"0\" y=\"%u\">%s</text>\n", y - 8, title_of(shown[i]));
                for (unsigned p = 0; p < COMPARE_PLACES; p++) {
                        if (!w->rows[p].is_there)
                                continue;
                        add_bar(w, p, shown[i], most, y, out);
                        y += BAR_STEP;
                }
                y += 8;
        }
        buf_add_str(out, "</svg>\n");
}

/* ---- the table ---- */

static void add_cell(const struct compare_work *w, enum compare_place p, enum compare_measure m, struct buf *out)
{
        struct compare_figure f = compare_figure(&w->rows[p], m);
        double ratio = compare_ratio(&w->rows[p], &w->rows[COMPARE_BARE], m);

        buf_add_str(out, "<td>");
        compare_add_value(out, m, f.known ? f.median : COMPARE_UNKNOWN);
        if (p != COMPARE_BARE && ratio > 0) {
                buf_add_str(out, " <b>");
                compare_add_ratio(out, ratio);
                buf_add_str(out, "</b>");
        }
        if (f.known && f.min != f.max) {
                buf_add_str(out, "<br><small>");
                compare_add_value(out, m, f.min);
                buf_add_str(out, " to ");
                compare_add_value(out, m, f.max);
                buf_add_str(out, "</small>");
        }
        buf_add_str(out, "</td>");
}

static void add_table(const struct compare_work *w, struct buf *out)
{
        buf_add_str(out, "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Where</th>");
        for (unsigned m = 0; m < COMPARE_MEASURES; m++)
                buf_addf(out, "<th scope=\"col\">%s</th>", title_of(m));
        buf_add_str(out, "</tr></thead>\n<tbody>\n");
        for (unsigned p = 0; p < COMPARE_PLACES; p++) {
                if (!w->rows[p].is_there)
                        continue;
                buf_addf(out, "<tr><th scope=\"row\">%s</th>", compare_place_name(p));
                for (unsigned m = 0; m < COMPARE_MEASURES; m++)
                        add_cell(w, p, m, out);
                buf_add_str(out, "</tr>\n");
        }
        buf_add_str(out, "</tbody>\n</table></div>\n");
}

/* ---- the page ---- */

static void add_host(const struct compare_report *r, struct buf *out)
{
        own_buf struct buf accelerator = {};

        buf_add_str(out, "<p>");
        add_text(out, r->host.cpu);
        buf_addf(out, ", %u processor%s; Linux ", r->host.cpus, r->host.cpus == 1 ? "" : "s");
        add_text(out, r->host.kernel);
        buf_addf(out, "; load %.2f when it began. ", r->host.load);
        if (r->image) {
                buf_add_str(out, "Image: ");
                add_text(out, r->image);
                buf_add_str(out, ". ");
        }
        buf_addf(out, "Medians of %u round%s in turns, the ratio to bare, and the least and the most.</p>\n", r->rounds,
                 r->rounds == 1 ? "" : "s");
        if (!compare_has_machines(r))
                return;
        compare_add_accelerator(&accelerator, r);
        buf_add_str(out, "<p>Virtual machines: <strong>");
        add_text(out, buf_str(&accelerator));
        buf_add_str(out, "</strong>.</p>\n");
}

static void add_notes(const char *notes, struct buf *out)
{
        if (!*notes)
                return;
        buf_add_str(out, "<h2>Notes</h2>\n<ul>\n");
        while (*notes) {
                size_t len = strcspn(notes, "\n");
                own_buf struct buf line = {};

                buf_add(&line, notes, len);
                buf_add_str(out, "<li>");
                add_text(out, buf_str(&line));
                buf_add_str(out, "</li>\n");
                notes += len + (notes[len] == '\n');
        }
        buf_add_str(out, "</ul>\n");
}

void compare_write_html(const struct compare_report *r, struct buf *out)
{
        buf_add_str(out, head);
        add_host(r, out);
        for (size_t i = 0; i < r->n_works; i++) {
                buf_add_str(out, "<h2>");
                add_text(out, r->works[i].name);
                buf_add_str(out, "</h2>\n<p>");
                add_text(out, r->works[i].what);
                buf_add_str(out, "</p>\n");
                add_chart(&r->works[i], out);
                add_table(&r->works[i], out);
        }
        add_notes(buf_str(&r->notes), out);
        buf_add_str(out, "</body>\n</html>\n");
}
