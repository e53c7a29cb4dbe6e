/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on several instances: by name, or --all, --latest and --filter as podman has them. */
#pragma once

#include "cli/invocation.h"
#include "instance/instance.h"

/* The engine of the invocation's places; what it has to tell goes to standard error. */
int invocation_engine(const struct invocation *inv, struct engine *ret, struct error *err);

struct instance_list {
        struct instance **items;
        const char **typed; /* what to print for each: as it was typed, or its id */
        size_t n, cap, typed_cap;
};

void instance_list_finish(struct instance_list *l);
#define own_instance_list __attribute__((cleanup(instance_list_finish)))

/* Reads one more into the list; one that is not there is not missed. */
int instance_list_add(struct instance_list *l, struct engine *e, const char *id, struct error *err);

typedef bool instance_wanted(const struct instance *i);
typedef int instance_action(void *userdata, struct engine *e, struct instance *i, struct error *err);

/*
 * The instances that the operands name, or those of --all (of which wanted() says which make sense; NULL: each) and
 * --latest. What cannot be found is reported, and makes inv->exit_status 1. -EMISUSED for neither operands nor options.
 */
int instance_select(struct invocation *inv, struct engine *e, instance_wanted *wanted, struct instance_list *ret,
                    struct error *err);

/* Does it to each and prints what was typed when it was done; what was not is reported as instance_select() does. */
int instance_act(struct invocation *inv, instance_wanted *wanted, instance_action *act, void *userdata,
                 struct error *err);

/* Prints a line on standard output, at once. */
int output_line(const char *text, struct error *err);
