# SPDX-License-Identifier: MIT
"""Names are bytes: odd ones, long ones, deep ones, many of them."""
import base64
import hashlib
import json
import os
import shutil

from harness import (Failure, check, each, expect, is_plain, need_tools, raw, same, test, tool,
                     tree, weir, write)

MD5_X = hashlib.md5(b"x").hexdigest()

ODD = [b"new\nline", b"\n", b"\n\n", b"ends with newline\n", b"back\\slash", b"\\", b"\\n", b"\\\\",
       b"return\rname", b"\r", b"ends with return\r", b"-", b"--", b"-leading", b"--check", b" ",
       b" leading", b"trailing ", b"a  b", b"\t", b"tab\there", b"quo'te", b'dou"ble', b"$(id)",
       b"`id`", b"*", b"?", b"[a]", b"~", b"#comment", b".hidden", b"...", b"\xff", b"\xff\xfe\xfd",
       b"latin\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf",
       "\u65e5\u672c".encode(),
       "\U0001f30a".encode(), b"\xef\xbb\xbfbom", b"\x01", b"\x7f", b"\x1b[31mred\x1b[0m",
       "\u202ebidi".encode(), MD5_X.encode() + b"  x", b"\\" + MD5_X.encode() + b"  x",
       b"MD5 (x) = " + MD5_X.encode(), b") = " + MD5_X.encode(), b"(", b")", b"()", b"x) = 0",
       b"x: OK", b"x: FAILED", b'{"type":"file","path":"x"}', b'"', b"{", b"n" * 255,
       b"\xff" * 255, b"\n" * 255, b"\\" * 255]


def odd_tree(names=tuple(ODD), root=b"odd"):
    """{path: data}: each name as a file, and as a folder with a file in it."""
    files = {}
    for i, name in enumerate(names):
        files[root + b"/" + name] = b"file %d" % i
        files[root + b".d/" + name + b"/" + name] = b"below %d" % i
    for name, data in files.items():
        write(name, data)
    return files


def escaped(name):
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


def line(name, algorithm="sha256", data=b""):
    """The plain line of the coreutils."""
    odd = b"\\" if escaped(name) != name else b""
    return odd + hashlib.new(algorithm, data).hexdigest().encode() + b"  " + escaped(name) + b"\n"


@test
def odd_names_as_in_coreutils():
    files = odd_tree()
    result = expect(weir("sum", "-q", "-a", "sha256", "odd", "odd.d"), err="")
    same(sorted(line(name, data=data) for name, data in files.items()),
         sorted(part + b"\n" for part in result.out.split(b"\n")[:-1]))


@each("", "--tag", "-z", "--tag -z")
def odd_names_as_arguments(style):
    names = sorted(odd_tree())
    expect(weir("sum", "-q", "-a", "md5", *style.split(), "--", *names), err="",
           out=tool("md5sum", *style.split(), "--", *names).out)


@each("", "--tag", "-z", "--json", "--tag -z", "-a blake3,crc32c", "-a xxh128", "-a xxh3 -z")
def odd_names_round_trip(style):
    """What is written is read again, and every file is verified under its own name."""
    files = odd_tree()
    expect(weir("sum", "-q", *style.split(), "-o", "manifest", "odd", "odd.d"), err="", out="")
    result = expect(weir("sum", "-c", "-z", "manifest"))
    each_file = 2 if "," in style else 1
    same(sorted(name + b": OK" for name in files for _ in range(each_file)),
         sorted(result.out.split(b"\0")[:-1]))
    changed = sorted(files)[::3]
    for name in changed:
        write(name, b"other")
    result = expect(weir("sum", "-c", "-z", "-q", "manifest"), status=1)
    same(sorted(name + b": FAILED" for name in changed for _ in range(each_file)),
         sorted(result.out.split(b"\0")[:-1]))


@each("sha256sum", "md5sum", "b3sum")
def odd_names_are_verified_by(program):
    names = [name for name in ODD if program != "b3sum"
             or (name == name.decode(errors="replace").encode() and b"\r" not in name)]
    odd_tree(names)
    digest = {"sha256sum": "sha256", "md5sum": "md5", "b3sum": "blake3"}[program]
    expect(weir("sum", "-q", "-a", digest, "-o", "manifest", "odd", "odd.d"))
    result = expect(tool(program, "-c", "manifest"))
    same(2 * len(names), result.out.count(b": OK\n"))


@each("plain", "--tag", "-z")
def odd_names_of_sha256sum_are_verified(style):
    names = sorted(odd_tree())
    style = [] if style == "plain" else [style]
    write("manifest", tool("sha256sum", *style, "--", *names).out)
    result = expect(weir("sum", "-c", "-z", "manifest"))
    same(sorted(name + b": OK" for name in names), sorted(result.out.split(b"\0")[:-1]))


@test
def odd_names_of_b3sum_are_verified():
    """But for those that it does not write as they are."""
    names = sorted(odd_tree([name for name in ODD if b"\r" not in name
                             and name == name.decode(errors="replace").encode()]))
    write("manifest", tool("b3sum", "--", *names).out)
    result = expect(weir("sum", "-c", "-z", "manifest"))
    same(sorted(name + b": OK" for name in names), sorted(result.out.split(b"\0")[:-1]))


@test
def names_that_b3sum_cannot_verify():
    write("tree/\udcff\udce9", "x")
    expect(weir("sum", "-q", "-o", "manifest", "tree"))
    need_tools("b3sum")
    check(tool("b3sum", "-c", "manifest").status != 0, "b3sum verifies names that are not UTF-8")
    expect(weir("sum", "-c", "manifest"), out=b"tree/\xff\xe9: OK\n")


@test
def odd_names_in_json():
    """UTF-8 as text, everything else in base64, and each record on a line of its own."""
    files = odd_tree()
    result = expect(weir("sum", "-q", "-a", "md5", "--json", "odd", "odd.d"))
    found = {}
    for record in map(json.loads, result.lines()):
        if "path" in record:
            name = record["path"].encode()
        else:
            name = base64.b64decode(record["path_base64"], validate=True)
            try:
                name.decode()
                raise Failure(f"{name!r} is UTF-8 and need not be in base64")
            except UnicodeDecodeError:
                pass
        found[name] = record["digests"]["md5"], record["size_bytes"]
    same({name: (hashlib.md5(data).hexdigest(), len(data)) for name, data in files.items()}, found)


@test
def errors_take_one_line_each():
    names = [name for name in ODD if name != b"-"]
    result = weir("sum", "-q", "--", *names)
    expect(result, status=1, out="")
    same(len(names), result.err.count(b"\n"), "lines of standard error")
    for part in result.err.split(b"\n")[:-1]:
        check(part.startswith(b"weir: ") and part.endswith(b": open: No such file or directory"),
              part)
        check(b"\r" not in part, part)


@test
def errors_in_json_have_the_name():
    result = weir("sum", "-q", "--json", "new\nline", b"\xff")
    expect(result, status=1)
    records = [json.loads(part) for part in result.lines()]
    same(["error", "error"], [record["type"] for record in records])
    same("new\nline", records[0]["path"])
    same(b"\xff", base64.b64decode(records[1]["path_base64"]))
    same({"open"}, {record["op"] for record in records})
    same({"ENOENT"}, {record["errno"] for record in records})


@test
def name_that_is_a_dash():
    """`-` is standard input; the file is ./-"""
    write("-", "file")
    out = weir("sum", "-q", "-a", "md5", "./-", "-", stdin="stdin").out
    same(line(b"./-", "md5", b"file") + line(b"-", "md5", b"stdin"), out)


@test
def leading_dash_behind_two_dashes():
    write("-a", "x")
    write("--tag", "x")
    expect(weir("sum", "-q", "-a", "md5", "--", "-a", "--tag"),
           out=f"{MD5_X}  -a\n{MD5_X}  --tag\n")


@each((".", "./a"), ("./", "./a"), ("t", "t/a"), ("t/", "t/a"), ("t//", "t//a"), ("./t", "./t/a"),
      ("../t/.", "../t/./a"), ("t/a", "t/a"), ("t//a", "t//a"), ("../t", "../t/a"))
def names_are_those_that_find_prints(root, name):
    os.mkdir("t")
    if root.startswith("../"):
        os.mkdir("here")
        write("t/a", "x")
        os.chdir("here")
    elif root.startswith("."):
        write("t/a" if "t" in root else "a", "x")
        if "t" not in root:
            os.rmdir("t")
    else:
        write("t/a", "x")
    same(name.encode() + b"\n", tool("find", root, "-type", "f").out, "find's")
    expect(weir("sum", "-q", "-a", "md5", root), out=f"{MD5_X}  {name}\n")


# Long paths.

def make_deep(levels, name, root="deep"):
    """Goes down one folder at a time, since no call takes a path that long; a file in each."""
    here = os.open(".", os.O_RDONLY)
    digests = {}
    path = raw(root)
    os.mkdir(root)
    os.chdir(root)
    for level in range(levels):
        data = b"%d" % level
        write("file", data)
        digests[path + b"/file"] = data
        os.mkdir(name)
        os.chdir(name)
        path += b"/" + raw(name)
    write("last", "x")
    digests[path + b"/last"] = b"x"
    os.fchdir(here)
    os.close(here)
    return digests


def compare_deep(files, *limits, **how):
    result = expect(weir("sum", "-a", "sha256", *limits, "deep", **how))
    same({line(name, data=data)[:-1] for name, data in files.items()}, set(result.lines()))
    return result


@each(250, 255, 90)
def path_longer_than_4096(length):
    files = make_deep(12000 // length, "d" * length)
    check(max(map(len, files)) > 11000, "the path is too short")
    write("manifest", compare_deep(files).out)
    result = expect(weir("sum", "-c", "manifest"))
    same(len(files), result.out.count(b": OK\n"))


@each("--json", "-z", "--tag", "")
def path_longer_than_4096_round_trip(style):
    files = make_deep(30, "d" * 199 + "\n\udcff\\")
    expect(weir("sum", "-q", *style.split(), "-o", "manifest", "deep"), err="")
    result = expect(weir("sum", "-c", "-z", "manifest"))
    same(sorted(name + b": OK" for name in files), sorted(result.out.split(b"\0")[:-1]))


@test
def path_longer_than_4096_in_a_list():
    files = make_deep(30, "d" * 200)
    write("names", b"".join(name + b"\0" for name in files))
    result = expect(weir("sum", "-a", "sha256", "--files0-from", "names"))
    same(b"".join(line(name, data=data) for name, data in files.items()), result.out)


@test
def path_longer_than_4096_that_fails():
    """Trouble down there is told like any other."""
    files = make_deep(30, "d" * 200)
    longest = max(files, key=len)
    result = weir("sum", "--files0-from=-", stdin=longest + b"s\0" + longest)
    expect(result, status=1, err_has=longest + b"s: open: No such file or directory\n")
    same(1, result.out.count(b"\n"))


@each("", "--max-fds 12", "-j 1", "--unordered")
def tree_of_2000_levels(limits):
    files = make_deep(2000, "d")
    result = compare_deep(files, *limits.split(), fds=32)
    if limits:
        return
    write("manifest", result.out)
    verified = expect(weir("sum", "-c", "manifest", fds=32))
    same(len(files), verified.out.count(b": OK\n"))


@test
def tree_of_2000_levels_with_long_names():
    """A path of half a megabyte."""
    files = make_deep(2000, "d" * 240)
    compare_deep({name: files[name] for name in files}, fds=32)


# Many names.

def many(count, root="many"):
    os.mkdir(root)
    files = {}
    folder = os.open(root, os.O_RDONLY)
    for i in range(count):
        name = b"%07d" % (i * 7919 % 10000019)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
        os.write(fd, name * (i % 3))
        os.close(fd)
        files[raw(root) + b"/" + name] = name * (i % 3)
    os.close(folder)
    return files


def how_many():
    return 100000 if is_plain() else 5000


@test
def many_files_in_one_folder():
    files = many(how_many())
    result = expect(weir("sum", "-q", "-a", "md5", "many", timeout=200), err="")
    same(b"".join(line(name, "md5", files[name]) for name in sorted(files)), result.out)
    write("manifest", result.out)
    verified = expect(weir("sum", "-c", "manifest", timeout=200))
    same(len(files), verified.out.count(b": OK\n"))


@test
def many_files_in_one_folder_within_little():
    """Runs of names that are sorted in themselves, and every name once."""
    files = many(how_many())
    result = expect(weir("sum", "-a", "md5", "--max-memory", "2M", "many", fds=32, timeout=200))
    same({line(name, "md5", data)[:-1] for name, data in files.items()}, set(result.lines()))
    same(len(files), len(result.lines()))


@test
def many_folders_in_one_folder():
    count = how_many() // 10
    for i in range(count):
        write(f"wide/{i:06}/f", str(i))
    result = expect(weir("sum", "-q", "-a", "md5", "wide", fds=32), err="")
    same(b"".join(line(b"wide/%06d/f" % i, "md5", b"%d" % i) for i in range(count)), result.out)


# Order.

def walk_order(folder):
    """The files of a folder first, then its folders, both sorted byte by byte."""
    entries = sorted(os.listdir(folder))
    paths = [folder + b"/" + name for name in entries]
    files = [path for path in paths if os.path.isfile(path)]
    return files + [file for path in paths if os.path.isdir(path) for file in walk_order(path)]


@test
def order_is_that_of_the_manual():
    tree(300)
    odd_tree()
    for root in (b"tree", b"odd", b"odd.d"):
        out = expect(weir("sum", "-z", root)).out
        same(walk_order(root), [part[66:] for part in out.split(b"\0")[:-1]], "the order")


@test
def order_of_arguments_is_kept():
    tree(200)
    write("z", "1")
    write("b", "2")
    out = expect(weir("sum", "-z", "z", "tree/d3", "b", "tree/d1", "b")).out
    same([b"z", *walk_order(b"tree/d3"), b"b", *walk_order(b"tree/d1"), b"b"],
         [part[66:] for part in out.split(b"\0")[:-1]], "the order")


@each(1, 2, 3, 4, 5, 6, 7, 8)
def order_does_not_depend_on_threads(jobs):
    tree(400, size=30000)
    wanted = expect(weir("sum", "tree")).out
    for _ in range(3):
        expect(weir("sum", "-j", str(jobs), "tree"), out=wanted)


@test
def equal_trees_on_other_file_systems_give_equal_manifests():
    tree(500)
    here = expect(weir("sum", "tree")).out
    shm = f"/dev/shm/weir-cli.{os.getpid()}"
    try:
        shutil.copytree("tree", shm + "/tree")
    except OSError as error:
        shutil.rmtree(shm, ignore_errors=True)
        raise Failure(f"cannot copy to /dev/shm: {error}") from None
    try:
        expect(weir("sum", "tree", cwd=shm), out=here)
    finally:
        shutil.rmtree(shm)


@test
def unordered_has_the_same_lines():
    tree(800)
    wanted = expect(weir("sum", "tree")).lines()
    same(sorted(wanted), sorted(expect(weir("sum", "--unordered", "-j", "4", "tree")).lines()))


@test
def controls_in_names_stay_but_for_what_breaks_the_line():
    expect(weir("sum", "-q", b"\x1b[31m\n"), status=1,
           err=b"weir: \x1b[31m\\012: open: No such file or directory\n")
