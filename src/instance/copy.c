/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/vm_copy.h"
#include "store/tar_tree.h"

static int find_source(const struct copy_side *s, bool follow, struct copy_source *ret, struct error *err)
{
        return s->guest ? vm_copy_find_source(s, follow, ret, err) : copy_source_find(s, follow, ret, err);
}

static int find_target(const struct copy_side *s, struct copy_target *ret, struct error *err)
{
        return s->guest ? vm_copy_find_target(s, ret, err) : copy_target_find(s, ret, err);
}

/* What is written, and below which directory. */
struct plan {
        const char *as;
        char base[PATH_MAX];
};

/* As Docker has it (docker/pkg/archive: copy.go, PrepareArchiveCopy). */
static int make_plan(const struct copy_source *from, const struct copy_target *to, const struct copy_side *s,
                     struct plan *ret, struct error *err)
{
        if (to->is_directory) {
                ret->as = copy_source_name(from);
                memcpy(ret->base, to->path, strlen(to->path) + 1);
                return 0;
        }
        if (to->exists && from->is_directory)
                return error_set(err, ENOTDIR, "%s: cannot copy a directory over a file", s->path);
        if (to->asserted && (to->exists || !from->is_directory))
                return error_set(err, ENOTDIR, "%s: no such directory", s->path);
        ret->as = copy_last_name(to->path);
        if (!*ret->as || copy_is_content(to->path))
                return error_set(err, ENOENT, "%s: no such directory", s->path);
        copy_parent_of(to->path, ret->base);
        return 0;
}

/* ---- copying ---- */

static int extract(const struct copy_side *to, const struct plan *plan, tar_read read, void *userdata, const char *only,
                   const struct copy_options *o, struct error *err)
{
        own_tar_reader struct tar_reader *tar = NULL;

        if (to->guest)
                return vm_copy_extract(to, plan->base, read, userdata, only, err);
        tar = tar_reader_new(read, NULL, userdata);
        return tar ? copy_extract(to, plan->base, tar, only, o, err) : error_set(err, ENOMEM, "out of memory");
}

static int copy_out_of_guest(const struct copy_side *from, const struct copy_side *to, const struct plan *plan,
                             const struct copy_options *o, struct error *err)
{
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        int r = vm_copy_archive(from, plan->as, o->follow, &errand, err);

        return r < 0 ? r
                     : extract(to, plan, vm_errand_read, &errand, strcmp(plan->as, ".") == 0 ? "" : plan->as, o, err);
}

static int copy_tree(const struct copy_source *source, const struct copy_side *to, const struct plan *plan,
                     const struct copy_options *o, struct error *err)
{
        const struct tar_tree_options tree_options = { .dir = source->fd, .name = "", .as = plan->as };
        own_tar_tree struct tar_tree *tree = tar_tree_new(&tree_options);

        return tree ? extract(to, plan, tar_tree_read, tree, NULL, o, err) : error_set(err, ENOMEM, "out of memory");
}

int copy_files(const struct copy_side *from, const struct copy_side *to, const struct copy_options *o,
               struct error *err)
{
        own_copy_source struct copy_source source = { .fd = -1 };
        struct copy_target target;
        struct plan plan;
        int r = find_source(from, o->follow, &source, err);

        if (r == 0 && source.is_device && to->is_host && !o->archive)
                r = error_set(err, EPERM, "%s: a device comes to the host only with --archive", from->path);
        if (r == 0)
                r = find_target(to, &target, err);
        if (r == 0)
                r = make_plan(&source, &target, to, &plan, err);
        if (r != 0)
                return r;
        return from->guest ? copy_out_of_guest(from, to, &plan, o, err) : copy_tree(&source, to, &plan, o, err);
}

/* ---- streams ---- */

int copy_to_stream(const struct copy_side *from, int to, const struct copy_options *o, struct error *err)
{
        own_copy_source struct copy_source source = { .fd = -1 };
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        int r = find_source(from, o->follow, &source, err);

        if (r < 0 || !from->guest)
                return r < 0 ? r : copy_archive(&source, copy_source_name(&source), to, err);
        r = vm_copy_archive(from, copy_source_name(&source), o->follow, &errand, err);
        return r < 0 ? r : vm_errand_write_out(&errand, to, err);
}

int copy_from_stream(int from, const struct copy_side *to, const struct copy_options *o, struct error *err)
{
        own_mem struct copy_input *in = malloc(sizeof *in);
        struct copy_target target = {};
        struct plan plan = {};
        int r = in ? find_target(to, &target, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0 && !target.is_directory)
                r = error_set(err, ENOTDIR, "%s: no such directory", to->path);
        if (r < 0 || !in)
                return r;
        in->fd = from;
        memcpy(plan.base, target.path, sizeof plan.base);
        return extract(to, &plan, copy_input_read, in, NULL, o, err);
}
