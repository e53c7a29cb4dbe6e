/* SPDX-License-Identifier: Apache-2.0 */
/* holt-dns: started by holt with its sockets (net/dns_start.c), not by hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/dns_sandbox.h"
#include "net/dns_server.h"
#include "net/dns_start.h"

enum { STATUS_FAILED = 1, STATUS_MISUSED = 125 };

static bool is_socket(int fd)
{
        int type;
        socklen_t len = sizeof type;

        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

int main(void)
{
        const struct dns_sockets sockets = { .udp = DNS_FIRST_FD,
                                             .tcp = DNS_FIRST_FD + 1,
                                             .control = DNS_FIRST_FD + 2,
                                             .netns = DNS_FIRST_FD + 3,
                                             .endpoints = DNS_FIRST_FD + 4,
                                             .lock = DNS_FIRST_FD + 5 };
        struct dns_server server;
        struct error err = {};
        int r;

        if (!is_socket(sockets.udp) || !is_socket(sockets.tcp) || !is_socket(sockets.control)) {
                fputs("holt-dns: it is started by holt, with its sockets\n", stderr);
                return STATUS_MISUSED;
        }
        r = dns_server_open(&server, &sockets, &err);
        if (r == 0)
                r = dns_sandbox_enter(&err);
        if (r == 0)
                r = dns_server_run(&server, &err);
        dns_server_close(&server);
        if (r < 0)
                fprintf(stderr, "holt-dns: %s\n", err.text);
        return r < 0 ? STATUS_FAILED : 0;
}
