/* SPDX-License-Identifier: Apache-2.0 */
/* Mountinfo: what the kernel says is mounted in our mount namespace.
 *
 * A mount is identified by its device and by what the kernel says about a path, never by comparing
 * path texts: a target below a symbolic link is found all the same.  A table is a moment's view, in
 * the arena; read it again after a change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

struct mountinfo_entry {
	uint64_t id;
	uint64_t parent;
	dev_t device;       /* of the file system; a number without a device for btrfs */
	const char *root;   /* the part of that file system which is mounted: "/" or "/loop3" */
	const char *point;  /* where */
	const char *type;   /* "ext4" */
	const char *source; /* "/dev/loop3" */
	bool read_only;     /* this mount, or the whole file system */
	bool failed;        /* the mount is for writing; its file system went read-only by itself */
	/* What it covers, as the file system there knows it; only after mountinfo_find_place. */
	dev_t place_device;
	const char *place;
};

struct mountinfo {
	const struct mountinfo_entry *entries;
	size_t n;
};

/* Parses text in the format of /proc/self/mountinfo (proc(5)); FL_INTERNAL with the number of a
 * line that is not in it.  At most 100,000 mounts. */
int mountinfo_parse(struct fl_arena *arena, const char *text, size_t size, struct mountinfo *ret,
		    struct fl_error *err) fl_must_check;
/* The current table, whole: read again when it changed meanwhile. */
int mountinfo_read(struct fl_arena *arena, struct mountinfo *ret, struct fl_error *err)
	fl_must_check;

/* Fills entry->place_device and entry->place. */
void mountinfo_find_place(struct fl_arena *arena, const struct mountinfo *table,
			  struct mountinfo_entry *entry);
/* Whether both cover the same directory or file, by whatever path: below a directory that is bound
 * to another one the kernel repeats each mount at the other.  Both know their places. */
bool mountinfo_is_same_place(const struct mountinfo_entry *a, const struct mountinfo_entry *b);

/* What is mounted exactly at `path` (the uppermost of several), with its place: NULL when nothing
 * is, or when the path is not there.  A symbolic link at the end of the path is not followed. */
int mountinfo_at(struct fl_arena *arena, const char *path, const struct mountinfo_entry **ret,
		 struct fl_error *err) fl_must_check;

/* Whether the entry is a mount of the file system on block device `device`. */
bool mountinfo_is_filesystem_of(const struct mountinfo_entry *entry, dev_t device);
/* Whether the entry is a bind mount of a node of block device `device`, which has the name `name`
 * under /dev. */
bool mountinfo_is_node_of(const struct mountinfo_entry *entry, dev_t device, const char *name);
