/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/image_event.h"
#include "cli/image_place.h"
#include "instance/instance_name.h"
#include "instance/vm_template.h"

static void tell_untagged(struct buf *out, const char *name)
{
        buf_add_str(out, "Untagged: ");
        image_add_short_name(out, name);
        buf_add_str(out, "\n");
}

static void tell_deleted(struct store *s, struct buf *out, const struct image_info *info)
{
        for (const char *const *n = info->names; *n; n++)
                tell_untagged(out, *n);
        for (const char *const *d = info->digests; *d; d++)
                tell_untagged(out, *d);
        buf_addf(out, "Deleted: %s\n", info->id.text);
        if (*info->names)
                image_tell(s, "untag", info->id.text, info->id.text);
        image_tell(s, "delete", info->id.text, info->id.text);
}

static int take_owner(void *userdata, const char *owner)
{
        snprintf(userdata, INSTANCE_ID_LEN + 1, "%s", owner);
        return 1;
}

/* The store knows ids; people know names. One that is in use by nobody of these keeps its error. */
static int name_user(struct store *s, const struct digest *id, struct error *err)
{
        own_mem char *path = NULL, *name = NULL;
        char owner[INSTANCE_ID_LEN + 1];
        own_fd int dir = -1;

        if (store_image_owners(s, id, take_owner, owner, NULL) <= 0)
                return -EBUSY;
        if (asprintf(&path, "%s/instances", store_root(s)) < 0) {
                path = NULL;
                return -EBUSY;
        }
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (strncmp(owner, VM_TEMPLATE_OWNER, strlen(VM_TEMPLATE_OWNER)) == 0)
                return error_set(err, EBUSY, "image %.12s is used by template %s: remove that first", digest_hex(id),
                                 owner + strlen(VM_TEMPLATE_OWNER));
        name = dir < 0 ? NULL : instance_name_find(dir, owner);
        return error_set(err, EBUSY, "image %.12s is used by instance %s: remove that first", digest_hex(id),
                         name ? name : owner);
}

static int check_mounted(struct store *s, const struct digest *id, struct error *err)
{
        own_mem char *path = NULL;
        int r = image_place_find(s, id, &path, err);

        return r == 1 ? error_set(err, EBUSY, "image %.12s is mounted at %s", digest_hex(id), path) : r;
}

int image_delete(struct store *s, const struct digest *id, struct error *err)
{
        int r = check_mounted(s, id, err);

        if (r < 0)
                return r;
        r = store_image_remove(s, id, err);
        return r == -EBUSY ? name_user(s, id, err) : r;
}

/* All digests of a repository go together: the one that was asked for may be that of an index, which brought that of
 * the manifest along. */
static int remove_digests(struct store *s, const struct image_info *info, const struct reference *name,
                          bool *ret_removed, struct error *err)
{
        int r = 0;

        for (const char *const *d = info->digests; *d && r == 0 && !*ret_removed; d++) {
                struct reference ref;

                r = reference_parse(*d, &ref, err);
                if (r == 0 && strcmp(ref.registry, name->registry) == 0 &&
                    strcmp(ref.repository, name->repository) == 0)
                        r = store_image_remove_name(s, &ref, ret_removed, err);
        }
        return r;
}

static int remove_name(struct store *s, const struct image_info *info, const struct reference *name, struct buf *out,
                       struct error *err)
{
        own_buf struct buf full = {};
        bool is_digest = *name->digest.text, last = is_digest ? !info->names[0] : !info->names[1], removed = false;
        int r = last ? check_mounted(s, &info->id, err) : 0;

        if (r < 0)
                return r;
        if (is_digest && last)
                r = remove_digests(s, info, name, &removed, err);
        else
                r = store_image_remove_name(s, name, &removed, err);
        if (r < 0)
                return r == -EBUSY ? name_user(s, &info->id, err) : r;
        reference_add(&full, name);
        if (removed) {
                tell_deleted(s, out, info);
                return 0;
        }
        tell_untagged(out, buf_str(&full));
        image_tell(s, "untag", info->id.text, info->id.text);
        return 0;
}

int image_remove(struct store *s, const struct image_info *info, const struct reference *name, struct buf *out,
                 struct error *err)
{
        int r;

        if (name)
                return remove_name(s, info, name, out, err);
        r = image_delete(s, &info->id, err);
        if (r == 0)
                tell_deleted(s, out, info);
        return r;
}
