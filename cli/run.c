/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *run_directory(struct fl_arena *arena)
{
	const char *text = getenv("FAIRLEAD_RUN");
	size_t length;

	if (!text || text[0] != '/')
		return "/run/fairlead";
	length = strlen(text);
	while (length > 1 && text[length - 1] == '/')
		length--;
	return fl_arena_strndup(arena, text, length);
}

const char *run_path(struct fl_arena *arena, const char *format, ...)
{
	const char *rest;
	va_list args;

	va_start(args, format);
	rest = fl_arena_vprintf(arena, format, args);
	va_end(args);
	return fl_arena_printf(arena, "%s/%s", run_directory(arena), rest);
}

static const char *run_socket(const char *role)
{
	return strcmp(role, "serve") == 0 ? "csi" : role;
}

const char *run_endpoint(struct fl_arena *arena, const char *role)
{
	return fl_arena_printf(arena, "unix://%s/%s.sock", run_directory(arena), run_socket(role));
}

const char *run_endpoint_of(struct fl_arena *arena, const char *role)
{
	const char *own = run_path(arena, "%s.sock", run_socket(role));
	const char *shared = run_path(arena, "csi.sock");

	if (access(shared, F_OK) != 0 && access(own, F_OK) == 0)
		return run_endpoint(arena, role);
	return run_endpoint(arena, "serve");
}
