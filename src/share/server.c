/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "share/server.h"

/* Locks of the host's own programs are given up without a word to us. */
enum { LOCK_RETRY_MS = 10, IN_SIZE = SHARE_MAX_REQUEST + SHARE_READ_AHEAD, MAX_FILES = 64 << 10 };

/* As many as there may be, but not all that a generous host would give: each keeps memory of the kernel's. */
static size_t raise_limit(void)
{
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) < 0)
                return 0;
        if (l.rlim_cur < MAX_FILES)
                l.rlim_cur = l.rlim_max < MAX_FILES ? l.rlim_max : MAX_FILES;
        setrlimit(RLIMIT_NOFILE, &l);
        return l.rlim_cur < MAX_FILES ? l.rlim_cur : MAX_FILES;
}

struct share_server *share_server_new(int stream, const int *roots, size_t n)
{
        struct share_server *s = calloc(1, sizeof *s);
        int r = 0;

        if (!s)
                return NULL;
        s->stream = stream;
        s->max_files = raise_limit();
        s->in = malloc(IN_SIZE);
        s->out = malloc(sizeof *s->out + SHARE_MAX_DATA);
        s->entries = malloc(SHARE_MAX_LISTING);
        s->buckets = calloc(SHARE_BUCKETS, sizeof *s->buckets);
        if (!s->in || !s->out || !s->entries || !s->buckets)
                r = -ENOMEM;
        s->answer = (unsigned char *)(s->out + 1);
        if (r == 0)
                r = share_inode_add_root(s, -1);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = share_inode_add_root(s, roots[i]);
        if (r == 0)
                return s;
        share_server_free(s);
        return NULL;
}

void share_server_free(struct share_server *s)
{
        for (size_t i = 0; i < s->n_handles; i++)
                if (s->handles[i].fd >= 0)
                        close(s->handles[i].fd);
        share_inode_close_all(s);
        free(s->handles);
        free(s->inodes);
        free(s->buckets);
        free(s->entries);
        free(s->out);
        free(s->in);
        free(s);
}

int share_server_follow(struct share_server *s)
{
        uint32_t number;

        if (getrandom(&number, sizeof number, 0) != sizeof number)
                return -EIO;
        s->base = (uint64_t)(number | 1) << 32;
        s->greeted = true;
        return 0;
}

/* ---- answers ---- */

void *share_answer_of(struct share_server *s, size_t len)
{
        memset(s->answer, 0, len);
        s->n_answer = len;
        return s->answer;
}

/* A stream that has ended is found out by who reads from it. */
static void send_out(const struct share_server *s)
{
        const char *p = (const char *)s->out;
        size_t left = s->out->len;

        while (left) {
                ssize_t n = send(s->stream, p, left, MSG_NOSIGNAL);

                if (n < 0 && errno != EINTR)
                        return;
                if (n > 0) {
                        p += n;
                        left -= (size_t)n;
                }
        }
}

void share_answer(struct share_server *s, uint64_t unique, int error)
{
        size_t len = error < 0 ? 0 : s->n_answer;

        *s->out = (struct fuse_out_header){ .len = (uint32_t)(sizeof *s->out + len), .error = error, .unique = unique };
        send_out(s);
}

void share_ask_to_drop_caches(struct share_server *s)
{
        *s->out = (struct fuse_out_header){ .len = sizeof *s->out, .error = SHARE_NOTIFY_DROP_CACHES };
        send_out(s);
}

/* ---- requests ---- */

/* Where the next one would begin it shall lie as its fields want to. */
static void align(struct share_server *s)
{
        if (s->start == s->end)
                s->start = s->end = 0;
        if (s->start % sizeof(uint64_t) == 0 && s->start <= SHARE_READ_AHEAD)
                return;
        memmove(s->in, s->in + s->start, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
}

/* 1: all of one is there; 0. */
static int next(struct share_server *s, const struct fuse_in_header **ret)
{
        const struct fuse_in_header *head;

        align(s);
        head = (const void *)(s->in + s->start);
        if (s->end - s->start < sizeof *head)
                return 0;
        if (head->len < sizeof *head || head->len > SHARE_MAX_REQUEST)
                return -EPROTO;
        *ret = head;
        return s->end - s->start >= head->len;
}

static int serve_all(struct share_server *s)
{
        const struct fuse_in_header *head;
        int r;

        while ((r = next(s, &head)) > 0) {
                s->start += head->len;
                share_request_serve(s, head);
                share_inode_trim(s);
        }
        return r;
}

int share_serve_bytes(struct share_server *s, const void *data, size_t len)
{
        int r = 0;

        while (r == 0 && len) {
                size_t room = IN_SIZE - s->end, n = len < room ? len : room;

                memcpy(s->in + s->end, data, n);
                s->end += n;
                data = (const char *)data + n;
                len -= n;
                r = serve_all(s);
        }
        return r;
}

static int receive(struct share_server *s)
{
        ssize_t n = recv(s->stream, s->in + s->end, IN_SIZE - s->end, 0);

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : -errno;
        s->end += (size_t)n;
        return n > 0;
}

/* The start is behind at most SHARE_READ_AHEAD bytes: there is room for a whole request. */
int share_serve(struct share_server *s, struct error *err)
{
        int r = 1;

        while (r > 0) {
                struct pollfd p = { .fd = s->stream, .events = POLLIN };

                if (poll(&p, 1, s->n_waiting ? LOCK_RETRY_MS : -1) < 0 && errno != EINTR)
                        return error_errno(err, errno, "wait for the guest");
                if (p.revents)
                        r = receive(s);
                if (r > 0 && serve_all(s) < 0)
                        return error_set(err, EPROTO, "the guest says nothing sensible");
                if (s->n_waiting)
                        share_lock_retry(s);
        }
        return r == 0 || r == -ECONNRESET ? 0 : error_errno(err, -r, "read from the guest");
}
