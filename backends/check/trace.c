/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct trace_call {
	uint64_t number; /* counts from 1; 0: none yet */
	bool returned;
	char member[40];
	char arguments[200];
	char result[240];
};

/* Written by one process; the lock is for its threads.  Others read when the process is dead. */
struct trace_room {
	_Atomic uint64_t moves;
	uint64_t n;
	struct trace_call calls[TRACE_LINES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trace_room *rooms;
static struct trace_room *own;

int trace_share(struct fl_error *err)
{
	void *memory;

	if (rooms)
		return 0;
	memory = mmap(NULL, TRACE_ROOMS * sizeof(*rooms), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return fl_error_sys(err, errno, "noting the backend's calls");
	rooms = memory;
	own = &rooms[0];
	return 0;
}

void trace_enter_room(unsigned room)
{
	own = &rooms[room];
	trace_begin();
}

void trace_begin(void)
{
	pthread_mutex_lock(&lock);
	own->n = 0;
	memset(own->calls, 0, sizeof(own->calls));
	atomic_fetch_add(&own->moves, 1);
	pthread_mutex_unlock(&lock);
}

/* NULL when later ones have taken its place. */
static struct trace_call *trace_call_locked(uint64_t number)
{
	struct trace_call *call = &own->calls[number % TRACE_LINES];

	return call->number == number ? call : NULL;
}

uint64_t trace_enter(const char *member, const char *format, ...)
{
	struct trace_call *call;
	uint64_t number;
	va_list args;

	pthread_mutex_lock(&lock);
	number = ++own->n;
	call = &own->calls[number % TRACE_LINES];
	*call = (struct trace_call){ .number = number };
	snprintf(call->member, sizeof(call->member), "%s", member);
	va_start(args, format);
	vsnprintf(call->arguments, sizeof(call->arguments), format, args);
	va_end(args);
	atomic_fetch_add(&own->moves, 1);
	pthread_mutex_unlock(&lock);
	return number;
}

void trace_tell(uint64_t number, const char *format, ...)
{
	struct trace_call *call;
	va_list args;
	size_t used;

	pthread_mutex_lock(&lock);
	call = trace_call_locked(number);
	if (call) {
		used = strlen(call->arguments);
		va_start(args, format);
		vsnprintf(call->arguments + used, sizeof(call->arguments) - used, format, args);
		va_end(args);
	}
	pthread_mutex_unlock(&lock);
}

int trace_leave(uint64_t number, const struct fl_error *err, int result)
{
	struct trace_call *call;

	pthread_mutex_lock(&lock);
	call = trace_call_locked(number);
	if (call) {
		call->returned = true;
		snprintf(call->result, sizeof(call->result), "%s%s%.200s",
			 fl_error_name(result == 0 ? FL_OK : err->code), result == 0 ? "" : ", ",
			 result == 0 ? "" : err->text);
	}
	atomic_fetch_add(&own->moves, 1);
	pthread_mutex_unlock(&lock);
	return result;
}

static void trace_add(struct trace *trace, const struct trace_call *call)
{
	struct trace_line *line = &trace->lines[trace->n++];

	snprintf(line->member, sizeof(line->member), "%s", call->member);
	snprintf(line->text, sizeof(line->text), "%s(%s): %s", call->member, call->arguments,
		 call->returned ? call->result : "has not returned");
	trace->waits = !call->returned;
}

static void trace_add_all(struct trace *trace, const struct trace_room *room, bool returned)
{
	uint64_t first = room->n > TRACE_LINES ? room->n - TRACE_LINES + 1 : 1;

	for (uint64_t number = first; number <= room->n; number++) {
		const struct trace_call *call = &room->calls[number % TRACE_LINES];

		if (call->number == number && call->returned == returned)
			trace_add(trace, call);
	}
}

void trace_get(unsigned room, struct trace *ret)
{
	memset(ret, 0, sizeof(*ret));
	pthread_mutex_lock(&lock);
	trace_add_all(ret, &rooms[room], true);
	trace_add_all(ret, &rooms[room], false);
	pthread_mutex_unlock(&lock);
}

unsigned trace_room(void)
{
	return (unsigned)(own - rooms);
}

unsigned trace_waiting_room(void)
{
	struct trace trace;

	for (unsigned room = 0; room < TRACE_ROOMS; room++) {
		trace_get(room, &trace);
		if (trace.waits)
			return room;
	}
	return trace_room();
}

uint64_t trace_moves(void)
{
	uint64_t moves = 0;

	for (unsigned room = 0; room < TRACE_ROOMS; room++)
		moves += atomic_load(&rooms[room].moves);
	return moves;
}
