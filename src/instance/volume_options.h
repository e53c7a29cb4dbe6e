/* SPDX-License-Identifier: Apache-2.0 */
/* The options of mounts in Docker's and podman's words become those of the runtime-spec. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

/*
 * Of a bind: "ro,rslave,noexec". *ret_idmap: what stands behind "idmap=" ("uids=0-100000-10;gids=..."), in `text`, or
 * NULL; volume_options_check_idmap() has found it good.
 */
int volume_options_of_bind(const char *text, struct buf *out, const char **ret_idmap, struct error *err);

/* Of a tmpfs: "size=64m,mode=1770,exec". Of two that contradict each other the last counts. */
int volume_options_of_tmpfs(const char *text, struct buf *out, struct error *err);

/* "uids=FILE-MOUNT-COUNT[#...];gids=..." */
int volume_options_check_idmap(const char *text, struct error *err);

/* uidMappings and gidMappings of a mount. */
void volume_options_write_idmap(const char *text, struct json_writer *w);
