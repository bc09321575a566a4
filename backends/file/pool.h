/* SPDX-License-Identifier: Apache-2.0 */
/* Pool: one directory of raw images.
 *
 *	DIR/lock                      byte locks, one byte per volume and snapshot (lock.h)
 *	DIR/reserve                   room that is kept back (reserve.h)
 *	DIR/volumes/HANDLE/           a volume: `image`, and records `meta`, `format`, `owner`, …
 *	DIR/snapshots/HANDLE/         a snapshot: `image`, and records `meta`, `format`
 *	DIR/records/KEY               the pool's own records
 *	DIR/tmp/KIND-HANDLE/          one that is being made, or the target of a copy
 *	DIR/trash/KIND-HANDLE/        one that is being removed
 *
 * What is under volumes/ and snapshots/ is whole: it was made in tmp/, fsynced, and renamed. */
#pragma once

#include "backends/backend.h"

enum file_kind { FILE_VOLUME, FILE_SNAPSHOT };

struct file_options {
	const char *directory;
	bool shared;
	bool mounted;
};

struct file_pool {
	struct fl_pool pool;
	char *directory; /* resolved: what the kernel shows as a loop device's file */
	int root_fd;
	int place_fds[2]; /* volumes/ and snapshots/, by enum file_kind */
	int tmp_fd;
	int trash_fd;
	int records_fd;
	bool reflink;                     /* FICLONE works here */
	bool leases;                      /* F_SETLEASE works here */
	struct file_catalog *catalogs[2]; /* by enum file_kind */
};

#define FILE_POOL_N_OPTIONS 3
extern const struct fl_option file_pool_options[FILE_POOL_N_OPTIONS];

struct file_pool *file_pool_of(struct fl_pool *pool);
int file_pool_open(struct fl_pool **ret, const struct fl_op *op, const char *name,
		   const void *options, struct fl_error *err);
void file_pool_close(struct fl_pool *pool);
int file_pool_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
		       struct fl_capacity *ret, struct fl_error *err);

/* "volume" or "snapshot". */
const char *file_kind_name(enum file_kind kind);
