/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/explain.h"
#include "cli/image_pull.h"
#include "cli/instance_options.h"
#include "cli/instance_select.h"
#include "instance/instance_explain.h"

/* ---- what would be done, as JSON ---- */

static void write_image(struct json_writer *w, const char *typed, const struct image_info *here,
                        const struct buf *places)
{
        own_buf struct buf copy = {};
        char *rest, *line;

        buf_add(&copy, buf_str(places), places->len);
        json_begin_object(w, "Image");
        json_write_string(w, "Name", typed);
        if (here)
                json_write_string(w, "ID", here->id.text);
        json_begin_array(w, "Download");
        for (rest = copy.data; rest && *rest && (line = strsep(&rest, "\n"));)
                json_write_string(w, NULL, line);
        json_end_array(w);
        json_end_object(w);
}

static int check_id_file(const struct args *a, struct error *err)
{
        const char *path = args_str(a, OPTION_CIDFILE);

        return path && access(path, F_OK) == 0
                       ? error_set(err, EEXIST, "--cidfile %s is there already: remove it, or name another", path)
                       : 0;
}

static int find_image(struct invocation *inv, struct engine *e, struct image_info **ret_here, struct buf *places,
                      struct error *err)
{
        own_image_pull struct image_pull p = {};
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = image_pull_open(&p, inv, store, err);
        p.policy = PULL_MISSING;
        if (r == 0)
                r = pull_policy_parse("pull", args_str(&inv->args, OPTION_PULL), false, &p.policy, err);
        return r == 0 ? image_pull_look(&p, inv->args.operands[0], ret_here, places, err) : r;
}

static int explain(struct invocation *inv, struct engine *e, struct buf *out, struct error *err)
{
        own_instance_options struct instance_options o = {};
        own_mem struct image_info *here = NULL;
        own_buf struct buf places = {};
        struct json_writer w = { .out = out };
        int r = instance_options_from_args(&inv->args, &o, err);

        if (r == 0)
                r = find_image(inv, e, &here, &places, err);
        if (r == 0)
                r = check_id_file(&inv->args, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        write_image(&w, inv->args.operands[0], here, &places);
        r = instance_explain(e, here, inv->args.operands[0], &o, &w, err);
        json_end_object(&w);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}

/* ---- for people ---- */

static const char *text_of(struct json_object *obj, const char *key)
{
        const char *text = "";

        json_get_string(obj, key, &text, NULL);
        return text;
}

static bool is_set(struct json_object *obj, const char *key)
{
        bool value = false;

        json_get_bool(obj, key, &value, NULL);
        return value;
}

/* " SEPARATOR text" */
static void add(struct buf *out, const char *separator, const char *text)
{
        if (*text)
                buf_addf(out, "%s%s", out->len ? separator : "", text);
}

static struct json_object *list_of(struct json_object *obj, const char *key, size_t *ret_n)
{
        struct json_object *list = NULL;

        *ret_n = json_get_array(obj, key, &list, NULL) > 0 ? json_array_size(list) : 0;
        return list;
}

static void say_image(struct json_object *all, struct table *t)
{
        own_buf struct buf image = {}, from = {};
        struct json_object *obj = NULL, *places;
        size_t n;

        if (json_get_object(all, "Image", &obj, NULL) <= 0)
                return;
        places = list_of(obj, "Download", &n);
        add(&image, "", text_of(obj, "Name"));
        if (*text_of(obj, "ID"))
                buf_addf(&image, " (%.19s), which is here%s", text_of(obj, "ID"), n ? "; would be asked for anew" : "");
        else
                buf_add_str(&image, ", which is not here: it would be downloaded, and says what runs");
        for (size_t i = 0; i < n; i++)
                add(&from, ", else ", json_string_value(json_array_item(places, i)));
        explain_say(t, "Image:", &image);
        explain_say(t, "Download from:", &from);
}

static void say_life(struct json_object *all, struct table *t)
{
        own_buf struct buf name = {}, end = {}, log = {};

        add(&name, "", text_of(all, "Name"));
        buf_add_str(&end, is_set(all, "AutoRemove") ? "it is removed" : "it stays");
        if (strcmp(text_of(all, "RestartPolicy"), "no") != 0)
                buf_addf(&end, ", and is started again: %s", text_of(all, "RestartPolicy"));
        add(&log, "", text_of(all, "LogDriver"));
        explain_say(t, "Name:", &name);
        explain_say(t, "At its end:", &end);
        explain_say(t, "Log:", &log);
}

static void add_network(struct buf *out, struct json_object *n)
{
        own_buf struct buf more = {};

        add(&more, ", ", text_of(n, "Interface"));
        add(&more, ", ", text_of(n, "Subnet"));
        add(&more, ", ", text_of(n, "Subnet6"));
        if (*text_of(n, "IPAddress"))
                buf_addf(&more, ", as %s", text_of(n, "IPAddress"));
        if (is_set(n, "Internal"))
                buf_add_str(&more, ", internal");
        if (is_set(n, "New"))
                buf_add_str(&more, ", would be made");
        add(out, "; ", text_of(n, "Name"));
        buf_addf(out, " (%s)", buf_str(&more));
}

static void say_network(struct json_object *all, struct table *t)
{
        own_buf struct buf network = {}, ports = {};
        struct json_object *obj = NULL, *list;
        size_t n;

        if (json_get_object(all, "Network", &obj, NULL) <= 0)
                return;
        list = list_of(obj, "Networks", &n);
        for (size_t i = 0; i < n; i++)
                add_network(&network, json_array_item(list, i));
        if (!n)
                buf_addf(&network, "%s%s%s", text_of(obj, "Mode"), *text_of(obj, "Container") ? " " : "",
                         text_of(obj, "Container"));
        list = list_of(obj, "Ports", &n);
        for (size_t i = 0; i < n; i++) {
                struct json_object *p = json_array_item(list, i);
                const char *port = text_of(p, "HostPort"), *address = text_of(p, "HostIp");

                buf_addf(&ports, "%s%s%s%s -> %s", i ? ", " : "", address, *address ? ":" : "",
                         *port ? port : "a free port", text_of(p, "ContainerPort"));
        }
        explain_say(t, "Network:", &network);
        explain_say(t, "Published:", &ports);
}

static void say_volumes(struct json_object *all, struct table *t)
{
        own_buf struct buf volumes = {};
        size_t n;
        struct json_object *list = list_of(all, "Volumes", &n);

        for (size_t i = 0; i < n; i++) {
                struct json_object *v = json_array_item(list, i);
                const char *name = text_of(v, "Name");

                buf_addf(&volumes, "%s%s at %s%s", i ? ", " : "",
                         is_set(v, "Anonymous") ? "one without a name"
                         : *name                ? name
                                                : text_of(v, "Source"),
                         text_of(v, "Destination"), is_set(v, "New") ? " (would be made)" : "");
        }
        explain_say(t, "Volumes:", &volumes);
}

static void say_users(struct json_object *all, struct table *t)
{
        const char *mode = text_of(all, "UsernsMode");
        own_buf struct buf text = {};

        if (*mode)
                buf_addf(&text, "ids of its own (--userns %s)", mode);
        explain_say(t, "Users:", &text);
}

static int add_spec(struct json_object *all, struct buf *out, struct error *err)
{
        own_buf struct buf config = {};
        struct json_object *spec = NULL;

        if (json_get_object(all, "Spec", &spec, NULL) <= 0)
                return 0;
        json_add_value(&config, spec);
        return explain_config(&config, *text_of(all, "UsernsMode"), out, err);
}

static int tell(struct json_object *all, struct buf *out, struct error *err)
{
        own_table struct table t = { .columns = 2, .min_width = 16, .gap = 1 };

        say_image(all, &t);
        say_life(all, &t);
        say_network(all, &t);
        say_users(all, &t);
        say_volumes(all, &t);
        table_write(&t, out);
        return add_spec(all, out, err);
}

int explain_instance(struct invocation *inv, struct error *err)
{
        own_json struct json_object *all = NULL;
        own_buf struct buf text = {}, out = {};
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = explain(inv, &e, &text, err);
        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &all, err);
        if (r < 0)
                return r;
        if (args_has(&inv->args, OPTION_FORMAT)) {
                struct json_writer w = { .out = &out, .indent = 2 };

                json_write_value(&w, NULL, all);
                buf_add_str(&out, "\n");
        } else {
                r = tell(all, &out, err);
        }
        return r == 0 ? output_write(&out, err) : r;
}
