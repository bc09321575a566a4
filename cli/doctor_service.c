/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/channel.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "doctor.h"
#include "run.h"

#define DOCTOR_PROBE_MS 2000

struct doctor_finding doctor_configuration(struct doctor *d)
{
	struct fl_error err = { 0 };

	if (fl_settings_load(d->arena, d->config, &d->settings, &err) < 0)
		return doctor_bad(fl_arena_strdup(d->arena, err.text));
	d->has_settings = true;
	return doctor_good(fl_arena_printf(
		d->arena, "%s: %zu pool%s, node %s", d->config ? d->config : "the embedded default",
		d->settings.n_pools, d->settings.n_pools == 1 ? "" : "s", d->settings.node.id));
}

static struct doctor_finding doctor_service(struct doctor *d, const char *role)
{
	Csi__V1__ProbeRequest message = CSI__V1__PROBE_REQUEST__INIT;
	struct rpc_request request = { &csi__v1__identity__descriptor, "Probe", &message,
				       DOCTOR_PROBE_MS };
	const char *endpoint = run_endpoint_of(d->arena, role);
	fl_cleanup(rpc_client_release) struct rpc_client *client = NULL;
	struct fl_error err = { 0 };
	const void *reply;

	if (rpc_client_new(endpoint, &client, &err) < 0 ||
	    rpc_client_call(client, d->arena, &request, &reply, &err) < 0)
		return doctor_bad(fl_arena_strdup(d->arena, err.text));
	return doctor_good(fl_arena_printf(d->arena, "%s answers", endpoint));
}

struct doctor_finding doctor_controller(struct doctor *d)
{
	return doctor_service(d, "controller");
}

struct doctor_finding doctor_node(struct doctor *d)
{
	return doctor_service(d, "node");
}

struct doctor_finding doctor_disks(struct doctor *d)
{
	const char *path =
		d->has_settings ? d->settings.node.disks : run_path(d->arena, "disks.sock");
	fl_cleanup(fl_close) int fd = -1;
	struct fl_error err = { 0 };

	if (fl_channel_connect(path, &fd, &err) < 0)
		return doctor_bad(fl_arena_strdup(d->arena, err.text));
	return doctor_good(fl_arena_printf(d->arena, "%s answers", path));
}
