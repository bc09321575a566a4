/* SPDX-License-Identifier: Apache-2.0 */
/* Raw: a peer that speaks HTTP/2 frame by frame, so that tests can say what no client would. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum raw_frame {
	RAW_DATA = 0,
	RAW_HEADERS = 1,
	RAW_RST_STREAM = 3,
	RAW_SETTINGS = 4,
	RAW_WINDOW_UPDATE = 8
};
enum raw_flag { RAW_END_STREAM = 1, RAW_END_HEADERS = 4 };

/* A connected socket, blocking; -1 when nobody listens. */
int raw_connect(const char *path);
/* The preface and empty settings. */
bool raw_greet(int fd);
bool raw_send_frame(int fd, enum raw_frame type, int flags, const void *data, size_t size);
/* HEADERS of a gRPC call on stream 1; `encoding` is grpc-encoding ("gzip") or NULL. */
bool raw_begin_call(int fd, const char *path, const char *encoding);
/* DATA with one gRPC message on stream 1, and no more. */
bool raw_send_message(int fd, bool is_compressed, const void *data, size_t size);
/* True when the peer closes within `ms`; everything it says until then is dropped. */
bool raw_await_close(int fd, int ms);
/* True when `text` turns up in what the peer says within `ms` (our server's trailers are plain). */
bool raw_await_text(int fd, const char *text, int ms);
