/* SPDX-License-Identifier: Apache-2.0 */
/* Clock: deadlines on CLOCK_MONOTONIC, and wall-clock time for records. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Now plus `ms` on CLOCK_MONOTONIC. */
struct timespec fl_clock_after_ms(uint64_t ms);
/* Milliseconds until `deadline`; 0 when it has passed. */
uint64_t fl_clock_left_ms(struct timespec deadline);
bool fl_clock_passed(struct timespec deadline);
/* The earlier of two deadlines. */
struct timespec fl_clock_earlier(struct timespec a, struct timespec b);
/* CLOCK_MONOTONIC in microseconds, for durations. */
uint64_t fl_clock_us(void);
/* CLOCK_REALTIME in nanoseconds since 1970, for records and answers. */
int64_t fl_clock_wall_ns(void);
/* Sleeps at most `ms`; signals do not cut it short. */
void fl_clock_sleep_ms(uint64_t ms);
