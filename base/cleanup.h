/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that are used as words, and the release functions for what the C library hands out.
 *
 * A resource is declared together with its release and is never released by hand:
 *	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
 * Handing it over is explicit: `ret->fd = fl_take_fd(&fd);`.  All release functions accept the
 * empty value (-1, NULL) and leave errno as it was. */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>

#define fl_cleanup(release) __attribute__((cleanup(release)))
#define fl_must_check __attribute__((warn_unused_result))
#define fl_printf_like(text, first) __attribute__((format(printf, text, first)))

#define FL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Closes *fd when it is not negative. */
void fl_close(int *fd);
/* Frees what a `char *`, or any other pointer to heap memory, points to. */
void fl_free(void *pointer);
void fl_closedir(DIR **dir);
void fl_fclose(FILE **file);

/* Returns *fd and leaves -1 behind: the caller of take owns the descriptor now. */
int fl_take_fd(int *fd);
