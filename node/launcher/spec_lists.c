/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a specification's disks and network cards, one entry against the others. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "spec.h"

#define SPEC_VOLUME_MAX 512
#define SPEC_PATH_MAX 1024
#define SPEC_BOOT_MAX 255

static const char *spec_disk_source(const struct vm_disk_spec *disk)
{
	return disk->volume ? disk->volume : disk->pass ? disk->pass : disk->path;
}

static int spec_check_source(const struct vm_disk_spec *disk, size_t i, struct fl_error *err)
{
	const char *source = spec_disk_source(disk);
	int n = (disk->volume != NULL) + (disk->pass != NULL) + (disk->path != NULL);

	if (n != 1)
		return fl_config_fail(disk->at, err,
				      "disk %zu has %s of volume, pass and path: it needs one",
				      i + 1, n == 0 ? "none" : "several");
	if (strlen(source) > (disk->volume ? SPEC_VOLUME_MAX : SPEC_PATH_MAX) ||
	    !fl_text_is_printable(source, strlen(source)))
		return fl_config_fail(disk->at, err, "disk %zu: the source is too long or not text",
				      i + 1);
	if (disk->serial && disk->pass)
		return fl_config_fail(spec_key(disk->at, "serial"), err,
				      "disk %zu: a pass's serial follows from its volume", i + 1);
	if (disk->serial && disk->volume)
		return fl_config_fail(spec_key(disk->at, "serial"), err,
				      "disk %zu: a volume's serial follows from its id", i + 1);
	if (disk->serial && !fl_text_is_safe_name(disk->serial, VM_SERIAL_MAX))
		return fl_config_fail(
			spec_key(disk->at, "serial"), err,
			"disk %zu: serial has 1 to %d characters of A-Z a-z 0-9 . _ -", i + 1,
			VM_SERIAL_MAX);
	if (disk->boot > SPEC_BOOT_MAX)
		return fl_config_fail(spec_key(disk->at, "boot"), err,
				      "disk %zu: boot is %" PRIu64 ", possible are 1 to %d", i + 1,
				      disk->boot, SPEC_BOOT_MAX);
	return 0;
}

static bool spec_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static int spec_check_twice(const struct vm_disk_spec *disks, size_t i, size_t j,
			    struct fl_error *err)
{
	const struct vm_disk_spec *a = &disks[i], *b = &disks[j];

	if (spec_same(a->volume, b->volume) || spec_same(a->path, b->path) ||
	    spec_same(a->pass, b->pass))
		return fl_config_fail(a->at, err, "disks %zu and %zu are the same: %s", j + 1,
				      i + 1, spec_disk_source(a));
	if (spec_same(a->serial, b->serial))
		return fl_config_fail(spec_key(a->at, "serial"), err,
				      "disks %zu and %zu have the same serial %s", j + 1, i + 1,
				      a->serial);
	if (a->boot != 0 && a->boot == b->boot)
		return fl_config_fail(spec_key(a->at, "boot"), err,
				      "disks %zu and %zu have the same boot order %" PRIu64, j + 1,
				      i + 1, a->boot);
	return 0;
}

int spec_check_disks(const struct vm_spec *spec, struct fl_error *err)
{
	size_t n_virtio = 0;

	for (size_t i = 0; i < spec->n_disks; i++) {
		const struct vm_disk_spec *disk = &spec->disks[i];

		if (spec_check_source(disk, i, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			if (spec_check_twice(spec->disks, i, j, err) < 0)
				return -1;
		}
		n_virtio += strcmp(disk->bus, "virtio") == 0;
		if (n_virtio > VM_VIRTIO_DISKS_MAX)
			return fl_config_fail(
				disk->at, err,
				"disk %zu: at most %d disks can be on bus virtio: use "
				"scsi",
				i + 1, VM_VIRTIO_DISKS_MAX);
		if (i + 1 - n_virtio > VM_SCSI_DISKS_MAX)
			return fl_config_fail(disk->at, err,
					      "disk %zu: at most %d disks can be on bus scsi",
					      i + 1, VM_SCSI_DISKS_MAX);
	}
	return 0;
}

static bool spec_is_mac(const char *text)
{
	for (size_t i = 0; i < 17; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	/* The lowest bit of the first byte marks a group address. */
	return text[17] == '\0' && strchr("02468aceACE", text[1]);
}

/* Reads HOST:PORT at *text up to `end`; HOST may be empty. */
static bool spec_skip_endpoint(const char **text, char end)
{
	const char *p = *text;
	unsigned long port = 0;

	p += strspn(p, "0123456789.");
	if (*p++ != ':')
		return false;
	for (; isdigit((unsigned char)*p) && port <= 65535; p++)
		port = port * 10 + (unsigned long)(*p - '0');
	*text = p + 1;
	return *p == end && port >= 1 && port <= 65535;
}

static bool spec_is_forward(const char *text)
{
	if (!fl_text_starts_with(text, "tcp:") && !fl_text_starts_with(text, "udp:"))
		return false;
	text += 4;
	return spec_skip_endpoint(&text, '-') && spec_skip_endpoint(&text, '\0');
}

static int spec_check_nic(const struct vm_nic_spec *nic, size_t i, struct fl_error *err)
{
	const struct fl_config_node *forwards = spec_key(nic->at, "hostfwd");

	if (strcmp(nic->type, "none") == 0 && (nic->mac || nic->hostfwd.n > 0))
		return fl_config_fail(nic->at, err,
				      "nic %zu: type none has neither mac nor hostfwd", i + 1);
	if (nic->mac && !spec_is_mac(nic->mac))
		return fl_config_fail(
			spec_key(nic->at, "mac"), err,
			"nic %zu: mac is six pairs of hexadecimal digits with colons, "
			"and no group address",
			i + 1);
	for (size_t k = 0; k < nic->hostfwd.n; k++) {
		if (!spec_is_forward(nic->hostfwd.items[k]))
			return fl_config_fail(forwards, err,
					      "nic %zu: hostfwd \"%s\" is not of the form "
					      "tcp:HOST:PORT-GUEST:PORT with IPv4 addresses",
					      i + 1, nic->hostfwd.items[k]);
	}
	return 0;
}

int spec_check_nics(const struct vm_spec *spec, struct fl_error *err)
{
	for (size_t i = 0; i < spec->n_nics; i++) {
		const struct vm_nic_spec *nic = &spec->nics[i];

		if (spec_check_nic(nic, i, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			if (nic->mac && spec->nics[j].mac &&
			    strcasecmp(nic->mac, spec->nics[j].mac) == 0)
				return fl_config_fail(spec_key(nic->at, "mac"), err,
						      "nics %zu and %zu have the same mac %s",
						      j + 1, i + 1, nic->mac);
		}
	}
	return 0;
}
