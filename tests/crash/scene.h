/* SPDX-License-Identifier: Apache-2.0 */
/* Scene: a step of a story on the bed, with what everything looks like before and after it, and the
 * telling of whole stories.  What does not go as it should is printed where it is found, and ends
 * the story. */
#pragma once

#include "bed.h"
#include "stories.h"

struct scene {
	const struct story *story;
	const struct step *step;
	struct fl_arena *arena;
	const char *before;
	const char *after;
};

/* Prints the phrase when it does not hold, and remembers; returns whether it holds. */
bool scene_check(bool holds, const char *format, ...) fl_printf_like(2, 3);
/* Whether anything did not hold in the story that is told. */
bool scene_failed(void);

/* Starts the service, with nothing planned. */
bool scene_start(void);
/* Makes a call until it works. */
bool scene_insist(const char *call);
/* Whether everything looks like `wanted`, one of the scene's two. */
bool scene_shows(const struct scene *scene, const char *wanted, const char *when);
/* The way back from the step; then everything has to look as before. */
bool scene_go_back(const struct scene *scene);

/* Tries point `n` of a step (from 1), from the state before it and back to it; false when there is
 * no such point any more.  The number of tries is added to *n_tried. */
typedef bool scene_try(const struct scene *scene, unsigned n, unsigned *n_tried);

/* Tells those stories whose names contain one of `filters` (NULL-terminated; none: all): tries each
 * step that has a way back at every point, or, with FAIRLEAD_STRIDE=N, at each Nth one.  `before`
 * is told as if it were a story of that name, unless it is NULL.  Prints TAP, a line "STORY
 * SENTENCE" for each, and how many points were tried; the exit status. */
struct scene_plan {
	scene_try *try;
	const char *sentence;
	const char *also_name;
	unsigned (*also)(unsigned stride);
};
int scene_run(const struct scene_plan *plan, char **filters);
