/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* No default: the compiler names a code that somebody forgot here. */
grpc_status_code rpc_status_of(enum fl_error_code code)
{
	switch (code) {
	case FL_OK:
		return GRPC_STATUS_OK;
	case FL_INVALID:
		return GRPC_STATUS_INVALID_ARGUMENT;
	case FL_NOT_FOUND:
		return GRPC_STATUS_NOT_FOUND;
	case FL_EXISTS:
		return GRPC_STATUS_ALREADY_EXISTS;
	case FL_OUT_OF_RANGE:
		return GRPC_STATUS_OUT_OF_RANGE;
	case FL_NO_SPACE:
		return GRPC_STATUS_RESOURCE_EXHAUSTED;
	case FL_IN_USE:
		return GRPC_STATUS_FAILED_PRECONDITION;
	case FL_BUSY:
	case FL_BAD_TOKEN:
		return GRPC_STATUS_ABORTED;
	case FL_UNSUPPORTED:
		return GRPC_STATUS_UNIMPLEMENTED;
	case FL_DENIED:
		return GRPC_STATUS_PERMISSION_DENIED;
	case FL_UNAVAILABLE:
		return GRPC_STATUS_UNAVAILABLE;
	case FL_TIMEOUT:
		return GRPC_STATUS_DEADLINE_EXCEEDED;
	case FL_INTERNAL:
	case FL_ERROR_COUNT:
		return GRPC_STATUS_INTERNAL;
	}
	return GRPC_STATUS_INTERNAL;
}

enum fl_error_code rpc_status_error(grpc_status_code status)
{
	switch (status) {
	case GRPC_STATUS_OK:
		return FL_OK;
	case GRPC_STATUS_INVALID_ARGUMENT:
		return FL_INVALID;
	case GRPC_STATUS_NOT_FOUND:
		return FL_NOT_FOUND;
	case GRPC_STATUS_ALREADY_EXISTS:
		return FL_EXISTS;
	case GRPC_STATUS_OUT_OF_RANGE:
		return FL_OUT_OF_RANGE;
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return FL_NO_SPACE;
	case GRPC_STATUS_FAILED_PRECONDITION:
		return FL_IN_USE;
	case GRPC_STATUS_ABORTED:
		return FL_BUSY;
	case GRPC_STATUS_UNIMPLEMENTED:
		return FL_UNSUPPORTED;
	case GRPC_STATUS_PERMISSION_DENIED:
	case GRPC_STATUS_UNAUTHENTICATED:
		return FL_DENIED;
	case GRPC_STATUS_UNAVAILABLE:
	case GRPC_STATUS_CANCELLED:
		return FL_UNAVAILABLE;
	case GRPC_STATUS_DEADLINE_EXCEEDED:
		return FL_TIMEOUT;
	default: /* a peer may send any number */
		return FL_INTERNAL;
	}
}

/* Bytes of the character at `text` when it is one that may be shown, else 0. */
static size_t status_character(const char *text, size_t left)
{
	for (size_t n = 1; n <= 4 && n <= left; n++) {
		if (fl_text_is_printable(text, n))
			return n;
	}
	return 0;
}

void rpc_status_text(const char *text, char *ret, size_t size)
{
	size_t left = strlen(text), used = 0;

	while (left > 0) {
		size_t n = status_character(text, left), step = n ? n : 1;
		if (used + step >= size)
			break;
		if (n)
			memcpy(ret + used, text, n);
		else
			ret[used] = '?';
		used += step;
		text += step;
		left -= step;
	}
	ret[used] = '\0';
}
