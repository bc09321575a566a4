/* SPDX-License-Identifier: Apache-2.0 */
/* Small files on the file systems under test. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig.h"

bool rig_write_file(const char *directory, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fl_cleanup(fl_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
}

bool rig_file_says(const char *directory, const char *name, const char *text)
{
	char path[256], got[64] = "";

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, got, sizeof(got) - 1) >= 0 && strcmp(got, text) == 0;
}
