/* SPDX-License-Identifier: Apache-2.0 */
/* Frame: HTTP/2 as far as a peer needs it that never waits: requests in bytes, and what of the
 * server's bytes asks for something. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_WINDOW_UPDATE = 8,
};
enum frame_flag { FRAME_END_STREAM = 1, FRAME_ACK = 1, FRAME_END_HEADERS = 4 };

#define FRAME_HEAD 9

struct frame {
	enum frame_type type;
	unsigned flags;
	uint32_t stream;
	size_t size;
	const unsigned char *payload;
};

/* All of these append to `out`, which has room enough (FRAME_CALL_MAX and the message for a call),
 * and return its new length. */
#define FRAME_CALL_MAX 512
size_t frame_greeting(unsigned char *out, size_t n);
size_t frame_put(unsigned char *out, size_t n, const struct frame *frame);
/* HEADERS of a gRPC call ("/csi.v1.Controller/ListVolumes"), without END_STREAM. */
size_t frame_call(unsigned char *out, size_t n, uint32_t stream, const char *path);
/* The one message of a call, with END_STREAM. */
size_t frame_message(unsigned char *out, size_t n, uint32_t stream, const void *message,
		     size_t size);

/* The first frame of `size` bytes; false when it is not whole yet.  *ret_taken is its length. */
bool frame_take(const unsigned char *bytes, size_t size, struct frame *ret, size_t *ret_taken);
