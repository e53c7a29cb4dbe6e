/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to something that runs: by the commands to an instance's shim over its socket, by a shim to the agent
 * inside a VM over one byte stream.
 *
 * A frame is a header of 8 bytes and its payload; all numbers are little endian:
 *
 *   0  u32  length of the payload
 *   4  u16  type
 *   6  u16  session: which workload, or process beside it, this is about. A shim has one, 0; over a stream that carries
 *           several, whoever sends START chooses the number, and it is free again after EXITED or ERROR
 *
 * The longest payload of each type is fixed (protocol_limit()); a longer one, an unknown type, or a frame that says
 * nothing sensible ends the connection. Both sides begin with HELLO and need not wait for the other's. One version is
 * spoken: the other side's HELLO with another one is answered by the end of the connection.
 *
 *   type     by  payload
 *   HELLO    CS  u32 version
 *   START    C   u32 length of the JSON, the JSON (shim_job.h, agent/workload.h), the configuration. Answered by
 *                STARTED and in the end by EXITED, or by ERROR. To a shim only on the connection that it is born with;
 *                its descriptors, the only ones that ever come, come with its first bytes
 *   STARTED  S   JSON, the state: the program was executed
 *   ERROR    S   u32 errno, text: why what was asked for last was not done
 *   DONE     S   nothing: it was
 *   ATTACH   C   u8 flags (PROTOCOL_ATTACH_*): from now on this session gets the output; answered by STATE and, with
 *                input, by WINDOW
 *   STDIN    C   bytes, at most as many as were granted by WINDOWs
 *   STDOUT   S   bytes; STDERR: likewise. They are never dropped: who does not read holds the program back, as a pipe
 *   STDERR   S   does
 *   END      C   nothing: there will be no more STDIN
 *   WINDOW   CS  u32: so many more bytes of STDIN may be sent; to an agent: of STDOUT and STDERR together
 *   RESIZE   C   u16 rows, u16 columns
 *   SIGNAL   C   u32 number, to an agent perhaps u32 1 (to all of the container); answered by DONE or ERROR
 *   STOP     C   i32 seconds (-1: any time) until it is killed; answered by DONE when it was asked to end, and by
 *                EXITED when it has
 *   WAIT     C   u8 for what (enum wait_for); answered by STATE when it is so, or by EXITED
 *   RENAME   C   text: the instance's name from now on; answered by DONE or ERROR. Not to an agent
 *   STATE    S   JSON, the state; of an agent: the counters (stats_text.h)
 *   EXITED   S   JSON, the last state: the last frame of a session, to who is attached or waits for the exit
 *
 * Only to an agent:
 *
 *   CONFIGURE  C  JSON (agent/guest_config.h): what this guest is; once; answered by DONE or ERROR
 *   PREPARE    C  nothing: what a guest does when it has nothing else to do, it does now (a template is about to be
 *                 made of it); answered by DONE
 *   RESET      C  nothing, when no session is left: the guest is as it was before CONFIGURE, which may come again;
 *                 answered by DONE or ERROR
 *   STATS      C  nothing; answered by STATE
 *   UPDATE     C  JSON, the container's limits (linux.resources); answered by DONE or ERROR. To holt-vm: what changes of
 *                 its job (monitor/job.h), "machine" and "spec"
 *   SUSPEND    C  nothing: the program stands still, and the agent says and hears nothing until RESUME (the machine is
 *                 about to be copied); answered by DONE, the last that is on its way then. ERROR: something else runs
 *   RESUME     C  nothing: it goes on; or JSON as CONFIGURE's: this is a copy, which becomes somebody else first, and
 *                 whose program has a new session at its other end. Answered by DONE or ERROR
 *   SHUTDOWN   C  nothing: everything ends, the machine too
 *
 * Only to holt-vm, which is between commands and an agent:
 *
 *   PAUSE      C  u8: 1 stops the machine, 0 lets it go on; answered by DONE or ERROR
 *   SAVE       C  path of a directory: a template of the machine as it is at this moment is written there
 *                 (vm/template.h), without its name, and the machine goes on; answered by DONE or ERROR
 *
 * An agent is started with nothing granted in either direction: it grants STDIN behind STARTED, and who starts a
 * program may grant output right behind START. What is said to a session that has just ended is not heard: SIGNAL is
 * answered by ERROR, the rest by nothing.
 *
 * C: by the client; S: by the server, the shim or agent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum { PROTOCOL_VERSION = 1, PROTOCOL_HEADER = 8 };

enum protocol_type {
        PROTOCOL_HELLO = 1,
        PROTOCOL_START,
        PROTOCOL_STARTED,
        PROTOCOL_ERROR,
        PROTOCOL_DONE,
        PROTOCOL_ATTACH,
        PROTOCOL_STDIN,
        PROTOCOL_STDOUT,
        PROTOCOL_STDERR,
        PROTOCOL_END,
        PROTOCOL_WINDOW,
        PROTOCOL_RESIZE,
        PROTOCOL_SIGNAL,
        PROTOCOL_STOP,
        PROTOCOL_WAIT,
        PROTOCOL_STATE,
        PROTOCOL_EXITED,
        PROTOCOL_CONFIGURE,
        PROTOCOL_STATS,
        PROTOCOL_SHUTDOWN,
        PROTOCOL_PAUSE,
        PROTOCOL_PREPARE,
        PROTOCOL_RENAME,
        PROTOCOL_UPDATE,
        PROTOCOL_SUSPEND,
        PROTOCOL_RESUME,
        PROTOCOL_SAVE,
        PROTOCOL_RESET,
};

/*
 * What else the seconds of a STOP can be. OF_HOST: it is the host's; as long as the instance itself says, and it may come
 * back at boot. FOR_GOOD: at once, and nothing that it has written is wanted any more.
 */
enum { PROTOCOL_STOP_OF_HOST = -2, PROTOCOL_STOP_FOR_GOOD = -3 };

enum { PROTOCOL_ATTACH_OUTPUT = 1, PROTOCOL_ATTACH_INPUT = 2 };
enum wait_for { WAIT_FOR_EXIT, WAIT_FOR_HEALTHY, WAIT_FOR_RUNNING };

enum {
        PROTOCOL_MAX_DATA = 32 << 10,  /* of STDIN, STDOUT, STDERR */
        PROTOCOL_MAX_STATE = 4 << 10,  /* of STATE, STARTED, EXITED, ERROR */
        PROTOCOL_MAX_START = 18 << 20, /* of START */
        PROTOCOL_MAX_CONFIGURE = 1 << 20,
        PROTOCOL_MAX_NAME = 255,
        PROTOCOL_MAX_FDS = 600, /* of START */
        PROTOCOL_WINDOW_SIZE = 32 << 10,
};

/* The longest payload; -1 for a type that does not exist. */
int32_t protocol_limit(unsigned type);

struct frame {
        unsigned type;
        uint16_t session;
        uint32_t len;
        const unsigned char *payload;
};

void protocol_header(unsigned char ret[PROTOCOL_HEADER], unsigned type, uint32_t len);
/* Appends a frame of session 0. */
void protocol_add(struct buf *out, unsigned type, const void *payload, size_t len);
void protocol_add_to(struct buf *out, uint16_t session, unsigned type, const void *payload, size_t len);

/* Little endian numbers, of a payload that is long enough. */
uint16_t protocol_u16(const unsigned char *p);
uint32_t protocol_u32(const unsigned char *p);
void protocol_put_u16(unsigned char *p, uint16_t v);
void protocol_put_u32(unsigned char *p, uint32_t v);

/*
 * Takes frames from bytes as they come. It holds no more than one frame and one read; nothing while nothing is
 * unfinished, after protocol_reader_rest().
 */
struct protocol_reader {
        unsigned char *data;
        size_t start, end, cap;
        bool may_start; /* START and CONFIGURE may come: otherwise they are refused, with their size */
        int *fds;       /* that came; the owner takes them from here */
        size_t n_fds;
};

/* Also closes the descriptors. */
void protocol_reader_finish(struct protocol_reader *r);

/* Frees the memory if nothing is unfinished in it. */
void protocol_reader_rest(struct protocol_reader *r);

/* Receives once from a socket: the number of bytes, 0 at the end, or -errno (-EAGAIN). room: bytes that it tries to
 * get at once. Frames of before are gone. */
ssize_t protocol_receive(struct protocol_reader *r, int sock, size_t room);

/* The same from what is no socket. */
ssize_t protocol_read(struct protocol_reader *r, int fd, size_t room);

/* The same from memory. 0 or -ENOMEM. */
int protocol_feed(struct protocol_reader *r, const void *data, size_t len);

/* 1: *ret is the next frame, valid until more is received; 0: it is not complete; -EPROTO, -ENOMEM. */
int protocol_next(struct protocol_reader *r, struct frame *ret);

/* Whether a client may say this now: HELLO comes first and but once, in the one version, and all is of session 0.
 * *said_hello, false at first, is kept by the caller. */
bool protocol_is_in_order(const struct frame *f, bool *said_hello);

/* --- for who can wait (blocking sockets) --- */

/* Sends a frame, whole. 0 or -errno. */
int protocol_send(int sock, unsigned type, const void *payload, size_t len);
/* Sends bytes that are frames, with descriptors that come with the first of them. */
int protocol_send_raw(int sock, const void *data, size_t len, const int *fds, size_t n_fds);

/*
 * Waits for a frame and takes no byte more; payload has room for PROTOCOL_MAX_STATE + 1 and ends with a NUL. 1, 0 at
 * the end, or -errno. For others than STDOUT and STDERR.
 */
int protocol_receive_one(int sock, struct frame *ret, unsigned char *payload);
