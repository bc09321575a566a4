#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""csi-sanity, for file systems and for block devices, against `fairlead serve` and against
`fairlead controller` and `fairlead node` on two sockets.  Every case is a TAP statement."""

import fnmatch
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

RUNS = [(roles, access) for roles in (["serve"], ["controller", "node"])
        for access in ("mount", "block")]
CANARY = "canary-7d1f0c"
SECRETS = ["CreateVolumeSecret", "DeleteVolumeSecret", "ControllerPublishVolumeSecret",
           "ControllerUnpublishVolumeSecret", "ControllerValidateVolumeCapabilitiesSecret",
           "NodeStageVolumeSecret", "NodePublishVolumeSecret", "CreateSnapshotSecret",
           "DeleteSnapshotSecret", "ControllerExpandVolumeSecret", "ControllerModifyVolumeSecret",
           "ListSnapshotsSecret", "GetSnapshotSecret"]
MUTABLE_PARAMETERS = "iops: '5000'\nbandwidth: 100Mi\n"
# What every optional capability needs: a limit that the suite passes by one volume.
CONFIG = """
node: {{ id: {node}, max_volumes: 4 }}
pools:
  - {{ name: default, backend: file, directory: {pool} }}
"""


def expected_skips():
    with open(os.path.join(HERE, "skips.txt"), encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                pattern, reason = line.strip().split(" | ")
                yield pattern, reason


def run_suite(program, place, access):
    report = place.path("report.json")
    secrets = place.path("secrets.yaml")
    with open(secrets, "w", encoding="utf-8") as stream:
        for key in SECRETS:
            stream.write(f"{key}:\n  password: {CANARY}\n")
    mutable = place.path("mutable.yaml")
    with open(mutable, "w", encoding="utf-8") as stream:
        stream.write(MUTABLE_PARAMETERS)
    sockets = [f"--csi.endpoint=unix:{place.roles[-1].socket}"]
    if len(place.roles) > 1:
        sockets.append(f"--csi.controllerendpoint=unix:{place.roles[0].socket}")
    subprocess.run([program, *sockets, f"--csi.mountdir={place.path('mount')}",
                    f"--csi.stagingdir={place.path('staging')}", f"--csi.secrets={secrets}",
                    f"--csi.testvolumeaccesstype={access}",
                    f"--csi.testvolumemutableparameters={mutable}",
                    "--csi.testnodevolumeattachlimit", f"--ginkgo.json-report={report}",
                    "--ginkgo.no-color"],
                   stdin=subprocess.DEVNULL, check=False, timeout=600 * SLOWNESS,
                   stdout=open(place.path("sanity.log"), "wb"), stderr=subprocess.STDOUT)
    with open(report, encoding="utf-8") as stream:
        return [case for suite in json.load(stream) for case in suite["SpecReports"] or []
                if case["LeafNodeType"] == "It" or case["State"] not in ("passed", "skipped")]


def name_of(case):
    texts = (case["ContainerHierarchyTexts"] or []) + [case["LeafNodeText"]]
    return " ".join(" ".join(texts).split())


def tell_case(tap, run, case, skips, seen):
    name = name_of(case)
    if case["State"] == "passed":
        tap.ok(True, f"{run}: {name}")
    elif case["State"] in ("skipped", "pending"):
        pattern = next((p for p in skips if fnmatch.fnmatch(name, p)), None)
        if pattern:
            seen.add(pattern)
            tap.skip(f"{run}: {name}", skips[pattern])
        else:
            reason = case.get("Failure", {}).get("Message", "disabled in the suite")
            tap.ok(False, f"{run}: {name}", f"skipped, but tests/sanity/skips.txt has no line: {reason}")
    else:
        tap.ok(False, f"{run}: {name}", case.get("Failure", {}).get("Message", case["State"]))


def left_in(folder):
    """What is left of volumes and snapshots that the suite has deleted: all but the pool's own."""
    own = [os.path.join(folder, *words) for words in
           (["lock"], ["reserve"], ["records", "n1.attached"])]
    return [path for top, _, names in os.walk(folder)
            for path in (os.path.join(top, name) for name in names) if path not in own]


def run_one(tap, program, roles, access, skips):
    run = f"{' + '.join(roles)}, {access}"
    seen = set()
    with Place() as place:
        os.mkdir(place.pool)
        place.configure(CONFIG.format(node=place.node, pool=place.pool))
        for role in roles:
            place.start(role)
        cases = run_suite(program, place, access)
        for case in cases:
            tell_case(tap, run, case, skips, seen)
        logs = "\n".join(role.log() for role in place.roles)
        tap.ok(len(cases) > 90, f"{run}: the suite came to its end", f"{len(cases)} cases")
        tap.ok(not set(skips) - seen, f"{run}: every line of skips.txt is needed",
               *sorted(set(skips) - seen))
        tap.ok(CANARY not in logs, f"{run}: no secret is in the log")
        tap.ok(not left_in(place.pool), f"{run}: the pool is empty", *left_in(place.pool))
        for role in place.roles:
            status = role.stop()
            tap.ok(status == 0, f"{run}: fairlead {role.name} ends when it is asked to", status)
        tap.ok(not place.leftovers(), f"{run}: no mount and no loop device is left",
               *place.leftovers())
        if tap.failed:
            print("\n".join("# " + line for line in logs.splitlines()[-40:]))


def main():
    tap = Tap()
    program = subprocess.run(["sh", os.path.join(HERE, "get.sh")], stdout=subprocess.PIPE,
                             text=True, check=True).stdout.strip()
    skips = dict(expected_skips())
    for roles, access in RUNS:
        run_one(tap, program, roles, access, skips)
    tap.end()


if __name__ == "__main__":
    main()
