/* SPDX-License-Identifier: Apache-2.0 */
/* Mount: mounts file systems and binds them, and unmounts with proof.
 *
 * What is mounted at a path is always checked against the volume's device before it is touched: a
 * foreign mount is never unmounted and never taken for ours. */
#pragma once

#include <stdbool.h>
#include <sys/mount.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"
#include "node/connect/connect.h"
#include "node/mountinfo.h"

struct mount_options {
	unsigned long flags; /* MS_… */
	const char *data;    /* what the file system itself reads: "discard,data=ordered"; or "" */
	bool has_words;      /* some of `data` is the orchestrator's, who may have got it wrong */
};

/* CSI's mount_flags as options of mount(2): words, each of which may be several with commas
 * between.  FL_INVALID for a word that would change where or what is mounted ("bind", "loop",
 * "logdev=…") and for anything but plain characters; it does not repeat the word's value, which may
 * be a secret. */
int mount_options_parse(struct fl_arena *arena, const char *const *words, size_t n_words,
			struct mount_options *ret, struct fl_error *err) fl_must_check;

/* Mounts the file system of type `type` on `device` at directory `point`.  FL_IN_USE when it is
 * damaged, FL_INVALID when it may as well be a mount flag that is wrong. */
int mount_filesystem(const char *device, const char *type, const char *point,
		     const struct mount_options *options, struct fl_error *err) fl_must_check;

/* Makes `target` show what `source` shows; both directories, or both files.  It has those of the
 * flags that a mount can have for itself (ro, nosuid, nodev, noexec, atime) from its first moment
 * on (before Linux 5.12: from shortly after it). */
int mount_bind(const char *source, const char *target, unsigned long flags, struct fl_error *err)
	fl_must_check;
/* Those by which a mount is told from another one; what the file system calls its own options is
 * shown in other words than it is asked for in. */
#define MOUNT_TELLING_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
/* Which of them the mount at `point` has. */
int mount_flags(const char *point, unsigned long *ret, struct fl_error *err) fl_must_check;

/* FL_IN_USE when the file system of the mount, which is the volume's, has become read-only after an
 * error or has shut itself down. */
int mount_check_works(const struct mountinfo_entry *entry, const char *volume_id,
		      struct fl_error *err) fl_must_check;

/* Unmounts whatever of the device is mounted at `path`, layer by layer, and proves that nothing is
 * mounted there any more.  `connection` may be NULL: then anything mounted there is foreign.
 * FL_IN_USE while processes use it, and when it is not the device's; FL_BUSY while a program of an
 * earlier attempt does. */
int mount_remove(struct fl_arena *arena, const char *path, const struct connection *connection,
		 struct fl_error *err) fl_must_check;

/* Whether the entry shows the device: its file system, or its node. */
bool mount_shows(const struct mountinfo_entry *entry, const struct connection *connection);
/* All mounts that show the device, with their places, in the order of the table. */
int mount_list(struct fl_arena *arena, const struct connection *connection, struct mountinfo *ret,
	       struct fl_error *err) fl_must_check;
