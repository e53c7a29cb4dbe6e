/* SPDX-License-Identifier: Apache-2.0 */
/* The process: what it is, as whom, where and with what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "instance/capability_flags.h"
#include "instance/flag_value.h"
#include "instance/rlimit_flags.h"
#include "instance/spec_plan.h"
#include "instance/system_container.h"

static void write_strings(struct json_writer *w, const char *const *v)
{
        for (; v && *v; v++)
                json_write_string(w, NULL, *v);
}

static void write_args(const struct spec_plan *p, struct json_writer *w)
{
        static const char *const init[] = { SPEC_INIT_PATH, "--", NULL };

        json_begin_array(w, "args");
        if (p->options->init)
                write_strings(w, init);
        write_strings(w, p->command);
        json_end_array(w);
}

/* Of several with one name the last counts (container/environment.h); HOME comes from the image's /etc/passwd. */
static int write_env(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        const struct instance_options *o = p->options;
        own_mem char *hostname = NULL;

        if (asprintf(&hostname, "HOSTNAME=%s", p->from->hostname) < 0) {
                hostname = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        json_begin_array(w, "env");
        json_write_string(w, NULL, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        json_write_string(w, NULL, hostname);
        /* By it programs know that this is no machine (systemd.io, CONTAINER_INTERFACE). */
        json_write_string(w, NULL, "container=holt");
        if (o->tty)
                json_write_string(w, NULL, "TERM=xterm");
        if (p->is_system)
                system_container_write_env(p->from->id, w);
        write_strings(w, p->from->image->env.v);
        write_strings(w, o->env);
        json_end_array(w);
        return 0;
}

static void write_user(const struct image_spec *s, struct json_writer *w)
{
        const struct image_user *u = s->user;

        json_begin_object(w, "user");
        json_write_u64(w, "uid", u->uid);
        json_write_u64(w, "gid", u->gid);
        json_begin_array(w, "additionalGids");
        for (size_t i = 0; !s->one_id && i < u->n_groups; i++)
                json_write_u64(w, NULL, u->groups[i]);
        json_end_array(w);
        json_end_object(w);
}

static int write_cwd(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        const char *cwd = p->options->workdir ? p->options->workdir : p->from->image->working_dir;

        if (*cwd && *cwd != '/')
                return error_set(err, EINVAL, "working directory \"%s\": no absolute path", cwd);
        json_write_string(w, "cwd", *cwd ? cwd : "/");
        return 0;
}

/* The container's default profile does not hold what was left out of it on purpose. */
static void write_apparmor(const struct spec_plan *p, struct json_writer *w)
{
        const char *profile = p->security.apparmor ? p->security.apparmor : p->from->apparmor;

        if (profile && !p->security.no_apparmor)
                json_write_string(w, "apparmorProfile", profile);
}

/* "" where it is not confined. */
static void write_selinux(const struct spec_plan *p, struct json_writer *w)
{
        const struct selinux_labels *l = p->from->selinux;
        const char *label = !l ? "" : p->is_system ? l->init : l->process;

        if (*label)
                json_write_string(w, "selinuxLabel", label);
}

static int write_oom_score(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int64_t score;
        int r;

        if (!o->oom_score_adj)
                return 0;
        r = flag_i64("oom-score-adj", o->oom_score_adj, -1000, 1000, &score, err);
        if (r == 0)
                json_write_i64(w, "oomScoreAdj", score);
        return r;
}

int process_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        int r;

        json_begin_object(w, "process");
        json_write_bool(w, "terminal", p->options->tty);
        write_user(p->from, w);
        write_args(p, w);
        r = write_env(p, w, err);
        if (r == 0)
                r = write_cwd(p, w, err);
        capability_flags_write(p->capabilities, p->from->user->uid, w);
        json_write_bool(w, "noNewPrivileges", p->security.no_new_privileges);
        write_apparmor(p, w);
        write_selinux(p, w);
        if (r == 0)
                r = write_oom_score(p->options, w, err);
        if (r == 0)
                r = rlimit_flags_write(p->options, w, err);
        json_end_object(w);
        return r;
}
