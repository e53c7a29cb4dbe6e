/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_record.h"

enum { MAX_TRIES = 8, SHORT_ID = 12 };

/* What people like to say aloud: how it is, and which bird it is. */
static const char *const manners[] = {
        "able",  "agile", "amber", "bold",  "brave", "bright", "brisk",  "calm",  "clear",  "clever", "cosy",
        "crisp", "eager", "early", "fair",  "fine",  "fleet",  "fond",   "free",  "fresh",  "gentle", "glad",
        "grand", "happy", "hardy", "jolly", "keen",  "kind",   "late",   "light", "lively", "lucky",  "merry",
        "mild",  "neat",  "noble", "plain", "proud", "quick",  "quiet",  "ready", "sharp",  "shy",    "silent",
        "sleek", "sly",   "smart", "snug",  "sober", "spry",   "steady", "sunny", "swift",  "tidy",   "tough",
        "vivid", "warm",  "wild",  "wise",  "witty", "young",  "zany",   "brave", "dapper",
};
static const char *const birds[] = {
        "avocet", "bittern", "bluetit", "bunting", "buzzard", "condor", "coot",     "crane",  "crow",    "curlew",
        "dipper", "dove",    "duck",    "dunlin",  "eagle",   "egret",  "eider",    "falcon", "finch",   "gannet",
        "godwit", "goose",   "grebe",   "grouse",  "gull",    "hawk",   "heron",    "hoopoe", "ibis",    "jackdaw",
        "jay",    "kestrel", "kite",    "knot",    "lapwing", "lark",   "linnet",   "magpie", "mallard", "martin",
        "merlin", "oriole",  "osprey",  "owl",     "pelican", "petrel", "pipit",    "plover", "puffin",  "quail",
        "raven",  "robin",   "rook",    "ruff",    "shrike",  "siskin", "starling", "stork",  "swallow", "swan",
        "swift",  "teal",    "tern",    "wren",
};

bool instance_is_id(const char *text)
{
        return strlen(text) == INSTANCE_ID_LEN && strspn(text, "0123456789abcdef") == INSTANCE_ID_LEN;
}

int instance_make_id(char ret[INSTANCE_ID_LEN + 1], struct error *err)
{
        unsigned char bytes[INSTANCE_ID_LEN / 2];

        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                return error_errno(err, errno, "get random bytes");
        for (size_t i = 0; i < sizeof bytes; i++)
                snprintf(ret + i * 2, 3, "%02x", bytes[i]);
        return 0;
}

/* Where the link leads; false when it is none of ours. */
static bool read_link(int dir, const char *name, char ret[INSTANCE_ID_LEN + 1])
{
        char to[INSTANCE_ID_LEN + 2];
        ssize_t n = readlinkat(dir, name, to, sizeof to);

        if (n != INSTANCE_ID_LEN)
                return false;
        to[n] = '\0';
        memcpy(ret, to, INSTANCE_ID_LEN + 1);
        return instance_is_id(ret);
}

/* Of one that was removed or renamed by halves. Who is about to be renamed has locked his directory. */
static bool is_stale(int dir, const char *name)
{
        char id[INSTANCE_ID_LEN + 1];
        own_fd int fd = -1;

        if (!read_link(dir, name, id))
                return false;
        fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT;
        return flock(fd, LOCK_EX | LOCK_NB) == 0 && instance_has_other_name(fd, name);
}

/* Only one at a time looks: what he finds may be taken by now. */
static int take_over(int dir, const char *name, const char *id)
{
        int r = -EEXIST;

        if (flock(dir, LOCK_EX) < 0)
                return -errno;
        if (is_stale(dir, name)) {
                unlinkat(dir, name, 0);
                r = symlinkat(id, dir, name) < 0 ? -errno : 0;
        }
        flock(dir, LOCK_UN);
        return r;
}

static int take(int dir, const char *name, const char *id)
{
        char has[INSTANCE_ID_LEN + 1];

        if (symlinkat(id, dir, name) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        /* From a rename of its own that did not come to an end. */
        return read_link(dir, name, has) && strcmp(has, id) == 0 ? 0 : take_over(dir, name, id);
}

int instance_name_take(int dir, const char *name, const char *id, struct error *err)
{
        char has[INSTANCE_ID_LEN + 1] = "";
        int r = instance_name_check(name, err);

        if (r < 0)
                return r;
        r = take(dir, name, id);
        if (r == -EEXIST) {
                read_link(dir, name, has);
                return error_set(err, EEXIST,
                                 "the name \"%s\" is in use by instance %.*s; remove or rename that one, or take "
                                 "another name",
                                 name, SHORT_ID, has);
        }
        return r < 0 ? error_errno(err, -r, "take the name %s", name) : 0;
}

int instance_name_invent(int dir, const char *id, char **ret, struct error *err)
{
        char name[40];
        unsigned char bytes[3];
        int r = -EEXIST;

        for (int i = 0; r == -EEXIST && i < MAX_TRIES; i++) {
                if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                        return error_errno(err, errno, "get random bytes");
                snprintf(name, sizeof name, "%s_%s", manners[bytes[0] % ARRAY_SIZE(manners)],
                         birds[bytes[1] % ARRAY_SIZE(birds)]);
                if (i > 0)
                        snprintf(name + strlen(name), sizeof name - strlen(name), "%u", bytes[2]);
                r = take(dir, name, id);
        }
        if (r < 0)
                return error_errno(err, -r, "find a name");
        *ret = strdup(name);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

void instance_name_drop(int dir, const char *name, const char *id)
{
        char has[INSTANCE_ID_LEN + 1];

        if (read_link(dir, name, has) && strcmp(has, id) == 0)
                unlinkat(dir, name, 0);
}

/* A directory of our own to read from the start. */
static DIR *open_again(int dir)
{
        own_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (d)
                take_fd(&fd);
        return d;
}

void instance_name_drop_all(int dir, const char *id)
{
        own_dir DIR *d = open_again(dir);
        struct dirent *e;

        while (d && (e = readdir(d))) {
                if (e->d_type == DT_LNK)
                        instance_name_drop(dir, e->d_name, id);
        }
}

char *instance_name_find(int dir, const char *id)
{
        own_dir DIR *d = open_again(dir);
        char has[INSTANCE_ID_LEN + 1];
        struct dirent *e;

        while (d && (e = readdir(d))) {
                if (e->d_type == DT_LNK && read_link(dir, e->d_name, has) && strcmp(has, id) == 0)
                        return strdup(e->d_name);
        }
        return strdup(id);
}

static int unknown(const char *text, struct error *err)
{
        return error_set(err, ENOENT, "no such instance: %s (holt ps -a lists them)", text);
}

static int resolve_prefix(int dir, const char *text, char ret[INSTANCE_ID_LEN + 1], struct error *err)
{
        own_dir DIR *d = open_again(dir);
        size_t n = strlen(text), found = 0;
        struct dirent *e;

        if (!d)
                return error_errno(err, errno, "read the instances");
        while ((e = readdir(d))) {
                if (strncmp(e->d_name, text, n) != 0 || !instance_is_id(e->d_name))
                        continue;
                memcpy(ret, e->d_name, INSTANCE_ID_LEN + 1);
                found++;
        }
        if (found > 1)
                return error_set(err, EEXIST, "several instances begin with %s: type more of it", text);
        return found ? 0 : unknown(text, err);
}

int instance_name_resolve(int dir, const char *text, char ret[INSTANCE_ID_LEN + 1], struct error *err)
{
        size_t n = strlen(text);

        if (instance_is_id(text)) {
                memcpy(ret, text, INSTANCE_ID_LEN + 1);
                return 0;
        }
        if (!*text || strchr(text, '/') || n > INSTANCE_ID_LEN)
                return unknown(text, err);
        if (read_link(dir, text, ret))
                return 0;
        return strspn(text, "0123456789abcdef") == n ? resolve_prefix(dir, text, ret, err) : unknown(text, err);
}
