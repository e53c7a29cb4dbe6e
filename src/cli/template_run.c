/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_run.h"

#include <errno.h>
#include <string.h>

void *template_make(struct template_run *run, size_t count, size_t size)
{
        size_t bytes;
        void *p;

        if (__builtin_mul_overflow(count, size, &bytes) || bytes > TEMPLATE_MAX_MADE - run->made) {
                error_set(run->err, EINVAL, "the template makes too much");
                return NULL;
        }
        run->made += bytes;
        p = arena_alloc(&run->arena, count, size);
        if (!p)
                error_set(run->err, ENOMEM, "out of memory");
        return p;
}

int template_set_text(struct template_run *run, const struct buf *b, struct template_value *ret)
{
        char *text;

        if (buf_failed(b))
                return error_set(run->err, ENOMEM, "out of memory");
        text = template_make(run, b->len + 1, 1);
        if (!text)
                return -run->err->code;
        memcpy(text, buf_str(b), b->len);
        *ret = template_value_of_text(text, b->len);
        return 0;
}

int template_want(struct template_run *run, const struct template_value *v, enum template_kind kind)
{
        const struct template_value wanted = { .kind = kind };

        if (v->kind == kind)
                return 0;
        return error_set(run->err, EINVAL, "%s is needed, not %s", template_kind_name(&wanted), template_kind_name(v));
}

int template_want_index(struct template_run *run, const struct template_value *v, size_t most, size_t *ret)
{
        int r = template_want(run, v, VALUE_INTEGER);

        if (r < 0)
                return r;
        if (v->magnitude > most || (v->negative && v->magnitude))
                return error_set(run->err, EINVAL, "%s%llu is out of range", v->negative ? "-" : "",
                                 (unsigned long long)v->magnitude);
        *ret = (size_t)v->magnitude;
        return 0;
}
