# SPDX-License-Identifier: Apache-2.0
"""A VM under the real supervisor and launcher: its control socket, its console, its processes."""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

BUILD = os.environ.get("BUILD", os.path.join(HERE, "../../build"))
FAIRLEAD = os.environ.get("FAIRLEAD", os.path.join(BUILD, "fairlead"))
SLOWNESS = float(os.environ.get("FAIRLEAD_SLOWNESS", "1"))
GUEST = os.environ.get("FAIRLEAD_GUEST", os.path.join(BUILD, "guest"))
MIB = 1 << 20


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def make_guest():
    subprocess.run([os.path.join(HERE, "../../deploy/guest.sh"), GUEST], check=True,
                   stdin=subprocess.DEVNULL)


def is_open(path):
    """Whether any process has the file open, by the kernel's word: a write lease."""
    import fcntl
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


def rescue(directory, command, **arguments):
    """QMP on the second socket of the VM whose runtime directory that is."""
    with socket.socket(socket.AF_UNIX) as qmp:
        qmp.settimeout(20 * SLOWNESS)
        qmp.connect(os.path.join(directory, "qmp-rescue.sock"))
        stream = qmp.makefile("rw", encoding="utf-8")
        stream.readline()
        for request in ({"execute": "qmp_capabilities"},
                        {"execute": command, "arguments": arguments}):
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            while "event" in (answer := json.loads(stream.readline())):
                pass
        return answer["return"]


def kept_limits(directory, source):
    """The limits that QEMU keeps of a disk (node/launcher/disk.h tells how its device is called),
    without those that are none."""
    device = "d-" + hashlib.sha256(source.encode()).hexdigest()[:24]
    for entry in rescue(directory, "query-block"):
        disk = entry.get("inserted", {})
        if device in entry.get("qdev", ""):
            return {key: disk[key] for key in ("iops", "iops_rd", "iops_wr", "bps", "bps_rd", "bps_wr")
                    if disk[key]}
    return None


class Place:
    """A directory with everything that a test program makes; removed at the end with all VMs."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="fl.")
        self.run = self.path("run")
        self.vms = []
        os.mkdir(self.run, 0o700)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def image(self, name, size=64 * MIB):
        with open(self.path(name), "wb") as stream:
            stream.truncate(size)
        return self.path(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for vm in self.vms:
            vm.end()
        subprocess.run(["rm", "-rf", self.root], check=False)


class Channel:
    """Requests on a control socket, one connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(120 * SLOWNESS)
        self.socket.connect(path)

    def call(self, method, **params):
        self.socket.send(json.dumps({"id": 1, "method": method, "params": params}).encode())
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the launcher has gone")
        answer = json.loads(data)
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["text"])
        return answer["result"]

    def close(self):
        self.socket.close()


class Vm:
    def __init__(self, place, name, text="", kernel=True, cmdline=""):
        self.place = place
        self.name = name
        self.directory = os.path.join(place.run, "vms", name)
        self.spec = place.path(f"{name}.yaml")
        self.log_path = place.path(f"{name}.log")
        boot = (f"kernel: {GUEST}/vmlinuz\ninitrd: {GUEST}/initrd\n"
                f"cmdline: console=ttyS0 quiet panic=-1 mitigations=off {cmdline}\n")
        with open(self.spec, "w", encoding="utf-8") as stream:
            stream.write(f"name: {name}\nmemory: 192Mi\naccel: tcg\n{boot if kernel else ''}{text}")
        self.number = 0
        self.process = None
        self.start()
        place.vms.append(self)

    def environment(self):
        return os.environ | {"FAIRLEAD_RUN": self.place.run}

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([FAIRLEAD, "vm", "run", self.spec],
                                            env=self.environment(), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def run_again(self):
        """A second `vm run` of the same name: (status, what it said)."""
        done = subprocess.run([FAIRLEAD, "vm", "run", self.spec], env=self.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * SLOWNESS, check=False)
        return done.returncode, done.stderr

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # --- the launcher ------------------------------------------------------------------------

    def call_once(self, method, **params):
        """One request on a connection of its own."""
        channel = Channel(os.path.join(self.directory, "control.sock"))
        try:
            return channel.call(method, **params)
        finally:
            channel.close()

    def call(self, method, **params):
        """The same, asked again of the next launcher when this one dies meanwhile."""
        def ask():
            if self.process.poll() is not None:
                raise AssertionError(f"the VM has ended:\n{self.log()}")
            with contextlib.suppress(OSError):
                return [self.call_once(method, **params)]
            return None

        return wait_until(ask, 60, f"the launcher answers {method}")[0]

    def code(self, method, **params):
        """The code with which a request is refused; None when it is not."""
        try:
            self.call(method, **params)
            return None
        except Refused as refused:
            return refused.code

    def disk(self, serial):
        return next((d for d in self.call("status")["disks"] if d["serial"] == serial), None)

    def pid(self, name):
        try:
            with open(os.path.join(self.directory, f"{name}.pid"), encoding="ascii") as stream:
                return int(stream.read() or 0)
        except FileNotFoundError:
            return 0

    def kill_launcher(self):
        """Kills it if it is running just now."""
        pid = self.pid("launcher")
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            if int(stream.read().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                os.kill(pid, signal.SIGKILL)

    def rescue(self, command, **arguments):
        return rescue(self.directory, command, **arguments)

    # --- the guest ---------------------------------------------------------------------------

    def wait_ready(self):
        def ready():
            with contextlib.suppress(OSError), \
                    open(os.path.join(self.directory, "console.log"), "rb") as stream:
                return b"guest ready" in stream.read()
            if self.process.poll() is not None:
                raise AssertionError(f"the VM has ended:\n{self.log()}")
            return False
        wait_until(ready, 60, f"the guest has booted\n{self.log()}")

    def guest(self, command, seconds=20):
        """Runs a command in the guest's shell: what it prints, without the last newline."""
        deadline = time.monotonic() + seconds * SLOWNESS
        while True:
            self.number += 1
            with contextlib.suppress(ConnectionError, FileNotFoundError, TimeoutError):
                return self._guest(command, deadline)
            if time.monotonic() > deadline:
                raise AssertionError(f"the guest does not answer to: {command}")
            time.sleep(0.05)

    def _guest(self, command, deadline):
        begin, end = f"<{self.number}<", f">{self.number}>"
        line = f"printf '\\n%s\\n' '<''{begin[1:]}'; {command}; printf '%s\\n' '>''{end[1:]}'\n"
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(os.path.join(self.directory, "console.sock"))
            console.sendall(line.encode())
            seen = ""
            while True:
                console.settimeout(max(0.01, deadline - time.monotonic()))
                data = console.recv(1 << 16)
                if not data:
                    raise ConnectionError
                seen += data.decode(errors="replace").replace("\r", "")
                # The echo of what we typed has quotes inside the marks.
                found = re.search(re.escape(f"\n{begin}\n") + "(.*?)" + re.escape(end), seen, re.S)
                if found:
                    return found.group(1).rstrip("\n")

    def device(self, serial, seconds=10):
        """The guest's device of a disk, as soon as it is there."""
        def there():
            path = self.guest(f"readlink -f /dev/disk/by-id/*-{serial}")
            return path if re.fullmatch(r"/dev/[sv]d[a-z]+", path) else None
        return wait_until(there, seconds, f"the guest has disk {serial}")

    def has_disk(self, serial):
        return self.guest(f"ls /dev/disk/by-id | grep -c -- -{serial}") != "0"

    def size(self, serial):
        name = os.path.basename(self.device(serial))
        return int(self.guest(f"cat /sys/block/{name}/size")) * 512
