/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint: where a service is: "unix:///path", "unix:/path" or "/path", always a unix socket. */
#pragma once

#include <sys/un.h>

#include "base/error.h"

/* FL_INVALID for anything but an absolute path that fits, with `spare` more bytes, into an address.
 * Nothing is decoded: "%41" is three characters. */
int rpc_endpoint_address(const char *endpoint, size_t spare, struct sockaddr_un *ret,
			 struct fl_error *err) fl_must_check;
