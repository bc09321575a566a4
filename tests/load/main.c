/* SPDX-License-Identifier: Apache-2.0 */
/* load fill SOCKET N: makes N volumes.  load probe SOCKET MS: asks Probe for so long, on a
 * connection that stays and on a new one each time.  load storm SOCKET MS BUSY SLOW HALF NOISE: the
 * same among so many peers of each kind.  Prints lines of "name value"; times are in
 * microseconds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "storm.h"

#define LOAD_SAMPLES 200000

struct prober {
	const char *socket;
	bool connects; /* a new connection for each Probe */
	struct timespec until;
	pthread_t thread;
	size_t n;
	uint64_t samples[LOAD_SAMPLES];
};

static struct prober load_probers[] = { { .connects = false }, { .connects = true } };

static void load_must(int result, const struct fl_error *err)
{
	if (result == 0)
		return;
	fprintf(stderr, "load: %s: %s\n", fl_error_name(err->code), err->text);
	exit(1);
}

static void load_call(struct rpc_client *client, const ProtobufCServiceDescriptor *service,
		      const char *method, const void *message)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct rpc_request request = { .service = service, .method = method, .message = message };
	struct fl_error err = { 0 };
	const void *answer;

	load_must(rpc_client_call(client, arena, &request, &answer, &err), &err);
}

static struct rpc_client *load_connect(const char *socket)
{
	struct rpc_client *client = NULL;
	struct fl_error err = { 0 };

	load_must(rpc_client_new(socket, &client, &err), &err);
	return client;
}

static void load_fill(const char *socket, unsigned n)
{
	Csi__V1__VolumeCapability__BlockVolume block =
		CSI__V1__VOLUME_CAPABILITY__BLOCK_VOLUME__INIT;
	Csi__V1__VolumeCapability__AccessMode mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__INIT;
	Csi__V1__VolumeCapability capability = CSI__V1__VOLUME_CAPABILITY__INIT;
	Csi__V1__VolumeCapability *capabilities[] = { &capability };
	Csi__V1__CreateVolumeRequest request = CSI__V1__CREATE_VOLUME_REQUEST__INIT;
	struct rpc_client *client = load_connect(socket);
	char name[128];

	mode.mode = CSI__V1__VOLUME_CAPABILITY__ACCESS_MODE__MODE__SINGLE_NODE_WRITER;
	capability.access_type_case = CSI__V1__VOLUME_CAPABILITY__ACCESS_TYPE_BLOCK;
	capability.block = &block;
	capability.access_mode = &mode;
	request.name = name;
	request.volume_capabilities = capabilities;
	request.n_volume_capabilities = 1;
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "pvc-%08x-a-name-as-long-as-a-provisioner-gives-one",
			 i);
		load_call(client, &csi__v1__controller__descriptor, "CreateVolume", &request);
	}
	rpc_client_free(client);
}

static void load_probe(struct rpc_client *client)
{
	Csi__V1__ProbeRequest message = CSI__V1__PROBE_REQUEST__INIT;

	load_call(client, &csi__v1__identity__descriptor, "Probe", &message);
}

static void *load_run_prober(void *arg)
{
	struct prober *prober = arg;
	struct rpc_client *client = load_connect(prober->socket);

	load_probe(client);
	while (prober->n < LOAD_SAMPLES && !fl_clock_passed(prober->until)) {
		uint64_t start = fl_clock_us();

		if (prober->connects) {
			rpc_client_free(client);
			client = load_connect(prober->socket);
		}
		load_probe(client);
		prober->samples[prober->n++] = fl_clock_us() - start;
		fl_clock_sleep_ms(2);
	}
	rpc_client_free(client);
	return NULL;
}

static int load_compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void load_run_probers(const char *socket, uint64_t ms)
{
	static const char *const names[] = { "probe", "connect" };

	for (size_t i = 0; i < FL_COUNT(load_probers); i++) {
		load_probers[i].socket = socket;
		load_probers[i].until = fl_clock_after_ms(ms);
		if (pthread_create(&load_probers[i].thread, NULL, load_run_prober,
				   &load_probers[i]) != 0)
			exit(1);
	}
	for (size_t i = 0; i < FL_COUNT(load_probers); i++) {
		struct prober *prober = &load_probers[i];

		pthread_join(prober->thread, NULL);
		qsort(prober->samples, prober->n, sizeof(prober->samples[0]), load_compare);
		printf("%s_n %zu\n", names[i], prober->n);
		printf("%s_p50 %llu\n", names[i],
		       (unsigned long long)prober->samples[prober->n / 2]);
		printf("%s_p99 %llu\n", names[i],
		       (unsigned long long)prober->samples[prober->n * 99 / 100]);
	}
}

static void load_storm(const char *socket, uint64_t ms, char **words)
{
	static const char *const names[PEER_KINDS] = { "busy", "slow", "half", "noise" };
	struct peer_counts counts[PEER_KINDS];
	unsigned n[PEER_KINDS];

	for (int kind = 0; kind < PEER_KINDS; kind++)
		n[kind] = (unsigned)strtoul(words[kind], NULL, 10);
	struct storm *storm = storm_start(socket, n);
	load_run_probers(socket, ms);
	storm_stop(storm, counts);
	for (int kind = 0; kind < PEER_KINDS; kind++) {
		const struct peer_counts *c = &counts[kind];

		printf("%s_connected %llu\n%s_closed %llu\n%s_asked %llu\n%s_answered %llu\n"
		       "%s_cut %llu\n",
		       names[kind], (unsigned long long)c->connected, names[kind],
		       (unsigned long long)c->closed, names[kind], (unsigned long long)c->asked,
		       names[kind], (unsigned long long)c->answered, names[kind],
		       (unsigned long long)c->cut);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		load_fill(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
	else if (argc == 4 && strcmp(argv[1], "probe") == 0)
		load_run_probers(argv[2], strtoull(argv[3], NULL, 10));
	else if (argc == 8 && strcmp(argv[1], "storm") == 0)
		load_storm(argv[2], strtoull(argv[3], NULL, 10), argv + 4);
	else
		return 2;
	return 0;
}
