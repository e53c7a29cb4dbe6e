/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/template_field.h"
#include "cli/template_run.h"

/* How a list of nodes ended, besides a negative errno. */
enum { ENDED = 0, BROKEN = 1, CONTINUED = 2 };

static int failed_at(const struct template_run *run, size_t pos)
{
        return template_place_error(run->template->source, pos, run->err);
}

static int run_pipeline(struct template_run *run, const struct template_pipeline *p, const struct template_value *dot,
                        struct template_value *ret);

static int evaluate(struct template_run *run, const struct template_operand *o, const struct template_value *dot,
                    struct template_value *ret)
{
        struct template_value v = {};
        int r = 0;

        switch (o->kind) {
        case OPERAND_DOT:
                v = *dot;
                break;
        case OPERAND_VARIABLE:
                v = run->variables[o->variable];
                break;
        case OPERAND_LITERAL:
                v = o->literal;
                break;
        case OPERAND_PIPELINE:
                r = run_pipeline(run, o->pipeline, dot, &v);
                break;
        }
        if (r < 0)
                return r;
        for (const char **name = o->path; name && *name; name++) {
                if (template_field(run, &v, *name, &v) < 0)
                        return failed_at(run, o->pos);
        }
        *ret = v;
        return 0;
}

/* and, or: the first operand that decides it, and those behind it are not looked at. */
static int run_lazy(struct template_run *run, const struct template_command *c, const struct template_value *dot,
                    const struct template_value *piped, struct template_value *ret)
{
        for (const struct template_operand *o = c->operands; o; o = o->next) {
                int r = evaluate(run, o, dot, ret);

                if (r < 0 || template_value_is_true(ret) != c->function->is_and)
                        return r;
        }
        if (piped)
                *ret = *piped;
        return 0;
}

static int run_command(struct template_run *run, const struct template_command *c, const struct template_value *dot,
                       const struct template_value *piped, struct template_value *ret)
{
        struct template_value v[TEMPLATE_MAX_OPERANDS];
        size_t n = 0;

        if (!c->function)
                return evaluate(run, c->operands, dot, ret);
        if (!c->function->call)
                return run_lazy(run, c, dot, piped, ret);
        for (const struct template_operand *o = c->operands; o; o = o->next) {
                int r = evaluate(run, o, dot, &v[n++]);

                if (r < 0)
                        return r;
        }
        if (piped)
                v[n++] = *piped;
        if (run->titles && c->function->keeps_titles) {
                *ret = v[0];
                return 0;
        }
        if (c->function->call(run, v, n, ret) == 0)
                return 0;
        error_wrap(run->err, "%s", c->function->name);
        return failed_at(run, c->pos);
}

/* Its value, which goes to no variable yet. */
static int run_pipeline(struct template_run *run, const struct template_pipeline *p, const struct template_value *dot,
                        struct template_value *ret)
{
        struct template_value piped;

        for (const struct template_command *c = p->first; c; c = c->next) {
                struct template_value made = {};
                int r = run_command(run, c, dot, c == p->first ? NULL : &piped, &made);

                if (r < 0)
                        return r;
                piped = made;
        }
        *ret = piped;
        return 0;
}

static int run_assigned(struct template_run *run, const struct template_pipeline *p, const struct template_value *dot,
                        struct template_value *ret)
{
        int r = run_pipeline(run, p, dot, ret);

        if (r == 0 && p->n_variables)
                run->variables[p->variables[0]] = *ret;
        return r;
}

static int run_list(struct template_run *run, const struct template_node *list, const struct template_value *dot);

static int run_action(struct template_run *run, const struct template_pipeline *p, const struct template_value *dot)
{
        struct template_value v = {};
        int r = run_assigned(run, p, dot, &v);

        if (r < 0 || p->n_variables)
                return r;
        return template_value_show(run->out, &v) < 0 ? error_set(run->err, ENOMEM, "out of memory") : 0;
}

static int run_if(struct template_run *run, const struct template_node *node, const struct template_value *dot)
{
        struct template_value v = {};
        int r = run_assigned(run, node->pipeline, dot, &v);

        if (r < 0)
                return r;
        if (!template_value_is_true(&v))
                return run_list(run, node->otherwise, dot);
        return run_list(run, node->body, node->kind == NODE_WITH ? &v : dot);
}

static int run_item(struct template_run *run, const struct template_node *node, struct template_value key,
                    struct template_value item)
{
        const struct template_pipeline *p = node->pipeline;

        if (p->n_variables == 2)
                run->variables[p->variables[0]] = key;
        if (p->n_variables)
                run->variables[p->variables[p->n_variables - 1]] = item;
        return run_list(run, node->body, &item);
}

static int range_list(struct template_run *run, const struct template_node *node, const struct template_value *list)
{
        int r = ENDED;

        for (size_t i = 0; r != BROKEN && r >= 0 && i < list->n; i++)
                r = run_item(run, node, template_value_of_size(i), template_value_item(list, i));
        return r < 0 ? r : ENDED;
}

static int range_map(struct template_run *run, const struct template_node *node, const struct template_value *map)
{
        own_mem struct json_object **members = NULL;
        int r = ENDED;

        if (template_map_sorted(map->json, &members) < 0)
                return error_set(run->err, ENOMEM, "out of memory");
        for (size_t i = 0; r != BROKEN && r >= 0 && i < map->n; i++) {
                const char *key = json_key(members[i]);

                r = run_item(run, node, template_value_of_text(key, strlen(key)), template_value_of_json(members[i]));
        }
        return r < 0 ? r : ENDED;
}

static int run_range(struct template_run *run, const struct template_node *node, const struct template_value *dot)
{
        struct template_value v = {};
        int r = run_pipeline(run, node->pipeline, dot, &v);

        if (r < 0)
                return r;
        if (v.kind == VALUE_NONE || v.kind == VALUE_NULL || ((v.kind == VALUE_LIST || v.kind == VALUE_MAP) && !v.n))
                return run_list(run, node->otherwise, dot);
        if (v.kind == VALUE_LIST)
                return range_list(run, node, &v);
        if (v.kind == VALUE_MAP)
                return range_map(run, node, &v);
        error_set(run->err, EINVAL, "range: a list or a map is needed, not %s", template_kind_name(&v));
        return failed_at(run, node->pipeline->pos);
}

/* Loops are as long as the data, but stand in one another. */
static int count_step(struct template_run *run)
{
        if (buf_failed(run->out))
                return error_set(run->err, ENOMEM, "out of memory");
        if (++run->steps > TEMPLATE_MAX_STEPS || run->out->len - run->begin > TEMPLATE_MAX_TEXT)
                return error_set(run->err, EINVAL, "template: it makes too much");
        return 0;
}

static int run_node(struct template_run *run, const struct template_node *node, const struct template_value *dot)
{
        switch (node->kind) {
        case NODE_TEXT:
                buf_add(run->out, node->text.text, node->text.len);
                return ENDED;
        case NODE_ACTION:
                return run_action(run, node->pipeline, dot);
        case NODE_IF:
        case NODE_WITH:
                return run_if(run, node, dot);
        case NODE_RANGE:
                return run_range(run, node, dot);
        case NODE_BREAK:
                return BROKEN;
        default:
                return CONTINUED;
        }
}

static int run_list(struct template_run *run, const struct template_node *list, const struct template_value *dot)
{
        int r = count_step(run);

        for (; r == ENDED && list; list = list->next) {
                r = count_step(run);
                if (r == 0)
                        r = run_node(run, list, dot);
        }
        return r;
}

static int execute(const struct template *t, struct json_object *root, bool titles, struct buf *out, struct error *err)
{
        struct error ignored;
        struct template_run run = {
                .template = t, .titles = titles, .out = out, .begin = out->len, .err = err ? err : &ignored
        };
        int r;

        run.variables[0] = template_value_of_json(root);
        r = run_list(&run, t->first, &run.variables[0]);
        arena_finish(&run.arena);
        if (titles && r == -EINVAL && !run.no_field)
                r = 0;
        if (r == 0 && buf_failed(out))
                r = error_set(err, ENOMEM, "out of memory");
        if (r < 0 && out->data) {
                out->len = run.begin;
                out->data[out->len] = '\0';
        }
        return r;
}

int template_execute(const struct template *t, struct json_object *root, struct buf *out, struct error *err)
{
        return execute(t, root, false, out, err);
}

int template_execute_titles(const struct template *t, struct json_object *titles, struct buf *out, struct error *err)
{
        return execute(t, titles, true, out, err);
}
