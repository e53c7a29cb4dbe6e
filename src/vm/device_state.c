/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/device_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"

enum { HEADER = 8, MAX_STATE = 64 << 20 };

/* Numbers are big endian: magic and version 3; section 7, the length of the name, the name. */
static const char header[HEADER] = "QEVM\0\0\0\3";
static const char machine[] = "\7\0\0\0\7microvm";

int device_state_copy(int from, int to, struct error *err)
{
        own_buf struct buf state = {};
        int r = lseek(from, 0, SEEK_SET) < 0 ? -errno : fd_read_all(from, MAX_STATE, &state);

        if (r == 0 && (state.len < HEADER || memcmp(state.data, header, HEADER) != 0))
                return error_set(err, EBADMSG, "QEMU saved nothing that could be loaded");
        if (r == 0)
                r = fd_write_all(to, header, HEADER);
        if (r == 0)
                r = fd_write_all(to, machine, sizeof(machine) - 1);
        if (r == 0)
                r = fd_write_all(to, state.data + HEADER, state.len - HEADER);
        return r < 0 ? error_errno(err, -r, "write the state of a machine") : 0;
}
