/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fl_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void fl_free(void *pointer)
{
	int saved = errno;
	void *memory;

	/* The parameter is the address of some kind of pointer: memcpy reads it whatever its
	 * type. */
	memcpy(&memory, pointer, sizeof(memory));
	free(memory);
	memset(pointer, 0, sizeof(memory));
	errno = saved;
}

void fl_closedir(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	*dir = NULL;
	errno = saved;
}

void fl_fclose(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	*file = NULL;
	errno = saved;
}

int fl_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
