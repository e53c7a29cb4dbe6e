/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holt and holt-fetch say to each other: JSON objects over a SOCK_SEQPACKET pair, descriptors beside them
 * (SCM_RIGHTS). holt-fetch's end is descriptor TRANSFER_SOCKET.
 *
 * holt begins, with the descriptor that is to be read or written, if any:
 *
 *   { "job": NAME, "parameters": {...}, "debug": true or absent }
 *
 * holt-fetch asks, and is answered by { "ok": true, ... } or { "error": { "code": errno, "text": ... } }:
 *
 *   { "ask": NAME, ... }
 *
 * It tells, without an answer ("debug" only when that is wanted), and has a last word:
 *
 *   { "tell": "progress" | "warning" | "result" | "debug", ... }
 *   { "tell": "end", "error": {...} or absent }
 *
 *   ask             members                                 answer
 *   new-file                                                descriptor
 *   has-layer       diff_id                                 "has": bool
 *   open-layer      diff_id                                 "tar_size"; descriptors of image and recipe
 *   read-blob       digest                                  "has": bool, descriptor
 *   layer-blobs     diff_id                                 "blobs": [ { digest, size, compression, ours, source } ]
 *   add-layer-blob  diff_id, digest, size, compression, ours, source
 *   add-layer       diff_id, tar_size; descriptors of image and recipe
 *   add-blob        digest, media_type; descriptor
 *   add-image       manifest, name or absent
 *   credentials     registry, repository                    username, password, identity_token
 *   endpoints       registry, repository, tag, push: bool   "endpoints": [ { registry, repository, insecure } ]
 *
 * holt believes holt-fetch that it has checked digests, and nothing else: a holt-fetch in wrong hands can give wrong
 * content to digests that are not in the store yet, as long as it runs also after it has handed them over, and can do
 * nothing to those that are, nor to anything else. What a job may ask for is limited to what it is about (-EPERM):
 * the credentials of its own registry and mirrors, the names of its own image, no content of others.
 */
#pragma once

enum {
        TRANSFER_SOCKET = 3,
        TRANSFER_MAX_MESSAGE = 128 << 10,
        TRANSFER_MAX_FDS = 2,
        TRANSFER_MAX_BLOBS = 32, /* in the answer to layer-blobs: the newest */
};
