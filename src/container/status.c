/* SPDX-License-Identifier: Apache-2.0 */
/* What a container is doing now, and how it is described. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/lifecycle.h"
#include "container/start_socket.h"
#include "container/state.h"
#include "oci/runtime_spec.h"
#include "sys/process.h"

int lifecycle_status(const struct container *c, enum container_status *ret, struct error *err)
{
        uint64_t start_time;
        char state;
        int r;

        /* No pid yet, or a state that was never written to its end: it exists in name only. */
        if (!c->pid || !c->json) {
                *ret = CONTAINER_CREATING;
                return 0;
        }
        r = process_stat(c->pid, &start_time, &state);
        if (r < 0 && r != -ESRCH)
                return error_errno(err, -r, "look at process %d", (int)c->pid);
        if (r == -ESRCH || start_time != c->start_time || state == 'Z' || state == 'X') {
                *ret = CONTAINER_STOPPED;
                return 0;
        }
        *ret = start_socket_is_waiting(c) ? CONTAINER_CREATED : CONTAINER_RUNNING;
        return 0;
}

int container_status(struct container *c, enum container_status *ret, struct error *err)
{
        enum container_status status;
        int r = lifecycle_status(c, &status, err);

        if (r < 0)
                return r;
        if (status == CONTAINER_CREATED || status == CONTAINER_RUNNING)
                r = cgroup_is_frozen(&c->cgroup);
        if (r < 0)
                return error_errno(err, -r, "look whether the container is paused");
        *ret = r ? CONTAINER_PAUSED : status;
        return 0;
}

static void write_common(const struct container *c, enum container_status status, pid_t pid, struct json_writer *w)
{
        json_write_string(w, "ociVersion", c->oci_version ? c->oci_version : OCI_SPEC_VERSION);
        json_write_string(w, "id", c->id);
        if (pid || status == CONTAINER_STOPPED)
                json_write_i64(w, "pid", status == CONTAINER_STOPPED ? 0 : pid);
        json_write_string(w, "status", container_status_name(status));
        json_write_string(w, "bundle", c->bundle ? c->bundle : "");
}

int state_describe(const struct container *c, const struct str_map *annotations, enum container_status status,
                   pid_t pid, struct buf *ret, struct error *err)
{
        struct json_writer w = { .out = ret };

        json_begin_object(&w, NULL);
        write_common(c, status, pid, &w);
        if (annotations->n) {
                json_begin_object(&w, "annotations");
                for (size_t i = 0; i < annotations->n; i++)
                        json_write_string(&w, annotations->v[i].key, annotations->v[i].value);
                json_end_object(&w);
        }
        json_end_object(&w);
        return buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static void write_annotations(const struct container *c, struct json_writer *w)
{
        struct json_object *annotations;
        own_buf struct buf text = {};

        if (!c->json || json_get_object(c->json, "annotations", &annotations, NULL) <= 0)
                return;
        json_add_value(&text, annotations);
        if (strcmp(buf_str(&text), "{}") != 0)
                json_write_raw(w, "annotations", buf_str(&text));
}

int container_describe(struct container *c, enum container_status status, struct buf *ret, struct error *err)
{
        struct json_writer w = { .out = ret };

        json_begin_object(&w, NULL);
        write_common(c, status, c->pid, &w);
        write_annotations(c, &w);
        json_end_object(&w);
        return buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : 0;
}

int container_state(struct container *c, const char *owner, struct json_writer *w, struct error *err)
{
        enum container_status status = CONTAINER_STOPPED;
        int r;

        r = container_status(c, &status, err);
        if (r < 0)
                return r;
        json_begin_object(w, NULL);
        write_common(c, status, c->pid, w);
        json_write_string(w, "rootfs", c->rootfs ? c->rootfs : "");
        json_write_string(w, "created", c->created ? c->created : "");
        write_annotations(c, w);
        json_write_string(w, "owner", owner);
        json_end_object(w);
        return 0;
}

static int is_container(const struct dirent *e)
{
        const char *colon = strchr(e->d_name, ':');

        return e->d_name[0] != '.' && colon && strcmp(colon + 1, STATE_FILE) == 0;
}

int container_each(const char *root, int (*each)(struct container *c, void *userdata), void *userdata,
                   struct error *err)
{
        struct dirent **entries;
        int n = scandir(root, &entries, is_container, alphasort), r = 0;

        if (n < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "read %s", root);
        for (int i = 0; i < n; i++) {
                own_container struct container c = { .rootfd = -1, .statefd = -1 };
                struct error why;
                int q;

                entries[i]->d_name[strcspn(entries[i]->d_name, ":")] = '\0';
                q = container_load(root, entries[i]->d_name, &c, &why);
                if (q == 0)
                        q = each(&c, userdata);
                else if (q != -ENOENT)
                        *err = why;
                if (q != -ENOENT)
                        r = q < 0 ? q : r;
                free(entries[i]);
        }
        free(entries);
        return r;
}
