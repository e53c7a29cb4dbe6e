#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A holt-fetch in wrong hands (src/registry/transfer_protocol.h): does what $EVIL names, one of the functions below.

What it learns is written to $EVIL_LOG, a line each. $EVIL_DIGEST: of a layer that is in the store.
"""
import array
import hashlib
import json
import os
import signal
import socket
import sys
import time

sock = socket.socket(fileno=3)
NEW = "sha256:" + "0123456789abcdef" * 4
PATH = "sha256:../../../../../../../../../../../../../../../../../../marker"


def log(*words):
    with open(os.environ["EVIL_LOG"], "a") as f:
        print(*words, file=f)


def send_bytes(data, fds=()):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], rights)


def send(message, fds=()):
    send_bytes(json.dumps(message).encode(), fds)


def receive():
    data, rights, _, _ = sock.recvmsg(1 << 18, socket.CMSG_SPACE(32))
    fds = array.array("i")
    for _, _, content in rights:
        fds.frombytes(content)
    return json.loads(data), list(fds)


def ask(what, fds=(), /, **members):
    """(answer, descriptors); the answer has "error" when it was refused."""
    send({"ask": what, **members}, fds)
    return receive()


def tried(what, fds=(), /, **members):
    answer, _ = ask(what, fds, **members)
    error = answer.get("error")
    log(what, f"refused {error['code']} {error['text']}" if error else "done")
    return answer


def end(**members):
    send({"tell": "end", **members})


def new_file(content=b""):
    _, (fd,) = ask("new-file")
    os.write(fd, content)
    return fd


# ---- words that make no sense ----


def garbage():
    send_bytes(b"\xff\0{]garbage")


def no_object():
    send_bytes(b"[1]")


def nothing_said():
    send_bytes(b"{}")
    log(receive()[0]["error"]["text"])
    end()


def too_long():
    send_bytes(b'{"tell":"warning","text":"' + b"a" * 150000 + b'"}')


def empty():
    send_bytes(b"")
    time.sleep(0.3)


def deep():
    send_bytes(b'{"ask":' + b"[" * 100000)


def wrong_types():
    for message in ({"ask": 5}, {"ask": {}}, {"ask": "no such thing"}, {"ask": "has-layer"}, {"ask": "has-layer", "diff_id": []},
                    {"ask": "add-layer", "diff_id": NEW, "tar_size": -1}, {"ask": "add-layer", "diff_id": NEW},
                    {"ask": "add-blob", "digest": NEW, "media_type": None}, {"ask": "add-image", "manifest": 1},
                    {"ask": "add-layer-blob", "diff_id": NEW, "digest": NEW, "compression": 77, "size": 2**64 - 1},
                    {"ask": "credentials", "registry": 7}, {"ask": "endpoints", "registry": "a b", "repository": "x", "tag": ""}):
        send(message)
        answer, _ = receive()
        log("refused" if "error" in answer else f"taken {message}")
    end()


def wrong_tales():
    for message in ({"tell": "progress"}, {"tell": "progress", "id": 1, "state": []}, {"tell": "result", "result": "x"},
                    {"tell": "warning"}, {"tell": "nonsense"}, {"tell": "progress", "id": "x", "state": "y" * 1000, "done": 2**64 - 1,
                                                               "total": 1}):
        send(message)
    end()


def strange_error():
    end(error={"code": 2**40, "text": "\x1b]0;owned\x07\nholt: all is well" + "x" * 100000})


def escapes():
    send({"tell": "warning", "text": "\x1b[2Jwarning\nholt: all is well"})
    for i in range(3):
        send({"tell": "progress", "id": f"\x1b]0;{i}\x07\n", "state": "\x1b[31mdone\n", "done": 1, "total": 1})
        send({"tell": "progress", "id": f"\x1b]0;{i}\x07\n", "state": "done", "done": 1, "total": 1})
    end()


# ---- descriptors ----


def _held():
    return len(os.listdir(f"/proc/{os.getppid()}/fd"))


def many_descriptors():
    null = os.open("/dev/null", os.O_RDONLY)
    before = _held()
    for i in range(300):
        ask("has-layer", [null] * (i % 200), diff_id=NEW)
        send({"tell": "nonsense"}, [null] * 5)
    ask("has-layer", diff_id=NEW)
    log("leaked", _held() - before)
    end()


def many_pins():
    """Every layer that is asked for is kept open."""
    for _ in range(3000):
        answer, _ = ask("has-layer", diff_id=os.environ["EVIL_DIGEST"])
        if "error" in answer:
            break
    log("held", "many" if _held() > 1500 else "few")
    end()


def no_descriptor():
    tried("add-blob", digest=NEW, media_type="x")
    tried("add-layer", diff_id=NEW, tar_size=1)
    tried("add-layer", [new_file(b"a")], diff_id=NEW, tar_size=1)
    end()


def irregular():
    pipe, _ = os.pipe()
    memory = os.memfd_create("m")
    os.write(memory, b"{}")
    foreign = os.open(os.environ["EVIL_FILE"], os.O_RDWR)
    opened = [pipe, memory, foreign, sock.fileno(), os.open("/dev/zero", os.O_RDONLY), os.open("/", os.O_RDONLY),
              os.open("/proc/self/status", os.O_RDONLY), os.open(os.environ["EVIL_FILE"], os.O_PATH)]
    good = new_file(b"{}")
    for fd in opened:
        tried("add-blob", [fd], digest=NEW, media_type="x")
        tried("add-layer", [fd, fd], diff_id=NEW, tar_size=1)
        tried("add-layer", [good, fd], diff_id=NEW, tar_size=1)
    end()


def same_file_twice():
    fd = new_file(b"{}")
    tried("add-layer", [fd, fd], diff_id=NEW, tar_size=1)
    end()


def huge_blob():
    fd = new_file(b"{}")
    os.ftruncate(fd, 1 << 40)
    tried("add-blob", [fd], digest=NEW, media_type="application/vnd.oci.image.manifest.v1+json")
    tried("add-image", manifest=NEW)
    end()


def changed_afterwards():
    """It keeps its descriptors of what it handed over."""
    text = b'{"a":"before"}'
    digest = "sha256:" + hashlib.sha256(text).hexdigest()
    fd = new_file(text)
    tried("add-blob", [fd], digest=digest, media_type="x")
    os.pwrite(fd, b'{"a":"after "}', 0)
    end()


# ---- what is not its own ----


def paths():
    for name, members in (("has-layer", {"diff_id": PATH}), ("open-layer", {"diff_id": PATH}), ("read-blob", {"digest": PATH}),
                          ("layer-blobs", {"diff_id": PATH}), ("add-image", {"manifest": PATH})):
        tried(name, **members)
    tried("add-blob", [new_file(b"{}")], digest=PATH, media_type="x")
    tried("add-layer", [new_file(b"x"), new_file(b"x")], diff_id=PATH, tar_size=1)
    tried("add-layer-blob", diff_id=PATH, digest=PATH, size=1, compression=0)
    end()


def replace_layer():
    tried("add-layer", [new_file(b"other"), new_file(b"other")], diff_id=os.environ["EVIL_DIGEST"], tar_size=5)
    tried("add-blob", [new_file(b"other")], digest=os.environ["EVIL_BLOB"], media_type="x")
    end()


def steal():
    """Credentials, other images' content and names, while the job is to pull from 127.0.0.1:1."""
    for registry in "docker.io", "registry.example.com":
        answer = tried("endpoints", registry=registry, repository="library/x", tag="latest", push=False)
        answer = tried("credentials", registry=registry, repository="library/x")
        log("password", answer.get("password"))
    tried("open-layer", diff_id=os.environ["EVIL_DIGEST"])
    tried("read-blob", digest=os.environ["EVIL_BLOB"])
    tried("add-image", manifest=os.environ["EVIL_MANIFEST"], name="docker.io/library/trusted:1")
    tried("new-file")
    end()


# ---- ends ----


def no_last_word():
    sys.exit(0)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def closed_socket():
    sock.close()
    time.sleep(0.3)


def flood():
    for i in range(30000):
        send({"tell": "progress", "id": f"{i:064x}", "state": "done", "done": i, "total": i})
    end()


def goes_on():
    """Says its last word and stays."""
    end()
    time.sleep(600)


receive()
globals()[os.environ["EVIL"]]()
