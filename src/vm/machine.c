/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/machine.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"

void machine_args_finish(struct machine_args *a)
{
        arena_finish(&a->arena);
        *a = (struct machine_args){};
}

#define MACHINE_QEMU "qemu-system-x86_64"

/* ---- words ---- */

/* One that does not fit is found at the end: the count goes on. */
static void add(struct machine_args *a, const char *word)
{
        const char *copy = arena_strdup(&a->arena, word);

        if (a->n < MACHINE_MAX_ARGS)
                a->v[a->n] = copy;
        a->n += copy ? 1 : MACHINE_MAX_ARGS + 1;
}

__attribute__((format(printf, 3, 4))) static void option(struct machine_args *a, const char *name, const char *format,
                                                         ...)
{
        own_mem char *value = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&value, format, ap);
        va_end(ap);
        if (r < 0) {
                value = NULL;
                a->n = MACHINE_MAX_ARGS + 1;
                return;
        }
        add(a, name);
        add(a, value);
}

/* In QEMU's lists of options a comma of a value is doubled. */
static const char *escaped(struct machine_args *a, const char *path)
{
        own_buf struct buf b = {};
        const char *copy;

        for (; *path; path++) {
                buf_add(&b, path, 1);
                if (*path == ',')
                        buf_add(&b, path, 1);
        }
        copy = buf_failed(&b) ? NULL : arena_strdup(&a->arena, buf_str(&b));
        if (!copy)
                a->n = MACHINE_MAX_ARGS + 1;
        return copy ? copy : "";
}

/* ---- parts ---- */

/*
 * The kernel tests each of its ciphers when it first meets it, and nobody looks at what IMA measures or at who signed
 * the modules that we give it: a fifth of a boot under TCG.
 *
 * tsc_early_khz and lpj: under TCG the kernel's own calibration hangs on a loaded host. Addresses of the kernel are not
 * random there, as every clone of a template shares them anyway; nor are those of programs (norandmaps): QEMU finds what
 * it has translated by its address, and translated the dynamic linker and the C library again for each process.
 *
 * lsm: a guest has no policy of AppArmor's or TOMOYO's, and asking them costs each exec and open some hundred blocks of
 * code. sysctl.net.core.bpf_jit_enable: to translate a filter of system calls, which QEMU then translates again, takes
 * longer than all its calls: what it always allows, the kernel does not ask it. The sysctls of IPv4: low ports and ping
 * are for all users, as in a container (instance/linux_spec.c).
 */
static void add_kernel(struct machine_args *a, const struct machine *m)
{
        own_buf struct buf line = {};

        if (!m->kernel)
                return;
        buf_add_str(&line, "console=ttyS0 quiet panic=-1 reboot=t audit=0 rcupdate.rcu_expedited=1 cryptomgr.notests "
                           "initcall_blacklist=init_ima,load_system_certificate_list,crypto_kdf108_init "
                           "sysctl.net.ipv4.ip_unprivileged_port_start=0 "
                           "sysctl.net.ipv4.ping_group_range=\"0 2147483647\"");
        if (m->accelerator == ACCELERATOR_TCG) {
                buf_add_str(&line, " nokaslr norandmaps mitigations=off init_on_alloc=0 transparent_hugepage=never "
                                   "lsm=lockdown,yama,landlock sysctl.net.core.bpf_jit_enable=0");
                if (m->tsc_khz)
                        buf_addf(&line, " tsc_early_khz=%u tsc=reliable no_timer_check lpj=%llu", m->tsc_khz,
                                 4ULL * m->tsc_khz);
        }
        if (m->append)
                buf_addf(&line, " %s", m->append);
        if (buf_failed(&line))
                a->n = MACHINE_MAX_ARGS + 1;
        option(a, "-kernel", "%s", m->kernel);
        option(a, "-initrd", "%s", m->initramfs);
        option(a, "-append", "%s", buf_str(&line));
}

static void add_processor(struct machine_args *a, const struct machine *m)
{
        option(a, "-M", "microvm,acpi=on,pit=off,pic=off,rtc=on,isa-serial=on%s",
               m->memory_file ? ",memory-backend=memory" : "");
        if (m->accelerator == ACCELERATOR_KVM) {
                option(a, "-accel", "kvm");
                option(a, "-cpu", "host");
        } else {
                option(a, "-accel", "tcg,thread=multi,tb-size=256");
                /* Without erms and fsrm nobody copies or clears by single bytes, each of which is a turn of a loop here. */
                option(a, "-cpu", "max,la57=off,smap=off,smep=off,pku=off,erms=off,fsrm=off");
        }
        option(a, "-smp", "%u", m->cpus);
        option(a, "-m", "%u", m->memory_mib);
        if (m->memory_file)
                option(a, "-object", "memory-backend-file,id=memory,mem-path=%s,size=%uM,share=%s",
                       escaped(a, m->memory_file), m->memory_mib, m->memory_shared ? "on" : "off");
}

static void add_channels(struct machine_args *a, const struct machine *m)
{
        option(a, "-chardev", "socket,id=qmp,fd=%d", m->qmp);
        option(a, "-mon", "chardev=qmp,mode=control");
        option(a, "-device", "virtio-serial-device,max_ports=3");
        option(a, "-chardev", "socket,id=agent,fd=%d", m->agent);
        option(a, "-device", "virtserialport,nr=1,chardev=agent,name=holt.agent");
        if (m->share >= 0)
                option(a, "-chardev", "socket,id=share,fd=%d", m->share);
        else
                option(a, "-chardev", "null,id=share");
        option(a, "-device", "virtserialport,nr=2,chardev=share,name=holt.share");
        if (m->console >= 0)
                option(a, "-chardev", "socket,id=console,fd=%d", m->console);
        option(a, "-serial", m->console >= 0 ? "chardev:console" : "null");
}

static void add_files(struct machine_args *a, const struct machine *m)
{
        for (size_t i = 0; i < m->n_files; i++)
                option(a, "-add-fd", "fd=%d,set=%zu", m->files[i], i + 1);
}

/* A guest does not read a disk's size again after it was loaded: the placeholder has room for any image. */
static void add_disks(struct machine_args *a, const struct machine *m)
{
        if (m->layers)
                option(a, "-blockdev",
                       "driver=vmdk,node-name=" MACHINE_IMAGE_NODE ",read-only=on,file.driver=file,file.filename=%s,"
                       "file.read-only=on",
                       escaped(a, m->layers));
        else
                option(a, "-blockdev",
                       "driver=null-co,node-name=" MACHINE_IMAGE_NODE
                       ",size=1099511627776,read-only=on,read-zeroes=on");
        option(a, "-device", "virtio-blk-device,id=%s,drive=" MACHINE_IMAGE_NODE, MACHINE_LAYERS);
        if (m->disk)
                option(a, "-blockdev",
                       "driver=raw,node-name=" MACHINE_DISK_NODE ",discard=unmap,cache.no-flush=%s,file.driver=file,"
                       "file.filename=%s,file.discard=unmap",
                       m->disk_is_lost ? "on" : "off", escaped(a, m->disk));
        else
                option(a, "-blockdev",
                       "driver=null-co,node-name=" MACHINE_DISK_NODE ",size=1099511627776,read-zeroes=on");
        option(a, "-device", "virtio-blk-device,id=%s,drive=" MACHINE_DISK_NODE, MACHINE_DISK);
}

/* None for random numbers: what a guest has fetched of them in advance, all its clones would have. The agent brings them. */
static void add_devices(struct machine_args *a, const struct machine *m)
{
        option(a, "-device", "virtio-balloon-device,id=balloon,deflate-on-oom=on,free-page-reporting=on");
        if (m->tap >= 0)
                option(a, "-netdev", "tap,id=net,fd=%d", m->tap);
        else
                option(a, "-netdev", "hubport,id=net,hubid=0");
        option(a, "-device", "virtio-net-device,id=net0,netdev=net,guest_announce=off");
}

int machine_args(const struct machine *m, struct machine_args *ret, struct error *err)
{
        *ret = (struct machine_args){};
        if (m->n_files > MACHINE_MAX_FILES)
                return error_set(err, E2BIG, "a machine of %zu layers: at most %d", m->n_files, MACHINE_MAX_FILES);
        add(ret, MACHINE_QEMU);
        add(ret, "-nodefaults");
        add(ret, "-no-user-config");
        add(ret, "-no-reboot");
        option(ret, "-display", "none");
        option(ret, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        option(ret, "-global", "virtio-mmio.force-legacy=false");
        add_processor(ret, m);
        add_kernel(ret, m);
        add_channels(ret, m);
        add_files(ret, m);
        add_disks(ret, m);
        add_devices(ret, m);
        if (!m->kernel)
                option(ret, "-incoming", "defer");
        if (ret->n <= MACHINE_MAX_ARGS)
                return 0;
        machine_args_finish(ret);
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- what the host has ---- */

int machine_find_qemu(char *ret, struct error *err)
{
        const char *path = getenv("PATH");

        for (size_t n; path && *path; path += n + (path[n] == ':')) {
                char file[PATH_MAX];

                n = strcspn(path, ":");
                if (snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, MACHINE_QEMU) >= (int)sizeof(file) ||
                    access(file, X_OK) < 0)
                        continue;
                if (ret)
                        memcpy(ret, file, strlen(file) + 1);
                return 0;
        }
        return error_set(err, ENOENT, "%s is missing, which runs virtual machines: install qemu-system-x86",
                         MACHINE_QEMU);
}
