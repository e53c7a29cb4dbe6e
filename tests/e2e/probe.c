/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What busybox lacks and the tests need inside a container:
 *
 *   probe notify SOCKET TEXT     sends a datagram
 *   probe syscall NAME           calls it harmlessly and prints "ok" or the error's name
 *   probe policy                 prints the scheduling policy, nice value and I/O priority
 *   probe clock                  prints CLOCK_MONOTONIC and CLOCK_BOOTTIME in seconds
 *   probe affinity               prints the CPUs it may use
 *   probe writable FILE          tries to open FILE for writing; prints "ok" or the error's name
 *   probe pause                  waits for SIGTERM or SIGINT, reaping children: a pod's sandbox
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int print_result(long r)
{
        int code = errno;

        puts(r < 0 ? strerrorname_np(code) : "ok");
        return 0;
}

static int probe_notify(const char *path, const char *text)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

        strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
        if (fd < 0 || sendto(fd, text, strlen(text), 0, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
                perror("probe: notify");
                return 1;
        }
        return 0;
}

static int probe_syscall(const char *name)
{
        if (!strcmp(name, "unshare"))
                return print_result(unshare(CLONE_NEWUSER));
        if (!strcmp(name, "keyctl"))
                return print_result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
        if (!strcmp(name, "add_key"))
                return print_result(syscall(SYS_add_key, "user", "probe", "x", 1, KEY_SPEC_PROCESS_KEYRING));
        if (!strcmp(name, "bpf"))
                return print_result(syscall(SYS_bpf, 9999, NULL, 0));
        if (!strcmp(name, "personality"))
                return print_result(syscall(SYS_personality, 0xffffffff));
        if (!strcmp(name, "personality-bsd"))
                return print_result(syscall(SYS_personality, PER_BSD));
        if (!strcmp(name, "getcpu"))
                return print_result(syscall(SYS_getcpu, NULL, NULL, NULL));
        if (!strcmp(name, "mkdir"))
                return print_result(mkdir("/tmp/probe", 0755));
        if (!strcmp(name, "swapon"))
                return print_result(syscall(SYS_swapon, "/nothing", 0));
        if (!strcmp(name, "none"))
                return print_result(syscall(9999));
        fprintf(stderr, "probe: unknown syscall %s\n", name);
        return 2;
}

static int probe_policy(void)
{
        struct sched_param param;
        int io = (int)syscall(SYS_ioprio_get, 1, 0);

        sched_getparam(0, &param);
        printf("policy=%d priority=%d nice=%d ioclass=%d iolevel=%d\n", sched_getscheduler(0), param.sched_priority,
               getpriority(PRIO_PROCESS, 0), io >> 13, io & 0x1fff);
        return 0;
}

static int probe_clock(void)
{
        struct timespec mono, boot;

        clock_gettime(CLOCK_MONOTONIC, &mono);
        clock_gettime(CLOCK_BOOTTIME, &boot);
        printf("%ld %ld\n", (long)mono.tv_sec, (long)boot.tv_sec);
        return 0;
}

static int probe_affinity(void)
{
        const char *space = "";
        cpu_set_t set;

        sched_getaffinity(0, sizeof(set), &set);
        for (int i = 0; i < CPU_SETSIZE; i++)
                if (CPU_ISSET(i, &set)) {
                        printf("%s%d", space, i);
                        space = " ";
                }
        puts("");
        return 0;
}

static void leave(int signo)
{
        _exit(0);
}

static _Noreturn void probe_pause(void)
{
        signal(SIGTERM, leave);
        signal(SIGINT, leave);
        for (;;)
                if (wait(NULL) < 0)
                        pause();
}

int main(int argc, char **argv)
{
        if (argc > 3 && !strcmp(argv[1], "notify"))
                return probe_notify(argv[2], argv[3]);
        if (argc > 2 && !strcmp(argv[1], "syscall"))
                return probe_syscall(argv[2]);
        if (argc > 2 && !strcmp(argv[1], "writable"))
                return print_result(open(argv[2], O_WRONLY));
        if (argc > 1 && !strcmp(argv[1], "policy"))
                return probe_policy();
        if (argc > 1 && !strcmp(argv[1], "clock"))
                return probe_clock();
        if (argc > 1 && !strcmp(argv[1], "affinity"))
                return probe_affinity();
        if (argc > 1 && !strcmp(argv[1], "pause"))
                probe_pause();
        fprintf(stderr, "usage: probe notify|syscall|writable|policy|clock|affinity|pause ...\n");
        return 2;
}
