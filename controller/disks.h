/* SPDX-License-Identifier: Apache-2.0 */
/* Disks: what the controller asks of the disk service of its node (docs/disk-service.md).
 *
 * Each call is one connection.  FL_UNAVAILABLE when nobody listens. */
#pragma once

#include "object.h"

enum disks_state {
	DISKS_ABSENT, /* not staged */
	DISKS_STAGED,
	DISKS_KERNEL, /* a kernel device uses it */
	DISKS_VM,     /* published for a VM */
};

struct disks_place {
	enum disks_state state;
	const char *vm; /* "" unless for a VM */
	bool plugged;   /* a launcher holds it */
};
int disks_where(const struct controller *c, const struct fl_op *op, const char *volume_id,
		struct disks_place *ret, struct fl_error *err) fl_must_check;

/* A copy that the launcher's QEMU makes: which volume, and the job's name. */
struct disks_job {
	const char *volume_id;
	const char *job;
};
/* FL_IN_USE when no launcher holds the volume. */
int disks_copy_start(const struct controller *c, const struct fl_op *op,
		     const struct disks_job *job, const char *path, int64_t *ret_cut_ns,
		     struct fl_error *err) fl_must_check;

enum disks_job_state { DISKS_JOB_RUNNING, DISKS_JOB_DONE, DISKS_JOB_FAILED, DISKS_JOB_UNKNOWN };
struct disks_progress {
	enum disks_job_state state;
	uint64_t done, total; /* bytes */
	const char *error;    /* "" unless failed */
};
int disks_copy_status(const struct controller *c, const struct fl_op *op,
		      const struct disks_job *job, struct disks_progress *ret, struct fl_error *err)
	fl_must_check;
/* Forgets the job, cancelling it when it runs; there is none: success. */
int disks_copy_finish(const struct controller *c, const struct fl_op *op,
		      const struct disks_job *job, struct fl_error *err) fl_must_check;
