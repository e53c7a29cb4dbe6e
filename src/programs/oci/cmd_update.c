/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"
#include "programs/oci/invocation.h"
#include "sys/fd.h"

enum { MAX_RESOURCES_SIZE = 1 << 20 };

/* An option's number into a field of the specification. 0 or negative. */
static int read_u64(const struct args *a, enum oci_option_id id, struct opt_u64 *ret, struct error *err)
{
        int r = args_u64(a, id, &ret->v, err);

        ret->set = r > 0;
        return r < 0 ? r : 0;
}

static int read_i64(const struct args *a, enum oci_option_id id, struct opt_i64 *ret, struct error *err)
{
        int r = args_i64(a, id, &ret->v, err);

        ret->set = r > 0;
        return r < 0 ? r : 0;
}

static int read_size(const struct args *a, enum oci_option_id id, struct opt_i64 *ret, struct error *err)
{
        int r = args_size(a, id, &ret->v, err);

        ret->set = r > 0;
        return r < 0 ? r : 0;
}

static int read_cpu(const struct args *a, struct spec_cpu *cpu, struct error *err)
{
        int r;

        cpu->cpus = args_str(a, OPTION_CPUSET_CPUS);
        cpu->mems = args_str(a, OPTION_CPUSET_MEMS);
        if ((r = read_u64(a, OPTION_CPU_PERIOD, &cpu->period, err)) < 0 ||
            (r = read_u64(a, OPTION_CPU_BURST, &cpu->burst, err)) < 0 ||
            (r = read_u64(a, OPTION_CPU_SHARE, &cpu->shares, err)) < 0 ||
            (r = read_u64(a, OPTION_CPU_RT_PERIOD, &cpu->realtime_period, err)) < 0 ||
            (r = read_i64(a, OPTION_CPU_QUOTA, &cpu->quota, err)) < 0 ||
            (r = read_i64(a, OPTION_CPU_RT_RUNTIME, &cpu->realtime_runtime, err)) < 0)
                return r;
        return read_i64(a, OPTION_CPU_IDLE, &cpu->idle, err);
}

static int read_memory(const struct args *a, struct spec_memory *memory, struct error *err)
{
        struct opt_i64 ignored; /* kernel memory: checked, and then dropped as Linux did */
        int r;

        if ((r = read_size(a, OPTION_MEMORY, &memory->limit, err)) < 0 ||
            (r = read_size(a, OPTION_MEMORY_RESERVATION, &memory->reservation, err)) < 0 ||
            (r = read_size(a, OPTION_MEMORY_SWAP, &memory->swap, err)) < 0 ||
            (r = read_size(a, OPTION_KERNEL_MEMORY, &ignored, err)) < 0)
                return r;
        return read_size(a, OPTION_KERNEL_MEMORY_TCP, &ignored, err);
}

static int read_options(const struct args *a, struct spec_resources *res, struct error *err)
{
        int r;

        if (args_str(a, OPTION_L3_CACHE_SCHEMA) || args_str(a, OPTION_MEM_BW_SCHEMA))
                return error_set(err, ENOTSUP, "Intel RDT is not supported");
        if ((r = read_cpu(a, &res->cpu, err)) < 0 || (r = read_memory(a, &res->memory, err)) < 0 ||
            (r = read_u64(a, OPTION_BLKIO_WEIGHT, &res->blkio.weight, err)) < 0)
                return r;
        if (res->blkio.weight.set && res->blkio.weight.v > UINT16_MAX)
                return error_set(err, EINVAL, "option --blkio-weight: the value is too large");
        return read_i64(a, OPTION_PIDS_LIMIT, &res->pids_limit, err);
}

static int read_file(const char *path, struct spec *ret, struct error *err)
{
        own_fd int file = -1;
        own_buf struct buf text = {};
        int r;

        if (strcmp(path, "-") != 0) {
                file = open(path, O_RDONLY | O_CLOEXEC);
                if (file < 0)
                        return error_errno(err, errno, "open %s", path);
        }
        r = fd_read_all(file >= 0 ? file : STDIN_FILENO, MAX_RESOURCES_SIZE, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        r = spec_parse_resources(buf_str(&text), text.len, ret, err);
        return r < 0 ? error_wrap(err, "%s", path) : 0;
}

int cmd_update(struct invocation *inv, struct error *err)
{
        const char *path = args_str(&inv->args, OPTION_RESOURCES);
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_spec struct spec spec = {};
        int r;

        if (path)
                r = read_file(path, &spec, err);
        else
                r = read_options(&inv->args, &spec.linux_.resources, err);
        if (r < 0)
                return r;
        r = invocation_container(inv, &c, err);
        return r < 0 ? r : container_update(&c, &spec.linux_.resources, err);
}
