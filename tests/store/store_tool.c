/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store by command line, for its tests:
 *
 *   store_tool ROOT RUN add NAME SIZE SEED...   an image of layers of SIZE bytes each
 *                       layer SIZE SEED...      layers alone
 *                       many N                  N layers of two blocks, in this process
 *                       list | find NAME | tag ID NAME | remove NAME | rmi NAME | untag NAME
 *                       hold NAME OWNER | release OWNER
 *                       pin SEED                opens the layer, says so, and keeps it until its input ends
 *                       collect | usage | check | repair | rebuild
 *                       work SECONDS NUMBER     all of it at random, for so long
 */
#include <stdlib.h>
#include <time.h>

#include "../unit/store_fixture.h"

static int fail(const struct error *err)
{
        fprintf(stderr, "%s\n", err->text);
        return 1;
}

static int print_image(void *userdata, const struct image_info *i)
{
        printf("%.12s %s layers=%zu size=%llu", digest_hex(&i->id), *i->names ? *i->names : "<none>", i->n_layers,
               (unsigned long long)i->size);
        for (const char *const *name = i->names; *name && name[1]; name++)
                printf(" %s", name[1]);
        putchar('\n');
        return 0;
}

static int do_list(struct store *s, char **args, struct error *err)
{
        return store_images(s, print_image, NULL, err);
}

static int do_find(struct store *s, char **args, struct error *err)
{
        own_mem struct image_info *i = NULL;
        int r = store_image_find(s, args[0], &i, err);

        return r < 0 ? r : print_image(NULL, i);
}

static size_t count(char **args)
{
        size_t n = 0;

        while (args[n])
                n++;
        return n;
}

static int do_add(struct store *s, char **args, struct error *err)
{
        return seed_image(s, args[0], (const char *const *)args + 2, count(args + 2), args[0],
                          strtoull(args[1], NULL, 0), err);
}

static int do_layer(struct store *s, char **args, struct error *err)
{
        for (int i = 1; args[i]; i++) {
                own_fd int fd = seed_layer(s, args[i], strtoull(args[0], NULL, 0), err);

                if (fd < 0)
                        return fd;
        }
        return 0;
}

static int do_many(struct store *s, char **args, struct error *err)
{
        char seed[32];

        for (int i = 0; i < atoi(args[0]); i++) {
                own_fd int fd = -1;

                snprintf(seed, sizeof seed, "many %d", i);
                fd = seed_layer(s, seed, 8192, err);
                if (fd < 0)
                        return fd;
        }
        return 0;
}

static int do_tag(struct store *s, char **args, struct error *err)
{
        own_mem struct image_info *i = NULL;
        struct reference ref;
        int r = store_image_find(s, args[0], &i, err);

        if (r == 0)
                r = reference_parse(args[1], &ref, err);
        return r < 0 ? r : store_image_tag(s, &i->id, &ref, err);
}

static int do_remove(struct store *s, char **args, struct error *err)
{
        own_mem struct image_info *i = NULL;
        int r = store_image_find(s, args[0], &i, err);

        return r < 0 ? r : store_image_remove(s, &i->id, err);
}

static int do_rmi(struct store *s, char **args, struct error *err)
{
        struct reference ref;
        bool removed = false;
        int r = reference_parse(args[0], &ref, err);

        if (r == 0)
                r = store_image_remove_name(s, &ref, &removed, err);
        if (r == 0)
                puts(removed ? "removed" : "untagged");
        return r;
}

static int do_untag(struct store *s, char **args, struct error *err)
{
        struct reference ref;
        int r = reference_parse(args[0], &ref, err);

        return r < 0 ? r : store_image_untag(s, &ref, err);
}

static int do_hold(struct store *s, char **args, struct error *err)
{
        own_mem struct image_info *i = NULL;
        int r = store_image_find(s, args[0], &i, err);

        return r < 0 ? r : store_image_hold(s, &i->id, args[1], err);
}

static int do_release(struct store *s, char **args, struct error *err)
{
        return store_image_release(s, args[0], err);
}

static int do_pin(struct store *s, char **args, struct error *err)
{
        struct digest d = seed_digest(args[0]);
        own_fd int fd = store_layer_open(s, &d, NULL, NULL, err);

        if (fd < 0)
                return fd;
        puts("pinned");
        fflush(stdout);
        while (getchar() != EOF)
                continue;
        return 0;
}

static int do_collect(struct store *s, char **args, struct error *err)
{
        struct store_collected c = {};
        int r = store_collect(s, &c, err);

        if (r == 0)
                printf("layers=%llu blobs=%llu files=%llu\n", (unsigned long long)c.layers, (unsigned long long)c.blobs,
                       (unsigned long long)c.files);
        return r;
}

static int do_usage(struct store *s, char **args, struct error *err)
{
        struct store_usage u = {};
        int r = store_usage(s, &u, err);

        if (r == 0)
                printf("images=%llu dangling=%llu names=%llu layers=%llu pinned=%llu blobs=%llu bytes=%llu "
                       "reclaimable=%llu\n",
                       (unsigned long long)u.images, (unsigned long long)u.dangling_images, (unsigned long long)u.names,
                       (unsigned long long)u.layers, (unsigned long long)u.pinned_layers, (unsigned long long)u.blobs,
                       (unsigned long long)(u.layer_bytes + u.blob_bytes), (unsigned long long)u.reclaimable_bytes);
        return r;
}

static void print_finding(void *userdata, const char *what, bool repaired)
{
        printf("%s%s\n", repaired ? "repaired: " : "", what);
}

static int check(struct store *s, bool repair, struct error *err)
{
        const struct store_checker c = { .repair = repair, .found = print_finding };
        int r = store_check(s, &c, err);

        return r > 0 ? error_set(err, EBADMSG, "%d findings", r) : r;
}

static int do_check(struct store *s, char **args, struct error *err)
{
        return check(s, false, err);
}

static int do_repair(struct store *s, char **args, struct error *err)
{
        return check(s, true, err);
}

/* One step of `work`: what may fail for good reason does so in the ways that the others can cause. */
static int step(struct store *s, unsigned number, unsigned *random, struct error *err)
{
        char seeds[3][32], name[32];
        const char *const layers[] = { seeds[0], seeds[1], seeds[2] };
        const unsigned which = (unsigned)rand_r(random) % 6, what = (unsigned)rand_r(random) % 10;
        own_mem struct image_info *info = NULL;
        struct store_collected collected;
        int r;

        snprintf(name, sizeof name, "image%u", which);
        for (unsigned i = 0; i < 3; i++)
                snprintf(seeds[i], sizeof seeds[i], "layer %u", which + i);
        if (what < 3)
                return seed_image(s, name, layers, 3, name, 8192 * (which + 1), err);
        if (what == 3) {
                r = store_collect(s, &collected, err);
                return r;
        }
        r = store_image_find(s, name, &info, err);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (what == 4) {
                r = store_image_remove(s, &info->id, err);
                return r == -ENOENT || r == -EBUSY ? 0 : r;
        }
        /* Whoever has opened a layer has it, whatever the others do. */
        for (size_t i = 0; i < info->n_layers; i++) {
                own_fd int fd = store_layer_open(s, &info->diff_ids[i], NULL, NULL, err), again = -1;

                if (fd == -ENOENT)
                        return 0;
                if (fd < 0)
                        return fd;
                usleep((unsigned)rand_r(random) % 2000);
                again = store_layer_open(s, &info->diff_ids[i], NULL, NULL, err);
                if (again < 0)
                        return error_wrap(err, "%s was pinned and is gone", info->diff_ids[i].text);
        }
        return 0;
}

static int work(const char *root, const char *run, char **args)
{
        const time_t end = time(NULL) + atoi(args[0]);
        unsigned number = (unsigned)atoi(args[1]), random = number * 7919 + 1, steps = 0;
        struct error err = {};

        while (time(NULL) < end) {
                own_store struct store *s = NULL;
                int r = store_open(root, run, &s, &err);

                for (int i = 0; i < 20 && r >= 0; i++, steps++)
                        r = step(s, number, &random, &err);
                if (r < 0)
                        return fail(&err);
        }
        printf("%u steps\n", steps);
        return 0;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                int (*run)(struct store *s, char **args, struct error *err);
                int min_args;
        } commands[] = {
                { "add", do_add, 3 },         { "layer", do_layer, 2 },     { "many", do_many, 1 },
                { "list", do_list, 0 },       { "find", do_find, 1 },       { "tag", do_tag, 2 },
                { "remove", do_remove, 1 },   { "rmi", do_rmi, 1 },         { "untag", do_untag, 1 },
                { "hold", do_hold, 2 },       { "release", do_release, 1 }, { "pin", do_pin, 1 },
                { "collect", do_collect, 0 }, { "usage", do_usage, 0 },     { "check", do_check, 0 },
                { "repair", do_repair, 0 },
        };
        own_store struct store *s = NULL;
        struct error err = {};

        if (argc < 4) {
                fputs("usage: store_tool ROOT RUN COMMAND [ARGUMENT...]\n", stderr);
                return 2;
        }
        if (strcmp(argv[3], "rebuild") == 0)
                return store_rebuild(argv[1], argv[2], &err) < 0 ? fail(&err) : 0;
        if (strcmp(argv[3], "work") == 0 && argc == 6)
                return work(argv[1], argv[2], argv + 4);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(argv[3], commands[i].name) != 0 || argc - 4 < commands[i].min_args)
                        continue;
                if (store_open(argv[1], argv[2], &s, &err) < 0 || commands[i].run(s, argv + 4, &err) < 0)
                        return fail(&err);
                return 0;
        }
        fprintf(stderr, "unknown command: %s\n", argv[3]);
        return 2;
}
