#!/usr/bin/env python3
"""Writes `layout.ld` beside it: which functions run at the start of everyday commands.

usage: crates/core/build/layout.py IMGC MAP [PROGRAM]

IMGC is a release build, and MAP what lld says of it:

    cargo rustc --release --bin imgc -- -C link-arg=-Wl,-Map=MAP

Runs IMGC under valgrind: `ldd PROGRAM` (/usr/bin/env otherwise), `--version`, and `build` of a recipe
with PROGRAM, twice. The linker puts the functions that ran side by side, so that a start touches few
pages of the program. Nothing but speed depends on the result: a pattern that matches nothing, as
after a change of names, is passed over.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# A pattern that matches more than so many times the bytes that are wanted, as the names of some
# generic functions do, would draw in what does not run: it is left out.
MAX_EXCESS = 3
SMALL_BYTES = 4096

# What valgrind does not show: it hides the kernel's own object (vDSO), and is another processor.
HIDDEN = ["*libc.a:dl-lookup.o(.text .text.*)", "*libc.a:strcmp-*.o(.text .text.*)"]

HEAD = """\
/* Which functions run at the start of everyday commands, and which constants they have. Written by
   `layout.py` beside this file; see `docs/decisions/0005-linking.md`. */
"""


def placed(kind, lines):
    """Returns the lines as a script that puts what they match before all else of its kind."""
    text = "".join(f"    {line}\n" for line in lines)
    return f"SECTIONS {{\n  {kind}.imgc_start : {{\n{text}  }}\n}} INSERT BEFORE {kind};\n"


def ran(imgc, words, directory):
    """Returns the symbols of what ran."""
    profile = pathlib.Path(directory, "profile")
    tool = ["valgrind", "--quiet", "--tool=callgrind", "--demangle=no"]
    command = [*tool, f"--callgrind-out-file={profile}", imgc, *words]
    subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = re.findall(r"^c?fn=\(\d+\) (\S+)", profile.read_text(), re.MULTILINE)
    return [name.split("'")[0] for name in names]


def patterns(file, section):
    """Returns a pattern for a section that depends neither on hashes nor on where its object was
    built; nothing for one that is not placed."""
    if member := re.search(r"(libc|libgcc_eh)\.a\((.*)\)$", file):
        # A function for one processor stands for its siblings.
        name = re.sub(r"^([a-z0-9_]+)-(sse|ssse|avx|evex|erms).*", r"\1-*.o", member[2])
        return f"*{member[1]}.a:{name}(.text .text.*)"
    if file.endswith("crt1.o"):
        return "*crt1.o(.text)"
    if section == ".text.main":
        return "*(.text.main)"
    if not re.match(r"\.text\.(unlikely\.)?_(ZN|R)", section):
        return None
    # The functions that allocate belong to no crate.
    crate = re.search(r"\.(\w+)\.[0-9a-f]+-cgu\.", file)
    file = f"*.{crate[1]}.*-cgu.*" if crate else "*"
    text = re.sub(r"\.llvm\.\d+$", "", section)
    text = re.sub(r"17h[0-9a-f]{16}E$", "17h*", text)  # legacy mangling
    text = re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", text)  # v0 mangling
    text = re.sub(r"\$[A-Za-z0-9]+\$", "*", text)
    text = re.sub(r"\*+", "*", re.sub(r"[^A-Za-z0-9_.*]", "?", text) + "*")
    return f"{file}({text})"


def sections(linker_map):
    """Returns size and pattern of each section with code, and which one each symbol is in."""
    found, places, current = [], {}, None
    for line in pathlib.Path(linker_map).read_text().splitlines():
        fields = line.split(maxsplit=4)
        if len(fields) < 5:
            current = None
        elif ":(" in fields[4]:
            current = None
            file, _, section = fields[4].removesuffix(")").rpartition(":(")
            if section.startswith(".text") and (pattern := patterns(file, section)):
                current = len(found)
                found.append((int(fields[2], 16), pattern))
                # Symbols of Rust are shown decoded; their sections are not.
                places[re.sub(r"\.text\.(unlikely\.)?", "", section)] = current
        elif current is not None:
            places.setdefault(fields[4], current)
    return found, places


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    imgc, linker_map = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2]
    program = sys.argv[3] if len(sys.argv) == 4 else "/usr/bin/env"
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "image.kdl").write_text(f'binary "{program}"\n')
        build = ["build", "--store", f"{directory}/store", "image.kdl"]
        runs = [ran(imgc, words, directory) for words in (["ldd", program], ["--version"], build, build)]

    found, places = sections(linker_map)
    hot = {places[symbol] for symbols in runs for symbol in symbols if symbol in places}
    wanted, matched = {}, {}
    for place, (size, pattern) in enumerate(found):
        matched[pattern] = matched.get(pattern, 0) + size
        if place in hot:
            wanted[pattern] = wanted.get(pattern, 0) + size
    kept = dict.fromkeys(HIDDEN)
    for symbols in runs:
        order = {found[places[symbol]][1] for symbol in symbols if symbol in places}
        # Of large functions, a start touches a part.
        for line in sorted(order, key=lambda line: (matched[line], line)):
            excess = matched[line] > SMALL_BYTES + MAX_EXCESS * wanted[line]
            if not excess or "libc.a" in line:
                kept[line] = None
    # Compilers name a function's jump tables after it.
    constants = [line.replace(".text", ".rodata") for line in kept]
    script = HEAD + placed(".text", kept) + placed(".rodata", constants)
    pathlib.Path(__file__).with_name("layout.ld").write_text(script)
    print(f"{len(kept)} patterns, {sum(matched.get(line, 0) for line in kept)} bytes")


main()
