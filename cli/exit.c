/* SPDX-License-Identifier: Apache-2.0 */
#include "exit.h"

const struct cli_exit_meaning cli_exit_meanings[] = {
	{ CLI_DONE, "done" },
	{ CLI_FAILED, "failed; the text says what and where" },
	{ CLI_USAGE,
	  "the command line, or what it asks for, is wrong and will be wrong next time" },
	{ CLI_NOT_FOUND, "there is no such volume, snapshot, machine, backend or file" },
	{ CLI_LATER,
	  "not now: busy, nobody answers, or the time is up; work may go on, repeat the command" },
	{ CLI_REFUSED,
	  "refused: in use, exists with other properties, not permitted, or the pool cannot do it" },
	{ CLI_FULL, "the pool has no space" },
	{ CLI_UNHEALTHY, "asked and answered: something is not healthy" },
};
const size_t cli_exit_n_meanings = FL_COUNT(cli_exit_meanings);

/* No default, so that the compiler names a code that was forgotten. */
enum cli_exit cli_exit_of(enum fl_error_code code)
{
	switch (code) {
	case FL_OK:
		return CLI_DONE;
	case FL_INVALID:
	case FL_OUT_OF_RANGE:
	case FL_BAD_TOKEN:
		return CLI_USAGE;
	case FL_NOT_FOUND:
		return CLI_NOT_FOUND;
	case FL_BUSY:
	case FL_UNAVAILABLE:
	case FL_TIMEOUT:
		return CLI_LATER;
	case FL_EXISTS:
	case FL_IN_USE:
	case FL_UNSUPPORTED:
	case FL_DENIED:
		return CLI_REFUSED;
	case FL_NO_SPACE:
		return CLI_FULL;
	case FL_INTERNAL:
	case FL_ERROR_COUNT:
		return CLI_FAILED;
	}
	return CLI_FAILED;
}
