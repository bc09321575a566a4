#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The services as processes: configuration, metrics and health, secrets, the service manager, and how
they end."""

import contextlib
import glob
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import FAIRLEAD, SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

ASK = os.path.join(os.environ.get("BUILD", "build"), "tests/badinput/ask")
CANARY = "canary-51f0b2"
MIB = 1 << 20

# A configuration, and what is said about it.
WRONG = [
    ("pools:\n  - { name: a, backend: file,\n      directry: /x }\n", ':3: .*"directry".*"directory"'),
    ("pols: []\n", ':1: .*"pols".*"pools"'),
    ("pools:\n  - { name: a, backend: fil, directory: /x }\n", ":2: .*fil"),
    ("pools:\n  - { name: a, backend: file }\n", ":2: .*directory"),
    ("pools:\n  - { name: a, backend: file, directory: x }\n", ":2: .*directory"),
    ("node: { id: 'a b' }\n", ":1: .*a b"),
    ("pools: [\n", ":"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def check_configuration(tap):
    with Place() as place:
        for text, pattern in WRONG:
            place.configure(text)
            for words in ([], ["--check"]):
                result = place.command("serve", "--config", place.config, *words)
                good = result.returncode == 2 and re.search(pattern, result.stderr)
                tap.ok(good, f"wrong configuration {text!r} {words}", result.returncode,
                       result.stderr)
        tap.ok(os.listdir(place.run) == [], "nothing was started", *os.listdir(place.run))
        place.configure_file_pool()
        result = place.command("serve", "--config", place.config, "--check")
        tap.ok(result.returncode == 0 and "good" in result.stdout, "a good one is called good")
        tap.ok(os.listdir(place.run) == [], "and checking starts nothing")
        for words, text in ((["--endpoint", "tcp://:1"], "tcp"), (["--metrics", "here"], "here"),
                            (["--node-id", "a/b"], "a/b"), (["--config", "/nonexistent"], "exist"),
                            (["--log-level", "loud"], "loud")):
            result = place.command("serve", *words)
            tap.ok(result.returncode in (2, 3) and text in result.stderr,
                   f"serve {' '.join(words)} is refused", result.returncode, result.stderr)


def check_http(tap):
    port = free_port()
    with Place() as place:
        place.configure_file_pool()
        serve = place.start("serve", "--metrics", f"127.0.0.1:{port}")
        place.command("volume", "create", "a", "--size", "1Mi")
        place.command("volume", "create", "a", "--size", "9Mi")
        for path in ("/healthz", "/readyz"):
            tap.ok(get(port, path) == (200, "ok\n"), f"{path} is well")
        status, text = get(port, "/metrics")
        tap.ok(status == 200, "/metrics answers")
        for line in (r'fairlead_rpc_seconds_count\{method="CreateVolume",code="OK"\} 1',
                     r'fairlead_rpc_seconds_count\{method="CreateVolume",code="EXISTS"\} 1',
                     r'fairlead_rpc_seconds_bucket\{method="CreateVolume",code="OK",le="\+Inf"\} 1',
                     r"fairlead_rpc_in_flight 0", r"fairlead_rpc_queue_length 0",
                     r'fairlead_build_info\{version="[0-9.]+"\} 1',
                     r"process_resident_memory_bytes [1-9]", r"process_open_fds [1-9]"):
            tap.ok(re.search(f"^{line}", text, re.MULTILINE), f"/metrics has {line}", text)
        told = re.findall("^# HELP ([a-z_]+) ", text, re.MULTILINE)
        with open(os.path.join(HERE, "../../docs/monitoring.md"), encoding="utf-8") as stream:
            explained = re.findall("`((?:fairlead|process)_[a-z_]+?)(?:_count)?`", stream.read())
        tap.ok(set(told) == set(explained), "docs/monitoring.md has exactly these metrics",
               *sorted(set(told) ^ set(explained)))
        odd = [line for line in text.splitlines()
               if not re.match(r"# (HELP|TYPE) |[a-z_]+(\{.*\})? [-+0-9.e]+$", line)]
        tap.ok(not odd, "every line is of Prometheus' format", *odd)
        tap.ok(get(port, "/")[0] == 404 and get(port, "/metrics/../x")[0] == 404,
               "there is nothing else")
        tap.ok(get(port, "/metrics", "DELETE")[0] == 405, "only GET")
        second = place.command("serve", "--endpoint", f"unix://{place.path('b.sock')}", "--config",
                               place.config, "--metrics", f"127.0.0.1:{port}")
        tap.ok(second.returncode != 0 and str(port) in second.stderr,
               "an address in use is an error", second.returncode, second.stderr)
        tap.ok(serve.stop() == 0, "serve ends when it is asked to")


def check_census(tap):
    """What the storage holds is counted soon after a service has started."""
    port = free_port()
    with Place() as place:
        place.configure_file_pool()
        first = place.start("serve")
        for name in ("a", "b"):
            place.command("volume", "create", name, "--size", "1Mi")
        place.command("volume", "publish", "b", "--vm", "web1")
        first.stop()
        place.start("serve", "--metrics", f"127.0.0.1:{port}")
        wanted = [f'fairlead_{what}{{pool="default"}} {n}'
                  for what, n in (("volumes", 2), ("attachments", 1))]
        text = ""
        for _ in range(200):
            text = get(port, "/metrics")[1]
            if all(line in text for line in wanted):
                break
            time.sleep(0.1 * SLOWNESS)
        for line in wanted:
            tap.ok(line in text, f"/metrics has {line}", text)
        tap.ok(place.command("volume", "unpublish", "b").returncode == 0, "it is unpublished")


class Watch(threading.Thread):
    """Looks at the arguments and environments of all processes until it is told to end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.found = set()
        self.seen = set()
        self.over = threading.Event()

    def run(self):
        ours = str(os.getpid())
        while not self.over.is_set():
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                with contextlib.suppress(OSError), open(path, "rb") as stream:
                    words = stream.read()
                    if ours in path or os.path.basename(ASK).encode() in words.split(b"\0")[0]:
                        continue
                    self.seen.add(words.split(b"\0")[0].decode(errors="replace"))
                    if CANARY.encode() in words:
                        self.found.add(words)


def ask(place, method, *fields):
    """A call as a foreign orchestrator makes it, with the canary among its secrets."""
    command = [ASK, f"unix://{place.run}/csi.sock", method, *fields,
               f"secrets={{key=password,value={CANARY}}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=60 * SLOWNESS).stdout.strip()


def check_secrets(tap):
    mount = "volume_capability={mount.fs_type=ext4,access_mode.mode=1}"
    port = free_port()
    with Place() as place:
        place.configure_file_pool()
        place.start("serve", "--metrics", f"127.0.0.1:{port}", "--log-level", "debug")
        staging, target = place.path("staging"), place.path("target")
        os.mkdir(staging)
        volume = "volume_id=default/n1/s"
        watch = Watch()
        watch.start()
        calls = [
            ("Controller.CreateVolume", "name=s", "capacity_range.required_bytes=67108864",
             mount.replace("capability", "capabilities", 1)),
            ("Controller.ControllerPublishVolume", volume, "node_id=n1", mount),
            ("Node.NodeStageVolume", volume, f"staging_target_path={staging}", mount),
            ("Node.NodePublishVolume", volume, f"staging_target_path={staging}",
             f"target_path={target}", mount),
            ("Controller.CreateSnapshot", "source_volume_id=default/n1/s", "name=t"),
            ("Controller.ListSnapshots",),
            ("Controller.ControllerUnpublishVolume", volume, "node_id=n1"),
            ("Controller.DeleteVolume", volume),
            ("Controller.CreateVolume", f"name={'x' * 200}"),
        ]
        answers = [f"{call[0]}: {ask(place, *call)}" for call in calls]
        context = place.command("volume", "show", "s", "-o", "json").stdout
        watch.over.set()
        watch.join()
        tap.ok(answers[0].endswith("OK") and sum(a.endswith("OK") for a in answers) >= 4,
               "calls with secrets are answered", *answers)
        tap.ok(len(watch.seen) > 3 and not watch.found, "no process has the secret in its arguments",
               *watch.found)
        log = place.roles[0].log()
        tap.ok("method=NodeStageVolume" in log and CANARY not in log, "it is in no log line")
        tap.ok(CANARY not in get(port, "/metrics")[1], "and in no metric")
        tap.ok(CANARY not in "".join(answers) + context, "and in no answer")
        held = subprocess.run(["grep", "-rl", CANARY, place.root], capture_output=True, text=True,
                              check=False).stdout
        tap.ok(not held, "and in no file", held)
        for method, path in (("NodeUnpublishVolume", f"target_path={target}"),
                             ("NodeUnstageVolume", f"staging_target_path={staging}")):
            subprocess.run([ASK, f"unix://{place.run}/csi.sock", f"Node.{method}", volume, path],
                           stdout=subprocess.DEVNULL, check=False)
        rpc = [line for line in log.splitlines() if "event=rpc" in line]
        tap.ok(all(re.match(r"time=\S+Z level=\w+ event=rpc id=\w+ method=\w+ .*ms=\d+ .*code=[A-Z_]+", line)
                   for line in rpc), "a call is one line with method, time and code", *rpc[:5])
        tap.ok(max(map(len, rpc)) < 1500, "what a peer sends does not flood the log")


def check_manager(tap):
    with Place() as place:
        place.configure_file_pool()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(place.path("notify.sock"))
            manager.settimeout(10 * SLOWNESS)
            place.environment["NOTIFY_SOCKET"] = place.path("notify.sock")
            serve = place.start("serve")
            tap.ok(manager.recv(100) == b"READY=1", "the service manager hears that it is ready")
            serve.process.send_signal(signal.SIGINT)
            tap.ok(manager.recv(100) == b"STOPPING=1", "and that it is ending")
            tap.ok(serve.process.wait(15 * SLOWNESS) == 0, "SIGINT ends it as SIGTERM does")
        log = serve.log()
        tap.ok("event=ready" in log and "event=ended" in log, "the log says both", log)
        tap.ok(not os.path.exists(serve.socket), "its socket is gone")


def check_start(tap):
    """The best of several starts: the machine may be busy with something else."""
    with Place() as place:
        place.configure_file_pool()
        times = []
        for _ in range(5):
            started = time.monotonic()
            serve = place.start("serve")
            times.append(time.monotonic() - started)
            with open(f"/proc/{serve.process.pid}/status", encoding="utf-8") as stream:
                rss = int(re.search(r"VmRSS:\s+(\d+)", stream.read()).group(1))
            serve.stop()
        tap.ok(min(times) < 0.1 * SLOWNESS, "serving begins within 100 ms", *times)
        if SLOWNESS == 1:
            tap.ok(rss <= 20 * 1024, "an idle service has at most 20 MiB", rss)
        else:
            tap.skip("an idle service has at most 20 MiB", "sanitizers keep memory of their own")


@contextlib.contextmanager
def slow_disk(process):
    """Makes every flush to the disk take three seconds longer, until the process ends."""
    trace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                              "trace=fsync,fdatasync", "-e",
                              "inject=fsync,fdatasync:delay_enter=3000000", "-p", str(process.pid)],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tracer = 0
    while not tracer and trace.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as stream:
            tracer = int(re.search(r"TracerPid:\s+(\d+)", stream.read()).group(1))
        time.sleep(0.01)
    try:
        yield
    finally:
        trace.terminate()
        trace.wait()


def check_cut(tap):
    """A call waits for the disk when the service is asked to end."""
    with Place() as place:
        place.configure_file_pool()
        serve = place.start("serve", "--grace", "100ms")
        place.command("volume", "create", "data", "--size", "8Mi")
        with slow_disk(serve.process):
            making = subprocess.Popen([FAIRLEAD, "volume", "create", "copy", "--from-volume", "data",
                                       "-o", "json"],
                                      env=place.environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 10 * SLOWNESS
            while serve.log().count("method=ListVolumes") < 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.3)
            started = time.monotonic()
            status = serve.stop()
            took = time.monotonic() - started
        tap.ok(status == 1 and took < 6 * SLOWNESS, "it ends in time with a call in flight",
               status, took)
        tap.ok("event=cut" in serve.log(), "and says that it cut a call", serve.log()[-1000:])
        place.start("serve")
        out, err = making.communicate(timeout=60 * SLOWNESS)
        tap.ok(making.returncode == 0 and json.loads(out)["size"] == 8 * MIB,
               "the command that was cut completes with the next service", making.returncode, err)
        tap.ok(err.strip(), "and says meanwhile what it waits for", err)
        listed = json.loads(place.command("volume", "list", "-o", "json").stdout)
        tap.ok([row["id"] for row in listed] == ["default/n1/copy", "default/n1/data"],
               "and there is one volume of the name", listed)


def check_progress(tap):
    """A command on a terminal shows in place what a slow call is at, and wipes it at the end."""
    with Place() as place:
        place.configure_file_pool()
        serve = place.start("serve")
        with slow_disk(serve.process):
            child, terminal = pty.fork()
            if child == 0:
                os.execve(FAIRLEAD, [FAIRLEAD, "volume", "create", "a", "--size", "1Mi", "-o", "id"],
                          place.environment)
            seen = b""
            with contextlib.suppress(OSError):
                while block := os.read(terminal, 4096):
                    seen += block
            status = os.waitpid(child, 0)[1]
        os.close(terminal)
        tap.ok(status == 0 and b"CreateVolume" in seen, "progress names the call", seen)
        tap.ok(b"\r\x1b[K" in seen and b"\n" not in seen.split(b"default/n1/a")[0],
               "in one line that is rewritten", seen)
        tap.ok(seen.replace(b"\r\n", b"\n").endswith(b"\r\x1b[Kdefault/n1/a\n"),
               "and wiped before the result", seen)


def main():
    tap = Tap()
    check_configuration(tap)
    check_http(tap)
    check_census(tap)
    check_secrets(tap)
    check_manager(tap)
    check_start(tap)
    check_cut(tap)
    check_progress(tap)
    tap.end()


if __name__ == "__main__":
    main()
