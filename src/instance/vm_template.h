/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of virtual machines that ran, with what ran in them:
 *
 *   ROOT/templates/NAME/{memory,state,manifest}   as any template (vm/template.h)
 *   ROOT/templates/NAME/disk       what had been written at that moment
 *   ROOT/templates/NAME/instance   JSON: whose it was, its image, its options
 *   ROOT/templates/.part           one that is being made, by who has ROOT/templates locked
 *   ROOT/instances/ID/copy         until its first start: the template from which it goes on (a link), or one that is
 *                                  its own
 *
 * The store keeps the image for the owner "template/NAME". An instance of one has a copy of the disk, and maps the
 * memory from its first start on: from then on it does not need the template any more.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"

#define VM_TEMPLATE_OWNER "template/"
#define VM_COPY "copy"

struct vm_template {
        char *name, *path;
        char *original, *image_name; /* the name of the instance, and of its image as it was typed */
        struct digest image;
        struct instance_options options; /* without what only one can have */
        uint32_t cpus, memory_mib;
        int64_t made; /* seconds since 1970 */
        char qemu[64], kernel[64], accelerator[8];
        uint64_t memory, disk; /* bytes on the disk */
};

void vm_template_finish(struct vm_template *t);
#define own_vm_template __attribute__((cleanup(vm_template_finish)))

/* -ENOTSUP: it is a container; -ESRCH: it does not run. */
int vm_template_check(const struct instance *i, struct error *err);

/* Of an instance that runs: it stands still for the moment that takes. -EEXIST, -ENOTSUP, -EBUSY say why not. */
int vm_template_create(struct engine *e, struct instance *i, const char *name, struct error *err);

/* -ENOENT: there is none of that name. */
int vm_template_find(struct engine *e, const char *name, struct vm_template *ret, struct error *err);

/* In the order of their names; ends with the first result that is not 0. One that is damaged is warned of. */
int vm_template_each(struct engine *e, int (*each)(void *userdata, const struct vm_template *t), void *userdata,
                     struct error *err);

/* Appends the names of the instances that were made of it and not started yet, separated by ", ". */
int vm_template_users(struct engine *e, const char *name, struct buf *out, struct error *err);

/* Tells found() of each that is damaged, and why, with its name. whole: what is in its memory is looked at, too. */
int vm_templates_check(struct engine *e, bool whole, void (*found)(void *userdata, const char *name, const char *why),
                       void *userdata, struct error *err);

/* Whether there is, or is about to be, one of that name. */
bool vm_template_is_there(const struct engine *e, const char *name);

/* Removes what a killed maker left, if nobody is making one now. */
void vm_templates_sweep(const struct engine *e);

/* -EBUSY names those that need it yet. */
int vm_template_remove(struct engine *e, const char *name, struct error *err);

/* An instance that goes on from there at its first start. given: what was asked of it, where it can be had; taken over.
 * It does not run, and is locked. */
int vm_template_instance(struct engine *e, const char *name, struct instance_options *given, struct instance **ret,
                         struct error *err);

/* The same of an instance that runs, by a template that is the clone's own; options: the clone's, taken over. */
int vm_template_clone(struct engine *e, struct instance *i, struct instance_options *options, struct instance **ret,
                      struct error *err);
