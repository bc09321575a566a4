/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: what is said about each finished call: one line in the log and one observation.
 *
 * Only fields that are named here are printed, so a secret can never be: a request's `secrets`,
 * parameters and contexts are not among them. */
#pragma once

#include "csi/rpc/rpc.h"

/* Registers the metrics; before the server starts. */
void edge_init(void);
/* For rpc_server_options.on_done; the cookie is not used. */
void edge_done(void *cookie, const struct rpc_done *done);
