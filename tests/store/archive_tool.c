/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_tool STORE load|import|verify|save JOB: one job of holt-fetch, on a store that is a plain directory. The
 * archive comes from standard input, or goes to standard output; both may be a directory. Results are printed, in the
 * case of save to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "directory_host.h"
#include "fetch/operation.h"

static int run(struct host *h, const char *what, struct json_object *job, struct error *err)
{
        if (strcmp(what, "load") == 0)
                return operation_load(h, job, STDIN_FILENO, err);
        if (strcmp(what, "import") == 0)
                return operation_import(h, job, STDIN_FILENO, err);
        if (strcmp(what, "verify") == 0)
                return operation_verify(h, job, err);
        if (strcmp(what, "save") == 0)
                return operation_save(h, job, STDOUT_FILENO, err);
        return error_set(err, EINVAL, "no such job: %s", what);
}

int main(int argc, char **argv)
{
        own_fd int directory = argc == 4 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        own_json struct json_object *job = NULL;
        own_host struct host h;
        struct error err;
        int r;

        signal(SIGPIPE, SIG_IGN);
        directory_host_init(&h, directory);
        if (directory < 0) {
                fprintf(stderr, "usage: %s STORE load|import|verify|save JOB\n", argv[0]);
                return 2;
        }
        r = json_parse(argv[3], strlen(argv[3]), &job, &err);
        if (r == 0)
                r = run(&h, argv[2], job, &err);
        fprintf(stderr, "%s", buf_str(&h.warnings));
        fprintf(strcmp(argv[2], "save") == 0 ? stderr : stdout, "%s", buf_str(&h.results));
        if (r < 0)
                fprintf(stderr, "%s\n", err.text);
        return r < 0;
}
