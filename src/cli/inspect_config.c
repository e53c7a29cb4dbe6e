/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "cli/commit_config.h"
#include "cli/image_lookup.h"

enum { SHORT_ID = 12 };

/* An image that is made of the instance would say the same. *ret: NULL when there is no memory for it. */
static void read_merged(struct engine *e, const struct instance *i, struct json_object **ret)
{
        own_json struct json_object *whole = NULL;
        struct json_object *config = NULL;
        own_buf struct buf text = {};
        struct store *store;
        struct error ignored;

        if (engine_store(e, &store, &ignored) == 0 && image_config_load_json(store, &i->image, &whole, &ignored) == 0)
                config = json_member(whole, "config");
        if (commit_config(i, config, NULL, &text, &ignored) == 0)
                json_parse(buf_str(&text), text.len, ret, &ignored);
}

/* Those that scripts read are there in any case. */
static const struct {
        const char *key, *absent;
} known[] = {
        { "User", "\"\"" },
        { "Env", "null" },
        { "Cmd", "null" },
        { "WorkingDir", "\"\"" },
        { "Entrypoint", "null" },
        { "Labels", "{}" },
        { "StopSignal", "\"SIGTERM\"" },
};

static bool is_known(const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                if (strcmp(known[i].key, key) == 0)
                        return true;
        }
        /* The image's may be overruled by options of its own. */
        return strcmp(key, "Healthcheck") == 0;
}

static int write_rest(const char *key, struct json_object *value, void *userdata)
{
        if (!is_known(key))
                json_write_value(userdata, key, value);
        return 0;
}

static void write_known(struct json_object *config, struct json_writer *w)
{
        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                struct json_object *value = json_member(config, known[i].key);

                if (value)
                        json_write_value(w, known[i].key, value);
                else
                        json_write_raw(w, known[i].key, known[i].absent);
        }
}

static void write_times(struct json_writer *w, const struct instance_options *o)
{
        int64_t seconds = 0;

        if (o->stop_timeout && parse_i64(o->stop_timeout, &seconds) == 0)
                json_write_i64(w, "StopTimeout", seconds);
        if (!o->health_test)
                return;
        json_begin_object(w, "Healthcheck");
        json_write_strings(w, "Test", o->health_test);
        json_end_object(w);
}

void inspect_config(struct engine *e, const struct instance *i, struct json_writer *w)
{
        const struct instance_options *o = &i->options;
        own_json struct json_object *config = NULL;
        char hostname[SHORT_ID + 1];

        read_merged(e, i, &config);
        snprintf(hostname, sizeof hostname, "%.*s", SHORT_ID, i->id);
        json_begin_object(w, "Config");
        json_write_string(w, "Hostname", o->hostname ? o->hostname : hostname);
        json_write_string(w, "Domainname", o->domainname ? o->domainname : "");
        json_write_bool(w, "Tty", o->tty);
        json_write_bool(w, "OpenStdin", o->interactive);
        json_write_string(w, "Image", i->image_name);
        write_known(config, w);
        if (config)
                json_each(config, write_rest, w);
        write_times(w, o);
        json_end_object(w);
}
