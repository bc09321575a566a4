/* SPDX-License-Identifier: Apache-2.0 */
/* How new limits of a volume come to the launcher that has it, which this test plays. */
#include <poll.h>

#include "base/clock.h"
#include "base/json.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use web1 = { .vm = "web1" };

static const char *volume_for(const char *name)
{
	const char *id = rig_volume(&rig, name, 8 * MIB);

	WORKS(rig_stage(&rig, id, &web1, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	return id;
}

static void take_away(const char *id)
{
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	OK(rig_is_clean(&rig));
}

/* The connection of a launcher that has got the volume. */
static int launcher_plug(const char *id, struct fl_channel_message *ret_disk)
{
	int fd = rig_launcher(&rig, "web1");
	json_t *params =
		json_pack("{s:s, s:s}", "volume", id, "token", rig_token(&rig, rig.target));

	WORKS(rig_ask(&rig, fd, "attach", params, ret_disk, &test_error));
	return fd;
}

static struct fl_op soon(void)
{
	return (struct fl_op){ .id = "test",
			       .deadline = fl_clock_after_ms(20000),
			       .arena = rig.arena };
}

/* Asks that the volume's limits are told, and does not wait for the answer. */
static void limits_begin(int fd, const char *id)
{
	fl_cleanup(fl_json_release) json_t *request = json_pack(
		"{s:i, s:s, s:{s:s}}", "id", 1, "method", "limits", "params", "volume", id);
	struct fl_op op = soon();

	WORKS(fl_channel_send(&op, fd, request, NULL, 0, &test_error));
}

/* The answer: "" for success, else the error's code. */
static const char *limits_end(int fd)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	struct fl_op op = soon();
	const char *code;

	WORKS(fl_channel_receive(&op, fd, &answer, &test_error));
	code = json_string_value(json_object_get(json_object_get(answer.json, "error"), "code"));
	return code ? fl_arena_strdup(rig.arena, code) : "";
}

/* The launcher's next request, which is about limits: iops of it. */
static json_int_t limits_come(int launcher, struct fl_channel_message *ret)
{
	struct fl_op op = soon();
	const json_t *params;

	WORKS(fl_channel_receive(&op, launcher, ret, &test_error));
	SAME(json_string_value(json_object_get(ret->json, "method")), "limits");
	params = json_object_get(ret->json, "params");
	return json_integer_value(json_object_get(json_object_get(params, "limits"), "iops"));
}

static void limits_answer(int launcher, struct fl_channel_message *request, const char *text)
{
	fl_cleanup(fl_json_release) json_t *answer = json_loads(text, 0, NULL);
	struct fl_op op = soon();

	json_object_set(answer, "id", json_object_get(request->json, "id"));
	WORKS(fl_channel_send(&op, launcher, answer, NULL, 0, &test_error));
	fl_channel_message_release(request);
}

static bool hears_nothing(int launcher)
{
	struct pollfd ready = { .fd = launcher, .events = POLLIN };

	return poll(&ready, 1, 0) == 0;
}

/* Whether the launcher is asked before `admin` gets its answer. */
static bool asks_again(int launcher, int admin)
{
	struct pollfd ready[] = { { .fd = launcher, .events = POLLIN },
				  { .fd = admin, .events = POLLIN } };

	OK(poll(ready, FL_COUNT(ready), 20000) > 0);
	return ready[0].revents != 0;
}

static void a_launcher_that_is_busy_is_told_a_moment_later(void)
{
	static const char busy[] = "{\"error\": {\"code\": \"BUSY\", \"text\": \"resize\"}}";
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, request;
	const char *id = volume_for("limited");
	int launcher = launcher_plug(id, &disk);

	rig_set_record(&rig, id, "limits", "{\"iops\": 500}");
	limits_begin(admin, id);
	EQUAL(limits_come(launcher, &request), 500);
	limits_answer(launcher, &request, busy);
	EQUAL(limits_come(launcher, &request), 500);
	limits_answer(launcher, &request, "{\"result\": {}}");
	SAME(limits_end(admin), "");

	limits_begin(admin, id);
	while (asks_again(launcher, admin)) {
		limits_come(launcher, &request);
		limits_answer(launcher, &request, busy);
	}
	SAME(limits_end(admin), "BUSY");
	fl_channel_message_release(&disk);
	fl_close(&launcher);
	take_away(id);
}

/* Two threads of the service that both have read the record and then tell it could do that in the
 * wrong order. */
static void of_two_changes_the_later_one_is_told_last(void)
{
	fl_cleanup(fl_close) int first = rig_launcher(&rig, NULL);
	fl_cleanup(fl_close) int second = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, request, later;
	const char *id = volume_for("twice");
	int launcher = launcher_plug(id, &disk);

	rig_set_record(&rig, id, "limits", "{\"iops\": 500}");
	limits_begin(first, id);
	EQUAL(limits_come(launcher, &request), 500);
	rig_set_record(&rig, id, "limits", "{\"iops\": 700}");
	limits_begin(second, id);
	SAME(limits_end(second), "BUSY");
	OK(hears_nothing(launcher));
	limits_answer(launcher, &request, "{\"result\": {}}");
	SAME(limits_end(first), "");
	limits_begin(second, id);
	EQUAL(limits_come(launcher, &later), 700);
	limits_answer(launcher, &later, "{\"result\": {}}");
	SAME(limits_end(second), "");
	fl_channel_message_release(&disk);
	fl_close(&launcher);
	take_away(id);
}

static void who_does_not_have_the_volume_is_not_told(void)
{
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	fl_cleanup(fl_close) int launcher = rig_launcher(&rig, "web1");
	const char *id = volume_for("unplugged");

	rig_set_record(&rig, id, "limits", "{\"iops\": 500}");
	limits_begin(admin, id);
	SAME(limits_end(admin), "");
	OK(hears_nothing(launcher));
	take_away(id);
	limits_begin(admin, id);
	SAME(limits_end(admin), "");
}

/* It may have read the record before it was changed: who asks has to come again. */
static void a_launcher_that_is_away_is_waited_for(void)
{
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, request;
	const char *id = volume_for("away");
	int launcher = launcher_plug(id, &disk);

	rig_set_record(&rig, id, "limits", "{\"iops\": 500}");
	fl_close(&launcher);
	fl_clock_sleep_ms(100);
	limits_begin(admin, id);
	SAME(limits_end(admin), "UNAVAILABLE");
	launcher = rig_launcher(&rig, "web1");
	limits_begin(admin, id);
	EQUAL(limits_come(launcher, &request), 500);
	limits_answer(launcher, &request, "{\"result\": {}}");
	SAME(limits_end(admin), "");
	fl_channel_message_release(&disk);
	fl_close(&launcher);
	take_away(id);
}

static const struct test tests[] = {
	{ "a launcher that is busy is told a moment later",
	  a_launcher_that_is_busy_is_told_a_moment_later },
	{ "of two changes the later one is told last", of_two_changes_the_later_one_is_told_last },
	{ "who does not have the volume is not told", who_does_not_have_the_volume_is_not_told },
	{ "a launcher that is away is waited for", a_launcher_that_is_away_is_waited_for },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
