#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""same_tree.py A B: says every way in which two trees differ: content, holes, modes, owners, times, links, devices, xattrs."""

import hashlib
import os
import stat
import sys


def content(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(path, root):
    st = os.lstat(path)
    d = {
        "type": stat.S_IFMT(st.st_mode),
        "mode": stat.S_IMODE(st.st_mode),
        "owner": (st.st_uid, st.st_gid),
        "mtime": st.st_mtime_ns,
        "xattrs": {n: os.getxattr(path, n, follow_symlinks=False) for n in os.listxattr(path, follow_symlinks=False)},
    }
    if stat.S_ISREG(st.st_mode):
        d["size"] = st.st_size
        d["content"] = content(path)
    elif stat.S_ISLNK(st.st_mode):
        d["target"] = os.readlink(path)
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        d["device"] = st.st_rdev
    if not stat.S_ISDIR(st.st_mode):
        d["nlink"] = st.st_nlink
    return d, (st.st_dev, st.st_ino)


def tree(root):
    entries, inodes = {}, {}
    for base, dirs, files in os.walk(root.encode(errors="surrogateescape")):
        for name in dirs + files + ([b"."] if base == root.encode() else []):
            path = os.path.join(base, name)
            relative = os.path.relpath(path, root.encode())
            entries[relative], inode = describe(path, root)
            inodes.setdefault(inode, []).append(relative)
    groups = {tuple(sorted(names)) for names in inodes.values() if len(names) > 1}
    return entries, groups


def main():
    (a, a_links), (b, b_links) = tree(sys.argv[1]), tree(sys.argv[2])
    different = 0
    for name in sorted(a.keys() | b.keys()):
        if name not in a or name not in b:
            print(f"only in {sys.argv[2 if name in b else 1]}: {name!r}")
            different += 1
            continue
        for key in sorted(a[name].keys() | b[name].keys()):
            if a[name].get(key) != b[name].get(key):
                print(f"{name!r}: {key}: {a[name].get(key)!r} and {b[name].get(key)!r}")
                different += 1
    for group in a_links ^ b_links:
        print(f"hard links of one only: {group!r}")
        different += 1
    print(f"{len(a)} entries")
    return 1 if different else 0


sys.exit(main())
