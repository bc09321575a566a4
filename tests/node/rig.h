/* SPDX-License-Identifier: Apache-2.0 */
/* Rig: a node service of its own, as a process, with a file pool in a temporary directory; volumes
 * are made in the same pool from here.  Needs root: devices and mounts are real. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/pools.h"
#include "base/channel.h"

struct rig {
	char root[64];
	char staging[96]; /* paths inside root, not made yet */
	char target[96];
	char other_target[96];
	bool restarts; /* the service is killed and started again before each call */
	pid_t server;
	struct fl_arena *arena;
	struct fl_settings settings;
	struct fl_pools *pools;
	const struct fl_pool_settings *pool_settings;
};

/* How a volume is asked for; zeros are a writable block volume. */
struct rig_use {
	const char *fs; /* NULL: block */
	int mode;       /* 0: SINGLE_NODE_MULTI_WRITER */
	bool read_only; /* of the publication */
	const char *vm;
	const char *mkfs_options;
	const char *mount_flag;
	const char *group;                /* volume_mount_group */
	const char *epoch;                /* of publish_context */
	bool ephemeral;                   /* without a staging path, with … */
	const struct fl_pair *attributes; /* … these volumeAttributes, ended by a NULL key */
	const struct fl_source *source;   /* for publish_context; NULL: the node asks the pool */
};

/* False (after printing why) when this machine cannot run these tests. */
bool rig_start(struct rig *rig);
/* Ends the service, removes mounts and devices that are left, and the directory.  1 when the
 * service did not end well (a sanitizer may have said why: its log is printed). */
int rig_end(struct rig *rig);
void rig_kill_server(struct rig *rig);
void rig_start_server(struct rig *rig);

/* A volume of that size, attached to this node for writing; its id. */
const char *rig_volume(struct rig *rig, const char *name, uint64_t size);
/* Another one with the content of volume `of`, as the controller makes it. */
const char *rig_clone(struct rig *rig, const char *name, const char *of);
/* Where its bytes are, and the path of its image. */
struct fl_source rig_source(struct rig *rig, const char *volume_id);
const char *rig_image(struct rig *rig, const char *volume_id);
void rig_grow(struct rig *rig, const char *volume_id, uint64_t size);
/* A record; "" when there is none. */
const char *rig_record(struct rig *rig, const char *volume_id, const char *key);
/* The record `format`. */
const char *rig_format(struct rig *rig, const char *volume_id);
void rig_set_record(struct rig *rig, const char *volume_id, const char *key, const char *value);
/* The same with that access mode, at an epoch. */
void rig_own_as(struct rig *rig, const char *volume_id, int mode, uint64_t epoch);
/* What the controller writes when it attaches the volume to `node`; NULL: to none. */
void rig_own(struct rig *rig, const char *volume_id, const char *node, bool read_only);

/* The calls of csi.v1.Node. */
int rig_stage(struct rig *rig, const char *id, const struct rig_use *use, struct fl_error *err);
int rig_unstage(struct rig *rig, const char *id, struct fl_error *err);
int rig_publish(struct rig *rig, const char *id, const char *target, const struct rig_use *use,
		struct fl_error *err);
int rig_unpublish(struct rig *rig, const char *id, const char *target, struct fl_error *err);
int rig_expand(struct rig *rig, const char *id, const char *path, uint64_t required,
	       uint64_t *ret_bytes, struct fl_error *err);
/* *ret_inodes is 0 when none are told. */
int rig_stats(struct rig *rig, const char *id, const char *path, uint64_t *ret_bytes,
	      uint64_t *ret_inodes, struct fl_error *err);

/* What NodeGetVolumeHealth says: "3 ImageTruncated, 1 StageFailed" (the numbers are CSI's), or ""
 * for a healthy volume.  `target` may be NULL. */
int rig_health(struct rig *rig, const char *id, const char *target, const char **ret,
	       struct fl_error *err);
/* The same of NodeGetStorageHealth. */
int rig_storage_health(struct rig *rig, const char **ret, struct fl_error *err);
/* The message of an abnormal condition in NodeGetVolumeStats, or "". */
int rig_condition(struct rig *rig, const char *id, const char *path, const char **ret,
		  struct fl_error *err);
/* Any call of csi.v1.Node; *ret is the answer.  NULL for who does not look. */
int rig_call(struct rig *rig, const char *method, const void *message, const void **ret,
	     struct fl_error *err);

/* Whether nothing of any volume is left: prints what is. */
bool rig_is_clean(struct rig *rig);
/* Detaches the loop devices of all volumes. */
void rig_detach_all(struct rig *rig);
/* The path of the one loop device that has the volume's image; NULL when none has, or several. */
const char *rig_loop(struct rig *rig, const char *volume_id);

/* A launcher's connection to the disk service; hello is said when vm is not NULL. */
int rig_launcher(struct rig *rig, const char *vm);
/* One request on it; *ret is to be released. */
int rig_ask(struct rig *rig, int fd, const char *method, json_t *params,
	    struct fl_channel_message *ret, struct fl_error *err);
/* The token in the disk pass at `target`. */
const char *rig_token(struct rig *rig, const char *target);

/* Writes a small file, durably; and whether it holds just that text. */
bool rig_write_file(const char *directory, const char *name, const char *text);
bool rig_file_says(const char *directory, const char *name, const char *text);

/* Runs a command; its exit status. */
int rig_run(const char *const argv[]);

/* For the files of the rig: an operation, and the end of everything when one of theirs fails,
 * because a test cannot go on when its rig is broken. */
struct fl_op rig_op(struct rig *rig);
void rig_must(int rc, const char *what, const struct fl_error *err);
