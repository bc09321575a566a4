/* SPDX-License-Identifier: Apache-2.0 */
/* Accel: whether the guest runs on the processor (KVM) or is translated (TCG). */
#pragma once

#include "base/error.h"

/* `wanted` is "auto", "kvm" or "tcg"; *ret becomes "kvm" or "tcg".  Says in the log which one was
 * chosen and why.  "auto" never fails; "kvm" is FL_UNSUPPORTED when /dev/kvm does not open. */
int accel_choose(const char *wanted, const char **ret, struct fl_error *err) fl_must_check;

/* Why KVM would not work although /dev/kvm may open, read from the text of /proc/cpuinfo: NULL when
 * the processor can virtualise. */
const char *accel_processor_lacks(const char *cpuinfo);
