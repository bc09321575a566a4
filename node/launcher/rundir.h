/* SPDX-License-Identifier: Apache-2.0 */
/* Rundir: the runtime directory of a VM, and the lock that says it runs.
 *
 * The lock (flock) is shared by the supervisor and QEMU, which inherits it: it is free only when
 * both are gone. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/* Makes the directory (mode 0700) where it is missing and takes its lock.  FL_IN_USE when the VM
 * runs already; FL_INVALID when the path is too long for the sockets in it. */
int rundir_lock(const char *dir, int *ret_fd, struct fl_error *err) fl_must_check;
int rundir_open(const char *dir, int *ret_fd, struct fl_error *err) fl_must_check;
/* Whether somebody holds the lock; false when the directory is not there. */
bool rundir_is_locked(const char *dir);

/* Removes what an earlier run may have left, except its state and the console's log. */
int rundir_sweep(int dir_fd, struct fl_error *err) fl_must_check;
/* Removes the directory.  The caller holds its lock. */
int rundir_remove(const char *dir, struct fl_error *err) fl_must_check;
