/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Go prints them. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/template_shape.h"
#include "cli/template_value.h"

/* Where Go changes to an exponent. */
enum { MAX_DIGITS = 17, SMALLEST = -4, LARGE = 6 };

/* "d.ddde+XX" of as few digits as tell the number from all others. */
static void shortest(double real, char text[32])
{
        for (int digits = 0; digits < MAX_DIGITS; digits++) {
                snprintf(text, 32, "%.*e", digits, real);
                if (strtod(text, NULL) == real)
                        return;
        }
}

void template_real_print(struct buf *out, double real, int smallest, int large)
{
        char text[32] = "", *e;
        int exponent, digits;

        if (isnan(real) || isinf(real)) {
                buf_add_str(out, isnan(real) ? "NaN" : real < 0 ? "-Inf" : "+Inf");
                return;
        }
        shortest(real, text);
        e = strchr(text, 'e');
        exponent = (int)strtol(e + 1, NULL, 10);
        if (exponent < smallest || exponent >= large) {
                buf_add_str(out, text);
                return;
        }
        /* How many stand before the e, without the point and the sign. */
        digits = (int)(e - text) - (text[0] == '-') - (memchr(text, '.', (size_t)(e - text)) != NULL);
        buf_addf(out, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, real);
}

static int print_list(struct buf *out, const struct template_value *v)
{
        buf_add_str(out, "[");
        for (size_t i = 0; i < v->n; i++) {
                struct template_value item = template_value_item(v, i);

                buf_add_str(out, i ? " " : "");
                if (template_value_print(out, &item) < 0)
                        return -ENOMEM;
        }
        buf_add_str(out, "]");
        return 0;
}

static int print_map(struct buf *out, const struct template_value *v)
{
        own_mem struct json_object **members = NULL;

        if (template_map_sorted(v->json, &members) < 0)
                return -ENOMEM;
        buf_add_str(out, "map[");
        for (size_t i = 0; i < v->n; i++) {
                struct template_value value = template_value_of_json(members[i]);

                buf_addf(out, "%s%s:", i ? " " : "", json_key(members[i]));
                if (template_value_print(out, &value) < 0)
                        return -ENOMEM;
        }
        buf_add_str(out, "]");
        return 0;
}

int template_value_print(struct buf *out, const struct template_value *v)
{
        switch (v->kind) {
        case VALUE_NONE:
        case VALUE_NULL:
                buf_add_str(out, template_null_text(v, "<nil>"));
                break;
        case VALUE_BOOL:
                buf_add_str(out, v->truth ? "true" : "false");
                break;
        case VALUE_INTEGER:
                buf_addf(out, "%s%" PRIu64, v->negative ? "-" : "", v->magnitude);
                break;
        case VALUE_REAL:
                template_real_print(out, v->real, SMALLEST, LARGE);
                break;
        case VALUE_TEXT:
                buf_add(out, v->text, v->len);
                break;
        case VALUE_LIST:
                return print_list(out, v);
        case VALUE_MAP:
                return print_map(out, v);
        }
        return buf_failed(out) ? -ENOMEM : 0;
}

int template_value_show(struct buf *out, const struct template_value *v)
{
        if (v->kind != VALUE_NONE && v->kind != VALUE_NULL)
                return template_value_print(out, v);
        /* A pointer to nothing, where Docker has a pointer. */
        buf_add_str(out, template_null_text(v, v->kind == VALUE_NULL && !v->json ? "<nil>" : "<no value>"));
        return buf_failed(out) ? -ENOMEM : 0;
}
