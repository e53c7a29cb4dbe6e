/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to criu's service: protobuf messages (criu's images/rpc.proto), each one packet of a SOCK_SEQPACKET
 * socket. Only what we need of it is here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* criu_req_type */
enum criu_type {
        CRIU_DUMP = 1,
        CRIU_RESTORE = 2,
        CRIU_PRE_DUMP = 4,
        CRIU_NOTIFY = 6,
};

/* Members of criu_opts, by their field numbers. */
enum criu_option {
        CRIU_IMAGES_DIR_FD = 1,
        CRIU_PID = 2,
        CRIU_LEAVE_RUNNING = 3,
        CRIU_EXT_UNIX_SK = 4,
        CRIU_TCP_ESTABLISHED = 5,
        CRIU_EVASIVE_DEVICES = 6,
        CRIU_SHELL_JOB = 7,
        CRIU_FILE_LOCKS = 8,
        CRIU_LOG_LEVEL = 9,
        CRIU_LOG_FILE = 10,
        CRIU_PAGE_SERVER = 11,
        CRIU_NOTIFY_SCRIPTS = 12,
        CRIU_ROOT = 13,
        CRIU_PARENT_IMG = 14,
        CRIU_TRACK_MEM = 15,
        CRIU_AUTO_DEDUP = 16,
        CRIU_WORK_DIR_FD = 17,
        CRIU_LINK_REMAP = 18,
        CRIU_EXT_MNT = 23,
        CRIU_MANAGE_CGROUPS = 24,
        CRIU_CG_ROOT = 25,
        CRIU_RST_SIBLING = 26,
        CRIU_INHERIT_FD = 27,
        CRIU_MANAGE_CGROUPS_MODE = 34,
        CRIU_EXTERNAL = 37,
        CRIU_EMPTY_NS = 38,
        CRIU_JOIN_NS = 39,
        CRIU_FREEZE_CGROUP = 44,
        CRIU_TCP_SKIP_IN_FLIGHT = 46,
        CRIU_LAZY_PAGES = 48,
        CRIU_ORPHAN_PTS_MASTER = 50,
        CRIU_CONFIG_FILE = 51,
        CRIU_LSM_PROFILE = 53,
        CRIU_CGROUP_YARD = 60,
        CRIU_LSM_MOUNT_CONTEXT = 63,
};

/* criu_cg_mode; 0 is a mode too. */
enum criu_cgroups_mode {
        CRIU_CGROUPS_IGNORE = 0,
        CRIU_CGROUPS_SOFT = 3,
        CRIU_CGROUPS_FULL = 4,
        CRIU_CGROUPS_STRICT = 5
};

/* Append one option: a number or bool; a text, where NULL appends nothing; a message whose first two fields are texts
 * (first may be NULL: left out); one of a text and a number. */
void criu_add_number(struct buf *opts, enum criu_option option, uint64_t value);
void criu_add_text(struct buf *opts, enum criu_option option, const char *text);
void criu_add_pair(struct buf *opts, enum criu_option option, const char *first, const char *second);
void criu_add_numbered(struct buf *opts, enum criu_option option, const char *text, uint64_t number);

/* A whole request. */
void criu_request(struct buf *out, enum criu_type type, const struct buf *opts);
/* The answer to a notification. */
void criu_reply(struct buf *out, bool success);

struct criu_response {
        uint64_t type; /* enum criu_type */
        bool success;
        int32_t pid;       /* of the notification; 0: none */
        char script[32];   /* which notification; "" */
        char message[200]; /* the first error of criu's log; "" */
};

/* 0, or -EBADMSG. Unknown fields are skipped; texts that are too long are cut. */
int criu_response_parse(const void *data, size_t len, struct criu_response *ret);
