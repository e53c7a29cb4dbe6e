/* SPDX-License-Identifier: Apache-2.0 */
/* What holt-fetch can do: each function is one job, read from the "job" message (registry/transfer_protocol.h). */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "fetch/host.h"

struct json_object;

/* --- with a registry (fetch/registry_*.c) --- */

/* { "reference": "docker.io/library/debian:12", "name": reference to keep it under or absent,
 *   "platform": "linux/amd64", "parallel": 3, "all_tags": bool (each is kept under its tag, whatever "name" says) }
 * host_result() for each image: { "name": or absent, "digest" (what the tag means: of an index, where there is one),
 *   "manifest", "id" } */
int operation_pull(struct host *h, struct json_object *job, struct error *err);

/* { "reference": where to, "manifest": "sha256:..." (of the image in the store), "compression": "gzip"|"zstd"|absent,
 *   "level": int, "chunk_size": bytes or absent (0: monolithic), "parallel": 3 }
 * Progress of a layer goes by its diff_id. One host_result(): { "digest", "size", "media_type" } of the manifest as
 * pushed. */
int operation_push(struct host *h, struct json_object *job, struct error *err);

/* { "registry" }: are the credentials (host_credentials()) good? One host_result(): { "identity_token": or absent } */
int operation_login(struct host *h, struct json_object *job, struct error *err);

/* { "registry", "term", "limit" }: host_result() for each: { "name", "description", "stars", "official" } */
int operation_search(struct host *h, struct json_object *job, struct error *err);

/* --- with an archive (fetch/archive_*.c) --- */

/* { "platform", "format": "auto" }, input: a descriptor of a docker-archive or OCI layout, as a tar (any compression)
 * or an OCI layout's directory. host_result() for each image: { "name": or absent, "id", "manifest" } */
int operation_load(struct host *h, struct json_object *job, int input, struct error *err);

/* { "format": "docker-archive"|"oci-archive"|"oci-dir", "images": [ { "manifest": "sha256:...", "names": [...] } ],
 *   "compression" }, output: a descriptor (a pipe, a file; a directory for oci-dir) */
int operation_save(struct host *h, struct json_object *job, int output, struct error *err);

/* { "config": {...} (an image configuration without rootfs), "name": or absent, "comment" }, input: a root filesystem
 * as a tar, any compression. One host_result(): { "id", "manifest" } */
int operation_import(struct host *h, struct json_object *job, int input, struct error *err);

/* { "max": bytes }, input: a layer's tar, which may not be longer. One host_result(): { "diff_id", "tar_size" } */
int operation_layer(struct host *h, struct json_object *job, int input, struct error *err);

/* { "layers": ["sha256:...", ...] }: host_result() for each: { "diff_id", "error": or absent }; likewise "blobs" */
int operation_verify(struct host *h, struct json_object *job, struct error *err);
