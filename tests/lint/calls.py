# SPDX-License-Identifier: Apache-2.0
"""Functions that are not called, or only in a certain way."""

import re

from tree import call_at, line_of

BANNED = {
    "strcpy": "fl_text_copy or the arena", "strcat": "the arena", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "strtok": "strtok_r", "atoi": "base/quantity.h",
    "atol": "base/quantity.h", "atof": "base/quantity.h", "system": "fl_proc_run",
    "popen": "fl_proc_run", "alloca": "the arena", "localtime": "gmtime_r", "gmtime": "gmtime_r",
    "ctime": "strftime", "asctime": "strftime", "gets": "fgets", "tmpnam": "mkostemp",
    "mktemp": "mkostemp", "vfork": "posix_spawn",
}
# Calls that make descriptors: which of them say CLOEXEC in their arguments, and what to call
# instead of those that cannot.
SAYS_CLOEXEC = ("open", "openat", "openat2", "open_tree", "socket", "socketpair", "pipe2",
                "accept4", "dup3", "memfd_create", "epoll_create1", "eventfd", "timerfd_create",
                "signalfd", "inotify_init1", "mkostemp", "mkostemps")
CANNOT = {"pipe": "pipe2", "accept": "accept4", "dup": "fcntl with F_DUPFD_CLOEXEC",
          "epoll_create": "epoll_create1", "inotify_init": "inotify_init1",
          "mkstemp": "mkostemp", "creat": "open"}


def calls(text, names):
    """(name, line, arguments) of each call, members of structs (a->open(…)) not counted."""
    pattern = r"(?<![\w.>*])(" + "|".join(names) + r")\s*\("
    for match in re.finditer(pattern, text):
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if re.match(r"^(?:static |extern )?(?:int|void|FILE \*|char \*)\s*\*?$", line):
            continue
        yield match.group(1), line_of(text, match.start()), call_at(text, match.end() - 1)


def through_variable(code, arguments):
    """Whether an argument is a variable that is given CLOEXEC in the same file."""
    return any(re.search(rf"\b{name}\s*(?:=|\|=)[^;]*CLOEXEC", code)
               for name in re.findall(r"(?<![\w.>])([a-z]\w*)\s*(?=,|$)", arguments))


def banned(tree):
    """no strcpy, sprintf, system and the like"""
    for file in tree.c():
        for name, line, _ in calls(file.code, BANNED):
            yield file.path, line, f"{name}: use {BANNED[name]}"


def close_on_exec(tree):
    """every descriptor is made close-on-exec"""
    for file in tree.c():
        for name, line, arguments in calls(file.code, SAYS_CLOEXEC):
            if "CLOEXEC" not in arguments and not through_variable(file.code, arguments):
                yield file.path, line, f"{name} without CLOEXEC"
        for name, line, _ in calls(file.code, CANNOT):
            yield file.path, line, f"{name} cannot be close-on-exec: use {CANNOT[name]}"
        for _, line, arguments in calls(file.code, ("dup2",)):
            if not re.search(r",\s*(?:[012]|STD(?:IN|OUT|ERR)_FILENO)$", arguments.strip()):
                yield file.path, line, "dup2 to another descriptor than 0, 1, 2: use dup3"
        for _, line, arguments in calls(file.without_comments, ("fopen", "fdopen")):
            if arguments.count('"') and not re.search(r'"[^"]*e[^"]*"\s*$', arguments) \
                    and "fdopen" not in file.lines[line - 1]:
                yield file.path, line, 'fopen without "e" in its mode'


def exits(tree):
    """only a file with a main function ends the process"""
    for file in tree.c():
        if file.path.startswith("tests/"):
            continue
        if re.search(r"^int\s+main\s*\(|\bmain\(int argc", file.code, re.MULTILINE):
            continue
        for name, line, _ in calls(file.code, ("exit", "quick_exit", "err", "errx")):
            yield file.path, line, f"{name} outside a main file"


def jumps(tree):
    """no goto, no typedef of a struct, no // comment"""
    for file in tree.c():
        for number, text in enumerate(file.code.split("\n"), 1):
            if re.search(r"\bgoto\b", text):
                yield file.path, number, "goto: a cleanup attribute or a function instead"
            if re.match(r"\s*typedef\s+(?:struct|union|enum)\b", text):
                yield file.path, number, "a typedef hides a struct: write struct noun"
        strings = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', file.text)
        strings = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), strings,
                         flags=re.DOTALL)
        for match in re.finditer(r"//", strings):
            yield file.path, line_of(strings, match.start()), "a comment is written /* … */"


def must_check(tree):
    """a function of a header that can fail, and is no row of a table, carries fl_must_check"""
    rows = {name for file in tree.ending(".c")
            for name in re.findall(r"\.\w+ = (\w+)\s*[,}]", file.code)}
    for file in tree.ending(".h"):
        if file.folder.startswith("tests"):
            continue
        for match in re.finditer(r"^int\s+(\w+)\s*\(", file.code, re.MULTILINE):
            arguments = call_at(file.code, match.end() - 1)
            rest = file.code[match.end() + len(arguments):].split(";", 1)[0]
            if re.search(r"struct fl_error \*err$", arguments.strip()) and \
                    "fl_must_check" not in rest and "{" not in rest and \
                    match.group(1) not in rows:
                line = line_of(file.code, match.start())
                yield file.path, line, f"{match.group(1)} lacks fl_must_check"
