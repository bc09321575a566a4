/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of the control socket: for the command line. */
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "rundir.h"

#define CLIENT_LIST_MS 2000
#define CLIENT_VMS_MAX 100000

int vm_call(const struct fl_op *op, const char *name, const char *method, const json_t *params,
	    json_t **ret, struct fl_error *err)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { .json = NULL };
	fl_cleanup(fl_close) int fd = -1;
	const char *dir;

	if (vm_directory(op->arena, name, &dir, err) < 0)
		return -1;
	if (!rundir_is_locked(dir))
		return fl_error_set(err, FL_NOT_FOUND, "no VM %s runs here", name);
	if (fl_channel_connect(fl_arena_printf(op->arena, "%s/control.sock", dir), &fd, err) < 0) {
		fl_error_prefix(err, "VM %s: its launcher does not answer just now", name);
		err->code = FL_UNAVAILABLE;
		return -1;
	}
	if (fl_channel_call(op, fd, method, params, NULL, 0, &answer, err) < 0)
		return -1;
	*ret = json_incref(answer.json);
	return 0;
}

static json_t *client_state(const char *name, const char *state)
{
	return json_pack("{s:s, s:s}", "name", name, "state", state);
}

static json_t *client_status(const struct fl_op *op, const char *name)
{
	struct fl_op brief = *op;
	struct fl_error err;
	json_t *status;

	brief.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(CLIENT_LIST_MS));
	if (vm_call(&brief, name, "status", NULL, &status, &err) == 0)
		return status;
	return client_state(name, err.code == FL_NOT_FOUND ? "ended" : "unreachable");
}

static int client_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the directory of all VMs, sorted; none when it is not there. */
static int client_names(struct fl_arena *arena, const char ***ret, size_t *ret_n,
			struct fl_error *err)
{
	const char *path = fl_arena_printf(arena, "%s/vms", vm_run_directory());
	fl_cleanup(fl_closedir) DIR *dir = opendir(path);
	const struct dirent *entry;
	const char **names = NULL;
	size_t n = 0, capacity = 0;

	if (!dir && errno != ENOENT)
		return fl_error_sys(err, errno, "reading %s", path);
	while (dir && n < CLIENT_VMS_MAX && (entry = readdir(dir))) {
		if (!fl_text_is_safe_name(entry->d_name, 40))
			continue;
		names = fl_arena_grow(arena, names, n, &capacity, sizeof(*names));
		names[n++] = fl_arena_strdup(arena, entry->d_name);
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), client_compare);
	*ret = names;
	*ret_n = n;
	return 0;
}

int vm_list(const struct fl_op *op, json_t **ret, struct fl_error *err)
{
	const char **names = NULL;
	json_t *list;
	size_t n = 0;

	if (client_names(op->arena, &names, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, client_status(op, names[i]));
	*ret = list;
	return 0;
}
