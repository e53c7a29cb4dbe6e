/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"

void compare_report_finish(struct compare_report *r)
{
        for (size_t i = 0; i < r->n_works; i++)
                for (size_t p = 0; p < COMPARE_PLACES; p++)
                        free(r->works[i].rows[p].samples);
        free(r->works);
        buf_finish(&r->notes);
        *r = (struct compare_report){};
}

const char *compare_place_name(enum compare_place p)
{
        static const char *const names[COMPARE_PLACES] = { "bare", "container", "vm", "vm-warm", "vm-cold" };

        return names[p];
}

bool compare_place_is_machine(enum compare_place p)
{
        return p == COMPARE_VM || p == COMPARE_VM_WARM || p == COMPARE_VM_COLD;
}

const char *compare_measure_name(enum compare_measure m)
{
        static const char *const names[COMPARE_MEASURES] = { "Start", "Work", "Whole", "CPU", "Memory", "Disk" };

        return names[m];
}

const char *compare_part_name(enum compare_part p)
{
        static const char *const names[COMPARE_PARTS] = { "Program", "Command", "Shim", "Monitor", "Machine" };

        return names[p];
}

bool compare_has_machines(const struct compare_report *r)
{
        for (size_t i = 0; i < r->n_works; i++)
                for (unsigned p = 0; p < COMPARE_PLACES; p++)
                        if (compare_place_is_machine(p) && r->works[i].rows[p].is_there)
                                return true;
        return false;
}

void compare_add_accelerator(struct buf *out, const struct compare_report *r)
{
        bool emulated = strcmp(r->accelerator, "tcg") == 0;

        buf_addf(out, "%s: %s",
                 emulated ? "emulated by QEMU (TCG), not run by the hardware" : "run by the hardware (KVM)",
                 r->accelerator_reason);
}
