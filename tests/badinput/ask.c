/* SPDX-License-Identifier: Apache-2.0 */
/* ask ENDPOINT SERVICE.METHOD [FIELD=VALUE]…: makes one CSI call with exactly these fields, right
 * or wrong (request.h), and prints "OK" or "CODE: text".
 *
 *	ask unix:///run/fairlead/csi.sock Controller.CreateVolume name=a \
 *		'volume_capabilities={mount.fs_type=ext4,access_mode.mode=1}' */
#include <stdio.h>

#include "csi/rpc/client.h"
#include "request.h"

int main(int argc, char **argv)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(rpc_client_release) struct rpc_client *client = NULL;
	const char *const *words = (const char *const *)argv;
	struct rpc_request request;
	struct fl_error err = { 0 };
	const void *answer;

	if (argc < 3) {
		fprintf(stderr, "usage: ask ENDPOINT SERVICE.METHOD [FIELD=VALUE]…\n");
		return 2;
	}
	if (request_read(arena, words[2], words + 3, (size_t)argc - 3, &request, &err) < 0) {
		fprintf(stderr, "ask: %s\n", err.text);
		return 2;
	}
	if (rpc_client_new(words[1], &client, &err) == 0 &&
	    rpc_client_call(client, arena, &request, &answer, &err) == 0)
		printf("OK\n");
	else
		printf("%s: %s\n", fl_error_name(err.code), err.text);
	return 0;
}
