# SPDX-License-Identifier: Apache-2.0
"""A fairlead service of its own in a temporary directory, for tests that talk to real sockets."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

FAIRLEAD = os.environ.get("FAIRLEAD", os.path.join(os.environ.get("BUILD", "build"), "fairlead"))
SLOWNESS = float(os.environ.get("FAIRLEAD_SLOWNESS", "1"))


class Place:
    """A directory with everything that services started here keep: sockets, state, volumes."""

    def __init__(self, node="n1", run_parent=None):
        self.root = tempfile.mkdtemp(prefix="fairlead.")
        self.node = node
        self.pool = self.path("volumes")
        self.run = tempfile.mkdtemp(prefix="fairlead.", dir=run_parent) if run_parent \
            else self.path("run")
        self.environment = os.environ | {"FAIRLEAD_RUN": self.run}
        self.config = None
        self.roles = []
        os.makedirs(self.run, 0o700, exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def configure(self, text):
        self.config = self.path("fairlead.yaml")
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def configure_file_pool(self):
        os.makedirs(self.pool, exist_ok=True)
        self.configure(f"node: {{ id: {self.node} }}\n"
                       f"pools:\n  - {{ name: default, backend: file, directory: {self.pool} }}\n")

    def start(self, role, *words):
        """Starts `fairlead ROLE WORDS…`."""
        role = Role(self, role, words)
        self.roles.append(role)
        return role

    def command(self, *words, **more):
        """Runs `fairlead WORDS…` against the services here."""
        return subprocess.run([FAIRLEAD, *words], env=self.environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False,
                              timeout=60 * SLOWNESS, **more)

    def leftovers(self):
        """Mounts and loop devices that still use something in here."""
        with open("/proc/self/mountinfo", encoding="utf-8") as stream:
            mounts = [line.split()[4] for line in stream]
        left = [f"mount {m}" for m in mounts if m.startswith(self.root + "/")]
        for name in os.listdir("/sys/block"):
            with contextlib.suppress(OSError), \
                    open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as stream:
                if stream.read().startswith(self.root + "/"):
                    left.append(f"/dev/{name}")
        return left

    def close(self):
        for role in self.roles:
            role.kill()
        for left in self.leftovers():
            what, _, path = left.partition(" ")
            subprocess.run(["umount", "-l", path] if what == "mount" else ["losetup", "-d", left],
                           check=False)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(self.run, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Role:
    """One running `fairlead serve`, `controller` or `node`."""

    def __init__(self, place, role, words=()):
        self.name = role
        self.socket = os.path.join(place.run, {"serve": "csi"}.get(role, role) + ".sock")
        self.log_path = place.path(f"{role}.log")
        command = [FAIRLEAD, role, "--endpoint", f"unix://{self.socket}", "--node-id", place.node]
        if place.config:
            command += ["--config", place.config]
        command += words
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=place.environment)
        self._wait_until_it_serves()

    def _wait_until_it_serves(self):
        deadline = time.monotonic() + 20 * SLOWNESS
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(self.socket)
                return
            time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"fairlead {self.name} does not serve:\n{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def stop(self):
        """Asks it to end; its exit status, or None when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15 * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
