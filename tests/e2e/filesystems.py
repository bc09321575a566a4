#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes with a file system, and a machine that starts anew: published, grown, written by the
command line alone, without a guest."""

import errno
import os
import shutil

from bed import Bed, Failed, Tap, files_below, must, run

CAP_SYS_RESOURCE = 24
SIZE, GROWN = 512 << 20, 1 << 30


def file_system_at(path):
    """(kind, source) of what is mounted there, or None."""
    result = run("findmnt", "-n", "-o", "FSTYPE,SOURCE", "--mountpoint", path)
    return tuple(result.stdout.split()) if result.returncode == 0 else None


def has_capability(number):
    with open("/proc/self/status", encoding="utf-8") as stream:
        line = next(line for line in stream if line.startswith("CapEff:"))
    return int(line.split()[1], 16) >> number & 1


def capacity(path):
    info = os.statvfs(path)
    return info.f_blocks * info.f_frsize


def write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


class Story:
    """One file system in a volume of a pool."""

    def __init__(self, tap, bed, kind):
        self.tap, self.bed, self.kind = tap, bed, kind
        self.volume = f"files-{kind}"
        self.target = bed.path(f"at-{kind}")

    def ok(self, good, what, *details):
        return self.tap.ok(good, f"{self.kind}: {what}", *details)

    def refused(self, what, status, sentence, *words):
        result = self.bed.command(*words)
        self.ok(result.returncode == status and all(s in result.stderr for s in sentence), what,
                f"status {result.returncode}, wanted {status}", result.stderr or result.stdout)

    def publish(self, target, *words):
        self.bed.do("volume", "publish", self.volume, "--mount", target, "--fs", self.kind, *words)

    def tell(self, pool):
        self.bed.create(self.volume, pool, str(SIZE), "--fs", self.kind)
        self.first_time()
        self.second_time()
        self.read_only()
        self.grow()
        self.copy(pool)
        self.bed.do("volume", "unpublish", self.volume)
        self.bed.do("volume", "delete", self.volume)

    def first_time(self):
        self.publish(self.target)
        found = file_system_at(self.target)
        self.ok(found and found[0] == self.kind, "it is made and mounted", found)
        self.publish(self.target)
        write(f"{self.target}/precious", "precious")
        self.bed.do("volume", "unpublish", self.volume)
        self.ok(not file_system_at(self.target) and not self.bed.leftovers(),
                "unpublished, neither mount nor loop device is left", *self.bed.leftovers())

    def second_time(self):
        other = "xfs" if self.kind == "ext4" else "ext4"
        self.refused("it is not mistaken for another file system", 5, [self.kind], "volume",
                     "publish", self.volume, "--mount", self.target, "--fs", other)
        self.publish(self.target)
        self.ok(read(f"{self.target}/precious") == "precious",
                "published again, it has its data")
        second = self.bed.path(f"again-{self.kind}")
        self.publish(second)
        write(f"{second}/more", "more")
        self.ok(read(f"{self.target}/more") == "more", "two targets show the same")
        self.bed.do("volume", "unpublish", self.volume, "--mount", second)
        self.ok(not file_system_at(second) and file_system_at(self.target),
                "one target of two is taken away alone")

    def read_only(self):
        self.refused("while it is attached for writing it is not attached read-only", 5,
                     [f"attached to node {self.bed.node}", "detach it"], "volume", "publish", self.volume,
                     "--mount", self.bed.path("other"), "--fs", self.kind, "--readonly")
        self.bed.do("volume", "unpublish", self.volume)
        self.publish(self.target, "--readonly")
        try:
            write(f"{self.target}/never", "")
            self.ok(False, "read-only, it cannot be written")
        except OSError as why:
            self.ok(why.errno == errno.EROFS, "read-only, it cannot be written", why)
        self.ok(read(f"{self.target}/precious") == "precious", "and is read")
        self.bed.do("volume", "unpublish", self.volume)
        self.publish(self.target)

    def grow(self):
        if self.kind == "ext4" and not has_capability(CAP_SYS_RESOURCE):
            self.tap.skip("ext4: it grows while it is used",
                          "the kernel wants CAP_SYS_RESOURCE, which root does not have here")
            return
        before = capacity(self.target)
        with open(f"{self.target}/open", "w", encoding="utf-8") as stream:
            self.bed.do("volume", "expand", self.volume, "--size", str(GROWN))
            stream.write("written meanwhile")
        after = capacity(self.target)
        self.ok(before <= SIZE < after <= GROWN, "it grows while it is used", before, after)
        self.bed.do("volume", "expand", self.volume, "--size", str(GROWN))
        self.ok(read(f"{self.target}/precious") == "precious" and
                read(f"{self.target}/open") == "written meanwhile", "and keeps its data")

    def copy(self, pool):
        """A copy of a file system has the same UUID, and still both are mounted at once."""
        copied = f"copy-{self.kind}"
        if pool == "ext4":
            self.refused("in a pool that copies, no snapshot of it while it is mounted", 5,
                         ["kernel device", "detach it"], "snapshot", "create", self.volume, "s")
            self.bed.do("volume", "unpublish", self.volume)
        self.bed.do("snapshot", "create", self.volume, "s")
        self.publish(self.target)
        self.bed.do("volume", "create", copied, "--pool", pool, "--from-snapshot", "s")
        target = self.bed.path(f"copy-at-{self.kind}")
        self.bed.do("volume", "publish", copied, "--mount", target, "--fs", self.kind)
        self.ok(read(f"{target}/precious") == "precious",
                "a volume made from its snapshot is mounted beside it")
        self.bed.do("volume", "unpublish", copied)
        self.bed.do("volume", "delete", copied)
        self.bed.do("snapshot", "delete", "s")


class NewStart:
    """What a machine finds after it was switched off: the storage as it was, and no memory."""

    def __init__(self, tap, bed):
        self.tap, self.bed = tap, bed
        self.mounted, self.block = bed.path("mounted"), bed.path("block")

    def refused_or_done(self, *words):
        result = self.bed.command(*words)
        self.tap.ok(result.returncode == 0, f"after a new start: {' '.join(words[:3])}",
                    f"status {result.returncode}", result.stderr)

    def tell(self):
        bed = self.bed
        for name in ("mounted", "block", "vm", "forgotten"):
            bed.create(name, "xfs", str(SIZE))
        bed.do("volume", "publish", "mounted", "--mount", self.mounted)
        write(f"{self.mounted}/precious", "precious")
        must("sync", "-f", self.mounted)
        bed.do("volume", "publish", "block", "--device", self.block)
        bed.do("volume", "publish", "vm", "--vm", "ghost")
        bed.do("volume", "publish", "forgotten", "--device", bed.path("forgotten"))
        self.switch_off()
        bed.start_serve()
        owners = {v["id"].rsplit("/", 1)[1]: v["nodes"] for v in bed.ask("volume", "list")}
        self.tap.ok(all(nodes == [bed.node] for nodes in owners.values()),
                    "after a new start: the storage knows who had the volumes", owners)
        self.refused_or_done("volume", "publish", "mounted", "--mount", self.mounted)
        self.tap.ok(read(f"{self.mounted}/precious") == "precious",
                    "after a new start: the data is there")
        self.refused_or_done("volume", "publish", "block", "--device", self.block)
        self.refused_or_done("volume", "publish", "vm", "--vm", "ghost")
        for name in ("mounted", "block", "vm", "forgotten"):
            self.refused_or_done("volume", "unpublish", name)
        owners = {v["id"].rsplit("/", 1)[1]: v["nodes"] for v in bed.ask("volume", "list")}
        self.tap.ok(not any(owners.values()), "after a new start: all is unpublished again", owners)
        for name in ("mounted", "block", "vm", "forgotten"):
            bed.do("volume", "delete", name)

    def switch_off(self):
        """Everything that ends with the power: processes, mounts, devices, the runtime directory."""
        bed = self.bed
        bed.serve.kill()
        for mount in reversed([w[6:] for w in bed.leftovers() if w.startswith("mount ")]):
            must("umount", mount)
        for device in bed.leftovers():
            must("losetup", "-d", device)
        for entry in os.listdir(bed.run):
            path = os.path.join(bed.run, entry)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        if bed.leftovers() or files_below(bed.run):
            raise Failed(f"the machine is not off: {bed.leftovers()}")


def main():
    tap = Tap()
    with Bed("ext4", "xfs") as bed:
        bed.start_serve()
        untouched = bed.untouched()
        for kind, pool in (("ext4", "ext4"), ("xfs", "xfs"), ("btrfs", "xfs")):
            try:
                Story(tap, bed, kind).tell(pool)
            except Failed as why:
                tap.ok(False, f"{kind}: the story comes to its end", why, bed.serve.log()[-3000:])
        try:
            NewStart(tap, bed).tell()
        except Failed as why:
            tap.ok(False, "after a new start: the story comes to its end", why,
                   bed.serve.log()[-3000:])
        bed.end_is_clean(tap, untouched)
    tap.end()


main()
