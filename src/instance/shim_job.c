/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/shim_job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/own.h"
#include "base/parse.h"
#include "instance/backend.h"
#include "instance/protocol.h"
#include "sys/signal_name.h"

enum { STOP_TIMEOUT = 10, HEALTH_RETRIES = 3, MAX_JSON = 1 << 20 };

static const int64_t second = 1000000000;

void shim_job_finish(struct shim_job *j)
{
        free(j->lists);
        json_put(j->json);
        *j = (struct shim_job){};
}

/* ---- from the options ---- */

static int read_duration(const char *option, const char *text, int64_t *ret, struct error *err)
{
        uint64_t ns;

        if (!text)
                return 0;
        if (duration_parse(text, &ns) < 0 || ns > INT64_MAX)
                return error_set(err, EINVAL, "--%s \"%s\": expected a duration as 30s or 1m30s", option, text);
        /* As with Docker, none is the usual one. */
        if (ns)
                *ret = (int64_t)ns;
        return 0;
}

static int read_health(const struct instance_options *o, struct health_options *h, struct error *err)
{
        int r;

        *h = (struct health_options){
                .interval = 30 * second, .timeout = 30 * second, .start_interval = 5 * second, .retries = HEALTH_RETRIES
        };
        if (!o->health_test || !o->health_test[0] || o->no_healthcheck)
                return 0;
        h->test = o->health_test;
        r = read_duration("health-interval", o->health_interval, &h->interval, err);
        if (r == 0)
                r = read_duration("health-timeout", o->health_timeout, &h->timeout, err);
        if (r == 0)
                r = read_duration("health-start-period", o->health_start_period, &h->start_period, err);
        if (r == 0)
                r = read_duration("health-start-interval", o->health_start_interval, &h->start_interval, err);
        if (r < 0)
                return r;
        if (o->health_retries && parse_u32(o->health_retries, 10, &h->retries) < 0)
                return error_set(err, EINVAL, "--health-retries \"%s\": expected a number", o->health_retries);
        if (!h->retries)
                h->retries = HEALTH_RETRIES;
        return 0;
}

static int read_stop(const struct instance_options *o, struct shim_job *j, struct error *err)
{
        int64_t seconds = STOP_TIMEOUT;

        j->stop_signal = SIGTERM;
        if (o->stop_signal && (signal_parse(o->stop_signal, &j->stop_signal) < 0 || !j->stop_signal))
                return error_set(err, EINVAL, "--stop-signal \"%s\" is no signal", o->stop_signal);
        if (o->stop_timeout && (parse_i64(o->stop_timeout, &seconds) < 0 || seconds > INT32_MAX))
                return error_set(err, EINVAL, "--stop-timeout \"%s\": expected seconds", o->stop_timeout);
        j->stop_timeout = seconds < 0 ? -1 : (int)seconds;
        return 0;
}

int shim_job_of(const struct instance *i, struct shim_job *ret, struct error *err)
{
        const struct instance_options *o = &i->options;
        struct shim_job j = { .name = i->name,
                              .image = i->image_name,
                              .backend = i->backend->name,
                              .tty = o->tty,
                              .interactive = o->interactive,
                              .cleanup = o->rm,
                              .remove = o->rm,
                              .before = i->state };
        int r = read_stop(o, &j, err);

        if (r == 0)
                r = restart_policy_parse(o->restart, &j.restart, err);
        if (r == 0 && o->rm && j.restart.kind != RESTART_NO)
                r = error_set(err, EINVAL, "--rm and --restart do not go together");
        if (r == 0)
                r = log_options_parse(o->log_driver, o->log_opt, &j.log, err);
        if (r == 0)
                r = read_health(o, &j.health, err);
        if (r == 0)
                *ret = j;
        return r;
}

/* ---- over the wire ---- */

static void write_text(struct json_writer *w, const char *key, const char *text)
{
        if (text)
                json_write_string(w, key, text);
}

static void write_health(const struct health_options *h, struct json_writer *w)
{
        if (!h->test)
                return;
        json_begin_object(w, "health");
        json_write_strings(w, "test", h->test);
        json_write_i64(w, "interval", h->interval);
        json_write_i64(w, "timeout", h->timeout);
        json_write_i64(w, "startPeriod", h->start_period);
        json_write_i64(w, "startInterval", h->start_interval);
        json_write_u64(w, "retries", h->retries);
        json_end_object(w);
}

int shim_job_write(const struct shim_job *j, const struct instance *i, struct buf *out)
{
        static const unsigned char no_size[4];
        size_t at = out->len;
        struct json_writer w = { .out = out };

        buf_add(out, no_size, sizeof no_size);
        json_begin_object(&w, NULL);
        json_write_string(&w, "name", j->name);
        json_write_string(&w, "image", j->image);
        json_write_string(&w, "holt", j->holt);
        json_write_string(&w, "backend", j->backend);
        json_write_bool(&w, "tty", j->tty);
        json_write_bool(&w, "interactive", j->interactive);
        json_write_bool(&w, "attach", j->attach);
        json_write_bool(&w, "cleanup", j->cleanup);
        json_write_bool(&w, "remove", j->remove);
        json_write_bool(&w, "root", j->has_root);
        json_write_bool(&w, "netns", j->has_netns);
        if (j->n_given)
                json_write_u64(&w, "given", j->n_given);
        json_write_bool(&w, "systemd", j->by_systemd);
        json_write_i64(&w, "stopSignal", j->stop_signal);
        json_write_i64(&w, "stopTimeout", j->stop_timeout);
        write_text(&w, "restart", i->options.restart);
        write_text(&w, "logDriver", i->options.log_driver);
        json_write_strings(&w, "logOptions", i->options.log_opt);
        write_health(&j->health, &w);
        instance_state_write(&j->before, &w, "before");
        json_end_object(&w);
        if (buf_failed(out))
                return -ENOMEM;
        protocol_put_u32((unsigned char *)out->data + at, (uint32_t)(out->len - at - sizeof no_size));
        return 0;
}

/* *list is where the next list may begin in j->lists. -EINVAL without a message, as everything here: it comes from our
 * own commands. */
static int read_list(struct json_object *obj, const char *key, const char ***list, const char *const **ret)
{
        struct json_object *array;
        int r = json_get_array(obj, key, &array, NULL);
        size_t n = r > 0 ? json_array_size(array) : 0;

        if (r <= 0)
                return r;
        *ret = *list;
        for (size_t i = 0; i < n; i++) {
                **list = json_string_value(json_array_item(array, i));
                if (!**list)
                        return -EINVAL;
                (*list)++;
        }
        *(*list)++ = NULL;
        return 1;
}

static int read_health_json(struct json_object *obj, struct health_options *h, const char ***lists)
{
        struct json_object *health;

        if (json_get_object(obj, "health", &health, NULL) <= 0)
                return 0;
        return read_list(health, "test", lists, &h->test) <= 0 || !h->test[0] ||
                               json_get_i64(health, "interval", &h->interval, NULL) <= 0 || h->interval <= 0 ||
                               json_get_i64(health, "timeout", &h->timeout, NULL) <= 0 || h->timeout <= 0 ||
                               json_get_i64(health, "startPeriod", &h->start_period, NULL) < 0 ||
                               json_get_i64(health, "startInterval", &h->start_interval, NULL) <= 0 ||
                               h->start_interval <= 0 || json_get_u32(health, "retries", &h->retries, NULL) <= 0
                       ? -EINVAL
                       : 0;
}

static int read_flags(struct json_object *obj, struct shim_job *j)
{
        const struct {
                const char *key;
                bool *to;
        } flags[] = { { "tty", &j->tty },         { "interactive", &j->interactive }, { "attach", &j->attach },
                      { "cleanup", &j->cleanup }, { "remove", &j->remove },           { "root", &j->has_root },
                      { "netns", &j->has_netns }, { "systemd", &j->by_systemd } };

        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                if (json_get_bool(obj, flags[i].key, flags[i].to, NULL) < 0)
                        return -EINVAL;
        }
        return 0;
}

static int read_texts(struct json_object *obj, struct shim_job *j)
{
        const struct {
                const char *key;
                const char **to;
        } texts[] = { { "name", &j->name }, { "image", &j->image }, { "holt", &j->holt }, { "backend", &j->backend } };
        int64_t signo, timeout;

        if (json_get_u32(obj, "given", &j->n_given, NULL) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                if (json_get_string(obj, texts[i].key, texts[i].to, NULL) <= 0)
                        return -EINVAL;
        }
        if (json_get_i64(obj, "stopSignal", &signo, NULL) <= 0 || json_get_i64(obj, "stopTimeout", &timeout, NULL) <= 0)
                return -EINVAL;
        j->stop_signal = (int)signo;
        j->stop_timeout = (int)timeout;
        return signo > 0 && signo <= SIGRTMAX && timeout >= -1 && timeout <= INT32_MAX ? 0 : -EINVAL;
}

static int read_options(struct json_object *obj, struct shim_job *j, const char **lists)
{
        const char *restart = NULL, *driver = NULL, *const *log = NULL;
        struct json_object *before;

        if (json_get_string(obj, "restart", &restart, NULL) < 0 ||
            json_get_string(obj, "logDriver", &driver, NULL) < 0 || read_list(obj, "logOptions", &lists, &log) < 0 ||
            json_get_object(obj, "before", &before, NULL) <= 0)
                return -EINVAL;
        if (restart_policy_parse(restart, &j->restart, NULL) < 0 || log_options_parse(driver, log, &j->log, NULL) < 0)
                return -EINVAL;
        return instance_state_read(before, &j->before, NULL) < 0 ? -EINVAL : read_health_json(obj, &j->health, &lists);
}

static int read_json(const char *text, size_t len, struct shim_job *j)
{
        if (json_parse(text, len, &j->json, NULL) < 0 || !json_is_object(j->json))
                return -EINVAL;
        /* No list has more items than the text has quotes. */
        j->lists = calloc(len / 2 + 4, sizeof *j->lists);
        if (!j->lists)
                return -ENOMEM;
        return read_flags(j->json, j) < 0 || read_texts(j->json, j) < 0 ? -EINVAL : read_options(j->json, j, j->lists);
}

int shim_job_read(const unsigned char *payload, size_t len, struct shim_job *ret, const char **ret_config,
                  size_t *ret_config_len, struct error *err)
{
        own_shim_job struct shim_job j = {};
        uint32_t size = len >= 4 ? protocol_u32(payload) : MAX_JSON + 1;
        int r = size > MAX_JSON || size > len - 4 ? -EINVAL : read_json((const char *)payload + 4, size, &j);

        if (r < 0)
                return error_set(err, -r, "the shim does not understand its job");
        *ret_config = (const char *)payload + 4 + size;
        *ret_config_len = len - 4 - size;
        *ret = j;
        j = (struct shim_job){};
        return 0;
}
