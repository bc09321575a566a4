/* SPDX-License-Identifier: Apache-2.0 */
/* Groupasks: the requests for group snapshots, in short, on the one rig and peer of a program.
 *
 * The pools copy, or cut where TMPDIR is on a file system that can. */
#pragma once

#include <dirent.h>

#include "asks.h"
#include "controller/group_record.h"
#include "peer.h"

static struct rig rig;
static struct peer peer;
static bool copies;

static const struct peer_mood __attribute__((unused)) nobody = { .state = "absent" };
static const struct peer_mood __attribute__((unused)) running = { .state = "vm", .plugged = true };

static const char *id_of(const char *name)
{
	return fl_arena_printf(rig.arena, "near/n1/%s", name);
}

static __attribute__((unused)) const char *make_volume(const char *name)
{
	WORKS(ask_create(&rig, (struct ask_create){ .name = name, .required = 1 << 20 }, NULL));
	return id_of(name);
}

/* One that is published to this node for a VM, whose launcher has plugged it in. */
static __attribute__((unused)) const char *plug(const char *name)
{
	const char *id = make_volume(name);

	WORKS(ask_publish(&rig, (struct ask_publish){ .id = id, .node = "n1" }, NULL));
	return id;
}

static __attribute__((unused)) void remove_volume(const char *id)
{
	peer_set(&peer, nobody);
	WORKS(ask_unpublish(&rig, id, "n1"));
	WORKS(ask_delete(&rig, id));
}

struct ids {
	char *items[GROUP_MEMBERS_MAX + 1];
	size_t n;
};

static __attribute__((unused)) struct ids ids(const char *a, const char *b, const char *c)
{
	const char *given[] = { a, b, c };
	struct ids all = { .n = 0 };

	for (size_t i = 0; i < FL_COUNT(given) && given[i]; i++)
		all.items[all.n++] = (char *)given[i];
	return all;
}

static __attribute__((unused)) int make_group(const char *name, struct ids volumes,
					      const Csi__V1__VolumeGroupSnapshot **ret)
{
	Csi__V1__CreateVolumeGroupSnapshotRequest request =
		CSI__V1__CREATE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.name = (char *)name;
	request.n_source_volume_ids = volumes.n;
	request.source_volume_ids = volumes.items;
	if (rig_ask(&rig, &csi__v1__group_controller__descriptor, "CreateVolumeGroupSnapshot",
		    &request, &answer) < 0)
		return -1;
	if (ret)
		*ret = ((const Csi__V1__CreateVolumeGroupSnapshotResponse *)answer)->group_snapshot;
	return 0;
}

static __attribute__((unused)) struct ids members_of(const Csi__V1__VolumeGroupSnapshot *group)
{
	struct ids all = { .n = group->n_snapshots };

	for (size_t i = 0; i < all.n; i++)
		all.items[i] = group->snapshots[i]->snapshot_id;
	return all;
}

static __attribute__((unused)) int get_group(const char *id, struct ids members,
					     const Csi__V1__VolumeGroupSnapshot **ret)
{
	Csi__V1__GetVolumeGroupSnapshotRequest request =
		CSI__V1__GET_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;
	const void *answer;

	request.group_snapshot_id = (char *)id;
	request.n_snapshot_ids = members.n;
	request.snapshot_ids = members.items;
	if (rig_ask(&rig, &csi__v1__group_controller__descriptor, "GetVolumeGroupSnapshot",
		    &request, &answer) < 0)
		return -1;
	*ret = ((const Csi__V1__GetVolumeGroupSnapshotResponse *)answer)->group_snapshot;
	return 0;
}

static __attribute__((unused)) int delete_group(const char *id, struct ids members)
{
	Csi__V1__DeleteVolumeGroupSnapshotRequest request =
		CSI__V1__DELETE_VOLUME_GROUP_SNAPSHOT_REQUEST__INIT;

	request.group_snapshot_id = (char *)id;
	request.n_snapshot_ids = members.n;
	request.snapshot_ids = members.items;
	return rig_ask(&rig, &csi__v1__group_controller__descriptor, "DeleteVolumeGroupSnapshot",
		       &request, NULL);
}

static __attribute__((unused)) size_t count_snapshots(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;

	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	return list ? list->n_entries : 0;
}

/* What backend `file` has on its disk under the pool's folder `kind`, so that hidden ones count. */
static __attribute__((unused)) size_t count_entries(const char *kind)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *path = fl_arena_printf(arena, "%s/near/%s", rig.folder, kind);
	DIR *folder = opendir(path);
	size_t n = 0;

	OK(folder != NULL, "%s", path);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		n += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	return n;
}

/* No snapshot, no copy, no record, no VM that stands still. */
static __attribute__((unused)) void nothing_is_left(void)
{
	EQUAL(count_entries("snapshots"), 0);
	EQUAL(count_entries("tmp"), 0);
	EQUAL(count_entries("trash"), 0);
	EQUAL(count_entries("records"), 0);
	EQUAL(peer_look(&peer).n_stands, 0);
	EQUAL(peer_look(&peer).n_jobs, 0);
}

static void group_rig_open(void)
{
	const char *place = getenv("TMPDIR");

	rig_open_in(&rig, place && *place ? place : "/tmp");
	peer_open(&peer, rig.disks);
	copies = (fl_pools_get(rig.pools, "near")->flags & FL_BACKEND_COPIES) != 0;
	printf("# the pools %s\n", copies ? "copy" : "cut");
}

static void group_rig_close(void)
{
	peer_close(&peer, rig.disks);
	rig_close(&rig);
}
