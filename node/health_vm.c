/* SPDX-License-Identifier: Apache-2.0 */
/* The health of a volume that a VM has: whether the guest stands still because of it. */
#include <string.h>

#include "base/clock.h"
#include "node/disks.h"
#include "node/health.h"

#define HEALTH_VM_MS 3000 /* for a launcher that is being restarted, and for its answer */
#define HEALTH_VM_PAUSE_MS 50

static int health_ask_launcher(const struct node *node, const struct fl_op *op,
			       const struct pass *pass, json_t **ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *params = json_pack("{s:s}", "volume", pass->volume);
	struct fl_op bounded = *op;

	bounded.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(HEALTH_VM_MS));
	while (disks_forward(node->disks, &bounded, pass, "health", params, -1, ret, err) < 0) {
		if (err->code != FL_UNAVAILABLE || fl_clock_passed(bounded.deadline))
			return -1;
		fl_clock_sleep_ms(HEALTH_VM_PAUSE_MS);
	}
	return 0;
}

/* A launcher that is busy, does not have the disk (any more) or is of an older version has nothing
 * to say; one that does not answer may have. */
static void health_add_silence(const struct fl_op *op, const struct pass *pass,
			       const struct fl_error *why, struct fl_health *health)
{
	if (why->code != FL_UNAVAILABLE && why->code != FL_TIMEOUT)
		return;
	fl_health_add(
		op->arena, health, FL_HEALTH_DEGRADED, "LauncherUnreachable",
		"whether VM %s, which has the volume, can use it is not known (%s): look at it "
		"with fairlead vm status %s, and at its log",
		pass->vm, why->text, pass->vm);
}

void node_health_add_vm(const struct node *node, const struct fl_op *op, const struct pass *pass,
			struct fl_health *health)
{
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	struct fl_error why = { 0 };
	const char *error;

	if (health_ask_launcher(node, op, pass, &answer, &why) < 0) {
		health_add_silence(op, pass, &why, health);
		return;
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (!error)
		return;
	if (strcmp(error, "full") == 0)
		fl_health_add(
			op->arena, health, FL_HEALTH_INACCESSIBLE, "GuestStopped",
			"VM %s stands still since it wrote to this volume and found no space: "
			"make space in the pool, then fairlead vm resume %s",
			pass->vm, pass->vm);
	else
		fl_health_add(
			op->arena, health, FL_HEALTH_INACCESSIBLE, "GuestStopped",
			"VM %s stands still since this volume could not be read or written: look "
			"for the error in the VM's log and at the storage, mend it, then fairlead "
			"vm resume %s",
			pass->vm, pass->vm);
}
