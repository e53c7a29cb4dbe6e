/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as containers-certs.d(5) has them: DIRECTORY/HOST[:PORT]/ has *.crt (whom to believe), and one pair of
 * *.cert and *.key (who we are). curl takes either the system's certificates or given ones: both are joined here.
 */
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/http.h"
#include "sys/fd.h"

enum { MAX_CERTIFICATES = 4 << 20 };

void http_trust_finish(struct http_trust *t)
{
        buf_finish(&t->ca);
        buf_finish(&t->client_cert);
        buf_finish(&t->client_key);
        *t = (struct http_trust){};
}

static int add_file(int dir, const char *name, struct buf *ret, struct error *err)
{
        own_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_CERTIFICATES, ret);

        buf_add(ret, "\n", 1);
        return r < 0 ? error_errno(err, -r, "read %s", name) : 0;
}

static bool ends_with(const char *name, const char *end)
{
        size_t n = strlen(name), m = strlen(end);

        return n > m && strcmp(name + n - m, end) == 0;
}

static struct buf *place_for(struct http_trust *t, const char *name)
{
        if (ends_with(name, ".crt"))
                return &t->ca;
        /* curl takes one. */
        if (ends_with(name, ".cert"))
                return t->client_cert.len ? NULL : &t->client_cert;
        if (ends_with(name, ".key"))
                return t->client_key.len ? NULL : &t->client_key;
        return NULL;
}

static int add_directory(const char *home, const char *parent, const char *registry, struct http_trust *t,
                         struct error *err)
{
        own_dir DIR *dir = NULL;
        char path[PATH_MAX];
        int r = 0;

        if (snprintf(path, sizeof path, "%s/%s/%s", home, parent, registry) >= (int)sizeof path)
                return 0;
        dir = opendir(path);
        /* The user that we have become may have nothing to look for at home. */
        if (!dir && (errno == ENOENT || errno == ENOTDIR || (*home && errno == EACCES)))
                return 0;
        if (!dir)
                return error_errno(err, errno, "open %s", path);
        for (struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir)) {
                struct buf *to = place_for(t, e->d_name);

                r = to ? add_file(dirfd(dir), e->d_name, to, err) : 0;
        }
        return r < 0 ? error_wrap(err, "%s", path) : 0;
}

/* The system's certificates, where curl would look for them; none is no error: then only the given ones count. */
static int add_system(struct buf *ret, struct error *err)
{
        const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
        const char *file = getenv("SSL_CERT_FILE");

        if (!file || !*file)
                file = v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
        return file && access(file, R_OK) == 0 ? add_file(AT_FDCWD, file, ret, err) : 0;
}

int http_trust_load(const char *registry, bool insecure, struct http_trust *ret, struct error *err)
{
        static const char *const places[] = { "etc/containers/certs.d", "etc/docker/certs.d" };
        static const char *const own[] = { ".config/containers/certs.d", ".docker/certs.d" };
        own_http_trust struct http_trust t = { .insecure = insecure };
        const char *home = getenv("HOME");
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
                r = add_directory("", places[i], registry, &t, err);
        for (size_t i = 0; home && *home && i < ARRAY_SIZE(own) && r == 0; i++)
                r = add_directory(home, own[i], registry, &t, err);
        if (r == 0 && (t.ca.len || getenv("SSL_CERT_FILE")))
                r = add_system(&t.ca, err);
        if (r == 0 && (buf_failed(&t.ca) || buf_failed(&t.client_cert) || buf_failed(&t.client_key)))
                r = error_set(err, ENOMEM, "out of memory");
        if (r < 0)
                return r;
        *ret = t;
        t = (struct http_trust){};
        return 0;
}
