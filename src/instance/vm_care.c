/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_care.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/vm_boot.h"
#include "instance/vm_kept.h"
#include "instance/vm_template.h"
#include "sys/sibling_program.h"
#include "vm/guest_kernel.h"
#include "vm/initramfs.h"
#include "vm/template.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static char *directory_of(const struct engine *e)
{
        char *path = NULL;

        return asprintf(&path, "%s/vm/templates", e->root) < 0 ? NULL : path;
}

/* ---- which there are ---- */

/* What a machine would be made from now; "": nothing is there to make one from. */
static void origin_of_now(const struct engine *e, char ret[SHA256_HEX])
{
        own_guest_kernel struct guest_kernel kernel = {};
        char agent[PATH_MAX], boot[SHA256_HEX];
        struct error ignored;

        if (sibling_program_find("holt-agent", agent, &ignored) < 0 ||
            guest_kernel_find(e->root, &kernel, &ignored) < 0 || initramfs_key(&kernel, agent, boot, &ignored) < 0 ||
            template_origin(boot, ret, &ignored) < 0)
                *ret = '\0';
}

int vm_care_list(const struct engine *e, struct vm_care_entry **ret, size_t *ret_n, struct error *err)
{
        own_mem char *path = directory_of(e);
        own_mem struct template_entry *v = NULL;
        struct vm_care_entry *all;
        char origin[SHA256_HEX];
        size_t n = 0;
        int r = path ? templates_list(path, &v, &n, err) : no_memory(err);

        *ret = NULL;
        *ret_n = 0;
        if (r < 0 || !n)
                return r;
        all = calloc(n, sizeof(*all));
        if (!all)
                return no_memory(err);
        origin_of_now(e, origin);
        for (size_t i = 0; i < n; i++) {
                all[i] = (struct vm_care_entry){ .bytes = v[i].bytes,
                                                 .made = v[i].manifest.made,
                                                 .is_needed = !v[i].is_damaged &&
                                                              strcmp(v[i].manifest.origin, origin) == 0 };
                memcpy(all[i].key, v[i].key, sizeof(all[i].key));
        }
        *ret = all;
        *ret_n = n;
        return 0;
}

int vm_care_remove(const struct engine *e, const char *key, struct error *err)
{
        own_mem char *path = directory_of(e);

        return path ? template_remove(path, key, err) : no_memory(err);
}

/* ---- what is wrong with them ---- */

struct check {
        struct engine *e;
        const struct vm_checker *checker;
        int left;
};

__attribute__((format(printf, 3, 4))) static void found(struct check *c, bool repaired, const char *format, ...)
{
        char text[512];
        va_list values;

        va_start(values, format);
        vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        c->checker->found(c->checker->userdata, text, repaired);
        c->left += !repaired;
}

static void check_kept(struct check *c, const char *templates, const char *key)
{
        struct error why;

        if (vm_kept_check(templates, key, &why) != -EBADMSG)
                return;
        if (c->checker->repair)
                vm_kept_remove(templates, key);
        found(c, c->checker->repair, "the process that is kept beside template %.12s cannot be used: %s", key,
              why.text);
}

static int check_booted(struct check *c, struct error *err)
{
        own_mem char *path = directory_of(c->e);
        own_mem struct template_entry *v = NULL;
        size_t n = 0;
        int r = path ? templates_list(path, &v, &n, err) : no_memory(err);

        for (size_t i = 0; i < n && r == 0; i++) {
                struct error why;
                int bad = template_check(path, v[i].key, c->checker->whole, &why);

                if (bad == 0)
                        check_kept(c, path, v[i].key);
                /* Another has removed it. */
                if (bad == 0 || bad == -ENOENT)
                        continue;
                if (c->checker->repair)
                        r = template_remove(path, v[i].key, err);
                if (r == 0)
                        found(c, c->checker->repair, "the template %.12s of a booted machine is damaged: %s", v[i].key,
                              why.text);
        }
        return r;
}

static void check_own(void *userdata, const char *name, const char *why)
{
        found(userdata, false, "%s: holt template rm %s removes it", why, name);
}

int vm_care_check(struct engine *e, const struct vm_checker *checker, struct error *err)
{
        struct check c = { .e = e, .checker = checker };
        int r = check_booted(&c, err);

        if (r == 0)
                r = vm_templates_check(e, checker->whole, check_own, &c, err);
        return r < 0 ? r : c.left;
}

/* ---- what is no more ---- */

void vm_care_sweep(const struct engine *e)
{
        own_mem char *path = directory_of(e), *own = NULL;

        if (asprintf(&own, "%s/templates", e->root) < 0)
                own = NULL;
        if (path) {
                templates_sweep(path);
                vm_kept_sweep(path);
        }
        vm_templates_sweep(e);
        if (own)
                vm_kept_sweep(own);
        vm_boot_sweep(e);
}
