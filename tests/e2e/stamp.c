/* SPDX-License-Identifier: Apache-2.0 */
/* Stamp: writes numbered blocks all over a disk, and says of which moment a copy of it is.
 *
 *	stamp write DEVICE FIRST BLOCKS FROM PROGRESS [LAST]
 *	stamp check FILE FIRST BLOCKS
 *
 * Stamp N goes to a block that follows from N alone, and is written only after stamp N - 1 is on
 * the disk.  So the state after stamp N is known whole: each block has the last stamp up to N that
 * fell on it.  "check" prints the N of which the file is exactly that state; a file that mixes
 * moments has no such N.  PROGRESS holds the last stamp written, the longest write in microseconds
 * and the errno of a write that failed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define MAGIC 0x706d617473206c66ULL
#define COPIES (BLOCK / sizeof(struct stamp))

/* A block is this, repeated: half a block is noticed. */
struct stamp {
	uint64_t magic, number, block, not_number;
};

struct area {
	int fd;
	uint64_t first, blocks;
};

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* splitmix64: a good spread over the blocks, the same one here and in the guest. */
static uint64_t block_of(const struct area *area, uint64_t number)
{
	uint64_t z = number * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31)) % area->blocks;
}

static uint64_t number_of(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (*text == '\0' || *end)
		die("%s is no number", text);
	return number;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void *block_buffer(void)
{
	void *buffer = NULL;

	if (posix_memalign(&buffer, BLOCK, BLOCK) != 0)
		die("no memory");
	return buffer;
}

static void tell(int fd, uint64_t number, uint64_t longest_us, int error)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%020" PRIu64 " %020" PRIu64 " %03d\n", number,
			 longest_us, error);

	if (pwrite(fd, line, (size_t)n, 0) != n)
		die("writing the progress: %s", strerror(errno));
}

/* 0 or an errno. */
static int write_stamp(const struct area *area, struct stamp *buffer, uint64_t number)
{
	uint64_t block = block_of(area, number);
	ssize_t n;

	for (size_t i = 0; i < COPIES; i++)
		buffer[i] = (struct stamp){ MAGIC, number, block, ~number };
	n = pwrite(area->fd, buffer, BLOCK, (off_t)((area->first + block) * BLOCK));
	return n == BLOCK ? 0 : n < 0 ? errno : EIO;
}

static int write_all(const struct area *area, uint64_t from, uint64_t to, int progress)
{
	struct stamp *buffer = block_buffer();
	uint64_t longest_us = 0;
	int error = 0;

	for (uint64_t number = from; number <= to && !asked_to_end; number++) {
		uint64_t start = now_us(), took;

		error = write_stamp(area, buffer, number);
		took = now_us() - start;
		longest_us = took > longest_us ? took : longest_us;
		if (error) {
			tell(progress, number - 1, longest_us, error);
			break;
		}
		tell(progress, number, longest_us, 0);
	}
	free(buffer);
	return error ? 1 : 0;
}

/* The number in a block, 0 for one that was never written. */
static uint64_t read_number(const struct area *area, struct stamp *buffer, uint64_t block)
{
	static const char zeros[BLOCK];
	ssize_t n = pread(area->fd, buffer, BLOCK, (off_t)((area->first + block) * BLOCK));

	if (n != BLOCK)
		die("block %" PRIu64 ": %s", block, n < 0 ? strerror(errno) : "the end is here");
	if (memcmp(buffer, zeros, BLOCK) == 0)
		return 0;
	if (buffer->magic != MAGIC || buffer->block != block ||
	    buffer->not_number != ~buffer->number)
		die("block %" PRIu64 " holds something else", block);
	for (size_t i = 1; i < COPIES; i++) {
		if (memcmp(buffer + i, buffer, sizeof(*buffer)) != 0)
			die("block %" PRIu64 " is torn within", block);
	}
	return buffer->number;
}

static int check(const struct area *area)
{
	uint64_t *is = calloc(area->blocks, sizeof(*is)),
		 *wanted = calloc(area->blocks, sizeof(*is));
	struct stamp *buffer = block_buffer();
	uint64_t last = 0, wrong = 0;

	if (!is || !wanted)
		die("no memory");
	for (uint64_t block = 0; block < area->blocks; block++) {
		is[block] = read_number(area, buffer, block);
		last = is[block] > last ? is[block] : last;
	}
	for (uint64_t number = 1; number <= last; number++)
		wanted[block_of(area, number)] = number;
	for (uint64_t block = 0; block < area->blocks; block++) {
		if (is[block] == wanted[block])
			continue;
		if (wrong++ == 0)
			fprintf(stderr,
				"block %" PRIu64 " has stamp %" PRIu64 ", and %" PRIu64
				" at the moment of stamp %" PRIu64 "\n",
				block, is[block], wanted[block], last);
	}
	free(buffer);
	free(is);
	free(wanted);
	if (wrong)
		die("%" PRIu64 " blocks are of another moment", wrong);
	printf("%" PRIu64 "\n", last);
	return 0;
}

static struct area area_open(char **words, int flags)
{
	struct area area = { .first = number_of(words[1]), .blocks = number_of(words[2]) };

	area.fd = open(words[0], flags | O_CLOEXEC);
	if (area.fd < 0)
		die("%s: %s", words[0], strerror(errno));
	if (area.blocks == 0)
		die("no blocks");
	return area;
}

int main(int argc, char **argv)
{
	struct area area;
	int progress;

	if (argc == 5 && strcmp(argv[1], "check") == 0) {
		area = area_open(argv + 2, O_RDONLY);
		return check(&area);
	}
	if (argc < 7 || argc > 8 || strcmp(argv[1], "write") != 0)
		die("usage: stamp write DEVICE FIRST BLOCKS FROM PROGRESS [LAST] | check FILE FIRST BLOCKS");
	signal(SIGTERM, on_signal);
	area = area_open(argv + 2, O_WRONLY | O_DIRECT);
	progress = open(argv[6], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (progress < 0)
		die("%s: %s", argv[6], strerror(errno));
	return write_all(&area, number_of(argv[5]), argc == 8 ? number_of(argv[7]) : UINT64_MAX,
			 progress);
}
