/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and clones of volumes that a running guest has: the controller's side. */
#include "asks.h"
#include "peer.h"

static struct rig rig;
static struct peer peer;

static const struct peer_mood running = { .state = "vm", .plugged = true };

/* A volume that is published to this node for a VM, whose launcher has plugged it in. */
static const char *plugged(const char *name)
{
	const char *id = fl_arena_printf(rig.arena, "near/n1/%s", name);

	WORKS(ask_create(&rig, (struct ask_create){ .name = name, .required = 1 << 20 }, NULL));
	WORKS(ask_publish(&rig, (struct ask_publish){ .id = id, .node = "n1" }, NULL));
	peer_set(&peer, running);
	return id;
}

static void unplug(const char *state)
{
	peer_set(&peer, (struct peer_mood){ .state = state });
}

static void fail_copies(const char *failure)
{
	peer_set(&peer, (struct peer_mood){ .state = "vm", .plugged = true, .failure = failure });
}

static void finish_copies_after(unsigned polls)
{
	peer_set(&peer,
		 (struct peer_mood){ .state = "vm", .plugged = true, .polls_until_done = polls });
}

static void remove_volume(const char *id)
{
	unplug("absent");
	WORKS(ask_unpublish(&rig, id, "n1"));
	WORKS(ask_delete(&rig, id));
}

static const char *content(const char *kind, const char *name)
{
	const char *path =
		fl_arena_printf(rig.arena, "%s/near/%s/%s/image", rig.folder, kind, name);
	fl_cleanup(fl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fl_arena_alloc(rig.arena, 16);

	OK(fd >= 0 && pread(fd, text, 15, 0) > 0, "%s", path);
	return text;
}

static void a_snapshot_is_ready_when_qemu_is_done(void)
{
	const Csi__V1__Snapshot *first = NULL, *again = NULL;
	const char *id = plugged("q1");
	unsigned before = peer_look(&peer).n_started;

	WORKS(ask_snapshot(&rig, "q1s", id, &first));
	OK(!first->ready_to_use);
	WORKS(ask_snapshot(&rig, "q1s", id, &again));
	OK(!again->ready_to_use);
	EQUAL(again->creation_time->nanos, first->creation_time->nanos);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "early", .snapshot = "near/n1/q1s" },
			 NULL),
	      FL_UNAVAILABLE);
	EQUAL(peer_look(&peer).n_started - before, 1);
	peer_complete(&peer, "from the guest");
	WORKS(ask_snapshot(&rig, "q1s", id, &again));
	OK(again->ready_to_use);
	EQUAL(again->creation_time->nanos, first->creation_time->nanos);
	SAME(content("snapshots", "q1s"), "from the guest");
	SAME(peer_look(&peer).job, "");
	WORKS(ask_delete_snapshot(&rig, "near/n1/q1s"));
	remove_volume(id);
}

static void asking_for_it_in_the_list_completes_it(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	const char *id = plugged("q2");

	WORKS(ask_snapshot(&rig, "q2s", id, NULL));
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/q2s" }, &list));
	EQUAL(list->n_entries, 1);
	OK(!list->entries[0]->snapshot->ready_to_use);
	peer_complete(&peer, "listed");
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/q2s" }, &list));
	OK(list->entries[0]->snapshot->ready_to_use);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q2s"));
	remove_volume(id);
}

static void asking_for_it_alone_completes_it(void)
{
	const Csi__V1__Snapshot *snapshot = NULL;
	const char *id = plugged("q12");

	WORKS(ask_snapshot(&rig, "q12s", id, NULL));
	WORKS(ask_one_snapshot(&rig, "near/n1/q12s", &snapshot));
	OK(!snapshot->ready_to_use);
	peer_complete(&peer, "by get");
	WORKS(ask_one_snapshot(&rig, "near/n1/q12s", &snapshot));
	OK(snapshot->ready_to_use);
	SAME(content("snapshots", "q12s"), "by get");
	WORKS(ask_delete_snapshot(&rig, "near/n1/q12s"));
	remove_volume(id);
}

static void a_kernel_device_is_refused_with_the_way_out(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	static const char *const states[] = { "kernel", "staged", "absent", "vm" };
	const char *id = plugged("q3");

	for (size_t i = 0; i < FL_COUNT(states); i++) {
		unplug(states[i]);
		FAILS(ask_snapshot(&rig, "q3s", id, NULL), FL_IN_USE);
		OK(strstr(test_error.text, "detach it"), "%s", test_error.text);
		FAILS(ask_create(&rig, (struct ask_create){ .name = "q3c", .volume = id }, NULL),
		      FL_IN_USE);
	}
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ 0 }, &list));
	EQUAL(list->n_entries, 0);
	remove_volume(id);
}

static void a_copy_that_broke_says_so_until_it_is_deleted(void)
{
	const Csi__V1__ListSnapshotsResponse *list = NULL;
	const Csi__V1__Snapshot *snapshot = NULL;
	const char *id = plugged("q4");

	WORKS(ask_snapshot(&rig, "q4s", id, NULL));
	fail_copies("no space left on device");
	for (unsigned i = 0; i < 2; i++) {
		FAILS(ask_snapshot(&rig, "q4s", id, NULL), FL_INTERNAL);
		OK(strstr(test_error.text, "no space left") && strstr(test_error.text, "delete it"),
		   "%s", test_error.text);
	}
	FAILS(ask_snapshots(&rig, (struct ask_snapshots){ .id = "near/n1/q4s" }, &list),
	      FL_INTERNAL);
	FAILS(ask_one_snapshot(&rig, "near/n1/q4s", &snapshot), FL_INTERNAL);
	WORKS(ask_snapshots(&rig, (struct ask_snapshots){ .source = id }, &list));
	EQUAL(list->n_entries, 1);
	OK(!list->entries[0]->snapshot->ready_to_use);
	FAILS(ask_create(&rig, (struct ask_create){ .name = "q4c", .snapshot = "near/n1/q4s" },
			 NULL),
	      FL_INVALID);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q4s"));
	fail_copies(NULL);
	WORKS(ask_snapshot(&rig, "q4s", id, &snapshot));
	peer_complete(&peer, "second try");
	WORKS(ask_snapshot(&rig, "q4s", id, &snapshot));
	OK(snapshot->ready_to_use);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q4s"));
	remove_volume(id);
}

static void a_launcher_that_is_started_again_is_waited_for(void)
{
	const Csi__V1__Snapshot *snapshot = NULL;
	const char *id = plugged("q5");

	WORKS(ask_snapshot(&rig, "q5s", id, NULL));
	peer_set(&peer, (struct peer_mood){ .state = "vm", .plugged = true, .away = true });
	FAILS(ask_snapshot(&rig, "q5s", id, NULL), FL_UNAVAILABLE);
	peer_set(&peer, running);
	peer_complete(&peer, "found again");
	WORKS(ask_snapshot(&rig, "q5s", id, &snapshot));
	OK(snapshot->ready_to_use);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q5s"));
	remove_volume(id);
}

static void a_vm_that_ended_took_its_copy_with_it(void)
{
	const char *id = plugged("q6");

	WORKS(ask_snapshot(&rig, "q6s", id, NULL));
	peer_set(&peer, (struct peer_mood){ .state = "absent", .forgetful = true });
	FAILS(ask_snapshot(&rig, "q6s", id, NULL), FL_INTERNAL);
	WORKS(ask_unpublish(&rig, id, "n1"));
	/* Nor is it forgotten once the volume is idle. */
	FAILS(ask_snapshot(&rig, "q6s", id, NULL), FL_INTERNAL);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q6s"));
	WORKS(ask_snapshot(&rig, "q6s", id, NULL));
	WORKS(ask_delete_snapshot(&rig, "near/n1/q6s"));
	WORKS(ask_delete(&rig, id));
}

/* As when the controller is killed between QEMU's start and its note of it. */
static void a_start_that_nobody_noted_is_done_anew(void)
{
	const Csi__V1__Snapshot *snapshot = NULL;
	const char *id = plugged("q7");
	struct peer_news lost, again;

	peer_set(&peer, (struct peer_mood){ .state = "vm", .plugged = true, .loses_answer = true });
	FAILS(ask_snapshot(&rig, "q7s", id, NULL), FL_UNAVAILABLE);
	lost = peer_look(&peer);
	WORKS(ask_snapshot(&rig, "q7s", id, NULL));
	again = peer_look(&peer);
	EQUAL(again.n_started, lost.n_started + 1);
	OK(strcmp(lost.path, again.path) != 0, "the lost job's file is not used again");
	peer_complete(&peer, "the second");
	WORKS(ask_snapshot(&rig, "q7s", id, &snapshot));
	OK(snapshot->ready_to_use);
	SAME(content("snapshots", "q7s"), "the second");
	WORKS(ask_delete_snapshot(&rig, "near/n1/q7s"));
	remove_volume(id);
}

static void a_clone_waits_for_qemu(void)
{
	const Csi__V1__Volume *clone = NULL;
	const char *id = plugged("q8");

	finish_copies_after(2);
	WORKS(ask_create(&rig, (struct ask_create){ .name = "q8c", .volume = id }, &clone));
	SAME(content("volumes", "q8c"), "polled");
	WORKS(ask_delete(&rig, "near/n1/q8c"));
	fail_copies("input/output error");
	FAILS(ask_create(&rig, (struct ask_create){ .name = "q8d", .volume = id }, NULL), FL_BUSY);
	OK(strstr(test_error.text, "input/output error"), "%s", test_error.text);
	finish_copies_after(1);
	WORKS(ask_create(&rig, (struct ask_create){ .name = "q8d", .volume = id }, NULL));
	WORKS(ask_delete(&rig, "near/n1/q8d"));
	remove_volume(id);
}

/* As after a kill between the snapshot's end and QEMU's being told so: the job keeps the disk
 * in. */
static void a_job_that_was_left_over_is_ended_by_a_repeat(void)
{
	const Csi__V1__Snapshot *snapshot = NULL;
	const char *id = plugged("j1");
	char job[64];

	finish_copies_after(0);
	WORKS(ask_snapshot(&rig, "j1snap", id, &snapshot));
	snprintf(job, sizeof(job), "%s", peer_look(&peer).job);
	peer_complete(&peer, "whole");
	WORKS(ask_snapshot(&rig, "j1snap", id, &snapshot));
	OK(snapshot->ready_to_use);
	peer_leave_job(&peer, job);
	WORKS(ask_snapshot(&rig, "j1snap", id, &snapshot));
	SAME(peer_look(&peer).job, "");
	WORKS(ask_delete_snapshot(&rig, "near/n1/j1snap"));
	remove_volume(id);
}

static void deleting_an_unfinished_snapshot_ends_its_job(void)
{
	const char *id = plugged("q9");

	WORKS(ask_snapshot(&rig, "q9s", id, NULL));
	OK(peer_look(&peer).job[0]);
	WORKS(ask_delete_snapshot(&rig, "near/n1/q9s"));
	SAME(peer_look(&peer).job, "");
	remove_volume(id);
}

static void a_staged_volume_stays_attached(void)
{
	const char *id = plugged("q10");

	FAILS(ask_unpublish(&rig, id, "n1"), FL_IN_USE);
	OK(strstr(test_error.text, "VM web1"), "%s", test_error.text);
	FAILS(ask_unpublish(&rig, id, ""), FL_IN_USE);
	remove_volume(id);
}

/* NOT_FOUND of the disk service is not "the volume is gone", which would be success. */
static void a_service_that_misses_a_file_detaches_nothing(void)
{
	const char *id = plugged("q11");

	peer_set(&peer, (struct peer_mood){ .misses_file = true });
	FAILS(ask_unpublish(&rig, id, "n1"), FL_INTERNAL);
	OK(strstr(test_error.text, "disk service"), "%s", test_error.text);
	peer_set(&peer, running);
	FAILS(ask_unpublish(&rig, id, "n1"), FL_IN_USE);
	remove_volume(id);
}

static const struct test tests[] = {
	{ "a snapshot is ready when QEMU is done", a_snapshot_is_ready_when_qemu_is_done },
	{ "asking for it in the list completes it", asking_for_it_in_the_list_completes_it },
	{ "asking for it alone completes it", asking_for_it_alone_completes_it },
	{ "a kernel device is refused with the way out",
	  a_kernel_device_is_refused_with_the_way_out },
	{ "a copy that broke says so until it is deleted",
	  a_copy_that_broke_says_so_until_it_is_deleted },
	{ "a launcher that is started again is waited for",
	  a_launcher_that_is_started_again_is_waited_for },
	{ "a VM that ended took its copy with it", a_vm_that_ended_took_its_copy_with_it },
	{ "a start that nobody noted is done anew", a_start_that_nobody_noted_is_done_anew },
	{ "a clone waits for QEMU", a_clone_waits_for_qemu },
	{ "a job that was left over is ended by a repeat",
	  a_job_that_was_left_over_is_ended_by_a_repeat },
	{ "deleting an unfinished snapshot ends its job",
	  deleting_an_unfinished_snapshot_ends_its_job },
	{ "a staged volume stays attached", a_staged_volume_stays_attached },
	{ "a service that misses a file detaches nothing",
	  a_service_that_misses_a_file_detaches_nothing },
};

int main(int argc, char **argv)
{
	int status = 77;

	rig_open(&rig);
	peer_open(&peer, rig.disks);
	if (fl_pools_get(rig.pools, "near")->flags & FL_BACKEND_COPIES)
		status = test_run(tests, FL_COUNT(tests), argc, argv);
	else
		printf("1..0 # SKIP the file system under /tmp can cut, so nothing is copied\n");
	peer_close(&peer, rig.disks);
	rig_close(&rig);
	return status;
}
