/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"

static void library_log(gpr_log_func_args *args)
{
	static const enum fl_log_level levels[] = {
		[GPR_LOG_SEVERITY_DEBUG] = FL_LOG_DEBUG,
		[GPR_LOG_SEVERITY_INFO] = FL_LOG_INFO,
		[GPR_LOG_SEVERITY_ERROR] = FL_LOG_ERROR,
	};

	fl_log(levels[args->severity], "grpc", "%s", args->message);
}

static void library_set_log(void)
{
	gpr_set_log_function(library_log);
	if (!getenv("GRPC_VERBOSITY"))
		gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

void rpc_library_ref(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, library_set_log);
	grpc_init();
}

void rpc_library_unref(void)
{
	grpc_shutdown_blocking();
}
