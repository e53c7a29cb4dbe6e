/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/image_lookup.h"
#include "cli/network_select.h"
#include "instance/instance_network.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "instance/vm_care.h"
#include "instance/vm_template.h"
#include "net/endpoint.h"

struct check {
        struct engine *e;
        struct store *store;
        const struct instance_checker *checker;
        struct buf lost; /* owners that are not there, each with its NUL */
        struct error *err;
        int left;
};

__attribute__((format(printf, 3, 4))) static void found(struct check *c, bool repaired, const char *format, ...)
{
        char text[512];
        va_list values;

        va_start(values, format);
        vsnprintf(text, sizeof text, format, values);
        va_end(values);
        c->checker->found(c->checker->userdata, text, repaired);
        c->left += !repaired;
}

static void check_copy(struct check *c, const struct instance *i)
{
        if (faccessat(i->fd, VM_COPY, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
            faccessat(i->fd, VM_COPY "/manifest", F_OK, 0) < 0)
                found(c, false, "instance %s goes on from a template that is not there: remove it", i->name);
}

static int check_image(void *userdata, struct instance *i)
{
        own_mem struct image_info *info = NULL;
        struct check *c = userdata;
        int r;

        if (i->damage) {
                found(c, false, "instance %s is damaged, holt rm -f removes it: %s", i->name, i->damage);
                return 0;
        }
        check_copy(c, i);
        r = store_image_find(c->store, i->image.text, &info, c->err);
        if (r == -ENOENT)
                found(c, false, "instance %s stands on image %.19s, which is not there: pull %s, or remove it", i->name,
                      i->image.text, i->image_name);
        return r == -ENOENT ? 0 : r;
}

/* "ID" or "ID/...": an instance that is being made has its directory already; "template/NAME". */
static int look_at_owner(void *userdata, const char *owner)
{
        struct check *c = userdata;
        char path[PATH_MAX];

        if (strncmp(owner, VM_TEMPLATE_OWNER, strlen(VM_TEMPLATE_OWNER)) == 0) {
                if (!vm_template_is_there(c->e, owner + strlen(VM_TEMPLATE_OWNER)))
                        buf_add(&c->lost, owner, strlen(owner) + 1);
                return 0;
        }
        if (strcspn(owner, "/") != INSTANCE_ID_LEN)
                return 0;
        snprintf(path, sizeof path, "%s/instances/%.*s", c->e->root, INSTANCE_ID_LEN, owner);
        if (access(path, F_OK) < 0 && errno == ENOENT)
                buf_add(&c->lost, owner, strlen(owner) + 1);
        return 0;
}

static int check_owners(struct check *c)
{
        own_image_list struct image_list images = {};
        const char *owner, *end;
        int r = image_list_all(c->store, &images, c->err);

        for (size_t i = 0; r == 0 && i < images.n; i++)
                r = store_image_owners(c->store, &images.items[i]->id, look_at_owner, c, c->err);
        if (r == 0 && buf_failed(&c->lost))
                r = error_set(c->err, ENOMEM, "out of memory");
        owner = buf_str(&c->lost);
        for (end = owner + c->lost.len; r == 0 && owner < end; owner += strlen(owner) + 1) {
                if (c->checker->repair)
                        r = store_image_release(c->store, owner, c->err);
                if (r == 0 && strncmp(owner, VM_TEMPLATE_OWNER, strlen(VM_TEMPLATE_OWNER)) == 0)
                        found(c, c->checker->repair, "an image is kept for %s, which is not there", owner);
                else if (r == 0)
                        found(c, c->checker->repair, "an image is kept for instance %.12s, which is not there", owner);
        }
        return r;
}

/* ---- networks ---- */

static int check_networks_of(void *userdata, struct instance *i)
{
        own_network_flags struct network_flags flags = {};
        struct check *c = userdata;
        const struct network_place place = network_place_of_engine(c->e);

        if (network_flags_read(&i->options, network_is_ours(), &flags, NULL) < 0)
                return 0;
        for (size_t k = 0; k < flags.n; k++) {
                own_network struct network n = {};
                struct error why;

                /* The default one is made when it is needed. */
                if (strcmp(flags.v[k].name, NETWORK_DEFAULT) != 0 &&
                    network_find(&place, flags.v[k].name, &n, &why) == -ENOENT)
                        found(c, false,
                              "instance %s wants network %s, which is not there: create it, or remove the instance",
                              i->name, flags.v[k].name);
        }
        return 0;
}

static int pass(void *userdata, struct network *n)
{
        return 0;
}

/* What an instance has of networks is known under its id as long as it is at work. */
static int check_endpoint(void *userdata, struct endpoint *endpoint)
{
        struct check *c = userdata;
        char path[PATH_MAX];
        int r = 0;

        snprintf(path, sizeof path, "%s/instances/%s", c->e->run, endpoint->id);
        if (access(path, F_OK) == 0 || errno != ENOENT)
                return 0;
        if (c->checker->repair)
                r = instance_network_close(c->e, endpoint->id, c->err);
        if (r == 0)
                found(c, c->checker->repair, "addresses are kept for instance %.12s, which does not run", endpoint->id);
        return r;
}

static int check_networks(struct check *c)
{
        const struct network_place place = network_place_of_engine(c->e);
        struct error why;
        int r = instances(c->e, check_networks_of, c, c->err);

        if (r == 0 && network_each(&place, pass, NULL, &why) < 0)
                found(c, false, "%s", why.text);
        return r == 0 ? endpoint_each(&place, check_endpoint, c, c->err) : r;
}

/* ---- templates ---- */

static int check_templates(struct check *c)
{
        const struct vm_checker checker = {
                .repair = c->checker->repair,
                .whole = c->checker->content,
                .found = c->checker->found,
                .userdata = c->checker->userdata,
        };
        int left;

        vm_care_sweep(c->e);
        left = vm_care_check(c->e, &checker, c->err);
        c->left += left > 0 ? left : 0;
        return left < 0 ? left : 0;
}

int instance_check(struct engine *e, const struct instance_checker *checker, struct error *err)
{
        struct check c = { .e = e, .checker = checker, .err = err };
        int r = engine_store(e, &c.store, err);

        if (r == 0)
                r = instances(e, check_image, &c, err);
        if (r == 0)
                r = check_owners(&c);
        if (r == 0)
                r = check_networks(&c);
        if (r == 0)
                r = check_templates(&c);
        buf_finish(&c.lost);
        return r < 0 ? r : c.left;
}
