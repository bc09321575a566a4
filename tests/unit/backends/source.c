/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/source.h"

#include <stdint.h>

#include "tests/test.h"

static struct fl_arena *arena;

static const char *const portals[] = { "10.0.0.1:3260", "[fd00::1]:3260" };

static const struct fl_source sources[] = {
	{ .kind = FL_SOURCE_FILE,
	  .size_bytes = 4096,
	  .read_only = true,
	  .file = { "/srv/a b/ü=,;/image" } },
	{ .kind = FL_SOURCE_BLOCK,
	  .size_bytes = 1ull << 40,
	  .block = { "/dev/vg0/pvc-1", "lvm:abc" } },
	{ .kind = FL_SOURCE_BLOCK, .size_bytes = 512, .block = { "/dev/sda", NULL } },
	{ .kind = FL_SOURCE_RBD,
	  .size_bytes = 8192,
	  .rbd = { { portals, 2 }, "fairlead", "vms", "tenant", "pvc-1" } },
	{ .kind = FL_SOURCE_ISCSI,
	  .size_bytes = 8192,
	  .iscsi = { { portals, 1 },
		     "iqn.2001-04.com.example:a",
		     "iqn.2001-04.com.example:b",
		     7,
		     "naa.6001405" } },
	{ .kind = FL_SOURCE_NFS,
	  .size_bytes = 8192,
	  .nfs = { "nas1", "/export", "vms/pvc-1.raw", "4.1", 4000000000u } },
};

static const struct fl_source *there_and_back(const struct fl_source *source)
{
	struct fl_source *back = fl_arena_alloc(arena, sizeof(*back));
	const struct fl_pair *pairs;
	size_t n;

	fl_source_to_pairs(arena, source, &pairs, &n);
	WORKS(fl_source_from_pairs(arena, pairs, n, back, &test_error));
	EQUAL(back->kind, source->kind);
	EQUAL(back->size_bytes, source->size_bytes);
	EQUAL(back->read_only, source->read_only);
	return back;
}

static void every_kind_survives_the_way(void)
{
	const struct fl_source *back;

	SAME(there_and_back(&sources[0])->file.path, sources[0].file.path);
	back = there_and_back(&sources[1]);
	SAME(back->block.path, "/dev/vg0/pvc-1");
	SAME(back->block.identity, "lvm:abc");
	OK(there_and_back(&sources[2])->block.identity == NULL, "an identity appeared");
	back = there_and_back(&sources[3]);
	EQUAL(back->rbd.monitors.n, 2);
	SAME(back->rbd.monitors.items[1], "[fd00::1]:3260");
	SAME(back->rbd.ceph_namespace, "tenant");
	SAME(back->rbd.image, "pvc-1");
	back = there_and_back(&sources[4]);
	EQUAL(back->iscsi.lun, 7);
	EQUAL(back->iscsi.portals.n, 1);
	SAME(back->iscsi.initiator, "iqn.2001-04.com.example:b");
	back = there_and_back(&sources[5]);
	EQUAL(back->nfs.uid, 4000000000u);
	SAME(back->nfs.path, "vms/pvc-1.raw");
}

static void kinds_have_names(void)
{
	SAME(fl_source_kind_name(FL_SOURCE_FILE), "file");
	SAME(fl_source_kind_name(FL_SOURCE_NFS), "nfs");
	SAME(fl_source_kind_name((enum fl_source_kind)99), "unknown");
}

static void keys_of_others_are_passed_over(void)
{
	const struct fl_pair pairs[] = {
		{ "source", "file" },   { "size", "4096" }, { "readonly", "false" },
		{ "path", "/a/image" }, { "epoch", "7" },
	};
	struct fl_source source;

	WORKS(fl_source_from_pairs(arena, pairs, FL_COUNT(pairs), &source, &test_error));
	SAME(source.file.path, "/a/image");
}

/* Pairs "key=value" with what the error says of them. */
struct bad_pairs {
	const char *pairs[8];
	const char *sentence;
};

static const struct bad_pairs bad[] = {
	{ { "size=1", "readonly=true" }, "source: source is missing" },
	{ { "source=file", "readonly=true", "path=/a" }, "source: size is missing" },
	{ { "source=file", "size=1", "path=/a" }, "source: readonly is missing" },
	{ { "source=tape", "size=1", "readonly=true" }, "source: there is no kind \"tape\"" },
	{ { "source=file", "size=1", "readonly=yes", "path=/a" },
	  "source: readonly is not true or false" },
	{ { "source=file", "size=1", "readonly=true" }, "source: path is missing" },
	{ { "source=file", "size=0", "readonly=true", "path=/a" }, "source: a size of 0 bytes" },
	{ { "source=file", "size=-1", "readonly=true", "path=/a" }, "source: size" },
	{ { "source=file", "size=4k", "readonly=true", "path=/a" }, "source: size" },
	{ { "source=file", "size=1", "readonly=true", "path=" }, "source: path is missing" },
	{ { "source=file", "size=1", "readonly=true", "path=a/b" },
	  "source: path \"a/b\" is not an absolute path" },
	{ { "source=file", "size=1", "readonly=true", "path=/" },
	  "source: path \"/\" is not an absolute path" },
	{ { "source=file", "size=1", "readonly=true", "path=/a/../b" },
	  "source: path \"/a/../b\" has a \"..\" in it" },
	{ { "source=file", "size=1", "readonly=true", "path=/a/.." },
	  "source: path \"/a/..\" has a \"..\" in it" },
	{ { "source=file", "size=1", "readonly=true", "path=/a\nb" },
	  "source: path is too long or not printable UTF-8" },
	{ { "source=block", "size=1", "readonly=true", "path=/dev/a", "identity=a b" },
	  "source: identity \"a b\" has a space, comma, quote or backslash in it" },
	{ { "source=rbd", "size=1", "readonly=true", "monitors=10.0.0.1", "user=u", "ceph_pool=p",
	    "image=i" },
	  "source: monitors \"10.0.0.1\" is not of the form address:port" },
	{ { "source=rbd", "size=1", "readonly=true", "monitors=a:1,,b:2", "user=u", "ceph_pool=p",
	    "image=i" },
	  "source: monitors is missing" },
	{ { "source=rbd", "size=1", "readonly=true", "monitors=fd00::1:3300", "user=u",
	    "ceph_pool=p", "image=i" },
	  "source: monitors \"fd00::1:3300\" is an IPv6 address without [brackets]" },
	{ { "source=rbd", "size=1", "readonly=true", "monitors=a:99999", "user=u", "ceph_pool=p",
	    "image=i" },
	  "source: monitors \"a:99999\" is not of the form address:port" },
	{ { "source=iscsi", "size=1", "readonly=true", "portals=a:1", "target=disk",
	    "initiator=iqn.x", "lun=1", "identity=naa.1" },
	  "source: target \"disk\" is not an iSCSI name" },
	{ { "source=iscsi", "size=1", "readonly=true", "portals=a:1", "target=iqn.x",
	    "initiator=iqn.y", "lun=4294967296", "identity=naa.1" },
	  "source: lun is too large" },
	{ { "source=nfs", "size=1", "readonly=true", "server=s", "export=/e", "path=/abs",
	    "version=4", "uid=1" },
	  "source: path \"/abs\" is not a relative path" },
	{ { "source=nfs", "size=1", "readonly=true", "server=s", "export=/e", "path=a", "version=5",
	    "uid=1" },
	  "source: version \"5\" is not 3, 4, 4.0, 4.1 or 4.2" },
};

static void wrong_pairs_are_named(void)
{
	for (size_t i = 0; i < FL_COUNT(bad); i++) {
		struct fl_pair pairs[8];
		struct fl_source source;
		size_t n = 0;

		for (; n < 8 && bad[i].pairs[n]; n++) {
			const char *equals = strchr(bad[i].pairs[n], '=');

			pairs[n].key = fl_arena_strndup(arena, bad[i].pairs[n],
							(size_t)(equals - bad[i].pairs[n]));
			pairs[n].value = equals + 1;
		}
		FAILS(fl_source_from_pairs(arena, pairs, n, &source, &test_error), FL_INVALID);
		OK(strncmp(test_error.text, bad[i].sentence, strlen(bad[i].sentence)) == 0,
		   "\"%s\", wanted \"%s\"", test_error.text, bad[i].sentence);
	}
}

static void what_a_backend_gives_is_checked(void)
{
	struct fl_source source = sources[0];

	WORKS(fl_source_check(&source, &test_error));
	source.file.path = NULL;
	FAILS(fl_source_check(&source, &test_error), FL_INVALID);
	source = sources[3];
	source.rbd.monitors.n = 0;
	FAILS(fl_source_check(&source, &test_error), FL_INVALID);
	source.kind = FL_SOURCE_KIND_COUNT;
	FAILS(fl_source_check(&source, &test_error), FL_INVALID);
}

static const struct test tests[] = {
	{ "every kind of source survives the way to the node", every_kind_survives_the_way },
	{ "kinds have names", kinds_have_names },
	{ "keys of others are passed over", keys_of_others_are_passed_over },
	{ "wrong pairs are named", wrong_pairs_are_named },
	{ "what a backend gives is checked", what_a_backend_gives_is_checked },
};

int main(int argc, char **argv)
{
	int result;

	arena = fl_arena_new(0);
	result = test_run(tests, FL_COUNT(tests), argc, argv);
	fl_arena_free(arena);
	return result;
}
