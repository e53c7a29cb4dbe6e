/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/accelerator.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/own.h"
#include "sys/fd.h"

static bool processor_helps(void)
{
        char line[8192];
        FILE *f = fopen("/proc/cpuinfo", "re");
        bool helps = false;

        while (f && !helps && fgets(line, sizeof(line), f)) {
                if (strncmp(line, "flags", 5) != 0)
                        continue;
                helps = strstr(line, " vmx") || strstr(line, " svm");
                break;
        }
        if (f)
                fclose(f);
        return helps;
}

static enum accelerator because(enum accelerator a, char *ret, size_t size, const char *why, int code)
{
        snprintf(ret, size, code ? "%s: %s" : "%s", why, strerror(code));
        return a;
}

enum accelerator accelerator_probe(char *ret_why, size_t size)
{
        const char *wish = getenv("HOLT_VM_ACCEL");
        own_fd int kvm = -1, vm = -1;

        if (wish && (strcmp(wish, "kvm") == 0 || strcmp(wish, "tcg") == 0))
                return because(*wish == 'k' ? ACCELERATOR_KVM : ACCELERATOR_TCG, ret_why, size, "HOLT_VM_ACCEL", 0);
        kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        if (kvm < 0)
                return because(ACCELERATOR_TCG, ret_why, size, "/dev/kvm", errno);
        if (!processor_helps())
                return because(ACCELERATOR_TCG, ret_why, size,
                               "/dev/kvm is there, but the processor has neither vmx nor svm", 0);
        if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
                return because(ACCELERATOR_TCG, ret_why, size, "/dev/kvm speaks another version", 0);
        vm = ioctl(kvm, KVM_CREATE_VM, 0);
        if (vm < 0)
                return because(ACCELERATOR_TCG, ret_why, size, "/dev/kvm makes no machine", errno);
        return because(ACCELERATOR_KVM, ret_why, size, "/dev/kvm makes machines", 0);
}

const char *accelerator_name(enum accelerator a)
{
        return a == ACCELERATOR_KVM ? "kvm" : "tcg";
}
