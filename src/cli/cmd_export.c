/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/misuse.h"
#include "cli/output_file.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/instance_root.h"
#include "instance/vm_errand.h"
#include "store/tar_tree.h"

static int write_machine(struct engine *e, struct instance *i, int to, struct error *err)
{
        static const char *const args[] = { "archive", "/", ".", NULL };
        own_vm_guest struct vm_guest guest = VM_GUEST_NONE;
        own_vm_errand struct vm_errand errand = VM_ERRAND_NONE;
        int r = vm_guest_open(e, i, &guest, err);

        if (r == 0)
                r = vm_errand_begin(&guest, &(struct vm_errand_request){ .args = args, .bare = true }, &errand, err);
        return r < 0 ? r : vm_errand_write_out(&errand, to, err);
}

static int write_instance(struct engine *e, struct instance *i, int to, struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        struct tar_tree_options tree = { .name = ".", .as = "." };
        int r;

        if (i->backend->is_machine && vm_guest_has_disk(i))
                return write_machine(e, i, to, err);
        r = instance_root_open_bare(e, i, &root, err);
        tree.dir = root.fd;
        return r < 0 ? r : tar_tree_write(&tree, to, err);
}

static int export(struct engine *e, struct instance *i, const char *path, struct error *err)
{
        own_output_file struct output_file file = OUTPUT_FILE_NONE;
        int r;

        if (!path && isatty(STDOUT_FILENO))
                return error_set(err, EMISUSED, "an archive is nothing for a terminal: use --output, or a pipe");
        /* The file is the caller's, before he is root of a namespace of his own. */
        r = path ? output_file_open(path, &file, err) : 0;
        if (r == 0)
                r = write_instance(e, i, path ? file.fd : STDOUT_FILENO, err);
        if (r == 0 && path)
                r = output_file_commit(&file, err);
        if (r == 0)
                instance_tell(e, i, "export", NULL);
        return r;
}

int cmd_export(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        return r == 0 ? export(&e, i, args_str(&inv->args, OPTION_OUTPUT), err) : r;
}
