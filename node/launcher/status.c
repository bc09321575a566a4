/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <string.h>

#include "args.h"
#include "base/clock.h"
#include "hold.h"
#include "machine.h"
#include "stall.h"

/* The size that the guest is told, from the answer of query-named-block-nodes; 0 without a node. */
static json_int_t status_size(const json_t *nodes, const struct disk *disk)
{
	json_t *entry;
	size_t i;

	json_array_foreach(nodes, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "node-name"));

		if (name && strcmp(name, disk->node) == 0)
			return json_integer_value(
				json_object_get(json_object_get(entry, "image"), "virtual-size"));
	}
	return 0;
}

/* `devices` is what stall_look says. */
static json_t *status_disk_json(const struct disk *disk, const json_t *nodes, const json_t *devices)
{
	const char *stall = stall_of(devices, disk);
	bool scsi = strcmp(disk->bus, "scsi") == 0;
	json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:i, s:I, s:s}", "serial", disk->serial,
				 disk->pass ? "volume" : "path", disk->source, "bus", disk->bus,
				 "readonly", (int)disk->readonly, "boot", (int)disk->boot, "size",
				 status_size(nodes, disk), "state", disk_phase_name(disk->phase));

	json_object_set_new(json, scsi ? "lun" : "port",
			    json_integer((json_int_t)disk->slot + (scsi ? 0 : ARGS_PORT_DISK)));
	json_object_set_new(json, "limits", throttle_to_json(&disk->limits));
	if (disk->reason[0])
		json_object_set_new(json, "reason", json_string(disk->reason));
	else if (stall)
		json_object_set_new(json, "reason",
				    json_sprintf("its storage %s, and the VM stands still",
						 strcmp(stall, "full") == 0 ? "is full" : stall));
	return json;
}

static int status_nodes(const struct fl_op *op, struct vm *vm, json_t **ret, struct fl_error *err)
{
	return qmp_call(op, vm->qmp, "query-named-block-nodes", json_pack("{s:b}", "flat", 1), ret,
			err);
}

/* The disks, and why the VM waits. */
static int status_lists(const struct fl_op *op, struct vm *vm, const json_t *nodes,
			const json_t *devices, json_t *json, struct fl_error *err)
{
	json_t *disks = json_array();

	if (vm_lock(op, vm, err) < 0) {
		json_decref(disks);
		return -1;
	}
	for (const struct disk *d = vm->disks; d; d = d->next)
		json_array_append_new(disks, status_disk_json(d, nodes, devices));
	if (vm->waiting[0])
		json_object_set_new(json, "waiting", json_string(vm->waiting));
	vm_unlock(&vm);
	json_object_set_new(json, "disks", disks);
	return 0;
}

int status_vm(const struct fl_op *op, struct vm *vm, json_t **ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *nodes = NULL;
	fl_cleanup(fl_json_release) json_t *devices = NULL;
	fl_cleanup(fl_json_release) json_t *json = NULL;
	const char *state, *uuid = vm->spec.uuid;
	int64_t since_ns = fl_clock_wall_ns();
	pid_t pid = machine_pid(vm, &since_ns);

	if (machine_state(op, vm, &state, err) < 0 ||
	    stall_look(op, vm, state, &devices, err) < 0 || status_nodes(op, vm, &nodes, err) < 0)
		return -1;
	json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "name", vm->spec.name,
			 "uuid", uuid ? uuid : args_uuid(op->arena, vm->spec.name), "state", state,
			 "accel", vm->spec.accel, "cpus", (json_int_t)vm->spec.cpus, "memory",
			 (json_int_t)vm->spec.memory_bytes, "qemu_pid", (json_int_t)pid,
			 "uptime_ms", (json_int_t)((fl_clock_wall_ns() - since_ns) / 1000000),
			 "launcher_uptime_ms", (json_int_t)((fl_clock_us() - vm->since_us) / 1000));
	if (hold_is_on(vm))
		json_object_set_new(json, "held", json_true());
	if (status_lists(op, vm, nodes, devices, json, err) < 0)
		return -1;
	*ret = json_incref(json);
	return 0;
}

int status_disk(const struct fl_op *op, struct vm *vm, const char *source, json_t **ret,
		struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *nodes = NULL;
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	const struct disk *disk;

	if (status_nodes(op, vm, &nodes, err) < 0 || vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	disk = disk_find(vm->disks, source);
	if (!disk)
		return fl_error_set(err, FL_NOT_FOUND, "disk %s has gone", source);
	*ret = status_disk_json(disk, nodes, NULL);
	return 0;
}
