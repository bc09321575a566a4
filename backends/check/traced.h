/* SPDX-License-Identifier: Apache-2.0 */
/* Traced: a backend around another one, each call of which is noted in the trace. */
#pragma once

#include "backends/backend.h"

/* `backend` with the same capabilities.  There is one at a time in a process: it is valid until the
 * next traced_wrap, which comes after its pools are closed.  Its calls come from any threads. */
const struct fl_backend *traced_wrap(const struct fl_backend *backend);
