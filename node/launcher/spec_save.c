/* SPDX-License-Identifier: Apache-2.0 */
/* A specification as JSON, which is YAML too: what a restarted launcher reads. */
#include "base/file.h"
#include "base/json.h"
#include "spec.h"

#include <string.h>

static void spec_put(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void spec_put_number(json_t *object, const char *key, uint64_t number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *spec_disk_json(const struct vm_disk_spec *disk)
{
	json_t *json = json_object();

	spec_put(json, "volume", disk->volume);
	spec_put(json, "pass", disk->pass);
	spec_put(json, "path", disk->path);
	spec_put(json, "bus", disk->bus);
	spec_put(json, "serial", disk->serial);
	spec_put_number(json, "boot", disk->boot);
	json_object_set_new(json, "readonly", json_boolean(disk->readonly));
	return json;
}

static json_t *spec_nic_json(const struct vm_nic_spec *nic)
{
	json_t *json = json_object(), *forwards = json_array();

	spec_put(json, "type", nic->type);
	spec_put(json, "mac", nic->mac);
	for (size_t i = 0; i < nic->hostfwd.n; i++)
		json_array_append_new(forwards, json_string(nic->hostfwd.items[i]));
	json_object_set_new(json, "hostfwd", forwards);
	return json;
}

static json_t *spec_json(const struct vm_spec *spec)
{
	json_t *json = json_object(), *disks = json_array(), *nics = json_array();

	spec_put(json, "name", spec->name);
	spec_put(json, "uuid", spec->uuid);
	spec_put_number(json, "cpus", spec->cpus);
	spec_put_number(json, "sockets", spec->sockets);
	spec_put_number(json, "memory", spec->memory_bytes);
	spec_put(json, "machine", spec->machine);
	spec_put(json, "firmware", spec->firmware);
	spec_put(json, "kernel", spec->kernel);
	spec_put(json, "initrd", spec->initrd);
	spec_put(json, "cmdline", spec->cmdline);
	spec_put(json, "accel", spec->accel);
	spec_put(json, "disk_service", spec->disk_service);
	json_object_set_new(json, "stop_timeout",
			    json_sprintf("%llums", (unsigned long long)spec->stop_timeout_ms));
	for (size_t i = 0; i < spec->n_disks; i++)
		json_array_append_new(disks, spec_disk_json(&spec->disks[i]));
	for (size_t i = 0; i < spec->n_nics; i++)
		json_array_append_new(nics, spec_nic_json(&spec->nics[i]));
	json_object_set_new(json, "disks", disks);
	json_object_set_new(json, "nics", nics);
	return json;
}

int spec_save(const struct vm_spec *spec, int dir_fd, const char *name, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *json = spec_json(spec);
	const char *text = fl_json_dump(arena, json);

	return fl_file_replace(dir_fd, name, text, strlen(text), 0600, err);
}
