/* SPDX-License-Identifier: Apache-2.0 */
#include "accel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define CPUINFO_MAX (16 << 20)

static bool accel_has_flag(const char *cpuinfo, const char *flag)
{
	size_t n = strlen(flag);

	for (const char *p = strstr(cpuinfo, flag); p; p = strstr(p + 1, flag)) {
		if (p != cpuinfo && p[-1] == ' ' && (p[n] == ' ' || p[n] == '\n' || p[n] == '\0'))
			return true;
	}
	return false;
}

const char *accel_processor_lacks(const char *cpuinfo)
{
	if (accel_has_flag(cpuinfo, "vmx") || accel_has_flag(cpuinfo, "svm"))
		return NULL;
	return "the processor shows neither vmx nor svm: guests would hang";
}

/* On para-virtual hosts /dev/kvm opens, makes machines, and the guest hangs after its firmware: the
 * processor's flags have to say so too. */
static const char *accel_kvm_lacks(struct fl_arena *arena)
{
	fl_cleanup(fl_close) int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct fl_error err;
	const char *cpuinfo;

	if (fd < 0)
		return errno == ENOENT ? "there is no /dev/kvm" : "/dev/kvm does not open";
	if (fl_file_read(arena, AT_FDCWD, "/proc/cpuinfo", CPUINFO_MAX, &cpuinfo, NULL, &err) < 0)
		return "/proc/cpuinfo cannot be read";
	return accel_processor_lacks(cpuinfo);
}

static int accel_kvm_opens(struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return 0;
	fl_error_sys(err, errno, "accel kvm: opening /dev/kvm");
	err->code = FL_UNSUPPORTED;
	return -1;
}

int accel_choose(const char *wanted, const char **ret, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *lacks = accel_kvm_lacks(arena);
	bool kvm = strcmp(wanted, "kvm") == 0;

	if (kvm && accel_kvm_opens(err) < 0)
		return -1;
	if (strcmp(wanted, "auto") == 0) {
		*ret = lacks ? "tcg" : "kvm";
		fl_log(FL_LOG_INFO, "accel", "%s: %s", *ret, lacks ? lacks : "KVM works here");
		return 0;
	}
	*ret = kvm ? "kvm" : "tcg";
	if (kvm && lacks)
		fl_log(FL_LOG_WARNING, "accel", "kvm as asked for, but %s", lacks);
	else
		fl_log(FL_LOG_INFO, "accel", "%s as asked for", *ret);
	return 0;
}
