/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <inttypes.h>
#include <string.h>

#include "topology.h"

#define ARGS_PORTS_PER_SLOT 8
#define ARGS_FIRST_SLOT 2

struct args {
	struct fl_arena *arena;
	const char **items;
	size_t n, capacity;
};

static void args_add(struct args *args, const char *item)
{
	args->items = fl_arena_grow(args->arena, args->items, args->n, &args->capacity,
				    sizeof(*args->items));
	args->items[args->n++] = item;
}

static void fl_printf_like(3, 4)
	args_option(struct args *args, const char *option, const char *format, ...)
{
	va_list values;

	args_add(args, option);
	va_start(values, format);
	args_add(args, fl_arena_vprintf(args->arena, format, values));
	va_end(values);
}

/* In QEMU's option lists a comma of a value is doubled. */
static const char *args_escape(struct args *args, const char *text)
{
	char *ret = fl_arena_alloc(args->arena, strlen(text) * 2 + 1), *p = ret;

	for (; *text; text++) {
		*p++ = *text;
		if (*text == ',')
			*p++ = ',';
	}
	return ret;
}

const char *args_uuid(struct fl_arena *arena, const char *name)
{
	char hash[65];

	fl_text_sha256(name, strlen(name), hash);
	return fl_arena_printf(arena, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hash, hash + 8, hash + 12,
			       hash + 15, hash + 18);
}

static const char *args_mac(struct fl_arena *arena, const char *name, size_t i)
{
	const char *text = fl_arena_printf(arena, "%s/nic/%zu", name, i);
	char hash[65];

	fl_text_sha256(text, strlen(text), hash);
	return fl_arena_printf(arena, "52:54:00:%.2s:%.2s:%.2s", hash, hash + 2, hash + 4);
}

static void args_machine(struct args *args, const struct args_input *input)
{
	const struct vm_spec *spec = input->spec;
	bool kvm = strcmp(input->accel, "kvm") == 0;

	args_option(args, "-name", "guest=%s,debug-threads=on", spec->name);
	args_option(args, "-uuid", "%s",
		    spec->uuid ? spec->uuid : args_uuid(args->arena, spec->name));
	args_option(args, "-machine", "%s,accel=%s%s", spec->machine, input->accel,
		    input->firmware_code ? ",pflash0=code,pflash1=variables" : "");
	if (kvm)
		args_option(args, "-cpu", "host,host-phys-bits=on");
	else
		args_option(args, "-cpu", "max,phys-bits=%u",
			    topology_phys_bits(spec->memory_bytes));
	args_option(args, "-smp",
		    "cpus=%" PRIu64 ",maxcpus=%" PRIu64 ",sockets=%" PRIu64 ",cores=%" PRIu64
		    ",threads=1",
		    spec->cpus, spec->cpus, spec->sockets, spec->cpus / spec->sockets);
	args_option(args, "-m", "size=%" PRIu64 "M", spec->memory_bytes >> 20);
	args_option(args, "-rtc", "base=utc");
	args_option(args, "-display", "none");
}

static void args_firmware(struct args *args, const struct args_input *input)
{
	if (!input->firmware_code)
		return;
	args_option(args, "-blockdev", "driver=file,node-name=code,read-only=on,filename=%s",
		    args_escape(args, input->firmware_code));
	args_option(args, "-blockdev", "driver=file,node-name=variables,filename=%s/uefi-variables",
		    args_escape(args, input->dir));
}

static void args_boot(struct args *args, const struct vm_spec *spec)
{
	const struct {
		const char *option, *value;
	} rows[] = {
		{ "-kernel", spec->kernel },
		{ "-initrd", spec->initrd },
		{ "-append", spec->cmdline },
	};

	for (size_t i = 0; i < FL_COUNT(rows); i++) {
		if (rows[i].value)
			args_option(args, rows[i].option, "%s", rows[i].value);
	}
}

static void args_sockets(struct args *args, const char *dir)
{
	static const char *const monitors[] = { "qmp", "qmp-rescue" };

	for (size_t i = 0; i < FL_COUNT(monitors); i++) {
		args_option(args, "-chardev", "socket,id=%s,path=%s/%s.sock,server=on,wait=off",
			    monitors[i], args_escape(args, dir), monitors[i]);
		args_option(args, "-mon", "chardev=%s,mode=control", monitors[i]);
	}
	args_option(args, "-chardev", "socket,id=console,path=%s/console.qemu,server=on,wait=off",
		    args_escape(args, dir));
	args_option(args, "-serial", "chardev:console");
}

static void args_ports(struct args *args)
{
	for (unsigned i = 0; i < ARGS_PORTS; i++)
		args_option(args, "-device",
			    "pcie-root-port,id=rp%u,bus=pcie.0,chassis=%u,addr=%x.%u%s", i, i + 1,
			    ARGS_FIRST_SLOT + i / ARGS_PORTS_PER_SLOT, i % ARGS_PORTS_PER_SLOT,
			    i % ARGS_PORTS_PER_SLOT == 0 ? ",multifunction=on" : "");
	args_option(args, "-object", "iothread,id=io0");
	args_option(args, "-device", "virtio-scsi-pci,id=scsi0,bus=rp%d,addr=0x0,iothread=io0",
		    ARGS_PORT_SCSI);
}

static const char *args_forwards(struct fl_arena *arena, const struct vm_nic_spec *nic)
{
	const char *text = "";

	for (size_t i = 0; i < nic->hostfwd.n; i++)
		text = fl_arena_printf(arena, "%s,hostfwd=%s", text, nic->hostfwd.items[i]);
	return text;
}

static void args_nics(struct args *args, const struct vm_spec *spec)
{
	for (size_t i = 0; i < spec->n_nics; i++) {
		const struct vm_nic_spec *nic = &spec->nics[i];

		if (strcmp(nic->type, "none") == 0)
			continue;
		args_option(args, "-netdev", "user,id=net%zu%s", i,
			    args_forwards(args->arena, nic));
		args_option(
			args, "-device",
			"virtio-net-pci,id=nic%zu,netdev=net%zu,mac=%s,bus=rp%zu,addr=0x0,romfile=",
			i, i, nic->mac ? nic->mac : args_mac(args->arena, spec->name, i),
			ARGS_PORT_NIC + i);
	}
}

const char *const *args_build(struct fl_arena *arena, const struct args_input *input)
{
	struct args args = { .arena = arena };

	args_add(&args, input->qemu);
	args_add(&args, "-no-user-config");
	args_add(&args, "-nodefaults");
	args_add(&args, "-S");
	args_option(&args, "-sandbox",
		    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	args_option(&args, "-msg", "timestamp=on");
	args_firmware(&args, input);
	args_machine(&args, input);
	args_boot(&args, input->spec);
	args_sockets(&args, input->dir);
	args_ports(&args);
	args_nics(&args, input->spec);
	args_add(&args, NULL);
	return args.items;
}
