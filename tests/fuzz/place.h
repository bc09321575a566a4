/* SPDX-License-Identifier: Apache-2.0 */
/* Place: a temporary directory for a target that needs files. */
#pragma once

/* A new directory, or abort. */
const char *place_make(void);
/* Removes it and all that is in it on its own file system. */
void place_remove(const char *path);
