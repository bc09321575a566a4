/* SPDX-License-Identifier: Apache-2.0 */
/* Reserve: a little room that a pool keeps back for itself, in its file `reserve`.
 *
 * Detaching and deleting a volume write a record first.  In a pool that thin volumes have filled to
 * the last block neither would be possible, and nobody could ever make room again. */
#pragma once

#include "pool.h"

/* Takes as much as is missing.  A pool that has no room for it does without until it is called
 * again. */
void file_reserve_fill(const struct file_pool *file);

/* After FL_NO_SPACE: gives back a part of it.  false: there is nothing left to give back. */
bool file_reserve_spend(const struct file_pool *file);
