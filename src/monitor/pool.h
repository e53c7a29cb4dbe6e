/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that wait to be somebody's: each a warm one (warm.h), stopped. It takes memory, and no time.
 *
 * Theory of operation. A holt-vm whose program runs leaves a copy of itself behind, which makes one if too few wait
 * (pool_more.h: how many shall); where none is to wait, only if the image of one is missing (monitor_freeze()).
 * DIRECTORY/instances/KEY-NUMBER is its place, locked as long as it lives: "socket", "cgroup" as an instance has it. Who
 * needs a machine of this KEY (vm/template.h) connects, says POOL_CLAIM, and gets QEMU's descriptors; with them he owns it
 * (guard.h). When he has noted its cgroup he says POOL_TAKEN, and the waiter leaves without a trace. It also goes, with
 * its machine, when nobody has come for a while, when the session ends in which it was left, when the host's memory gets
 * short, and when it is told POOL_END. One that was killed is cleaned up after by the next.
 */
#pragma once

#include "base/error.h"
#include "monitor/monitor.h"

/* The interface of one whose place has this name: no other has it, so that it can be brought to the host's. */
enum { POOL_TAP = 16 };
void pool_tap_name(const char *place, char ret[POOL_TAP]);

enum pool_word { POOL_CLAIM = 'c', POOL_TAKEN = 't', POOL_END = 'e' };

/* What is sent, in this order; the last only if it has a cgroup. */
enum { POOL_QMP, POOL_AGENT, POOL_CONSOLE, POOL_SHARE, POOL_PIDFD, POOL_GUARD, POOL_FDS };

/* What is sent with them: of struct monitor. */
struct pool_gift {
        uint64_t memory_at;
        uint32_t disks;
        int ends[MONITOR_ENDS];
};

#define POOL_SOCKET "socket"
/* It is there: who is not ready yet is to end when he is. */
#define POOL_NO_MORE "no-more"

/* Takes one, with the job's disks. 1: there is none. */
int pool_claim(struct monitor *m, const char *key, struct error *err);

/* Leaves somebody behind who makes one when the program has ended or has run for a while. */
void pool_fill(const struct monitor *m);
