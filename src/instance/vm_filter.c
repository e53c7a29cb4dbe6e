/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_filter.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/own.h"
#include "container/seccomp.h"
#include "oci/runtime_spec.h"

/* -1: it is compiled anew each time. */
static int open_cache(const struct engine *e)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/filters", e->run) < 0) {
                path = NULL;
                return -1;
        }
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return -1;
        return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int write_filter(const struct engine *e, const struct spec_seccomp *profile, struct json_writer *w,
                        struct error *err)
{
        own_buf struct buf content = {}, text = {};
        own_fd int cache = open_cache(e);
        char name[SECCOMP_NAME_MAX];
        int r = seccomp_export(profile, cache, name, &content, err);

        if (r < 0)
                return r;
        base64_add(&text, content.data, content.len);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        json_begin_array(w, "filters");
        json_begin_object(w, NULL);
        json_write_string(w, "path", name);
        json_write_string(w, "content", buf_str(&text));
        json_end_object(w);
        json_end_array(w);
        return 0;
}

int vm_filter_write(const struct engine *e, const struct buf *spec, struct json_writer *w, struct error *err)
{
        own_spec struct spec s = {};
        int r = spec_parse(buf_str(spec), spec->len, &s, err);

        return r < 0 || !s.linux_.seccomp ? r : write_filter(e, s.linux_.seccomp, w, err);
}
