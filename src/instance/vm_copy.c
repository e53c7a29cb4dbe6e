/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_copy.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static int ask(const struct copy_side *s, const char *what, bool follow, size_t max, struct buf *ret, struct error *err)
{
        const char *const args[] = { what, s->path, NULL };
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        int r = vm_errand_begin(s->guest, &(struct vm_errand_request){ .args = args, .follow = follow }, &errand, err);

        if (r == 0)
                r = vm_errand_read_all(&errand, max, ret, err);
        if (r < 0)
                return r;
        return ret->len ? 0 : error_set(err, EPROTO, "the guest says nothing sensible");
}

int vm_copy_find_source(const struct copy_side *s, bool follow, struct copy_source *ret, struct error *err)
{
        own_buf struct buf answer = {};
        struct copy_source source;
        char path[PATH_MAX];
        int r = copy_source_read(s->path, &source, path);

        if (r < 0)
                return error_errno(err, -r, "%s", s->path);
        r = ask(s, "source", follow, 1, &answer, err);
        if (r < 0)
                return r;
        source.is_directory = answer.data[0] == 'd';
        source.is_device = answer.data[0] == 'v';
        *ret = source;
        return 0;
}

/* The path is one that it gets back, or the name of what it gets. */
int vm_copy_find_target(const struct copy_side *s, struct copy_target *ret, struct error *err)
{
        own_buf struct buf answer = {};
        int r = copy_target_read(s->path, ret);

        if (r < 0)
                return error_errno(err, -r, "%s", s->path);
        r = ask(s, "target", false, PATH_MAX, &answer, err);
        if (r < 0)
                return r;
        ret->is_directory = answer.data[0] == 'd';
        ret->exists = ret->is_directory || answer.data[0] == 'e';
        if (memchr(answer.data, '\0', answer.len))
                return error_set(err, EPROTO, "the guest says nothing sensible");
        memcpy(ret->path, answer.data + 1, answer.len - 1);
        ret->path[answer.len - 1] = '\0';
        return 0;
}

int vm_copy_archive(const struct copy_side *s, const char *as, bool follow, struct vm_errand *ret, struct error *err)
{
        const char *const args[] = { "archive", s->path, as, NULL };

        return vm_errand_begin(s->guest, &(struct vm_errand_request){ .args = args, .follow = follow }, ret, err);
}

int vm_copy_extract(const struct copy_side *s, const char *base, tar_read read, void *userdata, const char *only,
                    struct error *err)
{
        const char *const args[] = { "extract", base, only, NULL };
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        int r = vm_errand_begin(s->guest, &(struct vm_errand_request){ .args = args, .has_input = true }, &errand, err);

        return r < 0 ? r : vm_errand_feed(&errand, read, userdata, err);
}
