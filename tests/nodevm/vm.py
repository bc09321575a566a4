# SPDX-License-Identifier: Apache-2.0
"""The node VM: Debian's stock kernel under QEMU, without KVM.  Its root is this machine's, so it runs
what was just built, with every capability and every file system that such a node has."""

import os
import shutil
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "fairlead", "nodevm")
# The cloud kernel has no 9p.
PACKAGE = "linux-image-amd64"
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_blk", "loop", "ext4", "xfs", "btrfs"]
DISK_SIZE = 8 << 30  # sparse
MEMORY_MIB = 1536


def make_initrd(folder, plan, shown):
    """Busybox, the modules, the two scripts, the plan (the lines that inside.sh runs), and the host's
    folders that must be there whatever the VM mounts over them."""
    root = os.path.join(folder, "initrd.d")
    for name in ("bin", "proc", "dev", "host", "over", "node"):
        os.makedirs(os.path.join(root, name))
    shutil.copy("/bin/busybox", os.path.join(root, "bin"))
    shutil.copytree(os.path.join(CACHE, "modules"), os.path.join(root, "modules"))
    shutil.copy(os.path.join(CACHE, "order"), root)
    shutil.copy(os.path.join(HERE, "inside.sh"), root)
    shutil.copy(os.path.join(HERE, "init.sh"), os.path.join(root, "init"))
    os.chmod(os.path.join(root, "init"), 0o755)
    for name, text in (("plan", plan), ("shown", "".join(f"{path}\n" for path in shown))):
        with open(os.path.join(root, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    names = [os.path.relpath(os.path.join(path, name), root)
             for path, folders, files in os.walk(root) for name in folders + files]
    with open(os.path.join(folder, "initrd"), "wb") as stream:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, check=True,
                       input="\n".join(names).encode(), stdout=stream)


class Vm:
    """Runs a plan in a folder of its own, which the caller removes."""

    def __init__(self, folder, plan, shown, seconds):
        subprocess.run([os.path.join(HERE, "../../deploy/kernel.sh"), PACKAGE, CACHE, *MODULES],
                       stdin=subprocess.DEVNULL, check=True)
        make_initrd(folder, plan, shown)
        disk = os.path.join(folder, "disk")
        with open(disk, "wb") as stream:
            stream.truncate(DISK_SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", disk], stdin=subprocess.DEVNULL, check=True)
        self.console = os.path.join(folder, "console")
        self.is_late = False
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-M", "q35,accel=tcg", "-cpu", "max", "-smp", "1",  # a second one costs more than it does
            "-m", str(MEMORY_MIB), "-display", "none", "-nodefaults", "-no-reboot",
            "-serial", f"file:{self.console}", "-serial", "stdio",
            "-kernel", os.path.join(CACHE, "vmlinuz"), "-initrd", os.path.join(folder, "initrd"),
            "-append", "console=ttyS0 quiet panic=-1 oops=panic mitigations=off",
            "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,"
                       "multidevs=remap",
            "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe,discard=unmap",
        ], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.timer = threading.Timer(seconds, self._too_late)
        self.timer.start()

    def _too_late(self):
        self.is_late = True
        self.process.kill()

    def lines(self):
        """What inside.sh tells, until the VM ends or its time is up."""
        for line in self.process.stdout:
            yield line.decode(errors="replace").rstrip("\r\n")

    def console_tail(self, lines=40):
        with open(self.console, encoding="utf-8", errors="replace") as stream:
            return stream.read().replace("\r", "").splitlines()[-lines:]

    def end(self):
        self.timer.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
