/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz: what a target offers to driver.c, and the first of it to libFuzzer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FUZZ_MAX_BYTES (64 * 1024)

/* Does with an input what the program would do, and aborts when something that always holds does
 * not.  Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Good input number i, written to `ret` (FUZZ_MAX_BYTES); its size.  i counts from 0 and wraps
 * wherever the target likes. */
size_t fuzz_seed(size_t i, uint8_t *ret);
