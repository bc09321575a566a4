/* SPDX-License-Identifier: Apache-2.0 */
#include "throttle.h"

#include <string.h>

#include "base/text.h"
#include "vm.h"

/* The keys of docs/disk-service.md and those of QMP's block_set_io_throttle. */
static const struct {
	const char *key, *qmp;
} throttle_keys[THROTTLE_COUNT] = {
	{ "iops", "iops" },     { "iops_read", "iops_rd" },     { "iops_write", "iops_wr" },
	{ "bandwidth", "bps" }, { "bandwidth_read", "bps_rd" }, { "bandwidth_write", "bps_wr" },
};

int throttle_read(const json_t *message, struct throttle *ret, struct fl_error *err)
{
	const json_t *object = json_object_get(message, "limits");
	struct throttle limits = { .values = { 0 } };
	size_t n = 0;

	for (size_t i = 0; i < THROTTLE_COUNT; i++) {
		int64_t value;

		if (!json_object_get(object, throttle_keys[i].key))
			continue;
		if (fl_json_number(object, throttle_keys[i].key, 0, &value, err) < 0)
			return -1;
		if (value < 0)
			return fl_error_set(err, FL_INVALID, "limit %s is negative",
					    throttle_keys[i].key);
		limits.values[i] = (uint64_t)value;
		n++;
	}
	if (n != json_object_size(object))
		return fl_error_set(err, FL_INVALID,
				    "there is a limit that this launcher does not know");
	*ret = limits;
	return 0;
}

json_t *throttle_to_json(const struct throttle *limits)
{
	json_t *json = json_object();

	for (size_t i = 0; i < THROTTLE_COUNT; i++)
		if (limits->values[i])
			json_object_set_new(json, throttle_keys[i].key,
					    json_integer((json_int_t)limits->values[i]));
	return json;
}

/* QEMU looks for the device that has the image; of virtio that is the part behind the PCI
 * device. */
static json_t *throttle_device(const struct disk *disk)
{
	bool scsi = strcmp(disk->bus, "scsi") == 0;

	return json_sprintf("/machine/peripheral/%s%s", disk->device,
			    scsi ? "" : "/virtio-backend");
}

static int throttle_apply(const struct fl_op *op, struct vm *vm, const struct disk *disk,
			  struct fl_error *err)
{
	json_t *arguments = json_pack("{s:o}", "id", throttle_device(disk));

	for (size_t i = 0; i < THROTTLE_COUNT; i++)
		json_object_set_new(arguments, throttle_keys[i].qmp,
				    json_integer((json_int_t)disk->limits.values[i]));
	if (qmp_call(op, vm->qmp, "block_set_io_throttle", arguments, NULL, err) < 0)
		return fl_error_prefix(err, "limits of disk %s", disk->source);
	return 0;
}

int throttle_begin(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		   struct fl_error *err)
{
	for (size_t i = 0; i < THROTTLE_COUNT; i++)
		if (disk->limits.values[i])
			return throttle_apply(op, vm, disk, err);
	return 0;
}

int throttle_give(const struct fl_op *op, struct vm *vm, struct disk *disk,
		  const struct throttle *limits, struct fl_error *err)
{
	const struct throttle before = disk->limits;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	disk->limits = *limits;
	if (throttle_apply(op, vm, disk, err) < 0) {
		disk->limits = before;
		vm_unlock(&vm);
		return -1;
	}
	vm_unlock(&vm);
	return 0;
}

int throttle_set(const struct fl_op *op, struct vm *vm, const char *volume,
		 const struct throttle *limits, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct disk *disk;

	if (vm_claim_disk(op, vm, volume, "limits", &mark, &disk, err) < 0)
		return -1;
	if (!disk || disk->phase != DISK_PLUGGED)
		return fl_error_set(err, FL_BUSY,
				    "disk %s is being plugged into VM %s or out of it: ask again",
				    volume, vm->spec.name);
	return throttle_give(op, vm, disk, limits, err);
}
