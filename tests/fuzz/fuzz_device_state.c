/* SPDX-License-Identifier: Apache-2.0 */
/* What QEMU saves of its devices, when a machine that runs becomes a template: QEMU may be its guest's by then. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "vm/device_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_fd int from = memfd_create("from", MFD_CLOEXEC), to = memfd_create("to", MFD_CLOEXEC);
        struct stat before, after;
        struct error err = {};
        int r;

        require(from >= 0 && to >= 0 && write(from, data, size) == (ssize_t)size);
        r = device_state_copy(from, to, &err);
        require(fstat(from, &before) == 0 && fstat(to, &after) == 0 && (size_t)before.st_size == size);
        require(r == 0 ? after.st_size > before.st_size : after.st_size == 0 && *err.text);
        return 0;
}
