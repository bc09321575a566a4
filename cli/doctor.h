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

struct doctor_finding doctor_admin(struct doctor *doctor);
struct doctor_finding doctor_resource(struct doctor *doctor);
struct doctor_finding doctor_kernel(struct doctor *doctor);
struct doctor_finding doctor_loop(struct doctor *doctor);
struct doctor_finding doctor_directory(struct doctor *doctor);
struct doctor_finding doctor_ext4(struct doctor *doctor);
struct doctor_finding doctor_xfs(struct doctor *doctor);
struct doctor_finding doctor_btrfs(struct doctor *doctor);
struct doctor_finding doctor_ext4_tools(struct doctor *doctor);
struct doctor_finding doctor_xfs_tools(struct doctor *doctor);
struct doctor_finding doctor_btrfs_tools(struct doctor *doctor);
struct doctor_finding doctor_qemu(struct doctor *doctor);
struct doctor_finding doctor_kvm(struct doctor *doctor);
struct doctor_finding doctor_configuration(struct doctor *doctor);
struct doctor_finding doctor_controller(struct doctor *doctor);
struct doctor_finding doctor_node(struct doctor *doctor);
struct doctor_finding doctor_disks(struct doctor *doctor);
