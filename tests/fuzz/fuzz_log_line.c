/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in a log: what is taken from a line lies inside of it; what a program says comes back as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/log_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void parse(const uint8_t *data, size_t size)
{
        own_mem char *line = malloc(size + 1);
        struct log_entry e;

        if (!line)
                return;
        memcpy(line, data, size);
        if (log_line_parse(line, size, &e) == 0)
                require(e.text >= line && e.text + e.len <= line + size);
}

/* By way of log_file.c, but for what is no UTF-8: only text goes there and back. */
static void there_and_back(const uint8_t *data, size_t size)
{
        struct log l;
        struct log_options o = { .driver = LOG_JSON_FILE, .max_size = -1, .max_files = 1 };
        struct log_entry e;

        for (size_t i = 0; i < size; i++) {
                if (data[i] >= 0x80 || data[i] == '\n')
                        return;
        }
        log_open(&l, &o, -1, "id", "name", "image");
        log_file_add(&l, LOG_STDERR, (const char *)data, size, false, 1);
        require(l.out.len > 1 && log_line_parse(l.out.data, l.out.len - 1, &e) == 0);
        require(e.stream == LOG_STDERR && e.time == 1 && e.len == size + 1);
        require(memcmp(e.text, data, size) == 0 && e.text[size] == '\n');
        buf_finish(&l.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        parse(data, size);
        if (size <= LOG_MAX_LINE)
                there_and_back(data, size);
        return 0;
}
