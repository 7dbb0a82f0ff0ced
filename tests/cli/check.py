# SPDX-License-Identifier: MIT
"""--check: the statuses and words of the coreutils, on what they and others write."""
import hashlib
import json
import os
import re

from harness import (NOBODY, check, each, expect, need_root, raw, read, same, shell, start, test, tool,
                     weir, write)


def digest(name, data):
    return hashlib.new(name, raw(data)).hexdigest()


def sha(data):
    return digest("sha256", data)


def make_files():
    for name in "abcd":
        write(name, name)


GOOD = [f"{sha(name)}  {name}" for name in "abcd"]
BAD = f"{sha('other')}  b"
GONE = f"{sha('x')}  gone"

# Manifests for which the coreutils' word is law.
MANIFESTS = {
    "good": "\n".join(GOOD) + "\n",
    "one differs": "\n".join([GOOD[0], BAD, GOOD[2]]) + "\n",
    "all differ": BAD + "\n",
    "one missing": "\n".join([GOOD[0], GONE, GOOD[1]]) + "\n",
    "all missing": GONE + "\n" + GONE + "2\n",
    "differs and missing": "\n".join([GOOD[0], BAD, GONE]) + "\n",
    "malformed": "\n".join([GOOD[0], "this is no line", GOOD[1], "neither is this"]) + "\n",
    "only malformed": "no\nline\n",
    "everything": "\n".join([GOOD[0], BAD, GONE, "no line", GOOD[3]]) + "\n",
    "malformed and missing": "no line\n" + GONE + "\n",
    "empty": "",
    "blank lines": f"\n{GOOD[0]}\n\n{GOOD[1]}\n\n",
    "comments": f"# one\n{GOOD[0]}\n#two\n",
    "only comments": "# one\n# two\n",
    "CRLF": "\r\n".join(GOOD) + "\r\n",
    "no newline at the end": "\n".join(GOOD),
    "uppercase": GOOD[0].upper().replace("  A", "  a") + "\n",
    "binary marks": GOOD[0].replace("  ", " *") + "\n",
    "one space": "\n".join(line.replace("  ", " ") for line in GOOD) + "\n",
    "leading blanks": f"  {GOOD[0]}\n\t{GOOD[1]}\n",
    "tagged": f"SHA256 (a) = {sha('a')}\nSHA256 (b) = {sha('b')}\n",
    "tagged and plain": f"SHA256 (a) = {sha('a')}\n{GOOD[1]}\n",
    "tagged differs": f"SHA256 (a) = {sha('b')}\n",
    "too short": GOOD[0][1:] + "\n" + GOOD[1] + "\n",
    "too long": "0" + GOOD[0] + "\n" + GOOD[1] + "\n",
    "not hexadecimal": "g" + GOOD[0][1:] + "\n" + GOOD[1] + "\n",
    "only a digest": sha("a") + "\n" + GOOD[1] + "\n",
    "escaped": f"\\{sha('n')}  new\\nline\n{GOOD[0]}\n",
    "wrongly escaped": f"\\{sha('a')}  a\\x\n{GOOD[0]}\n",
    "the same file twice": f"{GOOD[0]}\n{GOOD[0]}\n{sha('z')}  a\n",
    "a folder": f"{sha('a')}  folder\n{GOOD[0]}\n",
    "a part of a path is a file": f"{sha('a')}  a/b\n{GOOD[0]}\n",
}

OPTIONS = ("", "--quiet", "--status", "--strict", "--warn", "--ignore-missing",
           "--ignore-missing --quiet", "--ignore-missing --strict", "--ignore-missing --status",
           "--strict --warn", "--status --strict", "--quiet --strict", "--ignore-missing --warn")


def judgement(result, program):
    """What is said at the end, without the program's name."""
    words = [line[len(program) + 2:] for line in result.err.decode().splitlines()
             if re.match(program + r": (WARNING|m: no )", line)]
    return sorted(words)


@each(*((manifest, options) for manifest in MANIFESTS for options in OPTIONS))
def like_coreutils(manifest, options):
    make_files()
    write("new\nline", "n")
    os.mkdir("folder")
    write("m", MANIFESTS[manifest])
    theirs = tool("sha256sum", "-c", *options.split(), "m")
    ours = weir("sum", "-a", "sha256", "-c", *options.split(), "m")
    expect(ours, out=theirs.out, status=theirs.status)
    same(judgement(theirs, "sha256sum"), judgement(ours, "weir"), f"what is said\n{ours!r}\n")
    if "--status" in options:
        return
    # Both say of which line, and of which file, if they say it.
    for line in re.findall(rb"m: (\d+): improperly", theirs.err):
        check(re.search(rb"weir: m: .*line %s\b" % line, ours.err), ours)
    for name in re.findall(rb"sha256sum: (\S+): (?:No such|Is a|Not a)", theirs.err):
        check(b"weir: %s: " % name in ours.err, ours)


@each(*MANIFESTS)
def without_an_algorithm_the_digits_tell(manifest):
    """The statuses and words are the same, since 64 digits may be of SHA-256."""
    make_files()
    write("new\nline", "n")
    os.mkdir("folder")
    write("m", MANIFESTS[manifest])
    theirs = tool("sha256sum", "-c", "m")
    expect(weir("sum", "-c", "m"), out=theirs.out, status=theirs.status)


@each("sha256", "sha512", "sha1", "md5", "sha224", "sha384")
def digits_tell_the_algorithm(name):
    make_files()
    write("m", "".join(f"{digest(name, part)}  {part}\n" for part in "abcd"))
    expect(weir("sum", "-c", "m"), out="a: OK\nb: OK\nc: OK\nd: OK\n")
    write("m", f"{digest(name, 'x')}  a\n")
    expect(weir("sum", "-c", "m"), out="a: FAILED\n", status=1)


@test
def blake3_and_sha256_in_one_manifest():
    make_files()
    blake3 = weir("sum", "-q", "a", "b").out
    write("m", blake3 + MANIFESTS["good"].encode())
    expect(weir("sum", "-c", "m"), out="a: OK\nb: OK\na: OK\nb: OK\nc: OK\nd: OK\n")
    expect(weir("sum", "-c", "-a", "blake3", "m"), status=1,
           out="a: OK\nb: OK\na: FAILED\nb: FAILED\nc: FAILED\nd: FAILED\n")
    expect(weir("sum", "-c", "-a", "sha256", "m"), status=1,
           out="a: FAILED\nb: FAILED\na: OK\nb: OK\nc: OK\nd: OK\n")


@test
def thirty_two_digits_are_md5():
    """A plain XXH128 is never taken for granted: it would make a list of MD5 easy to deceive."""
    write("a", "a")
    xxh128 = weir("sum", "-q", "-a", "xxh128", "a").out.split()[-1]
    write("m", xxh128 + b"  a\n")
    expect(weir("sum", "-c", "m"), status=1, out="a: FAILED\n", err_has="'-a xxh128'")
    expect(weir("sum", "-c", "-a", "xxh128", "m"), out="a: OK\n")
    write("m", digest("md5", "a") + "  a\n")
    expect(weir("sum", "-c", "m"), out="a: OK\n")
    expect(weir("sum", "-c", "-a", "xxh128", "m"), out="a: FAILED\n", status=1)


@test
def algorithm_that_has_other_digits():
    make_files()
    write("m", MANIFESTS["good"])
    expect(weir("sum", "-c", "-a", "md5", "m"), status=1, out="",
           err_has="m: no properly formatted checksum lines found")


@test
def tag_overrules_the_algorithm():
    make_files()
    write("m", MANIFESTS["tagged"])
    expect(weir("sum", "-c", "-a", "md5", "m"), out="a: OK\nb: OK\n")


@test
def capital_digits():
    make_files()
    write("m", "".join(f"{digest(name, 'a').upper()}  a\n" for name in ("md5", "sha1", "sha512")))
    expect(weir("sum", "-c", "m"), out="a: OK\n" * 3)


@test
def several_manifests():
    make_files()
    write("m1", "\n".join(GOOD[:2]) + "\n")
    write("m2", BAD + "\n")
    write("m3", GOOD[3] + "\n")
    words = tool("sha256sum", "-c", "m1", "m2", "m3")
    expect(weir("sum", "-c", "m1", "m2", "m3"), out=words.out, status=1)
    expect(weir("sum", "-c", "m1", "m3"), out="a: OK\nb: OK\nd: OK\n")


@test
def manifest_that_is_missing():
    """The others are verified."""
    make_files()
    write("m", GOOD[0] + "\n")
    expect(weir("sum", "-c", "missing", "m"), out="a: OK\n", status=1,
           err_has="weir: missing: open: No such file or directory")


@test
def manifest_that_is_a_folder():
    os.mkdir("folder")
    expect(weir("sum", "-c", "folder"), out="", status=1, err_has="Is a directory")


@test
def manifest_that_may_not_be_read():
    need_root()
    write("m", "x", mode=0)
    expect(weir("sum", "-c", "m", uid=NOBODY), out="", status=1,
           err_has="m: open: Permission denied")


@each("", "-")
def manifest_on_stdin(operand):
    make_files()
    expect(weir("sum", "-c", *operand.split(), stdin=MANIFESTS["good"]),
           out="a: OK\nb: OK\nc: OK\nd: OK\n")
    expect(weir("sum", "-c", *operand.split(), stdin=""), status=1, out="",
           err_has="standard input: no properly formatted checksum lines found")


@test
def manifest_from_a_pipe():
    make_files()
    reader, writer = os.pipe()
    running = start("sum", "-c", f"/dev/fd/{reader}", pass_fds=(reader,))
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        pipe.write(MANIFESTS["good"])
    expect(running.finish(), out="a: OK\nb: OK\nc: OK\nd: OK\n")


@test
def manifest_that_lists_stdin():
    write("m", f"{sha('data')}  -\n")
    expect(weir("sum", "-c", "m", stdin="data"), out="-: OK\n")


@test
def unreadable_file_in_a_manifest():
    need_root()
    make_files()
    os.chmod("b", 0)
    write("m", MANIFESTS["good"])
    theirs = tool("sha256sum", "-c", "m", uid=NOBODY)
    expect(weir("sum", "-c", "m", uid=NOBODY), out=theirs.out, status=theirs.status,
           err_has=["weir: b: open: Permission denied\n",
                    "weir: WARNING: 1 listed file could not be read\n"])
    expect(weir("sum", "-c", "--ignore-missing", "m", uid=NOBODY), out=theirs.out, status=1)


@test
def nul_ends_lines():
    make_files()
    write("m", MANIFESTS["good"].replace("\n", "\0"))
    expect(weir("sum", "-c", "m"), out="a: OK\nb: OK\nc: OK\nd: OK\n")
    expect(weir("sum", "-c", "-z", "m"), out="a: OK\0b: OK\0c: OK\0d: OK\0")


@test
def line_without_an_end():
    """What is no text and has no lines is one line that is too long, not a matter of memory."""
    with open("m", "wb") as file:
        file.truncate(50 << 20)
    write("text", b"x" * (3 << 20))
    make_files()
    for name in ("m", "text"):
        expect(weir("sum", "-c", name), status=1, out="",
               err_has=f"{name}: no properly formatted checksum lines found")
    with open("text", "ab") as file:
        file.write(raw("\n" + GOOD[0] + "\n"))
    expect(weir("sum", "-c", "text"), out="a: OK\n", err_has="1 line is improperly formatted")


@test
def random_bytes_are_no_manifest():
    write("m", os.urandom(300000))
    result = weir("sum", "-c", "-w", "m")
    expect(result, status=1, out="", err_has="no properly formatted checksum lines found")


@test
def status_reports_what_cannot_be_read():
    make_files()
    write("m", MANIFESTS["one missing"])
    expect(weir("sum", "-c", "--status", "m"), status=1, out="",
           err="weir: gone: open: No such file or directory\n")
    write("m", MANIFESTS["one differs"])
    expect(weir("sum", "-c", "--status", "m"), status=1, out="", err="")
    write("m", MANIFESTS["good"])
    expect(weir("sum", "-c", "--status", "m"), out="", err="")


@test
def warn_names_each_line():
    make_files()
    write("m", MANIFESTS["malformed"])
    result = expect(weir("sum", "-c", "--warn", "m"))
    same([b"2", b"4"], re.findall(rb"weir: m: .*line (\d+)", result.err))
    check(not re.search(rb"weir: m: .*line \d", weir("sum", "-c", "m").err),
          "it warns without --warn")


# JSON.

def json_manifest(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


@each("blake3", "xxh3", "xxh128", "sha256,md5", "crc32c,sha1,sha512")
def json_manifest_is_verified(algorithms):
    make_files()
    expect(weir("sum", "--json", "--stats", "-a", algorithms, "-o", "m", "a", "b", "missing"),
           status=1)
    expect(weir("sum", "-c", "m"), out="a: OK\nb: OK\n")
    write("b", "other")
    expect(weir("sum", "-c", "m"), out="a: OK\nb: FAILED\n", status=1)


@test
def json_manifest_of_which_one_digest_differs():
    write("a", "a")
    write("m", json_manifest({"type": "file", "path": "a", "digests":
                              {"md5": digest("md5", "a"), "sha256": sha("b")}}))
    expect(weir("sum", "-c", "m"), out="a: FAILED\n", status=1)


@test
def json_results():
    make_files()
    write("m", MANIFESTS["everything"])
    result = expect(weir("sum", "-c", "-a", "sha256", "--json", "m"), status=1)
    records = [json.loads(line) for line in result.lines()]
    kept = [record for record in records if record["type"] == "check"]
    same([("a", "ok", 1), ("b", "failed", 2), ("gone", "unreadable", 3), ("d", "ok", 5)],
         [(record["path"], record["result"], record["line"]) for record in kept])
    same([[sha("a")], [sha("other")], [sha("x")], [sha("d")]],
         [record["expected"] for record in kept])
    same({"sha256": sha("b")}, kept[1]["digests"])
    check("digests" not in kept[2] and kept[2]["errno"] == "ENOENT", kept[2])
    other = [record for record in records if record["type"] != "check"]
    check(all(record["type"] == "error" for record in other), other)


@test
def json_results_that_are_quiet():
    make_files()
    write("m", MANIFESTS["one differs"])
    result = expect(weir("sum", "-c", "--json", "-q", "m"), status=1)
    same(["failed"], [json.loads(line)["result"] for line in result.lines()])
    expect(weir("sum", "-c", "--json", "--status", "m"), status=1, out="")


@test
def summary_counts_what_was_verified():
    make_files()
    write("m", MANIFESTS["good"])
    expect(weir("sum", "-c", "m"), err_has="weir: 4 files, 4 B in ")
    expect(weir("sum", "-c", "-q", "m"), out="", err="")


@test
def manifest_is_not_changed():
    make_files()
    write("m", MANIFESTS["everything"])
    before = os.stat("m")
    weir("sum", "-c", "m")
    same(raw(MANIFESTS["everything"]), read("m"))
    same((before.st_ino, before.st_mtime_ns), (os.stat("m").st_ino, os.stat("m").st_mtime_ns))


@test
def results_come_in_the_order_of_the_manifest():
    names = [f"f{i * 7 % 100:03}" for i in range(100)]
    for name in names:
        write(name, name * int(name[1:]))
    write("m", tool("sha256sum", *names).out)
    for jobs in ("1", "2", "4"):
        expect(weir("sum", "-c", "-j", jobs, "m"), out="".join(f"{name}: OK\n" for name in names))


@test
def special_files_in_a_manifest_do_not_hang():
    """A list from somewhere must not make its reader wait for ever."""
    os.mkfifo("fifo")
    write("a", "a")
    write("m", f"{sha('')}  fifo\n{GOOD[0]}\n{sha('')}  /dev/zero\n")
    expect(weir("sum", "-c", "m", timeout=20), status=1, err_has="not a regular file",
           out="fifo: FAILED open or read\na: OK\n/dev/zero: FAILED open or read\n")


@test
def digest_without_a_name_is_malformed():
    make_files()
    write("m", f"{sha('a')}  \n{GOOD[1]}\n")
    expect(weir("sum", "-c", "m"), out="b: OK\n", err_has="1 line is improperly formatted")
    expect(weir("sum", "-c", "--strict", "m"), out="b: OK\n", status=1)


@test
def names_in_results_are_escaped():
    """As the coreutils do since 9.2: a backslash as well."""
    write("back\\slash", "s")
    write("m", f"\\{sha('s')}  back\\\\slash\n")
    expect(weir("sum", "-c", "m"), out="\\back\\\\slash: OK\n")


@test
def options_of_check_add_up():
    """In the coreutils, the last one of these takes the others back."""
    make_files()
    write("m", MANIFESTS["everything"])
    expect(weir("sum", "-c", "--quiet", "--warn", "m"), status=1, err_has="m: parse at line 4",
           out="b: FAILED\ngone: FAILED open or read\n")
    expect(weir("sum", "-c", "--status", "--warn", "m"), status=1, out="",
           err_has="m: parse at line 4")


@test
def what_is_passed_over_has_not_failed():
    """The summary and the counters of --ignore-missing agree with the exit status."""
    make_files()
    write("m", MANIFESTS["one missing"])
    result = expect(weir("sum", "-c", "--ignore-missing", "--json", "--stats", "m"),
                    err_lacks="1 failed", err_has="weir: 2 files, 2 B in ")
    counters = json.loads(result.lines()[-1])
    same((2, 0, 0), tuple(counters[name] for name in ("files_done", "files_failed", "errors")),
         "files done, files failed, errors")


@test
def output_that_the_manifest_lists_is_verified():
    """It is left out of a walk, but here it was asked for."""
    write("a", "x")
    write("out", "y")
    expect(weir("sum", "-q", "-o", "m", "a", "out"))
    result = shell('"$weir" sum -c m > out')
    expect(result, status=1)
    same(b"a: OK\nout: FAILED\n", read("out"))


@test
def standard_input_is_verified_once():
    expect(weir("sum", "-q", "--tag", "-a", "md5,sha256", "-", "-o", "m", stdin=b"data"))
    expect(weir("sum", "-c", "m", stdin=b"data"), out="-: OK\n-: FAILED open or read\n", status=1,
           err_has="another line of this manifest has read standard input")


@test
def manifest_with_nul_that_comes_in_pieces():
    write("f", "x")
    digest = expect(weir("sum", "-q", "f")).out[:64].decode()
    expect(shell(f"(printf {digest}; sleep .3; printf '  f\\0') | \"$weir\" sum -q -c; echo $?"),
           out="0\n")
