/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What speaks for a guest: sessions over one byte stream (instance/protocol.h).
 *
 * Theory of operation. One thread, one poll loop (agent.c). Frames come one by one (frames.c); each START makes a
 * session (session.c) with a process behind it, its input (input.c) and its output (output.c). Both flow only as far as
 * the side that takes them has granted, session by session: so a program that does not read, or a reader that sleeps,
 * holds back itself and nobody else, and memory is bounded: per session what it was granted of input, for all of them
 * what waits for the channel (channel.c). While more than that waits, nothing is read from programs, and no frame is
 * looked at that might want an answer.
 *
 * What is run, and where, is not known here (workload.h): so all of it can be tested without a machine.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/workload.h"
#include "base/buf.h"
#include "instance/protocol.h"

enum { AGENT_MAX_SESSIONS = 64, SESSION_STREAMS = 2 };

struct session {
        uint16_t number;
        enum workload_kind kind;
        bool tty;
        bool freezes;                 /* the container */
        pid_t pid;                    /* 0: it has ended */
        int exit;                     /* then: its status */
        bool oom;                     /* then */
        int in, out[SESSION_STREAMS]; /* ends of pipes; the terminal's master is all of them but out[1]; -1 */
        int slave;                    /* of the terminal: it has no end while the program closes and opens it */
        struct buf input;             /* that the program has not taken yet */
        bool input_ended;             /* behind that */
        uint32_t granted;             /* bytes of input that may still come */
        uint32_t ungranted;           /* that the program took since */
        uint32_t window;              /* bytes of output that may still be sent */
};

struct channel {
        int fd; /* does not block */
        struct protocol_reader in;
        struct buf out; /* frames that could not be sent yet */
        int error;      /* 0, or why it has come to its end: -EPIPE, -EPROTO ... */
};

struct agent {
        struct channel channel;
        int signals; /* SIGCHLD */
        const struct workload *workload;
        void *userdata;
        bool said_hello; /* the other side */
        bool is_configured;
        bool has_more;     /* there may be frames that were put off, for want of room for their answers */
        bool is_over;      /* SHUTDOWN came */
        bool is_settled;   /* there was nothing to do once */
        bool is_unclean;   /* a container has ended, and is to be cleaned up when that is told */
        bool is_suspended; /* nothing is heard but RESUME, and nothing said */
        struct session *sessions[AGENT_MAX_SESSIONS];
        size_t n_sessions;
        unsigned char chunk[PROTOCOL_MAX_DATA]; /* of output, on its way */
};

/*
 * Serves until SHUTDOWN (0), or until the channel ends: -EPIPE, -EPROTO or another errno. channel: does not block. All
 * signals are blocked by it, and all children are its own to wait for.
 */
int agent_serve(int channel, const struct workload *w, void *userdata, struct error *err);

/* --- channel.c --- */
void channel_send(struct channel *c, uint16_t session, unsigned type, const void *payload, size_t len);
void channel_send_error(struct channel *c, uint16_t session, const struct error *err);
/* False: there waits so much that nothing may be added that can be put off. */
bool channel_has_room(const struct channel *c);
struct pollfd channel_poll(const struct channel *c);
void channel_receive(struct channel *c);
/* Sends what it can. */
void channel_flush(struct channel *c);
void channel_finish(struct channel *c);

/* --- frames.c --- */
/* Takes the frames that have come, as far as there is room for their answers. */
void agent_take_frames(struct agent *a);

/* --- suspend.c --- */
void agent_suspend(struct agent *a, const struct frame *f);
void agent_resume(struct agent *a, const struct frame *f);

/* --- agent.c --- */
void agent_settle(struct agent *a);

/* --- session.c --- */
struct session *session_find(const struct agent *a, uint16_t number);
/* START: answers it. */
void session_start(struct agent *a, uint16_t number, const struct frame *f);
void session_resize(const struct session *s, uint16_t rows, uint16_t columns);
/* A child has ended, perhaps one of nobody. */
void session_reap(struct agent *a, pid_t pid, int status);
/* Those whose process has ended, and all of whose output was sent, are told so and are no more. */
void session_close_ended(struct agent *a);
void session_free(struct session *s);

/* --- output.c --- */
/* Whether it may be read now. */
bool output_is_wanted(const struct agent *a, const struct session *s);
void output_read(struct agent *a, struct session *s, size_t stream);
/* Its process has ended: true when nothing more will come. */
bool output_read_rest(struct agent *a, struct session *s);

/* --- input.c --- */
/* What is granted from the beginning: all that has room. */
void input_begin(struct agent *a, struct session *s);
void input_take(struct agent *a, struct session *s, const struct frame *f);
void input_end(struct session *s);
void input_write(struct agent *a, struct session *s);
