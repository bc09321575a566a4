/* SPDX-License-Identifier: Apache-2.0 */
/* Backends as shared objects: found, loaded once, and brought to the struct of this program. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pools.h"

/* A loaded backend: our own copy, so that a smaller struct of an older author reads as one whose
 * newer members are absent.  Never freed: its code stays mapped. */
struct loaded {
	struct fl_backend backend;
	char *path;
	struct loaded *next;
};

static struct loaded *loaded_list;
static pthread_mutex_t loaded_lock = PTHREAD_MUTEX_INITIALIZER;

/* The first version of the interface ended after `copies`; nothing smaller was ever released. */
#define SMALLEST_SIZE (offsetof(struct fl_backend, copies) + sizeof(void *))

static const char *load_directory(struct fl_arena *arena)
{
	const char *given = getenv("FAIRLEAD_BACKENDS");
	char program[PATH_MAX];
	ssize_t length;

	if (given && *given)
		return given;
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length > 0) {
		program[length] = '\0';
		*strrchr(program, '/') = '\0';
		const char *beside = fl_arena_printf(arena, "%s/backends", program);
		if (access(beside, F_OK) == 0)
			return beside;
	}
	return FL_BACKENDS_DIRECTORY;
}

static int load_missing_member(const struct fl_backend *backend, const char *path,
			       struct fl_error *err)
{
	const struct {
		const char *name;
		bool there;
	} members[] = {
		{ "name", backend->name && fl_text_is_safe_name(backend->name, 32) },
		{ "open", backend->open },
		{ "close", backend->close },
		{ "volume_create", backend->volume_create },
		{ "volume_delete", backend->volume_delete },
		{ "volume_get", backend->volume_get },
		{ "volume_list", backend->volume_list },
		{ "publish", backend->publish },
		{ "copies, which FL_BACKEND_COPIES needs",
		  backend->copies || !(backend->flags & FL_BACKEND_COPIES) },
		{ "snapshots, which changes need", backend->snapshots || !backend->changes },
		{ "options_size", backend->options_size || backend->n_options == 0 },
		{ "parameters_size", backend->parameters_size || backend->n_parameters == 0 },
		{ "snapshot_parameters_size",
		  backend->snapshot_parameters_size || backend->n_snapshot_parameters == 0 },
	};

	for (size_t i = 0; i < FL_COUNT(members); i++)
		if (!members[i].there)
			return fl_error_set(err, FL_INVALID, "backend %s lacks %s", path,
					    members[i].name);
	return 0;
}

/* Copies what the author's struct has; what it does not have stays zero. */
static int load_complete(const char *path, const struct fl_backend *theirs, struct fl_backend *ret,
			 struct fl_error *err)
{
	if (theirs->abi != FL_BACKEND_ABI)
		return fl_error_set(err, FL_INVALID,
				    "backend %s was built for interface %u, this program has %d: "
				    "build it against this version",
				    path, theirs->abi, FL_BACKEND_ABI);
	if (theirs->size < SMALLEST_SIZE)
		return fl_error_set(err, FL_INVALID,
				    "backend %s says that its struct has %u bytes, less than any "
				    "version ever had: set .size = sizeof(struct fl_backend)",
				    path, theirs->size);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, theirs, theirs->size < sizeof(*ret) ? theirs->size : sizeof(*ret));
	return load_missing_member(ret, path, err);
}

static int load_object(const char *path, struct loaded *ret, struct fl_error *err)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct fl_backend *theirs;

	if (!object)
		return fl_error_set(err, FL_INVALID, "backend %s cannot be loaded: %s", path,
				    dlerror());
	theirs = dlsym(object, "fl_backend");
	if (!theirs) {
		dlclose(object);
		return fl_error_set(err, FL_INVALID,
				    "%s is no backend: it does not export fl_backend", path);
	}
	if (load_complete(path, theirs, &ret->backend, err) < 0) {
		dlclose(object);
		return -1;
	}
	return 0;
}

static int load_path_locked(const char *path, const struct fl_backend **ret, struct fl_error *err)
{
	struct loaded *loaded;

	for (loaded = loaded_list; loaded; loaded = loaded->next)
		if (strcmp(loaded->path, path) == 0) {
			*ret = &loaded->backend;
			return 0;
		}
	loaded = calloc(1, sizeof(*loaded));
	if (!loaded)
		return fl_error_sys(err, ENOMEM, "loading backend %s", path);
	if (load_object(path, loaded, err) < 0) {
		free(loaded);
		return -1;
	}
	loaded->path = strdup(path);
	if (!loaded->path)
		abort();
	loaded->next = loaded_list;
	loaded_list = loaded;
	*ret = &loaded->backend;
	return 0;
}

static int load_unknown(struct fl_arena *arena, const char *name, struct fl_error *err)
{
	const char *directory = load_directory(arena), *nearest;
	struct fl_strings names = { 0 };
	struct fl_error ignored;

	if (fl_backend_names(arena, &names, &ignored) < 0)
		names.n = 0;
	nearest = fl_text_nearest(name, names.items, names.n);
	if (nearest)
		return fl_error_set(err, FL_NOT_FOUND,
				    "unknown backend \"%s\": did you mean \"%s\"?", name, nearest);
	return fl_error_set(err, FL_NOT_FOUND, "unknown backend \"%s\": there is no %s/%s.so", name,
			    directory, name);
}

int fl_backend_load(const char *name, const struct fl_backend **ret, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_free) char *path = NULL;
	bool by_path = strchr(name, '/') != NULL;
	int result;

	if (!by_path && !fl_text_is_safe_name(name, 32))
		return fl_error_set(err, FL_NOT_FOUND, "\"%s\" cannot be the name of a backend",
				    name);
	path = realpath(by_path ? name
				: fl_arena_printf(arena, "%s/%s.so", load_directory(arena), name),
			NULL);
	if (!path && errno == ENOENT && !by_path)
		return load_unknown(arena, name, err);
	if (!path)
		return fl_error_sys(err, errno, "backend %s", name);

	pthread_mutex_lock(&loaded_lock);
	result = load_path_locked(path, ret, err);
	pthread_mutex_unlock(&loaded_lock);
	if (result == 0 && !by_path && strcmp((*ret)->name, name) != 0)
		return fl_error_set(err, FL_INVALID, "%s holds backend \"%s\", not \"%s\"", path,
				    (*ret)->name, name);
	return result;
}

static int load_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int fl_backend_names(struct fl_arena *arena, struct fl_strings *ret, struct fl_error *err)
{
	const char *directory = load_directory(arena);
	fl_cleanup(fl_closedir) DIR *dir = opendir(directory);
	struct fl_strings names = { 0 };
	size_t capacity = 0;

	if (!dir)
		return fl_error_sys(err, errno, "backends in %s", directory);
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t length = strlen(entry->d_name);

		if (length <= 3 || !fl_text_ends_with(entry->d_name, ".so") ||
		    !fl_text_is_safe_name(entry->d_name, 35))
			continue;
		names.items =
			fl_arena_grow(arena, names.items, names.n, &capacity, sizeof(*names.items));
		names.items[names.n++] = fl_arena_strndup(arena, entry->d_name, length - 3);
	}
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), load_compare);
	*ret = names;
	return 0;
}
