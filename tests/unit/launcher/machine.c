/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that a specification becomes: topology, acceleration, QEMU's command line. */
#include "node/launcher/accel.h"
#include "node/launcher/args.h"
#include "node/launcher/topology.h"
#include "tests/test.h"

/* Counted the slow way: every level takes the next power of two of ids. */
static uint64_t largest_id(uint64_t cpus, uint64_t sockets)
{
	uint64_t cores = cpus / sockets, room = 1, top = 0;

	while (room < cores)
		room *= 2;
	for (uint64_t s = 0; s < sockets; s++) {
		for (uint64_t c = 0; c < cores; c++)
			top = s * room + c;
	}
	return top;
}

static void apic_ids_of_all_topologies(void)
{
	for (uint64_t cpus = 1; cpus <= VM_CPUS_MAX; cpus++) {
		OK(topology_apic_top(cpus, 1) <= TOPOLOGY_APIC_MAX, "%d", (int)cpus);
		for (uint64_t sockets = 1; sockets <= cpus; sockets++) {
			if (cpus % sockets == 0)
				EQUAL(topology_apic_top(cpus, sockets), largest_id(cpus, sockets));
		}
	}
	EQUAL(topology_apic_top(248, 8), 254);
	EQUAL(topology_apic_top(248, 2), 251);
	EQUAL(topology_apic_top(195, 39), 308);
}

/* The sizes and addresses were read from QEMU's own refusals. */
static void address_bits_follow_from_the_memory(void)
{
	EQUAL(topology_phys_bits(VM_MEMORY_MIN), 40);
	EQUAL(topology_phys_bits((uint64_t)900 << 30), 40);
	EQUAL(topology_phys_bits((uint64_t)1000 << 30), 42);
	EQUAL(topology_phys_bits(VM_MEMORY_MAX), 42);
}

static void kvm_needs_the_processor_too(void)
{
	OK(accel_processor_lacks("flags\t\t: fpu vme sse2\n") != NULL, "none");
	OK(accel_processor_lacks("flags\t\t: fpu vmx sse2\n") == NULL, "Intel");
	OK(accel_processor_lacks("flags\t\t: fpu svm\n") == NULL, "AMD");
	OK(accel_processor_lacks("vmx flags\t: vnmi\nflags: fpu svm_lock vmxon\n") != NULL,
	   "words that only contain it");
	OK(accel_processor_lacks("") != NULL, "nothing");
}

/* The value after the n-th `option`, or NULL. */
static const char *value_of(const char *const *args, const char *option, size_t n)
{
	for (; args[0]; args++) {
		if (strcmp(args[0], option) == 0 && n-- == 0)
			return args[1];
	}
	return NULL;
}

static bool has(const char *const *args, const char *option, const char *part)
{
	const char *value;

	for (size_t n = 0; (value = value_of(args, option, n)); n++) {
		if (strstr(value, part))
			return true;
	}
	return false;
}

static const char *const *build(struct fl_arena *arena, const char *text, const char *accel,
				const char *code)
{
	struct vm_spec *spec = fl_arena_alloc(arena, sizeof(*spec));
	struct args_input input = { .spec = spec,
				    .dir = "/run/a,b",
				    .qemu = "/usr/bin/qemu",
				    .accel = accel,
				    .firmware_code = code };

	WORKS(vm_spec_parse(arena, "x", text, strlen(text), spec, &test_error));
	return args_build(arena, &input);
}

static void the_command_line_is_closed_and_held(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *const *args = build(arena,
					"name: a\ncpus: 248\nsockets: 8\nmemory: 1024Gi\n"
					"disks: [{path: /secret/disk.raw}]\n",
					"tcg", NULL);
	size_t n = 0;

	for (size_t i = 0; args[i]; i++) {
		n += strcmp(args[i], "-S") == 0 || strcmp(args[i], "-nodefaults") == 0 ||
		     strcmp(args[i], "-no-user-config") == 0;
		OK(!strstr(args[i], "disk.raw"), "disks are not on it: %s", args[i]);
	}
	EQUAL(n, 3);
	SAME(args[0], "/usr/bin/qemu");
	OK(has(args, "-sandbox", "spawn=deny"));
	SAME(value_of(args, "-machine", 0), "q35,accel=tcg");
	SAME(value_of(args, "-cpu", 0), "max,phys-bits=42");
	SAME(value_of(args, "-m", 0), "size=1048576M");
	OK(has(args, "-smp", "cpus=248,maxcpus=248,sockets=8,cores=31,threads=1"));
	OK(has(args, "-chardev", "path=/run/a,,b/qmp.sock"), "commas are doubled");
	OK(has(args, "-chardev", "path=/run/a,,b/qmp-rescue.sock"));
	OK(value_of(args, "-kernel", 0) == NULL && value_of(args, "-netdev", 0) == NULL);
}

static void ports_have_addresses_for_life(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *const *none = build(arena, "name: a\n", "tcg", NULL);
	const char *const *some = build(arena,
					"name: a\nnics: [{}, {type: none}, {}]\n"
					"disks: [{path: /x, bus: virtio}]\n",
					"tcg", NULL);

	for (unsigned i = 0; i < ARGS_PORTS; i++) {
		const char *port = value_of(none, "-device", i);

		OK(strstr(port, fl_arena_printf(arena, "id=rp%u,", i)), "%s", port);
		SAME(port, value_of(some, "-device", i));
	}
	OK(value_of(none, "-device", ARGS_PORTS + 1) == NULL, "and the controller, no more");
	OK(has(some, "-device", "netdev=net2") && has(some, "-device", "bus=rp3,"),
	   "the third card is on the third card's port");
	OK(!has(some, "-netdev", "id=net1"), "type none is no card");
}

static void options_become_arguments(void)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *const *args = build(arena,
					"name: a\nkernel: /k,1\ninitrd: /i\ncmdline: a,b c\n"
					"nics: [{mac: \"52:54:00:00:00:01\", hostfwd: "
					"[\"tcp::80-:81\"]}]\n",
					"kvm", "/ovmf,code");

	SAME(value_of(args, "-kernel", 0), "/k,1");
	SAME(value_of(args, "-append", 0), "a,b c");
	SAME(value_of(args, "-netdev", 0), "user,id=net0,hostfwd=tcp::80-:81");
	OK(has(args, "-device", "mac=52:54:00:00:00:01"));
	OK(has(args, "-cpu", "host"));
	OK(has(args, "-machine", "pflash0=code,pflash1=variables"));
	OK(has(args, "-blockdev", "filename=/ovmf,,code"));
	SAME(args_uuid(arena, "a"), args_uuid(arena, "a"));
	EQUAL(strlen(args_uuid(arena, "a")), 36);
	OK(strcmp(args_uuid(arena, "a"), args_uuid(arena, "b")) != 0);
}

static const struct test tests[] = {
	{ "APIC ids of all topologies", apic_ids_of_all_topologies },
	{ "address bits follow from the memory", address_bits_follow_from_the_memory },
	{ "KVM needs the processor too", kvm_needs_the_processor_too },
	{ "the command line is closed and held", the_command_line_is_closed_and_held },
	{ "ports have addresses for life", ports_have_addresses_for_life },
	{ "options become arguments", options_become_arguments },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
