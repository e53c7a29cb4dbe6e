/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/machine_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"
#include "sys/fd.h"

int machine_id_make(char ret[MACHINE_ID_LEN + 2])
{
        unsigned char bytes[MACHINE_ID_LEN / 2];

        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                return -EIO;
        /* A random UUID (RFC 9562, version 4), as systemd makes it. */
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        for (size_t k = 0; k < sizeof bytes; k++)
                snprintf(ret + 2 * k, 3, "%02x", bytes[k]);
        memcpy(ret + MACHINE_ID_LEN, "\n", 2);
        return 0;
}

int machine_id_note(const struct instance *i, struct error *err)
{
        char text[MACHINE_ID_LEN + 2];
        int r = machine_id_make(text);

        if (r == 0)
                r = fd_replace_file_at(i->fd, "machine-id", text, MACHINE_ID_LEN + 1, 0644);
        return r < 0 ? error_errno(err, -r, "give %s a machine-id", i->name) : 0;
}
