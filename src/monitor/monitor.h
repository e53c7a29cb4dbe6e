/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that stays with a running virtual machine: QEMU's parent, and to holt-shim the instance's first process.
 *
 * Theory of operation. It reads its job (job.h) and starts QEMU (qemu.c) as a clone of a guest that has booted before
 * (clone.c), which is made if there is none (template.c), or to boot (boot.c). Then the agent answers on the other end
 * of a virtio-serial port; CONFIGURE makes the guest what it shall be, START has the program begun, and only then the
 * shim hears that it runs. From then on one poll loop (monitor.c) passes frames between the agent and those that talk
 * to it: the program's own standard streams, which are ours (program.c), and the connections on vm.sock, a session each
 * (client.c). Windows of the protocol go from end to end, so that what waits here has a bound for each session whatever
 * the guest says: a guest that sends more than it was granted, or what nobody has asked for, is ended.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "container/cgroup.h"
#include "instance/protocol.h"
#include "monitor/job.h"
#include "process_image/process_image.h"
#include "vm/accelerator.h"
#include "vm/guest_memory.h"
#include "vm/machine.h"
#include "vm/qmp.h"
#include "vm/template.h"
#include "vm/tsc.h"

enum {
        MONITOR_JOB = 3,    /* the job, a file from its beginning */
        MONITOR_ANSWER = 4, /* a struct error whose code is 0 when the program runs */
        MONITOR_PLACE = 5,  /* RUN/instances/ID */
        MONITOR_TAP = 6,    /* its interface, if the job says that it has one */
        MONITOR_LAYERS = 7, /* the first; as many as the job says */
};

/*
 * A loaded machine with no hardware to help takes its time; a QEMU that stands and has only to answer does so in
 * milliseconds; fifty that begin at once on two processors have all run and ended after five seconds.
 */
enum { MONITOR_BOOT_MS = 120000, MONITOR_ANSWER_MS = 10000 };

/* Of the clients some have a session, and whatever its guest does with those, there is room for who wants it to end. */
enum { MONITOR_MAX_CLIENTS = 128, MONITOR_MAX_SESSIONS = 64, MONITOR_CONSOLE = 4 << 10 };

/* Sessions of the channel: 0 is about the guest, 1 is the program, others are clients'. */
enum { SESSION_GUEST, SESSION_PROGRAM, SESSION_FIRST_CLIENT };

/* A client that goes leaves its process, whose output nobody gets any more: fd is -1 then. */
struct monitor_client {
        int fd;
        uint16_t session; /* 0: none, or none any more */
        struct protocol_reader in;
        struct buf out;
        uint32_t granted;   /* bytes of output that the agent may still send */
        uint32_t ungranted; /* that it sent, and wait for the client */
        uint32_t takes;     /* bytes of input that the agent has granted */
        uint32_t asks;      /* answers that it owes */
        bool said_hello, started, is_stuck, waits_for_guest;
};

/* What the program writes and our own stdout or stderr has not taken yet. */
struct monitor_output {
        int fd; /* -1: nobody takes it */
        struct buf pending;
};

/* What a QEMU has for itself. */
enum monitor_end { END_CONSOLE, END_QMP, END_AGENT, END_SHARE, END_TAP, MONITOR_ENDS };

struct monitor {
        struct monitor_job job;
        char key[SHA256_HEX]; /* of the template that the machine is of; "": of none */
        pid_t qemu;           /* its guard, in whose namespace it is; 0: it is gone; -1: it is another's child */
        enum accelerator accelerator;
        struct cgroup cgroup;   /* QEMU's; zeroed: it has none of its own. Who cleans up removes it */
        const char *tap;        /* the name of its interface, where that leads nowhere; NULL: any */
        int qemu_pidfd, guard;  /* of QEMU's first process, and what keeps it (guard.h) */
        int ends[MONITOR_ENDS]; /* the numbers that the other ends of our channels have in QEMU; -1: it has none */
        const struct template *origin; /* of what it is a copy; NULL: a machine as all are */
        uint64_t memory_at;            /* where in QEMU its guest's memory is, if that is in parts; 0 */
        uint32_t disks;                /* how often QEMU was given disks, which have that in their names */
        int signals, listener, console;
        struct qmp qmp;

        int agent; /* the channel */
        int share; /* the stream of the host's directories, while nobody else has it; -1 */
        struct protocol_reader in;
        struct buf out;

        /* The program. */
        bool reads_input;
        uint32_t input_granted, output_granted, ungranted;
        struct monitor_output output[2];
        bool has_exited;
        int exit_code;
        bool is_ending;  /* the guest was told to end */
        int64_t kill_at; /* CLOCK_MONOTONIC, ms: when one that was told to kill its program is ended; 0: never */

        /* MiB of the guest's memory: what it shall come down to, and what the host lets it have until then. */
        uint32_t memory_wanted, memory_allowed;
        struct json_object *update, *changed; /* an UPDATE that the agent is asked about; the last one that holds */

        char *save;         /* the directory of a template that is being made of the machine; NULL */
        bool is_suspended;  /* the agent, for that: it hears nothing that is said */
        struct error saved; /* what became of it; code 0: nothing went wrong */
        struct buf unheard; /* what is to be said when it goes on */

        struct monitor_client *clients[MONITOR_MAX_CLIENTS];
        size_t n_clients;
        uint16_t last_session; /* that was begun */
        bool is_paused;
        char pause_reason[192];         /* "": a command wanted it */
        char said[MONITOR_CONSOLE + 1]; /* on the console, last */
        size_t said_len;
};

/* --- monitor.c --- */
/* Until the program has ended: its exit status. */
int monitor_serve(struct monitor *m);

/* --- qemu.c --- */
/* How it is started. */
struct qemu_start {
        bool is_template; /* nothing of the instance, and memory that is shared with us: a template is to be made */
        bool is_clone;    /* from a template */
        int memory;       /* a file; -1: memory of its own */
        const struct process_image *image; /* it begins as that one was, with its disks; NULL */
};

/* Starts it, and opens the channels. */
int monitor_start_qemu(struct monitor *m, const struct qemu_start *how, struct error *err);
/* QEMU was started with a file as its memory, and qmp_begin() was done: until it has opened it, and all of it has
 * begun. */
int monitor_greet_qemu(struct monitor *m, int memory, char *ret_version, size_t size, struct error *err);
/* The machine of the job, as a template's key wants it. */
void monitor_describe_machine(const struct monitor *m, struct machine *ret);
/* To a machine that was stopped with others: they are the job's, and it goes on. */
int monitor_give_disks(struct monitor *m, struct error *err);
/* Of QEMU, or of its parent: who claims a machine has no more than a pidfd. 0: it is gone. */
pid_t monitor_find_qemu(const struct monitor *m);
/* Those that it had before have nothing behind them. */
void monitor_drop_disks(struct monitor *m);
void monitor_end_qemu(struct monitor *m);
/* How one has ended that has closed its channels, as process_exit_status() has it. -1: it is another's child, or is still
 * there. */
int monitor_qemu_status(struct monitor *m);
/* A QEMU of ours has failed, with that error: whether what it began from is the cause, and not what the host lacked. */
bool monitor_is_blamed(struct monitor *m, int error);
/* Another can be started. */
void monitor_forget_qemu(struct monitor *m);

/* --- thaw.c --- */
/* Keeps the QEMU, whose machine is stopped and nobody's, as the image of the template's machines, if there is none. */
int monitor_freeze(struct monitor *m, const char *key, struct error *err);
/* The same, of one that is somebody's, beside its memory. */
struct saved_memory;
int monitor_freeze_whole(struct monitor *m, const struct guest_memory *memory, const struct saved_memory *with,
                         struct error *err);
/* That image in a directory; -1: there is none. */
int monitor_open_whole(int directory);
/* One that begins as that, with the job's disks, and goes on. The image is closed. 1: it is no good, or -1. */
int monitor_thaw_whole(struct monitor *m, int image, const struct template *t, struct error *err);
bool monitor_has_image(const struct monitor *m, const char *key);
/* One that begins as that, with the job's disks, and goes on; it stays as it is if the job has no layers. 1: there is none. */
int monitor_thaw(struct monitor *m, const char *key, struct error *err);

/* --- limits.c --- */
/* The cgroup that QEMU is to be cloned into. */
int monitor_make_cgroup(struct monitor *m, struct error *err);
/* Its limits: before the guest runs what is not ours. */
int monitor_limit_qemu(struct monitor *m, struct error *err);

/* --- share.c --- */
/* Starts holt-share, if there is anything to share; the port is its own then. It ends with QEMU, and with us. is_copy: the
 * guest has known another. */
int monitor_start_share(struct monitor *m, bool is_copy, struct error *err);

/* --- boot.c --- */
/* QEMU was started to boot: until the agent has said HELLO. */
int monitor_await_agent(struct monitor *m, struct error *err);
/* Until the agent has done it. */
int monitor_ask_agent(struct monitor *m, enum protocol_type type, struct error *err);
/* A guest that is ready becomes the job's. */
int monitor_start_program(struct monitor *m, struct error *err);
/* Beside that, until it has ended: with one word, which is not quoted. What it writes is nobody's: it must not. */
int monitor_run_beside(struct monitor *m, const char *program, const char *option, struct error *err);
/* A suspended guest becomes the job's, and its program goes on. */
int monitor_resume_program(struct monitor *m, struct error *err);
/* All of it: QEMU, the guest, the program. */
int monitor_boot(struct monitor *m, struct error *err);

/* --- fill.c --- */
/* QEMU has mapped the first of the template's bases: what the others have is written there. Nothing without bases. */
int monitor_fill_memory(struct monitor *m, const struct template *t, struct error *err);

/* --- network.c --- */
/* A descriptor of the interface that QEMU has; -errno. */
int monitor_get_tap(const struct monitor *m);
/* Before its end: whoever waits for that need not wait until the host's network has forgotten the interface (tap_persist()). */
void monitor_leave_network(const struct monitor *m);

/* --- clone.c --- */
/* A QEMU that has loaded it. */
int monitor_load_template(struct monitor *m, const struct template *t, struct error *err);
/* QEMU, with the guest of the template in it. *refused: the time of one that was no good. */
int monitor_load(struct monitor *m, const char *key, int64_t *refused, struct error *err);
int monitor_find_key(const struct monitor *m, char ret[SHA256_HEX], struct error *err);
/* The same from a template, which is made if there is none. */
int monitor_clone(struct monitor *m, struct error *err);

/* --- template.c --- */
/* The machine's part of it. */
void monitor_describe_template(const struct monitor *m, const struct tsc_sample *since, struct template_manifest *ret);
/* Boots a guest and makes a template of it. refused: as template_begin() has it. 0 also when another has made it. */
int monitor_make_template(struct monitor *m, const char *key, int64_t refused, struct error *err);

/* --- channel.c --- */
void channel_send(struct monitor *m, unsigned type, uint16_t session, const void *payload, size_t len);
void channel_send_error(struct buf *out, const struct error *err);
/* 0, or -errno when the guest is gone or says what it must not. */
int channel_flush(struct monitor *m);
int channel_receive(struct monitor *m);
/* What came already. */
int channel_take(struct monitor *m);
/* There is so much to send that nobody else may add to it, and that no more of what makes us answer is wanted. */
bool channel_is_full(const struct monitor *m);
/* Keeps the end of what the guest's kernel says. */
void console_read(struct monitor *m);
/* Its last line, for an error; "" for none. */
const char *console_last(const struct monitor *m);

/* --- shutdown.c --- */
/* Of the program, or of QEMU where that is as good, or all that is left to do. */
void shutdown_kill(struct monitor *m);
/* For poll(2): ms until shutdown_check() has something to do; -1: for ever. */
int shutdown_patience(const struct monitor *m);
void shutdown_check(struct monitor *m);
/* The program has ended: until the guest has ended as well, if its disk is kept. */
void shutdown_wait(struct monitor *m);

/* --- program.c --- */
void program_begin(struct monitor *m);
/* A frame of its session: 0, or -EPROTO. */
int program_take(struct monitor *m, const struct frame *f);
void program_poll(const struct monitor *m, struct pollfd p[3]);
void program_step(struct monitor *m, const struct pollfd p[3]);
void program_signal(struct monitor *m, int signo);
void program_resize(struct monitor *m);
/* It has ended, and everything that it wrote is away. */
bool program_is_over(const struct monitor *m);

/* --- save.c --- */
/* Asks the agent to suspend the program: whatever is said to it then waits. */
int save_begin(struct monitor *m, const struct frame *f, struct error *err);
/* It has answered. 1: it will again. 0: that is the answer to who wanted it; an error: of what went wrong meanwhile. */
int save_step(struct monitor *m, const struct frame *f, struct error *err);

/* --- copy.c --- */
/* A machine that goes on as another did, from a template with its program. 1: it has done so before. */
int monitor_copy(struct monitor *m, struct error *err);

/* --- update.c --- */
/* Asks the agent, whose answer comes to who waits for the guest's. */
int update_begin(struct monitor *m, const struct frame *f, struct error *err);
/* It has answered. An error is one of what the host has to do when the guest has agreed. */
int update_end(struct monitor *m, const struct frame *f, struct error *err);
/* BALLOON_CHANGE */
void update_balloon(struct monitor *m, struct json_object *data);

/* --- client.c --- */
void client_accept(struct monitor *m);
struct pollfd client_poll(const struct monitor *m, const struct monitor_client *c);
void client_step(struct monitor *m, struct monitor_client *c, short revents);
/* A frame of the agent's for a client's session, or for who waits for the guest's own answer. */
int client_take(struct monitor *m, const struct frame *f);
void client_drop_stuck(struct monitor *m);
