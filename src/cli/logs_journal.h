/* SPDX-License-Identifier: Apache-2.0 */
/* What journald keeps of an instance's output (holt logs). */
#pragma once

#include "base/error.h"
#include "instance/journal_read.h"

struct logs_journal {
        struct journal_query query;  /* follow: what the instance has written is waited for, also when it has ended */
        int shim;                    /* where it is told that the instance has ended; -1: it has, or nobody follows */
        bool (*has_ended)(int shim); /* when it says something */
        /* Milliseconds that are left until nothing more is wanted; -1: for ever. */
        int (*time_left)(const void *userdata);
        int (*show)(void *userdata, const struct log_entry *entry); /* 1: nothing more is wanted */
        int (*flush)(void *userdata);
        void *userdata;
};

/* Shows what there is; and with a shim what comes, up to the last line of the instance that ends. */
int logs_journal_show(const struct logs_journal *j, struct error *err);
