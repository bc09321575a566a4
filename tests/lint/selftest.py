# SPDX-License-Identifier: Apache-2.0
"""Plants one violation after the other into a clean tree, and wants exactly its rule to see it."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HASH = "# SPDX-License-Identifier: Apache-2.0\n"

CLEAN = {
    ".clang-format": open(os.path.join(HERE, "../../.clang-format"), encoding="utf-8").read(),
    "base/thing.h": SPDX + "/* Thing: an example. */\n#pragma once\n\nint thing_get(void);\n",
    "base/thing.c": SPDX + '#include "thing.h"\n\nint thing_get(void)\n{\n\treturn 1;\n}\n',
    "backends/backend.h": SPDX + "/* Backend: an example. */\n#pragma once\n",
    "backends/one/CMakeLists.txt": HASH + "fl_backend(one SOURCES one.c)\n",
    "backends/one/one.c": SPDX + '#include "backends/backend.h"\n',
    "docs/backends.md": "The backend `one`, see [its pages](backends.md).\n",
    "tests/conformance/list.txt": "one\n",
    "tests/run.sh": "#!/bin/sh\n" + HASH + "echo fine\n",
    "tests/thing.py": HASH + "print(1)\n",
}


def function(body, name="planted"):
    return SPDX + f"int {name}(void);\n\nint {name}(void)\n{{\n{body}\treturn 0;\n}}\n"


def header(body):
    return SPDX + "/* Planted: an example. */\n#pragma once\n\n" + body


STATEMENT = "\tif (1)\n\t\treturn 1;\n"

# (rule, path, line of the violation, content of the planted file)
PLANTS = [
    ("include-direction", "base/up.c", 2, SPDX + '#include "backends/backend.h"\n'),
    ("include-direction", "backends/one/two.c", 2, SPDX + '#include "backends/pools.h"\n'),
    ("include-direction", "base/up.c", 2, SPDX + '#include "../base/thing.h"\n'),
    ("library-home", "base/http.c", 2, SPDX + "#include <curl/curl.h>\n"),
    ("library-home", "base/unknown.c", 2, SPDX + "#include <zlib.h>\n"),
    ("file-lines", "base/long.c", 601, SPDX + "/* Long because it must be. */\n" + "\n" * 599),
    ("file-lines", "base/long.c", 401, SPDX + "\n" * 400),
    ("function-lines", "base/long.c", 5, function(STATEMENT * 30)),
    ("parameters", "base/many.c", 3,
     SPDX + "int many(int a, int b, int c, int d, int e, int f, int g)\n{\n\treturn a;\n}\n"),
    ("nesting", "base/deep.c", 9,
     function("\tif (1)\n\t\tif (1)\n\t\t\tif (1)\n\t\t\t\tif (1)\n\t\t\t\t\treturn 1;\n")),
    ("banned-call", "base/bad.c", 6, function("\tsystem(0);\n")),
    ("close-on-exec", "base/bad.c", 6, function('\topen("/", 0);\n')),
    ("close-on-exec", "base/bad.c", 6, function("\tdup(0);\n")),
    ("close-on-exec", "base/bad.c", 6, function("\tdup2(0, 7);\n")),
    ("close-on-exec", "base/bad.c", 6, function('\tfopen("/x", "r");\n')),
    ("exit", "base/bad.c", 6, function("\texit(1);\n")),
    ("plain-c", "base/bad.c", 6, function("\tgoto done;\n")),
    ("plain-c", "base/bad.c", 2, SPDX + "typedef struct x x;\n"),
    ("plain-c", "base/bad.c", 2, SPDX + "// aside\n"),
    ("must-check", "base/planted.h", 5, header("int planted_get(struct fl_error *err);\n")),
    ("must-check", "backends/one/one.h", 5, header("int one_get(struct fl_error *err);\n")),
    ("licence", "base/bad.c", 1, "int x;\n"),
    ("licence", "tests/bad.sh", 1, "#!/bin/sh\necho\n"),
    ("pragma-once", "base/planted.h", 1, SPDX + "/* Planted. */\n"),
    ("pragma-once", "base/planted.h", 2, SPDX + "#pragma once\n"),
    ("format", "base/bad.c", 2, SPDX + "int   x;\n"),
    ("whitespace", "docs/page.md", 1, "text \n"),
    ("whitespace", "docs/page.md", 1, "text"),
    ("machine", "docs/page.md", 1, "see /ho" + "me/somebody/notes\n"),
    ("machine", "base/bad.c", 2, SPDX + "/* TO" + "DO */\n"),
    ("links", "docs/page.md", 1, "[gone](gone.md)\n"),
    ("header-alone", "base/planted.h", 5, header("int planted_get(uint64_t number);\n")),
    ("shell", "tests/bad.sh", 3, "#!/bin/sh\n" + HASH + "echo $1\n"),
    ("shell", "tests/bad.sh", 1, "#!/bin/sh\n" + HASH + "if\n"),
    ("python", "tests/bad.py", 2, HASH + "def\n"),
    ("backend-documented", "backends/three/CMakeLists.txt", 1, HASH + "fl_backend(three)\n"),
    ("backend-conforms", "backends/three/CMakeLists.txt", 1, HASH + "fl_backend(three)\n"),
]

# Looks like a violation and is none.
INNOCENT_HEADER = header("struct fl_error;\nint innocent_open(struct fl_error *err);\n")
INNOCENT = function('\tconst char *text = "// goto system(\\"x\\") exit(1)";\n'
                    "\t/* open(path) and strcpy */\n\t(void)text;\n")
INNOCENT += "\nconst struct innocent innocents = {\n\t.open = innocent_open,\n};\n"


def lint(root, rule):
    result = subprocess.run([sys.executable, HERE, "--root", root, rule], capture_output=True,
                            text=True, check=False)
    return result.returncode, result.stdout


def write(root, path, content):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(content)


def catches(root, rule, path, line, content):
    write(root, path, content)
    code, output = lint(root, rule)
    shutil.rmtree(root)
    place = os.path.dirname(path) if rule.startswith("backend-") else path
    return (code == 1 and output.startswith(f"{place}:{line}: {rule}: ")), output


def statements():
    code, output = run_in_tree(lambda root: lint_all(root))
    yield code == 0, "a clean tree passes every rule", output
    for rule, path, line, content in PLANTS:
        caught, output = run_in_tree(lambda root: catches(root, rule, path, line, content))
        yield caught, f"{rule} sees what is planted at {path}:{line}", output
    missing = sorted(set(rules()) - {plant[0] for plant in PLANTS})
    yield not missing, "every rule has a planted violation", " ".join(missing)


def run_in_tree(what):
    root = tempfile.mkdtemp(prefix="lint-selftest.")
    try:
        for path, content in CLEAN.items():
            write(root, path, content)
        return what(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def lint_all(root):
    write(root, "base/innocent.h", INNOCENT_HEADER)
    write(root, "base/innocent.c", INNOCENT)
    result = subprocess.run([sys.executable, HERE, "--root", root], capture_output=True, text=True,
                            check=False)
    return result.returncode, result.stdout + result.stderr


def rules():
    result = subprocess.run([sys.executable, HERE, "--root", HERE], capture_output=True, text=True,
                            check=False)
    for line in result.stdout.splitlines():
        if line.startswith(("ok ", "not ok ")):
            yield line.split(" - ", 1)[1].split(":", 1)[0]


def main():
    failed = number = 0
    for number, (good, name, output) in enumerate(statements(), 1):
        print(f"{'' if good else 'not '}ok {number} - {name}")
        if not good:
            failed += 1
            print("\n".join("# " + line for line in output.splitlines()))
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
