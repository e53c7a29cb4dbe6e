/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in /proc/PID/cgroup. The first byte chooses which of the places have something mounted. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "container/cgroup/hierarchy.h"
#include "container/cgroup/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t choice;

static void require(bool holds)
{
        if (!holds)
                abort();
}

static int mounted(const char *path, bool v2)
{
        unsigned sum = choice + v2;

        require(strncmp(path, "/none", 5) == 0);
        for (; *path; path++)
                sum = sum * 31 + (unsigned char)*path;
        return sum % 16 == 0 ? -EIO : (int)(sum >> 4 & 1);
}

static void check(struct cgroup *cg)
{
        require(cg->n <= CGROUP_MAX_HIERARCHIES);
        for (size_t i = 0; i < cg->n; i++) {
                const struct cgroup_hierarchy *h = &cg->h[i];

                require(*h->path == '/' && !strchr(h->path, '\n') && !strchr(h->name, ':'));
                require(strncmp(h->root, "/none", 5) == 0 && strncmp(h->path, "/..", 3) != 0);
                require(h->fd == -1 && h->tasks_fd == -1);
                require(hierarchy_is_v2(h) == !*h->name && (!cg->unified || hierarchy_is_v2(h)));
        }
        cgroup_v1(cg, "memory");
        cgroup_v2(cg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cgroup cg = {};
        struct error err = {};
        char *text;
        int r;

        if (!size)
                return 0;
        choice = data[0];
        text = malloc(size);
        if (!text)
                return 0;
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        r = layout_parse(&cg, text, "/none", mounted, &err);
        free(text);
        if (r < 0)
                require(r == -err.code && *err.text);
        check(&cg);
        cgroup_finish(&cg);
        return 0;
}
