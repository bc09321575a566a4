/* SPDX-License-Identifier: Apache-2.0 */
/* Volume: what listing volumes and getting one have in common. */
#pragma once

#include "csi/reply.h"
#include "object.h"

/* As CSI's message. */
Csi__V1__Volume *volume_reply(const struct controller *c, const struct fl_op *op,
			      struct fl_pool *pool, const struct fl_volume *volume);
