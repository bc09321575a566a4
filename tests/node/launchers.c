/* SPDX-License-Identifier: Apache-2.0 */
/* The disk service between launchers and everybody else: requests that it passes on, with a
 * launcher that this test plays. */
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use web1 = { .vm = "web1" };

/* A launcher that answers one request with `result` and remembers what it was. */
struct launcher {
	int fd;
	const char *result;
	json_t *request;
	size_t n_fds;
	pthread_t thread;
};

static void *launcher_answer(void *cookie)
{
	struct launcher *launcher = cookie;
	fl_cleanup(fl_channel_message_release) struct fl_channel_message message = { 0 };
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { .id = "launcher",
			    .deadline = fl_clock_after_ms(20000),
			    .arena = arena };
	struct fl_error err;

	if (fl_channel_receive(&op, launcher->fd, &message, &err) < 0)
		return NULL;
	answer = json_loads(launcher->result, 0, NULL);
	json_object_set(answer, "id", json_object_get(message.json, "id"));
	launcher->request = json_incref(message.json);
	launcher->n_fds = message.n_fds;
	if (fl_channel_send(&op, launcher->fd, answer, NULL, 0, &err) < 0)
		return NULL;
	return NULL;
}

static struct launcher launcher_plug(const char *id, struct fl_channel_message *ret_disk)
{
	struct launcher launcher = { .fd = rig_launcher(&rig, "web1") };
	json_t *params =
		json_pack("{s:s, s:s}", "volume", id, "token", rig_token(&rig, rig.target));

	WORKS(rig_ask(&rig, launcher.fd, "attach", params, ret_disk, &test_error));
	return launcher;
}

/* Lets the launcher answer its next request with `result`. */
static void launcher_expect(struct launcher *launcher, const char *result)
{
	launcher->result = result;
	launcher->n_fds = 0;
	pthread_create(&launcher->thread, NULL, launcher_answer, launcher);
}

/* It was asked, and asked this. */
static void launcher_was_asked(struct launcher *launcher, const char *method)
{
	pthread_join(launcher->thread, NULL);
	SAME(json_string_value(json_object_get(launcher->request, "method")), method);
	fl_json_release(&launcher->request);
	launcher->request = NULL;
}

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

/* A request about copying; the target image is made. */
static int copy(int fd, const char *method, const char *id, struct fl_channel_message *ret)
{
	const char *path = fl_arena_printf(rig.arena, "%s/copy", rig.root);

	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return rig_ask(&rig, fd, method,
		       json_pack("{s:s, s:s, s:s}", "volume", id, "job", "j1", "path", path), ret,
		       &test_error);
}

static void growth_reaches_the_guest(void)
{
	struct fl_channel_message disk = { 0 };
	const char *id = volume_for("grow");
	struct launcher launcher;
	uint64_t bytes;

	/* Nobody has it plugged in: nobody has to be told. */
	rig_grow(&rig, id, 16 * MIB);
	WORKS(rig_expand(&rig, id, rig.target, 16 * MIB, &bytes, &test_error));
	EQUAL(bytes, 16 * MIB);

	launcher = launcher_plug(id, &disk);
	EQUAL(json_integer_value(json_object_get(disk.json, "size")), 16 * MIB);
	rig_grow(&rig, id, 32 * MIB);
	launcher_expect(&launcher, "{\"result\": {\"size\": 33554432}}");
	WORKS(rig_expand(&rig, id, rig.target, 32 * MIB, &bytes, &test_error));
	launcher_was_asked(&launcher, "resize");
	EQUAL(bytes, 32 * MIB);

	launcher_expect(&launcher, "{\"result\": {\"size\": 16777216}}");
	FAILS(rig_expand(&rig, id, rig.target, 0, &bytes, &test_error), FL_UNAVAILABLE);
	launcher_was_asked(&launcher, "resize");
	launcher_expect(&launcher, "{\"error\": {\"code\": \"BUSY\", \"text\": \"it sleeps\"}}");
	FAILS(rig_expand(&rig, id, rig.target, 0, &bytes, &test_error), FL_BUSY);
	launcher_was_asked(&launcher, "resize");

	fl_channel_message_release(&disk);
	fl_close(&launcher.fd);
	take_away(id);
}

static void copies_reach_the_launcher(void)
{
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, answer = { 0 };
	const char *id = volume_for("copy");
	struct launcher launcher;

	FAILS(copy(admin, "copy-start", id, &answer), FL_IN_USE);
	WORKS(copy(admin, "copy-status", id, &answer));
	SAME(json_string_value(json_object_get(answer.json, "state")), "unknown");
	fl_channel_message_release(&answer);
	WORKS(copy(admin, "copy-finish", id, &answer));
	fl_channel_message_release(&answer);

	launcher = launcher_plug(id, &disk);
	launcher_expect(&launcher, "{\"result\": {\"cut_ns\": 77}}");
	WORKS(copy(admin, "copy-start", id, &answer));
	launcher_was_asked(&launcher, "copy-start");
	EQUAL(json_integer_value(json_object_get(answer.json, "cut_ns")), 77);
	EQUAL(launcher.n_fds, 1);
	fl_channel_message_release(&answer);
	launcher_expect(&launcher, "{\"result\": {\"state\": \"running\"}}");
	WORKS(copy(admin, "copy-status", id, &answer));
	launcher_was_asked(&launcher, "copy-status");
	SAME(json_string_value(json_object_get(answer.json, "state")), "running");
	fl_channel_message_release(&answer);

	fl_channel_message_release(&disk);
	fl_close(&launcher.fd);
	take_away(id);
}

/* QEMU copies where SEEK_DATA finds data, and on ext4 that does not find what is only in memory in
 * a file without extents. */
static void what_is_copied_is_on_the_disk(void)
{
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, answer = { 0 };
	const char *id = volume_for("placed");
	fl_cleanup(fl_close) int image = open(rig_image(&rig, id), O_RDWR | O_CLOEXEC);
	struct launcher launcher = launcher_plug(id, &disk);
	int flags = 0;

	if (ioctl(image, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_EXTENT_FL)) {
		flags &= ~FS_EXTENT_FL;
		OK(ioctl(image, FS_IOC_SETFLAGS, &flags) == 0);
	}
	EQUAL(pwrite(image, "precious", 8, MIB), 8);
	launcher_expect(&launcher, "{\"result\": {\"cut_ns\": 77}}");
	WORKS(copy(admin, "copy-start", id, &answer));
	launcher_was_asked(&launcher, "copy-start");
	EQUAL(lseek(image, 0, SEEK_DATA), MIB);
	fl_channel_message_release(&answer);

	fl_channel_message_release(&disk);
	fl_close(&image);
	fl_close(&launcher.fd);
	take_away(id);
}

/* The launcher has died and its QEMU has not: whether the guest knows cannot be said. */
static void a_launcher_that_is_away_is_waited_for(void)
{
	fl_cleanup(fl_close) int admin = rig_launcher(&rig, NULL);
	struct fl_channel_message disk = { 0 }, answer = { 0 };
	const char *id = volume_for("away");
	struct launcher launcher = launcher_plug(id, &disk);
	uint64_t bytes;

	fl_close(&launcher.fd);
	fl_clock_sleep_ms(100);
	FAILS(rig_expand(&rig, id, rig.target, 0, &bytes, &test_error), FL_UNAVAILABLE);
	FAILS(copy(admin, "copy-status", id, &answer), FL_UNAVAILABLE);
	fl_channel_message_release(&disk);
	WORKS(rig_expand(&rig, id, rig.target, 0, &bytes, &test_error));
	take_away(id);
}

/* What the node says of the volume when its launcher answers `result`. */
static const char *health_when(struct launcher *launcher, const char *id, const char *result)
{
	const char *text = "";

	launcher_expect(launcher, result);
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	launcher_was_asked(launcher, "health");
	return text;
}

static void a_guest_that_stands_still_is_told(void)
{
	static const char *const silent[] = {
		"{\"result\": {\"state\": \"running\"}}",
		"{\"result\": {\"state\": \"io-error\"}}", /* because of another disk */
		"{\"result\": {\"state\": 7, \"error\": []}}",
		"{\"error\": {\"code\": \"BUSY\", \"text\": \"ask again\"}}",
		"{\"error\": {\"code\": \"NOT_FOUND\", \"text\": \"it has no such disk\"}}",
		"{\"error\": {\"code\": \"UNSUPPORTED\", \"text\": \"it knows no health\"}}",
	};
	struct fl_channel_message disk = { 0 };
	const char *id = volume_for("still"), *text = "";
	struct launcher launcher;

	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "");
	launcher = launcher_plug(id, &disk);
	for (size_t i = 0; i < FL_COUNT(silent); i++)
		SAME(health_when(&launcher, id, silent[i]), "");
	SAME(health_when(&launcher, id,
			 "{\"result\": {\"state\": \"io-error\", \"error\": \"failed\"}}"),
	     "2 GuestStopped");
	launcher_expect(&launcher, "{\"result\": {\"state\": \"io-error\", \"error\": \"full\"}}");
	WORKS(rig_condition(&rig, id, rig.target, &text, &test_error));
	launcher_was_asked(&launcher, "health");
	OK(strstr(text, "GuestStopped") && strstr(text, "VM web1") &&
		   strstr(text, "vm resume web1"),
	   "%s", text);

	fl_close(&launcher.fd);
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "1 LauncherUnreachable");
	fl_channel_message_release(&disk);
	WORKS(rig_health(&rig, id, rig.target, &text, &test_error));
	SAME(text, "");
	take_away(id);
}

static void a_new_launcher_takes_over(void)
{
	fl_cleanup(fl_close) int old = rig_launcher(&rig, "web1");
	fl_cleanup(fl_close) int young = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };
	struct fl_op op = { .id = "test", .deadline = fl_clock_after_ms(5000), .arena = rig.arena };

	FAILS(fl_channel_receive(&op, old, &answer, &test_error), FL_UNAVAILABLE);
	WORKS(rig_ask(&rig, young, "hello", json_pack("{s:s}", "vm", "web1"), &answer,
		      &test_error));
	fl_channel_message_release(&answer);
}

static void a_crowd_is_turned_away(void)
{
	int fds[600];
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	size_t refused = 0;

	for (size_t i = 0; i < FL_COUNT(fds); i++)
		fds[i] = rig_launcher(&rig, NULL);
	fl_clock_sleep_ms(200);
	for (size_t i = 0; i < FL_COUNT(fds); i++) {
		if (rig_ask(&rig, fds[i], "where", json_pack("{s:s}", "volume", "x"), &answer,
			    &test_error) < 0)
			refused++;
		fl_channel_message_release(&answer);
		memset(&answer, 0, sizeof(answer));
	}
	OK(refused >= 80 && refused < 200, "%zu of 600 refused", refused);
	for (size_t i = 0; i < FL_COUNT(fds); i++)
		fl_close(&fds[i]);
	fl_clock_sleep_ms(200);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, NULL);

	WORKS(rig_ask(&rig, fd, "where", json_pack("{s:s}", "volume", "x"), &answer, &test_error));
}

static const struct test tests[] = {
	{ "growth reaches the guest", growth_reaches_the_guest },
	{ "copies reach the launcher", copies_reach_the_launcher },
	{ "what is copied is on the disk", what_is_copied_is_on_the_disk },
	{ "a launcher that is away is waited for", a_launcher_that_is_away_is_waited_for },
	{ "a guest that stands still is told", a_guest_that_stands_still_is_told },
	{ "a new launcher takes over", a_new_launcher_takes_over },
	{ "a crowd is turned away", a_crowd_is_turned_away },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
