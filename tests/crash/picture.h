/* SPDX-License-Identifier: Apache-2.0 */
/* Picture: everything that calls may leave below a directory, as sorted lines of text: files and
 * directories, records by their value, mounts, and loop devices.  What legitimately differs from
 * one run to the next is left out: versions and epochs, times, tokens, numbers of devices. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/* With `contents`, image files are told by a hash of their bytes, too. */
const char *picture_take(struct fl_arena *arena, const char *root, bool contents);

/* Prints what is in one and not in the other, as comments of TAP; whether they are equal. */
bool picture_compare(const char *wanted, const char *got);

/* Unmounts and detaches all that is below `root`. */
void picture_remove(const char *root);
