/* SPDX-License-Identifier: Apache-2.0 */
#include "card.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ext4 with small inodes counts whole seconds. */
#define STAMP_SETTLED_NS ((int64_t)3000000000)

int file_stamp_take(int dir_fd, const char *name, struct file_stamp *ret, struct fl_error *err)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return fl_error_sys(err, errno, "looking at %s", name[0] ? name : "a directory");
	if (!S_ISDIR(st.st_mode))
		return fl_error_set(err, FL_INTERNAL, "%s is no directory", name);
	*ret = (struct file_stamp){
		.inode = st.st_ino,
		.changed_ns = st.st_ctim.tv_sec * (int64_t)1000000000 + st.st_ctim.tv_nsec,
	};
	return 0;
}

bool file_stamp_is(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->inode == b->inode && a->changed_ns == b->changed_ns;
}

bool file_stamp_is_settled(const struct file_stamp *stamp, int64_t now_ns)
{
	return stamp->changed_ns < now_ns - STAMP_SETTLED_NS;
}

/* Records, then stamp: a folder that has not changed since before now_ns, and was not put there
 * since, which also is a change of it, had these records all the time. */
int file_card_read(struct fl_arena *arena, int place_fd, enum file_kind kind, const char *handle,
		   int64_t now_ns, struct file_card *ret, struct fl_error *err)
{
	struct file_card card = { .owner.value = "" };
	struct fl_record meta;

	if (fl_record_get_in(arena, place_fd, handle, FILE_META, &meta, err) < 0 ||
	    file_meta_parse(arena, &meta, &card.meta, err) < 0)
		return -1;
	if (kind == FILE_VOLUME &&
	    fl_record_get_in(arena, place_fd, handle, FL_RECORD_OWNER, &card.owner, err) < 0)
		return -1;
	if (file_stamp_take(place_fd, handle, &card.stamp, err) < 0)
		return -1;
	if (!file_stamp_is_settled(&card.stamp, now_ns))
		return fl_error_set(err, FL_BUSY, "%s %s has just been changed",
				    file_kind_name(kind), handle);
	*ret = card;
	return 0;
}

/* Every text that a card points to. */
#define CARD_TEXTS 6

static void card_texts(struct file_card *card, const char **texts[CARD_TEXTS])
{
	texts[0] = &card->meta.name;
	texts[1] = &card->meta.content.handle;
	texts[2] = &card->meta.failure;
	texts[3] = &card->meta.group;
	texts[4] = &card->meta.target;
	texts[5] = &card->owner.value;
}

static size_t card_text_bytes(struct file_card card)
{
	const char **texts[CARD_TEXTS];
	size_t bytes = 0;

	card_texts(&card, texts);
	for (size_t i = 0; i < CARD_TEXTS; i++)
		bytes += *texts[i] ? strlen(*texts[i]) + 1 : 0;
	return bytes;
}

/* Moves the texts to `to`, which has room for them. */
static void card_move_texts(struct file_card *card, char *to)
{
	const char **texts[CARD_TEXTS];

	card_texts(card, texts);
	for (size_t i = 0; i < CARD_TEXTS; i++) {
		size_t size = *texts[i] ? strlen(*texts[i]) + 1 : 0;

		if (size)
			*texts[i] = memcpy(to, *texts[i], size);
		to += size;
	}
}

struct file_card *file_card_new(const struct file_card *card, size_t *ret_bytes)
{
	size_t bytes = sizeof(*card) + card_text_bytes(*card);
	struct file_card *copy = malloc(bytes);

	if (!copy)
		return NULL;
	*copy = *card;
	card_move_texts(copy, (char *)(copy + 1));
	*ret_bytes = bytes;
	return copy;
}

void file_card_copy(struct fl_arena *arena, const struct file_card *card, struct file_card *ret)
{
	*ret = *card;
	card_move_texts(ret, fl_arena_alloc(arena, card_text_bytes(*card)));
}
