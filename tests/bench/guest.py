# SPDX-License-Identifier: Apache-2.0
"""A guest whose console tells when its kernel has a disk, plugged by the launcher or by bare QMP."""

import contextlib
import json
import os
import socket
import subprocess
import time

from service import FAIRLEAD


class Guest:
    def __init__(self, place, folder):
        self.place = place
        self.directory = os.path.join(place.run, "vms", "bench")
        self.image = place.path("disk.raw")
        with open(self.image, "wb") as stream:
            stream.truncate(1 << 30)
        spec = place.path("bench.yaml")
        with open(spec, "w", encoding="utf-8") as stream:
            # Not quiet: the kernel's own message is the end of the measurement.
            stream.write(f"name: bench\ncpus: 2\nmemory: 512Mi\nkernel: {folder}/vmlinuz\n"
                         f"initrd: {folder}/initrd\n"
                         "cmdline: \"console=ttyS0 panic=-1 mitigations=off\"\n")
        with open(place.path("vm.log"), "wb") as log:
            self.process = subprocess.Popen([FAIRLEAD, "vm", "run", spec], env=place.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_for_boot()
        with open(place.path("vm.log"), "rb") as log:
            self.aio = "io_uring" if b"message=io_uring" in log.read() else "threads"
        self.console = self._connect("console.sock", socket.SOCK_STREAM)
        self.control = self._connect("control.sock", socket.SOCK_SEQPACKET)
        self.qmp_socket = self._connect("qmp-rescue.sock", socket.SOCK_STREAM)
        self.qmp = self.qmp_socket.makefile("r")
        self.qmp.readline()
        self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()

    def _wait_for_boot(self):
        for _ in range(1200):
            with contextlib.suppress(OSError), \
                    open(os.path.join(self.directory, "console.log"), "rb") as stream:
                if b"guest ready" in stream.read():
                    return
            time.sleep(0.1)
        raise RuntimeError("the guest does not boot")

    def _connect(self, name, kind):
        connection = socket.socket(socket.AF_UNIX, kind)
        connection.connect(os.path.join(self.directory, name))
        return connection

    def execute(self, command, fds=(), **arguments):
        message = json.dumps({"execute": command, "arguments": arguments}).encode()
        socket.send_fds(self.qmp_socket, [message], fds)
        while True:
            answer = json.loads(self.qmp.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")

    def request(self, method, **params):
        self.control.send(json.dumps({"id": 1, "method": method, "params": params}).encode())
        answer = json.loads(self.control.recv(1 << 16))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['text']}")
        return answer["result"]

    def _drain(self):
        self.console.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.console.recv(1 << 16):
                pass
        self.console.setblocking(True)

    def _wait_for_disk(self):
        seen = b""
        while b"Attached SCSI disk" not in seen:
            seen += self.console.recv(1 << 16)

    def plug_by_launcher(self, number):
        """Microseconds from the request to the disk in the guest."""
        self._drain()
        start = time.monotonic_ns()
        self.control.send(json.dumps({"id": 1, "method": "attach", "params": {
            "path": self.image, "serial": f"launcher{number}"}}).encode())
        self._wait_for_disk()
        took = (time.monotonic_ns() - start) // 1000
        answer = json.loads(self.control.recv(1 << 16))
        if "error" in answer:
            raise RuntimeError(f"attach: {answer['error']['text']}")
        self.request("detach", disk=f"launcher{number}")
        return took

    def plug_by_qmp(self, number):
        """The same QMP commands with nothing between us and QEMU."""
        name = f"raw{number}"
        direct = {"direct": True, "no-flush": False}
        self._drain()
        start = time.monotonic_ns()
        fdset = self._add_image(name)
        self.execute("blockdev-add", **{
            "driver": "raw", "node-name": name, "auto-read-only": True, "discard": "unmap",
            "cache": direct,
            "file": {"driver": "file", "filename": f"/dev/fdset/{fdset}", "aio": self.aio,
                     "locking": "off", "auto-read-only": True, "discard": "unmap",
                     "cache": direct}})
        # The same address and the same properties as the launcher's: the guest does the same.
        self.execute("device_add", driver="scsi-hd", id=name, drive=name, bus="scsi0.0",
                     channel=0, lun=0, serial=name, device_id=name, wwn=(5 << 60) + number,
                     werror="stop", rerror="stop", **{"scsi-id": 0})
        self._wait_for_disk()
        took = (time.monotonic_ns() - start) // 1000
        self.execute("device_del", id=name)
        self._delete_node(name)
        self.execute("remove-fd", **{"fdset-id": fdset})
        return took

    def _add_image(self, name):
        """Two descriptors of the image in one set, as the launcher gives them."""
        fdset = {}
        for flags in (os.O_RDONLY, os.O_RDWR):
            descriptor = os.open(self.image, flags | os.O_DIRECT | os.O_CLOEXEC)
            answer = self.execute("add-fd", [descriptor], opaque=name, **fdset)
            os.close(descriptor)
            fdset = {"fdset-id": answer["fdset-id"]}
        return fdset["fdset-id"]

    def _delete_node(self, name):
        """Refused while the device is on its way out."""
        for _ in range(500):
            try:
                self.execute("blockdev-del", **{"node-name": name})
                return
            except RuntimeError:
                time.sleep(0.01)
        raise RuntimeError(f"{name} stays in use")

    def memory(self):
        """(name, MiB) of the supervisor and the launcher."""
        supervisor = self.process.pid
        with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="utf-8") as stream:
            children = stream.read().split()
        rows = [("fairlead vm run (supervisor)", supervisor)]
        for child in children:
            with open(f"/proc/{child}/cmdline", "rb") as stream:
                if b"launcher" in stream.read().split(b"\0"):
                    rows.append(("fairlead vm launcher", child))
        result = []
        for name, pid in rows:
            with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
                size = next(line for line in stream if line.startswith("VmRSS"))
            result.append((name, int(size.split()[1]) / 1024))
        return result
