/* SPDX-License-Identifier: Apache-2.0 */
/* Desk: a service for tests of the RPC layer, under the names of CSI: what each method does here is
 * told below.  One server in a folder of its own, and a client. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"
#include "csi/rpc/rpc.h"

#define DESK_DONE_MAX 256

struct desk_done {
	char method[128];
	enum fl_error_code code;
	bool cancelled, has_request;
	pid_t peer;
	uint64_t queued_us, duration_us;
};

/* Methods:
 *	Identity/Probe            quick: answers ready
 *	Identity/GetPluginInfo    answers with the desk's name and the call's id
 *	Controller/CreateVolume   "wait": until desk_open_gate, whatever the caller does; else answers
 *	                          volume id = name, and the number of pairs in parameters as capacity
 *	Controller/DeleteVolume   id "NOT_FOUND some words": fails with that code and text
 *	Controller/ValidateVolumeCapabilities   fails without saying why
 *	SnapshotMetadata/GetMetadataAllocated   max_results messages, numbered from starting_offset
 *	SnapshotMetadata/GetMetadataDelta       messages of 16 KiB until the caller leaves
 * All others have no handler. */
struct desk {
	const char *name;
	char folder[64];
	char path[96];
	struct rpc_server *server;
	struct rpc_client *client;
	struct fl_arena *arena; /* answers of the client */
	struct rpc_service services[3];

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool gate_is_open;
	atomic_uint n_waiting;        /* handlers at the gate */
	atomic_uint n_began;          /* handlers of CreateVolume, ever */
	atomic_uint n_finished;       /* handlers that went through the gate */
	atomic_uint n_saw_cancel;     /* … and saw that their caller had left */
	atomic_uint deadline_left_ms; /* as the last CreateVolume saw it at its start */
	atomic_uint n_sent;           /* messages of GetMetadataDelta */
	atomic_uint stream_error;     /* what ended it: an enum fl_error_code */
	struct desk_done done[DESK_DONE_MAX];
	atomic_uint n_done;
};

/* methods.c: fills desk->services. */
void desk_set_services(struct desk *desk);
/* Makes a folder and serves in it; ends the test program on failure. */
void desk_open(struct desk *desk, const char *name, const struct rpc_server_options *limits);
/* The same at a path of another desk. */
void desk_open_at(struct desk *desk, const char *name, const char *path);
/* Opens the gate and stops; the result of rpc_server_stop. */
int desk_close(struct desk *desk);
/* Releases what is left when the server was stopped by the test. */
void desk_forget(struct desk *desk);

void desk_open_gate(struct desk *desk);
/* Waits until *counter is at least `n`; false after ten seconds. */
bool desk_await(const atomic_uint *counter, unsigned n);
/* The newest finished call of that method; waits for one. */
struct desk_done desk_last_done(struct desk *desk, const char *method);

/* Calls.  The answers are the client's, NULL after failure. */
int desk_probe(struct desk *desk, struct fl_error *err);
int desk_info(struct desk *desk, const Csi__V1__GetPluginInfoResponse **ret, struct fl_error *err);
int desk_create(struct desk *desk, const char *name, uint64_t timeout_ms, struct fl_error *err);

/* CreateVolume "wait" on a thread of its own, with a client of its own. */
struct desk_waiter {
	struct desk *desk;
	uint64_t timeout_ms;
	pthread_t thread;
	int result;
	struct fl_error err;
};

void desk_waiter_start(struct desk_waiter *waiter, struct desk *desk, uint64_t timeout_ms);
void desk_waiter_join(struct desk_waiter *waiter);
