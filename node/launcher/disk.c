/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "launcher.h"

static const char *const phases[] = {
	[DISK_PLUGGING] = "plugging",
	[DISK_PLUGGED] = "plugged",
	[DISK_UNPLUGGING] = "unplugging",
	[DISK_RELEASING] = "releasing",
};

const char *disk_phase_name(enum disk_phase phase)
{
	return phases[phase];
}

void disk_name(char ret[DISK_NAME_SIZE], char kind, const char *source)
{
	char hash[65];

	fl_text_sha256(source, strlen(source), hash);
	snprintf(ret, DISK_NAME_SIZE, "%c-%.24s", kind, hash);
}

const char *disk_path_serial(struct fl_arena *arena, const char *path)
{
	char hash[65];

	fl_text_sha256(path, strlen(path), hash);
	return fl_arena_printf(arena, "fl-%.16s", hash);
}

uint64_t disk_wwn(const struct disk *disk)
{
	char hash[65];

	fl_text_sha256(disk->source, strlen(disk->source), hash);
	hash[15] = '\0';
	return (uint64_t)3 << 60 | strtoull(hash, NULL, 16);
}

static const char *disk_copy(struct fl_arena *arena, const char *text)
{
	return text ? fl_arena_strdup(arena, text) : NULL;
}

struct disk *disk_new(const struct disk_wanted *wanted)
{
	struct fl_arena *arena = fl_arena_new(0);
	struct disk *disk = fl_arena_alloc(arena, sizeof(*disk));

	disk->arena = arena;
	disk->source = disk_copy(arena, wanted->source);
	disk->pass = disk_copy(arena, wanted->pass);
	disk->serial = disk_copy(arena, wanted->serial);
	disk->bus = disk_copy(arena, wanted->bus);
	disk->boot = wanted->boot;
	disk->readonly = wanted->readonly;
	disk->image = "";
	disk->fd = -1;
	disk_name(disk->device, 'd', disk->source);
	disk_name(disk->node, 'f', disk->source);
	disk_name(disk->protocol, 'p', disk->source);
	return disk;
}

void disk_free(struct disk *disk)
{
	if (!disk)
		return;
	fl_close(&disk->fd);
	fl_arena_free(disk->arena);
}

json_t *disk_to_json(const struct disk *disk)
{
	return json_pack("{s:s, s:s?, s:s, s:s, s:i, s:i, s:b, s:s, s:s}", "source", disk->source,
			 "pass", disk->pass, "serial", disk->serial, "bus", disk->bus, "slot",
			 (int)disk->slot, "boot", (int)disk->boot, "readonly", (int)disk->readonly,
			 "image", disk->image, "phase", disk_phase_name(disk->phase));
}

static int disk_phase_of(const char *name)
{
	for (size_t i = 0; i < FL_COUNT(phases); i++) {
		if (strcmp(phases[i], name) == 0)
			return (int)i;
	}
	return -1;
}

int disk_from_json(const json_t *json, struct disk **ret, struct fl_error *err)
{
	struct disk_wanted wanted = { .source = NULL };
	const char *image, *phase;
	int64_t slot, boot;

	if (fl_json_text(json, "source", "", &wanted.source, err) < 0 ||
	    fl_json_text(json, "pass", NULL, &wanted.pass, err) < 0 ||
	    fl_json_text(json, "serial", "", &wanted.serial, err) < 0 ||
	    fl_json_text(json, "bus", "", &wanted.bus, err) < 0 ||
	    fl_json_text(json, "image", "", &image, err) < 0 ||
	    fl_json_text(json, "phase", "", &phase, err) < 0 ||
	    fl_json_number(json, "slot", -1, &slot, err) < 0 ||
	    fl_json_number(json, "boot", 0, &boot, err) < 0 ||
	    fl_json_bool(json, "readonly", false, &wanted.readonly, err) < 0)
		return -1;
	if (!*wanted.source || !*wanted.serial || !*wanted.bus || slot < 0 || boot < 0 ||
	    disk_phase_of(phase) < 0)
		return fl_error_set(err, FL_INTERNAL, "the record of disk \"%s\" is not whole",
				    wanted.source);
	wanted.boot = (unsigned)boot;
	*ret = disk_new(&wanted);
	(*ret)->image = fl_arena_strdup((*ret)->arena, image);
	(*ret)->slot = (unsigned)slot;
	(*ret)->phase = (enum disk_phase)disk_phase_of(phase);
	return 0;
}

struct disk *disk_find(struct disk *list, const char *source_or_serial)
{
	for (struct disk *d = list; d; d = d->next) {
		if (strcmp(d->source, source_or_serial) == 0 ||
		    strcmp(d->serial, source_or_serial) == 0)
			return d;
	}
	return NULL;
}

int disk_free_slot(const struct disk *list, const char *bus)
{
	int limit = strcmp(bus, "scsi") == 0 ? VM_SCSI_DISKS_MAX : VM_VIRTIO_DISKS_MAX;

	for (int slot = 0; slot < limit; slot++) {
		const struct disk *d = list;

		while (d && (strcmp(d->bus, bus) != 0 || (int)d->slot != slot))
			d = d->next;
		if (!d)
			return slot;
	}
	return -1;
}
