/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes for VMs: disk passes and the disk service, with a launcher that this test plays. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "rig.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

static struct rig rig;
static const struct rig_use block;
static const struct rig_use web1 = { .vm = "web1" };
static const struct rig_use web2 = { .vm = "web2" };

static json_t *pass_params(const char *id, const char *token)
{
	return json_pack("{s:s, s:s}", "volume", id, "token", token);
}

static int attach(int fd, const char *id, const char *token, struct fl_channel_message *ret)
{
	return rig_ask(&rig, fd, "attach", pass_params(id, token), ret, &test_error);
}

static int release(int fd, const char *id, const char *token)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };

	return rig_ask(&rig, fd, "release", pass_params(id, token), &answer, &test_error);
}

/* What `where` says, as "STATE VM PLUGGED". */
static const char *where(const char *id)
{
	fl_cleanup(fl_channel_message_release) struct fl_channel_message answer = { 0 };
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, NULL);
	const char *state, *vm;

	WORKS(rig_ask(&rig, fd, "where", json_pack("{s:s}", "volume", id), &answer, &test_error));
	state = json_string_value(json_object_get(answer.json, "state"));
	vm = json_string_value(json_object_get(answer.json, "vm"));
	return fl_arena_printf(
		rig.arena, "%s%s%s%s", state ? state : "?", vm ? " " : "", vm ? vm : "",
		json_is_true(json_object_get(answer.json, "plugged")) ? " plugged" : "");
}

static const char *volume_for(const char *name, const struct rig_use *use)
{
	const char *id = rig_volume(&rig, name, 8 * MIB);

	WORKS(rig_stage(&rig, id, use, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, use, &test_error));
	return id;
}

static void take_away(const char *id)
{
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_unstage(&rig, id, &test_error));
	SAME(where(id), "absent");
	OK(rig_is_clean(&rig));
}

static void a_launcher_gets_the_disk(void)
{
	const char *id = volume_for("disk", &web1);
	const char *token = rig_token(&rig, rig.target);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };
	struct stat pass;

	OK(stat(rig.target, &pass) == 0 && (pass.st_mode & 07777) == 0600);
	OK(rig_loop(&rig, id) == NULL, "no kernel device");
	SAME(rig_format(&rig, id), "raw");
	SAME(where(id), "vm web1");
	WORKS(attach(fd, id, token, &answer));
	EQUAL(answer.n_fds, 2);
	EQUAL(json_integer_value(json_object_get(answer.json, "size")), 8 * MIB);
	SAME(json_string_value(json_object_get(answer.json, "kind")), "file");
	EQUAL(strlen(json_string_value(json_object_get(answer.json, "serial"))), 20);
	EQUAL(fcntl(answer.fds[0], F_GETFL) & O_ACCMODE, O_RDWR);
	EQUAL(fcntl(answer.fds[1], F_GETFL) & O_ACCMODE, O_RDONLY);
	OK(pwrite(answer.fds[0], "hello", 5, 0) == 5);
	SAME(where(id), "vm web1 plugged");

	FAILS(release(fd, id, token), FL_IN_USE);
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	OK(strstr(test_error.text, "web1"), "%s", test_error.text);
	OK(access(rig.target, F_OK) == 0, "the pass stays");
	fl_channel_message_release(&answer);
	WORKS(release(fd, id, token));
	WORKS(release(fd, id, token));
	take_away(id);
	FAILS(attach(fd, id, token, &answer), FL_DENIED);
}

static void a_loop_on_the_image_counts_as_open(void)
{
	const char *id = volume_for("looped", &web1);
	const char *loop;

	EQUAL(rig_run((const char *[]){ "losetup", "--find", rig_image(&rig, id), NULL }), 0);
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	loop = rig_loop(&rig, id);
	EQUAL(rig_run((const char *[]){ "losetup", "--detach", loop, NULL }), 0);
	take_away(id);
}

static void nobody_else_gets_it(void)
{
	const char *id = volume_for("mine", &web1);
	const char *token = rig_token(&rig, rig.target);
	const char *wrong = "0000000000000000000000000000000000000000000000000000000000000000";
	fl_cleanup(fl_close) int silent = rig_launcher(&rig, NULL);
	fl_cleanup(fl_close) int mine = rig_launcher(&rig, "web1");
	fl_cleanup(fl_close) int other = rig_launcher(&rig, "web2");
	struct fl_channel_message answer = { 0 };

	FAILS(attach(silent, id, token, &answer), FL_DENIED);
	FAILS(attach(other, id, token, &answer), FL_DENIED);
	FAILS(attach(mine, id, wrong, &answer), FL_DENIED);
	FAILS(attach(mine, id, "short", &answer), FL_DENIED);
	FAILS(attach(mine, "default/n1/other", token, &answer), FL_DENIED);
	FAILS(rig_ask(&rig, mine, "attach", json_object(), &answer, &test_error), FL_INVALID);
	FAILS(rig_ask(&rig, mine, "hello", json_pack("{s:s}", "vm", "web2"), &answer, &test_error),
	      FL_INVALID);
	FAILS(rig_ask(&rig, mine, "open-sesame", NULL, &answer, &test_error), FL_UNSUPPORTED);
	take_away(id);
}

static void a_reader_gets_no_writable_descriptor(void)
{
	struct rig_use use = { .vm = "web1", .read_only = true };
	const char *id = rig_volume(&rig, "reader", 8 * MIB);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };

	WORKS(rig_publish(&rig, id, rig.target, &use, &test_error));
	SAME(rig_format(&rig, id), "never");
	WORKS(attach(fd, id, rig_token(&rig, rig.target), &answer));
	EQUAL(answer.n_fds, 1);
	EQUAL(fcntl(answer.fds[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	OK(json_is_true(json_object_get(answer.json, "readonly")));
	FAILS(rig_publish(&rig, id, rig.other_target, &web1, &test_error), FL_IN_USE);
	fl_channel_message_release(&answer);
	take_away(id);
}

static void a_vm_and_the_kernel_exclude_each_other(void)
{
	struct rig_use ext4 = { .fs = "ext4" };
	const char *id = volume_for("exclusive", &web1);

	FAILS(rig_publish(&rig, id, rig.other_target, &block, &test_error), FL_IN_USE);
	FAILS(rig_publish(&rig, id, rig.other_target, &web2, &test_error), FL_IN_USE);
	FAILS(rig_stage(&rig, id, &ext4, &test_error), FL_EXISTS);
	FAILS(rig_unstage(&rig, id, &test_error), FL_IN_USE);
	OK(rig_loop(&rig, id) == NULL);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));

	WORKS(rig_publish(&rig, id, rig.target, &block, &test_error));
	SAME(where(id), "kernel");
	FAILS(rig_publish(&rig, id, rig.other_target, &web1, &test_error), FL_IN_USE);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	SAME(where(id), "staged");
	/* A device that nobody uses makes room. */
	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	OK(rig_loop(&rig, id) == NULL);
	take_away(id);

	FAILS(rig_publish(&rig, id, rig.target, &(struct rig_use){ .fs = "ext4", .vm = "web1" },
			  &test_error),
	      FL_INVALID);
	FAILS(rig_publish(&rig, id, rig.target, &(struct rig_use){ .vm = "../etc" }, &test_error),
	      FL_INVALID);
}

static void two_paths_share_a_pass(void)
{
	struct rig_use single = { .vm = "web1", .mode = 6 };
	const char *id = volume_for("paths", &web1);
	const char *token = rig_token(&rig, rig.target);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };

	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	SAME(rig_token(&rig, rig.target), token);
	FAILS(rig_publish(&rig, id, rig.other_target, &single, &test_error), FL_IN_USE);
	WORKS(rig_publish(&rig, id, rig.other_target, &web1, &test_error));
	SAME(rig_token(&rig, rig.other_target), token);
	WORKS(attach(fd, id, token, &answer));
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	FAILS(rig_unpublish(&rig, id, rig.other_target, &test_error), FL_IN_USE);
	fl_channel_message_release(&answer);
	WORKS(rig_unpublish(&rig, id, rig.other_target, &test_error));
	take_away(id);
}

static void a_restarted_service_knows_the_pass(void)
{
	const char *id = volume_for("restart", &web1);
	const char *token = rig_token(&rig, rig.target);
	struct fl_channel_message answer = { 0 };

	rig_kill_server(&rig);
	rig_start_server(&rig);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");

	WORKS(attach(fd, id, token, &answer));
	rig_kill_server(&rig);
	OK(pwrite(answer.fds[0], "on", 2, 0) == 2, "the disk works without the service");
	rig_start_server(&rig);
	FAILS(rig_unpublish(&rig, id, rig.target, &test_error), FL_IN_USE);
	fl_channel_message_release(&answer);
	take_away(id);
}

static void a_pass_from_before_a_boot_is_worth_nothing(void)
{
	const char *id = volume_for("boot", &web1);
	const char *old = rig_token(&rig, rig.target);
	const char *state = fl_arena_printf(rig.arena, "%s/state", rig.root);
	struct fl_channel_message answer = { 0 };

	rig_kill_server(&rig);
	rig_run((const char *[]){ "rm", "-r", state, NULL });
	rig_start_server(&rig);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");

	FAILS(attach(fd, id, old, &answer), FL_DENIED);
	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	OK(strcmp(rig_token(&rig, rig.target), old) != 0, "a new token");
	FAILS(attach(fd, id, old, &answer), FL_DENIED);
	rig_kill_server(&rig);
	rig_run((const char *[]){ "rm", "-r", state, NULL });
	rig_start_server(&rig);
	take_away(id);
}

/* The same name, the same path, the same token: and the data of somebody else. */
static void a_pass_is_for_one_image(void)
{
	struct fl_op op = { .id = "test",
			    .deadline = fl_clock_after_ms(20000),
			    .arena = rig.arena };
	const char *id = volume_for("again", &web1);
	const char *token = rig_token(&rig, rig.target);
	fl_cleanup(fl_close) int fd = rig_launcher(&rig, "web1");
	struct fl_channel_message answer = { 0 };

	WORKS(fl_volume_delete(fl_pools_get(rig.pools, "default"), &op, "again", &test_error));
	FAILS(attach(fd, id, token, &answer), FL_NOT_FOUND);
	SAME(rig_volume(&rig, "again", 8 * MIB), id);
	FAILS(attach(fd, id, token, &answer), FL_IN_USE);
	OK(strstr(test_error.text, "made again"), "%s", test_error.text);
	FAILS(rig_publish(&rig, id, rig.other_target, &web1, &test_error), FL_IN_USE);
	OK(strstr(test_error.text, "made again"), "%s", test_error.text);
	WORKS(rig_unpublish(&rig, id, rig.target, &test_error));
	WORKS(rig_publish(&rig, id, rig.target, &web1, &test_error));
	WORKS(attach(fd, id, rig_token(&rig, rig.target), &answer));
	fl_channel_message_release(&answer);
	take_away(id);
}

static void a_file_at_the_target_is_kept(void)
{
	const char *id = rig_volume(&rig, "kept", 8 * MIB);
	int fd = open(rig.target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	OK(write(fd, "{}", 2) == 2);
	fl_close(&fd);
	FAILS(rig_publish(&rig, id, rig.target, &web1, &test_error), FL_IN_USE);
	unlink(rig.target);
	take_away(id);
}

static const struct test tests[] = {
	{ "a launcher gets the disk", a_launcher_gets_the_disk },
	{ "a loop on the image counts as open", a_loop_on_the_image_counts_as_open },
	{ "nobody else gets it", nobody_else_gets_it },
	{ "a reader gets no writable descriptor", a_reader_gets_no_writable_descriptor },
	{ "a VM and the kernel exclude each other", a_vm_and_the_kernel_exclude_each_other },
	{ "two paths share a pass", two_paths_share_a_pass },
	{ "a restarted service knows the pass", a_restarted_service_knows_the_pass },
	{ "a pass from before a boot is worth nothing",
	  a_pass_from_before_a_boot_is_worth_nothing },
	{ "a pass is for one image", a_pass_is_for_one_image },
	{ "a file at the target is kept", a_file_at_the_target_is_kept },
};

int main(int argc, char **argv)
{
	int rc;

	if (!rig_start(&rig))
		return 77;
	rc = test_run(tests, FL_COUNT(tests), argc, argv);
	return rig_end(&rig) | rc;
}
