/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <string.h>

static size_t frame_bytes(unsigned char *out, size_t n, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(out + n, bytes, size);
	return n + size;
}

static size_t frame_number(unsigned char *out, size_t n, uint32_t value, unsigned bytes)
{
	while (bytes-- > 0)
		out[n++] = (unsigned char)(value >> (8 * bytes));
	return n;
}

size_t frame_put(unsigned char *out, size_t n, const struct frame *frame)
{
	n = frame_number(out, n, (uint32_t)frame->size, 3);
	n = frame_number(out, n, frame->type, 1);
	n = frame_number(out, n, frame->flags, 1);
	n = frame_number(out, n, frame->stream, 4);
	return frame_bytes(out, n, frame->payload, frame->size);
}

size_t frame_greeting(unsigned char *out, size_t n)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	n = frame_bytes(out, n, preface, strlen(preface));
	return frame_put(out, n, &(struct frame){ .type = FRAME_SETTINGS });
}

/* HPACK, the plainest form: a literal that is not indexed, without Huffman coding. */
static size_t frame_header(unsigned char *out, size_t n, const char *name, const char *value)
{
	n = frame_number(out, n, 0, 1);
	n = frame_number(out, n, (uint32_t)strlen(name), 1);
	n = frame_bytes(out, n, name, strlen(name));
	n = frame_number(out, n, (uint32_t)strlen(value), 1);
	return frame_bytes(out, n, value, strlen(value));
}

size_t frame_call(unsigned char *out, size_t n, uint32_t stream, const char *path)
{
	unsigned char block[FRAME_CALL_MAX - FRAME_HEAD];
	size_t size = 0;

	size = frame_header(block, size, ":method", "POST");
	size = frame_header(block, size, ":scheme", "http");
	size = frame_header(block, size, ":path", path);
	size = frame_header(block, size, ":authority", "localhost");
	size = frame_header(block, size, "te", "trailers");
	size = frame_header(block, size, "content-type", "application/grpc");
	return frame_put(out, n,
			 &(struct frame){ FRAME_HEADERS, FRAME_END_HEADERS, stream, size, block });
}

size_t frame_message(unsigned char *out, size_t n, uint32_t stream, const void *message,
		     size_t size)
{
	struct frame head = { FRAME_DATA, FRAME_END_STREAM, stream, 0, NULL };
	size_t start = n;

	n = frame_put(out, n, &head);
	n = frame_number(out, n, 0, 1); /* not compressed */
	n = frame_number(out, n, (uint32_t)size, 4);
	frame_number(out, start, (uint32_t)size + 5, 3);
	return frame_bytes(out, n, message, size);
}

bool frame_take(const unsigned char *bytes, size_t size, struct frame *ret, size_t *ret_taken)
{
	if (size < FRAME_HEAD)
		return false;
	ret->size = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
	ret->type = bytes[3];
	ret->flags = bytes[4];
	ret->stream = ((uint32_t)bytes[5] << 24 | (uint32_t)bytes[6] << 16 |
		       (uint32_t)bytes[7] << 8 | bytes[8]) &
		      0x7fffffff;
	ret->payload = bytes + FRAME_HEAD;
	*ret_taken = FRAME_HEAD + ret->size;
	return size >= *ret_taken;
}
