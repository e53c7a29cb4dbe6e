/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel module with nothing but its .modinfo. */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <string.h>

struct module_file {
        Elf64_Ehdr header;
        Elf64_Shdr section[3];
        char names[32];
        char info[128];
};

/* info: its strings, each with its NUL. */
static inline struct module_file module_make(const char *info, size_t len)
{
        struct module_file f = {
                .header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
                            .e_shoff = offsetof(struct module_file, section),
                            .e_shentsize = sizeof(Elf64_Shdr),
                            .e_shnum = 3,
                            .e_shstrndx = 1 },
                .section = { {},
                             { .sh_offset = offsetof(struct module_file, names), .sh_size = 32 },
                             { .sh_name = 1, .sh_offset = offsetof(struct module_file, info), .sh_size = len } },
                .names = "\0.modinfo"
        };

        memcpy(f.info, info, len);
        return f;
}
