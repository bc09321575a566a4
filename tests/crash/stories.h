/* SPDX-License-Identifier: Apache-2.0 */
/* Stories: the CSI calls whose crashes and faults are tried, as a table.
 *
 * A story is told from its first step to its last; each step is tried again and again before the
 * next one, so each has the way back to where it began.  A new call is one more row. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct step {
	const char *name;
	const char *call;           /* as bed_call takes it; NULL: see `fills` */
	const char *const *back;    /* calls that lead back to the state before, up to NULL */
	const char *const *fills;   /* up to NULL; the program gets the image of volume a as well,
				     and gives it a content from outside */
	const char *unless_refused; /* the machine's lack: if the refusal says this, the step is not
				       tried, and the story counts as skipped */
};

struct story {
	const char *name;
	const struct step *steps;
	size_t n;
	bool contents; /* the bytes of images are compared as well */
};

extern const struct story stories[];
extern const size_t n_stories;
