/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/memory_short.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

/* MOST_WAITING: percent of the last ten seconds. */
enum { FREE_PERCENT = 25, MOST_WAITING = 10 };

/* The number behind a word; 0: there is none. */
static uint64_t number_of(const char *text, const char *word)
{
        const char *at = strstr(text, word);

        return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

bool memory_is_short(const char *proc)
{
        own_fd int dir = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char text[8192];
        uint64_t total, available;

        if (dir < 0 || fd_read_file_at(dir, "meminfo", text, sizeof(text)) <= 0)
                return true;
        total = number_of(text, "MemTotal:");
        available = number_of(text, "MemAvailable:");
        if (fd_read_file_at(dir, "pressure/memory", text, sizeof(text)) <= 0)
                *text = '\0';
        return available < total / 100 * FREE_PERCENT || number_of(text, "some avg10=") > MOST_WAITING;
}

int memory_watch(const char *proc)
{
        static const char trigger[] = "some 150000 1000000";
        own_fd int dir = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd = dir < 0 ? -1 : openat(dir, "pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0 && write(fd, trigger, sizeof(trigger)) < 0)
                close(take_fd(&fd));
        return fd;
}
