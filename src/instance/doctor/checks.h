/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of checks, and what they look at the host with. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "instance/doctor/doctor.h"

void doctor_check_kernel(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_cgroups(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_storage(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_users(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_network(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_firewall(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_machines(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_security(const struct doctor_host *h, struct doctor_findings *f);
void doctor_check_limits(const struct doctor_host *h, struct doctor_findings *f);

/* A finding; the strings are copied. */
void doctor_add(struct doctor_findings *f, const struct doctor_finding *finding);
/* The same with a text that is made. */
void doctor_addf(struct doctor_findings *f, struct doctor_finding finding, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* A small file of the host, as fd_read_file_at(). path: absolute. */
ssize_t host_read(const struct doctor_host *h, const char *path, char *data, size_t size);
/* A file with one number; `otherwise` where there is none. */
int64_t host_number(const struct doctor_host *h, const char *path, int64_t otherwise);
bool host_has(const struct doctor_host *h, const char *path);
bool host_has_program(const struct doctor_host *h, const char *name);
/* Whether the kernel has it, or can load it. */
bool host_has_module(const struct doctor_host *h, const char *name);
/* Whether the word stands in the text, between spaces or newlines. */
bool host_has_word(const char *text, const char *word);

/* "apt install NAME", as this distribution has it: Debian's, Fedora's, Arch's and Alpine's names of the package. */
struct host_package {
        const char *debian, *fedora, *arch, *alpine;
};
void host_install(const struct doctor_host *h, const struct host_package *p, char *ret, size_t size);
