/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS on disk, as far as we write it: Linux, fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst. All numbers
 * are little endian. A node number is the inode's byte offset in the image (we have meta_blkaddr 0), divided by 32.
 */
#pragma once

#include <stdint.h>

enum {
        EROFS_BLOCK_BITS = 12,
        EROFS_BLOCK = 1 << EROFS_BLOCK_BITS,
        EROFS_SLOT = 32,
        EROFS_SUPER_OFFSET = 1024,
        EROFS_MAX_NAME = 255,
        EROFS_MAX_XATTR_VALUE = 65535,
};

#define EROFS_MAGIC 0xe0f5e1e2u
#define EROFS_NO_BLOCK 0xffffffffu /* a hole, in a map of chunks */

/* feature_compat; feature_incompat */
enum { EROFS_HAS_CHECKSUM = 1 };
enum { EROFS_HAS_CHUNKS = 4 };

struct erofs_super {
        uint32_t magic, checksum, feature_compat;
        uint8_t block_bits, extra_slots;
        uint16_t root_nid;
        uint64_t inodes, build_time;
        uint32_t build_time_nsec, blocks, meta_block, xattr_block;
        uint8_t uuid[16], volume_name[16];
        uint32_t feature_incompat;
        uint16_t compression, extra_devices, device_slot;
        uint8_t dir_block_bits, xattr_prefixes;
        uint32_t xattr_prefix_start;
        uint64_t packed_nid;
        uint8_t reserved[24];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_super) == 128, "as the kernel has it");

/* How an inode's data lies. */
enum erofs_layout {
        EROFS_PLAIN = 0,
        EROFS_INLINE = 2, /* the last, incomplete block follows the inode, in the same block */
        EROFS_CHUNKS = 4, /* a map of chunks follows the inode; they may be holes */
};

/* The extended form: with nanoseconds, 32-bit ids and 64-bit sizes. */
struct erofs_inode {
        uint16_t format; /* bit 0: extended; bits 1 to 3: layout */
        uint16_t xattr_count, mode, reserved;
        uint64_t size;
        uint32_t place; /* first block; device number; for chunks: log2 of their size in blocks */
        uint32_t ino, uid, gid;
        uint64_t mtime;
        uint32_t mtime_nsec, nlink;
        uint8_t reserved2[16];
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_inode) == 64, "as the kernel has it");

struct erofs_dirent {
        uint64_t nid;
        uint16_t name_offset; /* in its block; that of the first entry tells how many there are */
        uint8_t type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "as the kernel has it");

enum {
        EROFS_FILE = 1,
        EROFS_DIRECTORY = 2,
        EROFS_CHARACTER = 3,
        EROFS_BLOCK_DEVICE = 4,
        EROFS_FIFO = 5,
        EROFS_SOCKET = 6,
        EROFS_SYMLINK = 7,
};

/* Behind the inode: this, then the xattrs, each padded to 4 bytes. xattr_count is 1 and then one for every 4 bytes
 * behind the header. */
struct erofs_xattr_header {
        uint32_t name_filter;
        uint8_t shared, reserved[7];
};
_Static_assert(sizeof(struct erofs_xattr_header) == 12, "as the kernel has it");

struct erofs_xattr {
        uint8_t name_len, name_index;
        uint16_t value_size;
};

enum {
        EROFS_XATTR_USER = 1,
        EROFS_XATTR_ACL_ACCESS = 2,
        EROFS_XATTR_ACL_DEFAULT = 3,
        EROFS_XATTR_TRUSTED = 4,
        EROFS_XATTR_SECURITY = 6,
};
