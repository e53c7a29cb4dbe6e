/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/rehearsal.h"

#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

#define FILES "/run/holt/files/"

/* ---- the layer ---- */

/* As erofs_fs.h of the kernel has them. */
enum {
        BLOCK_BITS = 12,
        BLOCK = 1 << BLOCK_BITS,
        SUPER = 1024,
        MAGIC = 0xe0f5e1e2,
        SLOT = 32,
        DIRENT = 12,
        IS_FILE = 1,
        IS_DIRECTORY = 2,
};

/* What is where: inodes by slots, data by blocks. */
enum { ROOT = 40, ETC, PASSWD, ROOT_BLOCK = 1, ETC_BLOCK, PASSWD_BLOCK };

static void put(unsigned char *at, uint64_t v, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++)
                at[i] = (unsigned char)(v >> 8 * i);
}

/* A compact inode whose data are whole blocks. */
static void put_inode(unsigned char *layer, unsigned inode, mode_t mode, size_t size, unsigned block)
{
        unsigned char *at = layer + (size_t)inode * SLOT;

        put(at + 4, mode, 2);
        put(at + 6, S_ISDIR(mode) ? 2 : 1, 2);
        put(at + 8, size, 4);
        put(at + 16, block, 4);
        put(at + 20, inode, 4);
}

/* With one entry beside itself and what is above it. */
static void put_directory(unsigned char *layer, unsigned inode, unsigned above, unsigned block, const char *name,
                          unsigned entry, unsigned char type)
{
        const struct {
                const char *name;
                unsigned inode;
                unsigned char type;
        } entries[] = { { ".", inode, IS_DIRECTORY }, { "..", above, IS_DIRECTORY }, { name, entry, type } };
        unsigned char *directory = layer + (size_t)block * BLOCK;
        size_t names = ARRAY_SIZE(entries) * DIRENT;

        for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
                unsigned char *at = directory + i * DIRENT;
                size_t len = strlen(entries[i].name);

                put(at, entries[i].inode, 8);
                put(at + 8, names, 2);
                at[10] = entries[i].type;
                memcpy(directory + names, entries[i].name, len);
                names += len;
        }
        put_inode(layer, inode, S_IFDIR | 0755, names, block);
}

void rehearsal_write_layer(unsigned char ret[REHEARSAL_LAYER])
{
        static const char user[] = "root:x:0:0:root:/root:/bin/sh\n";
        unsigned char *super = ret + SUPER, *passwd = ret + (size_t)PASSWD_BLOCK * BLOCK;
        const size_t size = REHEARSAL_LAYER - (size_t)PASSWD_BLOCK * BLOCK;

        memset(ret, 0, REHEARSAL_LAYER);
        put(super, MAGIC, 4);
        super[12] = BLOCK_BITS;
        put(super + 14, ROOT, 2);
        put(super + 16, 3, 8); /* inodes */
        put(super + 36, REHEARSAL_LAYER / BLOCK, 4);
        put_directory(ret, ROOT, ROOT, ROOT_BLOCK, "etc", ETC, IS_DIRECTORY);
        put_directory(ret, ETC, ROOT, ETC_BLOCK, "passwd", PASSWD, IS_FILE);
        put_inode(ret, PASSWD, S_IFREG | 0644, size, PASSWD_BLOCK);
        memset(passwd, '\n', size);
        memcpy(passwd, user, sizeof(user) - 1);
}

/* ---- the guest ---- */

void rehearsal_write_guest(const struct monitor_job *j, struct buf *out)
{
        struct json_object *files = NULL, *filters = NULL;
        struct json_writer w = { .out = out };
        struct error ignored;

        json_get_array(j->guest, "files", &files, &ignored);
        json_get_array(j->guest, "filters", &filters, &ignored);
        json_begin_object(&w, NULL);
        json_write_string(&w, "hostname", "rehearsal");
        json_begin_array(&w, "files");
        for (size_t i = 0; files && i < json_array_size(files); i++) {
                json_begin_object(&w, NULL);
                json_write_value(&w, "path", json_member(json_array_item(files, i), "path"));
                json_end_object(&w);
        }
        json_end_array(&w);
        if (filters)
                json_write_value(&w, "filters", filters);
        json_end_object(&w);
}

/* ---- what runs in it ---- */

static void write_words(struct json_writer *w, const char *key, const char *first, const char *second)
{
        json_begin_array(w, key);
        json_write_string(w, NULL, first);
        if (second)
                json_write_string(w, NULL, second);
        json_end_array(w);
}

/* The rights of the instance's, and nothing else of it. */
static void write_process(struct json_object *process, struct json_writer *w)
{
        static const char *const kept[] = { "capabilities", "rlimits", "noNewPrivileges", "oomScoreAdj" };

        json_begin_object(w, "process");
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (json_member(process, kept[i]))
                        json_write_value(w, kept[i], json_member(process, kept[i]));
        write_words(w, "args", REHEARSAL_PROGRAM, "--rehearse");
        write_words(w, "env", "PATH=/bin", NULL);
        json_write_string(w, "cwd", "/");
        json_begin_object(w, "user");
        json_write_u64(w, "uid", 0);
        json_write_u64(w, "gid", 0);
        json_end_object(w);
        json_end_object(w);
}

/* What an instance has of its own is not there. */
static bool is_everybodys(struct json_object *mount)
{
        const char *type = "", *source = "";
        struct error ignored;

        json_get_string(mount, "type", &type, &ignored);
        json_get_string(mount, "source", &source, &ignored);
        return *source != '/' || strncmp(source, FILES, strlen(FILES)) == 0;
}

/* The file that the guest's first program is: its pages stay where they are, and what was translated of them with it. */
static void write_program(struct json_writer *w)
{
        json_begin_object(w, NULL);
        json_write_string(w, "destination", REHEARSAL_PROGRAM);
        json_write_string(w, "type", "bind");
        json_write_string(w, "source", "/run/holt/agent");
        write_words(w, "options", "bind", "ro");
        json_end_object(w);
}

static void write_mounts(struct json_object *mounts, struct json_writer *w)
{
        json_begin_array(w, "mounts");
        for (size_t i = 0; i < json_array_size(mounts); i++)
                if (is_everybodys(json_array_item(mounts, i)))
                        json_write_value(w, NULL, json_array_item(mounts, i));
        write_program(w);
        json_end_array(w);
}

void rehearsal_write_spec(const struct monitor_job *j, struct buf *out)
{
        static const char *const kept[] = { "ociVersion", "root", "linux" };
        struct json_writer w = { .out = out };
        struct json_object *mounts = json_member(j->spec, "mounts");

        json_begin_object(&w, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (json_member(j->spec, kept[i]))
                        json_write_value(&w, kept[i], json_member(j->spec, kept[i]));
        json_write_string(&w, "hostname", "rehearsal");
        write_process(json_member(j->spec, "process"), &w);
        if (mounts && json_is_array(mounts))
                write_mounts(mounts, &w);
        json_end_object(&w);
}
