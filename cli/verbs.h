/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs: the commands that the other files define, for the table in main.c. */
#pragma once

#include "command.h"

extern const struct command serve_command, controller_command, node_command;
extern const struct command volume_create_command, volume_list_command, volume_show_command,
	volume_expand_command, volume_modify_command, volume_publish_command,
	volume_unpublish_command, volume_delete_command, volume_health_command;
extern const struct command snapshot_create_command, snapshot_list_command, snapshot_delete_command,
	snapshot_diff_command;
extern const struct command snapshot_group_create_command, snapshot_group_list_command,
	snapshot_group_show_command, snapshot_group_delete_command;
extern const struct command vm_run_command, vm_options_command, vm_launcher_command,
	vm_list_command, vm_status_command, vm_attach_command, vm_detach_command, vm_resize_command,
	vm_resume_command, vm_stop_command, vm_console_command;
extern const struct command backend_list_command, backend_options_command, backend_check_command;
extern const struct command doctor_command;
