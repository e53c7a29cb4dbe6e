/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/live_update.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "sys/fd.h"

enum { MAX_TEXT = 1 << 20 };

void live_update_finish(struct live_update *u)
{
        json_put(u->json);
        *u = (struct live_update){};
}

static void write_resources(struct json_writer *w, const struct buf *resources)
{
        json_begin_object(w, "config");
        json_begin_object(w, "linux");
        json_write_raw(w, "resources", buf_str(resources));
        json_end_object(w);
        json_end_object(w);
}

int live_update_write(int run_dir, const char *restart, bool is_machine, const struct buf *limits)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_string(&w, "restart", restart ? restart : "");
        if (is_machine)
                json_write_raw(&w, "config", buf_str(limits));
        else
                write_resources(&w, limits);
        json_end_object(&w);
        return buf_failed(&text) ? -ENOMEM : fd_replace_file_at(run_dir, "update", text.data, text.len, 0600);
}

int live_update_read(int run_dir, struct buf *ret)
{
        own_fd int fd = openat(run_dir, "update", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = fd_read_all(fd, MAX_TEXT, ret);
        return r < 0 ? r : 1;
}

int live_update_parse(const struct buf *text, struct live_update *ret)
{
        own_json struct json_object *json = NULL;
        const char *restart = NULL;
        struct live_update u = {};

        if (json_parse(buf_str(text), text->len, &json, NULL) < 0 || !json_is_object(json) ||
            json_get_string(json, "restart", &restart, NULL) < 0 ||
            restart_policy_parse(restart, &u.restart, NULL) < 0 ||
            json_get_object(json, "config", &u.config, NULL) <= 0)
                return -EINVAL;
        u.json = take_ptr(json);
        *ret = u;
        return 0;
}

/* ---- the configuration ---- */

static struct json_object *member(struct json_object *obj, const char *key)
{
        for (size_t i = 0; obj && i < json_member_count(obj); i++) {
                struct json_object *v = json_member_at(obj, i);

                if (strcmp(json_key(v), key) == 0)
                        return v;
        }
        return NULL;
}

/* Members that are objects on both sides are gone through, others take the place of what was. */
static void write_over(struct json_writer *w, const char *key, struct json_object *old, struct json_object *over)
{
        json_begin_object(w, key);
        for (size_t i = 0; i < json_member_count(old); i++) {
                struct json_object *v = json_member_at(old, i), *other = member(over, json_key(v));

                if (other && json_is_object(v) && json_is_object(other))
                        write_over(w, json_key(v), v, other);
                else
                        json_write_value(w, json_key(v), other ? other : v);
        }
        for (size_t i = 0; i < json_member_count(over); i++) {
                struct json_object *v = json_member_at(over, i);

                if (!member(old, json_key(v)))
                        json_write_value(w, json_key(v), v);
        }
        json_end_object(w);
}

static struct json_object *resources_of(struct json_object *config)
{
        struct json_object *part, *resources;

        return json_get_object(config, "linux", &part, NULL) > 0 &&
                               json_get_object(part, "resources", &resources, NULL) > 0
                       ? resources
                       : NULL;
}

/* One that could be limited says something of its memory. */
int live_update_config(const struct live_update *u, struct buf *config)
{
        own_json struct json_object *old = NULL;
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };
        struct buf before;

        if (json_parse(buf_str(config), config->len, &old, NULL) < 0 || !json_is_object(old))
                return -EINVAL;
        if (!member(u->config, "machine") && !member(resources_of(old), "memory"))
                return 0;
        write_over(&w, NULL, old, u->config);
        if (buf_failed(&out))
                return -ENOMEM;
        before = *config;
        *config = out;
        out = before;
        return 0;
}

int live_update_resources(const struct live_update *u, struct buf *ret)
{
        struct json_object *resources = member(u->config, "machine") ? u->config : resources_of(u->config);

        if (!resources)
                return -EINVAL;
        json_add_value(ret, resources);
        return buf_failed(ret) ? -ENOMEM : 0;
}
