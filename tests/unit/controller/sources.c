/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and clones that are asked for again when what they were made from is gone. */
#include <fcntl.h>

#include "asks.h"

static struct rig rig;

static void make(const char *name)
{
	WORKS(ask_create(&rig, (struct ask_create){ .name = name, .required = 1 << 20 }, NULL));
}

static void what_was_made_is_found_when_its_source_is_gone(void)
{
	const Csi__V1__Volume *restored = NULL, *cloned = NULL;
	const Csi__V1__Snapshot *snapshot = NULL;
	const struct ask_create restore = { .name = "g2", .snapshot = "near/n1/gsnap" };
	const struct ask_create clone = { .name = "g3", .volume = "near/n1/g1" };

	make("g1");
	WORKS(ask_snapshot(&rig, "gsnap", "near/n1/g1", NULL));
	WORKS(ask_create(&rig, restore, NULL));
	WORKS(ask_create(&rig, clone, NULL));
	WORKS(ask_delete(&rig, "near/n1/g1"));
	WORKS(ask_snapshot(&rig, "gsnap", "near/n1/g1", &snapshot));
	OK(snapshot->ready_to_use);
	WORKS(ask_create(&rig, clone, &cloned));
	EQUAL(cloned->capacity_bytes, 1 << 20);
	WORKS(ask_delete_snapshot(&rig, "near/n1/gsnap"));
	WORKS(ask_create(&rig, restore, &restored));
	SAME(restored->content_source->snapshot->snapshot_id, "near/n1/gsnap");
	FAILS(ask_create(&rig, (struct ask_create){ .name = "g4", .volume = "near/n1/g1" }, NULL),
	      FL_NOT_FOUND);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "g4", .snapshot = "near/n1/gsnap" },
			 NULL),
	      FL_NOT_FOUND);
	FAILS(ask_snapshot(&rig, "gsnap", "near/n1/g1", NULL), FL_NOT_FOUND);
	WORKS(ask_delete(&rig, "near/n1/g2"));
	WORKS(ask_delete(&rig, "near/n1/g3"));
}

/* Another process that is at the clone, as one that expands it. */
static int lock_the_pool(int *ret_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*ret_fd = open(fl_arena_printf(rig.arena, "%s/near/lock", rig.folder), O_RDWR | O_CLOEXEC);
	return *ret_fd < 0 ? -1 : fcntl(*ret_fd, F_OFD_SETLK, &lock);
}

static void what_cannot_be_looked_at_is_not_said_to_be_missing(void)
{
	const struct ask_create clone = { .name = "h2", .volume = "near/n1/h1" };
	fl_cleanup(fl_close) int fd = -1;

	make("h1");
	WORKS(ask_create(&rig, clone, NULL));
	WORKS(ask_delete(&rig, "near/n1/h1"));
	OK(lock_the_pool(&fd) == 0);
	FAILS(ask_create(&rig, clone, NULL), FL_BUSY);
	fl_close(&fd);
	WORKS(ask_create(&rig, clone, NULL));
	FAILS(ask_create(&rig, (struct ask_create){ .name = "h2", .volume = "near/n1/h3" }, NULL),
	      FL_EXISTS);
	WORKS(ask_delete(&rig, "near/n1/h2"));
}

static const struct test tests[] = {
	{ "what was made is found when its source is gone",
	  what_was_made_is_found_when_its_source_is_gone },
	{ "what cannot be looked at is not said to be missing",
	  what_cannot_be_looked_at_is_not_said_to_be_missing },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
