/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmark runs in its containers, as small as a program can be (no libc): it exits at once, or, given an
 * argument, waits until it is killed.
 */
#include <sys/syscall.h>

static long call(long number, long a, long b)
{
        long r;
#if defined(__x86_64__)
        __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
        register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = 0;
        __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
        r = x0;
#else
#error "an architecture whose system calls are not known here"
#endif
        return r;
}

__attribute__((used)) static void begin(const long *stack)
{
        while (stack[0] > 1)
                call(SYS_rt_sigsuspend, (long)&(unsigned long){ 0 }, sizeof(unsigned long));
        call(SYS_exit_group, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#endif
