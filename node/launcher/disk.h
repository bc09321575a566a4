/* SPDX-License-Identifier: Apache-2.0 */
/* Disk: one disk of the VM: what it is, where it sits, and what is being done to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "throttle.h"

/* The order of a disk's life.  Each is on record before the step it stands for begins. */
enum disk_phase {
	DISK_PLUGGING,   /* nothing, or a part of it, is in QEMU: to be finished or undone */
	DISK_PLUGGED,    /* the guest has it */
	DISK_UNPLUGGING, /* the guest was asked to let go */
	DISK_RELEASING,  /* QEMU has closed it; its source has not been told yet */
};

#define DISK_NAME_SIZE 32 /* QEMU's limit for names of block nodes is 31 */

struct disk {
	struct fl_arena *arena; /* holds the strings; the disk's own */
	const char *source;     /* volume id or path: the disk's identity */
	const char *pass;       /* a volume's pass; NULL: `source` is a path */
	const char *serial;
	const char *bus; /* "scsi" or "virtio" */
	unsigned slot;   /* LUN, or which of the ports for disks */
	unsigned boot;   /* 0: none */
	bool readonly;
	const char *image; /* which file a path was when it was opened: "8:1:12345" */
	enum disk_phase phase;

	/* Follow from `source`. */
	char device[DISK_NAME_SIZE], node[DISK_NAME_SIZE], protocol[DISK_NAME_SIZE];

	/* Not on record. */
	struct throttle limits;
	int fd; /* read-only, to ask the image's size; -1 after a restart until it is opened again */
	uint64_t unplug_since_us, unplug_asked_us;
	unsigned unplug_asked; /* how often */
	char reason[500];      /* why the phase lasts; "" */
	struct disk *next;
};

struct disk_wanted {
	const char *source, *pass, *serial, *bus;
	unsigned boot;
	bool readonly;
};

/* A disk in phase PLUGGING without slot; copies all strings. */
struct disk *disk_new(const struct disk_wanted *wanted);
void disk_free(struct disk *disk);

/* "f-" and 24 hexadecimal digits of the source's hash, and so on: 26 bytes. */
void disk_name(char ret[DISK_NAME_SIZE], char kind, const char *source);
/* The serial that follows from a path: 19 characters. */
const char *disk_path_serial(struct fl_arena *arena, const char *path);
/* The identifier that SCSI wants: 64 bits, "locally assigned". */
uint64_t disk_wwn(const struct disk *disk);

const char *disk_phase_name(enum disk_phase phase);

/* To the record and back.  disk_from_json is FL_INTERNAL for a record that is not ours. */
json_t *disk_to_json(const struct disk *disk);
int disk_from_json(const json_t *json, struct disk **ret, struct fl_error *err) fl_must_check;

/* By source or by serial; NULL when there is none. */
struct disk *disk_find(struct disk *list, const char *source_or_serial);
/* The lowest slot of `bus` that no disk has; -1 when all are taken. */
int disk_free_slot(const struct disk *list, const char *bus);
