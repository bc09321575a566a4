# SPDX-License-Identifier: Apache-2.0
"""A machine of its own: three pools on file systems of their own, `fairlead serve` and guests over
them, all in one temporary directory, and what is left of it at the end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import FAIRLEAD, SLOWNESS, Place, Role  # noqa: E402
from tap import Tap  # noqa: E402, F401

BUILD = os.environ.get("BUILD", "build")
STAMP = os.path.join(BUILD, "tests/e2e/stamp")
POOL_SIZE = 6 << 30  # sparse
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"]}
CUTS = {"ext4": False, "xfs": True, "btrfs": True}

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is taken down


class Failed(Exception):
    """Something that has to work did not: the story cannot go on."""


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **more)


def must(*command):
    result = run(*command)
    if result.returncode:
        raise Failed(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout.strip()


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds * SLOWNESS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return value


def files_below(folder):
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


class Serve(Role):
    """`fairlead serve` at the socket where the command line looks for it.  It may be the second one
    there, which takes the socket over."""

    def __init__(self, bed):  # pylint: disable=super-init-not-called
        self.name = "serve"
        self.socket = os.path.join(bed.run, "csi.sock")
        self.log_path = bed.path(f"serve-{len(bed.roles)}.log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([FAIRLEAD, "serve", "--config", bed.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=bed.environment)
        wait_until(lambda: "event=ready" in self.log() or self.process.poll() is not None, 20,
                   "fairlead serve is ready")
        if self.process.poll() is not None:
            raise Failed(f"fairlead serve does not serve:\n{self.log()}")


class Bed(Place):
    def __init__(self, *pools):
        # A loop device is known by its volume's id: no two runs on this machine share one.
        super().__init__(node=f"n{os.getpid()}")
        self.pools = pools
        self.guests = []
        self.serve = None
        try:
            for pool in pools:
                self._make_pool(pool)
        except Failed:
            self.close()
            raise
        entries = "".join(f"  - {{ name: {p}, backend: file, directory: {self.volumes(p)} }}\n"
                          for p in pools)
        self.configure(f"node: {{ id: {self.node}, disks: {self.run}/disks.sock, "
                       f"state: {self.run}/node }}\npools:\n{entries}")

    def volumes(self, pool):
        return self.path(pool, "volumes")

    def _make_pool(self, pool):
        image = self.path(f"{pool}.img")
        with open(image, "wb") as stream:
            stream.truncate(POOL_SIZE)
        must(*MKFS[pool], image)
        os.mkdir(self.path(pool))
        must("mount", "-o", "loop", image, self.path(pool))

    def start_serve(self):
        self.serve = Serve(self)
        self.roles.append(self.serve)
        return self.serve

    # --- commands ----------------------------------------------------------------------------

    def begin(self, *words):
        """Starts a command and does not wait for it."""
        return subprocess.Popen([FAIRLEAD, *words], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def do(self, *words):
        """A command that has to work; what it prints."""
        result = self.command(*words)
        if result.returncode:
            raise Failed(f"fairlead {' '.join(words)}: status {result.returncode}: {result.stderr}")
        return result.stdout

    def ask(self, *words):
        return json.loads(self.do(*words, "-o", "json"))

    def create(self, name, pool, size="256Mi", *words):
        return self.ask("volume", "create", name, "--pool", pool, "--size", size, *words)["id"]

    @contextlib.contextmanager
    def device(self, volume):
        """The volume as a block device of this machine."""
        target = self.path("device")
        self.do("volume", "publish", volume, "--device", target)
        try:
            yield target
        finally:
            self.do("volume", "unpublish", volume)

    # --- the end -----------------------------------------------------------------------------

    def own_mounts(self):
        return [self.path(pool) for pool in self.pools]

    def leftovers(self):
        """What uses something in here, beside the pools' own file systems."""
        images = {os.path.basename(self.path(f"{pool}.img")) for pool in self.pools}
        own = {f"mount {path}" for path in self.own_mounts()}
        left = []
        for what in super().leftovers():
            if what.startswith("/dev/"):
                with open(f"/sys/block/{what[5:]}/loop/backing_file", encoding="utf-8") as stream:
                    if os.path.basename(stream.read().strip()) in images:
                        continue
            if what not in own:
                left.append(what)
        return left

    def processes(self):
        mark = f"FAIRLEAD_RUN={self.run}".encode()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as stream:
                if mark in stream.read().split(b"\0"):
                    with open(f"/proc/{entry}/cmdline", "rb") as line:
                        yield int(entry), line.read().replace(b"\0", b" ").decode()

    def end_is_clean(self, tap, untouched):
        """Everything has been deleted: nothing of it is left, anywhere."""
        tap.ok(self.ask("volume", "list") == [] and self.ask("snapshot", "list") == [],
               "all volumes and snapshots are deleted")
        status = self.serve.stop()
        tap.ok(status == 0, "fairlead serve ends when it is asked to", f"status {status}",
               self.serve.log()[-2000:])
        left = self.leftovers()
        tap.ok(not left, "no mount and no loop device is left", *left)
        left = [f"{pid} {line}" for pid, line in self.processes()]
        tap.ok(not left, "no process is left", *left)
        left = self.picture() - untouched
        tap.ok(not left, "no file is left in the pools and in the runtime directory", *sorted(left))

    def untouched(self):
        """The picture after each pool's first volume has come and gone: locks stay for good."""
        for pool in self.pools:
            self.create("first", pool, "16Mi")
            with self.device("first"):
                pass
            self.do("volume", "delete", "first")
        return self.picture()

    def picture(self):
        """The files of the pools and of the runtime directory; logs of guests do not count."""
        found = files_below(self.run)
        for pool in self.pools:
            found |= files_below(self.volumes(pool))
        return {path for path in found if not path.startswith(os.path.join(self.run, "log/"))}

    def close(self):
        for guest in self.guests:
            guest.kill()
        for role in self.roles:
            role.kill()
        for pid, _ in list(self.processes()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        for mount in reversed([w[6:] for w in self.leftovers() if w.startswith("mount ")]):
            run("umount", "-l", mount)
        for device in self.leftovers():
            run("losetup", "-d", device)
        for mount in self.own_mounts():
            run("umount", mount)
        super().close()
