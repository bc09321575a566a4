/* SPDX-License-Identifier: Apache-2.0 */
/* Btrfs: another UUID for a file system that is not mounted. */
#pragma once

#include "node/uuid.h"

extern const struct uuid_change btrfs_uuid;
