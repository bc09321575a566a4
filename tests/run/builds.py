# SPDX-License-Identifier: Apache-2.0
"""The builds that are tested, and one that only has to compile."""

import glob
import os
import subprocess
import uuid


class Build:
    def __init__(self, name, folder, slowness, options, rings=None):
        self.name = name
        self.folder = os.path.abspath(folder)
        self.slowness = slowness  # how much more time its programs get
        self.options = options
        self.rings = rings  # that make sense with this build; None: all
        self.ahead = None  # what comes of it, when it is made while other programs run
        self.mark = f"FAIRLEAD_TEST={uuid.uuid4()}"
        self.reports = os.path.join(self.folder, "test-logs", "sanitizer")

    def make(self, patience=0):
        """Configures and compiles, as a process that is so nice; returns the log's path and whether it worked."""
        os.makedirs(os.path.join(self.folder, "test-logs"), exist_ok=True)
        path = os.path.join(self.folder, "test-logs", "build.log")
        with open(path, "wb") as log:
            for command in (["cmake", "-S", ".", "-B", self.folder, "-G", "Ninja", "-DFL_WERROR=ON",
                             "-DCMAKE_C_COMPILER_LAUNCHER=ccache"] + self.options,
                            ["nice", "-n", str(patience), "cmake", "--build", self.folder]):
                if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=subprocess.STDOUT, check=False).returncode:
                    return path, False
        return path, True

    @property
    def environment(self):
        """What programs of this build find in their environment."""
        key, value = self.mark.split("=")
        return os.environ | {
            key: value,
            "BUILD": self.folder,
            "FAIRLEAD": os.path.join(self.folder, "fairlead"),
            "FAIRLEAD_BACKENDS": os.path.join(self.folder, "backends"),
            "FAIRLEAD_SLOWNESS": str(self.slowness),
            "ASAN_OPTIONS": f"log_path={self.reports}:detect_leaks=1:detect_stack_use_after_return=1",
            "UBSAN_OPTIONS": f"log_path={self.reports}:print_stacktrace=1",
            # gRPC is not built with the sanitizer: what it synchronises would look like races.
            "TSAN_OPTIONS": f"log_path={self.reports}:ignore_noninstrumented_modules=1",
            "LSAN_OPTIONS": "suppressions=" + os.path.abspath("tests/lsan.txt"),
        }

    def forget_reports(self):
        for path in glob.glob(self.reports + ".*"):
            os.unlink(path)

    def sanitizer_reports(self):
        return sorted(glob.glob(self.reports + ".*"))

    def left_processes(self):
        """Processes that a program of this build has left running: (id, command line)."""
        mark = self.mark.encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as stream:
                    if mark not in stream.read().split(b"\0"):
                        continue
                with open(f"/proc/{entry}/cmdline", "rb") as stream:
                    yield int(entry), stream.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it has ended


PLAIN = Build("gcc", "build", 1, [])
SANITIZED = Build("gcc with ASan and UBSan", "build-asan", 3,
                  ["-DFL_SANITIZE=address,undefined"])
RACES = Build("gcc with TSan", "build-tsan", 3, ["-DFL_SANITIZE=thread"],
              {"unit", "rpc", "parallel"})
CLANG = Build("clang", "build-clang", 1, ["-DCMAKE_C_COMPILER=clang", "-DCMAKE_BUILD_TYPE=Debug"])
