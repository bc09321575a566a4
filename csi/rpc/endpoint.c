/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static const char *endpoint_path(const char *endpoint)
{
	if (fl_text_starts_with(endpoint, "unix://"))
		return endpoint + strlen("unix://");
	if (fl_text_starts_with(endpoint, "unix:"))
		return endpoint + strlen("unix:");
	return endpoint;
}

int rpc_endpoint_address(const char *endpoint, size_t spare, struct sockaddr_un *ret,
			 struct fl_error *err)
{
	const char *path = endpoint_path(endpoint);
	size_t length = strlen(path), most = sizeof(ret->sun_path) - 1 - spare;

	if (path[0] != '/' || path[length - 1] == '/')
		return fl_error_set(err, FL_INVALID,
				    "endpoint \"%s\" is not unix:///absolute/path of a socket",
				    endpoint);
	if (length > most)
		return fl_error_set(err, FL_INVALID,
				    "endpoint \"%s\" is too long: the path has %zu bytes, a socket "
				    "can have %zu",
				    endpoint, length, most);
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, path, length);
	return 0;
}
