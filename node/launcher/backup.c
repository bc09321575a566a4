/* SPDX-License-Identifier: Apache-2.0 */
#include "backup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "blocknode.h"

#define BACKUP_JOB_MAX 512

static struct backup *backup_new(const char *job, const char *source, int64_t cut_ns)
{
	struct backup *backup = calloc(1, sizeof(*backup));

	if (!backup)
		abort();
	backup->job = strdup(job);
	backup->source = strdup(source);
	if (!backup->job || !backup->source)
		abort();
	backup->cut_ns = cut_ns;
	backup->target_fd = -1;
	disk_name(backup->id, 'c', job);
	disk_name(backup->target, 't', job);
	disk_name(backup->protocol, 'u', job);
	return backup;
}

void backup_drop(struct vm *vm, struct backup *backup)
{
	struct backup **p = &vm->backups;

	while (*p != backup)
		p = &(*p)->next;
	*p = backup->next;
	fl_close(&backup->target_fd);
	free(backup->job);
	free(backup->source);
	free(backup);
}

json_t *backup_to_json(const struct backup *backup)
{
	return json_pack("{s:s, s:s, s:I}", "job", backup->job, "source", backup->source, "cut_ns",
			 (json_int_t)backup->cut_ns);
}

int backup_from_json(const json_t *json, struct backup **ret, struct fl_error *err)
{
	const char *job, *source;
	int64_t cut_ns;

	if (fl_json_text(json, "job", "", &job, err) < 0 ||
	    fl_json_text(json, "source", "", &source, err) < 0 ||
	    fl_json_number(json, "cut_ns", 0, &cut_ns, err) < 0)
		return -1;
	if (!*job || !*source)
		return fl_error_set(err, FL_INTERNAL, "the record of a copy is not whole");
	*ret = backup_new(job, source, cut_ns);
	return 0;
}

bool backup_is_of(const struct vm *vm, const struct disk *disk)
{
	for (const struct backup *b = vm->backups; b; b = b->next) {
		if (strcmp(b->source, disk->source) == 0)
			return true;
	}
	return false;
}

static struct backup *backup_find(struct vm *vm, const char *job)
{
	struct backup *b = vm->backups;

	while (b && strcmp(b->job, job) != 0)
		b = b->next;
	return b;
}

/* The job as query-jobs shows it, borrowed from *ret_jobs; NULL when QEMU has none. */
static int backup_query(const struct fl_op *op, struct vm *vm, const struct backup *backup,
			json_t **ret_jobs, const json_t **ret, struct fl_error *err)
{
	json_t *entry;
	size_t i;

	if (qmp_call(op, vm->qmp, "query-jobs", NULL, ret_jobs, err) < 0)
		return -1;
	*ret = NULL;
	json_array_foreach(*ret_jobs, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));

		if (id && strcmp(id, backup->id) == 0)
			*ret = entry;
	}
	return 0;
}

static bool backup_job_has_ended(const json_t *job)
{
	const char *status = json_string_value(json_object_get(job, "status"));

	return status && strcmp(status, "concluded") == 0;
}

/* A target without blocks of its own stays as sparse as its source; a reserved one stays
 * reserved. */
static bool backup_is_sparse(int target_fd)
{
	struct stat st;

	return fstat(target_fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_blocks == 0;
}

static int backup_run(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		      const struct backup *backup, int target_fd, struct fl_error *err)
{
	struct medium target = { .rw = -1, .ro = target_fd };
	struct blocknode blocknode = { .node = backup->target, .protocol = backup->protocol };

	/* The target may be larger: a clone may be, and the volume may have grown without the
	 * guest's having been told.  QEMU copies only between equals. */
	if (medium_inspect(&target, "the copy's target", err) < 0 ||
	    blocknode_size(op, vm->qmp, disk->node, &blocknode.size_bytes, err) < 0)
		return -1;
	blocknode.block = target.block;
	blocknode.direct = target.direct;
	blocknode.io_uring = vm->io_uring;
	blocknode.sparse = backup_is_sparse(target_fd);
	/* An earlier attempt may have got as far as this. */
	if (blocknode_close(op, vm->qmp, backup->target, backup->target, err) < 0 ||
	    blocknode_open(op, vm->qmp, backup->target, &blocknode, &target_fd, 1, err) < 0)
		return -1;
	return qmp_call(op, vm->qmp, "blockdev-backup",
			json_pack("{s:s, s:s, s:s, s:s, s:b}", "job-id", backup->id, "device",
				  disk->node, "target", backup->target, "sync", "full",
				  "auto-dismiss", 0),
			NULL, err);
}

/* Nothing of the job is in QEMU any more: the record may go. */
static int backup_clear(const struct fl_op *op, struct vm *vm, struct backup *backup,
			struct fl_error *err)
{
	if (blocknode_close(op, vm->qmp, backup->target, backup->target, err) < 0)
		return -1;
	backup_drop(vm, backup);
	return vm_save(vm, err);
}

/* The record is written with the cut before the job starts: whoever finds the job after a crash
 * knows its time.  When starting fails the attempt is cleared away. */
static int backup_begin(const struct fl_op *op, struct vm *vm, const struct disk *disk,
			struct backup *backup, int target_fd, struct fl_error *err)
{
	struct fl_error undone;

	backup->cut_ns = fl_clock_wall_ns();
	if (vm_save(vm, err) == 0 && backup_run(op, vm, disk, backup, target_fd, err) == 0) {
		fl_close(&backup->target_fd);
		backup->target_fd = fcntl(target_fd, F_DUPFD_CLOEXEC, 0);
		return 0;
	}
	if (err->code != FL_TIMEOUT && err->code != FL_UNAVAILABLE &&
	    backup_clear(op, vm, backup, &undone) < 0)
		err->code = FL_UNAVAILABLE;
	return -1;
}

static int backup_check_start(struct vm *vm, const struct disk *disk, const char *volume,
			      const char *job, struct fl_error *err)
{
	size_t n = 0;

	for (const struct backup *b = vm->backups; b; b = b->next)
		n++;
	if (!disk)
		return fl_error_set(err, FL_NOT_FOUND, "VM %s has no disk %s", vm->spec.name,
				    volume);
	if (disk->phase != DISK_PLUGGED)
		return fl_error_set(err, FL_BUSY, "disk %s is %s", volume,
				    disk_phase_name(disk->phase));
	if (strlen(job) > BACKUP_JOB_MAX || n >= BACKUPS_MAX)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "at most %d copies at a time with names of at most %d bytes",
				    BACKUPS_MAX, BACKUP_JOB_MAX);
	return 0;
}

int backup_start(const struct fl_op *op, struct vm *vm, const char *volume, const char *job,
		 int target_fd, int64_t *ret_cut_ns, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	fl_cleanup(fl_json_release) json_t *jobs = NULL;
	const json_t *running = NULL;
	struct backup *backup;
	struct disk *disk;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	backup = backup_find(vm, job);
	if (backup && strcmp(backup->source, volume) != 0)
		return fl_error_set(err, FL_EXISTS, "job %s copies %s", job, backup->source);
	if (backup && backup_query(op, vm, backup, &jobs, &running, err) < 0)
		return -1;
	if (running) {
		*ret_cut_ns = backup->cut_ns;
		return 0;
	}
	disk = disk_find(vm->disks, volume);
	if (backup_check_start(vm, disk, volume, job, err) < 0)
		return -1;
	if (!backup) {
		backup = backup_new(job, volume, 0);
		backup->next = vm->backups;
		vm->backups = backup;
	}
	if (backup_begin(op, vm, disk, backup, target_fd, err) < 0)
		return -1;
	*ret_cut_ns = backup->cut_ns;
	return 0;
}

static void backup_read_state(struct fl_arena *arena, const json_t *job, struct backup_state *ret)
{
	const char *error = json_string_value(json_object_get(job, "error"));

	ret->done = json_integer_value(json_object_get(job, "current-progress"));
	ret->total = json_integer_value(json_object_get(job, "total-progress"));
	ret->state = !backup_job_has_ended(job) ? "running" : error ? "failed" : "done";
	ret->error = error ? fl_arena_strdup(arena, error) : NULL;
}

int backup_status(const struct fl_op *op, struct vm *vm, const char *job, struct backup_state *ret,
		  struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	fl_cleanup(fl_json_release) json_t *jobs = NULL;
	const json_t *found = NULL;
	struct backup *backup;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	backup = backup_find(vm, job);
	if (backup && backup_query(op, vm, backup, &jobs, &found, err) < 0)
		return -1;
	*ret = (struct backup_state){ .state = "unknown" };
	if (found)
		backup_read_state(op->arena, found, ret);
	return 0;
}

static int backup_end_job(const struct fl_op *op, struct vm *vm, const struct backup *backup,
			  struct fl_error *err)
{
	for (;;) {
		fl_cleanup(fl_json_release) json_t *jobs = NULL;
		uint64_t seen = qmp_events(vm->qmp);
		const char *command = "job-cancel";
		const json_t *job;
		bool ended;

		if (backup_query(op, vm, backup, &jobs, &job, err) < 0)
			return -1;
		if (!job)
			return 0;
		ended = backup_job_has_ended(job);
		if (ended)
			command = "job-dismiss";
		if (qmp_call(op, vm->qmp, command, json_pack("{s:s}", "id", backup->id), NULL,
			     err) < 0)
			return -1;
		if (ended)
			return 0;
		qmp_wait(vm->qmp, &seen, fl_clock_after_ms(500));
		if (fl_clock_passed(op->deadline))
			return fl_error_set(err, FL_TIMEOUT, "copy %s has not ended yet",
					    backup->job);
	}
}

int backup_finish(const struct fl_op *op, struct vm *vm, const char *job, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	struct backup *backup;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	backup = backup_find(vm, job);
	if (!backup)
		return 0;
	if (backup_end_job(op, vm, backup, err) < 0)
		return -1;
	return backup_clear(op, vm, backup, err);
}

static bool backup_is_orphan(const struct backup *backup)
{
	struct stat st;

	return backup->target_fd >= 0 && fstat(backup->target_fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink == 0;
}

int backup_end_orphans(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	for (struct backup *backup = vm->backups, *next; backup; backup = next) {
		next = backup->next;
		if (!backup_is_orphan(backup))
			continue;
		fl_log(FL_LOG_INFO, "copy", "%s of %s ends: its target has been deleted",
		       backup->job, backup->source);
		if (backup_end_job(op, vm, backup, err) < 0 ||
		    backup_clear(op, vm, backup, err) < 0)
			return -1;
	}
	return 0;
}
