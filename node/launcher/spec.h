/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: what the parts of the launcher do with a specification beyond launcher.h. */
#pragma once

#include "launcher.h"

/* The node of `key` in a map, or the map itself: where an error about the key points. */
const struct fl_config_node *spec_key(const struct fl_config_node *map, const char *key);

/* The rules of the two lists, for vm_spec_load. */
int spec_check_disks(const struct vm_spec *spec, struct fl_error *err) fl_must_check;
int spec_check_nics(const struct vm_spec *spec, struct fl_error *err) fl_must_check;

/* Writes the specification as JSON to `name` in dir_fd, durably; vm_spec_load reads it again and
 * gives an equal one. */
int spec_save(const struct vm_spec *spec, int dir_fd, const char *name, struct fl_error *err)
	fl_must_check;
