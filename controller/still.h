/* SPDX-License-Identifier: Apache-2.0 */
/* Still: the kernel's proof that nobody wrote to an image while it was copied.
 *
 * The owner record tells what fairlead allowed; the kernel tells what is.  A read lease is granted
 * only while no open file of this machine can write to the image, be it QEMU's, a loop device's or
 * a stranger's; whoever opens it for writing afterwards waits and breaks the lease, which is seen
 * at the end.  Readers are in nobody's way.  On a file system without leases (only pools that say
 * `shared` may lie on one) the record is all there is, and the proof says yes. */
#pragma once

#include "object.h"

struct still {
	int fd; /* to read from */
	bool leased;
};
#define STILL_NONE                                                                                 \
	{                                                                                          \
		.fd = -1, .leased = false                                                          \
	}

/* FL_IN_USE when something can write to the image, FL_BUSY when another call is just deleting
 * it. */
int still_open(const struct object *volume, const char *path, struct still *ret,
	       struct fl_error *err) fl_must_check;

/* 0: nobody has written since still_open.  FL_BUSY: somebody opened it for writing, and what was
 * read must be thrown away. */
int still_prove(const struct still *still, const struct object *volume, struct fl_error *err)
	fl_must_check;

/* STILL_NONE is fine.  For fl_cleanup. */
void still_release(struct still *still);
