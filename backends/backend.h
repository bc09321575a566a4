/* SPDX-License-Identifier: Apache-2.0 */
/* Backend: what a kind of storage is.  Public, installed, versioned.
 *
 * A backend is a shared object NAME.so that exports one `const struct fl_backend fl_backend`.  It
 * is loaded when a pool of the configuration names it; each pool is one instance, made by `open`.
 * The page is long because an author needs every contract, and nothing else, in one place.
 *
 * For every call:
 *  - It blocks, and runs on a worker thread; several may run at once on one instance unless
 *    FL_BACKEND_SERIAL is set.  The core never runs two calls for one volume at once in this
 *    process, but another controller may do so in another: what must be atomic, the storage must
 *    make so.
 *  - It is idempotent: asked again for what is already so, it says yes.  A failed or killed call
 *    leaves nothing that the same call, made again, trips over; `volume_delete` and
 *    `snapshot_delete` also remove what an interrupted create left.
 *  - It takes `struct fl_op` (id for logs, deadline for waits, arena for what it returns) and
 *    `struct fl_error`, and returns 0 or -1.  Strings it returns live in op->arena; strings it is
 *    given live at least until it returns.
 *  - While work that it started may still go on, it fails with FL_TIMEOUT, FL_UNAVAILABLE or
 *    FL_BUSY and with nothing else.
 *  - Names and handles that it is given were checked by the core: UTF-8 of 1 to 128 bytes without
 *    control characters but tabs and line ends (names), something it returned itself or at least a
 *    safe name (handles).  Sizes are whole multiples of 512.
 *
 * Call backends through the checked functions at the end, never through the struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "base/op.h"
#include "base/record.h"
#include "base/text.h"
#include "source.h"

#define FL_BACKEND_ABI 1

enum fl_backend_flags {
	/* The core runs one call at a time per instance. */
	FL_BACKEND_SERIAL = 1 << 0,
	/* A volume lives on one node and is reached from there only. */
	FL_BACKEND_NODE_LOCAL = 1 << 1,
	/* Several nodes can reach a volume at once. */
	FL_BACKEND_SHARED = 1 << 2,
	/* Snapshots and clones are copies that take time: the core must keep the volume still
	 * meanwhile, or let the launcher that writes it make the copy (struct fl_copy_ops). */
	FL_BACKEND_COPIES = 1 << 3,
	/* volume_create takes FL_CONTENT_VOLUME. */
	FL_BACKEND_CLONES = 1 << 4,
};

/* Where a new volume's content comes from. */
enum fl_content_kind { FL_CONTENT_BLANK, FL_CONTENT_SNAPSHOT, FL_CONTENT_VOLUME };
struct fl_content {
	enum fl_content_kind kind;
	const char *handle; /* of the snapshot or volume in the same pool; NULL when blank */
};

struct fl_volume_spec {
	const char *name;          /* the CSI name: see above */
	uint64_t min_bytes;        /* the least size; the backend may round up … */
	uint64_t max_bytes;        /* … but not above this; 0: no limit */
	bool thin;                 /* space is taken as it is written */
	struct fl_content content; /* min_bytes is at least the content's size */
	const void *parameters; /* the backend's own struct, filled from its table `parameters` */
	/* Records that the volume has from its first moment on, as text by key; none without
	 * `records`.  Those of a volume that is there already stay as they are: the core compares
	 * them. */
	const struct fl_pair *records;
	size_t n_records;
};

/* What is wrong with a volume, or with the storage behind a pool.  Nothing: it is healthy. */
enum fl_health_status {
	FL_HEALTH_DEGRADED,     /* usable, not as it should be */
	FL_HEALTH_INACCESSIBLE, /* from every node */
	FL_HEALTH_DATA_LOSS,    /* known or strongly suspected; never said of a pool */
};
struct fl_health_entry {
	enum fl_health_status status;
	const char *reason; /* one CamelCase word for programs, unique per status in one answer */
	const char
		*message; /* a phrase for people: what it is and the way out; at most 500 bytes */
};
struct fl_health {
	const struct fl_health_entry *entries;
	size_t n;
};

struct fl_volume {
	const char *handle;
	const char *name; /* the full CSI name */
	uint64_t size_bytes;
	struct fl_content content; /* as it was created from; the handle may be gone by now */
	bool thin;
	struct fl_health
		health; /* from volume_list: what it met on its way; others leave it empty */
	/* From volume_list only, where the storage tells it in the same breath: what `records` has
	 * as FL_RECORD_OWNER, version 0 for none.  NULL: ask `records`. */
	const struct fl_record *owner;
};

struct fl_snapshot_spec {
	const char *name;          /* the CSI name, unique in the pool */
	const char *volume_handle; /* of the source */
	const char *group; /* of the group snapshot it is a part of: kept with it; `name` is then a
			    * safe name of at most 30 bytes, and the handle.  Or NULL */
	const void *parameters; /* filled from `snapshot_parameters` */
};

struct fl_snapshot {
	const char *handle;
	const char *name;
	const char *volume_handle; /* of the source, which may be gone by now */
	const char *group;         /* as in its spec; NULL: it was made alone */
	uint64_t size_bytes;       /* of a volume made from it */
	int64_t created_ns;        /* the cut, CLOCK_REALTIME */
	bool ready;                /* a volume can be made from it */
	const char *failure;       /* why it will never be ready, or NULL */
};

struct fl_capacity {
	uint64_t available_bytes;
	uint64_t max_volume_bytes; /* 0: not known */
	uint64_t min_volume_bytes;
};

/* What the core wants of a publish. */
struct fl_publish_spec {
	const char *handle;
	const char *node;
	bool read_only;
};

/* Names of records that the core keeps with a volume, and what they hold. */
#define FL_RECORD_OWNER "owner" /* who may write: JSON, see csi/owner_record.h */
#define FL_RECORD_FORMAT "format"
#define FL_RECORD_LIMITS "limits" /* what a VM may do to it at most: JSON, see csi/limits.h */
#define FL_RECORD_MKFS "mkfs"     /* further words for the mkfs of a volume that was made blank */
/* Of the file system on it, once it is nobody else's; a copy begins without this record. */
#define FL_RECORD_UUID "uuid"
/* Values of record `format`.  It only ever moves forward, and durably before what it allows:
 * "never": nobody has written to the volume since it was made blank; "formatting:ext4": only our
 * own mkfs has written to it, which may not have finished: it may be run again; "ext4": we made
 * that file system and it may have been mounted; "raw": it was handed out for writing as a block
 * device, or nobody knows: never run mkfs on it. */
#define FL_FORMAT_NEVER "never"
#define FL_FORMAT_MAKING "formatting:"
#define FL_FORMAT_RAW "raw"

struct fl_backend;

/* An instance: the first member of the backend's own struct, which `open` zeroes. */
struct fl_pool {
	const struct fl_backend *backend;
	const char *name; /* in the configuration; set by the core */
	unsigned without; /* set by `open`: those of backend->flags that this instance lacks */
	unsigned flags;   /* backend->flags without these; set by the core */
	struct fl_pool_lock *lock; /* the core's */
};

/* Called for each entry of a listing; a value other than 0 ends the listing, which then returns
 * 0.  What it is given is valid during the call only; it must not call into the pool. */
typedef int fl_volume_see(void *cookie, const struct fl_volume *volume);
typedef int fl_snapshot_see(void *cookie, const struct fl_snapshot *snapshot);

struct fl_snapshot_ops {
	/* Makes the point in time.  An existing snapshot of that name, volume and group is returned
	 * as it is; of that name and another volume or group, FL_EXISTS.  Copies record `format` of
	 * the volume, read after the cut. */
	int (*create)(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
		      struct fl_error *err);
	int (*remove)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		      struct fl_error *err);
	int (*get)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		   struct fl_snapshot *ret, struct fl_error *err);
	/* In ascending order of handle (bytewise), from the first handle above `after` (NULL:
	 * all). */
	int (*list)(struct fl_pool *pool, const struct fl_op *op, const char *after,
		    fl_snapshot_see *see, void *cookie, struct fl_error *err);
};

/* A named value beside the volume, changed by compare-and-swap: contracts as in base/record.h. */
struct fl_record_ops {
	int (*get)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		   const char *key, struct fl_record *ret, struct fl_error *err);
	int (*compare_and_set)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			       const char *key, uint64_t expected, const char *value,
			       uint64_t *ret_version, struct fl_error *err);
};

/* Named values of the pool itself, for what is of no single volume: contracts as in base/record.h,
 * but that the first version may be any: a record that was removed and made again never has a
 * version that it had before, so that who slept meanwhile finds out.  A key is a safe name of at
 * most 128 bytes that does not end in ".new". */
struct fl_pool_record_ops {
	int (*get)(struct fl_pool *pool, const struct fl_op *op, const char *key,
		   struct fl_record *ret, struct fl_error *err);
	int (*compare_and_set)(struct fl_pool *pool, const struct fl_op *op, const char *key,
			       uint64_t expected, const char *value, uint64_t *ret_version,
			       struct fl_error *err);
	/* Absent is success; FL_BUSY when it is of another version than `expected`. */
	int (*remove)(struct fl_pool *pool, const struct fl_op *op, const char *key,
		      uint64_t expected, struct fl_error *err);
};

/* As fl_volume_see. */
typedef int fl_health_see(void *cookie, const char *handle, const struct fl_health *health);
/* A status stays until its cause is gone.  A storage that does not answer is FL_UNAVAILABLE from
 * `volume` and `list`, and an entry of `pool`. */
struct fl_health_ops {
	int (*pool)(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
		    struct fl_error *err);
	/* Of one volume, also of one so damaged that volume_get fails; FL_NOT_FOUND. */
	int (*volume)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		      struct fl_health *ret, struct fl_error *err);
	/* The volumes that are not healthy, as volume_list. */
	int (*list)(struct fl_pool *pool, const struct fl_op *op, const char *after,
		    fl_health_see *see, void *cookie, struct fl_error *err);
};

/* A range of a snapshot's bytes; whole multiples of 512. */
struct fl_extent {
	uint64_t offset;
	uint64_t bytes;
};
/* As fl_volume_see.  An extent of 0 bytes is a sign of life: all that lies before it has been
 * told. */
typedef int fl_extent_see(void *cookie, const struct fl_extent *extent);
/* What a snapshot holds, and how it differs from another one of the same volume.  Both tell extents
 * in ascending order, disjoint, from offset `from` on (the first one is cut there), and within the
 * snapshot's (the target's) size; neighbours may touch.  What is not told is certain: it reads as
 * zeros, or the same in both, where the base counts as zeros beyond its end.
 *
 * The work may take long, and ends where `see` ends it: so they call it for each GiB or second of
 * work at least, with an extent of at most a GiB or a sign of life.  What they work on cannot be
 * deleted meanwhile.  The core has asked `snapshots` before: the snapshots are there and ready, the
 * base is of the target's volume and no larger, and `from` is a multiple of 512 within the size. */
struct fl_change_ops {
	int (*allocated)(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			 uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err);
	int (*delta)(struct fl_pool *pool, const struct fl_op *op, const char *base,
		     const char *target, uint64_t from, fl_extent_see *see, void *cookie,
		     struct fl_error *err);
};

/* For FL_BACKEND_COPIES: a copy that the core or a launcher's QEMU writes, in three steps, so that
 * the core can prove between the writing and the publishing that the source stood still.
 *
 * begin → somebody writes copy->path → commit.  A copy whose point in time came before
 * its end (a launcher's) is remembered by `started`, and found again by the next begin. */
struct fl_copy_target {
	const struct fl_snapshot_spec *snapshot; /* the copy will be this snapshot … */
	const struct fl_volume_spec *volume;     /* … or this volume; its content is a volume */
};
struct fl_copy {
	const char *handle;  /* that the snapshot or volume has, or will have once committed */
	const char *path;    /* the raw image to write to; NULL when done or failed */
	int64_t cut_ns;      /* what `started` stored; 0: not started */
	bool done;           /* committed already: handle is a finished snapshot or volume */
	const char *failure; /* what `failed` stored, or NULL */
};
struct fl_copy_ops {
	/* Makes an invisible, zeroed target of the size that the finished object will have.  While
	 * no copy has been started, each begin makes a fresh file under a name of its own and
	 * removes what an earlier begin of that object left, so that a writer that was believed
	 * dead writes to nowhere.  A started, failed or committed copy is returned as it is; when
	 * it is of another source or does not fit: FL_EXISTS, or FL_BUSY for a volume that is not
	 * committed, which may never be. */
	int (*begin)(struct fl_pool *pool, const struct fl_op *op,
		     const struct fl_copy_target *target, struct fl_copy *ret,
		     struct fl_error *err);
	/* Remembers durably that copy->path was cut at copy->cut_ns; for a snapshot, `get` and
	 * `list` show it from now on with ready = false.  FL_BUSY when another begin replaced
	 * copy->path. */
	int (*started)(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_copy_target *target, const struct fl_copy *copy,
		       struct fl_error *err);
	/* The copy broke after its cut: for a snapshot, `failure` is shown until it is deleted. */
	int (*failed)(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_copy_target *target, const char *failure,
		      struct fl_error *err);
	/* Makes the finished copy durable and visible under its name, ready, with created_ns =
	 * copy->cut_ns and the record `format` of the source (see above); done already is success.
	 * FL_BUSY when another begin replaced copy->path. */
	int (*commit)(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_copy_target *target, const struct fl_copy *copy,
		      struct fl_error *err);
	/* Forgets the target copy->path, started or not; nothing there, or replaced by another
	 * begin, is success.  A target that nobody commits stays until abort, the delete of that
	 * object, or a new begin. */
	int (*abort)(struct fl_pool *pool, const struct fl_op *op,
		     const struct fl_copy_target *target, const struct fl_copy *copy,
		     struct fl_error *err);
};

struct fl_backend {
	uint32_t abi;  /* FL_BACKEND_ABI */
	uint32_t size; /* sizeof(struct fl_backend) as the author compiled it */
	const char *name;
	const char *summary; /* one phrase, for `fairlead backend list` */
	unsigned flags;
	const struct fl_option *options; /* of a pool in the configuration; parsed into … */
	size_t n_options;
	size_t options_size;                /* … this many zeroed bytes, which `open` gets */
	const struct fl_option *parameters; /* of a StorageClass, for volume_create */
	size_t n_parameters;
	size_t parameters_size;
	const struct fl_option *snapshot_parameters;
	size_t n_snapshot_parameters;
	size_t snapshot_parameters_size;

	/* Required.  open checks that the storage is there and usable; what it keeps of `options`
	 * or `name` it copies.  close accepts NULL. */
	int (*open)(struct fl_pool **ret, const struct fl_op *op, const char *name,
		    const void *options, struct fl_error *err);
	void (*close)(struct fl_pool *pool);
	/* An existing volume of that name that fits the spec (size in range, same content, and thin
	 * or not where both are made) is returned; one that does not is FL_EXISTS.  A blank volume
	 * reads as zeros and has record `format` = "never"; one with content inherits the record of
	 * its content, read after the copy. */
	int (*volume_create)(struct fl_pool *pool, const struct fl_op *op,
			     const struct fl_volume_spec *spec, struct fl_volume *ret,
			     struct fl_error *err);
	/* Absent is success.  FL_IN_USE when something still has it open.  Snapshots made from it
	 * stay usable, or FL_IN_USE says why not. */
	int (*volume_delete)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			     struct fl_error *err);
	int (*volume_get)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			  struct fl_volume *ret, struct fl_error *err);
	/* In ascending order of handle (bytewise), from the first handle above `after` (NULL: all).
	 * What is damaged is listed, too, if the backend has `health`: then `health` says what is
	 * wrong, and of a damaged one name and size_bytes may be NULL and 0. */
	int (*volume_list)(struct fl_pool *pool, const struct fl_op *op, const char *after,
			   fl_volume_see *see, void *cookie, struct fl_error *err);
	/* Describes how spec->node reaches the volume.  Grants nothing by itself. */
	int (*publish)(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_publish_spec *spec, struct fl_source *ret,
		       struct fl_error *err);

	/* Optional: NULL is a capability that is not offered. */

	/* Grows to at least min_bytes (and at most max_bytes unless 0).  Never shrinks; large
	 * enough already is success.  Works while the volume is in use. */
	int (*resize)(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		      uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		      struct fl_error *err);
	int (*capacity)(struct fl_pool *pool, const struct fl_op *op, bool thin,
			struct fl_capacity *ret, struct fl_error *err);
	const struct fl_snapshot_ops *snapshots;
	const struct fl_record_ops *records;
	const struct fl_copy_ops *copies; /* required with FL_BACKEND_COPIES */
	const struct fl_pool_record_ops *pool_records;
	const struct fl_health_ops *health;
	const struct fl_change_ops *changes;
};

/* What a backend's object exports. */
extern const struct fl_backend fl_backend;

/* ---- The checked calls: what controller and node use. ----
 *
 * Each checks its arguments (FL_INVALID for an unusable handle or size), answers FL_UNSUPPORTED for
 * an absent member, takes the instance's lock for FL_BACKEND_SERIAL, measures the call, and checks
 * a success (handle there and safe, size in the asked range): a backend that breaks its contract is
 * FL_INTERNAL. */

/* `name` is borrowed until fl_pool_close, `options` until this returns. */
int fl_pool_open(const struct fl_backend *backend, const struct fl_op *op, const char *name,
		 const void *options, struct fl_pool **ret, struct fl_error *err) fl_must_check;
void fl_pool_close(struct fl_pool *pool);

int fl_volume_create(struct fl_pool *pool, const struct fl_op *op,
		     const struct fl_volume_spec *spec, struct fl_volume *ret, struct fl_error *err)
	fl_must_check;
int fl_volume_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     struct fl_error *err) fl_must_check;
int fl_volume_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		  struct fl_volume *ret, struct fl_error *err) fl_must_check;
int fl_volume_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		   fl_volume_see *see, void *cookie, struct fl_error *err) fl_must_check;
int fl_volume_publish(struct fl_pool *pool, const struct fl_op *op,
		      const struct fl_publish_spec *spec, struct fl_source *ret,
		      struct fl_error *err) fl_must_check;
int fl_volume_resize(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes,
		     struct fl_error *err) fl_must_check;
int fl_pool_capacity(struct fl_pool *pool, const struct fl_op *op, bool thin,
		     struct fl_capacity *ret, struct fl_error *err) fl_must_check;

int fl_snapshot_create(struct fl_pool *pool, const struct fl_op *op,
		       const struct fl_snapshot_spec *spec, struct fl_snapshot *ret,
		       struct fl_error *err) fl_must_check;
int fl_snapshot_delete(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		       struct fl_error *err) fl_must_check;
int fl_snapshot_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		    struct fl_snapshot *ret, struct fl_error *err) fl_must_check;
int fl_snapshot_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
		     fl_snapshot_see *see, void *cookie, struct fl_error *err) fl_must_check;

int fl_volume_record_get(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 const char *key, struct fl_record *ret, struct fl_error *err)
	fl_must_check;
int fl_volume_record_set(struct fl_pool *pool, const struct fl_op *op, const char *handle,
			 const char *key, uint64_t expected, const char *value,
			 uint64_t *ret_version, struct fl_error *err) fl_must_check;

int fl_pool_record_get(struct fl_pool *pool, const struct fl_op *op, const char *key,
		       struct fl_record *ret, struct fl_error *err) fl_must_check;
int fl_pool_record_set(struct fl_pool *pool, const struct fl_op *op, const char *key,
		       uint64_t expected, const char *value, uint64_t *ret_version,
		       struct fl_error *err) fl_must_check;
int fl_pool_record_remove(struct fl_pool *pool, const struct fl_op *op, const char *key,
			  uint64_t expected, struct fl_error *err) fl_must_check;

/* For backends: one entry more, its message as printf makes it. */
void fl_health_add(struct fl_arena *arena, struct fl_health *health, enum fl_health_status status,
		   const char *reason, const char *format, ...) fl_printf_like(5, 6);
int fl_pool_health(struct fl_pool *pool, const struct fl_op *op, struct fl_health *ret,
		   struct fl_error *err) fl_must_check;
int fl_volume_health(struct fl_pool *pool, const struct fl_op *op, const char *handle,
		     struct fl_health *ret, struct fl_error *err) fl_must_check;
int fl_volume_health_list(struct fl_pool *pool, const struct fl_op *op, const char *after,
			  fl_health_see *see, void *cookie, struct fl_error *err) fl_must_check;

/* As struct fl_change_ops says.  FL_BUSY for a snapshot that is not ready yet, FL_IN_USE for one
 * that never will be, FL_OUT_OF_RANGE for a `from` behind the end, FL_INVALID for snapshots of two
 * volumes and for a base that is larger than the target: volumes never shrink, so the two are
 * swapped. */
int fl_snapshot_allocated(struct fl_pool *pool, const struct fl_op *op, const char *snapshot,
			  uint64_t from, fl_extent_see *see, void *cookie, struct fl_error *err)
	fl_must_check;
int fl_snapshot_delta(struct fl_pool *pool, const struct fl_op *op, const char *base,
		      const char *target, uint64_t from, fl_extent_see *see, void *cookie,
		      struct fl_error *err) fl_must_check;

int fl_copy_begin(struct fl_pool *pool, const struct fl_op *op, const struct fl_copy_target *target,
		  struct fl_copy *ret, struct fl_error *err) fl_must_check;
int fl_copy_started(struct fl_pool *pool, const struct fl_op *op,
		    const struct fl_copy_target *target, const struct fl_copy *copy,
		    struct fl_error *err) fl_must_check;
int fl_copy_failed(struct fl_pool *pool, const struct fl_op *op,
		   const struct fl_copy_target *target, const char *failure, struct fl_error *err)
	fl_must_check;
int fl_copy_commit(struct fl_pool *pool, const struct fl_op *op,
		   const struct fl_copy_target *target, const struct fl_copy *copy,
		   struct fl_error *err) fl_must_check;
int fl_copy_abort(struct fl_pool *pool, const struct fl_op *op, const struct fl_copy_target *target,
		  const struct fl_copy *copy, struct fl_error *err) fl_must_check;
