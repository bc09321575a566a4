# SPDX-License-Identifier: Apache-2.0
"""A peer that speaks docs/disk-service.md as a node does, for what a real node cannot be made to do on
demand: going away in the middle, forgetting to answer, answering nonsense."""

import array
import contextlib
import json
import os
import socket
import threading

from machine import SLOWNESS, is_open


class Service:
    def __init__(self, place):
        self.place = place
        self.path = os.path.join(place.run, "disks.sock")
        self.volumes = {}
        self.seen = []  # the methods that were called
        # Method, or (method, volume) → what to do instead of the right thing, or the event to wait for;
        # taken out by the request that it is for.
        self.behave = {}
        self.session = None
        self.answers = {}
        self.changed = threading.Condition()
        self.number = 100
        self.listener = None
        self.start()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.changed:
            if self.session:
                self.session.shutdown(socket.SHUT_RDWR)
            self.session = None

    def publish(self, volume, vm, size, readonly=False):
        """Makes an image and its pass; the pass's path."""
        name = volume.replace("/", "_")
        token = os.urandom(32).hex()
        image = self.place.image(f"{name}.raw", size)
        self.volumes[volume] = {"image": image, "token": token, "readonly": readonly,
                                "serial": "vol-" + volume.rsplit('/')[-1], "limits": {}}
        path = self.place.path(f"{name}.pass")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as stream:
            json.dump({"volume": volume, "vm": vm, "token": token}, stream)
        return path

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            while data := connection.recv(1 << 16):
                message = json.loads(data)
                if "method" in message:
                    self._answer(connection, message)
                    continue
                with self.changed:
                    self.answers[message["id"]] = message
                    self.changed.notify_all()

    def _answer(self, connection, message):
        method, params = message["method"], message.get("params", {})
        self.seen.append(method)
        behave = self.behave.pop(method, None) or \
            self.behave.pop((method, params.get("volume")), None)
        if isinstance(behave, threading.Event):
            threading.Thread(target=self._answer_after, args=(behave, connection, message),
                             daemon=True).start()
            return
        if behave == "silence":
            return
        if behave == "hang up":
            connection.close()
            return
        if behave == "nonsense":
            connection.send(json.dumps({"id": message["id"], "result": {"kind": 7}}).encode())
            return
        if method == "hello":
            with self.changed:
                self.session = connection
                self.changed.notify_all()
            connection.send(json.dumps({"id": message["id"], "result": {}}).encode())
            return
        volume = self.volumes.get(params["volume"])
        if not volume or volume["token"] != params["token"]:
            error = {"code": "DENIED", "text": "this volume is not published for this VM"}
            connection.send(json.dumps({"id": message["id"], "error": error}).encode())
            return
        getattr(self, f"_{method}")(connection, message["id"], volume)

    def _answer_after(self, event, connection, message):
        """Other messages on the connection are served meanwhile."""
        event.wait()
        with contextlib.suppress(OSError):
            self._answer(connection, message)

    def _attach(self, connection, number, volume):
        modes = [os.O_RDONLY] if volume["readonly"] else [os.O_RDWR, os.O_RDONLY]
        fds = [os.open(volume["image"], mode | os.O_CLOEXEC) for mode in modes]
        result = {"kind": "file", "size": os.path.getsize(volume["image"]),
                  "readonly": volume["readonly"], "serial": volume["serial"],
                  "limits": volume["limits"]}
        connection.sendmsg([json.dumps({"id": number, "result": result}).encode()],
                           [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        for fd in fds:
            os.close(fd)

    def _release(self, connection, number, volume):
        answer = {"id": number, "result": {}}
        if is_open(volume["image"]):
            answer = {"id": number, "error": {"code": "IN_USE", "text": "somebody has it open"}}
        connection.send(json.dumps(answer).encode())

    def ask(self, method, fd=None, **params):
        """One of the node's own requests, on the launcher's session: the answer."""
        with self.changed:
            self.changed.wait_for(lambda: self.session, 20 * SLOWNESS)
            session = self.session
            self.number += 1
            number = self.number
        data = [json.dumps({"id": number, "method": method, "params": params}).encode()]
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd else []
        session.sendmsg(data, extra)
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers, 30 * SLOWNESS):
                raise AssertionError(f"no answer to {method}")
            return self.answers.pop(number)
