#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for holt-fetch where the command line alone is tested: no network, and always the same answers.

It speaks what src/registry/transfer_protocol.h says. The layers of an image are files made by
$LAYER_FROM_TAR (build/tests/store/layer_from_tar). What the commands ask for is written to
$FETCH_DOUBLE_LOG, if that is set.

A pull knows the repositories "stack" (two layers; "stack:top" has one more), "bare" (the first
of them alone) and "slow" (it waits for ever); anything else is not there. A password is
"secret".
"""
import array
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile

sock = socket.socket(fileno=3)


def send(message, fds=()):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([json.dumps(message).encode()], rights)


def receive():
    fds = array.array("i")
    data, rights, _, _ = sock.recvmsg(1 << 18, socket.CMSG_SPACE(8 * fds.itemsize))
    for level, kind, content in rights:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
    return json.loads(data), list(fds)


class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def ask(request, fds=(), /, **members):
    send({"ask": request, **members}, fds)
    answer, got = receive()
    if "error" in answer:
        raise Failure(answer["error"]["code"], answer["error"]["text"])
    return answer, got


def progress(digest, state, done=0, total=0):
    send({"tell": "progress", "id": digest, "state": state, "done": done, "total": total})


def result(**members):
    send({"tell": "result", "result": members})


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def add_blob(media_type, data):
    _, (fd,) = ask("new-file")
    os.write(fd, data)
    ask("add-blob", [fd], digest=sha256(data), media_type=media_type)
    os.close(fd)
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}


def make_tar(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def add_layer(data):
    diff_id = sha256(data)
    if ask("has-layer", diff_id=diff_id)[0]["has"]:
        progress(diff_id, "exists")
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": diff_id, "size": len(data)}
    progress(diff_id, "waiting")
    _, (image,) = ask("new-file")
    _, (recipe,) = ask("new-file")
    progress(diff_id, "transferring", len(data) // 2, len(data))
    subprocess.run([os.environ["LAYER_FROM_TAR"], f"/proc/self/fd/{image}", f"/proc/self/fd/{recipe}"], input=data,
                   pass_fds=(image, recipe), check=True)
    ask("add-layer", [image, recipe], diff_id=diff_id, tar_size=len(data))
    os.close(image)
    os.close(recipe)
    progress(diff_id, "done", len(data), len(data))
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": diff_id, "size": len(data)}


def add_image(tars, config, name, history):
    layers = [add_layer(t) for t in tars]
    config = dict(config, rootfs={"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}, history=history)
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add_blob("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
        "layers": layers,
    }).encode()
    add_blob("application/vnd.oci.image.manifest.v1+json", manifest)
    ask("add-image", manifest=sha256(manifest), **({"name": name} if name else {}))
    return sha256(json.dumps(config).encode()), sha256(manifest)


IMAGES = {
    "bare": (["base"], "2024-01-01T00:00:00Z", {"Labels": {"tier": "base"}}),
    "stack": (["base", "tools"], "2024-02-01T00:00:00Z", {
        "Env": ["PATH=/bin", "LANG=C"], "Cmd": ["/bin/sh"], "Labels": {"tier": "tools", "org.x": "y"}, "WorkingDir": "/srv"}),
    "stack:top": (["base", "tools", "top"], "2024-03-01T00:00:00Z", {"Cmd": ["/top"]}),
}


def pull(p, _):
    name = p["reference"].rsplit("/", 1)[-1].split("@")[0]
    if name.startswith("slow"):
        progress("sha256:" + "5" * 64, "transferring", 1, 10)
        signal.pause()
    key = name if name in IMAGES else name.split(":")[0]
    if key not in IMAGES:
        raise Failure(2, "manifest unknown\x1b[31m")
    if p["all_tags"] and key == "stack":
        for tag in "latest", "top":
            make_known_image("stack:top" if tag == "top" else "stack", f"{p['reference']}:{tag}")
        return
    send({"tell": "warning", "text": "the registry is slow"})
    make_known_image(key, p.get("name"))


def make_known_image(key, name):
    layers, created, config = IMAGES[key]
    tars = [make_tar(f"{layer}.txt", (layer + "\n").encode() * 1000) for layer in layers]
    history = [{"created": created, "created_by": f"add {layer} " + "x" * 60} for layer in layers]
    history.append({"created": created, "created_by": "CMD\x1b[31m", "comment": "end", "empty_layer": True})
    image, manifest = add_image(tars, {"created": created, "architecture": "amd64", "os": "linux", "config": config},
                                name, history)
    result(**({"name": name} if name else {}), digest=manifest, manifest=manifest, id=image)


def push(p, _):
    progress(p["manifest"], "done", 5, 5)
    result(digest=p["manifest"], size=1234, media_type="application/vnd.oci.image.manifest.v1+json")


def login(p, _):
    answer, _ = ask("credentials", registry=p["registry"], repository="")
    if answer["password"] != "secret":
        raise Failure(13, "unauthorized: incorrect username or password")
    result()


def search(p, _):
    for i in range(min(p["limit"], 3)):
        result(name=f"{p['term']}{i}", description="about\x1b[31m " + "words " * 12, stars=10 - i * 4, official=i == 0)


def load(p, fd):
    with os.fdopen(fd, "rb") as f:
        data = f.read()
    image, manifest = add_image([data], {"created": "2024-04-01T00:00:00Z", "architecture": "amd64", "os": "linux"},
                                "docker.io/library/loaded:1", [])
    result(name="docker.io/library/loaded:1", id=image, manifest=manifest)
    result(id=image, manifest=manifest)


def import_(p, fd):
    with os.fdopen(fd, "rb") as f:
        data = f.read()
    image, manifest = add_image([data], p["config"], p.get("name"), [{"comment": p["comment"]}])
    result(id=image, manifest=manifest)


def save(p, fd):
    progress("sha256:" + "6" * 64, "done", 1, 1)
    if os.environ.get("FETCH_DOUBLE_FAIL"):
        raise Failure(28, "No space left on device")
    if p["format"] == "oci-dir":
        os.close(os.open("oci-layout", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    else:
        os.write(fd, b"archive\n")


def verify(p, _):
    for i, layer in enumerate(p["layers"]):
        result(diff_id=layer, **({"error": "its archive has another digest"} if i == 0 else {}))


def main():
    jobs = {"pull": pull, "push": push, "login": login, "search": search, "load": load, "import": import_, "save": save,
            "verify": verify}
    message, fds = receive()
    if os.environ.get("FETCH_DOUBLE_LOG"):
        with open(os.environ["FETCH_DOUBLE_LOG"], "a", encoding="utf-8") as log:
            log.write(json.dumps(message) + "\n")
    try:
        jobs[message["job"]](message["parameters"], fds[0] if fds else None)
        send({"tell": "end"})
    except Failure as failure:
        send({"tell": "end", "error": {"code": failure.code, "text": str(failure)}})


sys.exit(main())
