/* SPDX-License-Identifier: Apache-2.0 */
/* History: the random life of a volume, and what each of its snapshots must hold byte by byte.
 *
 * All of it follows from the seed. */
#pragma once

#include "backends/backend.h"

#define HISTORY_MAX_BYTES ((uint64_t)2 << 20)
#define HISTORY_CUTS 4

struct history_cut {
	char handle[16];
	uint64_t size;
	uint8_t bytes[HISTORY_MAX_BYTES]; /* zeros behind its size */
};

struct history {
	struct fl_pool *pool;
	struct fl_op op;
	uint64_t random; /* state of the generator */
	char volume[16]; /* its handle */
	int fd;          /* of its image; -1: closed */
	uint64_t size;
	uint8_t bytes[HISTORY_MAX_BYTES];
	struct history_cut cuts[HISTORY_CUTS];
	size_t n_cuts;
};

/* On the heap: it is large. */
struct history *history_new(struct fl_pool *pool);
void history_free(struct history *history);

/* Lives a new life to its last snapshot. */
int history_live(struct history *history, uint64_t seed, struct fl_error *err);
/* Removes volumes and snapshots. */
int history_end(struct history *history, struct fl_error *err);

/* A number from 0 to below - 1. */
uint64_t history_random(struct history *history, uint64_t below);
