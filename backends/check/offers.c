/* SPDX-License-Identifier: Apache-2.0 */
#include "offers.h"

/* What the pool may offer, in the order of a summary.  A statement is about the first of its needs
 * that is here. */
struct offer {
	unsigned need;
	const char *capability; /* NULL: of the source, and no capability */
	const char *lack;       /* a phrase */
};
static const struct offer offers[] = {
	{ NEEDS_COPIES, "copies", "the backend has no copies" },
	{ NEEDS_CHANGES, "changes", "the backend has no changes" },
	{ NEEDS_HEALTH, "health", "the backend has no health" },
	{ NEEDS_POOL_RECORDS, "pool_records", "the backend has no records of the pool" },
	{ NEEDS_RESIZE, "resize", "the backend has no resize" },
	{ NEEDS_CAPACITY, "capacity", "the backend has no capacity" },
	{ NEEDS_CLONES, "clones", "the pool does not clone volumes" },
	{ NEEDS_SNAPSHOTS, "snapshots", "the backend has no snapshots" },
	{ NEEDS_RECORDS, "records", "the backend has no records" },
	{ NEEDS_BYTES, NULL, "the source cannot be opened as a path" },
	{ NEEDS_FILES, NULL, "the source is no file" },
};
#define OFFERS_VOLUMES "volumes" /* what is required of all */

unsigned offers_of(const struct check *c)
{
	const struct fl_backend *backend = c->plan->backend;
	const struct {
		unsigned need;
		bool there;
	} has[] = {
		{ NEEDS_RESIZE, backend->resize },
		{ NEEDS_CAPACITY, backend->capacity },
		{ NEEDS_SNAPSHOTS, backend->snapshots },
		{ NEEDS_RECORDS, backend->records },
		{ NEEDS_COPIES, backend->copies },
		{ NEEDS_POOL_RECORDS, backend->pool_records },
		{ NEEDS_CHANGES, backend->changes },
		{ NEEDS_HEALTH, backend->health },
		{ NEEDS_CLONES, c->pool->flags & FL_BACKEND_CLONES },
		{ NEEDS_BYTES, c->has_bytes },
		{ NEEDS_FILES, c->is_file },
	};
	unsigned offered = 0;

	for (size_t i = 0; i < FL_COUNT(has); i++)
		offered |= has[i].there ? has[i].need : 0;
	return offered;
}

const char *offers_lack(unsigned offered, unsigned needs)
{
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if (needs & ~offered & offers[i].need)
			return offers[i].lack;
	return NULL;
}

const char *offers_capability(unsigned needs)
{
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if ((needs & offers[i].need) && offers[i].capability)
			return offers[i].capability;
	return OFFERS_VOLUMES;
}

void offers_tell(const struct backend_check_plan *plan, unsigned offered)
{
	plan->offer(plan->cookie, OFFERS_VOLUMES, true);
	for (size_t i = 0; i < FL_COUNT(offers); i++)
		if (offers[i].capability)
			plan->offer(plan->cookie, offers[i].capability, offered & offers[i].need);
}
