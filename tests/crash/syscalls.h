/* SPDX-License-Identifier: Apache-2.0 */
/* Syscalls: which system calls the trap stops, what each may fail with, and what it is about. */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Why a call is of interest. */
enum syscall_class {
	SYSCALL_CHANGES = 1 << 0,  /* it changes files, devices or mounts */
	SYSCALL_SPACE = 1 << 1,    /* it may need room: ENOSPC */
	SYSCALL_DISK = 1 << 2,     /* it reaches the disk: EIO */
	SYSCALL_WRITABLE = 1 << 3, /* a file system that is read-only refuses it: EROFS */
	SYSCALL_OPENS = 1 << 4,    /* it makes a descriptor: EMFILE */
	SYSCALL_MEMORY = 1 << 5,   /* the kernel allocates for it: ENOMEM */
};

struct syscall_row;

/* The numbers of all rows that have one of `classes`; returns how many (at most `max`). */
size_t syscall_numbers(unsigned classes, unsigned ret[], size_t max);

/* The row of a stopped call, when it is of one of `classes` with these arguments and is about
 * something below `root`, a block device, or the machine itself (a mount, a process); else NULL.
 * Descriptors that are made are of interest wherever they lead. `text`: the call in words. */
const struct syscall_row *syscall_match(const struct seccomp_notif *notif, unsigned classes,
					const char *root, char *text, size_t size);
