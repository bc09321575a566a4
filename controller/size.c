/* SPDX-License-Identifier: Apache-2.0 */
#include "size.h"

#include <inttypes.h>

#define SIZE_SECTOR 512
#define SIZE_BLOCK 4096
#define SIZE_DEFAULT ((uint64_t)1 << 30)
/* Beyond it, rounding up would leave the signed numbers of the wire. */
#define SIZE_MOST ((uint64_t)INT64_MAX - SIZE_BLOCK)

static uint64_t size_round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static uint64_t size_wanted(const struct capacity_range *range, uint64_t content_bytes,
			    uint64_t max)
{
	if (range->required_bytes)
		return range->required_bytes;
	if (content_bytes)
		return content_bytes;
	return max && max < SIZE_DEFAULT ? max : SIZE_DEFAULT;
}

int size_choose(const struct capacity_range *range, uint64_t content_bytes, uint64_t *ret_min,
		uint64_t *ret_max, struct fl_error *err)
{
	uint64_t max = range->limit_bytes / SIZE_SECTOR * SIZE_SECTOR;
	uint64_t wanted = size_wanted(range, content_bytes, max);
	uint64_t min;

	if (wanted > SIZE_MOST)
		return fl_error_set(err, FL_OUT_OF_RANGE, "%" PRIu64 " bytes are too many", wanted);
	if (range->limit_bytes && range->limit_bytes < content_bytes)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "limit_bytes %" PRIu64 " is less than the %" PRIu64
				    " bytes of the content source: ask for at least its size",
				    range->limit_bytes, content_bytes);
	if (wanted < content_bytes)
		wanted = content_bytes;
	min = size_round_up(wanted, SIZE_BLOCK);
	if (range->limit_bytes && min > max)
		min = size_round_up(wanted, SIZE_SECTOR);
	if (range->limit_bytes && min > max)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "no multiple of %d bytes lies between %" PRIu64
				    " and limit_bytes %" PRIu64,
				    SIZE_SECTOR, wanted, range->limit_bytes);
	*ret_min = min;
	*ret_max = max;
	return 0;
}
