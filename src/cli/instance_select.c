/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "sys/fd.h"

int invocation_engine(const struct invocation *inv, struct engine *ret, struct error *err)
{
        int r = engine_open(inv->root, inv->run, ret, err);

        if (r < 0)
                return r;
        ret->warn = report_warning;
        ret->debug = inv->debug ? report_debug_line : NULL;
        report_debug(inv, "the store is %s, what a boot forgets is in %s", ret->root, ret->run);
        return 0;
}

void instance_list_finish(struct instance_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                instance_free(l->items[i]);
        free(l->items);
        free(l->typed);
        *l = (struct instance_list){};
}

static int add(struct instance_list *l, struct instance *i, const char *typed, struct error *err)
{
        if (array_grow(&l->items, &l->cap, l->n + 1, sizeof(struct instance *)) < 0 ||
            array_grow(&l->typed, &l->typed_cap, l->n + 1, sizeof *l->typed) < 0) {
                instance_free(i);
                return error_set(err, ENOMEM, "out of memory");
        }
        l->items[l->n] = i;
        l->typed[l->n++] = typed ? typed : i->id;
        return 0;
}

static int add_named(struct invocation *inv, struct engine *e, const char *name, struct instance_list *l,
                     struct error *err)
{
        struct instance *i = NULL;
        int r = instance_find(e, name, &i, err);

        if (r == 0)
                return add(l, i, name, err);
        report_error(err->text);
        inv->exit_status = 1;
        return 0;
}

struct choice {
        struct invocation *inv;
        struct engine *e;
        struct instance_list *list;
        instance_wanted *wanted;
        bool one;
        struct error *err;
};

/* One that went meanwhile is not missed. */
int instance_list_add(struct instance_list *l, struct engine *e, const char *id, struct error *err)
{
        struct instance *i = NULL;
        int r = instance_find(e, id, &i, err);

        if (r == 0)
                r = add(l, i, NULL, err);
        return r == -ENOENT ? 0 : r;
}

/* What instances() shows is its own, so what is wanted is read once more. */
static int choose(void *userdata, struct instance *i)
{
        struct choice *c = userdata;
        int r;

        if (c->wanted && !c->wanted(i))
                return 0;
        if (i->damage) {
                report_error(i->damage);
                c->inv->exit_status = 1;
                return 0;
        }
        r = instance_list_add(c->list, c->e, i->id, c->err);
        return r < 0 ? r : c->one;
}

int instance_select(struct invocation *inv, struct engine *e, instance_wanted *wanted, struct instance_list *ret,
                    struct error *err)
{
        const struct args *a = &inv->args;
        bool all = args_flag(a, OPTION_ALL), latest = args_flag(a, OPTION_LATEST);
        struct choice c = {
                .inv = inv, .e = e, .list = ret, .wanted = latest ? NULL : wanted, .one = latest, .err = err
        };
        int r = 0;

        if ((all || latest) && a->n_operands)
                return error_set(err, EMISUSED, "--%s and names exclude each other", all ? "all" : "latest");
        if (!all && !latest && !a->n_operands)
                return error_set(err, EMISUSED, "\"%s\" requires a name, or --all", a->command->name);
        if (all || latest)
                r = instances(e, choose, &c, err);
        for (unsigned n = 0; r == 0 && n < a->n_operands; n++)
                r = add_named(inv, e, a->operands[n], ret, err);
        return r < 0 ? r : 0;
}

int output_line(const char *text, struct error *err)
{
        own_buf struct buf line = {};

        buf_addf(&line, "%s\n", text);
        return output_write(&line, err);
}

int instance_act(struct invocation *inv, instance_wanted *wanted, instance_action *act, void *userdata,
                 struct error *err)
{
        own_engine struct engine e = {};
        own_instance_list struct instance_list l = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_select(inv, &e, wanted, &l, err);
        for (size_t n = 0; r == 0 && n < l.n; n++) {
                if (act(userdata, &e, l.items[n], err) == 0) {
                        r = output_line(l.typed[n], err);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        return r;
}
