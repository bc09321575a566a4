/* SPDX-License-Identifier: Apache-2.0 */
#include "proc_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

int fl_proc_output_open(struct fl_proc_output *output, int *ret_child, struct fl_error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fl_error_sys(err, errno, "making a pipe");
	/* Only our end must not block: tools do not expect it of theirs. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	output->fd = ends[0];
	*ret_child = ends[1];
	return 0;
}

/* Keeps up to output->max bytes; what is above is dropped, but read, so that nobody blocks. */
static int output_keep(struct fl_proc_output *output, const char *data, size_t n)
{
	size_t wanted;
	char *grown;

	if (n > output->max - output->size) {
		output->overflowed = true;
		n = output->max - output->size;
	}
	if (output->size + n + 1 > output->room) {
		wanted = (output->size + n + 1) * 2;
		grown = realloc(output->data, wanted);
		if (!grown)
			return -1;
		output->data = grown;
		output->room = wanted;
	}
	memcpy(output->data + output->size, data, n);
	output->size += n;
	output->data[output->size] = '\0';
	return 0;
}

/* More than any pipe holds, but not for ever, because a tool may write as fast as we read, and the
 * deadline is looked at elsewhere. */
int fl_proc_output_read(struct fl_proc_output *output, struct fl_error *err)
{
	char chunk[16384];
	ssize_t n;

	for (int round = 0; round < 128 && output->fd >= 0; round++) {
		n = read(output->fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return fl_error_sys(err, errno, "reading what it prints");
		if (n == 0)
			fl_close(&output->fd);
		else if (output_keep(output, chunk, (size_t)n) < 0)
			return fl_error_sys(err, ENOMEM, "reading what it prints");
	}
	return 0;
}

const char *fl_proc_output_text(struct fl_arena *arena, const struct fl_proc_output *output)
{
	char *text = fl_arena_alloc(arena, output->size + 1);

	if (output->size > 0)
		memcpy(text, output->data, output->size);
	return text;
}

void fl_proc_output_release(struct fl_proc_output *output)
{
	fl_close(&output->fd);
	free(output->data);
}
