/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "base/own.h"
#include "container/seccomp.h"
#include "container/seccomp_compile.h"
#include "container/seccomp_file.h"

static_assert((int)SECCOMP_NAME_MAX >= (int)SECCOMP_CACHE_NAME, "the caller has room for a name");

int seccomp_export(const struct spec_seccomp *profile, int cache_dirfd, char *ret_name, struct buf *ret_content,
                   struct error *err)
{
        own_buf struct buf key = {};
        struct seccomp_program p;
        struct seccomp_file f;
        int r;

        seccomp_key_add(profile, &key);
        if (buf_failed(&key))
                return error_set(err, ENOMEM, "out of memory");
        r = seccomp_prepare(profile, cache_dirfd, &p, err);
        if (r < 0)
                return r;
        f = (struct seccomp_file){
                .key = key.data, .key_len = key.len, .program = p.bpf.filter, .n_instructions = p.bpf.len
        };
        seccomp_cache_name(&key, ret_name);
        seccomp_file_format(&f, ret_content);
        seccomp_finish(&p);
        return buf_failed(ret_content) ? error_set(err, ENOMEM, "out of memory") : 0;
}
