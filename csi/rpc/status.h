/* SPDX-License-Identifier: Apache-2.0 */
/* Status: our errors as gRPC statuses and back.
 *
 * Orchestrators take CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, RESOURCE_EXHAUSTED and ABORTED for
 * "work may still go on" and every other code for "it surely does not": the codes of base/error.h
 * keep that difference. */
#pragma once

#include <grpc/status.h>

#include "base/error.h"

grpc_status_code rpc_status_of(enum fl_error_code code);
enum fl_error_code rpc_status_error(grpc_status_code status);

/* Copies `text`, with '?' for each byte that is a control character or not part of valid UTF-8:
 * peers in other languages drop a whole status for one such byte. */
void rpc_status_text(const char *text, char *ret, size_t size);
