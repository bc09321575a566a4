/* SPDX-License-Identifier: Apache-2.0 */
/* Disks: their names, their places, and the record that the next launcher reads. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "node/launcher/backup.h"
#include "node/launcher/diskpass.h"
#include "node/launcher/rundir.h"
#include "node/launcher/vm.h"
#include "tests/test.h"

static struct disk *disk_on(const char *source, const char *bus, unsigned slot)
{
	const struct disk_wanted wanted = { .source = source, .serial = "s", .bus = bus };
	struct disk *disk = disk_new(&wanted);

	disk->slot = slot;
	return disk;
}

static void names_fit_and_follow_from_the_source(void)
{
	char long_id[600], a[DISK_NAME_SIZE], b[DISK_NAME_SIZE];

	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	disk_name(a, 'f', long_id);
	EQUAL(strlen(a), 26);
	disk_name(b, 'f', long_id);
	SAME(a, b);
	long_id[598] = 'y';
	disk_name(b, 'f', long_id);
	OK(strcmp(a, b) != 0, "a difference at the very end counts");
	disk_name(b, 'p', "x");
	OK(strncmp(b, "p-", 2) == 0, "%s", b);
}

static void serials_and_identifiers_have_their_form(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct disk *disk = disk_on("/x", "scsi", 0);

	EQUAL(strlen(disk_path_serial(arena, "/some/path")), 19);
	OK(strcmp(disk_path_serial(arena, "/a"), disk_path_serial(arena, "/b")) != 0);
	EQUAL(disk_wwn(disk) >> 60, 3);
	disk_free(disk);
}

static void the_lowest_free_place_is_taken(void)
{
	struct disk *a = disk_on("/a", "scsi", 0), *b = disk_on("/b", "scsi", 2);
	struct disk *c = disk_on("/c", "virtio", 1);

	EQUAL(disk_free_slot(NULL, "scsi"), 0);
	a->next = b;
	b->next = c;
	EQUAL(disk_free_slot(a, "scsi"), 1);
	EQUAL(disk_free_slot(a, "virtio"), 0);
	b->slot = 1;
	EQUAL(disk_free_slot(a, "scsi"), 2);
	disk_free(a);
	disk_free(b);
	disk_free(c);
}

static void all_places_can_be_taken(void)
{
	struct disk *list = NULL;

	for (unsigned i = 0; i < VM_VIRTIO_DISKS_MAX; i++) {
		struct disk *disk = disk_on("/x", "virtio", i);

		disk->next = list;
		list = disk;
	}
	EQUAL(disk_free_slot(list, "virtio"), -1);
	EQUAL(disk_free_slot(list, "scsi"), 0);
	while (list) {
		struct disk *next = list->next;

		disk_free(list);
		list = next;
	}
}

static void a_disk_survives_the_record(void)
{
	const struct disk_wanted wanted = { "pool/v", "/pass", "serial", "virtio", 3, true };
	struct disk *disk = disk_new(&wanted), *again;
	fl_cleanup(fl_json_release) json_t *json = NULL;

	disk->slot = 7;
	disk->phase = DISK_UNPLUGGING;
	disk->image = "f:8:1:9";
	json = disk_to_json(disk);
	WORKS(disk_from_json(json, &again, &test_error));
	SAME(again->source, "pool/v");
	SAME(again->pass, "/pass");
	SAME(again->serial, "serial");
	SAME(again->bus, "virtio");
	SAME(again->image, "f:8:1:9");
	SAME(again->node, disk->node);
	EQUAL(again->slot, 7);
	EQUAL(again->boot, 3);
	EQUAL(again->readonly, true);
	EQUAL(again->phase, DISK_UNPLUGGING);
	EQUAL(again->fd, -1);
	disk_free(again);
	disk_free(disk);
}

static void a_record_that_is_not_whole_is_refused(void)
{
	static const char *const texts[] = {
		"{}",
		"{\"source\": 1}",
		"{\"source\":\"a\",\"serial\":\"s\",\"bus\":\"scsi\",\"slot\":0,\"phase\":\"x\"}",
		"{\"source\":\"a\",\"serial\":\"s\",\"bus\":\"scsi\",\"phase\":\"plugged\"}",
		"{\"source\":\"a\",\"serial\":\"\",\"bus\":\"scsi\",\"slot\":0,\"phase\":\"plugged\"}",
	};

	for (size_t i = 0; i < FL_COUNT(texts); i++) {
		fl_cleanup(fl_json_release) json_t *json = NULL;
		struct disk *disk;

		WORKS(fl_json_parse(texts[i], strlen(texts[i]), "x", &json, &test_error));
		FAILS(disk_from_json(json, &disk, &test_error), FL_INTERNAL);
	}
}

struct folder {
	char path[64];
	int fd;
};

static struct folder folder_new(void)
{
	struct folder folder = { .path = "/tmp/fl-record.XXXXXX", .fd = -1 };

	OK(mkdtemp(folder.path) != NULL);
	folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder;
}

static void folder_end(struct folder *folder)
{
	fl_close(&folder->fd);
	WORKS(rundir_remove(folder->path, &test_error));
}

static void folder_write(const struct folder *folder, const char *name, const char *text)
{
	WORKS(fl_file_replace(folder->fd, name, text, strlen(text), 0600, &test_error));
}

/* A launcher with one disk and one copy dies; the next one, and the next run. */
static void the_next_launcher_knows_and_the_next_run_releases(void)
{
	struct folder folder = folder_new();
	struct vm *vm;

	folder_write(&folder, "spec.json", "{\"name\": \"a\"}");
	WORKS(vm_open(folder.path, &vm, &test_error));
	vm_add_disk(vm, disk_on("/x", "scsi", 4));
	vm->disks->phase = DISK_PLUGGED;
	WORKS(vm_save(vm, &test_error));
	vm_close(vm);

	WORKS(vm_open(folder.path, &vm, &test_error));
	OK(vm->disks && vm->disks->phase == DISK_PLUGGED && vm->disks->slot == 4);
	vm_close(vm);
	WORKS(vm_record_end(folder.fd, &test_error));
	WORKS(vm_open(folder.path, &vm, &test_error));
	OK(vm->disks && vm->disks->phase == DISK_RELEASING);
	vm_close(vm);

	folder_write(&folder, "state.json", "{\"disks\": [{}]}");
	FAILS(vm_open(folder.path, &vm, &test_error), FL_INTERNAL);
	folder_write(&folder, "state.json", "not JSON");
	FAILS(vm_open(folder.path, &vm, &test_error), FL_INTERNAL);
	FAILS(vm_record_end(folder.fd, &test_error), FL_INTERNAL);
	folder_end(&folder);
}

static void a_name_runs_once(void)
{
	struct folder folder = folder_new();
	fl_cleanup(fl_close) int lock = -1;
	int second;

	OK(!rundir_is_locked(folder.path));
	WORKS(rundir_lock(folder.path, &lock, &test_error));
	OK(rundir_is_locked(folder.path));
	FAILS(rundir_lock(folder.path, &second, &test_error), FL_IN_USE);
	fl_close(&lock);
	lock = -1;
	WORKS(rundir_lock(folder.path, &lock, &test_error));
	/* Removed by its holder, the directory is made anew for the next one. */
	folder_end(&folder);
	OK(!rundir_is_locked(folder.path));
	WORKS(rundir_lock(folder.path, &second, &test_error));
	WORKS(rundir_remove(folder.path, &test_error));
	fl_close(&second);
}

static void the_runtime_directory_is_short_enough(void)
{
	char path[200] = "/tmp/";
	int fd;

	memset(path + 5, 'x', 150);
	FAILS(rundir_lock(path, &fd, &test_error), FL_INVALID);
	FAILS(rundir_lock("relative", &fd, &test_error), FL_INVALID);
}

static void a_pass_is_for_one_vm(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct folder folder = folder_new();
	const char *path = fl_arena_printf(arena, "%s/pass", folder.path);
	struct diskpass pass;

	FAILS(diskpass_read(arena, path, "a", &pass, &test_error), FL_NOT_FOUND);
	folder_write(&folder, "pass", "{\"volume\":\"p/v\",\"vm\":\"a\",\"token\":\"s3cret\"}");
	WORKS(diskpass_read(arena, path, "a", &pass, &test_error));
	SAME(pass.volume, "p/v");
	SAME(pass.token, "s3cret");
	FAILS(diskpass_read(arena, path, "b", &pass, &test_error), FL_DENIED);
	OK(!strstr(test_error.text, "s3cret"));
	folder_write(&folder, "pass", "{\"volume\":\"p/v\",\"token\":\"s3cret\"}");
	FAILS(diskpass_read(arena, path, "a", &pass, &test_error), FL_INVALID);
	folder_write(&folder, "pass", "s3cret");
	FAILS(diskpass_read(arena, path, "a", &pass, &test_error), FL_INVALID);
	OK(!strstr(test_error.text, "s3cret"), "%s", test_error.text);
	folder_end(&folder);
}

static const struct test tests[] = {
	{ "names fit and follow from the source", names_fit_and_follow_from_the_source },
	{ "serials and identifiers have their form", serials_and_identifiers_have_their_form },
	{ "the lowest free place is taken", the_lowest_free_place_is_taken },
	{ "all places can be taken", all_places_can_be_taken },
	{ "a disk survives the record", a_disk_survives_the_record },
	{ "a record that is not whole is refused", a_record_that_is_not_whole_is_refused },
	{ "the next launcher knows, the next run releases",
	  the_next_launcher_knows_and_the_next_run_releases },
	{ "a name runs once", a_name_runs_once },
	{ "the runtime directory is short enough", the_runtime_directory_is_short_enough },
	{ "a pass is for one VM", a_pass_is_for_one_vm },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
