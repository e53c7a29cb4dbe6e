/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "programs/oci/checkpoint_options.h"
#include "programs/oci/log.h"

/* ADDRESS:PORT, [ADDRESS]:PORT for IPv6. *ret_address is malloc'ed. */
static int read_page_server(const char *text, char **ret_address, uint16_t *ret_port, struct error *err)
{
        const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
        uint32_t port;

        if (colon && *text == '[' && colon > text + 1 && colon[-1] == ']') {
                begin++;
                end--;
        }
        if (!colon || begin == end || parse_u32(colon + 1, 10, &port) < 0 || port > UINT16_MAX)
                return error_set(err, EINVAL, "option --page-server: \"%s\" is not ADDRESS:PORT", text);
        *ret_address = strndup(begin, (size_t)(end - begin));
        *ret_port = (uint16_t)port;
        return *ret_address ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int read_status_fd(const struct args *a, int *ret, struct error *err)
{
        uint32_t fd = 0;
        int r = args_u32(a, OPTION_STATUS_FD, &fd, err);

        if (r > 0 && fd > INT_MAX)
                return error_set(err, EINVAL, "option --status-fd: the value is too large");
        if (r > 0)
                *ret = (int)fd;
        return r < 0 ? r : 0;
}

int cmd_checkpoint(struct invocation *inv, struct error *err)
{
        const struct args *a = &inv->args;
        const char *page_server = args_str(a, OPTION_PAGE_SERVER);
        own_checkpoint_paths struct checkpoint_paths paths = {};
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct checkpoint_options o;
        own_mem char *address = NULL;
        int r = checkpoint_options_read(inv, &o, &paths, err);

        if (r == 0)
                r = read_status_fd(a, &o.status_fd, err);
        if (r == 0 && page_server)
                r = read_page_server(page_server, &address, &o.page_server_port, err);
        if (r == 0)
                r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        o.page_server = address;
        o.parent_path = args_str(a, OPTION_PARENT_PATH);
        o.leave_running = args_flag(a, OPTION_LEAVE_RUNNING);
        o.pre_dump = args_flag(a, OPTION_PRE_DUMP);
        o.tcp_skip_in_flight = args_flag(a, OPTION_TCP_SKIP_IN_FLIGHT);
        o.link_remap = args_flag(a, OPTION_LINK_REMAP);
        r = container_checkpoint(&c, &o, err);
        log_warning(inv, &c.warning);
        return r;
}
