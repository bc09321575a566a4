/* SPDX-License-Identifier: Apache-2.0 */
/* Health: what is wrong with a volume as this node sees it, together with what the storage says.
 *
 * Looked at anew each time: a status goes when its cause does.  Reasons, beside the backend's own:
 * StorageUnreachable, VolumeDamaged, VolumeDeleted, SourceUnreachable, DeviceUnusable,
 * DeviceOffline, ImageDeleted, ImageReplaced, ImageTruncated, FileSystemReadOnly, FileSystemError,
 * FileSystemErrors, FileSystemCorrupted, DeviceErrors, StageFailed, PublishFailed, NotPublished,
 * RecordDamaged, GuestStopped, LauncherUnreachable. */
#pragma once

#include "csi/health.h"
#include "node/device.h"
#include "node/node.h"
#include "node/pass.h"

/* `target` is where the volume is said to be published, or "".  FL_NOT_FOUND: nobody knows such a
 * volume, neither the storage nor the kernel; FL_BUSY: the storage is busy. */
int node_health_read(const struct node *node, const struct fl_op *op, const char *volume_id,
		     const char *target, struct fl_health *ret, struct fl_error *err) fl_must_check;

/* Of a kernel device and what is below it. */
void node_health_add_device(const struct fl_op *op, const struct connection *connection,
			    struct fl_health *health);
/* Of the file system on it, mounted at `mount`. */
void node_health_add_filesystem(const struct fl_op *op, const struct connection *connection,
				const struct mountinfo_entry *mount, struct fl_health *health);
/* Of the guest that the volume is published for by `pass`: its launcher is asked, for seconds at
 * most. */
void node_health_add_vm(const struct node *node, const struct fl_op *op, const struct pass *pass,
			struct fl_health *health);
