/* SPDX-License-Identifier: Apache-2.0 */
/* Uring: whether this host has io_uring. */
#pragma once

/* NULL when a ring can be made, else why not.  Makes one and closes it. */
const char *uring_lacks(void);
