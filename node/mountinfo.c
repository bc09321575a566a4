/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "node/path.h"

#define MOUNTINFO_MAX 100000
#define MOUNTINFO_MAX_BYTES ((size_t)64 << 20)
#define MOUNTINFO_READS_MAX 16

/* Cuts the next field off *line: the text up to a blank or the end. */
static char *mountinfo_field(char **line)
{
	char *field = *line;
	char *blank = strchr(field, ' ');

	if (blank) {
		*blank = '\0';
		*line = blank + 1;
	} else {
		*line = field + strlen(field);
	}
	return field;
}

/* The kernel writes blank, tab, newline and backslash as three octal digits. */
static const char *mountinfo_unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return text;
}

/* Whether `word` is among the comma-separated options. */
static bool mountinfo_has(const char *options, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* After an error ext4 shows "emergency_ro" since Linux 6.15, and "ro" before; btrfs "ro". */
static void mountinfo_read_only(const char *options, const char *super_options,
				struct mountinfo_entry *ret)
{
	bool mount = mountinfo_has(options, "ro");
	bool super = mountinfo_has(super_options, "ro");
	bool emergency = mountinfo_has(super_options, "emergency_ro") ||
			 mountinfo_has(super_options, "shutdown");

	ret->read_only = mount || super || emergency;
	ret->failed = emergency || (super && !mount);
}

static int mountinfo_device(char *text, dev_t *ret)
{
	struct fl_error ignored;
	uint64_t first, second;
	char *colon = strchr(text, ':');

	if (!colon)
		return -1;
	*colon = '\0';
	if (fl_text_parse_number(text, &first, &ignored) < 0 ||
	    fl_text_parse_number(colon + 1, &second, &ignored) < 0 || first > UINT32_MAX ||
	    second > UINT32_MAX)
		return -1;
	*ret = makedev((unsigned)first, (unsigned)second);
	return 0;
}

/* One line: id parent major:minor root point options [tags…] - type source super-options */
static int mountinfo_line(char *line, struct mountinfo_entry *ret)
{
	struct fl_error ignored;
	const char *options;

	if (fl_text_parse_number(mountinfo_field(&line), &ret->id, &ignored) < 0 ||
	    fl_text_parse_number(mountinfo_field(&line), &ret->parent, &ignored) < 0 ||
	    mountinfo_device(mountinfo_field(&line), &ret->device) < 0)
		return -1;
	ret->root = mountinfo_unescape(mountinfo_field(&line));
	ret->point = mountinfo_unescape(mountinfo_field(&line));
	options = mountinfo_field(&line);
	while (*line && strcmp(mountinfo_field(&line), "-") != 0)
		;
	ret->type = mountinfo_unescape(mountinfo_field(&line));
	ret->source = mountinfo_unescape(mountinfo_field(&line));
	mountinfo_read_only(options, mountinfo_field(&line), ret);
	return *ret->root && *ret->point && *ret->type ? 0 : -1;
}

int mountinfo_parse(struct fl_arena *arena, const char *text, size_t size, struct mountinfo *ret,
		    struct fl_error *err)
{
	struct mountinfo_entry *entries = NULL;
	size_t n = 0, capacity = 0;
	char *copy = fl_arena_strndup(arena, text, size);

	for (char *line = copy; *line;) {
		char *end = strchr(line, '\n');
		char *next = end ? end + 1 : line + strlen(line);

		if (end)
			*end = '\0';
		if (n == MOUNTINFO_MAX)
			return fl_error_set(err, FL_INTERNAL, "more than %d mounts", MOUNTINFO_MAX);
		entries = fl_arena_grow(arena, entries, n, &capacity, sizeof(*entries));
		if (mountinfo_line(line, &entries[n]) < 0)
			return fl_error_set(err, FL_INTERNAL,
					    "mountinfo line %zu is not understood", n + 1);
		n++;
		line = next;
	}
	ret->entries = entries;
	ret->n = n;
	return 0;
}

/* Reads the file to its end into a heap buffer. */
static int mountinfo_text(int fd, char **ret, size_t *ret_size, struct fl_error *err)
{
	size_t size = 0, room = 1 << 16;
	fl_cleanup(fl_free) char *text = malloc(room);

	while (text) {
		ssize_t n = read(fd, text + size, room - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fl_error_sys(err, errno, "reading /proc/self/mountinfo");
		size += (size_t)n;
		if (n == 0) {
			*ret = text;
			*ret_size = size;
			text = NULL;
			return 0;
		}
		if (size == room) {
			char *larger = room < MOUNTINFO_MAX_BYTES ? realloc(text, room * 2) : NULL;

			if (!larger)
				break;
			room *= 2;
			text = larger;
		}
	}
	return fl_error_set(err, FL_UNAVAILABLE, "no memory for the table of mounts");
}

int mountinfo_read(struct fl_arena *arena, struct mountinfo *ret, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	fl_cleanup(fl_free) char *text = NULL;
	size_t size = 0;

	if (fd < 0)
		return fl_error_sys(err, errno, "opening /proc/self/mountinfo");
	for (int i = 0; i < MOUNTINFO_READS_MAX; i++) {
		struct pollfd changed = { .fd = fd, .events = POLLPRI };

		fl_free(&text);
		text = NULL;
		if (lseek(fd, 0, SEEK_SET) < 0)
			return fl_error_sys(err, errno, "reading /proc/self/mountinfo");
		if (mountinfo_text(fd, &text, &size, err) < 0)
			return -1;
		/* A table that changed while it was read in pieces may lack entries (before Linux
		 * 5.8); on a busy host the last of the attempts has to do. */
		if (poll(&changed, 1, 0) <= 0)
			break;
	}
	return mountinfo_parse(arena, text, size, ret, err);
}

/* The id of the mount that `path` is on, and whether the path is that mount's root; *ret_id 0 when
 * the path is not there. */
static int mountinfo_id(const char *path, uint64_t *ret_id, bool *ret_is_root, struct fl_error *err)
{
	struct statx st;

	*ret_id = 0;
	*ret_is_root = false;
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : fl_error_sys(err, errno, "looking at %s", path);
	if (!(st.stx_mask & STATX_MNT_ID) || !(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return fl_error_set(err, FL_UNSUPPORTED,
				    "this kernel does not tell mounts apart: "
				    "Linux 5.8 or newer is needed");
	*ret_id = st.stx_mnt_id;
	*ret_is_root = st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* The same of a file system that answers no statx any more, because it has shut itself down: it
 * still has to be found to be unmounted. */
static int mountinfo_id_broken(struct fl_arena *arena, const char *path, uint64_t *ret_id,
			       const char **ret_point, struct fl_error *err)
{
	fl_cleanup(fl_close) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const char *text, *line;
	char point[PATH_MAX];
	ssize_t length;

	if (fd < 0)
		return fl_error_sys(err, errno, "looking at %s", path);
	length = readlink(fl_arena_printf(arena, "/proc/self/fd/%d", fd), point, sizeof(point));
	if (length < 0 || (size_t)length == sizeof(point))
		return fl_error_sys(err, length < 0 ? errno : ENAMETOOLONG, "looking at %s", path);
	if (fl_file_read(arena, AT_FDCWD, fl_arena_printf(arena, "/proc/self/fdinfo/%d", fd), 4096,
			 &text, NULL, err) < 0)
		return -1;
	line = strstr(text, "mnt_id:\t");
	if (!line)
		return fl_error_set(err, FL_INTERNAL, "the kernel names no mount of %s", path);
	line += strlen("mnt_id:\t");
	*ret_point = fl_arena_strndup(arena, point, (size_t)length);
	return fl_text_parse_number(fl_arena_strndup(arena, line, strcspn(line, "\n")), ret_id,
				    err);
}

void mountinfo_find_place(struct fl_arena *arena, const struct mountinfo *table,
			  struct mountinfo_entry *entry)
{
	const struct mountinfo_entry *parent = NULL;
	size_t above = 0;

	for (size_t i = 0; i < table->n && !parent; i++) {
		if (table->entries[i].id == entry->parent)
			parent = &table->entries[i];
	}
	if (parent && strcmp(parent->point, "/") != 0)
		above = strlen(parent->point);
	/* The parent of the uppermost mount is not in the table. */
	if (!parent || parent == entry || strncmp(entry->point, parent->point, above) != 0) {
		entry->place_device = 0;
		entry->place = entry->point;
		return;
	}
	entry->place_device = parent->device;
	entry->place =
		fl_arena_printf(arena, "%s%s", strcmp(parent->root, "/") == 0 ? "" : parent->root,
				entry->point + above);
}

bool mountinfo_is_same_place(const struct mountinfo_entry *a, const struct mountinfo_entry *b)
{
	return a->place_device == b->place_device && strcmp(a->place, b->place) == 0;
}

static const struct mountinfo_entry *mountinfo_with_place(struct fl_arena *arena,
							  const struct mountinfo *table,
							  const struct mountinfo_entry *entry)
{
	struct mountinfo_entry *copy = fl_arena_alloc(arena, sizeof(*copy));

	*copy = *entry;
	mountinfo_find_place(arena, table, copy);
	return copy;
}

int mountinfo_at(struct fl_arena *arena, const char *path, const struct mountinfo_entry **ret,
		 struct fl_error *err)
{
	const char *point = NULL; /* where the mount has to be; NULL: statx has seen its root */
	struct mountinfo table;
	bool is_root;
	uint64_t id;

	if (mountinfo_id(path, &id, &is_root, err) < 0) {
		if (!path_is_broken(err->sys) ||
		    mountinfo_id_broken(arena, path, &id, &point, err) < 0)
			return -1;
		is_root = true;
	}
	if (id == 0 || !is_root) {
		*ret = NULL;
		return 0;
	}
	if (mountinfo_read(arena, &table, err) < 0)
		return -1;
	for (size_t i = 0; i < table.n; i++) {
		const struct mountinfo_entry *entry = &table.entries[i];

		if (entry->id == id) {
			*ret = !point || strcmp(point, entry->point) == 0
				       ? mountinfo_with_place(arena, &table, entry)
				       : NULL;
			return 0;
		}
	}
	return fl_error_set(err, FL_UNAVAILABLE, "the mount at %s changes just now", path);
}

bool mountinfo_is_filesystem_of(const struct mountinfo_entry *entry, dev_t device)
{
	struct stat st;

	if (entry->device == device)
		return true;
	/* btrfs gives every file system a number of its own; its source is the device. */
	return major(entry->device) == 0 && entry->source[0] == '/' &&
	       strcmp(entry->type, "btrfs") == 0 && stat(entry->source, &st) == 0 &&
	       S_ISBLK(st.st_mode) && st.st_rdev == device;
}

bool mountinfo_is_node_of(const struct mountinfo_entry *entry, dev_t device, const char *name)
{
	const char *base = strrchr(entry->root, '/');
	struct stat st;

	/* The name first: stat only what can be it. */
	return base && strcmp(base + 1, name) == 0 && lstat(entry->point, &st) == 0 &&
	       S_ISBLK(st.st_mode) && st.st_rdev == device;
}
