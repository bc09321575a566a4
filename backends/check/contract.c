/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *member;
	const char *text; /* as it stands in backend.h, without line breaks */
} contracts[] = {
	{ "open", "open checks that the storage is there and usable; what it keeps of `options` or "
		  "`name` it copies." },
	{ "volume_create",
	  "An existing volume of that name that fits the spec (size in range, same content, and "
	  "thin or not where both are made) is returned; one that does not is FL_EXISTS. A blank "
	  "volume reads as zeros and has record `format` = \"never\"; one with content inherits the "
	  "record of its content, read after the copy." },
	{ "volume_delete",
	  "Absent is success. FL_IN_USE when something still has it open. Snapshots made from it "
	  "stay usable, or FL_IN_USE says why not." },
	{ "volume_list",
	  "In ascending order of handle (bytewise), from the first handle above `after` (NULL: "
	  "all)." },
	{ "publish", "Describes how spec->node reaches the volume. Grants nothing by itself." },
	{ "resize",
	  "Grows to at least min_bytes (and at most max_bytes unless 0). Never shrinks; large "
	  "enough already is success. Works while the volume is in use." },
	{ "snapshots->create",
	  "Makes the point in time. An existing snapshot of that name, volume and group is returned "
	  "as it is; of that name and another volume or group, FL_EXISTS. Copies record `format` of "
	  "the volume, read after the cut." },
	{ "snapshots->list",
	  "In ascending order of handle (bytewise), from the first handle above `after` (NULL: "
	  "all)." },
	{ "records->",
	  "A named value beside the volume, changed by compare-and-swap: contracts as in "
	  "base/record.h." },
	{ "pool_records->remove",
	  "Absent is success; FL_BUSY when it is of another version than `expected`." },
	{ "pool_records->",
	  "Named values of the pool itself, for what is of no single volume: contracts as in "
	  "base/record.h, but that the first version may be any: a record that was removed and made "
	  "again never has a version that it had before, so that who slept meanwhile finds out." },
	{ "health->volume",
	  "Of one volume, also of one so damaged that volume_get fails; FL_NOT_FOUND." },
	{ "health->list", "The volumes that are not healthy, as volume_list." },
	{ "health->", "A status stays until its cause is gone." },
	{ "changes->",
	  "What a snapshot holds, and how it differs from another one of the same volume. Both tell "
	  "extents in ascending order, disjoint, from offset `from` on (the first one is cut there), "
	  "and within the snapshot's (the target's) size; neighbours may touch. What is not told is "
	  "certain: it reads as zeros, or the same in both, where the base counts as zeros beyond "
	  "its end." },
	{ "copies->begin",
	  "Makes an invisible, zeroed target of the size that the finished object will have. While "
	  "no copy has been started, each begin makes a fresh file under a name of its own and "
	  "removes what an earlier begin of that object left, so that a writer that was believed "
	  "dead writes to nowhere. A started, failed or committed copy is returned as it is; when "
	  "it is of another source or does not fit: FL_EXISTS, or FL_BUSY for a volume that is not "
	  "committed, which may never be." },
	{ "copies->started",
	  "Remembers durably that copy->path was cut at copy->cut_ns; for a snapshot, `get` and "
	  "`list` show it from now on with ready = false. FL_BUSY when another begin replaced "
	  "copy->path." },
	{ "copies->failed",
	  "The copy broke after its cut: for a snapshot, `failure` is shown until it is deleted." },
	{ "copies->commit",
	  "Makes the finished copy durable and visible under its name, ready, with created_ns = "
	  "copy->cut_ns and the record `format` of the source (see above); done already is success. "
	  "FL_BUSY when another begin replaced copy->path." },
	{ "copies->abort",
	  "Forgets the target copy->path, started or not; nothing there, or replaced by another "
	  "begin, is success." },
	/* For every call. */
	{ "",
	  "It is idempotent: asked again for what is already so, it says yes. A failed or killed "
	  "call leaves nothing that the same call, made again, trips over" },
};

const char *contract_of(const char *member)
{
	size_t i = 0;

	/* The last row is the start of every name. */
	while (!fl_text_starts_with(member, contracts[i].member))
		i++;
	return contracts[i].text;
}
