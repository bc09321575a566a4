/* SPDX-License-Identifier: Apache-2.0 */
/* Mkfs: the further words that a StorageClass has for mkfs (parameter mkfs_options, record `mkfs`),
 * and which of them each file system takes.  The controller refuses wrong ones before a volume is
 * made, and a node before it runs mkfs. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define MKFS_WORDS_MAX 32

/* The words of `text` for "ext4", "xfs" or "btrfs" (others take none), ended by NULL, in the arena.
 * FL_INVALID names an option that is unknown, or that points at other files or devices. */
int mkfs_words(struct fl_arena *arena, const char *file_system, const char *text,
	       const char *const **ret, struct fl_error *err) fl_must_check;
