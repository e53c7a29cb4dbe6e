#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images as an attacker writes them.

hostile_image.py layers DIR HOST                      DIR/CASE.tar for each of the functions layer_* below
hostile_image.py documents DIR                        DIR/CASE.tar for each of the functions document_*: archives that lie
hostile_image.py bombs DIR                            DIR/CASE for each of the functions bomb_*
hostile_image.py archive OUT.tar CONFIG LAYER.tar...  a docker-archive; CONFIG: JSON, the member "config"
"""
import gzip
import hashlib
import io
import json
import lzma
import sys
import tarfile
import zlib


def header(name, size=0, kind=b"0", link=b"", mode=0o644, size_field=None, prefix=b"\0" * 155):
    """A header as bytes: fields that tarfile would not write."""
    name = name if isinstance(name, bytes) else name.encode()
    link = link if isinstance(link, bytes) else link.encode()
    h = bytearray(512)
    h[0:100] = name[:100].ljust(100, b"\0")
    h[100:108] = b"%07o\0" % mode
    h[108:116] = h[116:124] = b"0000000\0"
    h[124:136] = size_field or b"%011o\0" % size
    h[136:148] = b"00000000000\0"
    h[156:157] = kind
    h[157:257] = link[:100].ljust(100, b"\0")
    h[257:265] = b"ustar\00000"
    h[329:345] = b"0000000\0" * 2
    h[345:345 + len(prefix)] = prefix
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)


def pad(data):
    return data + b"\0" * (-len(data) % 512)


def pax(**records):
    text = b""
    for key, value in records.items():
        key = key.replace("__", ".").encode()
        value = value if isinstance(value, bytes) else str(value).encode()
        n = len(key) + len(value) + 3
        while len(str(n)) + len(key) + len(value) + 3 != n:
            n = len(str(n)) + len(key) + len(value) + 3
        text += b"%d %s=%s\n" % (n, key, value)
    return header("pax", len(text), b"x") + pad(text)


def file(name, content=b"evil\n", **fields):
    return header(name, len(content), **fields) + pad(content)


def directory(name, mode=0o755):
    return header(name, 0, b"5", mode=mode)


def symlink(name, target):
    return header(name, 0, b"2", target)


def hard_link(name, target):
    return header(name, 0, b"1", target)


END = b"\0" * 1024

# ---- layers that have to be refused ----


def layer_root_is_a_symlink():  # umoci CVE-2021-29136
    return symlink(".", "/") + file("marker") + END


def layer_slash_is_a_symlink():
    return symlink("/", "/") + file("marker") + END


def layer_root_is_a_file():
    return file("./") + END


def layer_dot_dot():
    return file("../../../../../../../../marker") + END


def layer_dot_dot_inside():
    return directory("a") + file("a/../../marker") + END


def layer_link_dot_dot():
    return hard_link("shadow", "../../../../../../etc/shadow") + END


def layer_link_to_the_host():
    return hard_link("shadow", "/etc/shadow") + END


def layer_link_through_symlink():
    return symlink("up", "/etc") + hard_link("shadow", "up/shadow") + END


def layer_links_in_a_loop():
    return symlink("a", "b") + symlink("b", "a") + file("a/x") + END


def layer_size_beyond_2_63():
    return header("x", size_field=b"\x80" + b"\0" * 3 + b"\x80" + b"\0" * 7) + b"data" + END


def layer_size_of_2_62():
    return header("x", size_field=b"\x80" + b"\0" * 3 + b"\x40" + b"\0" * 7) + b"data" + END


def layer_size_negative():
    return header("x", size_field=b"\xff" * 12) + END


def layer_pax_size_beyond_2_63():
    return pax(size=2**63) + header("x") + END


def layer_pax_header_of_2_40():
    return header("pax", 2**33 - 1, b"x", size_field=b"\x80" + b"\0" * 6 + b"\1" + b"\0" * 4) + END


def layer_pax_record_lies():
    return header("pax", 16, b"x") + pad(b"999999 path=abc\n") + file("x") + END


def layer_global_header_for_every_entry():
    text = b"12 abcd=efg\n" * 80000
    return header("g", len(text), b"g") + pad(text) + b"".join(file(f"f{i}", b"") for i in range(10000)) + END


def layer_too_many_attributes():
    return pax(**{f"SCHILY__xattr__user__{i}": "" for i in range(20000)}) + file("x") + END


def layer_sparse_overlaps():
    return pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="x", GNU__sparse__realsize=8192) + \
        header("x", 512 + 1024) + pad(b"2\n0\n512\n100\n512\n") + b"a" * 1024 + END


def layer_sparse_beyond_its_end():
    return pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="x", GNU__sparse__realsize=100) + \
        header("x", 512 + 512) + pad(b"1\n9223372036854775807\n512\n") + b"a" * 512 + END


def layer_sparse_with_less_data():
    return pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="x", GNU__sparse__realsize=1 << 40) + \
        header("x", 512 + 512) + pad(b"1\n0\n1099511627776\n") + b"a" * 512 + END


def layer_sparse_with_too_many_pieces():
    return pax(GNU__sparse__major=1, GNU__sparse__minor=0, GNU__sparse__name="x", GNU__sparse__realsize=1 << 40) + \
        header("x", 1 << 30) + pad(b"18446744073709551615\n" + b"0\n0\n" * 2000000) + END


def layer_name_of_256_bytes():
    return pax(path="n" * 256) + file("x") + END


def layer_path_of_4096_bytes():
    return pax(path="/".join(["d" * 15] * 256) + "x") + file("x") + END


def layer_whiteout_of_nothing():
    return file(".wh.", b"") + END


def layer_whiteout_of_dot():
    return file("a/.wh..", b"") + END


def layer_whiteout_of_dot_dot():
    return file("a/.wh...", b"") + END


def layer_symlink_to_nothing():
    return symlink("a", "") + END


def layer_cut_off():
    return (file("x", b"a" * 4096) + END)[:2000]


def layer_damaged_header():
    return file("x") + b"\1" * 512 + END


# ---- layers that are taken, and do no harm ----


def layer_fine_absolute():
    return file("/etc/marker") + symlink("etc/link", "/etc/shadow") + END


def layer_fine_through_symlinks():  # moby CVE-2014-9357, containerd CVE-2021-32760
    host = sys.argv[3]
    return symlink("host", host) + file("host/marker") + symlink("up", "../../../../../.." + host) + \
        file("up/marker2") + directory("host", 0o777) + END


def layer_fine_file_directory_symlink():
    return file("x") + directory("x") + file("x/in") + symlink("x", "/etc") + file("x/passwd") + \
        directory("x") + file("x/last") + END


def layer_fine_duplicates():
    return b"".join(file("twice", b"%d" % i) for i in range(1000)) + END


def layer_fine_whiteouts():
    return directory("d") + file("d/.wh..wh..opq", b"") + file(".wh..wh..opq", b"") + file(".wh..wh.plnk", b"") + \
        file("d/.wh.x", b"") + file("d/x") + file("d/.wh.x", b"") + file(".wh.gone", b"") + \
        directory(".wh..wh..opq") + symlink(".wh.y", "/") + file("gone/.wh.gone", b"") + END


def layer_fine_names_of_255_bytes():
    return pax(path="/".join(["n" * 255] * 15)) + file("x") + END


def layer_fine_deep():
    """2,000 directories in one another by a path, and as many more inside of those through a symlink."""
    text, base = b"", ""
    for i in range(2):
        text += pax(path=f"{base}" + "d/" * 2000) + directory("x") + \
            pax(path=f"s{i}", linkpath=f"{base}" + "d/" * 2000) + header("x", 0, b"2")
        base = f"s{i}/"
    return text + END


def layer_fine_70000_hard_links():
    return file("first") + b"".join(hard_link(f"l{i}", "first") for i in range(70000)) + END


def layer_fine_100000_entries():
    return b"".join(file(f"d{i // 1000}/f{i}", b"") for i in range(100000)) + END


def layer_fine_nothing():
    return END


def layer_fine_strange_attributes():
    """What overlayfs keeps in attributes would lead elsewhere, or change what a name is."""
    return pax(SCHILY__xattr__trusted__overlay__redirect="/../../../../etc",
               SCHILY__xattr__trusted__overlay__opaque="y") + directory("d") + \
        pax(SCHILY__xattr__trusted__overlay__metacopy=b"\0\4\0\0",
            SCHILY__xattr__trusted__overlay__redirect="/etc/shadow") + file("meta") + END


def layer_fine_devices():
    return header("null", 0, b"3", mode=0o666) + header("sda", 0, b"4", mode=0o666) + header("pipe", 0, b"6") + \
        file("setuid", b"#!/bin/sh\n", mode=0o4755) + END


# ---- archives whose documents lie ----

OCI = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def add(tar, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def docker_archive(out, layers, config=None, diff_ids=None, **manifest):
    """layers: (name, blob, archive)"""
    document = json.dumps({
        "os": "linux", "architecture": "amd64", "config": config or {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids or [digest(plain) for _, _, plain in layers]}}).encode()
    entry = {"Config": "config.json", "RepoTags": ["hostile:1"], "Layers": [name for name, _, _ in layers], **manifest}
    with tarfile.open(out, "w") as tar:
        for name, blob, _ in layers:
            if blob is not None:
                add(tar, name, blob)
        add(tar, "config.json", document)
        add(tar, "manifest.json", json.dumps([entry]).encode())


LAYER = file("marker") + END


def document_layers_dot_dot(out):  # CVE-2024-3727
    docker_archive(out, [("../../../../../../etc/hosts", None, LAYER)])


def document_config_dot_dot(out):
    docker_archive(out, [("layer.tar", LAYER, LAYER)], Config="../../../../../../etc/passwd")


def document_layer_is_a_symlink(out):
    docker_archive(out, [("layer.tar", LAYER, LAYER)], Layers=["link"])
    with tarfile.open(out, "a") as tar:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hosts"
        tar.addfile(member)


def document_aliases_in_a_loop(out):
    docker_archive(out, [("layer.tar", LAYER, LAYER)], Layers=["a"])
    with tarfile.open(out, "a") as tar:
        for name, target in ("a", "b"), ("b", "a"):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)


def document_diff_id_is_a_path(out):  # CVE-2024-3727
    docker_archive(out, [("layer.tar", LAYER, LAYER)], diff_ids=["sha256:../../../../../../../../../tmp/marker"])


def document_diff_id_is_another(out):
    docker_archive(out, [("layer.tar", LAYER, LAYER)], diff_ids=["sha256:" + "a" * 64])


def document_fewer_diff_ids(out):
    docker_archive(out, [("layer.tar", LAYER, LAYER), ("2.tar", LAYER, LAYER)], diff_ids=[digest(LAYER)])


def document_giant_manifest(out):  # containerd CVE-2023-25153
    with tarfile.open(out, "w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = 1 << 28
        tar.addfile(member, io.BytesIO(b"[" + b" " * (member.size - 1)))


def document_many_documents(out):
    text = b'{"a":[' + b"0," * 2090000 + b"0]}"
    with tarfile.open(out, "w") as tar:
        for i in range(12):
            add(tar, f"{i}.json", text)


def document_giant_json(out):
    """4 MiB of the smallest values there are."""
    document = b'{"rootfs":{"type":"layers","diff_ids":[]},"x":[' + b"0," * 2090000 + b"0]}"
    with tarfile.open(out, "w") as tar:
        add(tar, "config.json", document)
        add(tar, "manifest.json", b'[{"Config":"config.json","Layers":["x"]}]')


def document_deep_json(out):
    with tarfile.open(out, "w") as tar:
        add(tar, "manifest.json", b"[" * 4000000)


def document_nested_gzip(out):
    docker_archive(out, [("layer.tar", gzip.compress(gzip.compress(LAYER)), LAYER)])


def layout(out, manifest, index=None):
    config = json.dumps({"os": "linux", "architecture": "amd64",
                         "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]}}).encode()
    document = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                "config": {"mediaType": OCI + "config.v1+json", "digest": digest(config), "size": len(config)},
                "layers": [{"mediaType": OCI + "layer.v1.tar", "digest": digest(LAYER), "size": len(LAYER)}]}
    text = json.dumps(manifest(document)).encode()
    entry = {"mediaType": OCI + "manifest.v1+json", "digest": digest(text), "size": len(text)}
    with tarfile.open(out, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [index(entry) if index else entry]}).encode())
        for data in config, LAYER, text:
            add(tar, "blobs/sha256/" + digest(data)[7:], data)


PATH_DIGEST = "sha256:../../../../../../../../../../../../etc/hosts"


def document_layout_layer_is_a_path(out):
    layout(out, lambda m: {**m, "layers": [{**m["layers"][0], "digest": PATH_DIGEST}]})


def document_layout_config_is_a_path(out):
    layout(out, lambda m: {**m, "config": {**m["config"], "digest": PATH_DIGEST}})


def document_layout_manifest_is_a_path(out):
    layout(out, lambda m: m, lambda e: {**e, "digest": PATH_DIGEST})


def document_layout_algorithm_is_a_path(out):
    layout(out, lambda m: m, lambda e: {**e, "digest": "../../etc:" + "a" * 64})


def document_layout_both(out):  # CVE-2021-41190
    layout(out, lambda m: {**m, "manifests": []})


def document_layout_sizes_lie(out):
    layout(out, lambda m: {**m, "layers": [{**m["layers"][0], "size": 2**63}]})


def document_layout_same_blob_twice(out):
    """The layer's name is that of other bytes."""
    layout(out, lambda m: m)
    with tarfile.open(out, "a") as tar:
        add(tar, "blobs/sha256/" + digest(LAYER)[7:], file("other") + END)


# ---- compressed archives that want more than there should be ----


def zstd_frame(window_log, pieces):
    """pieces: bytes, or a number: of zeros, times 128 KiB (RFC 8878, 3.1.1.2)"""
    out = b"\x28\xb5\x2f\xfd\0" + bytes([(window_log - 10) << 3])
    for piece in pieces:
        if isinstance(piece, int):
            out += (((1 << 1) | (1 << 17) << 3).to_bytes(3, "little") + b"\0") * piece
        else:
            out += (len(piece) << 3).to_bytes(3, "little") + piece
    return out + b"\1\0\0"


def bomb_archive():
    """9 GiB in 300 KB"""
    size = 9 << 30
    return zstd_frame(17, [header("zeros", size_field=b"\x80" + size.to_bytes(11, "big")), size >> 17, END])


def bomb_window():
    return zstd_frame(31, [file("x"), END])


def bomb_dictionary():
    data = bytearray(lzma.compress(file("x") + END))
    end = 12 + (data[12] + 1) * 4
    data[16] = 40  # 4 GiB less a byte
    data[end - 4:end] = zlib.crc32(data[12:end - 4]).to_bytes(4, "little")
    return bytes(data)


def cases(prefix):
    return [(name[len(prefix):], call) for name, call in globals().items() if name.startswith(prefix)]


def main():
    if sys.argv[1] == "layers":
        for name, make in cases("layer_"):
            with open(f"{sys.argv[2]}/{name}.tar", "wb") as f:
                f.write(make())
    elif sys.argv[1] == "documents":
        for name, make in cases("document_"):
            make(f"{sys.argv[2]}/{name}.tar")
    elif sys.argv[1] == "bombs":
        for name, make in cases("bomb_"):
            with open(f"{sys.argv[2]}/{name}", "wb") as f:
                f.write(make())
    else:
        plain = [open(name, "rb").read() for name in sys.argv[4:]]
        docker_archive(sys.argv[2], [(f"{i}/layer.tar", p, p) for i, p in enumerate(plain)], json.loads(sys.argv[3]))


main()
