/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever archive of images comes: it is refused, or loaded; what is handed over is whole. */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/hash.h"
#include "fetch/operation.h"
#include "tar_sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
        size_t layers, blobs, images;
};

int host_new_file(struct host *h, struct error *err)
{
        return memfd_create("file", MFD_CLOEXEC);
}

int host_has_layer(struct host *h, const struct digest *diff_id, struct error *err)
{
        return 0;
}

int host_add_layer(struct host *h, const struct digest *diff_id, uint64_t tar_size, int image, int recipe,
                   struct error *err)
{
        if (!*diff_id->text || image < 0 || recipe < 0 || lseek(image, 0, SEEK_END) <= 0)
                abort();
        h->layers++;
        return 0;
}

int host_add_layer_blob(struct host *h, const struct digest *diff_id, const struct host_layer_blob *b,
                        struct error *err)
{
        if (!*b->digest.text)
                abort();
        return 0;
}

int host_add_blob(struct host *h, const struct digest *d, const char *media_type, const void *data, size_t n,
                  struct error *err)
{
        if (hash_check(data, n, d, err) < 0)
                abort();
        h->blobs++;
        return 0;
}

int host_add_image(struct host *h, const struct digest *manifest, const char *name, struct error *err)
{
        if (h->blobs < 2)
                abort();
        h->images++;
        return 0;
}

void host_progress(struct host *h, const char *id, enum host_progress_state state, uint64_t done, uint64_t total)
{
}

void host_warning(struct host *h, const char *format, ...)
{
}

int host_result(struct host *h, const char *json, struct error *err)
{
        return 0;
}

static void load(const uint8_t *data, size_t size)
{
        own_fd int input = memfd_create("archive", MFD_CLOEXEC);
        own_json struct json_object *job = NULL;
        struct host h = {};
        struct error err = {};
        int r;

        if (input < 0 || write(input, data, size) != (ssize_t)size || json_parse("{}", 2, &job, &err) < 0)
                return;
        lseek(input, 0, SEEK_SET);
        r = operation_load(&h, job, input, &err);
        if (r < 0 && (r != -err.code || !*err.text))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem uint8_t *mended = malloc(size ? size : 1);

        if (!mended || !size)
                return 0;
        memcpy(mended, data, size);
        tar_mend_sums(mended, size);
        load(mended, size);
        return 0;
}
