/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

#define HTTP_CONNECTIONS 16u
#define HTTP_TIMEOUT_S 10u
#define HTTP_STACK ((size_t)256 * 1024)

struct http {
	struct MHD_Daemon *daemon;
	const struct http_content *content;
};

static enum MHD_Result http_answer(struct MHD_Connection *connection, unsigned status, char *text,
				   enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/plain; version=0.0.4; charset=utf-8");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result http_say(struct MHD_Connection *connection, unsigned status,
				const char *text)
{
	return http_answer(connection, status, (char *)text, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result http_metrics(struct MHD_Connection *connection, const struct http *http)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return MHD_NO;
	http->content->metrics(out);
	if (fclose(out) != 0 || !text) {
		free(text);
		return MHD_NO;
	}
	return http_answer(connection, MHD_HTTP_OK, text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result http_healthz(struct MHD_Connection *connection, const struct http *http)
{
	(void)http;
	return http_say(connection, MHD_HTTP_OK, "ok\n");
}

static enum MHD_Result http_readyz(struct MHD_Connection *connection, const struct http *http)
{
	const char *waits = http->content->not_ready();
	char text[200];

	if (!waits)
		return http_say(connection, MHD_HTTP_OK, "ok\n");
	snprintf(text, sizeof(text), "not ready: %s\n", waits);
	return http_say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

static const struct {
	const char *path;
	enum MHD_Result (*answer)(struct MHD_Connection *connection, const struct http *http);
} http_pages[] = {
	{ "/metrics", http_metrics },
	{ "/healthz", http_healthz },
	{ "/readyz", http_readyz },
};

static enum MHD_Result http_handle(void *cookie, struct MHD_Connection *connection,
				   const char *path, const char *method, const char *version,
				   const char *upload, size_t *upload_size, void **state)
{
	const struct http *http = cookie;

	(void)version;
	(void)upload;
	(void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return http_say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	*upload_size = 0;
	for (size_t i = 0; i < FL_COUNT(http_pages); i++) {
		if (strcmp(path, http_pages[i].path) == 0)
			return http_pages[i].answer(connection, http);
	}
	return http_say(connection, MHD_HTTP_NOT_FOUND,
			"there are /metrics, /healthz and /readyz\n");
}

/* Splits "HOST:PORT" and resolves it; freeaddrinfo is the caller's. */
static int http_resolve(const char *address, struct addrinfo **ret, struct fl_error *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	char host[256] = "";
	uint64_t port;
	struct fl_error ignored;
	size_t length = colon ? (size_t)(colon - address) : 0;
	size_t bracket = length >= 2 && address[0] == '[' && colon[-1] == ']';
	int result;

	if (!colon || fl_text_parse_number(colon + 1, &port, &ignored) < 0 || port < 1 ||
	    port > 65535 || length >= sizeof(host))
		return fl_error_set(err, FL_INVALID,
				    "address \"%s\" is not HOST:PORT, such as 127.0.0.1:9100",
				    address);
	memcpy(host, address + bracket, length - 2 * bracket);
	result = getaddrinfo(*host ? host : NULL, colon + 1, &hints, ret);
	if (result != 0)
		return fl_error_set(err, FL_INVALID, "address \"%s\": %s", address,
				    gai_strerror(result));
	return 0;
}

int http_check_address(const char *address, struct fl_error *err)
{
	struct addrinfo *found;

	if (http_resolve(address, &found, err) < 0)
		return -1;
	freeaddrinfo(found);
	return 0;
}

int http_start(const char *address, const struct http_content *content, struct http **ret,
	       struct fl_error *err)
{
	struct addrinfo *found;
	struct http *http;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC;

	if (http_resolve(address, &found, err) < 0)
		return -1;
	http = calloc(1, sizeof(*http));
	if (!http)
		abort();
	http->content = content;
	if (found->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	http->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, http_handle, http, MHD_OPTION_SOCK_ADDR, found->ai_addr,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		HTTP_TIMEOUT_S, MHD_OPTION_THREAD_STACK_SIZE, HTTP_STACK, MHD_OPTION_END);
	freeaddrinfo(found);
	if (!http->daemon) {
		free(http);
		return fl_error_sys(err, errno ? errno : EADDRNOTAVAIL, "listening at %s", address);
	}
	*ret = http;
	return 0;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}
