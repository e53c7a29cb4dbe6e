/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"

enum { BLOCK = 4096, ATTEMPTS = 64 };

/* -EBUSY: somebody else took that number meanwhile. */
static int configure(int number, int file_fd, char path[LOOP_PATH_MAX])
{
        const struct loop_config config = {
                .fd = (unsigned)file_fd,
                .block_size = BLOCK,
                .info = { .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO },
        };
        own_fd int device = -1;

        snprintf(path, LOOP_PATH_MAX, "/dev/loop%d", number);
        device = open(path, O_RDONLY | O_CLOEXEC);
        if (device < 0 || ioctl(device, LOOP_CONFIGURE, &config) < 0)
                return -errno;
        return take_fd(&device);
}

int loop_device_new(int file_fd, char ret_path[LOOP_PATH_MAX], struct error *err)
{
        own_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        int r = -EBUSY;

        if (control < 0)
                return error_errno(err, errno, "open /dev/loop-control");
        for (int i = 0; r == -EBUSY && i < ATTEMPTS; i++) {
                int number = ioctl(control, LOOP_CTL_GET_FREE);

                if (number < 0)
                        return error_errno(err, errno, "find a free loop device");
                r = configure(number, file_fd, ret_path);
        }
        return r < 0 ? error_errno(err, -r, "set up the loop device %s", ret_path) : r;
}
