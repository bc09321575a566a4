/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"

#define TOOL_WORDS_MAX 64
/* udev holds the lock for a moment after a device has appeared. */
#define TOOL_LOCK_SECONDS "5"
/* Exit status of flock(1) when the lock is held. */
#define TOOL_LOCKED "75"
#define TOOL_LOCKED_STATUS 75

int tool_run(const struct fl_op *op, const char *device, const char *const argv[],
	     struct fl_proc_result *ret, struct fl_error *err)
{
	const char *locked[7 + TOOL_WORDS_MAX + 1] = {
		"flock",     "--timeout", TOOL_LOCK_SECONDS, "--no-fork", "--conflict-exit-code",
		TOOL_LOCKED, device
	};
	size_t n = 7;

	for (size_t i = 0; argv[i]; i++) {
		if (i == TOOL_WORDS_MAX)
			return fl_error_set(err, FL_INVALID, "%s has more than %d arguments",
					    argv[0], TOOL_WORDS_MAX);
		locked[n++] = argv[i];
	}
	if (fl_proc_run(op, locked, ret, err) < 0)
		return -1;
	if (ret->exit_status == TOOL_LOCKED_STATUS)
		return fl_error_set(err, FL_BUSY,
				    "a program of an earlier attempt still runs on %s: ask again",
				    device);
	return 0;
}

bool tool_is_running(const char *device)
{
	fl_cleanup(fl_close) int fd = open(device, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

const char *tool_complaint(const struct fl_op *op, const struct fl_proc_result *result)
{
	const char *text = result->errors;
	size_t length = strlen(text);
	const char *line;

	while (length > 0 && text[length - 1] == '\n')
		length--;
	for (line = text + length; line > text && line[-1] != '\n';)
		line--;
	return fl_arena_strndup(op->arena, line, (size_t)(text + length - line));
}
