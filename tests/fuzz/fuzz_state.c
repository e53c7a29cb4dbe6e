/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in ROOT/ID:state: it is refused with a message, or a container that can be described and freed. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "container/container.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void check(struct container *c)
{
        own_buf struct buf text = {};
        struct json_object *again = NULL;
        struct error err;

        require(strcmp(c->id, "web") == 0 && c->pid >= 0);
        require(c->cgroup.n <= CGROUP_MAX_HIERARCHIES);
        for (size_t i = 0; i < c->cgroup.n; i++) {
                const struct cgroup_hierarchy *h = &c->cgroup.h[i];

                require(h->name && h->root && *h->root == '/' && (!h->path || *h->path == '/'));
                require(!h->path || !strstr(h->path, "/../"));
        }
        if (container_describe(c, CONTAINER_STOPPED, &text, &err) < 0)
                return;
        require(json_parse(buf_str(&text), text.len, &again, &err) == 0);
        json_put(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct error err = {};
        int r;

        scratch_write("web:state", data, size);
        r = container_load(scratch_dir, "web", &c, &err);
        if (r < 0)
                require(r == -err.code && *err.text && !c.id && !c.json);
        else
                check(&c);
        return 0;
}
