/* SPDX-License-Identifier: Apache-2.0 */
/* Run: where this installation keeps what lasts until the next boot, and its sockets. */
#pragma once

#include "base/arena.h"

/* $FAIRLEAD_RUN, else /run/fairlead. */
const char *run_directory(struct fl_arena *arena);
/* A path below it. */
const char *run_path(struct fl_arena *arena, const char *format, ...) fl_printf_like(2, 3);

/* Where `fairlead ROLE` ("serve", "controller", "node") listens unless told otherwise:
 * unix://RUN/csi.sock, RUN/controller.sock, RUN/node.sock. */
const char *run_endpoint(struct fl_arena *arena, const char *role);
/* Where to call a service of that role: the socket of `serve` when there is one, else its own. */
const char *run_endpoint_of(struct fl_arena *arena, const char *role);
