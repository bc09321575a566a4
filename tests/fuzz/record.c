/* SPDX-License-Identifier: Apache-2.0 */
/* Records: a file with any content is the record that was written, or damaged, and never another
 * one; a damaged one is never overwritten. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/record.h"
#include "base/text.h"
#include "fuzz.h"

static const char *const values[] = { "", "idle", "{\"epoch\":3,\"writer\":\"worker-1\"}\n" };

static char folder[] = "/tmp/fl-fuzz-XXXXXX";
static int dir_fd = -1;
static struct {
	const char *text;
	size_t size;
} seeds[FL_COUNT(values)]; /* the files that compare-and-set makes of the values */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void clean_up(void)
{
	unlinkat(dir_fd, "r", 0);
	rmdir(folder);
}

static void set_up(void)
{
	struct fl_arena *arena = fl_arena_new(0);
	struct fl_error err;
	uint64_t version = 0;

	must(mkdtemp(folder) != NULL);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atexit(clean_up);
	for (size_t i = 0; i < FL_COUNT(values); i++) {
		const char *text = NULL;

		must(fl_record_compare_and_set(arena, dir_fd, "r", version, values[i], &version,
					       &err) == 0);
		must(fl_file_read(arena, dir_fd, "r", FUZZ_MAX_BYTES, &text, &seeds[i].size,
				  &err) == 0);
		seeds[i].text = strdup(text);
	}
	fl_arena_free(arena);
}

size_t fuzz_seed(size_t i, uint8_t *ret)
{
	if (dir_fd < 0)
		set_up();
	memcpy(ret, seeds[i % FL_COUNT(seeds)].text, seeds[i % FL_COUNT(seeds)].size);
	return seeds[i % FL_COUNT(seeds)].size;
}

static void put(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_close) int fd =
		openat(dir_fd, "r", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct fl_error err;

	must(fl_file_write_all(fd, data, size, &err) == 0);
}

/* The only files that are records are the seeds: nobody finds another hash by chance. */
static bool is_seed(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < FL_COUNT(seeds); i++)
		if (seeds[i].size == size && memcmp(seeds[i].text, data, size) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_record record;
	struct fl_error err = { .code = FL_OK };
	uint64_t version;

	if (dir_fd < 0)
		set_up();
	put(data, size);
	if (fl_record_get(arena, dir_fd, "r", &record, &err) == 0) {
		must(is_seed(data, size) && record.version <= FL_COUNT(values));
		must(strcmp(record.value, values[record.version - 1]) == 0);
		return 0;
	}
	must(!is_seed(data, size));
	must(err.code == FL_INTERNAL && fl_text_starts_with(err.text, "record r is damaged: "));
	must(fl_record_compare_and_set(arena, dir_fd, "r", 0, "x", &version, &err) < 0);
	must(err.code == FL_INTERNAL);
	return 0;
}
