# SPDX-License-Identifier: Apache-2.0
"""Folder = layer: who may include whom, and who owns which library."""

import os
import re

INTERFACE = ("backends/backend.h", "backends/source.h")
ALL = ("base", "backends", "backends/check", "csi", "csi/rpc", "controller", "node", "node/connect",
       "node/launcher", "cli")
# Beside itself, a folder may include from these.
MAY = {
    "base": (),
    "backends": ("base",),
    "backends/*": ("base",) + INTERFACE,
    "csi/rpc": ("base",),
    "csi": ("base", "backends", "csi/rpc"),
    "controller": ("base", "backends", "csi", "csi/rpc"),
    "node": ("base", "backends", "csi", "csi/rpc", "node/connect"),
    "node/connect": ("base", "backends"),
    "node/launcher": ("base",),
    "cli": ALL,
    "tests": ALL + ("tests",),
}

# Headers of libraries (by prefix), and the only files (by prefix) that may include them.
OWNERS = {
    "jansson.h": ("base/json.h",),
    "yaml.h": ("base/config",),
    "nettle/": ("base/",),
    "sha256.h": ("base/",),
    "grpc/": ("csi/rpc/",),
    "protobuf-c/": ("csi/",),
    "microhttpd.h": ("cli/http.c",),
    "blkid/": ("node/content.c",),
    "rados/": ("backends/ceph/",),
    "rbd/": ("backends/ceph/",),
    "nfsc/": ("backends/nfs/",),
    "iscsi/": ("backends/san/",),
    "curl/": ("backends/san/",),
}
SYSTEM_FOLDERS = ("sys/", "linux/", "net/", "netinet/", "arpa/", "asm/")
SYSTEM = set("""
assert byteswap ctype dirent dlfcn elf endian errno fcntl fnmatch ftw getopt glob grp inttypes
libgen limits locale malloc math mntent netdb poll pthread pwd sched search semaphore setjmp
signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdio_ext stdlib stdnoreturn
string strings syslog termios threads time uchar unistd wchar""".split())

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(file):
    for match in INCLUDE.finditer(file.without_comments):
        line = file.without_comments.count("\n", 0, match.start()) + 1
        yield line, match.group(1) == '"', match.group(2)


def layer_of(folder):
    parts = folder.split("/")
    if parts[0] == "tests":
        return "tests"
    if parts[0] == "backends" and len(parts) > 1:
        return "backends/*"
    return folder


def target_of(tree, file, name):
    """The included file from the root, or None: it is neither there nor generated."""
    if "/" not in name:
        return os.path.join(file.folder, name)
    if name.endswith(".pb-c.h"):
        return "csi/generated.h"
    return name if tree.has(name) and ".." not in name else None


def direction(tree):
    """an include points down the layers, and is written from the root"""
    for file in tree.c():
        layer = layer_of(file.folder)
        for line, ours, name in includes(file):
            if not ours:
                continue
            target = target_of(tree, file, name)
            if target is None:
                yield file.path, line, f'"{name}" is not a file of the tree, seen from its root'
                continue
            folder = os.path.dirname(target)
            if folder == file.folder or (layer == "tests" and folder.startswith("tests")):
                continue
            if target not in MAY.get(layer, ()) and folder not in MAY.get(layer, ()):
                yield file.path, line, f'{file.folder or "the root"} may not include "{name}"'


def libraries(tree):
    """a library's headers are included only where the library is at home"""
    for file in tree.c():
        for line, ours, name in includes(file):
            if ours or name.startswith(SYSTEM_FOLDERS) or name.removesuffix(".h") in SYSTEM:
                continue
            owners = next((o for prefix, o in OWNERS.items() if name.startswith(prefix)), None)
            if owners is None:
                yield file.path, line, f"<{name}> has no home: name it in tests/lint/includes.py"
            elif not file.path.startswith(owners) and file.folder.split("/")[0] != "tests":
                yield file.path, line, f'<{name}> may be included only in {", ".join(owners)}'
