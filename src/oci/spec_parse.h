/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that read the runtime-spec share; private to src/oci.
 *
 * Every reader fills *ret from a JSON object and returns 0 or a negative errno. Its
 * error text begins with the member's path relative to that object; the caller puts
 * its own member before it with at_member() or at_index(), so that a person reads
 * `process.rlimits[2].type: unknown value "RLIMIT_X"`.
 */
#pragma once

#include "base/json.h"
#include "oci/runtime_spec.h"

/* Put "name." or "[i]." before the path in *err (not before "out of memory"); both return -err->code. */
int at_member(struct error *err, const char *name);
int at_index(struct error *err, size_t i);

int no_memory(struct error *err);

/* "key: unknown value "value"" */
int unknown_value(struct error *err, const char *key, const char *value);

/*
 * Members of an object; as json_get_*() but 0 also when absent (*ret untouched then).
 * read_string() takes "" for an absent string.
 */
int read_string(struct json_object *o, const char *key, const char **ret, struct error *err);
int read_bool(struct json_object *o, const char *key, bool *ret, struct error *err);
int read_u32(struct json_object *o, const char *key, uint32_t *ret, struct error *err);
int read_opt_bool(struct json_object *o, const char *key, struct opt_bool *ret, struct error *err);
int read_opt_i64(struct json_object *o, const char *key, struct opt_i64 *ret, struct error *err);
int read_opt_u64(struct json_object *o, const char *key, uint64_t max, struct opt_u64 *ret, struct error *err);
/* A string that must be there and not be empty. */
int read_required(struct json_object *o, const char *key, const char **ret, struct error *err);
/* A string that must start with '/' when it is there. */
int read_absolute(struct json_object *o, const char *key, const char **ret, struct error *err);
/* A string that must be in the table; 1 when it is there. */
int read_name(struct json_object *o, const char *key, const struct name_value *table, uint64_t *ret, struct error *err);

/* An array of strings from the table; their values are joined by |. 1 when it is there. */
int read_name_set(struct json_object *o, const char *key, const struct name_value *table, uint64_t *ret,
                  struct error *err);

int read_str_list(struct arena *a, struct json_object *o, const char *key, struct str_list *ret, struct error *err);
int read_str_map(struct arena *a, struct json_object *o, const char *key, struct str_map *ret, struct error *err);
int read_id_mappings(struct arena *a, struct json_object *o, const char *key, struct id_mappings *ret,
                     struct error *err);

/* Reads one object into what stands behind ret. */
typedef int object_reader(struct arena *a, struct json_object *o, void *ret, struct error *err);

/* Calls the reader for the member when it is there. */
int read_object(struct arena *a, struct json_object *o, const char *key, object_reader *read, void *ret,
                struct error *err);

/* The same into a zeroed struct of `size` bytes: *(void **)ret_struct, untouched when the member is absent. */
int read_new(struct arena *a, struct json_object *o, const char *key, object_reader *read, size_t size,
             void *ret_struct, struct error *err);

/* The same for each item of an array of objects: *(void **)ret_items gets *ret_n zeroed items of item_size bytes. */
int read_objects(struct arena *a, struct json_object *o, const char *key, object_reader *read, size_t item_size,
                 void *ret_items, size_t *ret_n, struct error *err);

/* The objects of config.json; `ret` is the struct named behind each. */
object_reader process_read;   /* struct spec_process */
object_reader mount_read;     /* struct spec_mount */
object_reader hooks_read;     /* struct spec_hooks */
object_reader linux_read;     /* struct spec_linux */
object_reader resources_read; /* struct spec_resources */
object_reader seccomp_read;   /* struct spec_seccomp */

/* "process.capabilities" */
int caps_read(struct json_object *o, struct spec_caps *ret, struct error *err);

/* "process.scheduler" and "process.ioPriority" */
object_reader scheduler_read;   /* struct spec_scheduler */
object_reader io_priority_read; /* struct opt_u64 */

/* What only the document as a whole can tell. */
int spec_check(const struct spec *s, struct error *err);
