#!/usr/bin/env python3
"""Compares `imgc ldd` with the loader on every ELF program of this machine.

    tests/loader/agree.py [--imgc PROGRAM] [--symbols] [DIRECTORY]...        (/usr/bin and /usr/sbin otherwise)

The loader is started as `ldd` starts it, which maps FILE and runs nothing of it, and only for programs that name
this very loader and are not set-id. Libraries are compared as a set of names and paths; with `--symbols` also the symbols
that nobody defines, which `ldd -r` shows. `--libraries` takes shared libraries instead of programs. Prints each
difference and the counts; exit 1 if anything differs.
"""

import argparse
import json
import os
import re
import stat
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

LOADER = "/lib64/ld-linux-x86-64.so.2"
BASELINE = "glibc.cpu.hwcaps=-SSE4_2,-SSSE3,-POPCNT,-AVX2,-AVX512F,-BMI1,-LZCNT"
UNDEFINED = re.compile(r"^(?:undefined symbol: |symbol )([^\s,]+).*\t\((.*)\)$")
OURS = re.compile(r"^(.*?): undefined symbol: ([^\s,]+)")
LINE = re.compile(r"^\t(.*?)(?: => (.*?))?(?: \(0x[0-9a-f]+\))?$")


def interpreter(path):
    """Returns PT_INTERP of a 64-bit little-endian ELF file, or None."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return None
        offset, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
        for at in range(0, len(table) - 55, size):
            if struct.unpack_from("<I", table, at)[0] == 3:
                place, length = struct.unpack_from("<Q", table, at + 8)[0], struct.unpack_from("<Q", table, at + 32)[0]
                file.seek(place)
                return file.read(min(length, 4096)).split(b"\0")[0].decode(errors="replace")
    return None


def is_library(path):
    """Tells whether a file is a shared library of this machine without an interpreter."""
    with open(path, "rb") as file:
        head = file.read(20)
    return head[:6] == b"\x7fELF\x02\x01" and head[16:20] == b"\x03\x00\x3e\x00" and interpreter(path) is None


def programs(directories, libraries):
    """Returns each program once, by its real path: that is what a real start takes $ORIGIN from."""
    found = set()
    for directory in directories:
        for name in os.listdir(directory):
            path = os.path.realpath(os.path.join(directory, name))
            try:
                status = os.stat(path)
                if not stat.S_ISREG(status.st_mode) or status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    continue
                if "security.capability" in os.listxattr(path):
                    continue
                if is_library(path) if libraries else interpreter(path) == LOADER:
                    found.add(path)
            except OSError:
                continue
    return sorted(found)


def loaders_answer(path, symbols):
    # As `ldd` asks; `--list` would stop at the first library that is missing.
    environment = {"GLIBC_TUNABLES": BASELINE, "LD_TRACE_LOADED_OBJECTS": "1"}
    if symbols:
        environment |= {"LD_WARN": "yes", "LD_BIND_NOW": "yes"}
    run = subprocess.run([LOADER, path], env=environment, cwd="/", capture_output=True, text=True, errors="replace")
    libraries = set()
    for line in (run.stdout + run.stderr).splitlines() if symbols else []:
        if match := UNDEFINED.match(line):
            libraries.add(("undefined symbol", *match.groups()))
    for line in run.stdout.splitlines():
        match = LINE.match(line)
        if not match or line == "\tstatically linked":
            continue
        name, target = match.groups()
        # The program itself is listed by some versions, without a name.
        if name == "" or name.startswith("linux-vdso.so") or LOADER in (name, target):
            continue
        libraries.add((name, None if target == "not found" else target or name))
    return libraries if run.returncode == 0 else f"does not start: {run.stderr.strip()}"


def our_answers(imgc, paths, symbols):
    options = ["--json"] + (["--symbols"] if symbols else [])
    run = subprocess.run([imgc, "ldd", *options, "--", *paths], cwd="/", capture_output=True)
    decoder, text, values = json.JSONDecoder(), run.stdout.decode(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        values += value if isinstance(value, list) else [value]
        text = text[end:]
    if not values:
        sys.exit(f"{imgc}: exit {run.returncode}: {run.stderr.decode(errors='replace')[:2000]}")
    answers = {}
    for value in values:
        undefined = set()
        for problem in value["problems"] if symbols else []:
            if match := OURS.match(problem):
                undefined.add(("undefined symbol", match.group(2), match.group(1)))
        # What lacks a symbol does not start; the loader's trace lists it all the same.
        if value["fatal"] is not None and not undefined:
            answers[value["file"]] = f"does not start: {value['fatal']}"
        else:
            answers[value["file"]] = {(library["name"], library["path"]) for library in value["libraries"]} | undefined
    return answers


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--imgc", default=os.environ.get("IMGC_BIN", "target/debug/imgc"))
    arguments.add_argument("--symbols", action="store_true")
    arguments.add_argument("--libraries", action="store_true")
    arguments.add_argument("directories", nargs="*", default=["/usr/bin", "/usr/sbin"])
    arguments = arguments.parse_args()
    paths = programs(arguments.directories, arguments.libraries)
    ours = our_answers(os.path.abspath(arguments.imgc), paths, arguments.symbols)
    with ThreadPoolExecutor() as pool:
        theirs = dict(zip(paths, pool.map(lambda path: loaders_answer(path, arguments.symbols), paths)))
    differing = 0
    for path in paths:
        our, their = ours.get(path, "no answer"), theirs[path]
        if our == their or (isinstance(our, str) and isinstance(their, str)):
            continue
        differing += 1
        print(path)
        if isinstance(our, str) or isinstance(their, str):
            print(f"  loader: {their}\n  imgc:   {our}")
            continue
        for side, answer in (("loader", their - our), ("imgc", our - their)):
            for name, target, *where in sorted(answer, key=str):
                print(f"  only {side}: {name} => {target or 'not found'}", *where)
    print(f"{len(paths)} programs, {len(paths) - differing} agree, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
