/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's agent does for us (agent/errand.h has the list): a session over vm.sock, whose bytes flow only as far
 * as they are wanted. Nothing that comes is believed: who takes an archive takes it as a stranger's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "instance/protocol.h"
#include "instance/vm_guest.h"
#include "store/tar.h"

struct vm_errand {
        int fd;
        struct protocol_reader in;
        uint32_t granted; /* bytes of input that may still be sent */
        uint64_t taken;   /* bytes of output */
        bool is_over;
        int status;     /* then: 0 or an errno */
        char said[256]; /* by it, of what went wrong */
        size_t said_len;
        const void *data; /* of the last frame of output, if it has not been taken */
        size_t len;
};

#define VM_ERRAND_NONE    \
        {                 \
                .fd = -1, \
        }

struct vm_errand_request {
        const char *const *args; /* NULL-terminated */
        bool follow, bare, freeze, has_input;
};

/* Starts it. Who goes before its end has it ended. */
int vm_errand_begin(const struct vm_guest *g, const struct vm_errand_request *r, struct vm_errand *ret,
                    struct error *err);
void vm_errand_finish(struct vm_errand *v);
#define own_vm_errand __attribute__((cleanup(vm_errand_finish)))

/* Its output, as tar.h wants it: 0 is the end of one that went well. */
ssize_t vm_errand_read(void *userdata, const void **ret, struct error *err);
/* All of it, which may not be longer than max (-EMSGSIZE). */
int vm_errand_read_all(struct vm_errand *v, size_t max, struct buf *ret, struct error *err);
/* Of a list that it has told, with a NUL behind each word: the one at *at, which moves on. NULL: there is none, or it
 * has no end. It lives as long as the list. */
const char *vm_errand_word(const struct buf *told, size_t *at);
/* All of it, to a descriptor. */
int vm_errand_write_out(struct vm_errand *v, int to, struct error *err);

/* All of a reader's bytes become its input; waits for its end. */
int vm_errand_feed(struct vm_errand *v, tar_read read, void *userdata, struct error *err);
