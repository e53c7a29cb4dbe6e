/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "shim/shim.h"
#include "sys/fd.h"
#include "sys/process.h"

/* The descriptor of the lock in the process that cleans up, and how long it may take: 60 s. */
enum { CLEANER_LOCK = 3 };
static const int64_t cleaner_time = 60000000000;

/* How long whoever stops it waits for those who watch: 2 s. */
static const int64_t reader_time = 2000000000;

/* ---- the end of the program ---- */

static void note_exit(struct shim *s, int exit_code)
{
        s->state.pid = 0;
        s->state.exit_code = exit_code;
        s->state.finished = shim_time();
        s->state.health_failures = 0;
        s->state.health = HEALTH_NONE;
}

void shim_handle_exit(struct shim *s, int exit_code)
{
        struct error err;
        char code[12];

        s->pid = 0;
        s->kill_at = 0;
        health_stop(s);
        note_exit(s, exit_code);
        s->state.oom_killed = exit_code && s->backend->oom_killed && s->backend->oom_killed(s->run, s->id) > 0;
        /* Everything that could still write dies with it. */
        if (s->backend->destroy(s->run, s->id, &err) < 0)
                snprintf(s->state.error, sizeof s->state.error, "clean up: %.200s", err.text);
        close(take_fd(&s->pidfd));
        snprintf(code, sizeof code, "%d", exit_code);
        if (s->state.oom_killed)
                shim_event(s, "oom", NULL, NULL);
        shim_event(s, "die", "exitCode", code);
        s->phase = SHIM_DRAINING;
        s->readers_end = s->is_stopping ? shim_now() + reader_time : 0;
}

static void pause_before_start(struct shim *s)
{
        s->delay = restart_delay(s->delay, shim_now() - s->ran_since);
        s->start_at = shim_now() + s->delay;
        s->phase = SHIM_PAUSING;
        s->state.status = INSTANCE_RESTARTING;
        shim_publish(s);
}

static void after_output(struct shim *s)
{
        s->readers_end = 0;
        log_flush(&s->log, shim_time());
        output_close(s);
        if (!s->is_stopping)
                shim_take_update(s);
        if (s->is_stopping || !restart_policy_wants(&s->job.restart, s->state.exit_code, s->state.restarts))
                shim_end(s);
        else if (s->start.starts_again)
                pause_before_start(s);
        else
                shim_leave_start(s);
}

void shim_start_again(struct shim *s)
{
        struct error err;

        s->start_at = 0;
        shim_take_update(s);
        if (!restart_policy_wants(&s->job.restart, s->state.exit_code, s->state.restarts)) {
                shim_end(s);
                return;
        }
        s->state.restarts++;
        if (shim_start(s, &err) == 0) {
                shim_catch_update(s);
                shim_note_start(s);
                shim_event(s, "start", NULL, NULL);
                return;
        }
        snprintf(s->state.error, sizeof s->state.error, "%.255s", err.text);
        s->ran_since = shim_now();
        if (restart_policy_wants(&s->job.restart, 1, s->state.restarts))
                pause_before_start(s);
        else
                shim_end(s);
}

/* ---- the end of all ---- */

static bool has_cleaning_client(const struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                if (s->clients[i]->starts && !s->clients[i]->is_stuck)
                        return true;
        }
        return false;
}

/* It works under our lock. */
static _Noreturn void become_cleaner(const struct shim *s)
{
        char *const argv[] = { (char *)s->job.holt, (char *)"--root",         (char *)s->root, (char *)"--run",
                               (char *)s->run,      (char *)"instance-ended", (char *)s->id,   NULL };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_reset_signals();
        if (s->lock == CLEANER_LOCK ? fcntl(s->lock, F_SETFD, 0) < 0 : dup2(s->lock, CLEANER_LOCK) < 0)
                _exit(127);
        close_range(CLEANER_LOCK + 1, ~0U, 0);
        execv(s->job.holt, argv);
        _exit(127);
}

static void start_cleaner(struct shim *s)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        pid_t pid = process_clone(&o);

        if (pid == 0)
                become_cleaner(s);
        /* What is left then is for the next command. */
        if (pid < 0) {
                shim_farewell(s);
                return;
        }
        s->cleaner = pid;
        s->cleaner_ends = shim_now() + cleaner_time;
        s->phase = SHIM_CLEANING;
}

void shim_expire_cleaner(struct shim *s)
{
        s->cleaner_ends = 0;
        kill(s->cleaner, SIGKILL);
}

void shim_end(struct shim *s)
{
        s->start_at = 0;
        s->state.status = INSTANCE_EXITED;
        if (!s->job.remove)
                shim_keep_state(s);
        if (s->job.cleanup && !has_cleaning_client(s))
                start_cleaner(s);
        else
                shim_farewell(s);
}

/* RUN/instances/ID stays for the one that cleans up: it says that there is something to do, should that one die. */
static void give_lock_back(struct shim *s)
{
        own_fd int instances = -1;

        if (!s->job.cleanup) {
                instances = openat(s->lock, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                fd_remove_tree_at(instances, s->id);
        }
        close(take_fd(&s->lock));
}

/* Nobody can connect any more; but who has, and asks how it ended, is told. */
static void take_last_questions(struct shim *s)
{
        struct pollfd p = { .fd = s->listener, .events = POLLIN };

        while (s->n_clients < s->max_clients && poll(&p, 1, 0) > 0 && shim_accept(s))
                ;
        for (size_t i = 0; i < s->n_clients; i++) {
                if (!s->clients[i]->is_stuck)
                        client_receive(s, s->clients[i]);
        }
}

void shim_farewell(struct shim *s)
{
        s->cleaner = 0;
        s->cleaner_ends = 0;
        give_lock_back(s);
        s->phase = SHIM_ENDING;
        take_last_questions(s);
        for (size_t i = 0; i < s->n_clients; i++) {
                struct client *c = s->clients[i];

                if (c->attached || c->waits_for >= 0)
                        client_send_state(s, c, PROTOCOL_EXITED);
                client_flush(s, c);
        }
}

static bool has_last_words(const struct shim *s)
{
        for (size_t i = 0; i < s->n_clients; i++) {
                if (s->clients[i]->out.len)
                        return true;
        }
        return false;
}

void shim_go_on(struct shim *s)
{
        while (s->phase == SHIM_DRAINING && output_is_taken(s)) {
                if (output_read_rest(s) == 0)
                        after_output(s);
        }
        /* Stopped while it waited for its next start. */
        if (s->phase == SHIM_PAUSING && s->is_stopping)
                shim_end(s);
        if (s->phase == SHIM_ENDING && !has_last_words(s))
                s->phase = SHIM_GONE;
}
