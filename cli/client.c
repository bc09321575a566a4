/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "output.h"

/* --output is last: CLIENT_QUIET_SET leaves it out. */
const struct cli_option client_rows[] = {
	{ .name = "endpoint",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct client_options, endpoint),
	  .value = "unix:///PATH",
	  .environment = "CSI_ENDPOINT",
	  .help = "socket of the controller service; default: the one in $FAIRLEAD_RUN" },
	{ .name = "node-endpoint",
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct client_options, node_endpoint),
	  .value = "unix:///PATH",
	  .environment = "CSI_NODE_ENDPOINT",
	  .help = "socket of the node service; default: --endpoint, else the one in "
		  "$FAIRLEAD_RUN" },
	{ .name = "timeout",
	  .kind = CLI_DURATION,
	  .offset = offsetof(struct client_options, timeout_ms),
	  .value = "TIME",
	  .otherwise = "5m",
	  .help = "how long to wait and ask again while the service says \"later\"" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_TEXT,
	  .offset = offsetof(struct client_options, output),
	  .value = "FORMAT",
	  .otherwise = "table",
	  .words = output_words,
	  .help = "form of the result" },
};
