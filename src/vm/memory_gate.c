/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/memory_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

/* Their lower halves: all that we look at has no more. */
#define ARGUMENT(n) ((uint32_t)offsetof(struct seccomp_data, args[n]))

int memory_gate_make(int sock)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(2)),
                BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE | O_CLOEXEC | O_CREAT),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_RDWR, 0, 5),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(0)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MEMORY_GATE_FD, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), /* of 0 */
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };
        own_fd int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

        return fd < 0 ? -errno : fd_send(sock, "", 1, &fd, 1);
}

int memory_gate_receive(int sock, struct error *err)
{
        int fd = -1;
        size_t n = 1;
        char byte;
        ssize_t r = fd_receive(sock, &byte, 1, &fd, &n);

        if (r <= 0 || fd < 0)
                return error_set(err, r < 0 ? (int)-r : EPIPE, "QEMU's memory cannot be given to it");
        return fd;
}

int memory_gate_pass(int gate, int memory, struct error *err)
{
        struct seccomp_notif request = {};
        struct seccomp_notif_addfd gift = { .flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND,
                                            .srcfd = (uint32_t)memory,
                                            .newfd = MEMORY_GATE_FD };

        if (ioctl(gate, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
                return error_errno(err, errno, "hear that QEMU opens its memory");
        gift.id = request.id;
        return ioctl(gate, SECCOMP_IOCTL_NOTIF_ADDFD, &gift) < 0 ? error_errno(err, errno, "give QEMU its memory") : 0;
}
