/* SPDX-License-Identifier: Apache-2.0 */
/* Call: the life of one call, from gRPC's first notice to the last reference.
 *
 *	armed ─accepted▶ route ─received▶ worker (quick: here) ─▶ handler ─▶ finish ─finished▶ gone
 *		       └ watch for the caller's leaving ──────closed▶ cancelled = true
 *
 * Arrows with a word are completions on the polling thread. */
#pragma once

#include "server.h"

/* Makes a call object that waits for a caller; every accepted call arms the next one. */
void rpc_call_arm(struct rpc_server *server);
