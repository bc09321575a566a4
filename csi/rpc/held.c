/* SPDX-License-Identifier: Apache-2.0 */
#include "held.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "call.h"

#define HELD_CALL_BYTES (8 * 1024) /* about what gRPC and we keep for any call */

static uint64_t held_now_ms(void)
{
	return fl_clock_us() / 1000;
}

static void held_unlink_locked(struct rpc_call *call)
{
	struct rpc_held_list *list = &call->server->held;
	struct rpc_held *held = &call->held;

	if (held->until_ms == 0)
		return;
	if (held->earlier)
		held->earlier->held.later = held->later;
	else
		list->first = held->later;
	if (held->later)
		held->later->held.earlier = held->earlier;
	else
		list->last = held->earlier;
	list->bytes -= held->bytes;
	held->until_ms = 0;
}

static void held_link_locked(struct rpc_call *call, size_t bytes, const char *what)
{
	struct rpc_held_list *list = &call->server->held;

	call->held = (struct rpc_held){
		.earlier = list->last,
		.until_ms = held_now_ms() + call->server->options.patience_ms,
		.bytes = bytes + HELD_CALL_BYTES,
		.what = what,
	};
	if (list->last)
		list->last->held.later = call;
	else
		list->first = call;
	list->last = call;
	list->bytes += call->held.bytes;
}

/* The one that has waited longest, if it has to go; no longer held, and referenced. */
static struct rpc_call *held_take_victim(struct rpc_server *server, uint64_t now_ms)
{
	struct rpc_held_list *list = &server->held;
	struct rpc_call *victim;

	pthread_mutex_lock(&server->lock);
	victim = list->first;
	if (victim && victim->held.until_ms > now_ms &&
	    list->bytes <= server->options.max_held_bytes)
		victim = NULL;
	if (victim) {
		held_unlink_locked(victim);
		atomic_fetch_add(&victim->refs, 1);
	}
	pthread_mutex_unlock(&server->lock);
	return victim;
}

static void held_cut(struct rpc_server *server)
{
	uint64_t now_ms = held_now_ms();
	struct rpc_call *victim;
	char text[128];

	while ((victim = held_take_victim(server, now_ms))) {
		snprintf(text, sizeof(text), "the caller did not %s in time", victim->held.what);
		fl_log(FL_LOG_WARNING, "cut", "%s: %s", victim->id, text);
		/* Not under the lock: gRPC sends from in here. */
		grpc_call_cancel_with_status(victim->grpc, GRPC_STATUS_UNAVAILABLE, text, NULL);
		rpc_call_unref(victim);
	}
}

void rpc_held_add(struct rpc_call *call, size_t bytes, const char *what)
{
	struct rpc_server *server = call->server;

	pthread_mutex_lock(&server->lock);
	held_link_locked(call, bytes, what);
	bool is_too_much = server->held.bytes > server->options.max_held_bytes;
	pthread_mutex_unlock(&server->lock);
	if (is_too_much)
		held_cut(server);
}

void rpc_held_remove(struct rpc_call *call)
{
	pthread_mutex_lock(&call->server->lock);
	held_unlink_locked(call);
	pthread_mutex_unlock(&call->server->lock);
}

void rpc_held_expire(struct rpc_server *server)
{
	pthread_mutex_lock(&server->lock);
	const struct rpc_call *first = server->held.first;
	bool is_late = first && first->held.until_ms <= held_now_ms();
	pthread_mutex_unlock(&server->lock);
	if (is_late)
		held_cut(server);
}
