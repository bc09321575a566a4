/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "object.h"

/* Others change a record at most a few times; who loses this often runs against a storm. */
#define OWNER_TRIES 100

int owner_read(const struct fl_op *op, const struct object *volume, struct owner *ret,
	       struct fl_error *err)
{
	return owner_record_read(op, volume->pool, volume->handle, volume->id, ret, err);
}

static int owner_write(const struct fl_op *op, const struct object *volume, struct owner *owner,
		       struct fl_error *err)
{
	return fl_volume_record_set(volume->pool, op, volume->handle, FL_RECORD_OWNER,
				    owner->version, owner_format(op->arena, owner), &owner->version,
				    err);
}

/* Decides on the record as read: 0 changes *owner and says in *ret_write whether it has to be
 * written; -1 refuses. */
typedef int owner_decide(const struct object *volume, struct owner *owner, void *wish,
			 bool *ret_write, struct fl_error *err);

static int owner_change(const struct fl_op *op, const struct object *volume, owner_decide *decide,
			void *wish, struct owner *ret, struct fl_error *err)
{
	for (unsigned i = 0; i < OWNER_TRIES; i++) {
		bool write = false;
		if (owner_read(op, volume, ret, err) < 0 ||
		    decide(volume, ret, wish, &write, err) < 0)
			return -1;
		if (!write || owner_write(op, volume, ret, err) == 0)
			return 0;
		if (err->code != FL_BUSY)
			return -1;
		fl_clock_sleep_ms(1 + i % 8);
	}
	return fl_error_set(err, FL_BUSY, "the owner of volume %s changes all the time: ask again",
			    volume->id);
}

/* Nobody holds for that long: since then the clock has been set back. */
#define OWNER_HOLD_NEVER_NS (10ll * OWNER_HOLD_MS * 1000000)

/* A hold that is taken for expired too early costs its holder the work and nothing else: who held
 * finds out when it proves. */
static bool owner_is_free(const struct owner *owner)
{
	int64_t now = fl_clock_wall_ns();

	return owner->state == OWNER_IDLE ||
	       (owner->state == OWNER_HELD && (owner->hold_expires_ns <= now ||
					       owner->hold_expires_ns > now + OWNER_HOLD_NEVER_NS));
}

static int owner_refuse_held(const struct object *volume, const struct owner *owner,
			     struct fl_error *err)
{
	return fl_error_set(err, FL_BUSY, "volume %s is held for %s: ask again", volume->id,
			    owner->hold_for);
}

int owner_refuse(const struct object *volume, const struct owner *owner, struct fl_error *err)
{
	if (owner->state != OWNER_OWNED)
		return owner_refuse_held(volume, owner, err);
	return fl_error_set(err, FL_IN_USE,
			    "volume %s is attached to node %s (%s, epoch %" PRIu64
			    "): detach it there first",
			    volume->id, owner->attachments[0].node,
			    access_mode_name(owner->attachments[0].mode), owner->epoch);
}

struct owner_wish {
	const struct owner_attachment *attachment;
	const char *node;
	const char *purpose;
	struct fl_arena *arena;
	bool shared;
	bool leaving;
};

static struct owner_attachment *owner_find(const struct owner *owner, const char *node)
{
	for (size_t i = 0; i < owner->n_attachments; i++)
		if (strcmp(owner->attachments[i].node, node) == 0)
			return &owner->attachments[i];
	return NULL;
}

static int owner_compare(const struct object *volume, const struct owner_attachment *has,
			 const struct owner_attachment *wants, struct fl_error *err)
{
	if (has->mode == wants->mode && has->block == wants->block &&
	    has->read_only == wants->read_only)
		return 0;
	return fl_error_set(err, FL_EXISTS,
			    "volume %s is attached to node %s already, as %s %s%s: detach it "
			    "before attaching it in another way",
			    volume->id, has->node, access_mode_name(has->mode),
			    has->block ? "block" : "mount", has->read_only ? ", read-only" : "");
}

/* Who reads a file system finds garbage when its blocks change under it. */
static bool owner_disturbs(const struct owner_attachment *writer,
			   const struct owner_attachment *other)
{
	return !writer->read_only && !other->block;
}

/* One mode allows one writer, whoever came first. */
static bool owner_wants_to_be_alone(const struct owner_attachment *a)
{
	return a->mode == ACCESS_MULTI_NODE_SINGLE_WRITER;
}

/* Several nodes at once: each of them must have asked for that. */
static int owner_join(const struct object *volume, const struct owner *owner,
		      const struct owner_wish *wish, struct fl_error *err)
{
	const struct owner_attachment *wants = wish->attachment;

	if (!wish->shared || !access_mode_is_multi_node(wants->mode))
		return owner_refuse(volume, owner, err);
	for (size_t i = 0; i < owner->n_attachments; i++) {
		const struct owner_attachment *has = &owner->attachments[i];
		if (!access_mode_is_multi_node(has->mode))
			return owner_refuse(volume, owner, err);
		if (!wants->read_only && !has->read_only &&
		    (owner_wants_to_be_alone(wants) || owner_wants_to_be_alone(has)))
			return fl_error_set(err, FL_IN_USE,
					    "volume %s has a writer on node %s, and one of the two "
					    "is to be the only one: attach it read-only, or detach "
					    "it there",
					    volume->id, has->node);
		if (owner_disturbs(wants, has) || owner_disturbs(has, wants))
			return fl_error_set(err, FL_IN_USE,
					    "volume %s is attached to node %s as %s: nobody writes "
					    "its blocks while another node reads a file system on "
					    "them; detach it there",
					    volume->id, has->node,
					    has->block ? "block" : "a file system");
	}
	return 0;
}

static int owner_decide_attach(const struct object *volume, struct owner *owner, void *cookie,
			       bool *ret_write, struct fl_error *err)
{
	const struct owner_wish *wish = cookie;
	struct owner_attachment *list;
	struct owner_attachment *has;

	if (owner->state == OWNER_HELD && !owner_is_free(owner))
		return owner_refuse_held(volume, owner, err);
	has = owner_find(owner, wish->attachment->node);
	if (has) {
		*ret_write = has->leaving;
		has->leaving = false;
		return owner_compare(volume, has, wish->attachment, err);
	}
	if (owner->n_attachments && owner_join(volume, owner, wish, err) < 0)
		return -1;
	list = fl_arena_array(wish->arena, owner->n_attachments + 1, sizeof(*list));
	if (owner->n_attachments)
		memcpy(list, owner->attachments, owner->n_attachments * sizeof(*list));
	else
		owner->epoch++;
	list[owner->n_attachments++] = *wish->attachment;
	owner->attachments = list;
	owner->state = OWNER_OWNED;
	*ret_write = true;
	return 0;
}

int owner_attach(const struct fl_op *op, const struct object *volume,
		 const struct owner_attachment *attachment, bool shared, uint64_t *ret_epoch,
		 struct fl_error *err)
{
	struct owner_wish wish = { .attachment = attachment, .shared = shared, .arena = op->arena };
	struct owner owner;

	if (owner_change(op, volume, owner_decide_attach, &wish, &owner, err) < 0)
		return -1;
	*ret_epoch = owner.epoch;
	return 0;
}

static int owner_decide_leaving(const struct object *volume, struct owner *owner, void *cookie,
				bool *ret_write, struct fl_error *err)
{
	const struct owner_wish *wish = cookie;

	(void)volume;
	(void)err;
	for (size_t i = 0; i < owner->n_attachments; i++) {
		struct owner_attachment *a = &owner->attachments[i];

		if ((wish->node && strcmp(a->node, wish->node) != 0) || a->leaving == wish->leaving)
			continue;
		a->leaving = wish->leaving;
		*ret_write = true;
	}
	return 0;
}

int owner_set_leaving(const struct fl_op *op, const struct object *volume, const char *node,
		      bool leaving, struct fl_error *err)
{
	struct owner_wish wish = { .node = node, .leaving = leaving, .arena = op->arena };
	struct owner owner;

	return owner_change(op, volume, owner_decide_leaving, &wish, &owner, err);
}

static int owner_decide_detach(const struct object *volume, struct owner *owner, void *cookie,
			       bool *ret_write, struct fl_error *err)
{
	const struct owner_wish *wish = cookie;
	size_t left = 0;

	(void)volume;
	(void)err;
	for (size_t i = 0; wish->node && i < owner->n_attachments; i++)
		if (strcmp(owner->attachments[i].node, wish->node) != 0)
			owner->attachments[left++] = owner->attachments[i];
	*ret_write = left < owner->n_attachments;
	owner->n_attachments = left;
	if (*ret_write && left == 0)
		owner->state = OWNER_IDLE;
	return 0;
}

int owner_detach(const struct fl_op *op, const struct object *volume, const char *node,
		 struct fl_error *err)
{
	struct owner_wish wish = { .node = node, .arena = op->arena };
	struct owner owner;

	return owner_change(op, volume, owner_decide_detach, &wish, &owner, err);
}

static int64_t owner_hold_end(void)
{
	return fl_clock_wall_ns() + (int64_t)OWNER_HOLD_MS * 1000000;
}

static int owner_decide_hold(const struct object *volume, struct owner *owner, void *cookie,
			     bool *ret_write, struct fl_error *err)
{
	const struct owner_wish *wish = cookie;

	if (!owner_is_free(owner))
		return owner_refuse(volume, owner, err);
	/* Whoever let the hold expire must not take ours for his. */
	if (owner->state == OWNER_HELD)
		owner->epoch++;
	owner->state = OWNER_HELD;
	owner->hold_for = wish->purpose;
	owner->hold_expires_ns = owner_hold_end();
	*ret_write = true;
	return 0;
}

int owner_hold(const struct fl_op *op, const struct object *volume, const char *purpose,
	       struct owner *ret, struct fl_error *err)
{
	struct owner_wish wish = { .purpose = purpose, .arena = op->arena };

	return owner_change(op, volume, owner_decide_hold, &wish, ret, err);
}

int owner_renew(const struct fl_op *op, const struct object *volume, struct owner *held,
		struct fl_error *err)
{
	struct owner renewed = *held;

	renewed.hold_expires_ns = owner_hold_end();
	if (owner_write(op, volume, &renewed, err) < 0)
		return -1;
	*held = renewed;
	return 0;
}

int owner_release(const struct fl_op *op, const struct object *volume, struct owner *held,
		  struct fl_error *err)
{
	struct owner idle = { .version = held->version, .epoch = held->epoch, .state = OWNER_IDLE };

	if (owner_write(op, volume, &idle, err) < 0)
		return -1;
	*held = idle;
	return 0;
}
