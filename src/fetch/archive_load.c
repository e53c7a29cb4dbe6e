/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/archive_image.h"
#include "fetch/operation.h"

static int read_docker(struct archive *a, struct docker_archive *ret, struct error *err)
{
        const char *text = NULL;
        size_t len = 0;
        int r = archive_document(a, "manifest.json", &text, &len, err);

        if (r > 0)
                r = docker_archive_read(text, len, ret, err);
        return r < 0 ? error_wrap(err, "manifest.json") : r;
}

static int load_images(struct archive *a, const struct platform *platform, struct error *err)
{
        own_docker_archive struct docker_archive docker = {};
        const char *text = NULL;
        size_t len = 0;
        int r = read_docker(a, &docker, err);

        if (r < 0)
                return r;
        r = archive_document(a, "index.json", &text, &len, err);
        if (r < 0)
                return r;
        /* Where both are, the layout knows more: the manifests as they were. */
        if (r > 0)
                return archive_load_layout(a, &docker, platform, err);
        if (docker.n_images)
                return archive_load_docker(a, &docker, err);
        return error_set(err, EINVAL, "neither a docker-archive nor an OCI layout");
}

int operation_load(struct host *h, struct json_object *job, int input, struct error *err)
{
        own_archive struct archive a;
        struct platform platform = platform_host();
        const char *wanted = NULL;
        char storage[128];
        struct stat st;
        int r = json_get_string(job, "platform", &wanted, err);

        if (r > 0)
                r = platform_parse(wanted, storage, &platform, err);
        if (r == 0 && fstat(input, &st) < 0)
                r = error_errno(err, errno, "stat the archive");
        archive_init(&a, h, r == 0 && S_ISDIR(st.st_mode) ? input : -1);
        if (r == 0 && a.directory < 0)
                r = archive_read_stream(&a, input, err);
        return r < 0 ? r : load_images(&a, &platform, err);
}
