/* SPDX-License-Identifier: Apache-2.0 */
#include "uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *uring_lacks(void)
{
	struct io_uring_params params = { .flags = 0 };
	/* The kernel marks it close-on-exec by itself. */
	fl_cleanup(fl_close) int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (fd >= 0)
		return NULL;
	return errno == ENOSYS ? "this kernel has none" : "this kernel does not allow it";
}
