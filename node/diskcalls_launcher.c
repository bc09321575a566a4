/* SPDX-License-Identifier: Apache-2.0 */
/* What launchers ask: attach and release. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "node/connect/image.h"
#include "node/device.h"
#include "node/diskcalls.h"
#include "node/hold.h"
#include "node/openers.h"
#include "node/volume.h"

#define DISKCALL_VM_MAX 40
#define DISKCALL_RELEASE_MS 1000
/* Short: the same thread reads the launcher's answers to what may hold the volume. */
#define DISKCALL_HOLD_MS 1000

int diskcall_hello(struct diskcall *call, struct fl_error *err)
{
	const char *vm;

	if (diskcall_text(call, "vm", &vm, err) < 0)
		return -1;
	if (!fl_text_is_safe_name(vm, DISKCALL_VM_MAX))
		return fl_error_set(err, FL_INVALID, "that is no name of a VM");
	return roster_hello(&call->disks->roster, call->session, vm, err);
}

/* The pass that the caller has the token of.  *ret_found false: there is none. */
static int diskcall_pass(const struct diskcall *call, bool *ret_found, struct pass *ret,
			 struct fl_error *err)
{
	const char *vm = session_vm(call->session);
	const char *volume, *token;

	if (!vm)
		return fl_error_set(err, FL_DENIED, "say hello first");
	if (diskcall_text(call, "volume", &volume, err) < 0 ||
	    diskcall_text(call, "token", &token, err) < 0 ||
	    pass_load(call->op->arena, call->disks->node->state_fd, volume, ret_found, ret, err) <
		    0)
		return -1;
	if (*ret_found && (!pass_token_is(ret, token) || strcmp(ret->vm, vm) != 0))
		return fl_error_set(err, FL_DENIED,
				    "volume %s is not published for VM %s with this pass", volume,
				    vm);
	return 0;
}

static int diskcall_take_hold(const struct diskcall *call, const char *volume, struct hold *ret,
			      struct fl_error *err)
{
	struct timespec until = fl_clock_after_ms(DISKCALL_HOLD_MS);

	for (;;) {
		if (hold_take(call->disks->node->busy, call->disks->node->state_fd, volume,
			      "attach", ret, err) == 0)
			return 0;
		if (err->code != FL_BUSY || fl_clock_passed(until))
			return -1;
		fl_clock_sleep_ms(10);
	}
}

/* At most 20 characters, and the same for ever. */
static void diskcall_serial(const char *volume_id, char ret[21])
{
	char hash[65];

	fl_text_sha256(volume_id, strlen(volume_id), hash);
	snprintf(ret, 21, "fl%.18s", hash);
}

/* A pass is for one image, and not for what has its name now. */
static int diskcall_check_image(const struct diskcall *call, const struct pass *pass,
				struct fl_error *err)
{
	const char *image;

	if (image_identity(call->op->arena, call->fds[0], "", &image, err) < 0)
		return -1;
	if (strcmp(image, pass->image) == 0)
		return 0;
	return fl_error_set(err, FL_IN_USE,
			    "volume %s was deleted and made again since it was published for vm "
			    "%s: unpublish it and publish it again",
			    pass->volume, pass->vm);
}

static int diskcall_open(struct diskcall *call, const struct pass *pass, const char *path,
			 uint64_t *ret_size, struct fl_error *err)
{
	struct stat st;

	if (!pass->read_only) {
		if (image_open(path, O_RDWR, &call->fds[call->n_fds], err) < 0)
			return -1;
		call->n_fds++;
	}
	if (image_open(path, O_RDONLY, &call->fds[call->n_fds], err) < 0)
		return -1;
	call->n_fds++;
	if (fstat(call->fds[0], &st) < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	*ret_size = (uint64_t)st.st_size;
	return diskcall_check_image(call, pass, err);
}

/* The pass says that this node was let in once; the record says whether it still is. */
static int diskcall_check_owner(const struct diskcall *call, const struct pass *pass,
				struct fl_error *err)
{
	const struct node *node = call->disks->node;
	struct node_volume volume;

	if (node_volume_find(node, call->op, pass->volume, &volume, err) < 0)
		return -1;
	return node_volume_check_owner(node, call->op, &volume,
				       &(struct node_claim){ .read_only = pass->read_only }, NULL,
				       err);
}

int diskcall_attach(struct diskcall *call, struct fl_error *err)
{
	fl_cleanup(hold_release) struct hold hold = HOLD_NONE;
	struct device_state state;
	struct fl_source source;
	json_t *limits = NULL;
	struct pass pass;
	char serial[21];
	uint64_t size = 0;
	bool found;

	if (diskcall_pass(call, &found, &pass, err) < 0)
		return -1;
	if (!found)
		return fl_error_set(err, FL_DENIED, "this volume is not published for a VM");
	/* Against unpublish, which proves that nobody has the image open and then takes the
	 * pass. */
	if (diskcall_take_hold(call, pass.volume, &hold, err) < 0 ||
	    diskcall_pass(call, &found, &pass, err) < 0)
		return -1;
	if (!found)
		return fl_error_set(err, FL_DENIED,
				    "this volume is not published for a VM any more");
	if (diskcall_check_owner(call, &pass, err) < 0 ||
	    fl_source_from_pairs(call->op->arena, pass.source, pass.n_source, &source, err) < 0 ||
	    device_look(call->op, pass.volume, &source, &state, err) < 0)
		return -1;
	if (state.connected)
		return fl_error_set(err, FL_IN_USE, "volume %s is a device of the node: %s",
				    pass.volume, state.connection.path);
	if (diskcall_open(call, &pass, source.file.path, &size, err) < 0 ||
	    diskcall_read_limits(call, pass.volume, &limits, err) < 0)
		return -1;
	diskcall_serial(pass.volume, serial);
	if (json_object_update_new(call->result,
				   json_pack("{s:s, s:I, s:b, s:s, s:o}", "kind",
					     fl_source_kind_name(source.kind), "size",
					     (json_int_t)size, "readonly", pass.read_only, "serial",
					     serial, "limits", limits)) < 0)
		return fl_error_set(err, FL_INTERNAL, "no memory for an answer");
	return 0;
}

int diskcall_release(struct diskcall *call, struct fl_error *err)
{
	struct fl_source source;
	struct pass pass;
	bool found, is_open;

	if (diskcall_pass(call, &found, &pass, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (fl_source_from_pairs(call->op->arena, pass.source, pass.n_source, &source, err) < 0 ||
	    openers_exist_after(call->op, source.file.path, DISKCALL_RELEASE_MS, &is_open, err) < 0)
		return -1;
	if (is_open)
		return fl_error_set(err, FL_IN_USE, "a process still has volume %s open: fuser %s",
				    pass.volume, source.file.path);
	return 0;
}
