/* SPDX-License-Identifier: Apache-2.0 */
/* bench volume|stage ENDPOINT DIRECTORY ROUNDS: prints "service floor" in microseconds, one line a
 * round.  DIRECTORY is on the file system that the pool is on.
 * bench start ENDPOINT ROUNDS PROGRAM…: prints the microseconds from starting PROGRAM to its first
 * answer at ENDPOINT. */
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

static void measure_volume(struct service *service, const char *directory)
{
	uint64_t start = fl_clock_us(), between;

	service_delete(service, service_create(service, "bench", VOLUME_BYTES));
	between = fl_clock_us();
	floor_create(directory, VOLUME_BYTES);
	floor_delete(directory);
	bench_say(between - start, fl_clock_us() - between);
}

static void measure_stage(struct service *service, const char *directory)
{
	const char *id = service_create(service, "bench", VOLUME_BYTES);
	const Csi__V1__ControllerPublishVolumeResponse *granted = service_grant(service, id);
	uint64_t start = fl_clock_us(), service_us, floor_us;

	service_stage(service, id, granted);
	service_us = fl_clock_us() - start;
	service_unstage(service, id);
	service_revoke(service, id);
	service_delete(service, id);

	floor_create(directory, VOLUME_BYTES);
	floor_grant(directory);
	start = fl_clock_us();
	floor_stage(directory);
	floor_us = fl_clock_us() - start;
	floor_unstage(directory);
	floor_delete(directory);
	bench_say(service_us, floor_us);
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

static void measure_pairs(char **argv, void (*measure)(struct service *, const char *))
{
	const char *directory = argv[3];
	char staging[4096], target[4096];
	struct service service = { .staging = staging, .target = target };

	snprintf(staging, sizeof(staging), "%s/staging", directory);
	snprintf(target, sizeof(target), "%s/published", directory);
	if (mkdir(staging, 0700) < 0 && errno != EEXIST)
		bench_fail(staging);
	service_open(&service, argv[2]);
	for (int round = bench_number(argv[4]); round > 0; round--) {
		measure(&service, directory);
		service_forget(&service);
	}
	service_close(&service);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "volume") == 0)
		measure_pairs(argv, measure_volume);
	else if (argc == 5 && strcmp(argv[1], "stage") == 0)
		measure_pairs(argv, measure_stage);
	else if (argc > 4 && strcmp(argv[1], "start") == 0)
		for (int round = bench_number(argv[3]); round > 0; round--)
			measure_start(argv[2], argv + 4);
	else
		return 2;
	return 0;
}
