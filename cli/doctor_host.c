/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "doctor.h"
#include "node/launcher/accel.h"

#define DOCTOR_STATUS_MAX 65536
#define DOCTOR_CPUINFO_MAX ((size_t)16 << 20)

/* Whether this process has capability `number`, and its children will. */
static bool doctor_has_capability(struct doctor *d, unsigned number)
{
	struct fl_error ignored;
	const char *text, *line;

	if (fl_file_read(d->arena, AT_FDCWD, "/proc/self/status", DOCTOR_STATUS_MAX, &text, NULL,
			 &ignored) < 0)
		return false;
	line = strstr(text, "\nCapEff:");
	return line && (strtoull(line + strlen("\nCapEff:"), NULL, 16) >> number & 1);
}

struct doctor_finding doctor_admin(struct doctor *d)
{
	return doctor_has_capability(d, CAP_SYS_ADMIN)
		       ? doctor_good("mounts and loop devices are permitted")
		       : doctor_bad("mounts and loop devices need CAP_SYS_ADMIN");
}

struct doctor_finding doctor_resource(struct doctor *d)
{
	return doctor_has_capability(d, CAP_SYS_RESOURCE)
		       ? doctor_good("a mounted ext4 can be grown")
		       : doctor_bad("growing a mounted ext4 needs CAP_SYS_RESOURCE");
}

struct doctor_finding doctor_kernel(struct doctor *d)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return doctor_bad("the kernel does not say its version");
	/* LOOP_CONFIGURE. */
	if (major < 5 || (major == 5 && minor < 8))
		return doctor_bad(
			fl_arena_printf(d->arena, "Linux %s is older than 5.8", name.release));
	return doctor_good(fl_arena_printf(d->arena, "Linux %s", name.release));
}

static struct doctor_finding doctor_device(struct doctor *d, const char *path)
{
	fl_cleanup(fl_close) int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return doctor_bad(fl_arena_printf(d->arena, "%s: %s", path, strerror(errno)));
	return doctor_good(fl_arena_printf(d->arena, "%s opens", path));
}

struct doctor_finding doctor_loop(struct doctor *d)
{
	return doctor_device(d, "/dev/loop-control");
}

/* In the kernel now, or as a module that mount(2) has loaded on demand. */
static struct doctor_finding doctor_filesystem(struct doctor *d, const char *name)
{
	struct utsname kernel;
	struct fl_error ignored;
	const char *text, *module;

	if (fl_file_read(d->arena, AT_FDCWD, "/proc/filesystems", 65536, &text, NULL, &ignored) ==
		    0 &&
	    strstr(text, fl_arena_printf(d->arena, "\t%s\n", name)))
		return doctor_good("the kernel has it");
	uname(&kernel);
	module = fl_arena_printf(d->arena, "/lib/modules/%s/kernel/fs/%s", kernel.release, name);
	if (access(module, F_OK) == 0)
		return doctor_good("the kernel has it as a module");
	return doctor_bad("the kernel does not have it");
}

struct doctor_finding doctor_ext4(struct doctor *d)
{
	return doctor_filesystem(d, "ext4");
}

struct doctor_finding doctor_xfs(struct doctor *d)
{
	return doctor_filesystem(d, "xfs");
}

struct doctor_finding doctor_btrfs(struct doctor *d)
{
	return doctor_filesystem(d, "btrfs");
}

static bool doctor_has_program(struct doctor *d, const char *name)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	for (size_t i = 0; i < FL_COUNT(folders); i++) {
		if (access(fl_arena_printf(d->arena, "%s/%s", folders[i], name), X_OK) == 0)
			return true;
	}
	return false;
}

/* All of the programs, which are named with blanks between them. */
static struct doctor_finding doctor_programs(struct doctor *d, const char *names)
{
	for (const char *at = names; *at; at += strcspn(at, " "), at += *at == ' ') {
		const char *name = fl_arena_strndup(d->arena, at, strcspn(at, " "));

		if (!doctor_has_program(d, name))
			return doctor_bad(fl_arena_printf(d->arena, "%s is not installed", name));
	}
	return doctor_good(names);
}

struct doctor_finding doctor_ext4_tools(struct doctor *d)
{
	return doctor_programs(d, "mkfs.ext4 resize2fs e2fsck");
}

struct doctor_finding doctor_xfs_tools(struct doctor *d)
{
	return doctor_programs(d, "mkfs.xfs xfs_growfs xfs_db xfs_repair");
}

struct doctor_finding doctor_btrfs_tools(struct doctor *d)
{
	return doctor_programs(d, "mkfs.btrfs btrfs");
}

struct doctor_finding doctor_qemu(struct doctor *d)
{
	return doctor_programs(d, "qemu-system-x86_64 qemu-img");
}

struct doctor_finding doctor_directory(struct doctor *d)
{
	struct stat state;

	if (stat(d->run, &state) < 0 && errno == ENOENT)
		return doctor_good(fl_arena_printf(d->arena, "%s will be made", d->run));
	if (access(d->run, W_OK | X_OK) < 0)
		return doctor_bad(fl_arena_printf(d->arena, "%s: %s", d->run, strerror(errno)));
	return doctor_good(fl_arena_printf(d->arena, "%s can be written to", d->run));
}

/* A /dev/kvm that opens is no proof: on a processor without the instructions a guest hangs. */
struct doctor_finding doctor_kvm(struct doctor *d)
{
	struct doctor_finding device = doctor_device(d, "/dev/kvm");
	const char *text, *lacks;
	struct fl_error ignored;

	if (device.bad)
		return device;
	if (fl_file_read(d->arena, AT_FDCWD, "/proc/cpuinfo", DOCTOR_CPUINFO_MAX, &text, NULL,
			 &ignored) < 0)
		return doctor_bad("/proc/cpuinfo cannot be read");
	lacks = accel_processor_lacks(text);
	return lacks ? doctor_bad(fl_arena_strdup(d->arena, lacks)) : device;
}
