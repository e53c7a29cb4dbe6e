/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/signal_name.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/parse.h"

static const struct {
        char name[8];
        int signo;
} names[] = {
        { "HUP", SIGHUP },       { "INT", SIGINT },   { "QUIT", SIGQUIT },   { "ILL", SIGILL },   { "TRAP", SIGTRAP },
        { "ABRT", SIGABRT },     { "IOT", SIGIOT },   { "BUS", SIGBUS },     { "FPE", SIGFPE },   { "KILL", SIGKILL },
        { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },   { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },
        { "TERM", SIGTERM },
#ifdef SIGSTKFLT
        { "STKFLT", SIGSTKFLT },
#endif
        { "CHLD", SIGCHLD },     { "CLD", SIGCHLD },  { "CONT", SIGCONT },   { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
        { "TTIN", SIGTTIN },     { "TTOU", SIGTTOU }, { "URG", SIGURG },     { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
        { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH }, { "IO", SIGIO },     { "POLL", SIGPOLL },
        { "PWR", SIGPWR },       { "SYS", SIGSYS },
};

/* "", "+3" behind RTMIN or "-3" behind RTMAX, whose sign is `sign`. */
static int parse_realtime(const char *rest, char sign, int *ret)
{
        int base = sign == '+' ? SIGRTMIN : SIGRTMAX;
        uint32_t n = 0;

        if (*rest && (*rest != sign || parse_u32(rest + 1, 10, &n) < 0))
                return -EINVAL;
        if (n > (uint32_t)(SIGRTMAX - SIGRTMIN))
                return -EINVAL;
        *ret = sign == '+' ? base + (int)n : base - (int)n;
        return 0;
}

int signal_parse(const char *text, int *ret)
{
        uint32_t number;

        if (parse_u32(text, 10, &number) == 0) {
                if (number > (uint32_t)SIGRTMAX)
                        return -EINVAL;
                *ret = (int)number;
                return 0;
        }
        if (strncasecmp(text, "SIG", 3) == 0)
                text += 3;
        if (strncasecmp(text, "RTMIN", 5) == 0)
                return parse_realtime(text + 5, '+', ret);
        if (strncasecmp(text, "RTMAX", 5) == 0)
                return parse_realtime(text + 5, '-', ret);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strcasecmp(names[i].name, text) == 0) {
                        *ret = names[i].signo;
                        return 0;
                }
        }
        return -EINVAL;
}
