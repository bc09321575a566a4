/* SPDX-License-Identifier: Apache-2.0 */
/* How a launcher ends, for its supervisor. */
#pragma once

enum launcher_exit {
	EXIT_LAUNCHER_DONE,        /* QEMU has ended, all disks are released */
	EXIT_LAUNCHER_FAULT,       /* to be started again */
	EXIT_LAUNCHER_UNFINISHED,  /* QEMU has ended; a disk is not released: to be started again */
	EXIT_LAUNCHER_NOT_STARTED, /* done, and the VM never ran: its disks could not be had */
};
