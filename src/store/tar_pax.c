/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a pax header (POSIX.1-2017, pax, "pax Extended Header"), star's for xattrs, GNU's for sparse files. */
#include <errno.h>
#include <string.h>

#include "base/grow.h"
#include "base/parse.h"
#include "store/tar_header.h"

#define XATTR_PREFIX "SCHILY.xattr."

static int invalid(const char *key, struct error *err)
{
        return error_set(err, EBADMSG, "a pax header's %.64s makes no sense", key);
}

static int take_u64(const char *key, const char *value, uint64_t max, uint64_t *ret, struct error *err)
{
        uint64_t v = 0;

        if (parse_u64(value, 10, &v) < 0 || v > max)
                return invalid(key, err);
        *ret = v;
        return 0;
}

static int take_id(const char *key, const char *value, uint32_t *ret, bool *ret_has, struct error *err)
{
        uint64_t v = 0;
        int r = take_u64(key, value, UINT32_MAX - 1, &v, err);

        if (r < 0)
                return r;
        *ret = (uint32_t)v;
        *ret_has = true;
        return 0;
}

/* "-1.25" is 750 million nanoseconds after -2. */
static int take_time(const char *value, struct tar_draft *d, struct error *err)
{
        char whole[24] = "";
        const char *dot = strchrnul(value, '.');
        uint32_t nsec = 0, unit = 100000000;
        bool rest = false;
        int64_t sec;

        if ((size_t)(dot - value) >= sizeof whole)
                return invalid("mtime", err);
        memcpy(whole, value, (size_t)(dot - value));
        if (parse_i64(whole, &sec) < 0)
                return invalid("mtime", err);
        for (const char *p = *dot ? dot + 1 : dot; *p; p++, unit /= 10) {
                if (*p < '0' || *p > '9')
                        return invalid("mtime", err);
                nsec += (uint32_t)(*p - '0') * unit;
                rest |= !unit && *p != '0';
        }
        if (*value == '-' && (nsec || rest)) {
                /* Towards the past: a rest that is no whole nanosecond too. */
                nsec += rest;
                if (sec == INT64_MIN)
                        return invalid("mtime", err);
                sec--;
                nsec = 1000000000 - nsec;
        }
        d->e.mtime = sec;
        d->e.mtime_nsec = nsec;
        d->has_mtime = true;
        return 0;
}

static int add_xattr(const char *name, const char *value, size_t len, struct tar_draft *d, struct error *err)
{
        if (!*name || strlen(name) > 255 || len >= TAR_MAX_XATTR_VALUE)
                return invalid(XATTR_PREFIX, err);
        /* The last of a name counts. */
        for (size_t i = 0; i < d->n_xattrs; i++) {
                if (strcmp(d->xattrs[i].name, name) == 0) {
                        d->xattrs[i] = (struct tar_xattr){ name, value, len };
                        return 0;
                }
        }
        if (d->n_xattrs == TAR_MAX_XATTRS)
                return error_set(err, E2BIG, "a pax header has more than %d extended attributes", TAR_MAX_XATTRS);
        if (d->n_xattrs == d->xattrs_cap) {
                size_t cap = d->xattrs_cap ? d->xattrs_cap * 2 : 8;
                struct tar_xattr *grown = arena_alloc(d->arena, cap, sizeof *grown);

                if (!grown)
                        return error_set(err, ENOMEM, "out of memory");
                if (d->n_xattrs)
                        memcpy(grown, d->xattrs, d->n_xattrs * sizeof *grown);
                d->xattrs = grown;
                d->xattrs_cap = cap;
        }
        d->xattrs[d->n_xattrs++] = (struct tar_xattr){ name, value, len };
        return 0;
}

int tar_draft_add_extent(struct tar_draft *d, uint64_t offset, uint64_t len)
{
        if (d->n_extents == TAR_MAX_EXTENTS)
                return -EFBIG;
        if (array_grow(&d->extents, &d->extents_cap, d->n_extents + 1, sizeof *d->extents) < 0)
                return -ENOMEM;
        d->extents[d->n_extents++] = (struct tar_extent){ offset, len };
        return 0;
}

/* pax 0.1: "OFFSET,LENGTH,OFFSET,LENGTH" */
static int take_map(char *value, struct tar_draft *d, struct error *err)
{
        char *rest = value;

        while (rest && *rest) {
                const char *offset = strsep(&rest, ","), *len = strsep(&rest, ",");
                uint64_t o, n;
                int r;

                if (!len || parse_u64(offset, 10, &o) < 0 || parse_u64(len, 10, &n) < 0)
                        return invalid("GNU.sparse.map", err);
                r = tar_draft_add_extent(d, o, n);
                if (r < 0)
                        return error_errno(err, -r, "GNU.sparse.map");
        }
        return 0;
}

/* pax 0.0: pairs of records. */
static int take_pair(const char *key, const char *value, struct tar_draft *d, struct error *err)
{
        uint64_t v = 0;
        int r = take_u64(key, value, INT64_MAX, &v, err);

        if (r < 0)
                return r;
        if (strcmp(key, "GNU.sparse.offset") == 0) {
                r = tar_draft_add_extent(d, v, UINT64_MAX);
                return r < 0 ? error_errno(err, -r, "%s", key) : 0;
        }
        if (!d->n_extents || d->extents[d->n_extents - 1].len != UINT64_MAX)
                return invalid(key, err);
        d->extents[d->n_extents - 1].len = v;
        return 0;
}

static int take_version(const char *key, const char *value, int *ret, struct error *err)
{
        uint64_t v = 0;
        int r = take_u64(key, value, 1, &v, err);

        if (r == 0)
                *ret = (int)v;
        return r;
}

static int take_sparse(const char *key, char *value, struct tar_draft *d, struct error *err)
{
        const char *name = key + strlen("GNU.sparse.");

        if (strcmp(name, "map") == 0)
                return take_map(value, d, err);
        if (strcmp(name, "offset") == 0 || strcmp(name, "numbytes") == 0)
                return take_pair(key, value, d, err);
        if (strcmp(name, "major") == 0)
                return take_version(key, value, &d->sparse_major, err);
        if (strcmp(name, "minor") == 0)
                return take_version(key, value, &d->sparse_minor, err);
        if (strcmp(name, "name") == 0) {
                d->sparse_name = value;
                return 0;
        }
        if (strcmp(name, "realsize") != 0 && strcmp(name, "size") != 0)
                return 0;
        d->has_real_size = true;
        return take_u64(key, value, INT64_MAX, &d->real_size, err);
}

static int take_text(const char *value, size_t len, const char **ret, bool *ret_has, struct error *err)
{
        if (len >= TAR_MAX_PATH)
                return error_set(err, ENAMETOOLONG, "a pax header's name has %zu bytes", len);
        *ret = value;
        *ret_has = true;
        return 0;
}

static int take_record(const char *key, char *value, size_t len, struct tar_draft *d, struct error *err)
{
        if (strncmp(key, XATTR_PREFIX, strlen(XATTR_PREFIX)) == 0)
                return add_xattr(key + strlen(XATTR_PREFIX), value, len, d, err);
        if (strlen(value) != len)
                return error_set(err, EBADMSG, "a pax header's %.64s has a NUL in it", key);
        if (strncmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0)
                return take_sparse(key, value, d, err);
        /* An empty value takes back what a global header said: the header block's own counts. */
        if (strcmp(key, "path") == 0)
                return len ? take_text(value, len, &d->e.path, &d->has_path, err) : (d->has_path = false);
        if (strcmp(key, "linkpath") == 0)
                return len ? take_text(value, len, &d->e.link, &d->has_link, err) : (d->has_link = false);
        if (strcmp(key, "uid") == 0)
                return len ? take_id(key, value, &d->e.uid, &d->has_uid, err) : (d->has_uid = false);
        if (strcmp(key, "gid") == 0)
                return len ? take_id(key, value, &d->e.gid, &d->has_gid, err) : (d->has_gid = false);
        if (strcmp(key, "mtime") == 0)
                return len ? take_time(value, d, err) : (d->has_mtime = false);
        if (strcmp(key, "size") != 0)
                return 0;
        d->has_size = len > 0;
        return len ? take_u64(key, value, INT64_MAX, &d->e.size, err) : 0;
}

int tar_pax_take(char *text, size_t len, struct tar_draft *d, struct error *err)
{
        char *end = text + len;

        while (text < end) {
                char *space = memchr(text, ' ', (size_t)(end - text)), *equals, *next;
                uint64_t n;
                int r;

                if (!space)
                        return error_set(err, EBADMSG, "a pax header is cut off");
                *space = '\0';
                if (parse_u64(text, 10, &n) < 0 || n > (uint64_t)(end - text) || n < (uint64_t)(space - text) + 3)
                        return error_set(err, EBADMSG, "a pax header's record has a wrong length");
                next = text + n;
                equals = memchr(space + 1, '=', (size_t)(next - space - 1));
                if (next[-1] != '\n' || !equals)
                        return error_set(err, EBADMSG, "a pax header's record is malformed");
                *equals = next[-1] = '\0';
                if (strlen(space + 1) != (size_t)(equals - space - 1))
                        return error_set(err, EBADMSG, "a pax header's key has a NUL in it");
                r = take_record(space + 1, equals + 1, (size_t)(next - 1 - equals - 1), d, err);
                if (r < 0)
                        return r;
                text = next;
        }
        return 0;
}
