/* SPDX-License-Identifier: Apache-2.0 */
/* Peer: one connection to the service that behaves, or misbehaves, in one of several ways.  None of
 * them waits: a storm turns hundreds of them on one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_kind {
	PEER_BUSY,  /* has PEER_CALLS calls in flight all the time */
	PEER_SLOW,  /* asks for everything a hundred times, and reads nothing of it */
	PEER_HALF,  /* says nothing, or greets, or begins a request, and no more */
	PEER_NOISE, /* says what is no HTTP/2, again and again */
	PEER_KINDS,
};

#define PEER_CALLS 10

/* What a storm counts, by kind. */
struct peer_counts {
	uint64_t connected; /* connections made */
	uint64_t closed;    /* … and closed by the service */
	uint64_t asked;     /* calls */
	uint64_t answered;  /* … with an end of the stream */
	uint64_t cut;       /* … reset by the service */
};

struct peer {
	enum peer_kind kind;
	unsigned number;
	const char *path;
	struct peer_counts *counts;
	int fd; /* -1: closed by the service */
	uint32_t next_stream;
	unsigned n_open;
	unsigned unacknowledged; /* bytes read since the last update of the window */
	size_t n_in, n_out;
	unsigned char in[32 * 1024], out[16 * 1024];
};

/* Connects and says the first words.  False when the service has no place for it. */
bool peer_open(struct peer *peer);
/* Whether there is anything to do when the service says something. */
bool peer_reads(const struct peer *peer);
/* The socket can be read, or written, or is closed. */
void peer_turn(struct peer *peer);
bool peer_wants_to_write(const struct peer *peer);
void peer_close(struct peer *peer);
