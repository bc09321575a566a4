/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of mounts with anything in them: mount points are names that any process may choose. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "node/mountinfo.h"

static const char *const mountinfo_seeds[] = {
	"36 35 7:3 /sub /mnt/a rw,noatime master:1 shared:2 - ext4 /dev/loop3 rw,a=b\n",
	"1 0 0:5 / /a\\040b\\011c\\134d rw - tmpfs no\\040ne ro\n2 1 0:6 / /b ro - btrfs /dev/x rw\n",
	"1 0 0:5 / /a rw - tmpfs  rw",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error err = { 0 };
	struct mountinfo table;

	if (mountinfo_parse(arena, (const char *)data, size, &table, &err) < 0)
		return err.text[0] ? 0 : (abort(), 0);
	for (size_t i = 0; i < table.n; i++) {
		const struct mountinfo_entry *entry = &table.entries[i];

		if (!*entry->root || !*entry->point || !*entry->type || !entry->source)
			abort();
	}
	return 0;
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	const char *seed = mountinfo_seeds[i % FL_COUNT(mountinfo_seeds)];

	memcpy(ret, seed, strlen(seed));
	return strlen(seed);
}
