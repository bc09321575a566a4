/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one struct, filled where the failure is understood, read once at the top.
 *
 * A function that can fail returns 0 or -1 and takes `struct fl_error *err` last; it is never
 * NULL.  On success the function leaves *err alone; on failure it has filled it.  Library code
 * does not log it: the edge (an RPC, a command) does, once.
 *
 * The text is a phrase: it names the thing ("volume pvc-1"), has no capital letter at the start,
 * no full stop and no newline, and never holds a secret.  It is bounded because it travels in an
 * HTTP/2 trailer. */
#pragma once

#include "cleanup.h"

enum fl_error_code {
	FL_OK,
	FL_INVALID,      /* the request is wrong, and will be wrong next time */
	FL_NOT_FOUND,    /* no such volume, snapshot, node, path */
	FL_EXISTS,       /* the same name with other properties */
	FL_OUT_OF_RANGE, /* a size that this pool cannot give */
	FL_NO_SPACE,     /* the pool is full */
	FL_IN_USE,       /* attached elsewhere, has snapshots, is in a state that forbids it */
	FL_BUSY,         /* another operation holds this volume: come back */
	FL_BAD_TOKEN,    /* a list's starting token that is not (or no longer) ours */
	FL_UNSUPPORTED,  /* this pool cannot do it at all */
	FL_DENIED,       /* the caller, or our own account, may not */
	FL_UNAVAILABLE,  /* the storage, or a peer, does not answer: work may still go on */
	FL_TIMEOUT,      /* a deadline passed: work may still go on */
	FL_INTERNAL,     /* a fault of ours, or one that nobody foresaw */
	FL_ERROR_COUNT
};

struct fl_error {
	enum fl_error_code code;
	int sys; /* the errno behind it, or 0 */
	char text[500];
};

/* Each of these three returns -1, so that `return fl_error_set(err, …)` is the whole error path. */

int fl_error_set(struct fl_error *err, enum fl_error_code code, const char *format, ...)
	fl_printf_like(3, 4);

/* The code follows from errno value `sys` (ENOENT → NOT_FOUND, ENOSPC/EDQUOT → NO_SPACE, EBUSY →
 * IN_USE, EACCES/EPERM → DENIED, ETIMEDOUT → TIMEOUT, EMFILE/ENFILE/ENOMEM/EAGAIN/EROFS (a file
 * system that its kernel made read-only is repaired by somebody) → UNAVAILABLE, else INTERNAL); ":
 * No such file or directory" is added to the text. */
int fl_error_sys(struct fl_error *err, int sys, const char *format, ...) fl_printf_like(3, 4);

/* Puts "creating volume pvc-1: " before the text that is there; the code stays. */
int fl_error_prefix(struct fl_error *err, const char *format, ...) fl_printf_like(2, 3);

/* The code as a word for logs and JSON: "NOT_FOUND".  Never NULL. */
const char *fl_error_name(enum fl_error_code code);
/* The other way; FL_INTERNAL for a word that is none of ours. */
enum fl_error_code fl_error_code_of(const char *name);
