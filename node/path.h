/* SPDX-License-Identifier: Apache-2.0 */
/* Path: the paths in node requests. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* A path at which something shall be staged or published (`field` is its name in the request):
 * FL_INVALID unless it is absolute, below "/", printable, without "." and ".." and of a length the
 * kernel takes. */
int path_check(const char *field, const char *path, struct fl_error *err) fl_must_check;

/* A path at which something is said to be: FL_INVALID when empty, FL_NOT_FOUND when it cannot be,
 * or is not there. */
int path_check_existing(const char *field, const char *path, struct fl_error *err) fl_must_check;

/* A directory: made unless it is there; its parents too. */
int path_make_directory(const char *path, struct fl_error *err) fl_must_check;
/* The directories above it. */
int path_make_parents(const char *path, struct fl_error *err) fl_must_check;

/* Removes what was bound over at a target path: an empty directory or an empty file.  Absent is
 * success; FL_IN_USE when there is something in it. */
int path_remove_target(const char *path, struct fl_error *err) fl_must_check;

/* Whether errno value `sys` is what a mounted file system answers that has shut itself down: the
 * path is there, and what is mounted at it is broken. */
bool path_is_broken(int sys);
