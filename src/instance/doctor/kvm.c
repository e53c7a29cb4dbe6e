/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/doctor/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/own.h"

#if defined(__x86_64__)
enum { GUEST_PAGE = 0x1000, PORT = 0x10, ANSWER = 42 };

/* Real mode: mov al, 42; out 0x10, al; hlt */
static const unsigned char program[] = { 0xb0, ANSWER, 0xe6, PORT, 0xf4 };

static int set_registers(int cpu)
{
        struct kvm_regs registers = { .rip = GUEST_PAGE, .rflags = 2 };
        struct kvm_sregs segments;

        if (ioctl(cpu, KVM_GET_SREGS, &segments) < 0)
                return -errno;
        segments.cs.base = 0;
        segments.cs.selector = 0;
        return ioctl(cpu, KVM_SET_SREGS, &segments) < 0 || ioctl(cpu, KVM_SET_REGS, &registers) < 0 ? -errno : 0;
}

static int add_memory(int vm)
{
        void *memory = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        struct kvm_userspace_memory_region region = {
                .guest_phys_addr = GUEST_PAGE,
                .memory_size = GUEST_PAGE,
                .userspace_addr = (uintptr_t)memory,
        };

        if (memory == MAP_FAILED)
                return -errno;
        memcpy(memory, program, sizeof program);
        return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static int run(int kvm, int vm)
{
        int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL), r;
        own_fd int cpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
        struct kvm_run *state;

        if (size < 0 || cpu < 0)
                return -errno;
        state = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
        if (state == MAP_FAILED)
                return -errno;
        r = add_memory(vm);
        if (r == 0)
                r = set_registers(cpu);
        if (r < 0)
                return r;
        if (ioctl(cpu, KVM_RUN, NULL) < 0)
                return -errno;
        return state->exit_reason == KVM_EXIT_IO && state->io.port == PORT &&
                               ((const char *)state)[state->io.data_offset] == ANSWER
                       ? 0
                       : -EIO;
}
#else
static int run(int kvm, int vm)
{
        own_fd int cpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);

        return cpu < 0 ? -errno : 0;
}
#endif

int kvm_try(void)
{
        own_fd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = -1;

        if (kvm < 0)
                return -errno;
        if (ioctl(kvm, KVM_GET_API_VERSION, NULL) != KVM_API_VERSION)
                return -EPROTO;
        vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
        return vm < 0 ? -errno : run(kvm, vm);
}
