# SPDX-License-Identifier: MIT
"""Options: what is accepted, refused and suggested; filters; lists of names."""
import os
import re
import threading

from harness import (NOBODY, check, each, expect, need_namespace, same, shell, start, test, tool,
                     tree, weir, write)

MD5_X = "9dd4e461268c8034f5c8564e155c67a6"


# Help.

@each("--help", "-h", "help", "help help", "sum --help", "sum -h", "help sum", "--version", "-V",
      "sum --version", "sum -V", "sum -a help", "sum a b --help", "sum --help --no-such")
def answers_go_to_stdout(words):
    result = expect(weir(*words.split()), err="")
    check(result.out.endswith(b"\n") and len(result.out) > 5, result)


@test
def version_is_one_line():
    result = expect(weir("--version"), err="")
    check(re.fullmatch(rb"weir \d+\.\d+\.\d+\n", result.out), result)


@each("--help", "sum --help")
def help_fits_a_terminal(words):
    for line in expect(weir(*words.split())).lines():
        check(len(line) < 80, line)


def options_in_help():
    """[(long name, letter or None, argument or None)]"""
    text = expect(weir("sum", "--help")).out.decode()
    found = re.findall(r"^ +(?:-(\w), )?--(\[no-\])?([a-z0-9-]+)(?:=([A-Z]+))?", text, re.MULTILINE)
    check(len(found) > 20, text)
    options = []
    for letter, negatable, name, argument in found:
        options.append((name, letter or None, argument or None))
        if negatable:
            options.append(("no-" + name, None, None))
    return options


VALUES = {"files0-from": "list", "include": "*", "exclude": "*.o", "min-size": "1",
          "max-size": "1G",
          "algorithm": "md5", "output": "out", "jobs": "1", "max-fds": "20", "max-memory": "64M",
          "rate": "1G"}


def try_option(words, name):
    write("a", "x")
    write("list", "a\0")
    write("m", f"{MD5_X}  a\n")
    if name == "check":
        operands = ["m"]
    elif name in ("ignore-missing", "status", "strict", "warn"):
        operands = ["-c", "m"]
    else:
        operands = [] if name == "files0-from" else ["a"]
    expect(weir("sum", *words, *operands), err_lacks="Try 'weir")


@test
def every_option_of_the_help_is_accepted():
    for name, letter, argument in options_in_help():
        check(argument is None or name in VALUES, f"this test has no value for --{name}")
        value = VALUES[name] if argument else None
        try_option([f"--{name}={value}"] if argument else [f"--{name}"], name)
        if argument:
            try_option([f"--{name}", value], name)
        if letter:
            try_option([f"-{letter}", value] if argument else [f"-{letter}"], name)
            if argument:
                try_option([f"-{letter}{value}"], name)


@test
def every_option_wants_its_value():
    for name, letter, argument in options_in_help():
        if argument:
            expect(weir("sum", f"--{name}"), status=2, out="", err_has=f"--{name}")
            if letter:
                expect(weir("sum", f"-{letter}"), status=2, out="", err_has=f"-{letter}")
        else:
            expect(weir("sum", f"--{name}=1", "a"), status=2, out="", err_has=f"--{name}")


@test
def options_may_be_cut_short():
    write("a", "x")
    expect(weir("sum", "--qui", "--alg=md5", "a"), out=f"{MD5_X}  a\n", err="")
    expect(weir("sum", "--max=1", "a"), status=2, out="", err_has=["--max-fds", "--max-memory"])


@test
def options_behind_operands():
    write("a", "x")
    expect(weir("sum", "a", "-q", "-a", "md5"), out=f"{MD5_X}  a\n", err="")


@test
def letters_together():
    write("a", "x")
    expect(weir("sum", "-qzamd5", "a"), out=f"{MD5_X}  a\0", err="")


# Mistakes.

@each(("--algoritm=md5", "--algorithm"), ("--unorderd", "--unordered"), ("--exlude=x", "--exclude"),
      ("--ignore-mising", "--ignore-missing"), ("--max-mem0ry=1", "--max-memory"),
      ("--statz", "--stat"), ("--no-progres5", "--no-progress"), ("--jason", "--json"),
      ("-a md6", "md5"), ("-a sha265", "sha256"), ("-a blake", "blake3"), ("-a xxh182", "xxh128"))
def mistyped_option(words, meant):
    result = expect(weir("sum", *words.split(), "a"), status=2, out="",
                    err_has=[meant, "did you mean"])
    same(2, len(result.err.splitlines()), "lines")
    check(b"Try 'weir sum --help'" in result.err, result)


@each(("smu", "sum"), ("sun", "sum"), ("hepl", "help"))
def mistyped_command(word, meant):
    expect(weir(word, "a"), status=2, out="",
           err_has=[f"did you mean '{meant}'", "Try 'weir --help'"])


@each("--nothing-like-it", "-Y", "-", "frobnicate", "")
def unknown_words(word):
    expect(weir(*([word] if word else [])), status=2, out="", err_has="Try 'weir --help'")


@each("--min-size=", "--min-size=x", "--min-size=-1", "--min-size=1X", "--min-size=1.5",
      "--min-size=99999999999999999999", "--min-size=16E", "--max-memory=0", "--max-memory=",
      "--rate=0", "--rate=fast", "--rate=1M/h", "-j 0", "-j -1", "-j x", "-j 1.5",
      "-j 99999999999999999999", "-j 4294967296", "--max-fds=0", "--max-fds=1k", "--max-size=1 2",
      "-a md5,", "-a ,md5", "-a ,", "-a md5,,sha1", "--include=[", "--exclude=a[b")
def bad_value(words):
    write("a", "x")
    option, _, value = words.partition(" ") if " " in words[:4] else (words, "", "")
    result = weir("sum", *([option, value] if value else [words]), "a")
    expect(result, status=2, out="", err_has="Try 'weir sum --help'")
    check(result.err.startswith(b"weir: "), result)


@each("1", "64K", "64KiB", "64Ki", "64kB", "1.5GiB", "1M", "1T", "1P", "1E", "15E")
def good_size(size):
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "--max-size", size, "a"), out=f"{MD5_X}  a\n", err="")


@each("1M", "1MB/s", "200MiB/s", "1.5G/s", "1E/s")
def good_rate(rate):
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "--rate", rate, "a"), out=f"{MD5_X}  a\n", err="")


@each("-c --tag m", "--tag --json a", "-z --json a", "-c --files0-from=l", "-c -L m", "-c -x m",
      "-c --include=x m", "-c --exclude=x m", "-c --min-size=1 m", "-c --max-size=1 m",
      "--ignore-missing a", "--status a", "--strict a", "-w a", "--files0-from=l a",
      "--min-size=2 --max-size=1 a")
def options_that_exclude_each_other(words):
    write("a", "x")
    write("l", "a\0")
    write("m", f"{MD5_X}  a\n")
    expect(weir("sum", *words.split(), "-o", "out"), status=2, out="",
           err_has="Try 'weir sum --help'")
    check(not os.path.exists("out"), "there is an output")


@test
def last_of_a_repeated_option_counts():
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "-o", "no", "-o", "out", "--progress", "--no-progress",
                "a"),
           out="", err="")
    same({"a", "out"}, set(os.listdir(".")), "files")


@test
def environment_does_not_matter():
    write("b", "x")
    write("\u00e4", "x")
    wanted = expect(weir("sum", ".")).out
    for locale in ("C", "POSIX", "de_DE.UTF-8", "tr_TR.UTF-8", ""):
        expect(weir("sum", ".", env={"LC_ALL": locale, "LANG": locale}), out=wanted)


# Lists of names.

@each("file", "-", "pipe", "/dev/stdin")
def files0_from(where):
    made = tree(300)
    names = tool("find", "tree", "-type", "f", "-print0").out
    write("names", names)
    wanted = weir("sum", "-q", *names.split(b"\0")[:-1]).out
    if where == "file":
        expect(weir("sum", "-q", "--files0-from=names"), out=wanted, err="")
    elif where == "pipe":
        expect(shell('find tree -type f -print0 | "$weir" sum -q --files0-from -'), out=wanted,
               err="")
    else:
        expect(weir("sum", "-q", f"--files0-from={where}", stdin=names), out=wanted, err="")
    same(len(made), wanted.count(b"\n"))


@test
def files0_from_with_folders():
    made = tree(100)
    expect(weir("sum", "-q", "--files0-from=-", stdin="tree\0tree/d1\0"),
           out=weir("sum", "-q", "tree", "tree/d1").out, err="")
    check(made, "there are files")


@test
def files0_from_without_a_nul_at_the_end():
    write("a", "x")
    write("b", "x")
    expect(weir("sum", "-q", "-a", "md5", "--files0-from=-", stdin="a\0b"), err="",
           out=f"{MD5_X}  a\n{MD5_X}  b\n")


@test
def files0_from_with_empty_names():
    """They are told, the others are read."""
    write("a", "x")
    result = weir("sum", "-q", "-a", "md5", "--files0-from=-", stdin="\0a\0\0")
    expect(result, status=1, out=f"{MD5_X}  a\n")
    same(2, len(result.err.splitlines()), "lines of stderr")


@test
def files0_from_nothing():
    expect(weir("sum", "-q", "--files0-from=-", stdin=""), out="", err="")
    expect(weir("sum", "-q", "--files0-from=/dev/null"), out="", err="")


@test
def files0_from_what_is_missing():
    expect(weir("sum", "--files0-from=missing"), status=2, out="",
           err_has="weir: missing: open: No such file or directory")


@test
def files0_from_a_folder():
    os.mkdir("folder")
    result = weir("sum", "--files0-from=folder")
    check(result.status in (1, 2), result)
    expect(result, status=None, out="", err_has="Is a directory")


@test
def files0_from_a_slow_pipe():
    """Names are read as they come."""
    write("a", "x")
    reader, writer = os.pipe()
    running = start("sum", "-q", "-a", "md5", "--files0-from=-", stdin=reader)
    os.close(reader)
    for part in (b"a", b"\0", b"a\0a", b"\0"):
        os.write(writer, part)
        threading.Event().wait(0.15)
    os.close(writer)
    expect(running.finish(), out=f"{MD5_X}  a\n" * 3, err="")


@test
def files0_from_many():
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "--files0-from=-", "--max-memory=4M",
                stdin="a\0" * 30000),
           out=f"{MD5_X}  a\n" * 30000, err="")


@test
def files0_from_a_name_that_is_too_long():
    write("a", "x")
    result = weir("sum", "-q", "-a", "md5", "--files0-from=-", stdin="n" * 3000000 + "\0a\0")
    check(result.status == 1 and result.out == f"{MD5_X}  a\n".encode(), result)
    check(len(result.err.splitlines()) == 1, result)


# Filters.

def names_of(*words, status=0):
    result = expect(weir("sum", "-q", "-z", *words), status=status)
    return {part[66:].decode() for part in result.out.split(b"\0")[:-1]}


def make_sources():
    for name in ("main.c", "util.h", "README", ".hidden.c", "build/main.o", "build/gen.c",
                 "src/a.c", "src/deep/b.c", "src/deep/b.txt", "src/build/c.c", "a[b].c", "a\\b.c"):
        write("t/" + name, name)


ALL = {"t/main.c", "t/util.h", "t/README", "t/.hidden.c", "t/build/main.o", "t/build/gen.c",
       "t/src/a.c", "t/src/deep/b.c", "t/src/deep/b.txt", "t/src/build/c.c", "t/a[b].c", "t/a\\b.c"}


@each(("", ALL),
      ("--include=*.c", {name for name in ALL if name.endswith(".c")}),
      ("--include=*.[ch]", {name for name in ALL if name[-2:] in (".c", ".h")}),
      ("--include=*.h --include=README", {"t/util.h", "t/README"}),
      ("--include=[!.]*.c", {name for name in ALL if name.endswith(".c") and "/." not in name}),
      ("--include=?????????", {"t/.hidden.c"}),
      ("--include=???.c", {"t/a\\b.c", "t/build/gen.c"}),
      ("--exclude=build", {name for name in ALL if "build" not in name}),
      ("--exclude=src/build", ALL - {"t/src/build/c.c"}),
      ("--exclude=*.c", {name for name in ALL if not name.endswith(".c")}),
      ("--exclude=*", set()),
      ("--include=*.c --exclude=build", {name for name in ALL if name.endswith(".c")
                                         and "build" not in name}),
      ("--include=main.c --exclude=main.c", set()),
      ("--include=src/*.c", {"t/src/a.c"}),
      ("--include=src/**.c", {"t/src/a.c", "t/src/deep/b.c", "t/src/build/c.c"}),
      ("--include=**/b.*", {"t/src/deep/b.c", "t/src/deep/b.txt"}),
      (r"--include=a\[b\].c", {"t/a[b].c"}),
      (r"--include=a\\b.c", {"t/a\\b.c"}),
      ("--include=A.C", set()))
def globs(words, wanted):
    make_sources()
    same(wanted, names_of(*words.split(), "t"), "names")


@test
def globs_are_held_against_the_part_below_the_root():
    make_sources()
    same({"t/src/deep/b.c"}, names_of("--include=deep/*.c", "t/src"))
    same(set(), names_of("--include=src/deep/*.c", "t/src"))


@test
def file_that_is_given_is_not_filtered():
    make_sources()
    same({"t/README"}, names_of("--include=*.c", "--exclude=README", "--min-size=1G", "t/README"))


@test
def excluded_folders_are_not_entered():
    write("t/skip/f", "x")
    os.chmod("t/skip", 0)
    write("t/a", "x")
    user = NOBODY if os.geteuid() == 0 else None
    expect(weir("sum", "-q", "-a", "md5", "--exclude=skip", "t", uid=user),
           out=f"{MD5_X}  t/a\n", err="")
    os.chmod("t/skip", 0o755)


@each(("--min-size=5", {"5", "6", "10"}), ("--max-size=5", {"0", "1", "5"}),
      ("--max-size=0", {"0"}),
      ("--min-size=1 --max-size=5", {"1", "5"}), ("--min-size=6 --max-size=6", {"6"}),
      ("--min-size=0", {"0", "1", "5", "6", "10"}), ("--min-size=1K", set()))
def sizes(words, wanted):
    for size in (0, 1, 5, 6, 10):
        write(f"t/{size}", "x" * size)
    same({f"t/{name}" for name in wanted}, names_of(*words.split(), "t"), "names")


@test
def filtered_names_are_counted():
    make_sources()
    expect(weir("sum", "--include=README", "t"), err_has="weir: 1 file, ")
    expect(weir("sum", "--include=README", "t"), err_has="filtered names")


@test
def one_file_system():
    need_namespace()
    write("t/a", "x")
    os.makedirs("t/mnt")
    script = """
        mount -t tmpfs none t/mnt && echo -n x > t/mnt/f || exit 99
        "$weir" sum -q -a md5 -x t && echo -- && "$weir" sum -q -a md5 t &&
        echo -- && "$weir" sum -q -a md5 -x t/mnt
    """
    expect(shell(f"exec unshare -m sh -c '{script}'"), err="",
           out=f"{MD5_X}  t/a\n--\n{MD5_X}  t/a\n{MD5_X}  t/mnt/f\n--\n{MD5_X}  t/mnt/f\n")


@test
def one_file_system_holds_for_links_that_are_followed():
    need_namespace()
    write("t/a", "x")
    os.makedirs("mnt")
    os.symlink("../mnt", "t/link")
    script = """
        mount -t tmpfs none mnt && echo -n x > mnt/f || exit 99
        "$weir" sum -q -a md5 -L -x t && echo -- && "$weir" sum -q -a md5 -L t
    """
    expect(shell(f"exec unshare -m sh -c '{script}'"), err="",
           out=f"{MD5_X}  t/a\n--\n{MD5_X}  t/a\n{MD5_X}  t/link/f\n")


@test
def hidden_files_are_read():
    write("t/.a", "x")
    write("t/.b/c", "x")
    expect(weir("sum", "-q", "-a", "md5", "t"), out=f"{MD5_X}  t/.a\n{MD5_X}  t/.b/c\n", err="")
