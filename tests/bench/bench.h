/* SPDX-License-Identifier: Apache-2.0 */
/* Bench: what is measured, and the floor it is measured against.
 *
 * A floor makes the system calls that the service makes for the same result (strace of the service
 * told which), and does nothing else.  Service and floor take turns in one run, so that
 * what the machine does meanwhile meets both.  Everything here ends the program when it fails. */
#pragma once

#include <stdbool.h>

#include "csi/csi.pb-c.h"
#include "csi/rpc/client.h"

/* The service's side: calls of a client that is connected already. */
struct service {
	struct rpc_client *client;
	struct fl_arena *arena; /* answers; emptied by service_forget */
	const char *staging, *target;
};

void service_open(struct service *service, const char *endpoint);
void service_close(struct service *service);
void service_forget(struct service *service);
/* Returns the volume's id. */
const char *service_create(struct service *service, const char *name, int64_t bytes);
void service_delete(struct service *service, const char *id);
/* ControllerPublishVolume to this node; returns what NodeStageVolume wants to know. */
Csi__V1__ControllerPublishVolumeResponse *service_grant(struct service *service, const char *id);
void service_revoke(struct service *service, const char *id);
void service_stage(struct service *service, const char *id,
		   const Csi__V1__ControllerPublishVolumeResponse *granted);
void service_unstage(struct service *service, const char *id);
/* Whether the service answers Probe. */
bool service_answers(struct service *service);

/* The floors: in and of directories that they are given. */
void floor_create(const char *directory, int64_t bytes);
void floor_delete(const char *directory);
/* The record that this node may write: before the clock of the next one begins to run. */
void floor_grant(const char *directory);
/* A block device of directory/image, reachable at directory/target; and its end. */
void floor_stage(const char *directory);
void floor_unstage(const char *directory);

/* A gRPC server that answers whatever it is asked with an empty message.  Never returns. */
void empty_serve(const char *endpoint) __attribute__((noreturn));

/* Ends the program with what failed and errno. */
void bench_fail(const char *what) __attribute__((noreturn));
