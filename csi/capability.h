/* SPDX-License-Identifier: Apache-2.0 */
/* Capability: how a volume is going to be used, read from CSI's VolumeCapability and checked.
 *
 * A capability that was read is whole: it has a form (block or mount), a known access mode and, for
 * a mount, a file system that we can make. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "csi/csi.pb-c.h"

/* The numbers are CSI's. */
enum access_mode {
	ACCESS_SINGLE_NODE_WRITER = 1,
	ACCESS_SINGLE_NODE_READER_ONLY = 2,
	ACCESS_MULTI_NODE_READER_ONLY = 3,
	ACCESS_MULTI_NODE_SINGLE_WRITER = 4,
	ACCESS_MULTI_NODE_MULTI_WRITER = 5,
	ACCESS_SINGLE_NODE_SINGLE_WRITER = 6, /* one path on the node */
	ACCESS_SINGLE_NODE_MULTI_WRITER = 7,  /* several paths on the node */
};

struct capability {
	bool block; /* a raw block device; else a mounted file system */
	const char
		*fs_type; /* "ext4", "xfs" or "btrfs"; "ext4" when none was asked for; mount only */
	bool any_fs;      /* none was asked for: what the volume holds will do */
	const char *const *mount_flags; /* borrowed from the message; mount only */
	size_t n_mount_flags;
	bool has_mount_group; /* mount only */
	uint32_t mount_group; /* its number */
	enum access_mode mode;
};

/* FL_INVALID names what is missing, unknown or not ours to do.  Strings stay the message's.
 * `message` may be NULL ("volume_capability is missing"). */
int capability_read(const Csi__V1__VolumeCapability *message, struct capability *ret,
		    struct fl_error *err) fl_must_check;
/* A list, at least one and at most 32 of them; `ret` is in the arena. */
int capability_read_list(struct fl_arena *arena, Csi__V1__VolumeCapability *const *messages,
			 size_t n_messages, struct capability **ret, struct fl_error *err)
	fl_must_check;

/* FL_INVALID unless it is "", "ext4", "xfs" or "btrfs". */
int capability_check_fs_type(const char *fs_type, struct fl_error *err) fl_must_check;

/* "SINGLE_NODE_WRITER"; NULL for a number that is no mode. */
const char *access_mode_name(enum access_mode mode);
/* The other way; 0 for a word that is none. */
enum access_mode access_mode_of(const char *name);
/* More than one node at once. */
bool access_mode_is_multi_node(enum access_mode mode);
/* Nobody writes. */
bool access_mode_is_reader(enum access_mode mode);
/* One target path on a node: by CSI's table for a second NodePublishVolume, all that are for a
 * single node but SINGLE_NODE_MULTI_WRITER. */
bool access_mode_is_single_path(enum access_mode mode);
