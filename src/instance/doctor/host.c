/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/doctor/checks.h"
#include "sys/fd.h"

enum { MAX_MODULES = 4 << 20 };

static bool host_path(const struct doctor_host *h, const char *path, char ret[PATH_MAX])
{
        return snprintf(ret, PATH_MAX, "%s%s", h->top, path) < PATH_MAX;
}

ssize_t host_read(const struct doctor_host *h, const char *path, char *data, size_t size)
{
        char full[PATH_MAX];

        return host_path(h, path, full) ? fd_read_file_at(AT_FDCWD, full, data, size) : -ENAMETOOLONG;
}

int64_t host_number(const struct doctor_host *h, const char *path, int64_t otherwise)
{
        char text[32];
        int64_t n;

        return host_read(h, path, text, sizeof text) > 0 && parse_i64(text, &n) == 0 ? n : otherwise;
}

bool host_has(const struct doctor_host *h, const char *path)
{
        char full[PATH_MAX];

        return host_path(h, path, full) && access(full, F_OK) == 0;
}

bool host_has_program(const struct doctor_host *h, const char *name)
{
        static const char *const places[] = { "/usr/bin", "/usr/sbin",      "/bin",
                                              "/sbin",    "/usr/local/bin", "/usr/local/sbin" };
        char path[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                snprintf(path, sizeof path, "%s/%s", places[i], name);
                if (host_has(h, path))
                        return true;
        }
        return false;
}

/* "kernel/net/bridge/bridge.ko.xz: ..." */
static bool is_listed(const struct doctor_host *h, const char *release, const char *list, const char *name)
{
        char path[PATH_MAX], full[PATH_MAX], file[64];
        own_buf struct buf text = {};
        own_fd int fd = -1;

        snprintf(path, sizeof path, "/lib/modules/%s/%s", release, list);
        snprintf(file, sizeof file, "/%s.ko", name);
        if (!host_path(h, path, full))
                return false;
        fd = open(full, O_RDONLY | O_CLOEXEC);
        return fd >= 0 && fd_read_all(fd, MAX_MODULES, &text) == 0 && strstr(buf_str(&text), file);
}

bool host_has_module(const struct doctor_host *h, const char *name)
{
        char path[96], release[128];

        snprintf(path, sizeof path, "/sys/module/%s", name);
        if (host_has(h, path))
                return true;
        if (host_read(h, "/proc/sys/kernel/osrelease", release, sizeof release) <= 0)
                return false;
        return is_listed(h, release, "modules.builtin", name) || is_listed(h, release, "modules.dep", name);
}

bool host_has_word(const char *text, const char *word)
{
        size_t len = strlen(word);

        for (const char *at = text; (at = strstr(at, word)); at += len) {
                bool begins = at == text || strchr(" \t\n", at[-1]), ends = !at[len] || strchr(" \t\n", at[len]);

                if (begins && ends)
                        return true;
        }
        return false;
}

/* The values of ID and ID_LIKE, without quotation marks. */
static void read_distribution(const struct doctor_host *h, char *ret, size_t size)
{
        char text[4096], *rest = text, *line;
        size_t len = 0;

        *ret = '\0';
        if (host_read(h, "/etc/os-release", text, sizeof text) <= 0)
                return;
        while ((line = strsep(&rest, "\n"))) {
                char *value = strchr(line, '=');

                if (!value || (strncmp(line, "ID=", 3) != 0 && strncmp(line, "ID_LIKE=", 8) != 0))
                        continue;
                value += 1 + (value[1] == '"');
                value[strcspn(value, "\"")] = '\0';
                len += (size_t)snprintf(ret + len, size - len, " %s", value);
                if (len >= size)
                        return;
        }
}

void host_install(const struct doctor_host *h, const struct host_package *p, char *ret, size_t size)
{
        const struct {
                const char *word, *command, *package;
        } families[] = {
                { "debian", "apt install", p->debian },  { "ubuntu", "apt install", p->debian },
                { "fedora", "dnf install", p->fedora },  { "rhel", "dnf install", p->fedora },
                { "suse", "zypper install", p->fedora }, { "opensuse", "zypper install", p->fedora },
                { "arch", "pacman -S", p->arch },        { "alpine", "apk add", p->alpine },
        };
        char words[256];

        read_distribution(h, words, sizeof words);
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                if (host_has_word(words, families[i].word)) {
                        snprintf(ret, size, "%s %s", families[i].command, families[i].package);
                        return;
                }
        }
        snprintf(ret, size, "apt install %s", p->debian);
}
