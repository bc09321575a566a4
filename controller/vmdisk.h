/* SPDX-License-Identifier: Apache-2.0 */
/* Vmdisk: what the controller asks of the disk service of its node (docs/disk-service.md).
 *
 * Each call is one connection.  FL_UNAVAILABLE when nobody listens; never FL_NOT_FOUND, because
 * that a file of the node is missing says nothing about the volume. */
#pragma once

#include "object.h"

enum vmdisk_state {
	VMDISK_ABSENT, /* not staged */
	VMDISK_STAGED,
	VMDISK_KERNEL, /* a kernel device uses it */
	VMDISK_VM,     /* published for a VM */
};

struct vmdisk_place {
	enum vmdisk_state state;
	const char *vm; /* "" unless for a VM */
	bool plugged;   /* a launcher holds it */
};
int vmdisk_where(const struct controller *c, const struct fl_op *op, const char *volume_id,
		 struct vmdisk_place *ret, struct fl_error *err) fl_must_check;

/* Has the launcher that holds the volume, if any, keep to the limits that are on record now. */
int vmdisk_limits(const struct controller *c, const struct fl_op *op, const char *volume_id,
		  struct fl_error *err) fl_must_check;

/* Stops the VM that has the volume plugged in, for at most `ms`; `hold` names that.  FL_IN_USE when
 * no launcher holds the volume. */
int vmdisk_hold(const struct controller *c, const struct fl_op *op, const char *volume_id,
		const char *hold, uint64_t ms, struct fl_error *err) fl_must_check;
/* Lets it go on.  *ret_stood: it stood still from vmdisk_hold until now. */
int vmdisk_unhold(const struct controller *c, const struct fl_op *op, const char *volume_id,
		  const char *hold, bool *ret_stood, struct fl_error *err) fl_must_check;

/* A copy that the launcher's QEMU makes: which volume, and the job's name. */
struct vmdisk_job {
	const char *volume_id;
	const char *job;
};
/* FL_IN_USE when no launcher holds the volume. */
int vmdisk_copy_start(const struct controller *c, const struct fl_op *op,
		      const struct vmdisk_job *job, const char *path, int64_t *ret_cut_ns,
		      struct fl_error *err) fl_must_check;

enum vmdisk_job_state {
	VMDISK_JOB_RUNNING,
	VMDISK_JOB_DONE,
	VMDISK_JOB_FAILED,
	/* Lost for certain; while a launcher is started again, the answer is FL_UNAVAILABLE. */
	VMDISK_JOB_UNKNOWN
};
struct vmdisk_progress {
	enum vmdisk_job_state state;
	uint64_t done, total; /* bytes */
	const char *error;    /* "" unless failed */
};
int vmdisk_copy_status(const struct controller *c, const struct fl_op *op,
		       const struct vmdisk_job *job, struct vmdisk_progress *ret,
		       struct fl_error *err) fl_must_check;
/* Forgets the job, cancelling it when it runs; there is none: success. */
int vmdisk_copy_finish(const struct controller *c, const struct fl_op *op,
		       const struct vmdisk_job *job, struct fl_error *err) fl_must_check;
