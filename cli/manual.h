/* SPDX-License-Identifier: Apache-2.0 */
/* Manual: docs/cli.md, made from the tables (`fairlead help --markdown`). */
#pragma once

#include <stdio.h>

#include "base/arena.h"

void manual_print(FILE *out, struct fl_arena *arena);
