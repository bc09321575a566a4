/* SPDX-License-Identifier: Apache-2.0 */
#include "firmware.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "base/file.h"

#define FIRMWARE_VARIABLES_MAX (16 << 20)

static const struct firmware firmwares[] = {
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
};

int firmware_find(struct firmware *ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(firmwares); i++) {
		if (access(firmwares[i].code, R_OK) == 0 &&
		    access(firmwares[i].variables, R_OK) == 0) {
			*ret = firmwares[i];
			return 0;
		}
	}
	return fl_error_set(
		err, FL_UNSUPPORTED,
		"firmware uefi: OVMF is not installed (package ovmf); bios needs nothing");
}

int firmware_copy_variables(const struct firmware *firmware, int dir_fd, const char *name,
			    struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	const char *data;
	size_t size;

	if (fl_file_read(arena, AT_FDCWD, firmware->variables, FIRMWARE_VARIABLES_MAX, &data, &size,
			 err) < 0)
		return -1;
	return fl_file_replace(dir_fd, name, data, size, 0600, err);
}
