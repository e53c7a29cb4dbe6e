/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: guests that have booted and wait for who they shall be. ROOT/vm/templates/KEY has
 *
 *   memory     all that is not zero of the guest's memory, the rest holes; clones map it privately
 *   state      of its devices and processors, as QEMU saves it
 *   manifest   JSON: what it is, how large both are, their digests
 *   pages      where the memory is, if it is in other templates' files as well (template_pages.h): of machines that ran
 *   process    a QEMU that has loaded it, as it stood when it was warm (monitor/thaw.c); missing after each change
 *
 * KEY is the digest of everything that decides whether the state can be loaded: QEMU, processor, kernel, agent, the
 * machine's exact command line. So whatever changes has another template, and the old one goes as the least recently
 * used. "lock" is held by who makes or removes one, "part" is what is being made: nobody holds the lock, nobody makes
 * it.
 *
 * A template is used if its files are as large and as old as the manifest says and the state has its digest. The memory
 * is read whole once a boot of the host: what a host that lost its power has left of it is not taken for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "vm/machine.h"

#define TEMPLATE_MEMORY "memory"
/* The name of a kept process, and of one that is being written, and locked. */
#define TEMPLATE_PROCESS "process"
#define TEMPLATE_PROCESS_PART "process.part"

enum { TEMPLATE_VERSION_MAX = 64, TEMPLATE_BOOT_ID = 40, TEMPLATE_MAX_BASES = 8 };

/* Another template's file that has some of the memory. */
struct template_base {
        int64_t size, time;
        char digest[SHA256_HEX];
};

struct template_manifest {
        char qemu[TEMPLATE_VERSION_MAX]; /* its version, in its own words */
        uint32_t tsc_khz;                /* of the host's counter, which the guest reads; 0: it does not matter */
        char boot[TEMPLATE_BOOT_ID];     /* the host's, in which the memory was read last */
        int64_t memory_size, memory_time, state_size;
        char memory_digest[SHA256_HEX], state_digest[SHA256_HEX];
        char key[SHA256_HEX];    /* of one that has another name: a machine as it ran (monitor/save.c); "" */
        char origin[SHA256_HEX]; /* template_origin() when it was made; "": it was not noted */
        size_t n_bases;          /* 0: all of it is in the file memory */
        struct template_base bases[TEMPLATE_MAX_BASES];
        char pages_digest[SHA256_HEX];
        /* For people. */
        uint32_t cpus, memory_mib;
        char accelerator[8], kernel[TEMPLATE_VERSION_MAX];
        int64_t made; /* seconds since 1970 */
};

/* One that is there. */
struct template
{
        int memory, state; /* only to be read; -1 */
        int bases[TEMPLATE_MAX_BASES];
        size_t n_bases;
        struct buf pages; /* of struct template_extent (template_pages.h), if there are bases */
        struct template_manifest manifest;
};

#define own_template __attribute__((cleanup(template_finish)))
void template_finish(struct template *t);

/* boot: the name of what the guest boots from (initramfs.h), which stands for kernel and agent. */
int template_key(const struct machine *m, const char *boot, char ret[SHA256_HEX], struct error *err);

/* What of that is not the machine's: QEMU's program, and what the guest boots from. When it has changed, nobody will ask
 * for the template again. */
int template_origin(const char *boot, char ret[SHA256_HEX], struct error *err);

/* Of ROOT/vm/templates. -ENOENT: there is none; -EBADMSG: it is damaged, and how. */
int template_open(const char *templates, const char *key, struct template *ret, struct error *err);

/* What takes a moment: the state's digest. -EBADMSG. */
int template_check_state(const struct template *t, struct error *err);

/* All of it, or all but the memory's content. -EBADMSG. */
int template_check(const char *templates, const char *key, bool whole, struct error *err);

/* It was used: it goes after those that were not. */
void template_touch(const char *templates, const char *key);

/* --- making one --- */

struct template_making {
        int templates, lock, part, state; /* state: to be written */
};

#define own_template_making __attribute__((cleanup(template_making_finish)))
/* What was not finished is no more. */
void template_making_finish(struct template_making *m);

/*
 * Waits until nobody else makes one. 1: the template has come meanwhile; with `refused` the one that is there goes
 * first, unless somebody has made it anew. refused: the time of its memory, or 0.
 */
int template_begin(const char *templates, const char *key, int64_t refused, struct template_making *ret,
                   struct error *err);

/* memory: a file, of which what is not zero is copied. manifest: the caller's part of it. limit: bytes that all
 * templates may take; those of another origin go, then those that were not used for the longest time, never
 * this one. */
int template_commit(struct template_making *m, const char *key, int memory, struct template_manifest *manifest,
                    uint64_t limit, struct error *err);

/* The manifest of a directory in which memory and state are: the caller's part of it, as above. */
int template_seal(int directory, struct template_manifest *manifest, struct error *err);

/* --- all of them --- */

struct template_entry {
        char key[SHA256_HEX];
        uint64_t bytes; /* on the disk */
        int64_t used;   /* seconds since 1970 */
        bool is_damaged;
        struct template_manifest manifest;
};

/* The least recently used first. *ret is malloc'ed. A missing directory has none. */
int templates_list(const char *templates, struct template_entry **ret, size_t *ret_n, struct error *err);

/* -ENOENT. */
int template_remove(const char *templates, const char *key, struct error *err);

/* Removes what a killed maker left, if nobody is making one now. */
void templates_sweep(const char *templates);

/* --- template_manifest.c --- */
int template_manifest_read(const char *text, size_t len, struct template_manifest *ret, struct error *err);
void template_manifest_write(const struct template_manifest *m, struct buf *out);
