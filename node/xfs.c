/* SPDX-License-Identifier: Apache-2.0 */
/* xfs_db changes the UUID only of an XFS with an empty log, and begins with the log: cut off there,
 * it leaves a log that neither the kernel nor xfs_db can read.  The log was empty before (prepare
 * made it so, and the record was written after that), so clearing it loses nothing. */
#include "node/xfs.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "node/content.h"
#include "node/tool.h"

/* Lets the kernel replay the log: a mount that is at no path, and ends with its descriptor,
 * whatever happens to us. */
static int xfs_replay(const char *device, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = fsopen("xfs", FSOPEN_CLOEXEC);

	if (fd < 0)
		return fl_error_sys(err, errno, "mounting an xfs");
	if (fsconfig(fd, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    fsconfig(fd, FSCONFIG_SET_FLAG, "nouuid", NULL, 0) < 0 ||
	    fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fl_error_sys(err, errno, "replaying the log of the xfs on %s", device);
	return 0;
}

static int xfs_prepare(const struct fl_op *op, const struct connection *connection, bool *ret_can,
		       struct fl_error *err)
{
	(void)op;
	*ret_can = true;
	return xfs_replay(connection->path, err);
}

/* xfs_db ends with 0 whether or not it did it, and where a block could not be written. */
static bool xfs_has_changed(const struct fl_proc_result *result, const char *uuid)
{
	return result->exit_status == 0 && strstr(result->output, uuid) &&
	       !strstr(result->errors, "write") && !strstr(result->errors, "failed");
}

/* The proof is the kernel's: after a block of the log was lost, xfs_db sees an empty log where the
 * kernel sees one that is older than the rest. */
static int xfs_try(const struct fl_op *op, const char *device, const char *uuid,
		   struct fl_error *err)
{
	const char *change = fl_arena_printf(op->arena, "uuid %s", uuid);
	const char *argv[] = { "xfs_db", "-x", "-p", "xfs_admin", "-c", change, device, NULL };
	struct fl_proc_result result;
	struct content content;

	if (tool_run(op, device, argv, &result, err) < 0 ||
	    content_probe(op, device, &content, err) < 0)
		return -1;
	if (!xfs_has_changed(&result, uuid) || strcmp(content.uuid, uuid) != 0)
		return fl_error_set(err, FL_INTERNAL, "xfs_db did not change the UUID of %s: %s",
				    device, tool_complaint(op, &result));
	if (xfs_replay(device, err) == 0)
		return 0;
	/* Whatever the kernel says of it, it is a half of our work. */
	if (err->code != FL_UNAVAILABLE)
		err->code = FL_INTERNAL;
	return -1;
}

static int xfs_set(const struct fl_op *op, const struct connection *connection, const char *uuid,
		   bool again, struct fl_error *err)
{
	const char *argv[] = { "xfs_repair", "-L", connection->path, NULL };
	struct fl_proc_result result;

	if (xfs_try(op, connection->path, uuid, err) == 0)
		return 0;
	if (!again || err->code != FL_INTERNAL)
		return -1;
	if (tool_run(op, connection->path, argv, &result, err) < 0)
		return -1;
	if (result.exit_status != 0)
		return fl_error_set(err, FL_INTERNAL, "xfs_repair of %s ended with status %d: %s",
				    connection->path, result.exit_status,
				    tool_complaint(op, &result));
	return xfs_try(op, connection->path, uuid, err);
}

const struct uuid_change xfs_uuid = { .prepare = xfs_prepare, .set = xfs_set };
