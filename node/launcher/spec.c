/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a specification: tables of keys, then the rules that no table can say. */
#include "launcher.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "spec.h"
#include "topology.h"

#define SPEC_NAME_MAX 40
#define SPEC_TEXT_MAX 4096

static const char *const machines[] = { "q35", NULL };
static const char *const firmwares[] = { "bios", "uefi", NULL };
static const char *const accels[] = { "auto", "kvm", "tcg", NULL };
static const char *const buses[] = { "scsi", "virtio", NULL };
static const char *const nic_types[] = { "user", "none", NULL };
static const char *const lists[] = { "disks", "nics", NULL };

#define VM(member) offsetof(struct vm_spec, member)
static const struct fl_option vm_options[] = {
	{ "name", FL_OPTION_STRING, VM(name), true, NULL, NULL, "the VM's name" },
	{ "uuid", FL_OPTION_STRING, VM(uuid), false, NULL, NULL,
	  "its UUID; follows from the name" },
	{ "cpus", FL_OPTION_NUMBER, VM(cpus), false, "1", NULL, "processors, 1 to 248" },
	{ "sockets", FL_OPTION_NUMBER, VM(sockets), false, "1", NULL, "sockets they are in" },
	{ "memory", FL_OPTION_SIZE, VM(memory_bytes), false, "512Mi", NULL, "16Mi to 1024Gi" },
	{ "machine", FL_OPTION_STRING, VM(machine), false, "q35", machines, "the machine type" },
	{ "firmware", FL_OPTION_STRING, VM(firmware), false, "bios", firmwares, "bios or uefi" },
	{ "kernel", FL_OPTION_PATH, VM(kernel), false, NULL, NULL, "Linux to boot directly" },
	{ "initrd", FL_OPTION_PATH, VM(initrd), false, NULL, NULL, "its initial file system" },
	{ "cmdline", FL_OPTION_STRING, VM(cmdline), false, NULL, NULL, "its command line" },
	{ "accel", FL_OPTION_STRING, VM(accel), false, "auto", accels, "auto, kvm or tcg" },
	{ "disk_service", FL_OPTION_PATH, VM(disk_service), false, NULL, NULL,
	  "socket of the node's disk service" },
	{ "stop_timeout", FL_OPTION_DURATION, VM(stop_timeout_ms), false, "60s", NULL,
	  "time for the guest to power down" },
};

#define DISK(member) offsetof(struct vm_disk_spec, member)
static const struct fl_option disk_options[] = {
	{ "volume", FL_OPTION_STRING, DISK(volume), false, NULL, NULL, "a volume's id" },
	{ "pass", FL_OPTION_PATH, DISK(pass), false, NULL, NULL, "a disk pass of the node" },
	{ "path", FL_OPTION_PATH, DISK(path), false, NULL, NULL, "a raw image or block device" },
	{ "bus", FL_OPTION_STRING, DISK(bus), false, "scsi", buses, "scsi or virtio" },
	{ "serial", FL_OPTION_STRING, DISK(serial), false, NULL, NULL, "at most 20 characters" },
	{ "boot", FL_OPTION_NUMBER, DISK(boot), false, "0", NULL, "boot order, from 1" },
	{ "readonly", FL_OPTION_BOOL, DISK(readonly), false, "false", NULL, "write-protected" },
};

#define NIC(member) offsetof(struct vm_nic_spec, member)
static const struct fl_option nic_options[] = {
	{ "type", FL_OPTION_STRING, NIC(type), false, "user", nic_types, "user or none" },
	{ "mac", FL_OPTION_STRING, NIC(mac), false, NULL, NULL, "its address" },
	{ "hostfwd", FL_OPTION_LIST, NIC(hostfwd), false, NULL, NULL, "tcp:HOST:PORT-GUEST:PORT" },
};

void vm_spec_print_options(FILE *out)
{
	fprintf(out, "a VM:\n");
	fl_config_print_options(out, vm_options, FL_COUNT(vm_options));
	fprintf(out, "\neach entry of disks (one of volume, pass and path):\n");
	fl_config_print_options(out, disk_options, FL_COUNT(disk_options));
	fprintf(out, "\neach entry of nics:\n");
	fl_config_print_options(out, nic_options, FL_COUNT(nic_options));
}

const struct fl_config_node *spec_key(const struct fl_config_node *map, const char *key)
{
	const struct fl_config_node *node = fl_config_get(map, key);

	return node ? node : map;
}

static bool spec_is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[36] == '\0';
}

static int spec_check_size(const struct vm_spec *spec, struct fl_error *err)
{
	const struct fl_config_node *cpus = spec_key(spec->at, "cpus");

	if (spec->cpus < 1 || spec->cpus > VM_CPUS_MAX)
		return fl_config_fail(cpus, err, "cpus is %" PRIu64 ", possible are 1 to %d",
				      spec->cpus, VM_CPUS_MAX);
	if (spec->sockets < 1 || spec->cpus % spec->sockets != 0)
		return fl_config_fail(spec_key(spec->at, "sockets"), err,
				      "%" PRIu64 " cpus cannot be divided among %" PRIu64
				      " sockets",
				      spec->cpus, spec->sockets);
	if (topology_apic_top(spec->cpus, spec->sockets) > TOPOLOGY_APIC_MAX)
		return fl_config_fail(spec_key(spec->at, "sockets"), err,
				      "%" PRIu64 " cpus in %" PRIu64 " sockets need APIC ids up to "
				      "%" PRIu64 ", possible is %d: use fewer sockets",
				      spec->cpus, spec->sockets,
				      topology_apic_top(spec->cpus, spec->sockets),
				      TOPOLOGY_APIC_MAX);
	if (spec->memory_bytes < VM_MEMORY_MIN || spec->memory_bytes > VM_MEMORY_MAX)
		return fl_config_fail(spec_key(spec->at, "memory"), err,
				      "memory is %" PRIu64 " bytes, possible are 16Mi to 1024Gi",
				      spec->memory_bytes);
	if (spec->memory_bytes % (1 << 20) != 0)
		return fl_config_fail(spec_key(spec->at, "memory"), err,
				      "memory has to be a whole number of Mi");
	return 0;
}

static int spec_check_boot(const struct vm_spec *spec, struct fl_error *err)
{
	if (spec->initrd && !spec->kernel)
		return fl_config_fail(spec_key(spec->at, "initrd"), err,
				      "initrd is of use only with kernel");
	if (spec->cmdline && !spec->kernel)
		return fl_config_fail(spec_key(spec->at, "cmdline"), err,
				      "cmdline is of use only with kernel");
	if (spec->cmdline && (strlen(spec->cmdline) > SPEC_TEXT_MAX ||
			      !fl_text_is_printable(spec->cmdline, strlen(spec->cmdline))))
		return fl_config_fail(spec_key(spec->at, "cmdline"), err,
				      "cmdline is one line of at most %d bytes", SPEC_TEXT_MAX);
	return 0;
}

static int spec_check_vm(const struct vm_spec *spec, struct fl_error *err)
{
	if (!fl_text_is_safe_name(spec->name, SPEC_NAME_MAX))
		return fl_config_fail(spec_key(spec->at, "name"), err,
				      "name has 1 to %d characters of A-Z a-z 0-9 . _ - and starts "
				      "with a letter or digit",
				      SPEC_NAME_MAX);
	if (spec->uuid && !spec_is_uuid(spec->uuid))
		return fl_config_fail(spec_key(spec->at, "uuid"), err,
				      "uuid is not of the form 8-4-4-4-12 hexadecimal digits");
	if (spec_check_size(spec, err) < 0)
		return -1;
	return spec_check_boot(spec, err);
}

/* The entries of list `key`, or none; *ret_list stays NULL when the key is absent. */
static int spec_list(const struct fl_config_node *map, const char *key,
		     const struct fl_config_node **ret_list, size_t *ret_n, struct fl_error *err)
{
	const struct fl_config_node *list = fl_config_get(map, key);

	*ret_list = list;
	*ret_n = 0;
	if (!list)
		return 0;
	if (fl_config_kind(list) != FL_CONFIG_LIST)
		return fl_config_fail(list, err, "%s is a list: each entry starts with \"- \"",
				      key);
	*ret_n = fl_config_count(list);
	return 0;
}

static int spec_entry(struct fl_arena *arena, const struct fl_config_node *list, size_t i,
		      const char *kind, const struct fl_config_node **ret, const char **ret_what,
		      struct fl_error *err)
{
	*ret = fl_config_at(list, i, NULL);
	*ret_what = fl_arena_printf(arena, "%s %zu", kind, i + 1);
	if (fl_config_kind(*ret) != FL_CONFIG_MAP)
		return fl_config_fail(*ret, err, "%s is no map of keys and values", *ret_what);
	return 0;
}

static int spec_fill_disks(struct fl_arena *arena, struct vm_spec *spec, struct fl_error *err)
{
	const struct fl_config_node *list, *at;
	const char *what;

	if (spec_list(spec->at, "disks", &list, &spec->n_disks, err) < 0)
		return -1;
	if (spec->n_disks > VM_SCSI_DISKS_MAX + VM_VIRTIO_DISKS_MAX)
		return fl_config_fail(list, err, "%zu disks, possible are %d", spec->n_disks,
				      VM_SCSI_DISKS_MAX + VM_VIRTIO_DISKS_MAX);
	spec->disks = fl_arena_array(arena, spec->n_disks, sizeof(*spec->disks));
	for (size_t i = 0; i < spec->n_disks; i++) {
		if (spec_entry(arena, list, i, "disk", &at, &what, err) < 0 ||
		    fl_config_fill(arena, at, what, disk_options, FL_COUNT(disk_options), NULL,
				   &spec->disks[i], sizeof(spec->disks[i]), err) < 0)
			return -1;
		spec->disks[i].at = at;
	}
	return spec_check_disks(spec, err);
}

static int spec_fill_nics(struct fl_arena *arena, struct vm_spec *spec, struct fl_error *err)
{
	const struct fl_config_node *list, *at;
	const char *what;

	if (spec_list(spec->at, "nics", &list, &spec->n_nics, err) < 0)
		return -1;
	if (spec->n_nics > VM_NICS_MAX)
		return fl_config_fail(list, err, "%zu nics, possible are %d", spec->n_nics,
				      VM_NICS_MAX);
	spec->nics = fl_arena_array(arena, spec->n_nics, sizeof(*spec->nics));
	for (size_t i = 0; i < spec->n_nics; i++) {
		if (spec_entry(arena, list, i, "nic", &at, &what, err) < 0 ||
		    fl_config_fill(arena, at, what, nic_options, FL_COUNT(nic_options), NULL,
				   &spec->nics[i], sizeof(spec->nics[i]), err) < 0)
			return -1;
		spec->nics[i].at = at;
	}
	return spec_check_nics(spec, err);
}

static int spec_fill(struct fl_arena *arena, const struct fl_config_node *root, struct vm_spec *ret,
		     struct fl_error *err)
{
	struct vm_spec spec;

	if (fl_config_kind(root) != FL_CONFIG_MAP)
		return fl_config_fail(root, err, "a VM is a map of keys and values");
	if (fl_config_fill(arena, root, "the VM", vm_options, FL_COUNT(vm_options), lists, &spec,
			   sizeof(spec), err) < 0)
		return -1;
	spec.at = root;
	if (spec_check_vm(&spec, err) < 0 || spec_fill_disks(arena, &spec, err) < 0 ||
	    spec_fill_nics(arena, &spec, err) < 0)
		return -1;
	*ret = spec;
	return 0;
}

int vm_spec_load(struct fl_arena *arena, const char *path, struct vm_spec *ret,
		 struct fl_error *err)
{
	const struct fl_config_node *root;

	if (fl_config_load(arena, path, &root, err) < 0)
		return -1;
	return spec_fill(arena, root, ret, err);
}

int vm_spec_parse(struct fl_arena *arena, const char *name, const char *text, size_t size,
		  struct vm_spec *ret, struct fl_error *err)
{
	const struct fl_config_node *root;

	if (fl_config_parse(arena, name, text, size, &root, err) < 0)
		return -1;
	return spec_fill(arena, root, ret, err);
}
