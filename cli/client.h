/* SPDX-License-Identifier: Apache-2.0 */
/* Client: the options of every command that calls the services. */
#pragma once

#include "options.h"

struct client_options {
	const char *endpoint;      /* of the controller service; NULL: found by run_endpoint_of */
	const char *node_endpoint; /* of the node service; NULL: the endpoint, else found */
	uint64_t timeout_ms;       /* for everything the command waits for */
	const char *output;
};

/* For commands whose options begin with struct client_options. */
extern const struct cli_option client_rows[];
extern const size_t client_n_rows;
/* The same without --output. */
#define CLIENT_SET                                                                                 \
	{                                                                                          \
		client_rows, 4                                                                     \
	}
#define CLIENT_QUIET_SET                                                                           \
	{                                                                                          \
		client_rows, 3                                                                     \
	}
