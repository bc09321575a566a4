# SPDX-License-Identifier: Apache-2.0
"""Every backend is documented and goes through the conformance suite."""

import re


def names(tree):
    """Of the folders whose CMakeLists.txt builds a backend."""
    return sorted({match.group(1) for f in tree.ending("CMakeLists.txt")
                   if f.path.startswith("backends/")
                   for match in re.finditer(r"^fl_backend\((\w+)", f.text, re.MULTILINE)})


def mentions(files, name):
    return any(re.search(rf"(?<![\w-]){name}(?![\w-])", f.text) for f in files)


def documented(tree):
    """every backend is described in docs/"""
    pages = [f for f in tree.ending(".md") if f.folder == "docs"]
    for name in names(tree):
        if not any(f"`{name}`" in page.text for page in pages):
            yield f"backends/{name}", 1, f"no page of docs/ describes the backend `{name}`"


def conforms(tree):
    """every backend is in the conformance suite"""
    suite = [f for f in tree.files if f.path.startswith("tests/conformance/")]
    for name in names(tree):
        if not mentions(suite, name):
            yield f"backends/{name}", 1, f"tests/conformance does not run the backend {name}"
