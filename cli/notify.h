/* SPDX-License-Identifier: Apache-2.0 */
/* Notify: tells the service manager that started us where we are (systemd's $NOTIFY_SOCKET). */
#pragma once

/* `state`: "READY=1", "STOPPING=1".  Nobody listening, or no manager, is fine. */
void notify_manager(const char *state);
