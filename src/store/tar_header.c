/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar_header.h"

#include <errno.h>
#include <string.h>

bool tar_header_is_zero(const struct tar_header *h)
{
        static const char zeros[TAR_BLOCK];

        return memcmp(h, zeros, sizeof zeros) == 0;
}

int tar_number(const char *field, size_t len, int64_t *ret)
{
        const unsigned char *p = (const unsigned char *)field;
        uint64_t v = 0;
        size_t i = 0;

        if (*p & 0x80) {
                bool negative = *p & 0x40;

                v = negative ? UINT64_MAX : 0;
                for (i = 0; i < len; i++) {
                        unsigned char byte = i ? p[i] : negative ? p[i] : p[i] & 0x7f;

                        /* What is shifted out has to be nothing but the sign. */
                        if (v >> 55 != (negative ? 0x1ff : 0))
                                return -ERANGE;
                        v = v << 8 | byte;
                }
                *ret = (int64_t)v;
                return 0;
        }
        while (i < len && p[i] == ' ')
                i++;
        for (; i < len && p[i] >= '0' && p[i] <= '7'; i++) {
                if (v >> 60)
                        return -ERANGE;
                v = v << 3 | (uint64_t)(p[i] - '0');
        }
        while (i < len && (p[i] == ' ' || p[i] == '\0'))
                i++;
        if (i < len)
                return -EINVAL;
        *ret = (int64_t)v;
        return 0;
}

/* Without branches, which a compiler makes vectors of. */
static void add_bytes(const unsigned char *bytes, size_t n, int32_t *sum, int32_t *signed_sum)
{
        for (size_t i = 0; i < n; i++) {
                *sum += bytes[i];
                *signed_sum += (signed char)bytes[i];
        }
}

bool tar_header_sum_is_right(const struct tar_header *h)
{
        const size_t end = offsetof(struct tar_header, sum) + sizeof h->sum;
        const unsigned char *bytes = (const unsigned char *)h;
        int32_t sum = ' ' * sizeof h->sum, signed_sum = sum;
        int64_t want;

        add_bytes(bytes, offsetof(struct tar_header, sum), &sum, &signed_sum);
        add_bytes(bytes + end, sizeof *h - end, &sum, &signed_sum);
        return tar_number(h->sum, sizeof h->sum, &want) == 0 && (want == sum || want == signed_sum);
}

static char *copy(struct arena *a, const char *text, size_t max, const char *prefix, size_t prefix_max)
{
        size_t n = strnlen(text, max), k = prefix ? strnlen(prefix, prefix_max) : 0;
        char *s = arena_alloc(a, 1, k + n + 2);

        if (!s)
                return NULL;
        if (k) {
                memcpy(s, prefix, k);
                s[k++] = '/';
        }
        memcpy(s + k, text, n);
        return s;
}

static int take_names(const struct tar_header *h, struct tar_draft *d)
{
        bool posix = memcmp(h->magic, "ustar", 6) == 0;

        if (!d->has_path)
                d->e.path = copy(d->arena, h->name, sizeof h->name, posix ? h->prefix : NULL, sizeof h->prefix);
        if (!d->has_link)
                d->e.link = copy(d->arena, h->link, sizeof h->link, NULL, 0);
        return d->e.path && d->e.link ? 0 : -ENOMEM;
}

static int take_type(char type, struct tar_draft *d)
{
        size_t n = strlen(d->e.path);

        switch (type) {
        case '\0': /* before POSIX a directory was a name with a slash */
                d->e.type = n && d->e.path[n - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
                return 0;
        case '0':
        case '7':
        case 'S':
                d->e.type = TAR_FILE;
                return 0;
        case '1':
                d->e.type = TAR_HARD_LINK;
                return 0;
        case '2':
                d->e.type = TAR_SYMLINK;
                return 0;
        case '3':
                d->e.type = TAR_CHARACTER;
                return 0;
        case '4':
                d->e.type = TAR_BLOCK_DEVICE;
                return 0;
        case '5':
                d->e.type = TAR_DIRECTORY;
                return 0;
        case '6':
                d->e.type = TAR_FIFO;
                return 0;
        default:
                return -EOPNOTSUPP;
        }
}

struct number {
        const char *name, *field;
        size_t len;
        int64_t max;
        int64_t *ret;
        bool wanted;
};

static int take_numbers(const struct tar_header *h, struct tar_draft *d, struct error *err)
{
        int64_t mode = 0, uid = 0, gid = 0, size = 0, mtime = 0, major = 0, minor = 0;
        bool device = d->e.type == TAR_CHARACTER || d->e.type == TAR_BLOCK_DEVICE;
        const struct number numbers[] = {
                { "mode", h->mode, sizeof h->mode, INT64_MAX, &mode, true },
                { "uid", h->uid, sizeof h->uid, UINT32_MAX - 1, &uid, !d->has_uid },
                { "gid", h->gid, sizeof h->gid, UINT32_MAX - 1, &gid, !d->has_gid },
                { "size", h->size, sizeof h->size, INT64_MAX, &size, !d->has_size },
                { "mtime", h->mtime, sizeof h->mtime, INT64_MAX, &mtime, !d->has_mtime },
                { "device", h->major, sizeof h->major, 0xfff, &major, device },
                { "device", h->minor, sizeof h->minor, 0xfffff, &minor, device },
        };

        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
                const struct number *n = &numbers[i];
                int r = n->wanted ? tar_number(n->field, n->len, n->ret) : 0;

                if (r < 0 || *n->ret > n->max || (*n->ret < 0 && n->ret != &mtime))
                        return error_set(err, EBADMSG, "%s: its %s is no number that can be", d->e.path, n->name);
        }
        d->e.mode = (uint32_t)mode & 07777;
        if (!d->has_uid)
                d->e.uid = (uint32_t)uid;
        if (!d->has_gid)
                d->e.gid = (uint32_t)gid;
        if (!d->has_size)
                d->e.size = (uint64_t)size;
        if (!d->has_mtime)
                d->e.mtime = mtime;
        d->e.major = (uint32_t)major;
        d->e.minor = (uint32_t)minor;
        return 0;
}

int tar_header_take(const struct tar_header *h, struct tar_draft *d, struct error *err)
{
        int r = take_names(h, d);

        if (r < 0)
                return error_set(err, ENOMEM, "out of memory");
        r = take_type(h->type, d);
        if (r < 0)
                return error_set(err, EOPNOTSUPP, "%s: entries of type '%c' are not supported", d->e.path,
                                 h->type >= ' ' && h->type <= '~' ? h->type : '?');
        r = take_numbers(h, d, err);
        /* Only files have data, whatever the header says. */
        if (r == 0 && d->e.type != TAR_FILE)
                d->e.size = 0;
        return r;
}
