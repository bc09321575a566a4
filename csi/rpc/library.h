/* SPDX-License-Identifier: Apache-2.0 */
/* Library: gRPC itself: started by the first server or client, ended by the last; its messages go
 * into our log, errors only unless GRPC_VERBOSITY says otherwise. */
#pragma once

void rpc_library_ref(void);
/* Waits for gRPC's threads when it was the last one. */
void rpc_library_unref(void);
