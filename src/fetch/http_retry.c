/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "fetch/http.h"
#include "fetch/http_client.h"

enum {
        ATTEMPTS = 5,
        FIRST_PAUSE = 400, /* milliseconds; each following one is twice as long */
        LONGEST_PAUSE = 20000,
        MOST_PATIENCE = 120, /* seconds that a server may ask for */
        SLICE = 50,          /* milliseconds between looks at whether to stop */
};

/* Between half and one and a half of it: many that failed together do not come back together. */
static uint64_t jittered(uint64_t ms)
{
        uint32_t random = 0;

        if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
                random = UINT32_MAX / 2;
        return ms / 2 + ms * (random >> 8) / (UINT32_MAX >> 8);
}

int http_pause(struct http *h, unsigned attempt, uint64_t retry_after, struct error *err)
{
        uint64_t ms = attempt > 6 ? LONGEST_PAUSE : (uint64_t)FIRST_PAUSE << attempt;

        if (retry_after > MOST_PATIENCE)
                return error_set(err, EBUSY, "the server asks to come back in %llu s", (unsigned long long)retry_after);
        ms = jittered(ms > LONGEST_PAUSE ? LONGEST_PAUSE : ms);
        if (ms < retry_after * 1000)
                ms = retry_after * 1000;
        for (uint64_t left = ms; left; left -= left < SLICE ? left : SLICE) {
                struct timespec slice = { .tv_nsec = (long)(left < SLICE ? left : SLICE) * 1000000 };

                if (h->stop && atomic_load(h->stop))
                        return error_set(err, ECANCELED, "stopped");
                nanosleep(&slice, NULL);
        }
        return 0;
}

int http_perform(struct http *h, const struct http_request *q, struct http_response *ret, struct error *err)
{
        unsigned attempts = q->attempts ? q->attempts : ATTEMPTS;

        for (unsigned i = 0;; i++) {
                int r = http_exchange(h, q, ret, err);
                bool again = r < 0 ? ret->transient : http_status_is_transient(ret->status);

                if (!again || ret->began || i + 1 >= attempts)
                        return r;
                /* The answer says more than that there is no time to wait. */
                if (r == 0 && ret->retry_after > MOST_PATIENCE)
                        return 0;
                if (q->retrying)
                        q->retrying(q->userdata);
                r = http_pause(h, i, ret->retry_after, err);
                if (r < 0)
                        return r;
        }
}
