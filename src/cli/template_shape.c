/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_shape.h"

#include <string.h>

static bool is_one_of(const char *const *names, const char *name)
{
        while (*names && strcmp(*names, name) != 0)
                names++;
        return *names;
}

static bool is_map_name(const char *name)
{
        static const char *const maps[] = {
                "Annotations", "Attributes", "Containers", "Data",         "DriverOpts", "ExposedPorts",
                "Labels",      "Networks",   "Options",    "PortBindings", "Ports",      "StorageOpt",
                "Sysctls",     "Tmpfs",      "Volumes",    NULL,
        };

        return is_one_of(maps, name);
}

static bool is_list_name(const char *name)
{
        static const char *const lists[] = {
                "Aliases",     "Args",       "Binds",       "CapAdd",     "CapDrop", "Cmd",         "Devices",
                "Dns",         "DnsOptions", "DnsSearch",   "Entrypoint", "Env",     "ExecIDs",     "ExtraHosts",
                "GroupAdd",    "Layers",     "Links",       "Mounts",     "OnBuild", "RepoDigests", "RepoTags",
                "SecurityOpt", "Ulimits",    "VolumesFrom", NULL,
        };

        return is_one_of(lists, name);
}

static const char *name_of(const struct template_value *v)
{
        const char *name = v->json ? json_key(v->json) : NULL;

        return name ? name : "";
}

bool template_is_open_map(const struct template_value *v)
{
        return (v->kind == VALUE_MAP || v->kind == VALUE_NULL) && is_map_name(name_of(v));
}

bool template_is_optional(const char *name)
{
        return strcmp(name, "Health") == 0 || strcmp(name, "Healthcheck") == 0;
}

const char *template_null_text(const struct template_value *v, const char *otherwise)
{
        if (v->kind != VALUE_NULL)
                return otherwise;
        return is_map_name(name_of(v)) ? "map[]" : is_list_name(name_of(v)) ? "[]" : otherwise;
}
