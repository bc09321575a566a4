/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

void fl_op_step(const struct fl_op *op, const char *step, uint64_t done, uint64_t total)
{
	if (!op->progress)
		return;
	atomic_store_explicit(&op->progress->step, step, memory_order_relaxed);
	atomic_store_explicit(&op->progress->done, done, memory_order_relaxed);
	atomic_store_explicit(&op->progress->total, total, memory_order_relaxed);
}
