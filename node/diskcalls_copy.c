/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller and the command line ask: where a volume is, and copies by the launcher that
 * writes it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "node/connect/image.h"
#include "node/device.h"
#include "node/diskcalls.h"
#include "node/openers.h"
#include "node/path.h"
#include "node/volume.h"

int diskcall_check_own(const struct diskcall *call, struct fl_error *err)
{
	if (session_uid(call->session) != geteuid())
		return fl_error_set(err, FL_DENIED, "this request is not for launchers");
	return 0;
}

static int diskcall_find(const struct diskcall *call, bool *ret_found, struct pass *ret,
			 struct fl_error *err)
{
	const char *volume;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "volume", &volume, err) < 0)
		return -1;
	return pass_load(call->op->arena, call->disks->node->state_fd, volume, ret_found, ret, err);
}

int diskcall_set(struct diskcall *call, const char *key, json_t *value, struct fl_error *err)
{
	if (json_object_set_new(call->result, key, value) < 0)
		return fl_error_set(err, FL_INTERNAL, "no memory for an answer");
	return 0;
}

static int diskcall_where_pass(struct diskcall *call, const struct pass *pass, struct fl_error *err)
{
	struct fl_source source;
	bool is_open;

	if (fl_source_from_pairs(call->op->arena, pass->source, pass->n_source, &source, err) < 0 ||
	    openers_exist(source.file.path, &is_open, err) < 0 ||
	    diskcall_set(call, "state", json_string("vm"), err) < 0 ||
	    diskcall_set(call, "vm", json_string(pass->vm), err) < 0)
		return -1;
	return diskcall_set(call, "plugged", json_boolean(is_open), err);
}

int diskcall_where(struct diskcall *call, struct fl_error *err)
{
	const struct fl_source *source;
	struct device_state state;
	struct pass pass;
	const char *volume, *word = "absent";
	bool passed;

	if (diskcall_find(call, &passed, &pass, err) < 0)
		return -1;
	if (passed)
		return diskcall_where_pass(call, &pass, err);
	if (diskcall_text(call, "volume", &volume, err) < 0 ||
	    node_volume_last_source(call->disks->node, call->op, volume, &source, err) < 0 ||
	    device_look(call->op, volume, source, &state, err) < 0)
		return -1;
	if (state.connected)
		word = state.uses.n > 0 ? "kernel" : "staged";
	return diskcall_set(call, "state", json_string(word), err);
}

int diskcall_forward(struct diskcall *call, const char *method, json_t *params, int fd,
		     bool *ret_asked, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *owned = params;
	fl_cleanup(fl_json_release) json_t *result = NULL;
	struct pass pass;
	bool passed;

	*ret_asked = false;
	if (diskcall_find(call, &passed, &pass, err) < 0)
		return -1;
	if (!passed)
		return 0;
	if (json_object_set_new(owned, "volume", json_string(pass.volume)) < 0)
		return fl_error_set(err, FL_INTERNAL, "no memory for a request");
	if (disks_forward(call->disks, call->op, &pass, method, owned, fd, &result, err) < 0)
		return -1;
	*ret_asked = result != NULL;
	if (result && json_object_update(call->result, result) < 0)
		return fl_error_set(err, FL_INTERNAL, "no memory for an answer");
	return 0;
}

static int diskcall_forward_job(struct diskcall *call, const char *method, int fd, bool *ret_asked,
				struct fl_error *err)
{
	const char *job;

	if (diskcall_text(call, "job", &job, err) < 0)
		return -1;
	return diskcall_forward(call, method, json_pack("{s:s}", "job", job), fd, ret_asked, err);
}

/* QEMU asks the file system where the image has data (SEEK_DATA) and copies nothing else, and ext4
 * shows what is only in the page cache as a hole in files that it maps without extents.  Whoever
 * wrote the image before the VM had it may have left such pages; QEMU's own writes go past them. */
static int diskcall_sync_source(const struct diskcall *call, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	struct fl_source source;
	struct pass pass;
	bool passed;

	if (diskcall_find(call, &passed, &pass, err) < 0)
		return -1;
	if (!passed)
		return 0;
	if (fl_source_from_pairs(call->op->arena, pass.source, pass.n_source, &source, err) < 0 ||
	    image_open(source.file.path, O_RDONLY, &fd, err) < 0)
		return -1;
	if (fdatasync(fd) < 0)
		return fl_error_sys(err, errno, "syncing %s before it is copied", source.file.path);
	return 0;
}

int diskcall_copy_start(struct diskcall *call, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = -1;
	const char *path;
	bool asked;

	if (diskcall_check_own(call, err) < 0 || diskcall_text(call, "path", &path, err) < 0 ||
	    path_check("path", path, err) < 0 || image_open(path, O_RDWR, &fd, err) < 0 ||
	    diskcall_sync_source(call, err) < 0 ||
	    diskcall_forward_job(call, "copy-start", fd, &asked, err) < 0)
		return -1;
	if (!asked)
		return fl_error_set(err, FL_IN_USE, "no VM has this volume plugged in");
	return 0;
}

int diskcall_copy_status(struct diskcall *call, struct fl_error *err)
{
	bool asked;

	if (diskcall_forward_job(call, "copy-status", -1, &asked, err) < 0)
		return -1;
	/* The QEMU that copied is gone, and its job with it. */
	return asked ? 0 : diskcall_set(call, "state", json_string("unknown"), err);
}

int diskcall_copy_finish(struct diskcall *call, struct fl_error *err)
{
	bool asked;

	return diskcall_forward_job(call, "copy-finish", -1, &asked, err);
}
