/* SPDX-License-Identifier: Apache-2.0 */
/* Statement: one sentence about backends, and what its function works with.
 *
 * Functions use WORKS, FAILS, HOLDS and their like on a variable `c`; each returns whether it was
 * so, and only the first failure of a statement is kept. */
#pragma once

#include "check.h"

#define MIB (1ull << 20)
#define CHECK_SKIPPED 700
#define CHECK_PREFIX "fairlead-check-"

struct check {
	const struct backend_check_plan *plan;
	struct fl_pool *pool;
	struct fl_op op;
	struct fl_error err;
	struct backend_check_failure *failure; /* shared with child processes; place "": none yet */
	char *skipped;  /* CHECK_SKIPPED bytes; why the statement is skipped, or "" */
	bool is_file;   /* the source is a file */
	bool has_bytes; /* … or a block device */
};

enum check_needs {
	NEEDS_RESIZE = 1 << 0,
	NEEDS_CAPACITY = 1 << 1,
	NEEDS_SNAPSHOTS = 1 << 2,
	NEEDS_RECORDS = 1 << 3,
	NEEDS_COPIES = 1 << 4,
	NEEDS_CLONES = 1 << 5,
	NEEDS_BYTES = 1 << 6, /* a source that can be opened on this machine */
	NEEDS_FILES = 1 << 7, /* a source that is a file: allocation can be looked at */
	NEEDS_POOL_RECORDS = 1 << 8,
	NEEDS_CHANGES = 1 << 9,
	NEEDS_HEALTH = 1 << 10,
};

struct statement {
	const char *text;
	void (*run)(struct check *c);
	unsigned needs;
};

struct statement_group {
	const struct statement *statements;
	size_t n;
};
extern const struct statement_group statements_of_volumes, statements_of_names,
	statements_of_content, statements_of_sizes, statements_of_snapshots, statements_of_clones,
	statements_of_records, statements_of_pool_records, statements_of_copies,
	statements_of_changes, statements_of_health, statements_of_races;

#define WORKS(call) check_works(c, (call), #call, __FILE__, __LINE__)
#define FAILS(call, code) check_fails(c, (call), (code), #call, __FILE__, __LINE__)
/* Of a call that failed before: with which code. */
#define REFUSED(code) check_fails(c, -1, (code), "", __FILE__, __LINE__)
#define HOLDS(condition) check_holds(c, (condition), #condition, __FILE__, __LINE__)
/* As HOLDS of a == b for numbers, and of strcmp(a, b) == 0: the report has the values. */
#define EQUALS(a, b) check_equals(c, (uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)
#define SAME(a, b) check_same(c, (a), (b), #a " == " #b, __FILE__, __LINE__)

bool check_works(struct check *c, int result, const char *call, const char *file, int line);
bool check_fails(struct check *c, int result, enum fl_error_code wanted, const char *call,
		 const char *file, int line);
bool check_holds(struct check *c, bool holds, const char *condition, const char *file, int line);
bool check_equals(struct check *c, uint64_t a, uint64_t b, const char *condition, const char *file,
		  int line);
bool check_same(struct check *c, const char *a, const char *b, const char *condition,
		const char *file, int line);
/* A process ended, or was ended, in the middle of a call: the last one in `room` of the trace. */
void check_note_lost(struct backend_check_failure *failure, unsigned room, const char *how);
bool check_has_failed(const struct check *c);
void check_skip(struct check *c, const char *reason);

/* "fairlead-check-SUFFIX". */
const char *check_name(struct check *c, const char *suffix);

/* The calls of the interface in short: they fill c->err. */
int check_create(struct check *c, const char *suffix, uint64_t bytes, struct fl_volume *ret);
int check_create_from(struct check *c, const char *suffix, struct fl_content content,
		      uint64_t bytes, struct fl_volume *ret);
int check_get(struct check *c, const char *handle, struct fl_volume *ret);
int check_delete(struct check *c, const char *handle);
int check_snapshot(struct check *c, const char *suffix, const char *volume_handle,
		   struct fl_snapshot *ret);
int check_record_set(struct check *c, const char *handle, const char *key, uint64_t expected,
		     const char *value, uint64_t *ret_version);

/* The handles of our own volumes or snapshots, in the order in which the pool lists them. */
int check_volumes(struct check *c, const char *after, struct fl_strings *ret);
int check_snapshots(struct check *c, const char *after, struct fl_strings *ret);
bool check_strings_have(const struct fl_strings *strings, const char *text);
/* The record that our statements about pool records use. */
#define CHECK_POOL_RECORD CHECK_PREFIX "record"
/* Removes all of our own. */
int check_clean(struct check *c);

/* Opens the bytes of a volume through its source. */
int check_open(struct check *c, const char *handle, int flags, int *ret_fd);
/* Fills, or compares, [offset, offset + size) with `byte`. */
int check_write(struct check *c, const char *handle, uint64_t offset, size_t size, int byte);
int check_reads(struct check *c, const char *handle, uint64_t offset, size_t size, int byte);
/* Bytes that the volume's file takes. */
int check_allocated(struct check *c, const char *handle, uint64_t *ret);

/* Closes the pool and opens it again. */
int check_reopen(struct check *c);
/* Runs `work` in n processes at once, each with the pool opened by itself; -1 when one fails. */
int check_in_processes(struct check *c, int n, void (*work)(struct check *c, int i));
/* The same in threads of this process, on the one pool. */
int check_in_threads(struct check *c, int n, void (*work)(struct check *c, int i));
