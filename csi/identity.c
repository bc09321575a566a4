/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include "reply.h"

#define IDENTITY_SERVICES 32 /* bits of `services` */
#define IDENTITY_OFFERS (IDENTITY_SERVICES + 1)

static int identity_get_plugin_info(struct rpc_call *call, const void *request, void *response,
				    struct fl_error *err)
{
	Csi__V1__GetPluginInfoResponse *answer = response;

	(void)call;
	(void)request;
	(void)err;
	answer->name = (char *)IDENTITY_NAME;
	answer->vendor_version = (char *)FL_VERSION;
	return 0;
}

static Csi__V1__PluginCapability *identity_offer_service(
	struct fl_arena *arena, Csi__V1__PluginCapability__Service__Type type)
{
	Csi__V1__PluginCapability *offer =
		reply_new(arena, &csi__v1__plugin_capability__descriptor);

	offer->type_case = CSI__V1__PLUGIN_CAPABILITY__TYPE_SERVICE;
	offer->service = reply_new(arena, &csi__v1__plugin_capability__service__descriptor);
	offer->service->type = type;
	return offer;
}

static Csi__V1__PluginCapability *identity_offer_expansion(struct fl_arena *arena)
{
	Csi__V1__PluginCapability *offer =
		reply_new(arena, &csi__v1__plugin_capability__descriptor);

	offer->type_case = CSI__V1__PLUGIN_CAPABILITY__TYPE_VOLUME_EXPANSION;
	offer->volume_expansion =
		reply_new(arena, &csi__v1__plugin_capability__volume_expansion__descriptor);
	offer->volume_expansion->type = CSI__V1__PLUGIN_CAPABILITY__VOLUME_EXPANSION__TYPE__ONLINE;
	return offer;
}

/* CSI wants the sum of what all instances of the plugin can do, from each of them: so a node says
 * CONTROLLER_SERVICE too. */
static int identity_get_plugin_capabilities(struct rpc_call *call, const void *request,
					    void *response, struct fl_error *err)
{
	const struct identity *identity = rpc_call_cookie(call);
	struct fl_arena *arena = rpc_call_arena(call);
	Csi__V1__GetPluginCapabilitiesResponse *answer = response;
	unsigned services = identity->services |
			    1u << CSI__V1__PLUGIN_CAPABILITY__SERVICE__TYPE__CONTROLLER_SERVICE;

	(void)request;
	(void)err;
	answer->capabilities =
		fl_arena_array(arena, IDENTITY_OFFERS, sizeof(*answer->capabilities));
	for (unsigned type = 0; type < IDENTITY_SERVICES; type++)
		if (services & (1u << type))
			answer->capabilities[answer->n_capabilities++] = identity_offer_service(
				arena, (Csi__V1__PluginCapability__Service__Type)type);
	if (identity->can_expand)
		answer->capabilities[answer->n_capabilities++] = identity_offer_expansion(arena);
	return 0;
}

static int identity_probe(struct rpc_call *call, const void *request, void *response,
			  struct fl_error *err)
{
	struct identity *identity = rpc_call_cookie(call);
	Csi__V1__ProbeResponse *answer = response;

	(void)request;
	(void)err;
	answer->ready = reply_bool(rpc_call_arena(call), atomic_load(&identity->ready));
	return 0;
}

static const struct rpc_method identity_methods[] = {
	{ "GetPluginInfo", identity_get_plugin_info, RPC_QUICK },
	{ "GetPluginCapabilities", identity_get_plugin_capabilities, RPC_QUICK },
	{ "Probe", identity_probe, RPC_QUICK },
};

struct rpc_service identity_service(struct identity *identity)
{
	return (struct rpc_service){
		.descriptor = &csi__v1__identity__descriptor,
		.methods = identity_methods,
		.n_methods = FL_COUNT(identity_methods),
		.cookie = identity,
	};
}
