/* SPDX-License-Identifier: Apache-2.0 */
/* Backup: a point-in-time copy of a disk while the guest writes to it.
 *
 * QEMU copies each block before it is overwritten (blockdev-backup): the cut is the job's start.
 * The job lives in QEMU and survives the launcher; it is found again by its name. */
#pragma once

#include "vm.h"

#define BACKUPS_MAX 64

struct backup {
	char *job;    /* the caller's name for it */
	char *source; /* of the disk */
	int64_t cut_ns;
	int target_fd; /* to see that it has been deleted; -1: started by an earlier launcher */
	char id[DISK_NAME_SIZE], target[DISK_NAME_SIZE], protocol[DISK_NAME_SIZE]; /* in QEMU */
	struct backup *next;
};

json_t *backup_to_json(const struct backup *copy);
int backup_from_json(const json_t *json, struct backup **ret, struct fl_error *err) fl_must_check;
/* Takes it off the list and frees it; the lock is held. */
void backup_drop(struct vm *vm, struct backup *copy);
/* Whether a copy of this disk is on record; the lock is held. */
bool backup_is_of(const struct vm *vm, const struct disk *disk);

/* Starts job `job` from the disk of `volume` into target_fd, an open file of the disk's size, which
 * stays the caller's.  *ret_cut_ns is the point in time; a job that runs already answers its
 * own. */
int backup_start(const struct fl_op *op, struct vm *vm, const char *volume, const char *job,
		 int target_fd, int64_t *ret_cut_ns, struct fl_error *err) fl_must_check;

struct backup_state {
	const char *state; /* "running", "done", "failed", "unknown" */
	int64_t done, total;
	const char *error; /* for "failed" */
};
int backup_status(const struct fl_op *op, struct vm *vm, const char *job, struct backup_state *ret,
		  struct fl_error *err) fl_must_check;

/* Ends the jobs whose target has been deleted: nobody will finish them, and until then their disk
 * cannot be unplugged. */
int backup_end_orphans(const struct fl_op *op, struct vm *vm, struct fl_error *err) fl_must_check;

/* Cancels the job when it runs and forgets it; when it was done, its target has been flushed.  An
 * unknown job is success. */
int backup_finish(const struct fl_op *op, struct vm *vm, const char *job, struct fl_error *err)
	fl_must_check;
