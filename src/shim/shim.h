/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that stays with a running instance.
 *
 * Theory of operation. One thread, one poll loop (shim.c). It is born with a connection to the command that starts the
 * instance and waits for START there (start.c). The program's output is read a chunk at a time, logged, and the chunk
 * stays until every attached client has taken it (output.c): so nothing is lost, a slow client holds the program back
 * as a pipe would, and the memory that all of it takes is one chunk. Input comes to the extent that it was granted
 * (input.c), so that what else a client says is never stuck behind it. When the program has ended (life.c) the instance
 * is destroyed, started again, or ends; the shim goes last.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "instance/backend.h"
#include "instance/log.h"
#include "instance/protocol.h"
#include "instance/shim_job.h"

enum { SHIM_MAX_CLIENTS = 128, HEALTH_LOG = 5 };

enum shim_phase {
        SHIM_WAITING,  /* for START */
        SHIM_RUNNING,  /* the program runs */
        SHIM_DRAINING, /* it has ended; what it wrote last is on its way */
        SHIM_PAUSING,  /* until its next start */
        SHIM_CLEANING, /* holt takes back what is not the shim's */
        SHIM_ENDING,   /* the last frames are on their way */
        SHIM_GONE,
};

struct client {
        int fd;
        bool said_hello, attached, has_input;
        bool starts;   /* it was there from the beginning, and cleans up in the end */
        bool is_stuck; /* to be dropped: its connection ended, or it does not keep to the protocol */
        int waits_for; /* enum wait_for; -1: for nothing */
        size_t sent;   /* of the chunk */
        struct protocol_reader in;
        struct buf out;     /* frames that could not be sent yet */
        struct buf input;   /* that the program has not taken yet */
        bool input_ended;   /* behind that */
        uint32_t granted;   /* bytes of input it may still send */
        uint32_t ungranted; /* that the program took since */
};

/* What was read of the program's output last, as a frame. */
struct chunk {
        unsigned char frame[PROTOCOL_HEADER + PROTOCOL_MAX_DATA];
        size_t len;
};

struct health_probe {
        pid_t pid; /* 0: none at work */
        int out;   /* what it says */
        int64_t started;
        struct buf text;
};

struct shim {
        const char *root, *run, *id;
        const char *path; /* of the instance's directory */
        int dir, lock;    /* it; RUN/instances/ID, which is locked by that */
        int listener, signals;
        enum shim_phase phase;
        struct shim_job job;
        char *name; /* that it was given since, which the job and the log then have; NULL */
        struct start_job start;
        int *fds; /* of the job, as they came */
        const struct backend *backend;
        struct instance_state state;
        struct buf update; /* the file of live_update.h that holds */

        pid_t pid; /* of the program; 0 */
        int pidfd;
        int in, out[2];         /* ends of pipes; the terminal's master is all of them but out[1]; -1 */
        int slave;              /* of the terminal: it has no end while the program closes and opens it */
        uint16_t rows, columns; /* of the terminal, as a client said last; 0 */

        struct log log;
        struct chunk *chunk;
        struct client *clients[SHIM_MAX_CLIENTS];
        size_t n_clients, max_clients;

        /* CLOCK_MONOTONIC in nanoseconds; 0: never */
        int64_t kill_at, start_at, probe_at, probe_ends, cleaner_ends, shrink_at, readers_end;
        int64_t breathe_at;       /* when what there was none of, descriptors or memory, may be there again */
        int64_t ran_since, delay; /* of the restarts */
        bool is_stopping;         /* it was asked to end: there will be no other start */
        bool input_ended;         /* of who started it: a program that is started again has none, either */
        pid_t cleaner;
        struct health_probe probe;
        struct buf health_log[HEALTH_LOG]; /* the oldest first */
};

/* --- shim.c --- */
int64_t shim_now(void);  /* CLOCK_MONOTONIC, ns */
int64_t shim_time(void); /* since 1970, ns */
/* There is no descriptor or memory for what is asked: neither is looked at for a while, instead of again and again. */
void shim_hold_breath(struct shim *s);
/* Until the shim is no more needed; its exit status. connection: to who wants the instance started. */
int shim_serve(struct shim *s, int connection);

/* --- state.c --- */
/* Writes RUN/instances/ID/state and tells who waits for it. */
void shim_publish(struct shim *s);
/* At the end: ROOT/instances/ID/state, for which a start keeps room. */
void shim_keep_state(struct shim *s);
/* The state as JSON in *out. */
void shim_describe(const struct shim *s, struct buf *out);
void shim_event(const struct shim *s, const char *action, const char *key, const char *value);

/* --- client.c --- */
/* Whether another client can come: one that only stays connected, and asks for nothing, makes room. */
bool shim_has_room(const struct shim *s);
/* False when there is nobody, or no descriptor. */
bool shim_accept(struct shim *s);
/* NULL: there are too many, or no memory; the descriptor is closed then. */
struct client *shim_add_client(struct shim *s, int fd);
/* What it wants to be polled for. */
struct pollfd client_poll(const struct shim *s, const struct client *c);
void client_step(struct shim *s, struct client *c, short revents);
void client_send(struct client *c, unsigned type, const void *payload, size_t len);
void client_send_error(struct client *c, const struct error *err);
void client_send_state(const struct shim *s, struct client *c, unsigned type);
/* Takes what has come. */
void client_receive(struct shim *s, struct client *c);
/* Sends what it can. */
void client_flush(const struct shim *s, struct client *c);
/* Those that are stuck. */
void shim_drop_clients(struct shim *s);
/* Whether its state is what the client waits for. */
bool client_is_served(const struct shim *s, const struct client *c);

/* --- memory.c --- */
/* Gives back what is not needed while the program runs. */
void shim_shrink(struct shim *s);

/* --- start.c --- */
void shim_take_job(struct shim *s, struct client *c, const struct frame *f);
/* Makes the pipes and starts the program. */
int shim_start(struct shim *s, struct error *err);
/* Has seen it start: state and event. */
void shim_note_start(struct shim *s);

/* --- output.c --- */
/* True when the chunk was taken by all, so that the next one can be read. */
bool output_is_taken(const struct shim *s);
/* What to poll for: two of them; -1 for nothing. */
void output_poll(const struct shim *s, struct pollfd *p);
void output_step(struct shim *s, const struct pollfd *p);
/* The program is gone: 1 when a chunk was read, 0 when there is nothing more. */
int output_read_rest(struct shim *s);
void output_close(struct shim *s);

/* --- input.c --- */
void input_take(struct shim *s, struct client *c, const void *data, size_t len);
void input_end(struct shim *s, struct client *c);
/* The descriptor to poll for POLLOUT, or -1: nobody's input waits. */
int input_poll(const struct shim *s);
void input_step(struct shim *s);
/* The client is gone. */
void input_forget(struct shim *s, struct client *c);
void shim_resize(struct shim *s, uint16_t rows, uint16_t columns);

/* --- stop.c --- */
/* Whether the signal is meant to end it. */
bool shim_is_ending(const struct shim *s, int signo);
int shim_signal_program(struct shim *s, int signo, struct error *err);
/* command: it is a command's will, and not the host's. */
int shim_stop_program(struct shim *s, int timeout, bool command, struct error *err);
void shim_kill(struct shim *s);
/* The program was stopped: who is attached and does not take its last output is not waited for. */
void shim_expire_readers(struct shim *s);

/* --- life.c --- */
/* The program has ended. */
void shim_handle_exit(struct shim *s, int exit_code);
/* Goes on when the last output is away: another start, or the end. */
void shim_go_on(struct shim *s);
void shim_start_again(struct shim *s);
/* There will be no other start. */
void shim_end(struct shim *s);
/* Everything was given back: EXITED goes out. */
void shim_farewell(struct shim *s);
/* What cleans up takes too long. */
void shim_expire_cleaner(struct shim *s);

/* --- update.c --- */
/* What a command has changed since, before it is acted on. */
void shim_take_update(struct shim *s);
/* After a start: what came while it went on. */
void shim_catch_update(struct shim *s);
/* The end, after which whoever cleans up starts the instance again. */
void shim_leave_start(struct shim *s);

/* --- health.c --- */
void health_begin(struct shim *s);
void health_stop(struct shim *s);
void health_probe(struct shim *s);
void health_read(struct shim *s);
void health_expire(struct shim *s);
/* The probe's process has ended. */
void health_result(struct shim *s, int exit_code);
