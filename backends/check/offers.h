/* SPDX-License-Identifier: Apache-2.0 */
/* Offers: what a pool can do, and so which statements are about it. */
#pragma once

#include "statement.h"

/* Those of enum check_needs that the pool meets; c->is_file and c->has_bytes are known. */
unsigned offers_of(const struct check *c);
/* What `offered` lacks of `needs`, as a phrase; NULL: nothing. */
const char *offers_lack(unsigned offered, unsigned needs);
/* What a statement with these needs is about. */
const char *offers_capability(unsigned needs);
/* Calls plan->offer for each capability. */
void offers_tell(const struct backend_check_plan *plan, unsigned offered);
