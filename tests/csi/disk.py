# SPDX-License-Identifier: Apache-2.0
"""A volume on the bed's node, between staged and taken away; for the files of statements."""

import contextlib
import os

from bed import MIB, capability

SIZE = 64 * MIB
EPHEMERAL = {"csi.storage.k8s.io/ephemeral": "true", "size": "32Mi"}
INLINE = "csi-0f2d6bdd8c1d4c1ab3a7"


def ext4(mode="SINGLE_NODE_MULTI_WRITER", **mount):
    return capability(mode, block=False, **{"fs_type": "ext4"} | mount)


def block(mode="SINGLE_NODE_MULTI_WRITER"):
    return capability(mode)


class Disk:
    """A volume that is attached to the bed's node, in one way."""

    def __init__(self, bed, way, name="disk", **create):
        self.bed = bed
        self.way = way
        self.volume_id = bed.volume(name, **{"size": SIZE, "volume_capabilities": [way]} |
                                    create)["volume_id"]
        self.attach()
        self.staging = bed.path(f"staging-{name}")
        self.targets = [bed.path(f"{name}-{i}") for i in range(3)]

    def attach(self):
        self.context = self.bed.publish(self.volume_id, volume_capability=self.way)

    def stage(self, **more):
        request = {"volume_id": self.volume_id, "staging_target_path": self.staging,
                   "publish_context": self.context, "volume_capability": self.way} | more
        self.bed.csi("NodeStageVolume", **request)

    def publish(self, i=0, **more):
        request = {"volume_id": self.volume_id, "staging_target_path": self.staging,
                   "target_path": self.targets[i], "publish_context": self.context,
                   "volume_capability": self.way} | more
        self.bed.csi("NodePublishVolume", **request)
        return self.targets[i]

    def unpublish(self, i=0):
        self.bed.csi("NodeUnpublishVolume", volume_id=self.volume_id, target_path=self.targets[i])

    def unstage(self):
        self.bed.csi("NodeUnstageVolume", volume_id=self.volume_id,
                     staging_target_path=self.staging)

    def detach(self):
        self.bed.unpublish(self.volume_id, node_id="n1")

    def take_away(self):
        for i in range(len(self.targets)):
            self.unpublish(i)
        self.unstage()
        self.detach()


@contextlib.contextmanager
def disk(bed, way, name="disk", **create):
    """A staged one; taken away at the end."""
    made = Disk(bed, way, name, **create)
    try:
        made.stage()
        yield made
    finally:
        made.take_away()


def write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def is_read_only(path):
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
