/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as the kernel runs them (struct seccomp_data, the instructions of libseccomp's and holt's filters). */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bpf_result {
        uint32_t action;
        unsigned steps;
        unsigned words; /* bit i: the i-th 32 bits of the data were looked at */
};

static inline bool bpf_compare(uint16_t comparison, uint32_t a, uint32_t k)
{
        return comparison == BPF_JEQ ? a == k : comparison == BPF_JGT ? a > k : comparison == BPF_JGE ? a >= k : a & k;
}

/* What the kernel refuses to load ends the process. */
static inline struct bpf_result bpf_run(const struct sock_filter *program, size_t n, const struct seccomp_data *data)
{
        struct bpf_result r = {};
        uint32_t a = 0;

        for (size_t at = 0; at < n; at++) {
                const struct sock_filter *s = &program[at];

                r.steps++;
                switch (s->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        if (s->k % sizeof a || s->k >= sizeof *data)
                                abort();
                        memcpy(&a, (const char *)data + s->k, sizeof a);
                        r.words |= 1U << s->k / sizeof a;
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= s->k;
                        break;
                case BPF_JMP | BPF_JA:
                        at += s->k;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                case BPF_JMP | BPF_JGT | BPF_K:
                case BPF_JMP | BPF_JGE | BPF_K:
                case BPF_JMP | BPF_JSET | BPF_K:
                        at += bpf_compare(BPF_OP(s->code), a, s->k) ? s->jt : s->jf;
                        break;
                case BPF_RET | BPF_K:
                        r.action = s->k;
                        return r;
                default:
                        abort();
                }
        }
        abort();
}
