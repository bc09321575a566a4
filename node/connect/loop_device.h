/* SPDX-License-Identifier: Apache-2.0 */
/* Loop device: which one has the image of a volume.
 *
 * A loop device of ours carries the tag "fairlead:" and a hash of the volume's id as its file name
 * (lo_file_name), which only whoever attaches it can set: so it is known whose it is even when the
 * image has been renamed or deleted.  Which image it reads and writes is told by device and inode
 * number, never by the path in sysfs.
 *
 * Nothing is remembered: each call asks the kernel.  From any thread. */
#pragma once

#include <linux/loop.h>
#include <sys/types.h>

#include "backends/source.h"

/* What a device is looked for by. */
struct loop_image {
	char tag[LO_NAME_SIZE];
	bool known; /* dev and ino are */
	dev_t dev;
	ino_t ino;
};

/* A bound loop device. */
struct loop_device {
	unsigned number;
	bool ours;     /* it carries the volume's tag */
	bool of_image; /* it is backed by the image's inode */
};

/* `source` may be NULL, or its image be gone: then only the tag is looked for. */
void loop_image_of(const char *volume_id, const struct fl_source *source, struct loop_image *ret);

/* A descriptor of /dev/loopN, also of an unbound one; -1 and errno. */
int loop_open(unsigned number, int flags);

/* Looks at one device; *ret_matches false when it is unbound or another image's. */
int loop_inspect(unsigned number, const struct loop_image *image, struct loop_device *ret,
		 bool *ret_matches, struct fl_error *err) fl_must_check;

/* Looks at all and takes the one that matches best: ours with the image, then ours, then anybody's
 * with the image. */
int loop_best(const struct loop_image *image, struct loop_device *ret, bool *ret_found,
	      struct fl_error *err) fl_must_check;

/* Takes back what somebody asked of the kernel: to drop the device as soon as nobody has it open.
 * Nothing asked is success. */
int loop_keep(int fd, unsigned number, struct fl_error *err) fl_must_check;
