/* SPDX-License-Identifier: Apache-2.0 */
/* Statements about the bytes of a volume and the space that they take. */
#include <fcntl.h>

#include "statement.h"

static int create_thick(struct check *c, const char *suffix, uint64_t bytes, struct fl_volume *ret)
{
	struct fl_volume_spec spec = { .name = check_name(c, suffix), .min_bytes = bytes };

	return fl_volume_create(c->pool, &c->op, &spec, ret, &c->err);
}

static void blank_reads_as_zeros(struct check *c)
{
	struct fl_volume thin, thick;

	if (!WORKS(check_create(c, "thin", 3 * MIB, &thin)) ||
	    !WORKS(create_thick(c, "thick", 3 * MIB, &thick)))
		return;
	WORKS(check_reads(c, thin.handle, 0, 3 * MIB, 0));
	WORKS(check_reads(c, thick.handle, 0, 3 * MIB, 0));
}

static void written_is_read_again(struct check *c)
{
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", 4 * MIB, &volume)) ||
	    !WORKS(check_write(c, volume.handle, 0, 4096, 0x11)) ||
	    !WORKS(check_write(c, volume.handle, 4 * MIB - 4096, 4096, 0x22)) ||
	    !WORKS(check_reopen(c)))
		return;
	WORKS(check_reads(c, volume.handle, 0, 4096, 0x11));
	WORKS(check_reads(c, volume.handle, 4096, 4 * MIB - 8192, 0));
	WORKS(check_reads(c, volume.handle, 4 * MIB - 4096, 4096, 0x22));
}

static void creating_again_keeps_content(struct check *c)
{
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_write(c, volume.handle, 0, MIB, 0x33)) ||
	    !WORKS(check_create(c, "a", MIB, &volume)))
		return;
	WORKS(check_reads(c, volume.handle, 0, MIB, 0x33));
}

static void new_volume_has_no_old_bytes(struct check *c)
{
	struct fl_volume volume;

	if (!WORKS(check_create(c, "a", MIB, &volume)) ||
	    !WORKS(check_write(c, volume.handle, 0, MIB, 0x44)) ||
	    !WORKS(check_delete(c, volume.handle)) || !WORKS(check_create(c, "a", MIB, &volume)))
		return;
	WORKS(check_reads(c, volume.handle, 0, MIB, 0));
}

static void volumes_are_apart(struct check *c)
{
	struct fl_volume first, second;

	if (!WORKS(check_create(c, "a", MIB, &first)) ||
	    !WORKS(check_create(c, "b", MIB, &second)) ||
	    !WORKS(check_write(c, first.handle, 0, MIB, 0x55)))
		return;
	WORKS(check_reads(c, second.handle, 0, MIB, 0));
}

static void thin_takes_what_is_written(struct check *c)
{
	struct fl_volume volume;
	uint64_t before, after;

	if (!WORKS(check_create(c, "a", 64 * MIB, &volume)) ||
	    !WORKS(check_allocated(c, volume.handle, &before)) ||
	    !WORKS(check_write(c, volume.handle, 32 * MIB, MIB, 0x66)) ||
	    !WORKS(check_allocated(c, volume.handle, &after)))
		return;
	HOLDS(before < MIB);
	HOLDS(after >= MIB && after < 4 * MIB);
}

static void thick_has_its_space(struct check *c)
{
	struct fl_volume volume;
	uint64_t allocated;

	if (!WORKS(create_thick(c, "a", 16 * MIB, &volume)))
		return;
	if (volume.thin) {
		check_skip(c, "the pool makes thin volumes only");
		return;
	}
	if (WORKS(check_allocated(c, volume.handle, &allocated)))
		HOLDS(allocated >= 16 * MIB);
}

static const struct statement statements[] = {
	{ "a blank volume reads as zeros", blank_reads_as_zeros, NEEDS_BYTES },
	{ "what was written is read again", written_is_read_again, NEEDS_BYTES },
	{ "creating a volume again keeps its content", creating_again_keeps_content, NEEDS_BYTES },
	{ "a new volume has none of its predecessor's bytes", new_volume_has_no_old_bytes,
	  NEEDS_BYTES },
	{ "volumes do not share bytes", volumes_are_apart, NEEDS_BYTES },
	{ "a thin volume takes the space that is written", thin_takes_what_is_written,
	  NEEDS_FILES },
	{ "a thick volume has its space from the start", thick_has_its_space, NEEDS_FILES },
};
const struct statement_group statements_of_content = { statements, FL_COUNT(statements) };
