/* SPDX-License-Identifier: Apache-2.0 */
/* Gauges: the state of this process, asked for when somebody reads the metrics. */
#pragma once

#include <stdio.h>

#include "base/busy.h"
#include "csi/rpc/rpc.h"

/* Registers them.  The server and the marks of the pools and of the node (NULL where there is none)
 * are borrowed until gauges_end. */
void gauges_init(struct rpc_server *server, struct fl_busy *pools, struct fl_busy *node);
/* From now on they are not asked any more. */
void gauges_end(void);
/* Brings everything up to date and prints all metrics of the process.  From any thread. */
void gauges_render(FILE *out);
