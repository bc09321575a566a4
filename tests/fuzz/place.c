/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *place_make(void)
{
	static char path[] = "/tmp/fl-fuzz-XXXXXX";

	if (!mkdtemp(path))
		abort();
	return path;
}

static int place_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void place_remove(const char *path)
{
	nftw(path, place_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
