/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp: from rules to a BPF program, and into the kernel.
 *
 * Compiling Docker's default profile takes libseccomp 15 ms, so a compiled program is
 * kept in a cache directory. A cached file holds its whole key (the canonical bytes of
 * the profile, libseccomp's version, the native architecture) and is used only when
 * that is equal byte by byte; the file's name is a hash of it, so a collision costs a
 * compilation and nothing else.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/runtime_spec.h"

struct seccomp_program {
        void *memory; /* what to free */
        struct sock_fprog bpf;
        unsigned flags; /* SECCOMP_FILTER_FLAG_* */
        bool notify;    /* some rule answers with SECCOMP_RET_USER_NOTIF */
};

/*
 * Finds the program in the cache or compiles and keeps it. cache_dirfd -1: no cache. A cache that cannot be read or
 * written is only slower. Unknown syscall names are skipped, as runc does; an action or flag that this kernel lacks is
 * refused by name.
 */
int seccomp_prepare(const struct spec_seccomp *profile, int cache_dirfd, struct seccomp_program *ret,
                    struct error *err);
void seccomp_finish(struct seccomp_program *p);

/*
 * The same as a file for the cache of another machine, whose runtime has the same libseccomp: its name there (room for
 * SECCOMP_NAME_MAX) and its content. There it is found like one of its own.
 */
enum { SECCOMP_NAME_MAX = 32 };
int seccomp_export(const struct spec_seccomp *profile, int cache_dirfd, char *ret_name, struct buf *ret_content,
                   struct error *err);

/* Writes the program to dirfd/name, and reads it back (for exec, which need not know the profile). */
int seccomp_program_save(const struct seccomp_program *p, int dirfd, const char *name, struct error *err);
int seccomp_program_load(int dirfd, const char *name, struct seccomp_program *ret, struct error *err);

/*
 * Installs it for the calling thread, which has no_new_privs or CAP_SYS_ADMIN. *ret_listener is the notification
 * descriptor when the program notifies, else -1.
 */
int seccomp_install(const struct seccomp_program *p, int *ret_listener, struct error *err);

/*
 * Sends `listener` to the agent at profile->listener_path with the container process state (runtime-spec,
 * "The Container Process State"): {ociVersion, fds: ["seccompFd"], pid, metadata, state}.
 * `state_json` is the container's state object. sock is a connected stream socket.
 */
int seccomp_send_listener(int sock, int listener, const char *metadata, pid_t pid, const char *state_json,
                          struct error *err);
