#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""oci_image.py LAYOUT TAG PLATFORM=LAYER.tar[:gzip|:zstd|:none][,LAYER...]...: an image as an OCI layout.

With several platforms TAG is an index. Added to what LAYOUT has already.
"""

import gzip
import hashlib
import json
import pathlib
import subprocess
import sys

OCI = "application/vnd.oci.image."
SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class Layout:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.index = self.path / "index.json"
        if not self.index.exists():
            self.index.write_text('{"schemaVersion":2,"manifests":[]}')

    def blob(self, media_type, data):
        name = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / name).write_bytes(data)
        return {"mediaType": OCI + media_type, "digest": "sha256:" + name, "size": len(data)}

    def document(self, media_type, value):
        return self.blob(media_type, json.dumps(value).encode())

    def manifest(self, platform, layers):
        system, architecture = platform.split("/")[:2]
        descriptors, diff_ids = [], []
        for layer in layers:
            path, _, how = layer.partition(":")
            how = how or "gzip"
            data = pathlib.Path(path).read_bytes()
            diff_ids.append("sha256:" + hashlib.sha256(data).hexdigest())
            descriptors.append(self.blob("layer.v1.tar" + SUFFIX[how], compress(data, how)))
        config = self.document("config.v1+json", {
            "os": system, "architecture": architecture, "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        result = self.document("manifest.v1+json", {
            "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config, "layers": descriptors})
        result["platform"] = {"os": system, "architecture": architecture}
        return result

    def name(self, descriptor, tag):
        index = json.loads(self.index.read_text())
        index["manifests"].append({**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}})
        self.index.write_text(json.dumps(index))


def main():
    layout, tag = Layout(sys.argv[1]), sys.argv[2]
    manifests = []
    for image in sys.argv[3:]:
        platform, _, layers = image.partition("=")
        manifests.append(layout.manifest(platform, layers.split(",")))
    if len(manifests) == 1:
        layout.name(manifests[0], tag)
    else:
        layout.name(layout.document("index.v1+json", {
            "schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": manifests}), tag)
    print(manifests[0]["digest"])


main()
