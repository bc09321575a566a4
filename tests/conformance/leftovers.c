/* SPDX-License-Identifier: Apache-2.0 */
#include "leftovers.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static size_t n_leftovers;

static int leftovers_see(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	if ((ftw->level <= 1 && kind == FTW_D) || strcmp(path + ftw->base, "lock") == 0 ||
	    strcmp(path + ftw->base, "reserve") == 0)
		return 0;
	printf("# left over: %s\n", path);
	n_leftovers++;
	return 0;
}

size_t leftovers_print(const char *directory)
{
	n_leftovers = 0;
	if (nftw(directory, leftovers_see, 16, FTW_PHYS) < 0)
		n_leftovers++;
	return n_leftovers;
}
