/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process as a file: what holt-thaw needs to have it go on as another process, any number of times. x86-64 only.
 *
 * The file begins with this head and its tables; the pages of memory follow, each run of them at a whole page. All
 * numbers are the machine's own: a file is of one boot of one host (process_image.h). Descriptors are not in it, but
 * what each has to be: who execs holt-thaw puts them where they belong, the file at PROCESS_IMAGE_FD, and others that
 * have some of the memory behind it.
 *
 * holt-thaw stands below PROCESS_LOWEST, where no process has anything that is loaded at a random address.
 */
#pragma once

#include <stdint.h>

enum { PROCESS_IMAGE_FD = 1001, PROCESS_HEAD_MAX = 1 << 20, PROCESS_APART_MAX = 16 };

#define PROCESS_MAGIC 0x31776168742d686fULL
#define PROCESS_LOWEST (1ULL << 32)
/* The end of what a process may map (arch/x86/include/asm/page_64_types.h). */
#define PROCESS_HIGHEST 0x7ffffffff000ULL
/* Where the head is when the process goes on. */
#define PROCESS_HEAD_AT 0x10000000ULL

#define PROCESS_EMPTY UINT64_MAX

/* The status with which holt-thaw ends where the kernel lacks something for the moment: the file is as good as it was. */
enum { PROCESS_LACKS = 126 };

struct process_mapping {
        uint64_t start, length, offset; /* in bytes; PROCESS_EMPTY: zeros */
        uint32_t protection, file;      /* file: counted from PROCESS_IMAGE_FD */
};

/* What the kernel gives each process: it was there, and goes there. In the order of their addresses. */
struct process_vdso {
        uint64_t start, length;
};

/* As rt_sigaction(2) of the kernel takes it. */
struct process_signal {
        uint64_t handler, flags, restorer, mask;
        uint32_t number, reserved;
};

/* struct ucontext of arch/x86/include/uapi/asm/{ucontext,sigcontext}.h, and what FXSAVE stores: rt_sigreturn(2) takes it.
 * The upper halves of vector registers are nobody's across a system call. */
struct process_frame {
        uint64_t flags, link, stack, stack_flags, stack_size;
        uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
        uint16_t cs, gs, fs, ss;
        uint64_t error, trap, old_mask, cr2, floats, unused[8];
        uint64_t mask;
        uint64_t padding[2];
        unsigned char fxsave[512] __attribute__((aligned(64)));
};

struct process_thread {
        struct process_frame frame;
        uint64_t tls, tid_address, robust_list, rseq;
        uint32_t rseq_length, rseq_signature; /* 0: it has none */
        uint64_t padding[3];
};

enum process_file_kind {
        PROCESS_FILE_GIVEN,   /* value: its number with who knows it (process_image.h) */
        PROCESS_FILE_NULL,    /* /dev/null */
        PROCESS_FILE_EVENT,   /* value: its count */
        PROCESS_FILE_SIGNALS, /* value: which */
        PROCESS_FILE_EPOLL,   /* of nothing */
        PROCESS_FILE_EMPTY,   /* a file that nobody will look into */
};

struct process_file {
        uint64_t value;
        uint32_t fd, kind, flags, reserved; /* flags: as open(2) has them */
};

/* A file that was mapped. */
struct process_origin {
        uint64_t device, inode, size;
        int64_t changed; /* ns since 1970, as ctime has it */
        char path[224];
};

/* One that has some of the memory. */
struct process_memory_file {
        uint64_t device, inode, size;
        int64_t changed; /* ns since 1970, as mtime has it */
};

/* The tables begin at these bytes of the file. */
struct process_table {
        uint32_t offset, count;
};

struct process_head {
        uint64_t magic, size; /* of the file, in bytes */
        uint64_t length;      /* of head and tables, whole pages */
        char boot[40];        /* the host's, by its name */
        char name[16];
        uint64_t tag, apart; /* the caller's; where the memory is that others have, 0: nowhere */
        struct process_table mappings, threads, signals, vdso, files, origins, arguments, memory_files;
};
