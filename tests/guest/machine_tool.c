/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest by command line, for its tests:
 *
 *   machine_tool ROOT PROGRAM QMP AGENT CONSOLE [-l LAYERS] [-d DISK]   becomes QEMU
 *   machine_tool --layers LAYERS PATH...   writes LAYERS, and prints the numbers of sectors of these EROFS images
 *
 * ROOT/vm/kernels has the kernel. PROGRAM: the guest's first one. QMP, AGENT, CONSOLE: numbers of descriptors that the
 * caller has opened. LAYERS: a description of disks (vm/layer_disk.h). DISK: a raw one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "vm/guest_kernel.h"
#include "vm/initramfs.h"
#include "vm/layer_disk.h"
#include "vm/machine.h"
#include "vm/tsc.h"

enum { MEMORY = 256, MAX_LAYERS = 512 };

static int fail(const struct error *err)
{
        fprintf(stderr, "%s\n", err->text);
        return 1;
}

static int describe(const char *to, char **paths)
{
        struct layer_extent v[MAX_LAYERS];
        own_buf struct buf text = {};
        struct error err;
        size_t n = 0;
        FILE *f;

        for (; paths[n] && n < MAX_LAYERS; n++) {
                struct stat st;

                if (stat(paths[n], &st) < 0) {
                        perror(paths[n]);
                        return 1;
                }
                v[n] = (struct layer_extent){ paths[n], (uint64_t)st.st_size };
                printf("%s%llu", n ? ", " : "[", (unsigned long long)v[n].size / LAYER_DISK_SECTOR);
        }
        puts("]");
        if (layer_disk_describe(v, n, &text, &err) < 0)
                return fail(&err);
        f = fopen(to, "w");
        if (!f || fputs(buf_str(&text), f) < 0 || fclose(f) != 0) {
                perror(to);
                return 1;
        }
        return 0;
}

static int become_machine(char **args)
{
        own_guest_kernel struct guest_kernel kernel = {};
        own_machine_args struct machine_args line = {};
        char key[SHA256_HEX], why[256];
        own_mem char *initramfs = NULL;
        struct error err;
        struct machine m = { .cpus = 1, .memory_mib = MEMORY, .tap = -1, .tsc_khz = tsc_khz() };

        m.accelerator = accelerator_probe(why, sizeof why);
        if (guest_kernel_find(args[0], &kernel, &err) < 0 ||
            initramfs_make(args[0], &kernel, args[1], key, &initramfs, &err) < 0)
                return fail(&err);
        m.kernel = kernel.image;
        m.initramfs = initramfs;
        m.qmp = atoi(args[2]);
        m.agent = atoi(args[3]);
        m.share = -1;
        m.console = atoi(args[4]);
        for (char **a = args + 5; a[0] && a[1]; a += 2) {
                if (strcmp(a[0], "-l") == 0)
                        m.layers = a[1];
                else
                        m.disk = a[1];
        }
        if (machine_args(&m, &line, &err) < 0)
                return fail(&err);
        execvp(line.v[0], (char **)line.v);
        perror(line.v[0]);
        return 1;
}

int main(int argc, char **argv)
{
        if (argc > 3 && strcmp(argv[1], "--layers") == 0)
                return describe(argv[2], argv + 3);
        if (argc < 6) {
                fprintf(stderr, "usage: machine_tool ROOT PROGRAM QMP AGENT CONSOLE [-l LAYERS] [-d DISK]\n"
                                "       machine_tool --layers LAYERS PATH...\n");
                return 2;
        }
        return become_machine(argv + 1);
}
