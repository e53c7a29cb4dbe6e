/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-agent: the first program of a guest. It takes no arguments, and serves the host over the port holt.agent until
 * the machine is to end. What goes wrong is said on the console, and ends the machine at once: whoever started it sees
 * that, and nothing else could be done.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/guest.h"

static int boot(struct error *err)
{
        int r = boot_make_root(err);

        if (r == 0)
                r = boot_load_modules(err);
        if (r == 0)
                r = boot_enter_root(err);
        return r < 0 ? r : boot_open_port(err);
}

static int serve(struct error *err)
{
        struct guest guest;
        int port = boot(err);
        int r = port < 0 ? port : guest_open(&guest, err);

        if (r < 0)
                return r;
        r = agent_serve(port, &guest_workload, &guest, err);
        guest_close(&guest);
        return r;
}

int main(void)
{
        struct error err;
        int r;

        if (getpid() != 1) {
                fprintf(stderr, "holt-agent is the first program of a virtual machine\n");
                return 125;
        }
        umask(0);
        r = serve(&err);
        if (r < 0) {
                dprintf(STDERR_FILENO, "holt-agent: %s\n", err.text);
                tcdrain(STDERR_FILENO);
        }
        /* By a reset, which QEMU takes for the end: the fastest, and there is no machine without one. */
        reboot(RB_AUTOBOOT);
        return 1;
}
