# SPDX-License-Identifier: Apache-2.0
"""The frame of this ring: services of their own, statements about them, and real gRPC calls.

    from bed import Bed, refused, run, statement

    @statement("a volume that does not exist is deleted with success")
    def _(bed):
        bed.csi("DeleteVolume", volume_id="default/nothing")

    run(Bed())

A statement fails by an exception: `assert`, a refused call, `refused` that was not.  After each one all
volumes and snapshots are taken away, so none sees those of another.  At the end of a file the
pools must be empty, and no mount or loop device left."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

ASKER = os.path.join(os.environ.get("BUILD", "build"), "tests/csi/asker")
MIB = 1 << 20
GIB = 1 << 30
DEFAULT_CONFIG = """
node: { id: n1 }
nodes: [n2]
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
"""
# The codes of base/error.h, as they are called on the wire.
CODES = {"INVALID": "INVALID_ARGUMENT", "EXISTS": "ALREADY_EXISTS", "NO_SPACE": "RESOURCE_EXHAUSTED",
         "IN_USE": "FAILED_PRECONDITION", "BUSY": "ABORTED", "BAD_TOKEN": "ABORTED",
         "UNSUPPORTED": "UNIMPLEMENTED", "DENIED": "PERMISSION_DENIED",
         "TIMEOUT": "DEADLINE_EXCEEDED"}
STATEMENTS = []


class Refused(Exception):
    """A call was answered with an error; `code` is gRPC's name for it."""

    def __init__(self, method, code, text):
        super().__init__(f"{method}: {code}: {text}")
        self.code = code
        self.text = text


def statement(name):
    """Makes the function (of a Bed) a statement; statements run in the order of the file."""
    def add(function):
        STATEMENTS.append((name, function))
        return function
    return add


@contextlib.contextmanager
def refused(code, *words):
    """What runs in here has to be refused with this code and a text that has all these words."""
    try:
        yield
    except Refused as refusal:
        assert refusal.code == code, f"wanted {code}, got {refusal}"
        for word in words:
            assert word in refusal.text, f"wanted the word {word!r} in: {refusal}"
        return
    raise AssertionError(f"wanted {code}, but it was not refused")


def capability(mode="SINGLE_NODE_WRITER", block=True, **mount):
    """A VolumeCapability: a block device, or a file system with the fields of MountVolume."""
    return {"block": {}} | {"access_mode": {"mode": mode}} if block else \
        {"mount": mount, "access_mode": {"mode": mode}}


class Client:
    """One connection to one socket.  `begin` and `end` are the halves of `call`: other clients may
    call meanwhile."""

    def __init__(self, socket, environment):
        self.method = None
        self.process = subprocess.Popen([ASKER, f"unix://{socket}"], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, method, timeout_ms=0, **request):
        self.method = method
        line = {"method": method, "timeout_ms": timeout_ms or int(60000 * SLOWNESS),
                "request": request}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def end(self):
        """The answers, as a list: one, but for streams."""
        line = self.process.stdout.readline()
        assert line, f"{self.method}: the asker ended"
        reply = json.loads(line)
        if reply["code"] != "OK":
            raise Refused(self.method, CODES.get(reply["code"], reply["code"]), reply["text"])
        return reply["answers"]

    def call(self, method, **request):
        self.begin(method, **request)
        return self.end()[0]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Bed(Place):
    """`config` is the configuration, with ROOT for the bed's directory; `roles` are the services:
    ("serve",) on one socket, or ("controller", "node") on two."""

    def __init__(self, config=DEFAULT_CONFIG, roles=("serve",)):
        super().__init__()
        self.role_names = roles
        self.clients = {}
        self.extra = []
        self.configure(config.replace("ROOT", self.root))

    def begin(self):
        for role in self.role_names:
            self.start(role)

    def restart(self, config=None, kill=True):
        """The services end (by kill -9, or as they are asked to) and are started again."""
        for role in self.roles:
            if kill:
                role.kill()
            else:
                assert role.stop() == 0, role.log()[-2000:]
        self.roles.clear()
        self._hang_up()
        if config:
            self.configure(config.replace("ROOT", self.root))
        self.begin()

    def _hang_up(self):
        for client in [*self.clients.values(), *self.extra]:
            client.close()
        self.clients.clear()
        self.extra.clear()

    def client(self, service="Controller"):
        """A connection of its own, to the socket that serves this service."""
        role = self.roles[-1 if service == "Node" else 0]
        client = Client(role.socket, self.environment)
        self.extra.append(client)
        return client

    def csi(self, method, **request):
        """A call, "DeleteVolume" or "Node.NodeGetInfo", and its answer."""
        service = "Controller"
        if "." in method:
            service = method.split(".", maxsplit=1)[0]
        elif method.startswith("Node"):
            service = "Node"
        if service not in self.clients:
            self.clients[service] = self.client(service)
        return self.clients[service].call(f"{service}.{method.rpartition('.')[2]}", **request)

    def together(self, *calls):
        """Each call, (method, request), on a connection of its own, all at once: their answers, or
        Refused, in order."""
        results = [None] * len(calls)
        clients = [self.client() for _ in calls]

        def one(i):
            try:
                results[i] = clients[i].call(f"Controller.{calls[i][0]}", **calls[i][1])
            except Refused as refusal:
                results[i] = refusal
        threads = [threading.Thread(target=one, args=(i,)) for i in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    # --- what many statements need -----------------------------------------------------------

    def volume(self, name, size=MIB, **more):
        """Creates a block volume, and returns CSI's Volume."""
        request = {"name": name, "volume_capabilities": [capability()],
                   "capacity_range": {"required_bytes": size}} | more
        return self.csi("CreateVolume", **request)["volume"]

    def snapshot(self, name, volume_id, **more):
        return self.csi("CreateSnapshot", name=name, source_volume_id=volume_id, **more)["snapshot"]

    def publish(self, volume_id, node="n1", **more):
        request = {"volume_id": volume_id, "node_id": node, "volume_capability": capability()} | more
        return self.csi("ControllerPublishVolume", **request)["publish_context"]

    def unpublish(self, volume_id, **more):
        self.csi("ControllerUnpublishVolume", volume_id=volume_id, **more)

    def volumes(self):
        return {e["volume"]["volume_id"]: e for e in self.csi("ListVolumes")["entries"]}

    def sweep(self):
        """Takes away what a statement left."""
        groups = {}
        for entry in self.csi("ListSnapshots")["entries"]:
            if group := entry["snapshot"].get("group_snapshot_id"):
                groups.setdefault(group, []).append(entry["snapshot"]["snapshot_id"])
        for group, members in groups.items():
            self.csi("GroupController.DeleteVolumeGroupSnapshot", group_snapshot_id=group,
                     snapshot_ids=members)
        for entry in self.csi("ListSnapshots")["entries"]:
            self.csi("DeleteSnapshot", snapshot_id=entry["snapshot"]["snapshot_id"])
        for volume_id in self.volumes():
            self.unpublish(volume_id)
            self.csi("DeleteVolume", volume_id=volume_id)

    def close(self):
        self._hang_up()
        super().close()


def run_statement(tap, bed, name, function):
    try:
        function(bed)
        bed.sweep()
        tap.ok(True, name)
    except (Exception, SystemExit):  # pylint: disable=broad-exception-caught
        tap.ok(False, name, traceback.format_exc())
        with contextlib.suppress(Exception):
            bed.sweep()


def run(*beds):
    """Runs the file's statements on each of the beds, and ends the program."""
    tap = Tap()
    for bed in beds:
        with bed:
            bed.begin()
            for name, function in STATEMENTS:
                run_statement(tap, bed, name, function)
            for role in bed.roles:
                tap.ok(role.stop() == 0, f"fairlead {role.name} ends when it is asked to",
                       role.log()[-4000:])
            tap.ok(not bed.leftovers(), "no mount and no loop device is left", *bed.leftovers())
    tap.end()
