/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_job DIRECTORY pull|push|login|search PARAMETERS: a job of holt-fetch in this process, with a plain directory
 * instead of the store:
 *
 *   blobs/DIGEST, layers/DIFF_ID, layers/DIFF_ID.recipe, known/DIFF_ID (a line for each blob), images (MANIFEST NAME)
 *
 * Credentials come from TEST_USER, TEST_PASSWORD and TEST_IDENTITY, places from TEST_ENDPOINTS ("REGISTRY/REPOSITORY"
 * with "!" behind for an insecure one, and blanks between them). Results go to standard output, the rest to standard
 * error.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/host.h"
#include "fetch/operation.h"
#include "sys/fd.h"

struct host {
        int dir;
        pthread_mutex_t lock;
};

static int open_in(struct host *h, const char *folder, const struct digest *d, const char *suffix, int flags)
{
        char path[300];

        snprintf(path, sizeof path, "%s/%s%s", folder, d->text, suffix);
        return openat(h->dir, path, flags | O_CLOEXEC, 0600);
}

int host_new_file(struct host *h, struct error *err)
{
        int fd = openat(h->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        return fd < 0 ? error_errno(err, errno, "make a file") : fd;
}

/* The file gets the name; one that is there is as good. */
static int name_file(struct host *h, int fd, const char *folder, const struct digest *d, const char *suffix,
                     struct error *err)
{
        char from[64], to[300];

        snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
        snprintf(to, sizeof to, "%s/%s%s", folder, d->text, suffix);
        if (linkat(AT_FDCWD, from, h->dir, to, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
                return error_errno(err, errno, "name %s", to);
        return 0;
}

int host_has_layer(struct host *h, const struct digest *diff_id, struct error *err)
{
        own_fd int fd = open_in(h, "layers", diff_id, "", O_RDONLY);

        return fd >= 0;
}

int host_open_layer(struct host *h, const struct digest *diff_id, uint64_t *ret_tar_size, int *ret_image,
                    int *ret_recipe, struct error *err)
{
        own_fd int image = open_in(h, "layers", diff_id, "", O_RDONLY);
        own_fd int recipe = open_in(h, "layers", diff_id, ".recipe", O_RDONLY);

        if (image < 0 || recipe < 0)
                return error_set(err, ENOENT, "no layer %s", diff_id->text);
        if (ret_tar_size)
                *ret_tar_size = 0;
        *ret_image = take_fd(&image);
        *ret_recipe = take_fd(&recipe);
        return 0;
}

int host_read_blob(struct host *h, const struct digest *d, struct buf *ret, struct error *err)
{
        own_fd int fd = open_in(h, "blobs", d, "", O_RDONLY);

        if (fd < 0)
                return 0;
        return fd_read_all(fd, MANIFEST_MAX, ret) < 0 ? error_set(err, EIO, "read %s", d->text) : 1;
}

int host_layer_blobs(struct host *h, const struct digest *diff_id, struct host_layer_blob **ret, struct error *err)
{
        own_fd int fd = open_in(h, "known", diff_id, "", O_RDONLY);
        struct host_layer_blob *list = calloc(64, sizeof *list);
        FILE *f = fd < 0 ? NULL : fdopen(take_fd(&fd), "r");
        int n = 0;

        if (!list)
                return error_set(err, ENOMEM, "out of memory");
        while (f && n < 64) {
                struct host_layer_blob *b = &list[n];
                int ours = 0, compression = 0;
                unsigned long long size = 0;

                if (fscanf(f, "%135s %llu %d %d %511s", b->digest.text, &size, &compression, &ours, b->source) != 5)
                        break;
                b->size = size;
                b->compression = (enum compression)compression;
                b->ours = ours;
                if (strcmp(b->source, "-") == 0)
                        b->source[0] = '\0';
                n++;
        }
        if (f)
                fclose(f);
        *ret = list;
        return n;
}

int host_add_layer_blob(struct host *h, const struct digest *diff_id, const struct host_layer_blob *b,
                        struct error *err)
{
        own_fd int fd = open_in(h, "known", diff_id, "", O_WRONLY | O_CREAT | O_APPEND);

        dprintf(fd, "%s %llu %d %d %s\n", b->digest.text, (unsigned long long)b->size, (int)b->compression, b->ours,
                *b->source ? b->source : "-");
        return 0;
}

int host_add_layer(struct host *h, const struct digest *diff_id, uint64_t tar_size, int image, int recipe,
                   struct error *err)
{
        int r = name_file(h, recipe, "layers", diff_id, ".recipe", err);

        return r < 0 ? r : name_file(h, image, "layers", diff_id, "", err);
}

int host_add_blob(struct host *h, const struct digest *d, const char *media_type, const void *data, size_t n,
                  struct error *err)
{
        own_fd int fd = host_new_file(h, err);

        if (fd < 0 || fd_write_all(fd, data, n) < 0)
                return error_set(err, EIO, "write %s", d->text);
        return name_file(h, fd, "blobs", d, "", err);
}

int host_add_image(struct host *h, const struct digest *manifest, const char *name, struct error *err)
{
        own_fd int fd = openat(h->dir, "images", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        dprintf(fd, "%s %s\n", manifest->text, name ? name : "-");
        return 0;
}

static char *variable(const char *name)
{
        const char *value = getenv(name);

        return strdup(value ? value : "");
}

int host_credentials(struct host *h, const char *registry, const char *repository, struct host_credentials *ret,
                     struct error *err)
{
        ret->username = variable("TEST_USER");
        ret->password = variable("TEST_PASSWORD");
        ret->identity_token = variable("TEST_IDENTITY");
        return ret->username && ret->password && ret->identity_token ? 0 : error_set(err, ENOMEM, "out of memory");
}

void host_credentials_finish(struct host_credentials *c)
{
        free(c->username);
        free(c->password);
        free(c->identity_token);
        *c = (struct host_credentials){};
}

int host_endpoints(struct host *h, const char *registry, const char *repository, bool for_push,
                   const char *tag_or_digest, struct host_endpoint **ret, struct error *err)
{
        struct host_endpoint *list = calloc(16, sizeof *list);
        own_mem char *text = variable("TEST_ENDPOINTS");
        char *save = NULL;
        size_t n = 0;

        if (!list || !text)
                return error_set(err, ENOMEM, "out of memory");
        for (char *place = strtok_r(text, " ", &save); place && n < 15; place = strtok_r(NULL, " ", &save)) {
                char *slash = strchr(place, '/'), *mark = strchr(place, '!');

                list[n].insecure = mark;
                if (mark)
                        *mark = '\0';
                list[n].registry = strndup(place, (size_t)(slash - place));
                list[n++].repository = strdup(slash + 1);
        }
        if (!n)
                list[0] = (struct host_endpoint){ strdup(registry), strdup(repository), true };
        *ret = list;
        return 0;
}

void host_endpoints_free(struct host_endpoint *e)
{
        for (struct host_endpoint *i = e; i && i->registry; i++) {
                free(i->registry);
                free(i->repository);
        }
        free(e);
}

void host_progress(struct host *h, const char *id, enum host_progress_state state, uint64_t done, uint64_t total)
{
        static const char *const names[] = { "waiting", "exists", "transferring", "retrying", "done", "mounted" };

        if (state == HOST_TRANSFERRING && done && done != total)
                return;
        fprintf(stderr, "%.19s %s %llu/%llu\n", id, names[state], (unsigned long long)done, (unsigned long long)total);
}

void host_debug(struct host *h, const char *format, ...)
{
}

void host_warning(struct host *h, const char *format, ...)
{
        va_list ap;

        pthread_mutex_lock(&h->lock);
        fputs("warning: ", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        pthread_mutex_unlock(&h->lock);
}

int host_result(struct host *h, const char *json, struct error *err)
{
        return puts(json) < 0 ? error_set(err, EIO, "write the result") : 0;
}

static int run(struct host *h, const char *name, const char *parameters, struct error *err)
{
        static const struct {
                const char *name;
                int (*run)(struct host *h, struct json_object *job, struct error *err);
        } jobs[] = {
                { "pull", operation_pull },
                { "push", operation_push },
                { "login", operation_login },
                { "search", operation_search },
        };
        own_json struct json_object *job = NULL;
        int r = json_parse(parameters, strlen(parameters), &job, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                if (strcmp(jobs[i].name, name) == 0)
                        return jobs[i].run(h, job, err);
        }
        return error_set(err, EINVAL, "no such job: %s", name);
}

int main(int argc, char **argv)
{
        static const char *const folders[] = { "blobs", "layers", "known" };
        struct host h = { .lock = PTHREAD_MUTEX_INITIALIZER };
        struct error err = {};

        if (argc != 4) {
                fprintf(stderr, "usage: %s DIRECTORY JOB PARAMETERS\n", argv[0]);
                return 2;
        }
        h.dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                mkdirat(h.dir, folders[i], 0700);
        if (run(&h, argv[2], argv[3], &err) < 0) {
                fprintf(stderr, "%s (%s)\n", err.text, strerror(err.code));
                return 1;
        }
        return 0;
}
