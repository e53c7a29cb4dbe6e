/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual machines. That /dev/kvm opens does not mean that guests run: some hosts have a KVM made by software, in which
 * a few instructions run and a kernel dies.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "instance/doctor/checks.h"
#include "vm/guest_kernel.h"

enum { MAX_CPUINFO = 64 << 10 };

/* "vmx", "svm", or NULL; "" where the processor's kind has no such word. */
static const char *virtualization(const struct doctor_host *h)
{
        own_mem char *text = malloc(MAX_CPUINFO);
        char *flags;

        if (!text || host_read(h, "/proc/cpuinfo", text, MAX_CPUINFO) <= 0)
                return "";
        flags = strstr(text, "\nflags");
        if (!flags)
                return "";
        flags[1 + strcspn(flags + 1, "\n")] = '\0';
        return host_has_word(flags, "vmx") ? "vmx" : host_has_word(flags, "svm") ? "svm" : NULL;
}

static void explain(const struct doctor_host *h, int r, const char *flag, struct doctor_finding *finding, char *mend,
                    size_t size)
{
        finding->level = DOCTOR_WARNING;
        finding->why = "virtual machines are emulated (TCG), many times slower";
        if (r == -EACCES || r == -EPERM) {
                snprintf(mend, size, "usermod -aG kvm %s", h->user);
                finding->text = "/dev/kvm is not for this user";
                finding->mend = mend;
        } else if (r == -ENOENT || r == -ENODEV || r == -ENXIO) {
                finding->text = flag ? "there is no /dev/kvm" : "there is no /dev/kvm, and no virtualization";
                finding->mend = !flag ? "switch virtualization on in the firmware, or nesting in the host's "
                                        "hypervisor"
                                : strcmp(flag, "svm") == 0 ? "modprobe kvm_amd"
                                : *flag                    ? "modprobe kvm_intel"
                                                           : NULL;
        } else {
                finding->text = "/dev/kvm opens, but runs no guest";
        }
}

static void check_kvm(const struct doctor_host *h, struct doctor_findings *f)
{
        struct doctor_finding finding = { .group = "machines", .check = "kvm" };
        const char *flag = virtualization(h);
        int r = h->attempt(h, TRIAL_KVM);
        char mend[160];

        if (r < 0) {
                explain(h, r, flag, &finding, mend, sizeof mend);
        } else if (!flag) {
                finding.level = DOCTOR_WARNING;
                finding.text = "/dev/kvm runs instructions, but without virtualization by the processor";
                finding.why = "kernels may die in such a guest: virtual machines are emulated (TCG), many times slower";
        } else {
                finding.text = "KVM runs guests";
        }
        doctor_add(f, &finding);
}

static void check_qemu(const struct doctor_host *h, struct doctor_findings *f)
{
#if defined(__aarch64__)
        static const struct host_package package = { "qemu-system-arm", "qemu-system-aarch64", "qemu-system-aarch64",
                                                     "qemu-system-aarch64" };
        static const char program[] = "qemu-system-aarch64";
#else
        static const struct host_package package = { "qemu-system-x86", "qemu-system-x86", "qemu-system-x86",
                                                     "qemu-system-x86_64" };
        static const char program[] = "qemu-system-x86_64";
#endif
        bool there = host_has_program(h, program);
        char mend[96];

        host_install(h, &package, mend, sizeof mend);
        doctor_addf(f,
                    (struct doctor_finding){ .group = "machines",
                                             .check = "qemu",
                                             .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                                             .why = there ? NULL : "virtual machines cannot be run",
                                             .mend = there ? NULL : mend },
                    there ? "%s is installed" : "%s is not installed", program);
}

static void check_kernel(const struct doctor_host *h, struct doctor_findings *f)
{
        own_guest_kernel struct guest_kernel kernel = {};
        struct error ignored;
        bool there = guest_kernel_find_below(h->top, h->root, &kernel, &ignored) == 0;

        doctor_addf(f,
                    (struct doctor_finding){ .group = "machines",
                                             .check = "guest-kernel",
                                             .level = there ? DOCTOR_OK : DOCTOR_WARNING,
                                             .why = there ? NULL : "virtual machines cannot be run",
                                             .mend = there ? NULL : "holt system kernel" },
                    there ? "guests have Linux %s" : "there is no kernel for guests", kernel.release);
}

void doctor_check_machines(const struct doctor_host *h, struct doctor_findings *f)
{
        check_kvm(h, f);
        check_qemu(h, f);
        check_kernel(h, f);
}
