/* SPDX-License-Identifier: Apache-2.0 */
/* Pass: for which VM a volume is published on this node (docs/disk-service.md).
 *
 * Two kinds of files hold it.  The disk pass is the file at the target path: volume, VM and token,
 * for the launcher.  The node's own copy, one file per volume in the state directory, adds what the
 * node needs: the source, which image that was, and all target paths.  It is written before the
 * first disk pass and removed after the last one, so whatever a crash leaves can be published again
 * or unpublished.  Both are mode 0600 and replaced as a whole.  The caller holds the volume. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"
#include "base/text.h"

#define PASS_TARGETS_MAX 16
#define PASS_TOKEN_LENGTH 64

struct pass {
	const char *volume;
	const char *vm;
	const char *token;
	const char *image; /* image_identity of what it was made for */
	bool read_only;
	const struct fl_pair *source; /* fl_source_to_pairs */
	size_t n_source;
	struct fl_strings targets;
};

/* The value of the node's copy (a record, base/record.h) as a pass; FL_INTERNAL for anything that
 * is none. */
int pass_parse(struct fl_arena *arena, const char *text, size_t size, struct pass *ret,
	       struct fl_error *err) fl_must_check;

/* The node's copy for a volume; *ret_found false when it is not published for a VM.  FL_INTERNAL
 * when it is damaged. */
int pass_load(struct fl_arena *arena, int state_fd, const char *volume_id, bool *ret_found,
	      struct pass *ret, struct fl_error *err) fl_must_check;
/* Writes it durably. */
int pass_store(struct fl_arena *arena, int state_fd, const struct pass *pass, struct fl_error *err)
	fl_must_check;
/* Removes it; absent is success. */
int pass_forget(int state_fd, const char *volume_id, struct fl_error *err) fl_must_check;

/* A token that nobody can guess, in the arena. */
int pass_new_token(struct fl_arena *arena, const char **ret, struct fl_error *err) fl_must_check;
/* Compares in a time that does not depend on the content. */
bool pass_token_is(const struct pass *pass, const char *token);

bool pass_has_target(const struct pass *pass, const char *target);
/* A copy of the pass with one target more, or less; more than PASS_TARGETS_MAX is FL_IN_USE. */
int pass_with_target(struct fl_arena *arena, const struct pass *pass, const char *target,
		     struct pass *ret, struct fl_error *err) fl_must_check;
struct pass pass_without_target(struct fl_arena *arena, const struct pass *pass,
				const char *target);

/* Puts the disk pass at `target`.  An older pass of the same volume is replaced; anything else that
 * is there is FL_IN_USE. */
int pass_publish(struct fl_arena *arena, const struct pass *pass, const char *target,
		 struct fl_error *err) fl_must_check;
/* Whether `target` is a disk pass of that volume. */
int pass_is_at(struct fl_arena *arena, const char *target, const char *volume_id, bool *ret,
	       struct fl_error *err) fl_must_check;
