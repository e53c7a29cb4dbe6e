/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever archive comes: it becomes a layer or is refused. What is no file's data is told once, in order. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        const uint8_t *data;
        size_t size, at, told;
};

/* In pieces of odd sizes, as a pipe gives them. */
static ssize_t read_some(void *userdata, void *data, size_t n)
{
        struct input *in = userdata;
        size_t left = in->size - in->at, k = left < 1337 ? left : 1337;

        if (k > n)
                k = n;
        if (k)
                memcpy(data, in->data + in->at, k);
        in->at += k;
        return (ssize_t)k;
}

static int count_raw(void *userdata, const void *data, size_t n, struct error *err)
{
        struct input *in = userdata;

        in->told += n;
        if (in->told > in->size)
                abort();
        return 0;
}

/* The fuzzer will not guess sums: what looks like a header gets its own. */
static void mend_sums(uint8_t *data, size_t size)
{
        enum { BLOCK = 512, SUM = 148, SUM_END = 156, MAGIC = 257 };

        for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
                uint8_t *b = data + at;
                unsigned sum = 0;
                char text[8];

                if (memcmp(b + MAGIC, "ustar", 5) != 0)
                        continue;
                for (size_t i = 0; i < BLOCK; i++)
                        sum += i >= SUM && i < SUM_END ? ' ' : b[i];
                snprintf(text, sizeof text, "%06o", sum);
                memcpy(b + SUM, text, sizeof text - 1);
                b[SUM_END - 1] = ' ';
        }
}

static void convert(const uint8_t *data, size_t size)
{
        static const uint8_t uuid[16];
        struct input in = { .data = data, .size = size };
        own_fd int fd = memfd_create("layer", MFD_CLOEXEC);
        own_tar_reader struct tar_reader *tar = tar_reader_new(read_some, count_raw, &in);
        own_layer_writer struct layer_writer w = {};
        struct error err = {};
        int r;

        if (fd < 0 || !tar)
                return;
        r = layer_writer_init(&w, fd, &err);
        if (r == 0)
                r = layer_writer_add(&w, tar, &err);
        if (r == 0)
                r = layer_writer_end(&w, uuid, &err);
        if (r < 0 && (r != -err.code || !*err.text))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem uint8_t *mended = malloc(size ? size : 1);

        convert(data, size);
        if (!mended || !size)
                return 0;
        memcpy(mended, data, size);
        mend_sums(mended, size);
        convert(mended, size);
        return 0;
}
