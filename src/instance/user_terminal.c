/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/user_terminal.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/terminal.h"

/* Those that the kernel or a shell sends to us alone, and those of the shell's job control. */
static void remove_own(sigset_t *set)
{
        static const int own[] = { SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, SIGTTOU, SIGTSTP, SIGCONT, SIGSEGV,
                                   SIGBUS,  SIGFPE,  SIGILL, SIGTRAP, SIGSYS,  SIGABRT, SIGPROF, SIGVTALRM };

        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
                sigdelset(set, own[i]);
}

/* By nohup(1), or by a shell for what it runs in the background: blocked, it would come all the same. */
static bool is_ignored(int signo)
{
        struct sigaction a;

        return sigaction(signo, NULL, &a) == 0 && a.sa_handler == SIG_IGN;
}

static void choose(const struct user_terminal *t, bool all, sigset_t *ret)
{
        static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

        if (all) {
                sigfillset(ret);
                remove_own(ret);
        } else {
                sigemptyset(ret);
        }
        for (size_t i = 0; t->fd >= 0 && i < ARRAY_SIZE(ending); i++)
                sigaddset(ret, ending[i]);
        for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
                if (is_ignored(ending[i]))
                        sigdelset(ret, ending[i]);
        }
        sigaddset(ret, SIGWINCH);
}

int user_terminal_open(struct user_terminal *t, bool terminal, bool all, struct error *err)
{
        sigset_t set;

        *t = (struct user_terminal){ .fd = -1, .signals = -1 };
        if (terminal && isatty(STDIN_FILENO))
                t->fd = STDIN_FILENO;
        choose(t, all, &set);
        if (sigprocmask(SIG_BLOCK, &set, &t->before) < 0)
                return error_errno(err, errno, "block signals");
        t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (t->signals < 0 || (t->fd >= 0 && terminal_set_raw_whole(t->fd, &t->saved) < 0)) {
                int code = errno;

                t->fd = -1;
                user_terminal_close(t);
                return error_errno(err, code, "prepare the terminal");
        }
        return 0;
}

static void restore(struct user_terminal *t)
{
        if (t->fd >= 0)
                tcsetattr(t->fd, TCSADRAIN, &t->saved);
}

void user_terminal_close(struct user_terminal *t)
{
        if (t->signals < 0)
                return;
        restore(t);
        close(take_fd(&t->signals));
        sigprocmask(SIG_SETMASK, &t->before, NULL);
        t->fd = -1;
}

/* As if it had never been raw; the shell may have changed it when we come back. */
static void suspend(struct user_terminal *t)
{
        restore(t);
        raise(SIGSTOP);
        terminal_set_raw_whole(t->fd, &t->saved);
}

int user_terminal_signal(struct user_terminal *t)
{
        struct signalfd_siginfo info;

        if (read(t->signals, &info, sizeof info) != sizeof info)
                return 0;
        if (info.ssi_signo != SIGTSTP)
                return (int)info.ssi_signo;
        suspend(t);
        return SIGWINCH;
}

void user_terminal_die(struct user_terminal *t, int signo)
{
        restore(t);
        signal(signo, SIG_DFL);
        sigdelset(&t->before, signo);
        sigprocmask(SIG_SETMASK, &t->before, NULL);
        raise(signo);
        _exit(128 + signo);
}
