/* SPDX-License-Identifier: Apache-2.0 */
/* Doctor: single examinations of this machine.  None of them changes anything. */
#pragma once

#include "backends/pools.h"

struct doctor {
	struct fl_arena *arena;
	const char *config; /* the configuration file, or NULL */
	const char *run;    /* the runtime directory */
	struct fl_settings settings;
	bool has_settings; /* set by doctor_configuration */
};

/* Exactly one of the two is set: what is well, or what is wrong. */
struct doctor_finding {
	const char *good;
	const char *bad;
};

static inline struct doctor_finding doctor_good(const char *text)
{
	return (struct doctor_finding){ .good = text };
}

static inline struct doctor_finding doctor_bad(const char *text)
{
	return (struct doctor_finding){ .bad = text };
}

typedef struct doctor_finding doctor_check(struct doctor *doctor);

doctor_check doctor_root, doctor_kernel, doctor_loop, doctor_directory;
doctor_check doctor_ext4, doctor_xfs, doctor_btrfs;
doctor_check doctor_ext4_tools, doctor_xfs_tools, doctor_btrfs_tools;
doctor_check doctor_qemu, doctor_kvm;
doctor_check doctor_configuration, doctor_controller, doctor_node, doctor_disks;
