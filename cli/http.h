/* SPDX-License-Identifier: Apache-2.0 */
/* Http: /metrics for Prometheus, /healthz and /readyz for whoever restarts processes.
 *
 * One thread of its own, so that it answers while every worker is busy. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct http;

/* Both are called on the HTTP thread. */
struct http_content {
	void (*metrics)(FILE *out);
	/* What the service still waits for, or NULL when it serves. */
	const char *(*not_ready)(void);
};

/* FL_INVALID unless `address` is HOST:PORT ("127.0.0.1:9100", "[::1]:9100", ":9100" for all). */
int http_check_address(const char *address, struct fl_error *err) fl_must_check;
/* Listens at `address`; `content` is borrowed. */
int http_start(const char *address, const struct http_content *content, struct http **ret,
	       struct fl_error *err) fl_must_check;
/* NULL is fine. */
void http_stop(struct http *http);
