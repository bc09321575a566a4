/* SPDX-License-Identifier: Apache-2.0 */
/* Machine: a running VM as the commands see it: settled requests to its launcher, its disks, and
 * the volumes that were published for it. */
#pragma once

#include "base/json.h"
#include "node/launcher/launcher.h"
#include "orchestrator.h"

/* One request of docs/launcher.md, repeated while the launcher says "later" until o->deadline; only
 * the arena, deadline and progress of `o` are used. */
int machine_call(struct orchestrator *o, const char *vm, const char *method, const json_t *params,
		 json_t **ret, struct fl_error *err) fl_must_check;

/* An orchestrator for machine_call alone, without any service. */
struct orchestrator machine_waiter(struct fl_arena *arena, uint64_t timeout_ms);

/* The disk of `status` that `word` means: its serial, volume id, volume's bare name or path.  NULL:
 * none. */
const json_t *machine_disk(const json_t *status, const char *word);

/* Unpublishes every volume that was published for the VM, which must have ended; *ret_n says how
 * many.  Opens the services only when there is something to do. */
int machine_release(struct fl_arena *arena, const struct client_options *options, const char *vm,
		    size_t *ret_n, struct fl_error *err) fl_must_check;
