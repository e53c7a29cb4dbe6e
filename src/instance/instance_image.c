/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/image_command.h"
#include "instance/system_container.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

int instance_image_read(struct engine *e, struct instance *i, struct error *err)
{
        own_buf struct buf text = {};
        struct store *store;
        int r = i->config ? 0 : engine_store(e, &store, err);

        if (r < 0 || i->config)
                return r;
        i->config = calloc(1, sizeof *i->config);
        if (!i->config)
                return no_memory(err);
        r = store_blob_read(store, &i->image, &text, err);
        if (r == 0)
                r = image_config_read(buf_str(&text), text.len, i->config, err);
        if (r < 0)
                instance_image_forget(i);
        return r;
}

void instance_image_forget(struct instance *i)
{
        if (i->config)
                image_config_finish(i->config);
        free(i->config);
        i->config = NULL;
}

static int set(struct instance_options *o, const char *name, const char *value, struct error *err)
{
        return instance_option_set(o, instance_option_find(name), value) < 0 ? no_memory(err) : 0;
}

/* The image's first: of two with one name the last counts. */
static int merge_labels(const struct image_config *image, struct instance_options *o, struct error *err)
{
        size_t n = 0, own = image->labels.n;
        own_mem const char **all = NULL;
        int r = 0;

        if (!own)
                return 0;
        while (o->label && o->label[n])
                n++;
        all = calloc(own + n, sizeof *all);
        if (!all)
                return no_memory(err);
        for (size_t i = 0; i < own; i++) {
                size_t size = strlen(image->labels.v[i].key) + strlen(image->labels.v[i].value) + 2;
                char *text = arena_alloc(&o->arena, size, 1);

                if (!text)
                        return no_memory(err);
                snprintf(text, size, "%s=%s", image->labels.v[i].key, image->labels.v[i].value);
                all[i] = text;
        }
        for (size_t i = 0; i < n; i++)
                all[own + i] = o->label[i];
        r = instance_option_set_list(o, instance_option_find("label"), all, own + n);
        return r < 0 ? no_memory(err) : 0;
}

/* Of a health check: nanoseconds. */
static int merge_time(struct json_object *check, const char *key, const char *option, const char *given,
                      struct instance_options *o, struct error *err)
{
        int64_t ns = 0;
        char text[32];

        if (given || json_get_i64(check, key, &ns, NULL) <= 0 || ns <= 0)
                return 0;
        snprintf(text, sizeof text, "%" PRId64 "ns", ns);
        return set(o, option, text, err);
}

/* ["NONE"], ["CMD-SHELL", "..."] or ["CMD", ARGUMENTS...] */
static int merge_test(struct json_object *check, struct instance_options *o, struct error *err)
{
        struct json_object *test;
        own_mem const char **values = NULL;
        size_t n;

        if (json_get_array(check, "Test", &test, NULL) <= 0)
                return 0;
        n = json_array_size(test);
        values = calloc(n + 1, sizeof *values);
        if (!values)
                return no_memory(err);
        for (size_t i = 0; i < n; i++) {
                values[i] = json_string_value(json_array_item(test, i));
                if (!values[i])
                        return error_set(err, EINVAL, "the image's health check is no list of strings");
        }
        if (!n || strcmp(values[0], "NONE") == 0)
                return 0;
        return instance_option_set_list(o, instance_option_find("health-test"), values, n) < 0 ? no_memory(err) : 0;
}

static int merge_health(const struct image_config *image, struct instance_options *o, struct error *err)
{
        const char *const own[] = { "CMD-SHELL", o->health_cmd };
        struct json_object *check = image->healthcheck;
        int64_t retries = 0;
        char text[32];
        int r = 0;

        if (o->no_healthcheck || (o->health_cmd && strcmp(o->health_cmd, "none") == 0))
                return 0;
        if (check) {
                r = merge_test(check, o, err);
                if (r == 0)
                        r = merge_time(check, "Interval", "health-interval", o->health_interval, o, err);
                if (r == 0)
                        r = merge_time(check, "Timeout", "health-timeout", o->health_timeout, o, err);
                if (r == 0)
                        r = merge_time(check, "StartPeriod", "health-start-period", o->health_start_period, o, err);
                if (r == 0)
                        r = merge_time(check, "StartInterval", "health-start-interval", o->health_start_interval, o,
                                       err);
                if (r == 0 && !o->health_retries && json_get_i64(check, "Retries", &retries, NULL) > 0 && retries > 0) {
                        snprintf(text, sizeof text, "%" PRId64, retries);
                        r = set(o, "health-retries", text, err);
                }
        }
        if (r == 0 && o->health_cmd && instance_option_set_list(o, instance_option_find("health-test"), own, 2) < 0)
                r = no_memory(err);
        return r;
}

static int merge_volumes(const struct image_config *image, struct instance_options *o, struct error *err)
{
        int r = image->volumes.n ? instance_option_set_list(o, instance_option_find("image-volume"), image->volumes.v,
                                                            image->volumes.n)
                                 : 0;

        return r < 0 ? no_memory(err) : 0;
}

static int merge_ports(const struct image_config *image, struct instance_options *o, struct error *err)
{
        size_t n = 0, own = image->exposed_ports.n;
        own_mem const char **all = NULL;

        while (o->expose && o->expose[n])
                n++;
        if (!own)
                return 0;
        all = calloc(own + n, sizeof *all);
        if (!all)
                return no_memory(err);
        for (size_t i = 0; i < own + n; i++)
                all[i] = i < own ? image->exposed_ports.v[i] : o->expose[i - own];
        return instance_option_set_list(o, instance_option_find("expose"), all, own + n) < 0 ? no_memory(err) : 0;
}

int instance_image_merge(const struct image_config *image, struct instance_options *o, struct error *err)
{
        int r = merge_labels(image, o, err);

        if (r == 0)
                r = merge_volumes(image, o, err);

        if (r == 0)
                r = merge_ports(image, o, err);
        if (r == 0)
                r = merge_health(image, o, err);
        return r;
}

/* An init system is asked in its own way. */
static int settle_stop_signal(const struct image_config *image, struct instance_options *o, const char *program,
                              struct error *err)
{
        bool is_system = false;
        int r = o->stop_signal ? 0 : system_container_is(o, program, &is_system, err);

        if (r < 0 || o->stop_signal || (!*image->stop_signal && !is_system))
                return r;
        return set(o, "stop-signal", *image->stop_signal ? image->stop_signal : SYSTEM_CONTAINER_STOP_SIGNAL, err);
}

int instance_image_args(const struct image_config *image, struct instance_options *o, const char *const **ret,
                        struct error *err)
{
        own_mem const char **words = NULL;
        const char **all;
        size_t n = 0;
        int r = image_command(image, o, &words, err);

        if (r < 0)
                return r;
        while (words[n])
                n++;
        all = arena_alloc(&o->arena, n + 1, sizeof *all);
        if (!all)
                return no_memory(err);
        for (size_t i = 0; i < n; i++) {
                all[i] = arena_strdup(&o->arena, words[i]);
                if (!all[i])
                        return no_memory(err);
        }
        *ret = all;
        return settle_stop_signal(image, o, all[0], err);
}
