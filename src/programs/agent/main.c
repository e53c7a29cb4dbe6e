/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-agent: the first program of a guest. It serves the host over the port holt.agent until
 * the machine is to end. What goes wrong is said on the console, and ends the machine at once: whoever started it sees
 * that, and nothing else could be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/guest.h"
#include "agent/modprobe.h"
#include "programs/agent/rehearse.h"

static int boot(int modules, struct error *err)
{
        int r = modules < 0 ? error_errno(err, errno, "open the modules") : boot_make_root(err);

        if (r == 0)
                r = boot_load_modules(modules, "order", err);
        if (r == 0)
                r = boot_enter_root(err);
        return r < 0 ? r : boot_open_port(BOOT_PORT, err);
}

static int serve(struct error *err)
{
        struct guest guest;
        int modules = open("modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int port = boot(modules, err);
        int r = port < 0 ? port : guest_open(&guest, modules, err);

        if (r < 0)
                return r;
        r = agent_serve(port, &guest_workload, &guest, err);
        guest_close(&guest);
        return r;
}

/* By the kernel, which waits until its words are out: what is written to the terminal may be on its way for ever. */
static void complain(int log, const struct error *err)
{
        char line[sizeof err->text + 32];
        int n = snprintf(line, sizeof line, "<3>holt-agent: %s\n", err->text);

        if (write(log, line, (size_t)n) < 0)
                fputs(line, stderr);
}

/* With --rehearse it is what a guest runs to have run something. As modprobe it is what the kernel runs, with "-q -- NAME".
 */
int main(int argc, char **argv)
{
        struct error err;
        int log;

        if (argc > 1 && strcmp(argv[1], "--rehearse") == 0)
                return rehearse_and_wait("/etc/passwd");
        if (argc > 1 && strcmp(argv[1], "--rehearse-exec") == 0)
                return rehearse_beside("/etc/passwd");

        if (argc > 1 && strcmp(argv[0], MODPROBE) == 0)
                return modprobe_main(argv[argc - 1]);
        if (getpid() != 1) {
                fprintf(stderr, "holt-agent is the first program of a virtual machine\n");
                return 125;
        }
        log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
        umask(0);
        if (serve(&err) < 0)
                complain(log, &err);
        /* By a reset, which QEMU takes for the end: the fastest, and there is no machine without one. */
        reboot(RB_AUTOBOOT);
        return 1;
}
