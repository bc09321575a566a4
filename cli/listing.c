/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#define LISTING_PAGE 500
#define LISTING_RESTARTS 5 /* of a listing whose token went stale between two pages */

struct listing {
	struct orchestrator *o;
	const char *source; /* of snapshots */
	void **items;
	size_t n, capacity;
};

static void listing_add(struct listing *l, void *item)
{
	l->items = fl_arena_grow(l->o->arena, l->items, l->n, &l->capacity, sizeof(*l->items));
	l->items[l->n++] = item;
}

/* One page of volumes from *token on; the next token, "" after the last page. */
static int listing_volumes_page(struct listing *l, const char **token, struct fl_error *err)
{
	Csi__V1__ListVolumesRequest request = CSI__V1__LIST_VOLUMES_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "ListVolumes", &request,
					  **token != 0 };
	const Csi__V1__ListVolumesResponse *answer;
	const void *reply;

	request.max_entries = LISTING_PAGE;
	request.starting_token = (char *)*token;
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++) {
		if (answer->entries[i]->volume)
			listing_add(l, answer->entries[i]);
	}
	*token = answer->next_token;
	return 0;
}

static int listing_snapshots_page(struct listing *l, const char **token, struct fl_error *err)
{
	Csi__V1__ListSnapshotsRequest request = CSI__V1__LIST_SNAPSHOTS_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor, "ListSnapshots",
					  &request, **token != 0 };
	const Csi__V1__ListSnapshotsResponse *answer;
	const void *reply;

	request.max_entries = LISTING_PAGE;
	request.starting_token = (char *)*token;
	request.source_volume_id = (char *)(l->source ? l->source : "");
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++) {
		if (answer->entries[i]->snapshot)
			listing_add(l, answer->entries[i]->snapshot);
	}
	*token = answer->next_token;
	return 0;
}

static int listing_health_page(struct listing *l, const char **token, struct fl_error *err)
{
	Csi__V1__ControllerListVolumeHealthRequest request =
		CSI__V1__CONTROLLER_LIST_VOLUME_HEALTH_REQUEST__INIT;
	struct orchestrator_call call = { &csi__v1__controller__descriptor,
					  "ControllerListVolumeHealth", &request, **token != 0 };
	const Csi__V1__ControllerListVolumeHealthResponse *answer;
	const void *reply;

	request.max_entries = LISTING_PAGE;
	request.starting_token = (char *)*token;
	if (orchestrator_call(l->o, &call, &reply, err) < 0)
		return -1;
	answer = reply;
	for (size_t i = 0; i < answer->n_entries; i++)
		listing_add(l, answer->entries[i]);
	*token = answer->next_token;
	return 0;
}

/* What there are lists of. */
struct listing_kind {
	int capability; /* of the controller */
	const char *refusal;
	int (*page)(struct listing *l, const char **token, struct fl_error *err);
};
static const struct listing_kind volumes_kind = {
	CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_VOLUMES,
	"the service cannot list volumes: give the whole id",
	listing_volumes_page,
};
static const struct listing_kind snapshots_kind = {
	CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_SNAPSHOTS,
	"the service cannot list snapshots: give the whole id",
	listing_snapshots_page,
};
static const struct listing_kind health_kind = {
	CSI__V1__CONTROLLER_SERVICE_CAPABILITY__RPC__TYPE__LIST_VOLUME_HEALTH,
	"the service does not tell which volumes are healthy",
	listing_health_page,
};

/* A token that is refused (the entry that it named is gone) starts the listing again. */
static int listing_run(struct listing *l, const struct listing_kind *kind, struct fl_error *err)
{
	const char *token = "";
	unsigned restarts = 0;

	if (!orchestrator_controller_can(l->o, kind->capability))
		return fl_error_set(err, FL_UNSUPPORTED, "%s", kind->refusal);
	for (;;) {
		if (kind->page(l, &token, err) == 0) {
			if (!*token)
				return 0;
			continue;
		}
		if (err->code != FL_BUSY || !*token || ++restarts > LISTING_RESTARTS)
			return -1;
		token = "";
		l->n = 0;
	}
}

int listing_volumes(struct orchestrator *o, struct volume_entries *ret, struct fl_error *err)
{
	struct listing l = { .o = o };

	if (listing_run(&l, &volumes_kind, err) < 0)
		return -1;
	ret->items = (const Csi__V1__ListVolumesResponse__Entry **)l.items;
	ret->n = l.n;
	return 0;
}

int listing_snapshots(struct orchestrator *o, const char *source, struct snapshot_entries *ret,
		      struct fl_error *err)
{
	struct listing l = { .o = o, .source = source };

	if (listing_run(&l, &snapshots_kind, err) < 0)
		return -1;
	ret->items = (const Csi__V1__Snapshot **)l.items;
	ret->n = l.n;
	return 0;
}

int listing_health(struct orchestrator *o, struct health_entries *ret, struct fl_error *err)
{
	struct listing l = { .o = o };

	if (listing_run(&l, &health_kind, err) < 0)
		return -1;
	ret->items = (const Csi__V1__VolumeHealth **)l.items;
	ret->n = l.n;
	return 0;
}
