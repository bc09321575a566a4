/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

int raw_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool raw_write(int fd, const void *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool raw_send_frame(int fd, enum raw_frame type, int flags, const void *data, size_t size)
{
	/* Windows are the connection's. */
	unsigned char stream = type == RAW_SETTINGS || type == RAW_WINDOW_UPDATE ? 0 : 1;
	unsigned char head[9] = { (unsigned char)(size >> 16),
				  (unsigned char)(size >> 8),
				  (unsigned char)size,
				  (unsigned char)type,
				  (unsigned char)flags,
				  0,
				  0,
				  0,
				  stream };

	return raw_write(fd, head, sizeof(head)) && (size == 0 || raw_write(fd, data, size));
}

bool raw_greet(int fd)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	return raw_write(fd, preface, strlen(preface)) &&
	       raw_send_frame(fd, RAW_SETTINGS, 0, NULL, 0);
}

/* HPACK, the plainest form: a literal that is not indexed, without Huffman coding. */
static size_t raw_header(unsigned char *out, const char *name, const char *value)
{
	size_t n = 0;

	out[n++] = 0;
	out[n++] = (unsigned char)strlen(name);
	memcpy(out + n, name, strlen(name));
	n += strlen(name);
	out[n++] = (unsigned char)strlen(value);
	memcpy(out + n, value, strlen(value));
	return n + strlen(value);
}

bool raw_begin_call(int fd, const char *path, const char *encoding)
{
	unsigned char block[1024];
	size_t n = 0;

	n += raw_header(block + n, ":method", "POST");
	n += raw_header(block + n, ":scheme", "http");
	n += raw_header(block + n, ":path", path);
	n += raw_header(block + n, ":authority", "localhost");
	n += raw_header(block + n, "te", "trailers");
	n += raw_header(block + n, "content-type", "application/grpc");
	if (encoding)
		n += raw_header(block + n, "grpc-encoding", encoding);
	return raw_send_frame(fd, RAW_HEADERS, RAW_END_HEADERS, block, n);
}

bool raw_send_message(int fd, bool is_compressed, const void *data, size_t size)
{
	unsigned char frame[8192] = { is_compressed, (unsigned char)(size >> 24),
				      (unsigned char)(size >> 16), (unsigned char)(size >> 8),
				      (unsigned char)size };

	if (size > sizeof(frame) - 5)
		return false;
	if (size > 0)
		memcpy(frame + 5, data, size);
	return raw_send_frame(fd, RAW_DATA, 0, frame, size + 5);
}

static ssize_t raw_read(int fd, void *buffer, size_t size, struct timespec deadline)
{
	struct pollfd watch = { fd, POLLIN, 0 };

	if (poll(&watch, 1, (int)fl_clock_left_ms(deadline)) <= 0)
		return -1;
	return recv(fd, buffer, size, 0);
}

bool raw_await_close(int fd, int ms)
{
	struct timespec deadline = fl_clock_after_ms((uint64_t)ms);
	char buffer[4096];
	ssize_t n;

	while ((n = raw_read(fd, buffer, sizeof(buffer), deadline)) > 0)
		continue;
	return n == 0 || !fl_clock_passed(deadline);
}

bool raw_await_text(int fd, const char *text, int ms)
{
	struct timespec deadline = fl_clock_after_ms((uint64_t)ms);
	char buffer[16384];
	size_t used = 0;
	ssize_t n;

	while (used < sizeof(buffer) &&
	       (n = raw_read(fd, buffer + used, sizeof(buffer) - used, deadline)) > 0) {
		used += (size_t)n;
		if (memmem(buffer, used, text, strlen(text)))
			return true;
	}
	return false;
}
