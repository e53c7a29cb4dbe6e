/* SPDX-License-Identifier: Apache-2.0 */
/* store_bench ROOT RUN: what the store takes, in milliseconds; ROOT must not be there yet. */
#include <stdlib.h>
#include <time.h>

#include "../unit/store_fixture.h"

enum { IMAGES = 20, LAYERS = 10, TIMES = 200, WASTE = 10000, CHUNK = 1 << 20, LARGE_CHUNKS = 1024 };

static const char *root, *run;

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int r, const struct error *err)
{
        if (r >= 0)
                return;
        fprintf(stderr, "%s\n", err->text);
        exit(1);
}

static struct store *opened(void)
{
        struct store *s = NULL;
        struct error err = {};

        must(store_open(root, run, &s, &err), &err);
        return s;
}

static void fill(void)
{
        own_store struct store *s = opened();
        char name[32], seeds[LAYERS][32];
        const char *layers[LAYERS];
        struct error err = {};
        double begin = now();

        for (int i = 0; i < IMAGES; i++) {
                snprintf(name, sizeof name, "image%d", i);
                for (int j = 0; j < LAYERS; j++) {
                        snprintf(seeds[j], sizeof seeds[j], "%d of %d", j, j < LAYERS / 2 ? 0 : i);
                        layers[j] = seeds[j];
                }
                must(seed_image(s, name, layers, LAYERS, name, 8192, &err), &err);
        }
        printf("add an image of %d layers                    %8.3f\n", LAYERS, (now() - begin) / IMAGES);
}

static int by_value(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void median(const char *what, void (*work)(void))
{
        static double times[TIMES];

        for (int i = 0; i < TIMES; i++) {
                double begin = now();

                work();
                times[i] = now() - begin;
        }
        qsort(times, TIMES, sizeof *times, by_value);
        printf("%-43s  %8.3f (p95 %.3f)\n", what, times[TIMES / 2], times[TIMES * 95 / 100]);
}

static void open_only(void)
{
        own_store struct store *s = opened();
}

static int ignore(void *userdata, const struct image_info *i)
{
        return 0;
}

static void open_and_list(void)
{
        own_store struct store *s = opened();
        struct error err = {};

        must(store_images(s, ignore, NULL, &err), &err);
}

static void as_run(void)
{
        own_store struct store *s = opened();
        own_mem struct image_info *i = NULL;
        own_buf struct buf config = {};
        struct error err = {};

        must(store_image_find(s, "image3", &i, &err), &err);
        must(store_blob_read(s, &i->id, &config, &err), &err);
        for (size_t n = 0; n < i->n_layers; n++) {
                own_fd int fd = store_layer_open(s, &i->diff_ids[n], NULL, NULL, &err);

                must(fd, &err);
        }
}

static void tag(void)
{
        own_store struct store *s = opened();
        own_mem struct image_info *i = NULL;
        struct reference ref;
        struct error err = {};

        must(store_image_find(s, "image3", &i, &err), &err);
        must(reference_parse("image3:other", &ref, &err), &err);
        must(store_image_tag(s, &i->id, &ref, &err), &err);
}

static void large(void)
{
        const char *const layers[] = { "large" };
        struct layer_info info = { .diff_id = seed_digest("large") };
        own_mem char *chunk = calloc(1, CHUNK);
        struct digest manifest, id = seed_id("large");
        struct error err = {};
        double begin;

        for (int synced = 0; synced < 2; synced++) {
                own_store struct store *s = opened();
                own_fd int fd = seed_file(s, 8192, &err), recipe = store_new_file(s, &err), pin = -1;

                must(fd, &err);
                must(fd_write_all(recipe, "recipe", 6), &err);
                lseek(fd, 8192, SEEK_SET);
                for (int i = 0; i < LARGE_CHUNKS; i++)
                        must(fd_write_all(fd, chunk, CHUNK), &err);
                begin = now();
                pin = store_layer_add(s, &info, fd, recipe, &err);
                must(pin, &err);
                must(seed_documents(s, "large", layers, 1, &manifest, &err), &err);
                must(store_image_add(s, &manifest, NULL, &err), &err);
                close(take_fd(&pin));
                close(take_fd(&fd));
                store_close(take_ptr(s));
                printf("add an image of 1 GB (written already)       %8.3f\n", now() - begin);
                sleep(synced ? 5 : 0);
                begin = now();
                s = opened();
                must(store_image_remove(s, &id, &err), &err);
                store_close(take_ptr(s));
                printf("remove it, %s             %8.3f\n", synced ? "on the disk by then" : "at once           ",
                       now() - begin);
                sleep(2);
        }
}

static void waste(void)
{
        own_store struct store *s = opened();
        struct store_collected c;
        struct error err = {};
        char seed[32];
        double begin = now();

        for (int i = 0; i < WASTE; i++) {
                own_fd int fd = -1;

                snprintf(seed, sizeof seed, "waste %d", i);
                fd = seed_layer(s, seed, 8192, &err);
                must(fd, &err);
        }
        printf("add %d layers                             %8.0f\n", WASTE, now() - begin);
        begin = now();
        must(store_collect(s, &c, &err), &err);
        printf("collect them                                 %8.0f\n", now() - begin);
        begin = now();
        must(store_collect(s, &c, &err), &err);
        printf("collect nothing                              %8.3f\n", now() - begin);
}

int main(int argc, char **argv)
{
        if (argc != 3)
                return 2;
        root = argv[1];
        run = argv[2];
        setvbuf(stdout, NULL, _IOLBF, 0);
        fill();
        median("open and close", open_only);
        median("open, list 20 images, close", open_and_list);
        median("open, find, read, open 10 layers, close", as_run);
        median("open, tag, close", tag);
        large();
        waste();
        return 0;
}
