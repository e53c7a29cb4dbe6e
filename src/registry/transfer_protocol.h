/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holt and holt-fetch say to each other: JSON objects over a SOCK_SEQPACKET pair, descriptors beside them
 * (SCM_RIGHTS). holt-fetch's end is descriptor TRANSFER_SOCKET.
 *
 *   holt:        { "job": NAME, "parameters": {...} }                  first, with the descriptor to read or write, if
 * any holt-fetch:  { "ask": NAME, ... }                                  answered by { "ok": true, ... } or { "error":
 * { "code": errno, "text": ... } } { "tell": "progress" | "warning" | "result", ... }    not answered { "tell": "end",
 * "error": {...} or absent }           last
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
 * content to digests that are not in the store yet, and can do nothing to those that are, nor to anything else.
 */
#pragma once

enum {
        TRANSFER_SOCKET = 3,
        TRANSFER_MAX_MESSAGE = 128 << 10,
        TRANSFER_MAX_FDS = 2,
        TRANSFER_MAX_BLOBS = 32, /* in the answer to layer-blobs: the newest */
};
