/* SPDX-License-Identifier: Apache-2.0 */
/* bench volume|stage ENDPOINT DIRECTORY ROUNDS [EMPTY]: prints "service floor" in microseconds, one
 * line a round.  DIRECTORY is on the file system that the pool is on.  With EMPTY the floor of
 * stage calls the server there twice, once for each call of the service.  bench probe ENDPOINT
 * EMPTY ROUNDS: the same for Probe, whose floor is the server at EMPTY.  bench start ENDPOINT
 * ROUNDS PROGRAM…: prints the microseconds from starting PROGRAM to its first answer at ENDPOINT.
 * bench empty ENDPOINT: the empty server, until it is killed. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"

#define VOLUME_BYTES ((int64_t)1 << 30)

extern char **environ;

void bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bench_number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

static void bench_say(uint64_t service_us, uint64_t floor_us)
{
	printf("%" PRIu64 " %" PRIu64 "\n", service_us, floor_us);
}

/* What is measured against what. */
struct bench {
	struct service service;
	struct service empty; /* client NULL: the floor makes no calls */
	const char *directory;
};

static void measure_volume(struct bench *bench)
{
	struct service *service = &bench->service;
	const char *directory = bench->directory;
	uint64_t start = fl_clock_us(), between;

	service_delete(service, service_create(service, "bench", VOLUME_BYTES));
	between = fl_clock_us();
	floor_create(directory, VOLUME_BYTES);
	floor_delete(directory);
	bench_say(between - start, fl_clock_us() - between);
}

static uint64_t measure_probe(struct service *service)
{
	uint64_t start = fl_clock_us(), took;

	if (!service_answers(service))
		bench_fail("Probe");
	took = fl_clock_us() - start;
	service_forget(service);
	return took;
}

static uint64_t measure_floor_stage(struct bench *bench)
{
	uint64_t start, called_us = 0, staged_us;

	floor_create(bench->directory, VOLUME_BYTES);
	floor_grant(bench->directory);
	for (int i = 0; bench->empty.client && i < 2; i++)
		called_us += measure_probe(&bench->empty);
	start = fl_clock_us();
	floor_stage(bench->directory);
	staged_us = fl_clock_us() - start;
	floor_unstage(bench->directory);
	floor_delete(bench->directory);
	return called_us + staged_us;
}

static void measure_stage(struct bench *bench)
{
	struct service *service = &bench->service;
	const char *id = service_create(service, "bench", VOLUME_BYTES);
	const Csi__V1__ControllerPublishVolumeResponse *granted = service_grant(service, id);
	uint64_t start = fl_clock_us(), service_us;

	service_stage(service, id, granted);
	service_us = fl_clock_us() - start;
	service_unstage(service, id);
	service_revoke(service, id);
	service_delete(service, id);
	bench_say(service_us, measure_floor_stage(bench));
}

static void measure_start(const char *endpoint, char **program)
{
	uint64_t start = fl_clock_us();
	struct service service;
	int status;
	pid_t pid;

	if ((errno = posix_spawnp(&pid, program[0], NULL, NULL, program, environ)))
		bench_fail(program[0]);
	service_open(&service, endpoint);
	while (!service_answers(&service)) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			bench_fail("it ended");
		usleep(500);
	}
	printf("%" PRIu64 "\n", fl_clock_us() - start);
	service_close(&service);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
}

static void measure_pairs(int argc, char **argv, void (*measure)(struct bench *))
{
	char staging[4096], target[4096];
	struct bench bench = { .service = { .staging = staging, .target = target },
			       .directory = argv[3] };

	snprintf(staging, sizeof(staging), "%s/staging", bench.directory);
	snprintf(target, sizeof(target), "%s/published", bench.directory);
	if (mkdir(staging, 0700) < 0 && errno != EEXIST)
		bench_fail(staging);
	service_open(&bench.service, argv[2]);
	if (argc > 5)
		service_open(&bench.empty, argv[5]);
	for (int round = bench_number(argv[4]); round > 0; round--) {
		measure(&bench);
		service_forget(&bench.service);
	}
	service_close(&bench.service);
	if (argc > 5)
		service_close(&bench.empty);
}

static void measure_probes(const char *endpoint, const char *empty_endpoint, int rounds)
{
	struct service service = { 0 }, empty = { 0 };

	service_open(&service, endpoint);
	service_open(&empty, empty_endpoint);
	/* The first of each connects. */
	measure_probe(&service);
	measure_probe(&empty);
	for (; rounds > 0; rounds--) {
		uint64_t service_us = measure_probe(&service);

		bench_say(service_us, measure_probe(&empty));
	}
	service_close(&service);
	service_close(&empty);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "volume") == 0)
		measure_pairs(argc, argv, measure_volume);
	else if ((argc == 5 || argc == 6) && strcmp(argv[1], "stage") == 0)
		measure_pairs(argc, argv, measure_stage);
	else if (argc == 5 && strcmp(argv[1], "probe") == 0)
		measure_probes(argv[2], argv[3], bench_number(argv[4]));
	else if (argc == 3 && strcmp(argv[1], "empty") == 0)
		empty_serve(argv[2]);
	else if (argc > 4 && strcmp(argv[1], "start") == 0)
		for (int round = bench_number(argv[3]); round > 0; round--)
			measure_start(argv[2], argv + 4);
	else
		return 2;
	return 0;
}
