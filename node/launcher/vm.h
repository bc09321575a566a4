/* SPDX-License-Identifier: Apache-2.0 */
/* Vm: what a launcher knows of its VM, and the record that its successor reads.
 *
 * Who works on one disk first takes the disk's mark in `busy` (by source); only the holder of the
 * mark changes or frees that disk.  `lock` protects the lists and the record, and is held over a
 * sequence of QMP commands so that sequences do not mix.  Order: mark, then lock.  The disk service
 * is never called under the lock, because its own requests need it. */
#pragma once

#include <pthread.h>

#include "base/busy.h"
#include "disk.h"
#include "launcher.h"
#include "qmp.h"

struct backup;
struct disklink;
struct hold;

struct vm {
	struct fl_arena *arena; /* of the start; nobody adds to it later */
	const char *dir;
	int dir_fd;
	struct vm_spec spec;
	struct qmp *qmp;
	struct disklink *disklink;
	struct hold *hold;
	struct fl_busy *busy;
	bool io_uring;
	uint64_t since_us; /* when this launcher started */

	_Atomic bool released; /* after QEMU's end: as far as they can be, all disks are */

	pthread_mutex_t lock;
	struct disk *disks;
	struct backup *backups;
	bool stopping;     /* nothing is plugged any more */
	bool failed;       /* it could not be started */
	char waiting[500]; /* why the VM has not been started yet; "" */
};

/* Reads the specification and the record in `dir`.  No connection to QEMU yet. */
int vm_open(const char *dir, struct vm **ret, struct fl_error *err) fl_must_check;
void vm_close(struct vm *vm);

/* Takes the lock, waiting until op->deadline: FL_BUSY after that. */
int vm_lock(const struct fl_op *op, struct vm *vm, struct fl_error *err) fl_must_check;
void vm_unlock(struct vm **vm); /* for fl_cleanup; *vm may be NULL */

/* Writes the record, durably.  The lock is held. */
int vm_save(struct vm *vm, struct fl_error *err) fl_must_check;

/* For a new run, when the VM's lock proves that no QEMU has anything open: what an earlier one has
 * left on record is to be released. */
int vm_record_end(int dir_fd, struct fl_error *err) fl_must_check;

/* Puts a disk on the list or takes it off; the lock is held. */
void vm_add_disk(struct vm *vm, struct disk *disk);
void vm_drop_disk(struct vm *vm, struct disk *disk);

/* Takes the mark of the disk that is called so (source or serial); `what` is for fl_busy_try.  *ret
 * is NULL, and nothing is taken, when there is none. */
int vm_claim_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		  const char *what, struct fl_busy_mark *mark, struct disk **ret,
		  struct fl_error *err) fl_must_check;
