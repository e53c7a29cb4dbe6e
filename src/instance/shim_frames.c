/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/shim_frames.h"

#include <errno.h>

#include "base/own.h"

int shim_take_error(const struct frame *f, struct error *err)
{
        int code = f->len >= 4 ? (int)protocol_u32(f->payload) : 0;

        return error_set(err, code > 0 ? code : EPROTO, "%.*s", f->len >= 4 ? (int)f->len - 4 : 0, f->payload + 4);
}

int shim_take_state(const struct frame *f, struct instance_state *ret, struct error *err)
{
        own_json struct json_object *obj = NULL;
        int r = json_parse((const char *)f->payload, f->len, &obj, err);

        if (r == 0)
                r = json_is_object(obj) ? instance_state_read(obj, ret, err) : -EINVAL;
        return r < 0 ? error_set(err, EPROTO, "the shim does not say how the instance is") : 0;
}
