/* SPDX-License-Identifier: Apache-2.0 */
/* Trap: a program, and whatever it runs, stopped before each system call of interest, by seccomp's
 * user notification: no tracer, so sanitizers and threads work as ever.
 *
 * One trap in a process, and one plan at a time.  A thread of its own answers the kernel;
 * everything else is called by one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum trap_kind {
	TRAP_NONE, /* calls are only counted */
	TRAP_KILL, /* the program is killed before call number `call` */
	TRAP_FAIL, /* that call is not made and fails with `error` */
};

struct trap_plan {
	enum trap_kind kind;
	unsigned classes;  /* enum syscall_class: the calls that are counted */
	bool program_only; /* not those of the programs that it runs */
	unsigned call;     /* counted from 1, from trap_arm on */
	int error;         /* an errno */
};

struct trap_count {
	unsigned n;     /* calls since trap_arm */
	bool hit;       /* the plan's call came */
	bool of_child;  /* it was one of a program that the program runs */
	char what[200]; /* the call in words */
};

/* Begins; calls that are about something below `root` are of interest.  False (after printing why)
 * when the kernel does not let us. */
bool trap_open(const char *root);
/* After everything that was spawned has ended. */
void trap_close(void);

/* Starts a program with its standard output and error appended to `log`; -1 when it cannot be. */
pid_t trap_spawn(const char *const argv[], const char *log);

/* The plan from now on, for the program that was spawned last; counting begins anew. */
void trap_arm(const struct trap_plan *plan);
/* No plan any more; what was counted. */
struct trap_count trap_disarm(void);
/* What was counted so far: what comes after an answer is work that went on. */
struct trap_count trap_look(void);
