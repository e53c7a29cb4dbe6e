#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Archives of images: docker-archives and OCI layouts, both ways, those of other programs, and hostile ones.
# archive_tool is a program of the tests' own: jobs of holt-fetch on a store that is a plain directory.

bats_require_minimum_version 1.5.0

setup_file() {
        local build
        build=$(dirname "$(realpath "${RUNTIME:-$BATS_TEST_DIRNAME/../../build/holt-oci}")")
        export TOOL=$build/tests/store/archive_tool
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
}

setup() {
        WORK=$(mktemp -d -t holt-archives.XXXXXX)
        cd "$WORK" || return
        mkdir store
}

teardown() {
        cd /
        ! mountpoint -q "$WORK/small" || umount "$WORK/small"
        rm -rf "$WORK"
}

load() { # STORE <ARCHIVE
        mkdir -p "$1"
        timeout 60 "$TOOL" "$1" load "${2:-{\}}"
}

# Two layers, as their archives: lower.tar and upper.tar; diff_ids in $LOWER and $UPPER.
make_layers() {
        mkdir -p lower/etc upper/usr
        head -c 700000 /dev/urandom >lower/blob
        seq 20000 >lower/etc/numbers
        seq 30000 >upper/usr/more
        touch upper/.wh.blob
        tar -C lower --sort=name --mtime=@1000000000 --owner=0 --group=0 -cf lower.tar .
        tar -C upper --sort=name --mtime=@1000000000 --owner=0 --group=0 -cf upper.tar .
        LOWER=$(sha256sum <lower.tar | cut -d' ' -f1)
        UPPER=$(sha256sum <upper.tar | cut -d' ' -f1)
}

# archive PYTHON: makes the file "archive". add(name, data), link(name, target), layer(path), blob(data) and config(),
# index(), docker() make what is in it.
archive() {
        python3 - "$1" <<'PY'
import gzip, hashlib, io, json, lzma, sys, tarfile
t = tarfile.open("archive", "w", format=tarfile.PAX_FORMAT)
def add(name, data, **more):
    i = tarfile.TarInfo(name)
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    i.size = len(data)
    for k, v in more.items():
        setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
    return data
def link(name, target, type=tarfile.SYMTYPE):
    i = tarfile.TarInfo(name)
    i.type, i.linkname = type, target
    t.addfile(i)
def layer(path):
    return open(path, "rb").read()
def hex(data):
    return hashlib.sha256(data).hexdigest()
def descriptor(data, type, **more):
    return dict(mediaType=type, digest="sha256:" + hex(data), size=len(data), **more)
def blob(data, type="", **more):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    add("blobs/sha256/" + hex(data), data)
    return descriptor(data, type, **more)
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
lower, upper = layer("lower.tar"), layer("upper.tar")
def config(*layers, **more):
    return json.dumps(dict(architecture="amd64", os="linux", config={}, rootfs=dict(
        type="layers", diff_ids=["sha256:" + hex(l) for l in layers or (lower, upper)]), **more)).encode()
def manifest(layers=None, conf=None):
    layers = layers or [blob(gzip.compress(lower), LAYER + "+gzip"), blob(upper, LAYER)]
    return dict(schemaVersion=2, mediaType=MANIFEST, config=blob(conf or config(), CONFIG), layers=layers)
def index(*manifests):
    add("index.json", dict(schemaVersion=2, manifests=list(manifests)))
    add("oci-layout", dict(imageLayoutVersion="1.0.0"))
def docker(layers=("l/layer.tar", "u/layer.tar"), tags=("name:1",), conf="config.json"):
    add("manifest.json", [dict(Config=conf, RepoTags=list(tags), Layers=list(layers))])
exec(sys.argv[1])
t.close()
PY
}

refused() { # PATTERN
        rm -rf store
        mkdir store
        run timeout 30 "$TOOL" store load '{}' <archive
        [ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
        [[ $output == *$1* ]] || { echo "$output"; return 1; }
        [ ! -e store/images ]
}

loaded() { # [JOB]: into an empty store
        rm -rf store
        load store "${1:-{\}}" <archive >result || return
}

# The layers of the store are those two, and their archives come back.
has_layers() { # STORE
        local name
        for name in "$LOWER" "$UPPER"; do [ -f "$1/$name.image" ] || { ls "$1"; return 1; }; done
        [ "$(find "$1" -name '*.image' | wc -l)" -eq 2 ]
        "$TOOL" "$1" verify "{\"layers\":[\"sha256:$LOWER\",\"sha256:$UPPER\"]}" >verified
        run ! grep error verified
}

save() { # STORE FORMAT COMPRESSION NAME...
        local store=$1 manifest job
        manifest=$(head -n 1 "$store/images" | cut -d' ' -f1)
        job=$(jq -cn --arg f "$2" --arg c "$3" --arg m "$manifest" '{format: $f, compression: $c, images: [{manifest: $m, names: $ARGS.positional}]}' --args "${@:4}")
        timeout 60 "$TOOL" "$store" save "$job"
}

@test "a docker-archive, with its documents before or behind the layers" {
        local gone
        make_layers
        archive 'docker(); add("config.json", config()); add("l/layer.tar", lower); add("u/layer.tar", upper)'
        loaded
        has_layers store
        jq -e '.name == "docker.io/library/name:1" and .id != null and .manifest != null' result
        gone=$(cat result)
        archive 'add("u/VERSION", b"1.0"); add("u/layer.tar", upper); add("./l/json", b"{}"); add("./l/layer.tar", gzip.compress(lower)); add("config.json", config()); docker()'
        loaded
        has_layers store
        [ "$(jq .id result)" = "$(jq .id <<<"$gone")" ]
}

@test "layers by symlinks and hard links, compressed by anything, and what nobody wants" {
        make_layers
        archive 'add("x/layer.tar", lzma.compress(lower)); link("l/layer.tar", "../x/layer.tar"); add("unwanted.tar", upper[:2048]); add("junk.gz", b"\x1f\x8b\x08junk"); add("large", b"x" * 5000000); add("up", upper); link("u/layer.tar", "./up", tarfile.LNKTYPE); add("config.json", config()); docker()'
        loaded
        has_layers store
}

@test "an archive that is compressed itself" {
        local program
        make_layers
        archive 'add("l/layer.tar", gzip.compress(lower)); add("u/layer.tar", upper); add("config.json", config()); docker()'
        cp archive plain
        for program in gzip zstd xz; do
                $program -c plain >archive
                loaded
                has_layers store
        done
}

@test "an OCI layout, with names, indexes and notes on other manifests" {
        make_layers
        archive 'm = blob(manifest(), MANIFEST, annotations={"org.opencontainers.image.ref.name": "localhost:5000/a/b:c"}); index(m)'
        loaded
        has_layers store
        [ "$(jq -r .name result)" = localhost:5000/a/b:c ]
        grep -qx 'sha256:.* [0-9]* gzip' "store/$LOWER.blobs"
        # The manifest is kept as it was.
        [ "$(jq -r .manifest result)" = "$(tar -xOf archive index.json | jq -r '.manifests[0].digest')" ]

        archive 'm = blob(manifest(), MANIFEST, platform=dict(os="linux", architecture="amd64")); n = blob(dict(schemaVersion=2, note=1), MANIFEST, platform=dict(os="unknown", architecture="unknown"), annotations={"vnd.docker.reference.type": "attestation-manifest"}); i = blob(dict(schemaVersion=2, mediaType=INDEX, manifests=[n, m]), INDEX, annotations={"io.containerd.image.name": "docker.io/library/n:1", "org.opencontainers.image.ref.name": "1"}); index(n, i)'
        loaded '{"platform":"linux/amd64"}'
        has_layers store
        [ "$(jq -r .name result)" = docker.io/library/n:1 ]
        rm -rf store
        mkdir store
        run -1 "$TOOL" store load '{"platform":"linux/arm64"}' <archive
        [[ $output == *"no image for linux/arm64"* ]]

        archive 'm = blob(manifest(), MANIFEST, annotations={"org.opencontainers.image.ref.name": "latest"}); index(m)'
        loaded
        jq -e '.name == null' result
        # Names that Docker has beside it.
        archive 'c = config(); m = blob(manifest(), MANIFEST); index(m); docker(conf="blobs/sha256/" + hex(c), tags=["x/y:1", "Not A Name", "z"])'
        load store <archive >result 2>warning
        [ "$(jq -r .name result)" = $'docker.io/x/y:1\ndocker.io/library/z:latest' ]
        grep 'a name is left out' warning
}

@test "what is in the store is not unpacked again" {
        make_layers
        archive 'add("blobs/sha256/" + hex(lower), lower); add(hex(upper) + ".tar", upper); add("config.json", config()); docker(["blobs/sha256/" + hex(lower), hex(upper) + ".tar"])'
        loaded
        has_layers store
        touch -d 2001-01-01 "store/$LOWER.image"
        load store <archive
        [ "$(stat -c %Y "store/$LOWER.image")" -lt 1000000000 ]
        has_layers store
}

@test "saved and loaded again: the same image" {
        local format compression
        make_layers
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker()'
        loaded
        for format in docker-archive oci-archive; do
                for compression in none gzip zstd; do
                        rm -rf again
                        save store $format $compression docker.io/library/name:1 localhost/other:2 >saved
                        load again <saved >result
                        has_layers again
                        [ "$(jq -r .name result)" = $'docker.io/library/name:1\nlocalhost/other:2' ]
                        # Twice the same bytes; and so from the store that has it by way of an archive.
                        save store $format $compression docker.io/library/name:1 localhost/other:2 | cmp - saved
                        save again $format $compression docker.io/library/name:1 localhost/other:2 | cmp - saved
                done
        done
}

@test "a layout in a directory" {
        make_layers
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker()'
        loaded
        mkdir out
        save store oci-dir gzip localhost/a:1 1<out
        [ ! -e out/.unfinished ]
        for file in out/blobs/sha256/*; do [ "$(sha256sum <"$file" | cut -d' ' -f1)" = "${file##*/}" ]; done
        load again <out >result
        has_layers again
        [ "$(jq -r .name result)" = localhost/a:1 ]
        # Nothing leads out of it, and nothing is waited for.
        cp -r out bad
        mv "bad/index.json" elsewhere
        ln -s ../elsewhere bad/index.json
        run -1 load other <bad
        [[ $output == *"Too many levels of symbolic links"* ]]
        rm bad/index.json
        mkfifo bad/index.json
        run -1 load other <bad
        [[ $output == *"not a regular file"* ]]
        cp -r out bad2
        for file in bad2/blobs/sha256/*; do echo more >>"$file"; done
        run -1 load other <bad2
        [[ $output == *bytes\ instead\ of* ]]
        rm -r out/blobs
        run -1 load other <out
        [[ $output == *"is not in the archive"* ]]
}

@test "an image goes around through skopeo and umoci" {
        make_layers
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker(["l/layer.tar", "u/layer.tar"], ["docker.io/library/name:1"])'
        loaded
        save store docker-archive none docker.io/library/name:1 >saved
        skopeo copy -q docker-archive:saved:docker.io/library/name:1 oci:layout:name
        load one <layout >result
        has_layers one
        skopeo copy -q oci:layout:name docker-archive:legacy:docker.io/library/name:1
        load two <legacy >result
        has_layers two
        save two oci-archive zstd docker.io/library/name:1 >saved-oci
        skopeo copy -q oci-archive:saved-oci oci-archive:back
        load three <back >result
        has_layers three
        # skopeo keeps the bytes of what it copies from layout to layout.
        [ "$(jq -r .manifest result)" = "$(tar -xOf saved-oci index.json | jq -r '.manifests[0].digest')" ]
        mkdir dir
        save three oci-dir gzip localhost/name:1 1<dir
        umoci unpack --image dir:localhost/name:1 bundle
        cmp bundle/rootfs/etc/numbers lower/etc/numbers
        cmp bundle/rootfs/usr/more upper/usr/more
        [ ! -e bundle/rootfs/blob ]
}

@test "a root filesystem becomes an image" {
        make_layers
        mkdir -p store
        gzip -k lower.tar
        "$TOOL" store import '{"config":{"architecture":"amd64","os":"linux","created":"2020-01-01T00:00:00Z","config":{"Cmd":["sh"]}},"name":"localhost/i:1","comment":"a comment"}' <lower.tar.gz >result
        [ -f "store/$LOWER.image" ]
        jq -e '.rootfs.diff_ids == ["sha256:'"$LOWER"'"] and .history[0].comment == "a comment" and .config.Cmd == ["sh"]' \
                "store/$(jq -r .id result | cut -d: -f2).blob"
        grep -q ' localhost/i:1$' store/images
        run -1 "$TOOL" store import '{"config":{"architecture":"amd64","os":"linux"}}' <<<'no archive at all'
        run -1 "$TOOL" store import '{}' <lower.tar
}

@test "damage in the store is found" {
        make_layers
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker()'
        loaded
        printf x | dd of="store/$LOWER.image" bs=1 seek=100000 conv=notrunc status=none
        "$TOOL" store verify "{\"layers\":[\"sha256:$LOWER\",\"sha256:$UPPER\",\"sha256:${LOWER//?/0}\"],\"blobs\":[\"$(jq -r .id result)\"]}" >verified
        [ "$(jq -r 'has("error")' verified)" = $'true\nfalse\ntrue\nfalse' ]
        # It does not go out either.
        run -1 save store docker-archive none a:1
        [[ ${lines[-1]} == *digest* ]]
}

@test "lies and holes in docker-archives" {
        make_layers
        archive 'add("config.json", config()); add("l/layer.tar", lower); docker()'
        refused 'u/layer.tar is not in the archive'
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); docker()'
        refused 'config.json is not in the archive'
        archive 'add("l/layer.tar", upper); add("u/layer.tar", lower); add("config.json", config()); docker()'
        refused 'instead of'
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config(lower)); docker()'
        refused 'the manifest has 2 layers, and the configuration 1'
        archive 'add("l/layer.tar", gzip.compress(lower)[:-9]); add("u/layer.tar", upper); add("config.json", config()); docker()'
        refused 'cut off'
        archive 'add("l/layer.tar", b"x" * 5000); add("u/layer.tar", upper); add("config.json", config()); docker()'
        refused 'is no layer'
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("0" * 64 + ".json", config()); docker(conf="0" * 64 + ".json")'
        refused 'it has the digest'
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", b"{}"); docker()'
        refused ''
        archive 'link("l/layer.tar", "../u/layer.tar"); link("u/layer.tar", "../l/layer.tar"); add("config.json", config()); docker()'
        refused 'is not in the archive'
        archive 'link("l/layer.tar", "/etc/passwd"); link("u/layer.tar", "../../../../etc/passwd"); add("config.json", config()); docker()'
        refused 'is not in the archive'
        archive 'add("manifest.json", b"[{]")'
        refused 'manifest.json'
        archive 'add("manifest.json", b"[" + b" " * 5000000 + b"]")'
        refused 'manifest.json'
        archive 'add("x", b"y")'
        refused 'neither a docker-archive nor an OCI layout'
        echo 'no archive' >archive
        refused ''
        : >archive
        refused 'neither'
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker()'
        head -c 400000 archive >half
        mv half archive
        refused 'cut off'
}

@test "lies and holes in OCI layouts" {
        make_layers
        archive 'm = blob(manifest(), MANIFEST); m["digest"] = "sha256:" + "0" * 64; index(m)'
        refused 'is not in the archive'
        archive 'm = blob(manifest(), MANIFEST); add("blobs/sha256/" + m["digest"][7:], b" " * m["size"]); index(m)'
        refused 'digest'
        archive 'm = blob(manifest(), MANIFEST); m["size"] += 1; index(m)'
        refused 'bytes instead of'
        archive 'l = blob(lower, LAYER); u = blob(upper, LAYER); add("blobs/sha256/" + hex(lower), upper); m = blob(manifest([l, u]), MANIFEST); index(m)'
        refused 'it has the digest'
        archive 'l = blob(lower, LAYER); l["size"] = 7; u = blob(upper, LAYER); m = blob(manifest([l, u]), MANIFEST); index(m)'
        refused 'bytes instead of 7'
        archive 'i = dict(schemaVersion=2, mediaType=INDEX, manifests=[]); d = blob(i, INDEX); index(d)'
        refused 'no image for'
        archive 'index()'
        refused 'there are no images'
        archive 'm = blob(manifest([descriptor(b"{}", "application/vnd.in-toto+json")]), MANIFEST); index(m)'
        refused 'no layer'
        archive 'd = blob(manifest(), MANIFEST, platform=dict(os="linux", architecture="amd64"))
for n in range(6): d = blob(dict(schemaVersion=2, mediaType=INDEX, manifests=[d]), INDEX, platform=dict(os="linux", architecture="amd64"))
index(d)'
        refused 'indexes inside of indexes'
}

@test "too much of everything" {
        make_layers
        archive 'for n in range(20001): add(f"{n}", b"x")'
        refused 'too many entries'
        archive 'for n in range(9): add(f"{n}", b"x" * 4000000)'
        refused 'documents are larger'
        archive 'for n in range(1001): add(f"{n}", b"\0" * 1024)'
        refused 'more than 1000 layers'
}

@test "a full disk, and nobody who reads" {
        make_layers
        archive 'add("l/layer.tar", lower); add("u/layer.tar", upper); add("config.json", config()); docker()'
        mkdir small
        mount -t tmpfs -o size=500k tmpfs small
        run -1 load small <archive
        [[ $output == *"No space left on device"* ]]
        [ ! -e small/images ]
        loaded
        ! save store docker-archive gzip a:1 >/dev/full 2>error || return
        grep 'No space left on device' error
        save store docker-archive none a:1 2>error | head -c 1000 >/dev/null || true
        grep 'Broken pipe' error
}
