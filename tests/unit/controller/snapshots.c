/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and clones of idle volumes, in pools that copy and in pools that cut: which of both the
 * pools here are depends on the file system under /tmp. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "asks.h"
#include "controller/keeper.h"
#include "controller/owner.h"
#include "controller/still.h"

static struct rig rig;

static int image_open(const char *kind, const char *name, int flags)
{
	const char *path =
		fl_arena_printf(rig.arena, "%s/near/%s/%s/image", rig.folder, kind, name);

	return open(path, flags | O_CLOEXEC);
}

static void image_write(const char *name, off_t at, const char *text)
{
	fl_cleanup(fl_close) int fd = image_open("volumes", name, O_WRONLY);

	OK(fd >= 0, "opening the image of %s", name);
	EQUAL(pwrite(fd, text, strlen(text), at), strlen(text));
}

static const char *image_read(const char *kind, const char *name, off_t at)
{
	fl_cleanup(fl_close) int fd = image_open(kind, name, O_RDONLY);
	char *text = fl_arena_alloc(rig.arena, 8);

	OK(fd >= 0, "opening the image of %s", name);
	EQUAL(pread(fd, text, 4, at), 4);
	return text;
}

static void make(const char *name, int64_t bytes)
{
	WORKS(ask_create(&rig, (struct ask_create){ .name = name, .required = bytes }, NULL));
}

static bool pool_copies(void)
{
	return (fl_pools_get(rig.pools, "near")->flags & FL_BACKEND_COPIES) != 0;
}

static void a_snapshot_keeps_what_was_there(void)
{
	const Csi__V1__Snapshot *first = NULL, *again = NULL;
	const Csi__V1__Volume *clone = NULL;

	make("s1", 8 << 20);
	image_write("s1", 1 << 20, "then");
	WORKS(ask_snapshot(&rig, "snap1", "near/n1/s1", &first));
	image_write("s1", 1 << 20, "now!");
	SAME(first->snapshot_id, "near/n1/snap1");
	SAME(first->source_volume_id, "near/n1/s1");
	OK(first->ready_to_use);
	OK(first->creation_time && first->creation_time->seconds > 1700000000);
	EQUAL(first->size_bytes, 8 << 20);
	WORKS(ask_snapshot(&rig, "snap1", "near/n1/s1", &again));
	EQUAL(again->creation_time->nanos, first->creation_time->nanos);
	WORKS(ask_create(&rig, (struct ask_create){ .name = "r1", .snapshot = "near/n1/snap1" },
			 &clone));
	EQUAL(clone->capacity_bytes, 8 << 20);
	SAME(clone->content_source->snapshot->snapshot_id, "near/n1/snap1");
	SAME(image_read("volumes", "r1", 1 << 20), "then");
	SAME(image_read("volumes", "s1", 1 << 20), "now!");
}

static void sizes_follow_the_source(void)
{
	const Csi__V1__Volume *grown = NULL;

	FAILS(ask_create(&rig,
			 (struct ask_create){
				 .name = "r2", .snapshot = "near/n1/snap1", .limit = 4 << 20 },
			 NULL),
	      FL_OUT_OF_RANGE);
	WORKS(ask_create(&rig,
			 (struct ask_create){
				 .name = "r2", .snapshot = "near/n1/snap1", .required = 16 << 20 },
			 &grown));
	EQUAL(grown->capacity_bytes, 16 << 20);
	WORKS(ask_delete(&rig, "near/n1/r2"));
}

static void names_are_one_per_source(void)
{
	make("s2", 1 << 20);
	FAILS(ask_snapshot(&rig, "snap1", "near/n1/s2", NULL), FL_EXISTS);
	FAILS(ask_snapshot(&rig, "", "near/n1/s2", NULL), FL_INVALID);
	FAILS(ask_snapshot(&rig, "x", "", NULL), FL_INVALID);
	FAILS(ask_snapshot(&rig, "x", "near/n1/none", NULL), FL_NOT_FOUND);
	WORKS(ask_delete(&rig, "near/n1/s2"));
}

static void a_clone_is_a_volume_of_its_own(void)
{
	const Csi__V1__Volume *clone = NULL;

	make("c1", 4 << 20);
	image_write("c1", 4096, "mine");
	WORKS(ask_create(&rig, (struct ask_create){ .name = "c2", .volume = "near/n1/c1" },
			 &clone));
	SAME(clone->content_source->volume->volume_id, "near/n1/c1");
	WORKS(ask_create(&rig, (struct ask_create){ .name = "c2", .volume = "near/n1/c1" },
			 &clone));
	image_write("c1", 4096, "your");
	SAME(image_read("volumes", "c2", 4096), "mine");
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "near/n1/c1", .node = "n1" }, NULL));
	WORKS(ask_unpublish(&rig, "near/n1/c1", "n1"));
	WORKS(ask_delete(&rig, "near/n1/c1"));
	SAME(image_read("volumes", "c2", 4096), "mine");
	WORKS(ask_delete(&rig, "near/n1/c2"));
}

static void deleting_a_snapshot_twice_succeeds(void)
{
	FAILS(ask_delete_snapshot(&rig, ""), FL_INVALID);
	WORKS(ask_delete_snapshot(&rig, "reallyfakesnapshotid"));
	WORKS(ask_delete_snapshot(&rig, "near/n1/snap1"));
	WORKS(ask_delete_snapshot(&rig, "near/n1/snap1"));
	WORKS(ask_delete(&rig, "near/n1/r1"));
	WORKS(ask_delete(&rig, "near/n1/s1"));
}

static void an_attached_volume_is_copied_by_nobody(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;

	if (!pool_copies())
		SKIP("the pool cuts");
	make("a1", 1 << 20);
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "near/n1/a1", .node = "n1" }, NULL));
	/* No node service is here to say whether a launcher has it. */
	FAILS(ask_snapshot(&rig, "a1snap", "near/n1/a1", NULL), FL_UNAVAILABLE);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "a2", .volume = "near/n1/a1" }, NULL),
	      FL_UNAVAILABLE);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_unpublish(&rig, "near/n1/a1", "n1"));
	WORKS(ask_snapshot(&rig, "a1snap", "near/n1/a1", NULL));
	WORKS(ask_delete_snapshot(&rig, "near/n1/a1snap"));
	WORKS(ask_delete(&rig, "near/n1/a1"));
}

static void a_held_volume_waits_for_its_holder(void)
{
	struct keeper keeper = { 0 };
	struct object volume;

	if (!pool_copies())
		SKIP("the pool cuts");
	make("h1", 1 << 20);
	volume = rig_object(&rig, "near/n1/h1");
	WORKS(keeper_take(&keeper, &rig.op, &volume, "CreateSnapshot of another controller",
			  &test_error));
	FAILS(ask_snapshot(&rig, "h1snap", "near/n1/h1", NULL), FL_BUSY);
	FAILS(ask_publish(&rig, (struct ask_publish){ .id = "near/n1/h1", .node = "n1" }, NULL),
	      FL_BUSY);
	FAILS(ask_delete(&rig, "near/n1/h1"), FL_BUSY);
	keeper_release(&keeper);
	WORKS(ask_snapshot(&rig, "h1snap", "near/n1/h1", NULL));
	WORKS(ask_delete_snapshot(&rig, "near/n1/h1snap"));
	WORKS(ask_delete(&rig, "near/n1/h1"));
}

/* Whether somebody has a lease on the file: that is, copies it now. */
static bool has_lease(const char *path)
{
	fl_cleanup(fl_fclose) FILE *locks = fopen("/proc/locks", "re");
	struct stat st;
	char line[256], inode[32];

	if (!locks || stat(path, &st) < 0)
		return false;
	snprintf(inode, sizeof(inode), ":%ju 0 EOF", (uintmax_t)st.st_ino);
	while (fgets(line, sizeof(line), locks))
		if (strstr(line, "LEASE") && strstr(line, inode))
			return true;
	return false;
}

/* Another controller that takes the hold for dead, while this one copies: NULL when it may have
 * come after the proof. */
static void *break_the_hold(void *cookie)
{
	const struct object *volume = cookie;
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *path = fl_arena_printf(arena, "%s/near/volumes/b1/image", rig.folder);
	const struct fl_op op = { "rival", fl_clock_after_ms(30000), arena, NULL };
	static const char taken[] =
		"{\"epoch\": 7, \"state\": \"owned\", \"attachments\": [{\"node\": \"n1\", "
		"\"mode\": \"SINGLE_NODE_WRITER\", \"block\": true}]}";

	for (unsigned i = 0; i < 100000; i++) {
		struct fl_record record;
		struct fl_error err;
		uint64_t version;
		if (fl_volume_record_get(volume->pool, &op, volume->handle, FL_RECORD_OWNER,
					 &record, &err) < 0)
			return NULL;
		if (!strstr(record.value, "held") || !has_lease(path))
			continue;
		if (fl_volume_record_set(volume->pool, &op, volume->handle, FL_RECORD_OWNER,
					 record.version, taken, &version, &err) == 0)
			return has_lease(path) ? cookie : NULL;
	}
	return NULL;
}

static void a_copy_whose_hold_was_broken_is_thrown_away(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	struct object volume;
	pthread_t rival;
	void *broke;
	int status;

	if (!pool_copies())
		SKIP("the pool cuts");
	make("b1", 64 << 20);
	for (off_t at = 0; at < 64 << 20; at += 4096)
		image_write("b1", at, "data");
	volume = rig_object(&rig, "near/n1/b1");
	pthread_create(&rival, NULL, break_the_hold, &volume);
	status = ask_snapshot(&rig, "b1snap", "near/n1/b1", NULL);
	pthread_join(rival, &broke);
	if (!broke)
		SKIP("the rival came too late");
	EQUAL(status, -1);
	EQUAL(test_error.code, FL_BUSY);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = "near/n1/b1" }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_unpublish(&rig, "near/n1/b1", "n1"));
	WORKS(ask_snapshot(&rig, "b1snap", "near/n1/b1", NULL));
	WORKS(ask_delete_snapshot(&rig, "near/n1/b1snap"));
	WORKS(ask_delete(&rig, "near/n1/b1"));
}

/* Whoever it is that can write, and whatever the record says. */
static void an_image_that_somebody_can_write_is_not_copied(void)
{
	fl_cleanup(fl_close) int stranger = -1;
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	const Csi__V1__Snapshot *snapshot = NULL;

	if (!pool_copies())
		SKIP("the pool cuts");
	make("w1", 1 << 20);
	stranger = image_open("volumes", "w1", O_RDWR);
	FAILS(ask_snapshot(&rig, "w1snap", "near/n1/w1", NULL), FL_IN_USE);
	OK(strstr(test_error.text, "fuser"), "%s", test_error.text);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "w2", .volume = "near/n1/w1" }, NULL),
	      FL_IN_USE);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 0);
	fl_close(&stranger);
	stranger = image_open("volumes", "w1", O_RDONLY);
	WORKS(ask_snapshot(&rig, "w1snap", "near/n1/w1", &snapshot));
	OK(snapshot->ready_to_use, "a reader is in nobody's way");
	fl_close(&stranger);
	WORKS(ask_delete_snapshot(&rig, "near/n1/w1snap"));
	WORKS(ask_delete(&rig, "near/n1/w1"));
}

static void a_writer_who_comes_while_it_is_read_is_seen(void)
{
	const char *path = fl_arena_printf(rig.arena, "%s/near/volumes/w3/image", rig.folder);
	const struct object volume = { .id = "near/n1/w3" };
	fl_cleanup(fl_close) int stranger = -1;
	fl_cleanup(still_release) struct still still = STILL_NONE;

	make("w3", 1 << 20);
	WORKS(still_open(&volume, path, &still, &test_error));
	stranger = image_open("volumes", "w3", O_RDONLY);
	OK(stranger >= 0, "a reader does not wait");
	WORKS(still_prove(&still, &volume, &test_error));
	EQUAL(image_open("volumes", "w3", O_RDWR | O_NONBLOCK), -1);
	FAILS(still_prove(&still, &volume, &test_error), FL_BUSY);
	still_release(&still);
	fl_close(&stranger);
	WORKS(ask_delete(&rig, "near/n1/w3"));
}

/* A stranger who does not ask us: opens the image for writing as soon as it is being copied. */
static void *write_into_the_copy(void *cookie)
{
	const char *path = cookie;

	for (unsigned i = 0; i < 100000; i++) {
		fl_cleanup(fl_close) int fd = -1;

		if (!has_lease(path))
			continue;
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || pwrite(fd, "torn", 4, (64 << 20) - 4096) != 4)
			abort();
		return cookie;
	}
	return NULL;
}

static void a_copy_that_somebody_wrote_into_is_thrown_away(void)
{
	char *path = fl_arena_printf(rig.arena, "%s/near/volumes/w4/image", rig.folder);
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	pthread_t rival;
	void *wrote;
	int status;

	if (!pool_copies())
		SKIP("the pool cuts");
	make("w4", 64 << 20);
	for (off_t at = 0; at < 64 << 20; at += 4096)
		image_write("w4", at, "data");
	pthread_create(&rival, NULL, write_into_the_copy, path);
	status = ask_snapshot(&rig, "w4snap", "near/n1/w4", NULL);
	pthread_join(rival, &wrote);
	if (!wrote)
		SKIP("the rival came too late");
	EQUAL(status, -1);
	EQUAL(test_error.code, FL_BUSY);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = "near/n1/w4" }, &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_snapshot(&rig, "w4snap", "near/n1/w4", NULL));
	SAME(image_read("snapshots", "w4snap", (64 << 20) - 4096), "torn");
	WORKS(ask_delete_snapshot(&rig, "near/n1/w4snap"));
	WORKS(ask_delete(&rig, "near/n1/w4"));
}

static const struct test tests[] = {
	{ "a snapshot keeps what was there", a_snapshot_keeps_what_was_there },
	{ "sizes follow the source", sizes_follow_the_source },
	{ "names are one per source", names_are_one_per_source },
	{ "a clone is a volume of its own", a_clone_is_a_volume_of_its_own },
	{ "deleting a snapshot twice succeeds", deleting_a_snapshot_twice_succeeds },
	{ "an attached volume is copied by nobody", an_attached_volume_is_copied_by_nobody },
	{ "a held volume waits for its holder", a_held_volume_waits_for_its_holder },
	{ "a copy whose hold was broken is thrown away",
	  a_copy_whose_hold_was_broken_is_thrown_away },
	{ "an image that somebody can write is not copied",
	  an_image_that_somebody_can_write_is_not_copied },
	{ "a writer who comes while it is read is seen",
	  a_writer_who_comes_while_it_is_read_is_seen },
	{ "a copy that somebody wrote into is thrown away",
	  a_copy_that_somebody_wrote_into_is_thrown_away },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
