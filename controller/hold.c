/* SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define HOLD_RENEW_MS (OWNER_HOLD_MS / 3)

/* 0 after HOLD_RENEW_MS, -1 when the keeper shall end. */
static int hold_wait(struct hold *hold)
{
	struct timespec until = fl_clock_after_ms(HOLD_RENEW_MS);
	bool stop;

	pthread_mutex_lock(&hold->lock);
	while (!hold->stop && !fl_clock_passed(until))
		pthread_cond_timedwait(&hold->wake, &hold->lock, &until);
	stop = hold->stop;
	pthread_mutex_unlock(&hold->lock);
	return stop ? -1 : 0;
}

/* What cannot be renewed is left alone: the storage may answer again before the hold expires, and
 * hold_prove has the last word. */
static void *hold_keep(void *cookie)
{
	struct hold *hold = cookie;

	while (hold_wait(hold) == 0) {
		fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
		struct fl_op op = { hold->op->id, fl_clock_after_ms(HOLD_RENEW_MS), arena, NULL };
		struct fl_error ignored;
		if (owner_renew(&op, hold->volume, &hold->owner, &ignored) < 0 &&
		    ignored.code == FL_BUSY)
			break;
	}
	return NULL;
}

static int hold_start_keeper(struct hold *hold, struct fl_error *err)
{
	pthread_condattr_t attributes;
	int sys;

	pthread_mutex_init(&hold->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&hold->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	sys = pthread_create(&hold->keeper, NULL, hold_keep, hold);
	if (sys) {
		pthread_cond_destroy(&hold->wake);
		pthread_mutex_destroy(&hold->lock);
		return fl_error_sys(err, sys, "starting the thread that holds volume %s",
				    hold->volume->id);
	}
	hold->keeping = true;
	return 0;
}

static void hold_stop_keeper(struct hold *hold)
{
	if (!hold->keeping)
		return;
	pthread_mutex_lock(&hold->lock);
	hold->stop = true;
	pthread_cond_signal(&hold->wake);
	pthread_mutex_unlock(&hold->lock);
	pthread_join(hold->keeper, NULL);
	pthread_cond_destroy(&hold->wake);
	pthread_mutex_destroy(&hold->lock);
	hold->keeping = false;
}

int hold_take(struct hold *hold, const struct fl_op *op, const struct object *volume,
	      const char *purpose, struct fl_error *err)
{
	memset(hold, 0, sizeof(*hold));
	if (owner_hold(op, volume, purpose, &hold->owner, err) < 0)
		return -1;
	hold->op = op;
	hold->volume = volume;
	if (hold_start_keeper(hold, err) < 0) {
		hold_release(hold);
		return -1;
	}
	return 0;
}

int hold_prove(struct hold *hold, struct fl_error *err)
{
	hold_stop_keeper(hold);
	if (owner_renew(hold->op, hold->volume, &hold->owner, err) == 0)
		return 0;
	return fl_error_set(err, err->code == FL_BUSY ? FL_BUSY : FL_UNAVAILABLE,
			    "volume %s was not proven to stand still for %s, so the work is thrown "
			    "away: ask again",
			    hold->volume->id, hold->owner.hold_for);
}

void hold_forget(struct hold *hold)
{
	hold_stop_keeper(hold);
	hold->volume = NULL;
}

void hold_release(struct hold *hold)
{
	struct fl_error why;

	if (!hold->volume)
		return;
	hold_stop_keeper(hold);
	/* A record that stays "held" for now is free when the hold expires. */
	if (owner_release(hold->op, hold->volume, &hold->owner, &why) < 0)
		fl_log(FL_LOG_DEBUG, "hold", "%s: releasing the hold: %s", hold->volume->id,
		       why.text);
	hold->volume = NULL;
}
