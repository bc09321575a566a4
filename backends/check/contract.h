/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: what backend.h asks of each member of struct fl_backend, for the report of a failure.
 * tests/conformance/contracts.py holds it against the header's own words. */
#pragma once

/* `member` as in struct trace_line; never NULL. */
const char *contract_of(const char *member);
