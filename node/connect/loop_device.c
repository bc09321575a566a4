/* SPDX-License-Identifier: Apache-2.0 */
#include "node/connect/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* Not /sys/block, whose links cost as much again as the question behind them. */
#define LOOP_DEVICES "/sys/devices/virtual/block"

void loop_image_of(const char *volume_id, const struct fl_source *source, struct loop_image *ret)
{
	char hash[65];
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	fl_text_sha256(volume_id, strlen(volume_id), hash);
	snprintf(ret->tag, sizeof(ret->tag), "fairlead:%.32s", hash);
	ret->known = source && stat(source->file.path, &st) == 0;
	if (ret->known) {
		ret->dev = st.st_dev;
		ret->ino = st.st_ino;
	}
}

int loop_open(unsigned number, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/loop%u", number);
	return open(path, flags | O_CLOEXEC | O_NONBLOCK);
}

int loop_inspect(unsigned number, const struct loop_image *image, struct loop_device *ret,
		 bool *ret_matches, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = loop_open(number, O_RDONLY);
	struct loop_info64 info;

	*ret_matches = false;
	/* It may be going away just now. */
	if (fd < 0 && (errno == ENXIO || errno == ENOENT || errno == ENODEV))
		return 0;
	if (fd < 0)
		return fl_error_sys(err, errno, "opening /dev/loop%u", number);
	if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return errno == ENXIO ? 0 : fl_error_sys(err, errno, "asking /dev/loop%u", number);
	ret->number = number;
	ret->ours = strncmp((const char *)info.lo_file_name, image->tag, LO_NAME_SIZE) == 0;
	ret->of_image = image->known && info.lo_device == image->dev && info.lo_inode == image->ino;
	*ret_matches = ret->ours || ret->of_image;
	return 0;
}

/* The next bound device that matches, from a directory stream of LOOP_DEVICES; *ret_found false at
 * the end. */
static int loop_next(DIR *dir, const struct loop_image *image, struct loop_device *ret,
		     bool *ret_found, struct fl_error *err)
{
	const struct dirent *entry;
	char path[300];
	unsigned number;

	*ret_found = false;
	while (!*ret_found && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "loop%u", &number) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/loop/backing_file", entry->d_name);
		if (faccessat(dirfd(dir), path, F_OK, 0) == 0 &&
		    loop_inspect(number, image, ret, ret_found, err) < 0)
			return -1;
	}
	return 0;
}

int loop_best(const struct loop_image *image, struct loop_device *ret, bool *ret_found,
	      struct fl_error *err)
{
	fl_cleanup(fl_closedir) DIR *dir = opendir(LOOP_DEVICES);
	struct loop_device device;
	int rank, best = 0;
	bool found;

	if (!dir)
		return fl_error_sys(err, errno, "reading " LOOP_DEVICES);
	do {
		if (loop_next(dir, image, &device, &found, err) < 0)
			return -1;
		rank = found ? device.ours * 2 + device.of_image : 0;
		if (rank > best) {
			best = rank;
			*ret = device;
		}
	} while (found);
	*ret_found = best > 0;
	return 0;
}

int loop_keep(int fd, unsigned number, struct fl_error *err)
{
	struct loop_info64 info;

	if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return fl_error_sys(err, errno, "asking /dev/loop%u", number);
	if (!(info.lo_flags & LO_FLAGS_AUTOCLEAR))
		return 0;
	info.lo_flags &= ~(uint32_t)LO_FLAGS_AUTOCLEAR;
	if (ioctl(fd, LOOP_SET_STATUS64, &info) < 0)
		return fl_error_sys(err, errno, "keeping /dev/loop%u", number);
	return 0;
}
