/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/share. */
#pragma once

#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "share/share.h"

enum {
        SHARE_MAX_DATA = 1 << 20, /* of one read or write */
        SHARE_MAX_REQUEST = SHARE_MAX_DATA + 4096,
        SHARE_READ_AHEAD = 128 << 10,
        SHARE_MAX_LISTING = 64 << 10, /* a kernel asks for a page */
        SHARE_MAX_INODES = 256 << 10,
        SHARE_MAX_WAITING = 256, /* locks */
        SHARE_BUCKETS = 64 << 10,
        SHARE_SPARE_FILES = 1024, /* descriptors that one request may take */
        SHARE_VALID_SECONDS = 1,  /* what the host changes is seen after that */
        SHARE_NO_ANSWER = 1,      /* of an operation: none, or not yet */
        SHARE_NONE = 0,           /* index of no inode */
};

/*
 * A number of an inode is its index plus one: the first, FUSE_ROOT_ID, is the directory of the shares. Those of what is in
 * the shares are above a base, as are those of handles, so that none is one that another server has given.
 */
struct share_inode {
        uint64_t device, number, mount, born; /* who it is */
        uint64_t lookups;                     /* that the guest has not forgotten; 0, and no children: it is free */
        uint64_t generation;
        char *name; /* in its parent; NULL: a share */
        struct share_lock_owner *locks;
        uint32_t parent, children; /* how many */
        uint32_t next;             /* in its bucket, or of the free ones */
        uint32_t opened;           /* handles */
        int fd;                    /* O_PATH; -1: not now */
        mode_t type;
        bool is_used, is_unlinked, is_recent;
        /* When it was opened last, for who opens it again. */
        struct timespec changed;
        uint64_t size;
};

struct share_handle {
        int fd; /* -1: free */
        uint32_t inode;
        bool is_directory;
        uint64_t position; /* of a directory */
};

struct share_lock_owner {
        struct share_lock_owner *next;
        uint64_t owner;
        int fd; /* an open file of his own: its locks are his */
};

struct share_waiting {
        uint64_t unique, nodeid;
        struct fuse_lk_in lock;
};

struct share_request {
        const struct fuse_in_header *head;
        const void *arg;           /* as large as the operation wants */
        const char *name, *second; /* where it has them */
        const unsigned char *rest; /* behind all that */
        size_t n_rest;
};

struct share_server {
        int stream;
        unsigned char *in; /* from start to end there is something */
        size_t start, end;
        struct fuse_out_header *out;
        unsigned char *answer; /* behind it: SHARE_MAX_DATA */
        size_t n_answer;
        unsigned char *entries; /* of a directory */

        struct share_inode *inodes;
        size_t n_inodes, cap_inodes, n_used, asked_at;
        uint32_t free_inode, hand;
        uint32_t *buckets;
        uint64_t generation, base;
        uint64_t devices[64];
        size_t n_devices;

        struct share_handle *handles;
        size_t n_handles, cap_handles;
        size_t n_files, max_files; /* descriptors */

        struct share_waiting waiting[SHARE_MAX_WAITING];
        size_t n_waiting;
        bool may_unlock; /* a lock was given up */
        bool greeted;
};

/* --- request.c --- */
/* The request at s->in, of head->len bytes: answers it. */
void share_request_serve(struct share_server *s, const struct fuse_in_header *head);
/* A name of a directory's entry. */
bool share_is_name(const char *name);

/* --- server.c --- */
/* What stands in s->answer, or the error (a negative errno). */
void share_answer(struct share_server *s, uint64_t unique, int error);
/* The place of an answer, zeroed. */
void *share_answer_of(struct share_server *s, size_t len);
void share_ask_to_drop_caches(struct share_server *s);

/* --- name.c: a copy takes the place of what was there. -ENOMEM: nothing has changed. --- */
int share_name_set(char **name, const char *text);

/* --- inode.c --- */
/* NULL: there is none of this number. */
struct share_inode *share_inode_find(struct share_server *s, uint64_t nodeid);
/* Its number. */
uint64_t share_inode_number(const struct share_server *s, const struct share_inode *i);
int share_inode_add_root(struct share_server *s, int fd);
/* Its descriptor. -ESTALE: it is there no more. */
int share_inode_open(struct share_server *s, struct share_inode *i);
/* The name of its descriptor in the working directory. */
int share_inode_path(struct share_server *s, struct share_inode *i, char ret[16]);
int share_inode_stat(struct share_server *s, struct share_inode *i, struct statx *ret);
/* An entry of a directory, which the guest gets to know. */
int share_inode_look_up(struct share_server *s, struct share_inode *parent, const char *name,
                        struct fuse_entry_out *ret);
void share_inode_forget(struct share_server *s, uint64_t nodeid, uint64_t lookups);
/* Before the entry goes: what the guest still has open stays to be had. */
void share_inode_unlinking(struct share_server *s, struct share_inode *parent, const char *name);
/* The entry has come there. */
void share_inode_moved(struct share_server *s, struct share_inode *parent, const char *name);
/* Closes descriptors that can be had again. */
void share_inode_trim(struct share_server *s);
/* The number of a file for the guest. */
uint64_t share_number(struct share_server *s, uint64_t device, uint64_t number);
void share_attributes(struct share_server *s, const struct statx *st, struct fuse_attr *ret);
void share_inode_close_all(struct share_server *s);

/* --- handle.c --- */
/* fd: taken over, also by an error. *ret: its number for the guest. */
int share_handle_add(struct share_server *s, int fd, struct share_inode *i, bool is_directory, uint64_t *ret);
struct share_handle *share_handle_find(struct share_server *s, uint64_t number, bool is_directory);
void share_handle_close(struct share_server *s, struct share_handle *h);

/* --- lock.c --- */
/* A lock that is waited for may be had by now. */
void share_lock_retry(struct share_server *s);
void share_lock_drop(struct share_server *s, struct share_inode *i, uint64_t owner);
void share_lock_drop_all(struct share_server *s, struct share_inode *i);

/* --- operations --- */
typedef int share_operation(struct share_server *s, const struct share_request *q);
share_operation share_op_init, share_op_lookup, share_op_forget, share_op_batch_forget, share_op_getattr,
        share_op_setattr, share_op_statfs, share_op_readlink;
share_operation share_op_mkdir, share_op_mknod, share_op_symlink, share_op_link, share_op_unlink, share_op_rmdir,
        share_op_rename, share_op_rename2, share_op_create;
share_operation share_op_open, share_op_read, share_op_write, share_op_release, share_op_fsync, share_op_lseek,
        share_op_fallocate, share_op_copy_file_range;
share_operation share_op_opendir, share_op_readdir, share_op_readdirplus, share_op_releasedir;
share_operation share_op_getxattr, share_op_setxattr, share_op_listxattr, share_op_removexattr;
share_operation share_op_getlk, share_op_setlk, share_op_setlkw, share_op_flush, share_op_interrupt;

/* A request of who may not keep set-user-ID bits: while `on`, the kernel takes them from what is written to. */
void share_kill_privileges(bool on);
/* open(2) again: a regular file or a directory. */
int share_reopen(struct share_server *s, struct share_inode *i, int flags);
