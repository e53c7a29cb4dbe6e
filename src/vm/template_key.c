/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/own.h"
#include "vm/template.h"

enum { FORMAT = 1 };

/* Which version it is, without starting it. */
static int add_qemu(struct buf *out, struct error *err)
{
        char path[PATH_MAX];
        struct stat st;
        int r = machine_find_qemu(path, err);

        if (r < 0)
                return r;
        if (stat(path, &st) < 0)
                return error_errno(err, errno, "%s", path);
        buf_addf(out, "%s %jd %jd.%09ld\n", path, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                 st.st_mtim.tv_nsec);
        return 0;
}

/* Model and abilities; not the number of the processor on which we just run. */
static void add_processor(struct buf *out)
{
#if defined(__x86_64__)
        unsigned a = 0, b = 0, c = 0, d = 0;

        __get_cpuid(0, &a, &b, &c, &d);
        buf_addf(out, "%x %x %x", b, c, d);
        __get_cpuid(1, &a, &b, &c, &d);
        buf_addf(out, " %x %x %x", a, c, d);
        __get_cpuid_count(7, 0, &a, &b, &c, &d);
        buf_addf(out, " %x %x %x\n", b, c, d);
#endif
}

/* As it boots; what has another number each time is left away. */
static int add_machine(struct buf *out, const struct machine *m, struct error *err)
{
        own_machine_args struct machine_args args = {};
        struct machine plain = *m;
        int r;

        plain.kernel = "kernel";
        plain.initramfs = "initramfs";
        plain.memory_file = "memory";
        plain.memory_shared = 1;
        plain.layers = plain.disk = NULL;
        plain.n_files = 0;
        plain.tsc_khz = 0;
        plain.qmp = plain.agent = plain.console = plain.share = 0;
        plain.tap = m->tap >= 0 ? 0 : -1;
        r = machine_args(&plain, &args, err);
        for (size_t i = 0; r == 0 && i < args.n; i++)
                buf_addf(out, "%s\n", args.v[i]);
        return r;
}

static int digest_text(const struct buf *text, char ret[SHA256_HEX], struct error *err)
{
        unsigned char digest[SHA256_SIZE];
        struct sha256 h;

        if (buf_failed(text))
                return error_set(err, ENOMEM, "out of memory");
        sha256_init(&h);
        sha256_add(&h, text->data, text->len);
        sha256_end(&h, digest);
        sha256_hex(digest, ret);
        return 0;
}

int template_origin(const char *boot, char ret[SHA256_HEX], struct error *err)
{
        own_buf struct buf text = {};
        int r;

        buf_addf(&text, "%s\n", boot);
        r = add_qemu(&text, err);
        return r == 0 ? digest_text(&text, ret, err) : r;
}

int template_key(const struct machine *m, const char *boot, char ret[SHA256_HEX], struct error *err)
{
        own_buf struct buf text = {};
        int r;

        buf_addf(&text, "%d\n%s\n", FORMAT, boot);
        add_processor(&text);
        r = add_qemu(&text, err);
        if (r == 0)
                r = add_machine(&text, m, err);
        return r == 0 ? digest_text(&text, ret, err) : r;
}
