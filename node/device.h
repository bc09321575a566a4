/* SPDX-License-Identifier: Apache-2.0 */
/* Device: a volume's kernel device together with what shows it: mounts and published nodes. */
#pragma once

#include "node/connect/connect.h"
#include "node/mountinfo.h"

struct device_state {
	bool connected;
	struct connection connection;             /* when connected */
	struct mountinfo uses;                    /* mounts that show it, when connected */
	const struct mountinfo_entry *filesystem; /* the first of them that shows its file system */
};

/* Asks the kernel. */
int device_look(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		struct device_state *ret, struct fl_error *err) fl_must_check;

/* The volume's device with that kind of access, given what device_look has just seen.  One that
 * nothing shows is made anew when its access is the other kind; FL_IN_USE when something does. */
int device_connect(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		   bool read_only, const struct device_state *state, struct connection *ret,
		   struct fl_error *err) fl_must_check;

/* Takes the device away, with proof, unless something shows it: then FL_IN_USE names where. */
int device_disconnect(const struct fl_op *op, const char *volume_id, const struct fl_source *source,
		      struct fl_error *err) fl_must_check;
