/* SPDX-License-Identifier: Apache-2.0 */
/* Leftovers: what is in a pool's directory beyond its own folders and its lock file. */
#pragma once

#include <stddef.h>

/* Prints each as a comment of TAP; returns how many there are. */
size_t leftovers_print(const char *directory);
