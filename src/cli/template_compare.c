/* SPDX-License-Identifier: Apache-2.0 */
/* eq, ne, lt, le, gt, ge, not; values of one kind are compared, and whole numbers not with others, as with Go. */
#include <errno.h>
#include <string.h>

#include "cli/template_run.h"

static bool is_null(const struct template_value *v)
{
        return v->kind == VALUE_NONE || v->kind == VALUE_NULL;
}

static int three_way(bool less, bool more)
{
        return less ? -1 : more;
}

static int order_integers(const struct template_value *a, const struct template_value *b)
{
        bool below = a->negative && a->magnitude, below_b = b->negative && b->magnitude;

        if (below != below_b)
                return below ? -1 : 1;
        return below ? three_way(a->magnitude > b->magnitude, a->magnitude < b->magnitude)
                     : three_way(a->magnitude<b->magnitude, a->magnitude> b->magnitude);
}

static int order_texts(const struct template_value *a, const struct template_value *b)
{
        int r = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

        return r ? r : three_way(a->len<b->len, a->len> b->len);
}

static int incompatible(struct template_run *run, const struct template_value *a, const struct template_value *b)
{
        if (a->kind == b->kind)
                return error_set(run->err, EINVAL, "%s cannot be compared", template_kind_name(a));
        if ((a->kind == VALUE_INTEGER && b->kind == VALUE_REAL) || (a->kind == VALUE_REAL && b->kind == VALUE_INTEGER))
                return error_set(run->err, EINVAL, "a whole number cannot be compared with one that is not");
        return error_set(run->err, EINVAL, "%s cannot be compared with %s", template_kind_name(a),
                         template_kind_name(b));
}

static int is_equal(struct template_run *run, const struct template_value *a, const struct template_value *b, bool *ret)
{
        if (a->kind == VALUE_LIST || a->kind == VALUE_MAP || b->kind == VALUE_LIST || b->kind == VALUE_MAP) {
                /* With Go only a map or list of null can be null. */
                *ret = false;
                return is_null(a) || is_null(b) ? 0 : incompatible(run, a, b);
        }
        if (is_null(a) || is_null(b)) {
                *ret = is_null(a) && is_null(b);
                return 0;
        }
        if (a->kind != b->kind)
                return incompatible(run, a, b);
        if (a->kind == VALUE_BOOL)
                *ret = a->truth == b->truth;
        else if (a->kind == VALUE_INTEGER)
                *ret = order_integers(a, b) == 0;
        else if (a->kind == VALUE_REAL)
                *ret = !(a->real < b->real) && !(a->real > b->real);
        else
                *ret = order_texts(a, b) == 0;
        return 0;
}

static int order(struct template_run *run, const struct template_value *v, int *ret)
{
        const struct template_value *a = &v[0], *b = &v[1];

        if (a->kind != b->kind)
                return incompatible(run, a, b);
        switch (a->kind) {
        case VALUE_INTEGER:
                *ret = order_integers(a, b);
                return 0;
        case VALUE_REAL:
                *ret = three_way(a->real<b->real, a->real> b->real);
                return 0;
        case VALUE_TEXT:
                *ret = order_texts(a, b);
                return 0;
        default:
                return incompatible(run, a, b);
        }
}

/* Whether the first is one of the others. */
int template_call_eq(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        bool equal = false;
        int r = 0;

        for (size_t i = 1; r == 0 && !equal && i < n; i++)
                r = is_equal(run, &v[0], &v[i], &equal);
        *ret = template_value_of_bool(equal);
        return r;
}

int template_call_ne(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int r = template_call_eq(run, v, n, ret);

        *ret = template_value_of_bool(!ret->truth);
        return r;
}

int template_call_lt(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int way = 0, r = order(run, v, &way);

        *ret = template_value_of_bool(way < 0);
        return r;
}

int template_call_le(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int way = 0, r = order(run, v, &way);

        *ret = template_value_of_bool(way <= 0);
        return r;
}

int template_call_gt(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int way = 0, r = order(run, v, &way);

        *ret = template_value_of_bool(way > 0);
        return r;
}

int template_call_ge(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        int way = 0, r = order(run, v, &way);

        *ret = template_value_of_bool(way >= 0);
        return r;
}

int template_call_not(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        *ret = template_value_of_bool(!template_value_is_true(v));
        return 0;
}
