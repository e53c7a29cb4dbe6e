/* SPDX-License-Identifier: Apache-2.0 */
/* The unit that starts instances at boot. Where systemd does not run, only its file is written. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/systemd_unit.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sibling_program.h"

#define UNIT "holt.service"

struct place {
        char directory[PATH_MAX];
        bool user, runs; /* an ordinary user's; systemd is there */
};

static int find_place(struct place *p, struct error *err)
{
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

        p->user = geteuid() != 0;
        p->runs = access("/run/systemd/system", F_OK) == 0;
        if (!p->user)
                snprintf(p->directory, sizeof p->directory, "/etc/systemd/system");
        else if (config && *config == '/')
                snprintf(p->directory, sizeof p->directory, "%s/systemd/user", config);
        else if (home && *home == '/')
                snprintf(p->directory, sizeof p->directory, "%s/.config/systemd/user", home);
        else
                return error_set(err, ENOENT, "no place for the unit: HOME is not set");
        return 0;
}

/* Its output is for the user, and goes where errors go. */
static int run(const char *const *argv, struct error *err)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int r = posix_spawn_file_actions_init(&actions);

        if (r == 0) {
                posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
                r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
                posix_spawn_file_actions_destroy(&actions);
        }
        if (r)
                return error_errno(err, r, "start %s", argv[0]);
        r = process_wait(pid);
        return r ? error_set(err, EIO, "%s %s %s failed with status %d", argv[0], argv[1], argv[2] ? argv[2] : "", r)
                 : 0;
}

static int systemctl(const struct place *p, const char *verb, const char *unit, struct error *err)
{
        const char *const argv[] = { "systemctl", p->user ? "--user" : "--system", verb, unit, NULL };

        return run(argv, err);
}

static int make_unit(struct invocation *inv, bool user, struct buf *out, struct error *err)
{
        own_engine struct engine e = {};
        char program[PATH_MAX];
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = sibling_program_find("holt", program, err);
        if (r < 0)
                return r;
        systemd_unit_at_boot(&(struct systemd_program){ program, inv->root, inv->run, e.root }, user, out);
        return buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int write_unit(const struct place *p, const struct buf *text, struct error *err)
{
        own_fd int dir = -1;
        int r = fd_mkdir_all(p->directory, 0755);

        if (r == 0 && (dir = open(p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                r = -errno;
        if (r == 0)
                r = fd_replace_file_at(dir, UNIT, text->data, text->len, 0644);
        return r < 0 ? error_errno(err, -r, "write %s/" UNIT, p->directory) : 0;
}

static int tell(const struct place *p, const char *what, struct error *err)
{
        own_buf struct buf line = {};

        buf_addf(&line, "%s %s/" UNIT "\n", what, p->directory);
        if (!p->runs)
                report_warning("systemd does not run here: enable the unit when it does, by: systemctl enable " UNIT);
        return output_write(&line, err);
}

int cmd_system_enable(struct invocation *inv, struct error *err)
{
        own_buf struct buf text = {};
        struct place p = {};
        int r = find_place(&p, err);

        if (r == 0)
                r = make_unit(inv, p.user, &text, err);
        if (r < 0 || args_flag(&inv->args, OPTION_PRINT))
                return r < 0 ? r : output_write(&text, err);
        r = write_unit(&p, &text, err);
        if (r == 0 && p.runs)
                r = systemctl(&p, "daemon-reload", NULL, err);
        if (r == 0 && p.runs)
                r = systemctl(&p, "enable", UNIT, err);
        return r < 0 ? r : tell(&p, "wrote", err);
}

/* One that is not there is no error: nothing starts at boot. */
int cmd_system_disable(struct invocation *inv, struct error *err)
{
        char path[PATH_MAX + sizeof UNIT + 1];
        struct place p = {};
        int r = find_place(&p, err);

        if (r < 0)
                return r;
        snprintf(path, sizeof path, "%s/" UNIT, p.directory);
        if (access(path, F_OK) < 0)
                return 0;
        if (p.runs)
                r = systemctl(&p, "disable", UNIT, err);
        if (r == 0 && unlink(path) < 0)
                r = error_errno(err, errno, "remove %s", path);
        if (r == 0 && p.runs)
                r = systemctl(&p, "daemon-reload", NULL, err);
        p.runs = true; /* nothing is left to be done */
        return r < 0 ? r : tell(&p, "removed", err);
}
