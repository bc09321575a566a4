/* SPDX-License-Identifier: Apache-2.0 */
/* What a specification says of this host, checked before anything starts. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diskpass.h"
#include "firmware.h"
#include "spec.h"

static int spec_check_file(const struct vm_spec *spec, const char *key, const char *path,
			   struct fl_error *err)
{
	const struct fl_config_node *at = spec_key(spec->at, key);
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return fl_config_fail(at, err, "%s %s: %s", key, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return fl_config_fail(at, err, "%s %s is not a file with content", key, path);
	if (access(path, R_OK) < 0)
		return fl_config_fail(at, err, "%s %s: %s", key, path, strerror(errno));
	return 0;
}

static int spec_check_image(const struct vm_disk_spec *disk, size_t i, struct stat *ret,
			    struct fl_error *err)
{
	const struct fl_config_node *at = spec_key(disk->at, "path");

	if (stat(disk->path, ret) < 0)
		return fl_config_fail(at, err, "disk %zu: %s: %s", i + 1, disk->path,
				      strerror(errno));
	if (!S_ISREG(ret->st_mode) && !S_ISBLK(ret->st_mode))
		return fl_config_fail(at, err, "disk %zu: %s is neither a file nor a block device",
				      i + 1, disk->path);
	if (S_ISREG(ret->st_mode) && (ret->st_size == 0 || ret->st_size % 512 != 0))
		return fl_config_fail(
			at, err, "disk %zu: %s has %jd bytes: a raw image has a multiple of 512",
			i + 1, disk->path, (intmax_t)ret->st_size);
	if (access(disk->path, disk->readonly ? R_OK : R_OK | W_OK) < 0)
		return fl_config_fail(at, err, "disk %zu: %s: %s", i + 1, disk->path,
				      strerror(errno));
	return 0;
}

static bool spec_same_image(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_mode == b->st_mode && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int spec_check_pass(const struct vm_spec *spec, const struct vm_disk_spec *disk, size_t i,
			   struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error why;
	struct diskpass pass;

	if (diskpass_read(arena, disk->pass, spec->name, &pass, &why) < 0)
		return fl_config_fail(spec_key(disk->at, "pass"), err, "disk %zu: %s", i + 1,
				      why.text);
	return 0;
}

static int spec_check_images(const struct vm_spec *spec, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct stat *images = fl_arena_array(arena, spec->n_disks, sizeof(*images));

	for (size_t i = 0; i < spec->n_disks; i++) {
		const struct vm_disk_spec *disk = &spec->disks[i];

		if (disk->pass && spec_check_pass(spec, disk, i, err) < 0)
			return -1;
		if (disk->path && spec_check_image(disk, i, &images[i], err) < 0)
			return -1;
		for (size_t j = 0; disk->path && j < i; j++) {
			if (spec->disks[j].path && spec_same_image(&images[i], &images[j]))
				return fl_config_fail(
					disk->at, err, "disks %zu and %zu are one image: %s and %s",
					j + 1, i + 1, spec->disks[j].path, disk->path);
		}
	}
	return 0;
}

int vm_spec_check_host(const struct vm_spec *spec, struct fl_error *err)
{
	struct firmware firmware;
	struct fl_error why;

	if (spec_check_file(spec, "kernel", spec->kernel, err) < 0 ||
	    spec_check_file(spec, "initrd", spec->initrd, err) < 0)
		return -1;
	if (strcmp(spec->firmware, "uefi") == 0 && firmware_find(&firmware, &why) < 0)
		return fl_config_fail(spec_key(spec->at, "firmware"), err, "%s", why.text);
	return spec_check_images(spec, err);
}
