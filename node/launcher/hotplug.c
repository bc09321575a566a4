/* SPDX-License-Identifier: Apache-2.0 */
#include "hotplug.h"

#include <inttypes.h>
#include <string.h>

#include "args.h"
#include "blocknode.h"

static json_t *hotplug_scsi(const struct disk *disk)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:I}", "driver", "scsi-hd", "bus",
			 "scsi0.0", "channel", 0, "scsi-id", 0, "lun", (int)disk->slot, "device_id",
			 disk->serial, "wwn", (json_int_t)disk_wwn(disk));
}

/* The address is always given: without it QEMU accepts a second device on an occupied port and the
 * guest never sees it. */
static json_t *hotplug_virtio(const struct disk *disk)
{
	return json_pack("{s:s, s:o, s:s, s:s}", "driver", "virtio-blk-pci", "bus",
			 json_sprintf("rp%u", ARGS_PORT_DISK + disk->slot), "addr", "0x0",
			 "iothread", "io0");
}

static json_t *hotplug_device(const struct disk *disk)
{
	json_t *device = strcmp(disk->bus, "scsi") == 0 ? hotplug_scsi(disk) : hotplug_virtio(disk);
	json_t *all =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", disk->device, "drive", disk->node,
			  "serial", disk->serial, "werror", "stop", "rerror", "stop");

	json_object_update(device, all);
	json_decref(all);
	if (disk->boot)
		json_object_set_new(device, "bootindex", json_integer(disk->boot));
	return device;
}

static int hotplug_open(const struct fl_op *op, struct vm *vm, const struct disk *disk,
			const struct medium *medium, struct fl_error *err)
{
	const struct blocknode blocknode = {
		.node = disk->node,
		.protocol = disk->protocol,
		.readonly = disk->readonly,
		.block = medium->block,
		.direct = medium->direct,
		.io_uring = vm->io_uring,
	};
	const int fds[] = { medium->ro, medium->rw };

	return blocknode_open(op, vm->qmp, disk->device, &blocknode, fds, disk->readonly ? 1 : 2,
			      err);
}

/* Whether a device sits on the disk's block node: no other device ever does. */
static int hotplug_uses_image(const struct fl_op *op, struct vm *vm, const struct disk *disk,
			      bool *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *devices = NULL;
	json_t *entry;
	size_t i;

	if (qmp_call(op, vm->qmp, "query-block", NULL, &devices, err) < 0)
		return -1;
	*ret = false;
	json_array_foreach(devices, i, entry)
	{
		const char *node = json_string_value(
			json_object_get(json_object_get(entry, "inserted"), "node-name"));

		if (node && strcmp(node, disk->node) == 0)
			*ret = true;
	}
	return 0;
}

int hotplug_plug(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		 const struct medium *medium, struct fl_error *err)
{
	bool there;

	if (hotplug_open(op, vm, disk, medium, err) < 0 ||
	    qmp_call(op, vm->qmp, "device_add", hotplug_device(disk), NULL, err) < 0 ||
	    hotplug_uses_image(op, vm, disk, &there, err) < 0)
		return -1;
	if (!there)
		return fl_error_set(err, FL_INTERNAL, "QEMU has not got disk %s after device_add",
				    disk->serial);
	return 0;
}

static int hotplug_is_peripheral(const struct fl_op *op, struct vm *vm, const char *device,
				 bool *ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *list = NULL;
	json_t *entry;
	size_t i;

	if (qmp_call(op, vm->qmp, "qom-list", json_pack("{s:s}", "path", "/machine/peripheral"),
		     &list, err) < 0)
		return -1;
	*ret = false;
	json_array_foreach(list, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "name"));

		if (name && strcmp(name, device) == 0)
			*ret = true;
	}
	return 0;
}

int hotplug_has_device(const struct fl_op *op, struct vm *vm, const struct disk *disk, bool *ret,
		       struct fl_error *err)
{
	bool there, used = false;

	if (hotplug_is_peripheral(op, vm, disk->device, &there, err) < 0)
		return -1;
	if (there && hotplug_uses_image(op, vm, disk, &used, err) < 0)
		return -1;
	if (there && !used)
		return fl_error_set(err, FL_INTERNAL, "QEMU has device %s without its image",
				    disk->device);
	*ret = there;
	return 0;
}

int hotplug_ask_unplug(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		       struct fl_error *err)
{
	struct fl_error why;

	if (qmp_call(op, vm->qmp, "device_del", json_pack("{s:s}", "id", disk->device), NULL,
		     &why) == 0 ||
	    why.code == FL_NOT_FOUND)
		return 0;
	*err = why;
	return -1;
}

int hotplug_close(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		  struct fl_error *err)
{
	bool there;

	if (hotplug_is_peripheral(op, vm, disk->device, &there, err) < 0)
		return -1;
	if (there)
		return fl_error_set(err, FL_IN_USE, "QEMU still has device %s", disk->device);
	return blocknode_close(op, vm->qmp, disk->device, disk->node, err);
}

int hotplug_size(const struct fl_op *op, struct vm *vm, const struct disk *disk, uint64_t *ret,
		 struct fl_error *err)
{
	return blocknode_size(op, vm->qmp, disk->node, ret, err);
}
