/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with volumes, in the words of CSI 1.13 and of 1.12. */
#include <sys/stat.h>

#include "asks.h"

static struct rig rig;

#define EACH 4
/* A bad token is ABORTED on the wire, as what is busy. */
#define REFUSED FL_BUSY

static void fill(const char *pool)
{
	for (unsigned i = 0; i < EACH; i++) {
		const struct ask_create ask = { .name = fl_arena_printf(rig.arena, "h%u", i),
						.pool = pool,
						.required = 1 << 20 };
		WORKS(ask_create(&rig, ask, NULL));
	}
}

static const char *path_of(const char *pool, const char *name, const char *what)
{
	return fl_arena_printf(rig.arena, "%s/%s/volumes/%s/%s", rig.folder, pool, name, what);
}

/* Takes the image away; again: puts it back. */
static void hide(const char *pool, const char *name, bool back)
{
	const char *image = path_of(pool, name, "image");
	const char *aside = fl_arena_printf(rig.arena, "%s/%s-%s", rig.folder, pool, name);

	OK((back ? rename(aside, image) : rename(image, aside)) == 0);
}

static const Csi__V1__ListVolumesResponse__Entry *listed(const char *id)
{
	const Csi__V1__ListVolumesResponse *list = NULL;

	WORKS(ask_volumes(&rig, 0, "", &list));
	for (size_t i = 0; i < list->n_entries; i++)
		if (strcmp(list->entries[i]->volume->volume_id, id) == 0)
			return list->entries[i];
	OK(false, "%s is not listed", id);
	return NULL;
}

static void a_healthy_volume_has_nothing_to_say(void)
{
	const Csi__V1__ControllerListVolumeHealthResponse *list = NULL;
	const Csi__V1__ControllerGetVolumeResponse *volume = NULL;
	const Csi__V1__VolumeHealth *health = NULL;

	WORKS(ask_health(&rig, "near/n1/h1", &health));
	SAME(health->volume_id, "near/n1/h1");
	EQUAL(health->n_health_statuses, 0);
	WORKS(ask_sick(&rig, 0, "", &list));
	EQUAL(list->n_entries, 0);
	WORKS(ask_volume(&rig, "near/n1/h1", &volume));
	OK(volume->status->volume_condition && !volume->status->volume_condition->abnormal);
	OK(!listed("near/n1/h1")->status->volume_condition->abnormal);
}

static void a_lost_image_is_told_until_it_is_back(void)
{
	const Csi__V1__ControllerListVolumeHealthResponse *list = NULL;
	const Csi__V1__ControllerGetVolumeResponse *volume = NULL;
	const Csi__V1__VolumeHealth *health = NULL;
	const Csi__V1__VolumeCondition *condition;

	hide("near", "h1", false);
	WORKS(ask_health(&rig, "near/n1/h1", &health));
	EQUAL(health->n_health_statuses, 1);
	EQUAL(health->health_statuses[0]->status, CSI__V1__VOLUME_HEALTH_ERROR_TYPE__DATA_LOSS);
	SAME(health->health_statuses[0]->reason, "ImageMissing");
	OK(health->health_statuses[0]->message[0]);
	WORKS(ask_sick(&rig, 0, "", &list));
	EQUAL(list->n_entries, 1);
	SAME(list->entries[0]->volume_id, "near/n1/h1");
	WORKS(ask_volume(&rig, "near/n1/h1", &volume));
	condition = volume->status->volume_condition;
	OK(condition->abnormal && strstr(condition->message, "ImageMissing: "), "%s",
	   condition->message);
	condition = listed("near/n1/h1")->status->volume_condition;
	OK(condition->abnormal && strstr(condition->message, "ImageMissing: "), "%s",
	   condition->message);
	OK(!listed("near/n1/h2")->status->volume_condition->abnormal);
	hide("near", "h1", true);
	a_healthy_volume_has_nothing_to_say();
}

static void a_damaged_owner_hides_no_other(void)
{
	const char *path = path_of("near", "h2", FL_RECORD_OWNER);
	const Csi__V1__ControllerGetVolumeResponse *volume = NULL;
	struct stat st;

	WORKS(ask_publish(&rig, (struct ask_publish){ .id = "near/n1/h2", .node = "n1" }, NULL));
	EQUAL(listed("near/n1/h2")->status->n_published_node_ids, 1);
	OK(stat(path, &st) == 0 && truncate(path, st.st_size - 1) == 0);
	OK(listed("near/n1/h2")->status->volume_condition->abnormal);
	OK(!listed("near/n1/h3")->status->volume_condition->abnormal);
	WORKS(ask_volume(&rig, "near/n1/h2", &volume));
	OK(volume->status->volume_condition->abnormal);
	EQUAL(volume->status->n_published_node_ids, 0);
	EQUAL(volume->volume->capacity_bytes, 1 << 20);
	OK(unlink(path) == 0);
	OK(!listed("near/n1/h2")->status->volume_condition->abnormal);
}

static void pages_hold_every_sick_one_once(void)
{
	const Csi__V1__ControllerListVolumeHealthResponse *page = NULL;
	const char *token;
	char *seen;

	hide("near", "h0", false);
	hide("near", "h3", false);
	hide("far", "h2", false);
	for (int32_t max = 0; max < 5; max++) {
		token = seen = "";
		for (unsigned pages = 0; pages == 0 || (token[0] && pages < 9); pages++) {
			WORKS(ask_sick(&rig, max, token, &page));
			OK(max == 0 || page->n_entries <= (size_t)max);
			for (size_t i = 0; i < page->n_entries; i++)
				seen = fl_arena_printf(rig.arena, "%s %s", seen,
						       page->entries[i]->volume_id);
			token = page->next_token;
		}
		SAME(seen, " near/n1/h0 near/n1/h3 far/h2");
	}
	hide("near", "h0", true);
	hide("near", "h3", true);
	hide("far", "h2", true);
}

static void tokens_that_are_not_ours_are_refused(void)
{
	const Csi__V1__ControllerListVolumeHealthResponse *list = NULL;
	const Csi__V1__ListVolumesResponse *volumes = NULL;

	FAILS(ask_sick(&rig, 0, "invalid-token", &list), REFUSED);
	FAILS(ask_sick(&rig, -1, "", &list), FL_INVALID);
	WORKS(ask_volumes(&rig, 1, "", &volumes));
	FAILS(ask_sick(&rig, 1, volumes->next_token, &list), REFUSED);
}

static void what_is_not_there_is_not_found(void)
{
	static const char *const ids[] = { "near/n1/none", "fake-vol-id", "gone/n1/h0" };
	const Csi__V1__VolumeHealth *health = NULL;

	for (size_t i = 0; i < FL_COUNT(ids); i++)
		FAILS(ask_health(&rig, ids[i], &health), FL_NOT_FOUND);
	FAILS(ask_health(&rig, "", &health), FL_INVALID);
}

/* A pool whose directory is gone says nothing about its volumes, and not that there are none. */
static void a_pool_that_is_gone_is_unavailable(void)
{
	const char *pool = fl_arena_printf(rig.arena, "%s/far", rig.folder);
	const char *aside = fl_arena_printf(rig.arena, "%s/aside", rig.folder);
	const Csi__V1__ControllerListVolumeHealthResponse *list = NULL;
	const Csi__V1__ListVolumesResponse *volumes = NULL;
	const Csi__V1__VolumeHealth *health = NULL;

	OK(rename(pool, aside) == 0);
	FAILS(ask_health(&rig, "far/h1", &health), FL_UNAVAILABLE);
	FAILS(ask_sick(&rig, 0, "", &list), FL_UNAVAILABLE);
	FAILS(ask_volumes(&rig, 0, "", &volumes), FL_UNAVAILABLE);
	WORKS(ask_health(&rig, "near/n1/h1", &health));
	OK(rename(aside, pool) == 0);
	WORKS(ask_health(&rig, "far/h1", &health));
	EQUAL(health->n_health_statuses, 0);
}

static const struct test tests[] = {
	{ "a healthy volume has nothing to say", a_healthy_volume_has_nothing_to_say },
	{ "a lost image is told until it is back", a_lost_image_is_told_until_it_is_back },
	{ "a damaged owner record hides no other volume", a_damaged_owner_hides_no_other },
	{ "pages hold every sick one once", pages_hold_every_sick_one_once },
	{ "tokens that are not ours are refused", tokens_that_are_not_ours_are_refused },
	{ "what is not there is not found", what_is_not_there_is_not_found },
	{ "a pool that is gone is unavailable", a_pool_that_is_gone_is_unavailable },
};

int main(int argc, char **argv)
{
	rig_open(&rig);
	fill("near");
	fill("far");
	int status = test_run(tests, FL_COUNT(tests), argc, argv);
	rig_close(&rig);
	return status;
}
