/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "base/clock.h"
#include "base/file.h"
#include "rundir.h"

#define VM_RECORD "state.json"
#define VM_RECORD_MAX (4 << 20)

static int vm_read_disks(struct vm *vm, const json_t *json, struct fl_error *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(json, "disks"), i, entry)
	{
		struct disk *disk;

		if (disk_from_json(entry, &disk, err) < 0)
			return -1;
		vm_add_disk(vm, disk);
	}
	return 0;
}

static int vm_read_backups(struct vm *vm, const json_t *json, struct fl_error *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(json, "copies"), i, entry)
	{
		struct backup *copy;

		if (backup_from_json(entry, &copy, err) < 0)
			return -1;
		copy->next = vm->backups;
		vm->backups = copy;
	}
	return 0;
}

/* The record, or NULL when there is none. */
static int vm_record_read(int dir_fd, json_t **ret, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error none;
	const char *text;
	size_t size;

	*ret = NULL;
	if (fl_file_read(arena, dir_fd, VM_RECORD, VM_RECORD_MAX, &text, &size, &none) == 0)
		return fl_json_parse(text, size, "the VM's record", ret, err);
	if (none.code == FL_NOT_FOUND)
		return 0;
	*err = none;
	return fl_error_prefix(err, "the VM's record");
}

static int vm_record_write(int dir_fd, const json_t *json, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *text = fl_json_dump(arena, json);

	if (fl_file_replace(dir_fd, VM_RECORD, text, strlen(text), 0600, err) < 0)
		return fl_error_prefix(err, "writing the VM's record");
	return 0;
}

int vm_record_end(int dir_fd, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;
	json_t *disk;
	size_t i;

	if (vm_record_read(dir_fd, &json, err) < 0)
		return -1;
	if (!json)
		return 0;
	json_array_foreach(json_object_get(json, "disks"), i, disk)
		json_object_set_new(disk, "phase", json_string(disk_phase_name(DISK_RELEASING)));
	/* Copies ended with the QEMU that made them. */
	json_object_set_new(json, "copies", json_array());
	return vm_record_write(dir_fd, json, err);
}

static int vm_read(struct vm *vm, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *json = NULL;

	if (vm_record_read(vm->dir_fd, &json, err) < 0)
		return -1;
	if (vm_read_disks(vm, json, err) < 0)
		return -1;
	return vm_read_backups(vm, json, err);
}

int vm_save(struct vm *vm, struct fl_error *err)
{
	json_t *disks = json_array(), *copies = json_array();
	fl_cleanup(fl_json_release) json_t *json =
		json_pack("{s:o, s:o}", "disks", disks, "copies", copies);

	for (const struct disk *d = vm->disks; d; d = d->next)
		json_array_append_new(disks, disk_to_json(d));
	for (const struct backup *c = vm->backups; c; c = c->next)
		json_array_append_new(copies, backup_to_json(c));
	return vm_record_write(vm->dir_fd, json, err);
}

void vm_add_disk(struct vm *vm, struct disk *disk)
{
	struct disk **end = &vm->disks;

	while (*end)
		end = &(*end)->next;
	*end = disk;
}

void vm_drop_disk(struct vm *vm, struct disk *disk)
{
	struct disk **p = &vm->disks;

	while (*p != disk)
		p = &(*p)->next;
	*p = disk->next;
	disk_free(disk);
}

int vm_open(const char *dir, struct vm **ret, struct fl_error *err)
{
	struct fl_arena *arena = fl_arena_new(0);
	struct vm *vm = fl_arena_alloc(arena, sizeof(*vm));

	vm->arena = arena;
	vm->dir = fl_arena_strdup(arena, dir);
	vm->dir_fd = -1;
	vm->busy = fl_busy_new();
	vm->since_us = fl_clock_us();
	pthread_mutex_init(&vm->lock, NULL);
	if (rundir_open(dir, &vm->dir_fd, err) < 0 ||
	    vm_spec_load(arena, fl_arena_printf(arena, "%s/spec.json", dir), &vm->spec, err) < 0 ||
	    vm_read(vm, err) < 0) {
		vm_close(vm);
		return -1;
	}
	*ret = vm;
	return 0;
}

void vm_close(struct vm *vm)
{
	if (!vm)
		return;
	while (vm->disks)
		vm_drop_disk(vm, vm->disks);
	while (vm->backups)
		backup_drop(vm, vm->backups);
	qmp_close(vm->qmp);
	fl_busy_free(vm->busy);
	fl_close(&vm->dir_fd);
	pthread_mutex_destroy(&vm->lock);
	fl_arena_free(vm->arena);
}

int vm_lock(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	if (pthread_mutex_clocklock(&vm->lock, CLOCK_MONOTONIC, &op->deadline) == 0)
		return 0;
	return fl_error_set(err, FL_BUSY, "VM %s is busy with another request: ask again",
			    vm->spec.name);
}

void vm_unlock(struct vm **vm)
{
	if (*vm)
		pthread_mutex_unlock(&(*vm)->lock);
}

/* The source of the disk that is called so, in op's arena, or NULL. */
static int vm_source_of(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
			const char **ret, struct fl_error *err)
{
	const struct disk *disk;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	disk = disk_find(vm->disks, source_or_serial);
	*ret = disk ? fl_arena_strdup(op->arena, disk->source) : NULL;
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

int vm_claim_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		  const char *what, struct fl_busy_mark *mark, struct disk **ret,
		  struct fl_error *err)
{
	const char *source;

	*ret = NULL;
	if (vm_source_of(op, vm, source_or_serial, &source, err) < 0)
		return -1;
	if (!source)
		return 0;
	if (fl_busy_try(vm->busy, source, what, mark, err) < 0)
		return -1;
	/* It may have gone between the look and the mark. */
	if (vm_lock(op, vm, err) < 0) {
		fl_busy_release(mark);
		return -1;
	}
	*ret = disk_find(vm->disks, source);
	pthread_mutex_unlock(&vm->lock);
	if (!*ret)
		fl_busy_release(mark);
	return 0;
}
