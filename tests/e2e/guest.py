# SPDX-License-Identifier: Apache-2.0
"""A guest under the real launcher, looked at from inside by its serial console, and the program that
stamps its disks."""

import contextlib
import gzip
import os
import re
import socket
import subprocess
import tempfile
import time

from bed import BUILD, FAIRLEAD, HERE, SLOWNESS, STAMP, Failed, must, run, wait_until

FOLDER = os.path.join(BUILD, "guest")


def initrd_with_stamp(place):
    """The initial file system of deploy/guest.sh, with `stamp` laid over it."""
    must(os.path.join(HERE, "../../deploy/guest.sh"), FOLDER)
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "bin"))
        must("cp", STAMP, os.path.join(root, "bin/stamp"))
        archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, check=True,
                                 input=b"bin\nbin/stamp\n", capture_output=True).stdout
    path = place.path("initrd")
    with open(os.path.join(FOLDER, "initrd"), "rb") as base, open(path, "wb") as whole:
        whole.write(base.read())
        whole.write(gzip.compress(archive, 1))
    return path


class Guest:
    def __init__(self, bed, name="g"):
        self.bed = bed
        self.name = name
        self.directory = os.path.join(bed.run, "vms", name)
        self.number = 0
        spec = bed.path(f"{name}.yaml")
        with open(spec, "w", encoding="utf-8") as stream:
            stream.write(f"name: {name}\nmemory: 256Mi\naccel: tcg\nkernel: {FOLDER}/vmlinuz\n"
                         f"initrd: {initrd_with_stamp(bed)}\n"
                         "cmdline: \"console=ttyS0 quiet panic=-1 mitigations=off\"\n")
        self.log_path = bed.path(f"{name}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([FAIRLEAD, "vm", "run", spec], env=bed.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        bed.guests.append(self)
        wait_until(self._has_booted, 120, "the guest boots")
        self.boot_id = self.inside("cat /proc/sys/kernel/random/boot_id")

    def _has_booted(self):
        if self.process.poll() is not None:
            raise Failed(f"fairlead vm run ended:\n{self.log()}")
        with contextlib.suppress(OSError), \
                open(os.path.join(self.directory, "console.log"), "rb") as stream:
            return b"guest ready" in stream.read()
        return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    # --- inside ------------------------------------------------------------------------------

    def inside(self, command, seconds=60):
        """Runs a command in the guest's shell; what it prints.  It may run twice when the launcher is
        killed meanwhile."""
        deadline = time.monotonic() + seconds * SLOWNESS
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError, FileNotFoundError):
                status, said = self._inside_once(command, deadline)
                if status:
                    raise Failed(f"in the guest: {command}: status {status}: {said}")
                return said
            time.sleep(0.1)
        raise Failed(f"in the guest, not within {seconds} s: {command}")

    def _inside_once(self, command, deadline):
        self.number += 1
        # What the terminal echoes has no digits where the answer has them.
        line = f"printf '\\nbegin %d\\n' {self.number}; ({command}) 2>&1; " \
               f"printf '\\nend %d %d\\n' {self.number} $?\n"
        wanted = re.compile(rf"^begin {self.number}\n(.*)\nend {self.number} (\d+)$",
                            re.MULTILINE | re.DOTALL)
        seen = b""
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(os.path.join(self.directory, "console.sock"))
            console.sendall(line.encode())
            while not (match := wanted.search(seen.decode(errors="replace").replace("\r", ""))):
                console.settimeout(max(deadline - time.monotonic(), 0.01))
                try:
                    data = console.recv(1 << 16)
                except TimeoutError as late:
                    raise Failed(f"in the guest, too late: {command}: {seen[-500:]}") from late
                if not data:
                    raise ConnectionError
                seen += data
        return int(match[2]), match[1].strip()

    def inside_until(self, condition, seconds=20):
        def holds():
            return self.inside(f"{condition} && echo yes || echo no").endswith("yes")
        wait_until(holds, seconds, f"in the guest: {condition}")

    def device(self, serial):
        """The device of the disk with that serial, once the guest has it."""
        link = f"/dev/disk/by-id/scsi-{serial}"
        self.inside_until(f"[ -b {link} ]")
        return self.inside(f"readlink -f {link}")

    def size(self, device):
        return 512 * int(self.inside(f"cat /sys/block/{os.path.basename(device)}/size"))

    # --- outside -----------------------------------------------------------------------------

    def attach(self, volume, *words):
        """The disk as `vm attach` describes it, and its device in the guest."""
        disk = self.bed.ask("vm", "attach", self.name, volume, *words)
        return disk, self.device(disk["serial"])

    def child(self, word):
        """The process of this VM with that word in its command line, or None."""
        pid = self.process.pid
        with contextlib.suppress(OSError), \
                open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as stream:
            for child in stream.read().split():
                with contextlib.suppress(OSError), open(f"/proc/{child}/cmdline", "rb") as line:
                    if word.encode() in line.read().split(b"\0"):
                        return int(child)
        return None

    def launcher(self):
        return wait_until(lambda: self.child("launcher"), 30, "the launcher runs")

    def qemu(self):
        return self.child("-nodefaults")

    def stop(self):
        """Powers the guest down; the status of `vm run`."""
        self.bed.do("vm", "stop", self.name)
        return self.process.wait(60 * SLOWNESS)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Stamps:
    """`stamp` at work on a disk of the guest, from block FIRST on."""

    def __init__(self, guest, device, first, blocks):
        self.guest = guest
        self.device = device
        self.area = str(first), str(blocks)
        self.file = f"/tmp/{os.path.basename(device)}"
        self.last = 0
        self.longest_us = 0
        self.pid = None

    def start(self):
        words = " ".join(["stamp write", self.device, *self.area, str(self.last + 1), self.file])
        self.guest.inside(f": >{self.file}")
        self.pid = self.guest.inside(f"{words} >{self.file}.error 2>&1 & echo $!")
        wait_until(lambda: self.now() > self.last + 100, 30, "the guest writes")

    def now(self):
        """The last stamp that is on the disk; fails when a write has failed."""
        said = self.guest.inside(f"cat {self.file} {self.file}.error").split("\n", 1)
        if not said[0]:
            return 0
        number, longest, error = map(int, said[0].split())
        self.longest_us = max(self.longest_us, longest)
        if error or len(said) > 1:
            raise Failed(f"the guest's write after stamp {number} failed: errno {error} {said[1:]}")
        return number

    def goes_on(self):
        before = self.now()
        wait_until(lambda: self.now() > before, 10, "the guest goes on writing")

    def stop(self):
        self.guest.inside(f"kill {self.pid}; while kill -0 {self.pid} 2>/dev/null; "
                          "do usleep 20000; done")
        self.last = self.now()
        return self.last

    def moment_of(self, path):
        """Of which stamp a copy is the state: (stamp, ""), or (None, why of none)."""
        result = run(STAMP, "check", path, *self.area)
        if result.returncode:
            return None, result.stderr
        return int(result.stdout), ""
