/* SPDX-License-Identifier: Apache-2.0 */
/* Note: what this command line has published on this machine, one small file per volume:
 * RUN/published/HASH.json.
 *
 * A note is written before the first step and removed after the last, so that whoever was
 * interrupted finds again what there is to finish or to undo.  kubelet keeps the same beside its
 * staging directories.  Notes end with the boot, as mounts and devices do. */
#pragma once

#include "base/json.h"
#include "base/op.h"

/* A volume's note, locked against other commands. */
struct note {
	const char *path;
	int lock; /* a descriptor, -1 after note_close */
	/* {"volume", "node", "staging", "block", "fs", "readonly", "targets": [{"path", "kind",
	 * "vm"}]}; NULL when there is none. */
	json_t *json;
};

/* Locks and reads the note of volume `id`; FL_BUSY when another command holds it beyond the
 * deadline. */
int note_open(const struct fl_op *op, const char *id, struct note *ret, struct fl_error *err)
	fl_must_check;
/* Writes note->json durably enough for a killed command (the directory ends with the boot). */
int note_save(struct fl_arena *arena, const struct note *note, struct fl_error *err) fl_must_check;
int note_remove(const struct note *note, struct fl_error *err) fl_must_check;
/* Unlocks.  For fl_cleanup; a zeroed note with lock -1 is fine. */
void note_close(struct note *note);

/* All notes, unlocked: an array of what note.json holds. */
int note_list(struct fl_arena *arena, json_t **ret, struct fl_error *err) fl_must_check;

/* What names files and directories of a volume: 32 hexadecimal digits of its id's SHA-256. */
const char *note_key(struct fl_arena *arena, const char *id);
