/* SPDX-License-Identifier: Apache-2.0 */
/* What a specification may say, and the sentence that a wrong one gets. */
#include <fcntl.h>
#include <unistd.h>

#include "node/launcher/launcher.h"
#include "node/launcher/spec.h"
#include "tests/test.h"

static const struct {
	const char *text;
	const char *line, *says; /* where, and a part of what */
} wrong[] = {
	{ "cpus: 1\n", ":1: ", "name" },
	{ "name: a\nname: b\n", ":2: ", "name" },
	{ "name: -a\n", ":1: ", "starts with a letter or digit" },
	{ "name: a/b\n", ":1: ", "characters" },
	{ "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", ":1: ", "1 to 40" },
	{ "name: a\nuuid: 123\n", ":2: ", "8-4-4-4-12" },
	{ "name: a\nuuid: 12345678-1234-1234-1234-12345678901g\n", ":2: ", "hexadecimal" },
	{ "name: a\ncpus: 0\n", ":2: ", "possible are 1 to 248" },
	{ "name: a\ncpus: 249\n", ":2: ", "possible are 1 to 248" },
	{ "name: a\ncpus: two\n", ":2: ", "cpus" },
	{ "name: a\ncpus: -1\n", ":2: ", "cpus" },
	{ "name: a\ncpus: 7\nsockets: 2\n", ":3: ", "cannot be divided" },
	{ "name: a\ncpus: 4\nsockets: 0\n", ":3: ", "cannot be divided" },
	{ "name: a\ncpus: 195\nsockets: 39\n", ":3: ", "APIC ids up to 308" },
	{ "name: a\nmemory: 15Mi\n", ":2: ", "16Mi to 1024Gi" },
	{ "name: a\nmemory: 1025Gi\n", ":2: ", "16Mi to 1024Gi" },
	{ "name: a\nmemory: 20000000\n", ":2: ", "whole number of Mi" },
	{ "name: a\nmemory: lots\n", ":2: ", "memory" },
	{ "name: a\nmemmory: 1Gi\n", ":2: ", "memory" },
	{ "name: a\nmachine: pc\n", ":2: ", "machine" },
	{ "name: a\nfirmware: efi\n", ":2: ", "firmware" },
	{ "name: a\naccel: xen\n", ":2: ", "accel" },
	{ "name: a\nkernel: vmlinuz\n", ":2: ", "kernel" },
	{ "name: a\ninitrd: /i\n", ":2: ", "only with kernel" },
	{ "name: a\ncmdline: quiet\n", ":2: ", "only with kernel" },
	{ "name: a\nkernel: /k\ncmdline: \"a\\nb\"\n", ":3: ", "one line" },
	{ "name: a\nstop_timeout: soon\n", ":2: ", "stop_timeout" },
	{ "name: a\ndisks: /x\n", ":2: ", "list" },
	{ "name: a\ndisks: [/x]\n", ":2: ", "no map" },
	{ "name: a\ndisks:\n  - serial: a\n", ":3: ", "none of volume, pass and path" },
	{ "name: a\ndisks:\n  - path: /x\n    volume: p/v\n", ":3: ", "several" },
	{ "name: a\ndisks:\n  - path: x\n", ":3: ", "path" },
	{ "name: a\ndisks:\n  - path: /x\n    bus: ide\n", ":4: ", "bus" },
	{ "name: a\ndisks:\n  - path: /x\n    serial: 123456789012345678901\n", ":4: ", "1 to 20" },
	{ "name: a\ndisks:\n  - path: /x\n    serial: a b\n", ":4: ", "A-Z a-z" },
	{ "name: a\ndisks:\n  - volume: p/v\n    serial: a\n", ":4: ", "follows from its id" },
	{ "name: a\ndisks:\n  - pass: /p\n    serial: a\n", ":4: ", "follows from its volume" },
	{ "name: a\ndisks:\n  - path: /x\n    boot: 256\n", ":4: ", "1 to 255" },
	{ "name: a\ndisks:\n  - path: /x\n    readonly: perhaps\n", ":4: ", "readonly" },
	{ "name: a\ndisks:\n  - path: /x\n  - path: /x\n", ":4: ", "1 and 2 are the same" },
	{ "name: a\ndisks:\n  - path: /x\n    serial: s\n  - path: /y\n    serial: s\n",
	  ":6: ", "same serial" },
	{ "name: a\ndisks:\n  - path: /x\n    boot: 1\n  - path: /y\n    boot: 1\n",
	  ":6: ", "same boot order" },
	{ "name: a\nnics:\n  - type: tap\n", ":3: ", "type" },
	{ "name: a\nnics:\n  - mac: 52:54:00:00:00\n", ":3: ", "six pairs" },
	{ "name: a\nnics:\n  - mac: 53:54:00:00:00:01\n", ":3: ", "group address" },
	{ "name: a\nnics:\n  - type: none\n    mac: 52:54:00:00:00:01\n", ":3: ", "neither" },
	{ "name: a\nnics:\n  - hostfwd: [\"tcp:127.0.0.1:22\"]\n", ":3: ", "tcp:HOST:PORT" },
	{ "name: a\nnics:\n  - hostfwd: [\"tcp::70000-:22\"]\n", ":3: ", "tcp:HOST:PORT" },
	{ "name: a\nnics:\n  - hostfwd: [\"tcp::80-:22,guestfwd=x\"]\n", ":3: ", "tcp:HOST:PORT" },
	{ "name: a\nnics:\n  - mac: 52:54:00:00:00:0a\n  - mac: 52:54:00:00:00:0A\n",
	  ":4: ", "same mac" },
	{ "- a\n", ":1: ", "map" },
	{ "name: [a]\n", ":1: ", "name" },
};

static void a_wrong_specification_gets_its_sentence(void)
{
	for (size_t i = 0; i < FL_COUNT(wrong); i++) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		struct vm_spec spec;

		FAILS(vm_spec_parse(arena, "x.yaml", wrong[i].text, strlen(wrong[i].text), &spec,
				    &test_error),
		      FL_INVALID);
		OK(strstr(test_error.text, wrong[i].line), "%zu: %s", i, test_error.text);
		OK(strstr(test_error.text, wrong[i].says), "%zu: %s", i, test_error.text);
	}
}

static void defaults_fill_what_is_not_said(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	static const char text[] = "name: a\ndisks: [{path: /x}]\nnics: [{}]\n";
	struct vm_spec spec;

	WORKS(vm_spec_parse(arena, "x", text, strlen(text), &spec, &test_error));
	EQUAL(spec.cpus, 1);
	EQUAL(spec.memory_bytes, 512 << 20);
	SAME(spec.machine, "q35");
	SAME(spec.firmware, "bios");
	SAME(spec.accel, "auto");
	EQUAL(spec.stop_timeout_ms, 60000);
	EQUAL(spec.n_disks, 1);
	SAME(spec.disks[0].bus, "scsi");
	EQUAL(spec.disks[0].boot, 0);
	EQUAL(spec.n_nics, 1);
	SAME(spec.nics[0].type, "user");
}

static const char full[] =
	"name: web-1\nuuid: 12345678-1234-1234-1234-123456789abc\ncpus: 248\nsockets: 8\n"
	"memory: 1024Gi\nfirmware: uefi\nkernel: /k\ninitrd: /i\n"
	"cmdline: \"a \\\"quoted\\\" \\\\ back: slash # and ünïcode\"\n"
	"accel: kvm\ndisk_service: /s\nstop_timeout: 1500ms\n"
	"disks:\n  - {path: \"/a,b\", bus: virtio, serial: s.1_-, boot: 255, readonly: true}\n"
	"  - {pass: /p}\n"
	"nics:\n  - {mac: \"52:54:00:00:00:01\", hostfwd: [\"tcp::80-:80\", \"udp:1.2.3.4:5-6.7.8.9:10\"]}\n"
	"  - {type: none}\n";

/* A restarted launcher reads what was saved: it has to be the same. */
static void what_is_saved_is_read_again(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	char directory[] = "/tmp/fl-spec.XXXXXX";
	fl_cleanup(fl_close) int dir = -1;
	struct vm_spec spec, again;

	OK(mkdtemp(directory) != NULL);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	WORKS(vm_spec_parse(arena, "x", full, strlen(full), &spec, &test_error));
	WORKS(spec_save(&spec, dir, "spec.json", &test_error));
	WORKS(vm_spec_load(arena, fl_arena_printf(arena, "%s/spec.json", directory), &again,
			   &test_error));
	SAME(again.name, spec.name);
	SAME(again.uuid, spec.uuid);
	EQUAL(again.cpus, 248);
	EQUAL(again.sockets, 8);
	EQUAL(again.memory_bytes, VM_MEMORY_MAX);
	SAME(again.firmware, "uefi");
	SAME(again.cmdline, spec.cmdline);
	SAME(again.accel, "kvm");
	SAME(again.disk_service, "/s");
	EQUAL(again.stop_timeout_ms, 1500);
	EQUAL(again.n_disks, 2);
	SAME(again.disks[0].path, "/a,b");
	SAME(again.disks[0].serial, "s.1_-");
	EQUAL(again.disks[0].boot, 255);
	EQUAL(again.disks[0].readonly, true);
	SAME(again.disks[1].pass, "/p");
	EQUAL(again.nics[0].hostfwd.n, 2);
	SAME(again.nics[0].hostfwd.items[1], "udp:1.2.3.4:5-6.7.8.9:10");
	SAME(again.nics[1].type, "none");
	OK(unlinkat(dir, "spec.json", 0) == 0 && rmdir(directory) == 0, "cleaning up");
}

static const char *many_disks(struct fl_arena *arena, size_t n, const char *bus)
{
	const char *text = "name: a\ndisks:\n";

	for (size_t i = 0; i < n; i++)
		text = fl_arena_printf(arena, "%s  - {path: /%zu, bus: %s}\n", text, i, bus);
	return text;
}

static void each_bus_has_its_limit(void)
{
	const struct {
		const char *bus;
		size_t most;
	} rows[] = { { "virtio", VM_VIRTIO_DISKS_MAX }, { "scsi", VM_SCSI_DISKS_MAX } };

	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		const char *most = many_disks(arena, rows[i].most, rows[i].bus);
		const char *more = many_disks(arena, rows[i].most + 1, rows[i].bus);
		struct vm_spec spec;

		WORKS(vm_spec_parse(arena, "x", most, strlen(most), &spec, &test_error));
		FAILS(vm_spec_parse(arena, "x", more, strlen(more), &spec, &test_error),
		      FL_INVALID);
		OK(strstr(test_error.text, "at most"), "%s", test_error.text);
	}
}

static const struct test tests[] = {
	{ "a wrong specification gets its sentence", a_wrong_specification_gets_its_sentence },
	{ "defaults fill what is not said", defaults_fill_what_is_not_said },
	{ "what is saved is read again", what_is_saved_is_read_again },
	{ "each bus has its limit", each_bus_has_its_limit },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
