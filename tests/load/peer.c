/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frame.h"

#define PEER_WINDOW (32 * 1024) /* read before the service is told that more may come */
#define PEER_SLOW_CALLS 40

/* Work of some milliseconds: ListVolumes, at most 100 of them.  And what is answered or refused at
 * once: GetCapacity, ValidateVolumeCapabilities of nothing. */
static const struct {
	const char *path;
	const char *message;
	size_t size;
} peer_calls[] = {
	{ "/csi.v1.Controller/ListVolumes", "\x08\x64", 2 },
	{ "/csi.v1.Controller/GetCapacity", "", 0 },
	{ "/csi.v1.Controller/ListVolumes", "\x08\x64", 2 },
	{ "/csi.v1.Controller/ValidateVolumeCapabilities", "\x0a\x01x", 3 },
};

static void peer_ask(struct peer *peer, const char *path, const char *message, size_t size)
{
	if (peer->n_out + FRAME_CALL_MAX + size + 16 > sizeof(peer->out))
		return;
	peer->n_out = frame_call(peer->out, peer->n_out, peer->next_stream, path);
	peer->n_out = frame_message(peer->out, peer->n_out, peer->next_stream, message, size);
	peer->next_stream += 2;
	peer->n_open++;
	peer->counts->asked++;
}

static void peer_ask_next(struct peer *peer)
{
	size_t i = (peer->number + peer->next_stream / 2) %
		   (sizeof(peer_calls) / sizeof(peer_calls[0]));

	peer_ask(peer, peer_calls[i].path, peer_calls[i].message, peer_calls[i].size);
}

static void peer_write(struct peer *peer)
{
	ssize_t n = send(peer->fd, peer->out, peer->n_out, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n <= 0)
		return;
	peer->n_out -= (size_t)n;
	memmove(peer->out, peer->out + n, peer->n_out);
}

static void peer_say_noise(struct peer *peer)
{
	if (peer->number % 2)
		peer->n_out = frame_greeting(peer->out, 0);
	while (peer->n_out < 4096)
		peer->out[peer->n_out++] = (unsigned char)random();
}

static void peer_say_half(struct peer *peer)
{
	if (peer->number % 3 > 0)
		peer->n_out = frame_greeting(peer->out, 0);
	for (unsigned i = 0; peer->number % 3 == 2 && i < PEER_CALLS; i++) {
		peer->n_out = frame_call(peer->out, peer->n_out, peer->next_stream,
					 "/csi.v1.Controller/CreateVolume");
		peer->next_stream += 2;
	}
}

/* As much as the service takes: it stops reading when it has too much to tell. */
static void peer_say_slow(struct peer *peer)
{
	peer->n_out = frame_greeting(peer->out, 0);
	for (unsigned i = 0; i < PEER_SLOW_CALLS; i++) {
		peer_ask(peer, "/csi.v1.Controller/ListVolumes", "", 0);
		peer_write(peer);
	}
}

bool peer_open(struct peer *peer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->path);
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->fd < 0)
		return false;
	if (connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		peer_close(peer);
		return false;
	}
	peer->counts->connected++;
	peer->next_stream = 1;
	peer->n_open = 0;
	peer->n_in = peer->n_out = 0;
	if (peer->kind == PEER_NOISE)
		peer_say_noise(peer);
	else if (peer->kind == PEER_HALF)
		peer_say_half(peer);
	else if (peer->kind == PEER_SLOW)
		peer_say_slow(peer);
	else
		peer->n_out = frame_greeting(peer->out, 0);
	peer_turn(peer);
	return true;
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	peer->n_out = 0;
}

bool peer_reads(const struct peer *peer)
{
	return peer->kind == PEER_BUSY || peer->kind == PEER_NOISE;
}

bool peer_wants_to_write(const struct peer *peer)
{
	return peer->n_out > 0;
}

static void peer_end_call(struct peer *peer, bool is_cut)
{
	if (is_cut)
		peer->counts->cut++;
	else
		peer->counts->answered++;
	if (peer->n_open > 0)
		peer->n_open--;
}

static void peer_take_frame(struct peer *peer, const struct frame *frame)
{
	bool is_end = (frame->type == FRAME_HEADERS || frame->type == FRAME_DATA) &&
		      (frame->flags & FRAME_END_STREAM);

	if (peer->n_out + 64 > sizeof(peer->out))
		return;
	if (is_end || frame->type == FRAME_RST_STREAM)
		peer_end_call(peer, !is_end);
	else if ((frame->type == FRAME_SETTINGS || frame->type == FRAME_PING) &&
		 !(frame->flags & FRAME_ACK))
		peer->n_out =
			frame_put(peer->out, peer->n_out,
				  &(struct frame){ frame->type, FRAME_ACK, 0,
						   frame->type == FRAME_PING ? frame->size : 0,
						   frame->payload });
	if (frame->type == FRAME_DATA)
		peer->unacknowledged += (unsigned)frame->size;
	if (peer->unacknowledged < PEER_WINDOW)
		return;
	unsigned char more[4] = { 0, 0, (unsigned char)(peer->unacknowledged >> 8),
				  (unsigned char)peer->unacknowledged };

	peer->n_out = frame_put(peer->out, peer->n_out,
				&(struct frame){ FRAME_WINDOW_UPDATE, 0, 0, 4, more });
	peer->unacknowledged = 0;
}

/* False when the service has closed the connection. */
static bool peer_read(struct peer *peer)
{
	ssize_t n =
		recv(peer->fd, peer->in + peer->n_in, sizeof(peer->in) - peer->n_in, MSG_DONTWAIT);
	struct frame frame;
	size_t at = 0, taken;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	peer->n_in += (size_t)n;
	while (frame_take(peer->in + at, peer->n_in - at, &frame, &taken)) {
		peer_take_frame(peer, &frame);
		at += taken;
	}
	peer->n_in -= at;
	memmove(peer->in, peer->in + at, peer->n_in);
	return true;
}

void peer_turn(struct peer *peer)
{
	if (peer_reads(peer) && !peer_read(peer)) {
		peer->counts->closed++;
		peer_close(peer);
		return;
	}
	while (peer->kind == PEER_BUSY && peer->n_open < PEER_CALLS &&
	       peer->n_out + 2 * FRAME_CALL_MAX < sizeof(peer->out))
		peer_ask_next(peer);
	if (peer->n_out > 0)
		peer_write(peer);
}
