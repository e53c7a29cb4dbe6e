#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small client of the Kubernetes Container Runtime Interface, for one call:

  cri_client.py SOCKET METHOD <request.json >response.json

gRPC over HTTP/2 on a Unix socket, as much of it as one unary call needs: frames by hand,
headers as literals without indexing (RFC 7541, 6.2.2), messages by the tables below, whose
numbers are those of the interface's api.proto. Fields that the tables lack are left out of
requests (an error) and answers (in silence).

What the server's headers say is not decoded (they are Huffman coded): an answer without a
message is a failure, and containerd's log tells why."""

import json
import socket
import struct
import sys

LIMIT = 120.0
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4

# name: (number, type); a type in a list is repeated, "map" is map<string, string>.
MESSAGES = {
    "Empty": {},
    "VersionRequest": {"version": (1, "string")},
    "VersionResponse": {"version": (1, "string"), "runtime_name": (2, "string"), "runtime_version": (3, "string"),
                        "runtime_api_version": (4, "string")},
    "StatusRequest": {"verbose": (1, "int")},
    "StatusResponse": {"status": (1, "RuntimeStatus")},
    "RuntimeStatus": {"conditions": (1, ["RuntimeCondition"])},
    "RuntimeCondition": {"type": (1, "string"), "status": (2, "int"), "reason": (3, "string"), "message": (4, "string")},
    "Int64Value": {"value": (1, "int")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int"), "target_id": (4, "string")},
    "SecurityProfile": {"profile_type": (1, "int"), "localhost_ref": (2, "string")},
    "LinuxSandboxSecurityContext": {"namespace_options": (1, "NamespaceOption"), "run_as_user": (3, "Int64Value"),
                                    "readonly_rootfs": (4, "int"), "privileged": (6, "int"), "seccomp": (9, "SecurityProfile")},
    "LinuxPodSandboxConfig": {"cgroup_parent": (1, "string"), "security_context": (2, "LinuxSandboxSecurityContext"),
                              "sysctls": (3, "map")},
    "PodSandboxMetadata": {"name": (1, "string"), "uid": (2, "string"), "namespace": (3, "string"), "attempt": (4, "int")},
    "PodSandboxConfig": {"metadata": (1, "PodSandboxMetadata"), "hostname": (2, "string"), "log_directory": (3, "string"),
                         "labels": (6, "map"), "annotations": (7, "map"), "linux": (8, "LinuxPodSandboxConfig")},
    "RunPodSandboxRequest": {"config": (1, "PodSandboxConfig"), "runtime_handler": (2, "string")},
    "SandboxId": {"pod_sandbox_id": (1, "string")},
    "PodSandbox": {"id": (1, "string"), "metadata": (2, "PodSandboxMetadata"), "state": (3, "int")},
    "ListPodSandboxResponse": {"items": (1, ["PodSandbox"])},
    "ImageSpec": {"image": (1, "string")},
    "KeyValue": {"key": (1, "string"), "value": (2, "string")},
    "Mount": {"container_path": (1, "string"), "host_path": (2, "string"), "readonly": (3, "int"), "propagation": (5, "int")},
    "LinuxContainerResources": {"cpu_period": (1, "int"), "cpu_quota": (2, "int"), "cpu_shares": (3, "int"),
                                "memory_limit_in_bytes": (4, "int"), "oom_score_adj": (5, "int"), "cpuset_cpus": (6, "string"),
                                "cpuset_mems": (7, "string"), "unified": (9, "map"), "memory_swap_limit_in_bytes": (10, "int")},
    "Capability": {"add_capabilities": (1, ["string"]), "drop_capabilities": (2, ["string"])},
    "LinuxContainerSecurityContext": {"capabilities": (1, "Capability"), "privileged": (2, "int"),
                                      "namespace_options": (3, "NamespaceOption"), "run_as_user": (5, "Int64Value"),
                                      "run_as_group": (12, "Int64Value"), "readonly_rootfs": (7, "int"),
                                      "supplemental_groups": (8, ["int"]), "no_new_privs": (11, "int"),
                                      "masked_paths": (13, ["string"]), "readonly_paths": (14, ["string"]),
                                      "seccomp": (15, "SecurityProfile")},
    "LinuxContainerConfig": {"resources": (1, "LinuxContainerResources"), "security_context": (2, "LinuxContainerSecurityContext")},
    "ContainerMetadata": {"name": (1, "string"), "attempt": (2, "int")},
    "ContainerConfig": {"metadata": (1, "ContainerMetadata"), "image": (2, "ImageSpec"), "command": (3, ["string"]),
                        "args": (4, ["string"]), "working_dir": (5, "string"), "envs": (6, ["KeyValue"]),
                        "mounts": (7, ["Mount"]), "labels": (9, "map"), "annotations": (10, "map"), "log_path": (11, "string"),
                        "stdin": (12, "int"), "tty": (14, "int"), "linux": (15, "LinuxContainerConfig")},
    "CreateContainerRequest": {"pod_sandbox_id": (1, "string"), "config": (2, "ContainerConfig"),
                               "sandbox_config": (3, "PodSandboxConfig")},
    "ContainerId": {"container_id": (1, "string")},
    "StopContainerRequest": {"container_id": (1, "string"), "timeout": (2, "int")},
    "ContainerFilter": {"id": (1, "string"), "pod_sandbox_id": (3, "string")},
    "ListContainersRequest": {"filter": (1, "ContainerFilter")},
    "Container": {"id": (1, "string"), "pod_sandbox_id": (2, "string"), "metadata": (3, "ContainerMetadata"), "state": (6, "int")},
    "ListContainersResponse": {"containers": (1, ["Container"])},
    "ContainerStatus": {"id": (1, "string"), "state": (3, "int"), "exit_code": (7, "int"), "reason": (10, "string")},
    "ContainerStatusResponse": {"status": (1, "ContainerStatus")},
    "UpdateContainerResourcesRequest": {"container_id": (1, "string"), "linux": (2, "LinuxContainerResources")},
    "ExecSyncRequest": {"container_id": (1, "string"), "cmd": (2, ["string"]), "timeout": (3, "int")},
    "ExecSyncResponse": {"stdout": (1, "string"), "stderr": (2, "string"), "exit_code": (3, "int")},
    "UInt64Value": {"value": (1, "int")},
    "CpuUsage": {"usage_core_nano_seconds": (2, "UInt64Value")},
    "MemoryUsage": {"working_set_bytes": (2, "UInt64Value")},
    "ContainerStats": {"cpu": (2, "CpuUsage"), "memory": (3, "MemoryUsage")},
    "ContainerStatsResponse": {"stats": (1, "ContainerStats")},
    "ImageRequest": {"image": (1, "ImageSpec")},
    "Image": {"id": (1, "string"), "repo_tags": (2, ["string"]), "size": (4, "int")},
    "ImageStatusResponse": {"image": (1, "Image")},
    "ListImagesResponse": {"images": (1, ["Image"])},
}

METHODS = {
    "Version": ("RuntimeService", "VersionRequest", "VersionResponse"),
    "Status": ("RuntimeService", "StatusRequest", "StatusResponse"),
    "RunPodSandbox": ("RuntimeService", "RunPodSandboxRequest", "SandboxId"),
    "StopPodSandbox": ("RuntimeService", "SandboxId", "Empty"),
    "RemovePodSandbox": ("RuntimeService", "SandboxId", "Empty"),
    "ListPodSandbox": ("RuntimeService", "Empty", "ListPodSandboxResponse"),
    "CreateContainer": ("RuntimeService", "CreateContainerRequest", "ContainerId"),
    "StartContainer": ("RuntimeService", "ContainerId", "Empty"),
    "StopContainer": ("RuntimeService", "StopContainerRequest", "Empty"),
    "RemoveContainer": ("RuntimeService", "ContainerId", "Empty"),
    "ListContainers": ("RuntimeService", "ListContainersRequest", "ListContainersResponse"),
    "ContainerStatus": ("RuntimeService", "ContainerId", "ContainerStatusResponse"),
    "ContainerStats": ("RuntimeService", "ContainerId", "ContainerStatsResponse"),
    "UpdateContainerResources": ("RuntimeService", "UpdateContainerResourcesRequest", "Empty"),
    "ExecSync": ("RuntimeService", "ExecSyncRequest", "ExecSyncResponse"),
    "ImageStatus": ("ImageService", "ImageRequest", "ImageStatusResponse"),
    "ListImages": ("ImageService", "Empty", "ListImagesResponse"),
}


# Protocol buffers

def encode_varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_bytes(number, data):
    return encode_varint(number << 3 | 2) + encode_varint(len(data)) + data


def encode_field(number, kind, value):
    if isinstance(kind, list):
        return b"".join(encode_field(number, kind[0], item) for item in value)
    if kind == "int":
        return encode_varint(number << 3) + encode_varint(int(value))
    if kind == "string":
        return encode_bytes(number, value.encode())
    if kind == "map":
        return b"".join(encode_bytes(number, encode_bytes(1, k.encode()) + encode_bytes(2, v.encode()))
                        for k, v in value.items())
    return encode_bytes(number, encode(kind, value))


def encode(name, message):
    fields = MESSAGES[name]
    for key in message:
        if key not in fields:
            sys.exit("cri_client: %s has no field %s" % (name, key))
    return b"".join(encode_field(*fields[key], value) for key, value in message.items())


def decode_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def decode_value(kind, raw):
    if kind == "int":
        return raw - (1 << 64) if raw >> 63 else raw
    if kind == "string":
        return raw.decode(errors="replace")
    return decode(kind, raw)


def decode(name, data):
    fields = {number: (key, kind) for key, (number, kind) in MESSAGES[name].items()}
    message, at = {}, 0
    while at < len(data):
        tag, at = decode_varint(data, at)
        wire = tag & 7
        if wire == 0:
            raw, at = decode_varint(data, at)
        elif wire == 2:
            size, at = decode_varint(data, at)
            raw, at = data[at:at + size], at + size
        else:
            size = 8 if wire == 1 else 4
            raw, at = data[at:at + size], at + size
        key, kind = fields.get(tag >> 3, (None, None))
        if key is None or kind == "map":
            continue
        if isinstance(kind, list):
            message.setdefault(key, []).append(decode_value(kind[0], raw))
        else:
            message[key] = decode_value(kind, raw)
    return message


# HTTP/2

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    """A literal header without indexing, its strings as they are; all are shorter than 127 bytes."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        window = struct.pack(">HI", 4, (1 << 31) - 1)  # SETTINGS_INITIAL_WINDOW_SIZE
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, window) +
                            frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", (1 << 31) - 1 - 65535)))

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                sys.exit("cri_client: the server closed the connection")
            data += part
        return data

    def read_frame(self):
        head = self.read(9)
        size = struct.unpack(">I", b"\0" + head[:3])[0]
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.read(size)

    def call(self, service, method, payload):
        headers = b"".join(header(name, value) for name, value in (
            (":method", "POST"), (":scheme", "http"), (":path", "/runtime.v1.%s/%s" % (service, method)),
            (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")))
        body = struct.pack(">BI", 0, len(payload)) + payload
        self.socket.sendall(frame(HEADERS, END_HEADERS, 1, headers) + frame(DATA, END_STREAM, 1, body))
        return self.read_answer()

    def read_answer(self):
        """The bytes of the stream's data frames."""
        data = b""
        while True:
            kind, flags, stream, payload = self.read_frame()
            if kind == SETTINGS and not flags & ACK:
                self.socket.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self.socket.sendall(frame(PING, ACK, 0, payload))
            elif kind == GOAWAY or (kind == RST_STREAM and stream == 1):
                sys.exit("cri_client: the server gave up: %r" % payload)
            elif kind == DATA and stream == 1:
                data += payload
            if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
                return data


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in METHODS:
        sys.exit("usage: cri_client.py SOCKET METHOD <request.json\nmethods: " + " ".join(METHODS))
    service, request, response = METHODS[sys.argv[2]]
    text = sys.stdin.read()
    payload = encode(request, json.loads(text) if text.strip() else {})
    if len(payload) > 16000:
        sys.exit("cri_client: a request larger than one frame")
    data = Connection(sys.argv[1]).call(service, sys.argv[2], payload)
    if len(data) < 5:
        sys.exit("cri_client: %s failed" % sys.argv[2])
    (size,) = struct.unpack(">I", data[1:5])
    json.dump(decode(response, data[5:5 + size]), sys.stdout)
    print()


main()
