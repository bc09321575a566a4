/* SPDX-License-Identifier: Apache-2.0 */
#include "storm.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define STORM_TICK_MS 100 /* how often those that were closed come again */

struct storm {
	pthread_t thread;
	int epoll_fd;
	atomic_bool is_over;
	struct peer_counts counts[PEER_KINDS];
	size_t n_peers;
	struct peer peers[];
};

static void storm_must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void storm_watch(struct storm *storm, struct peer *peer, int operation)
{
	struct epoll_event event = { .data.ptr = peer };

	if (peer_reads(peer))
		event.events |= EPOLLIN;
	if (peer_wants_to_write(peer))
		event.events |= EPOLLOUT;
	storm_must(epoll_ctl(storm->epoll_fd, operation, peer->fd, &event) == 0, "epoll_ctl");
}

static void storm_open_closed(struct storm *storm)
{
	for (size_t i = 0; i < storm->n_peers; i++) {
		struct peer *peer = &storm->peers[i];

		if (peer->fd < 0 && peer_open(peer) && peer->fd >= 0)
			storm_watch(storm, peer, EPOLL_CTL_ADD);
	}
}

static void storm_turn(struct storm *storm, int ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(storm->epoll_fd, events, 64, ms);

	for (int i = 0; i < n; i++) {
		struct peer *peer = events[i].data.ptr;

		/* The service has closed what nobody reads. */
		if ((events[i].events & EPOLLHUP) && !peer_reads(peer)) {
			peer->counts->closed++;
			peer_close(peer);
			continue;
		}
		peer_turn(peer);
		if (peer->fd >= 0)
			storm_watch(storm, peer, EPOLL_CTL_MOD);
	}
}

static void *storm_run(void *arg)
{
	struct storm *storm = arg;

	while (!atomic_load(&storm->is_over)) {
		struct timespec tick = fl_clock_after_ms(STORM_TICK_MS);

		while (!fl_clock_passed(tick))
			storm_turn(storm, (int)fl_clock_left_ms(tick));
		storm_open_closed(storm);
	}
	return NULL;
}

struct storm *storm_start(const char *path, const unsigned n[PEER_KINDS])
{
	size_t n_peers = 0, i = 0;

	for (int kind = 0; kind < PEER_KINDS; kind++)
		n_peers += n[kind];
	struct storm *storm = calloc(1, sizeof(*storm) + n_peers * sizeof(storm->peers[0]));
	storm_must(storm != NULL, "calloc");
	storm->n_peers = n_peers;
	storm->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	storm_must(storm->epoll_fd >= 0, "epoll_create1");
	for (int kind = 0; kind < PEER_KINDS; kind++) {
		for (unsigned k = 0; k < n[kind]; k++)
			storm->peers[i++] = (struct peer){ .kind = (enum peer_kind)kind,
							   .number = k,
							   .path = path,
							   .counts = &storm->counts[kind],
							   .fd = -1 };
	}
	storm_open_closed(storm);
	storm_must(pthread_create(&storm->thread, NULL, storm_run, storm) == 0, "pthread_create");
	return storm;
}

void storm_stop(struct storm *storm, struct peer_counts ret[PEER_KINDS])
{
	atomic_store(&storm->is_over, true);
	pthread_join(storm->thread, NULL);
	for (size_t i = 0; i < storm->n_peers; i++)
		peer_close(&storm->peers[i]);
	memcpy(ret, storm->counts, sizeof(storm->counts));
	close(storm->epoll_fd);
	free(storm);
}
