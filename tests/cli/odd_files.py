# SPDX-License-Identifier: MIT
"""What is not a plain file: nothing hangs, and each is read, reported or skipped as documented."""
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import threading
import time

from harness import (NOBODY, Failure, Skip, check, each, expect, holds_open, is_plain, need,
                     need_root, noise, raw, read, same, shell, start, test, tool, tree, wait_until,
                     weir, write)


def md5(data):
    return hashlib.md5(raw(data)).hexdigest()


def specials(folder):
    """One of each kind beside a file; returns how many are not files and not links."""
    write(f"{folder}/file", "x")
    os.mkfifo(f"{folder}/fifo")
    here = os.getcwd()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    os.chdir(here)
    count = 2
    if os.geteuid() == 0:
        try:
            os.mknod(f"{folder}/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            os.mknod(f"{folder}/zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
            os.mknod(f"{folder}/block", 0o666 | stat.S_IFBLK, os.makedev(7, 250))
            count += 3
        except PermissionError:
            pass
    return count


@each("", "--unordered", "-L", "--json", "--min-size 1")
def special_files_in_a_tree_are_skipped(options):
    count = specials("tree")
    result = expect(weir("sum", "-a", "md5", *options.split(), "tree", timeout=20))
    same(1, len(result.lines()), "lines")
    check(b"tree/file" in result.out, result)
    expect(result, err_has=f"skipped {count} special files")


@test
def special_files_in_a_list():
    """They are given by name, so that they are read like arguments."""
    write("a", "x")
    os.mkfifo("fifo")
    writer = threading.Thread(target=write, args=("fifo", "through"))
    writer.start()
    result = weir("sum", "-q", "-a", "md5", "--files0-from=-", stdin="a\0fifo\0/dev/null\0")
    writer.join()
    expect(result, out=f"{md5('x')}  a\n{md5('through')}  fifo\n{md5('')}  /dev/null\n")


@test
def socket_that_is_given_is_an_error():
    specials("tree")
    expect(weir("sum", "-q", "-a", "md5", "tree/socket", "tree/file", timeout=20), status=1,
           out=f"{md5('x')}  tree/file\n", err_has="weir: tree/socket: open: ")


@test
def fifo_that_is_given_is_read_to_its_end():
    os.mkfifo("fifo")
    data = noise(3000000)
    running = start("sum", "-q", "-a", "md5", "fifo")
    with open("fifo", "wb") as fifo:
        for at in range(0, len(data), 50000):
            fifo.write(data[at:at + 50000])
            time.sleep(0.001)
    expect(running.finish(), out=f"{md5(data)}  fifo\n", err="")


@test
def fifo_whose_writer_comes_late():
    os.mkfifo("fifo")
    running = start("sum", "-q", "-a", "md5", "fifo")
    time.sleep(0.5)
    check(not running.is_over(), "it did not wait for the writer")
    write("fifo", "late")
    expect(running.finish(), out=f"{md5('late')}  fifo\n")


@test
def fifo_without_a_writer_can_be_interrupted():
    os.mkfifo("fifo")
    running = start("sum", "fifo")
    time.sleep(0.7)
    running.kill(2)
    expect(running.finish(timeout=15), status=130, out="", err_has="interrupted")


@test
def fifo_beside_files():
    """Who waits for a writer holds up nobody but the order."""
    made = tree(100)
    os.mkfifo("fifo")
    running = start("sum", "-a", "md5", "-j", "2", "fifo", "tree")
    time.sleep(0.4)
    write("fifo", "x")
    result = expect(running.finish())
    same(b"%s  fifo" % md5("x").encode(), result.lines()[0])
    same(1 + len(made), len(result.lines()))


@test
def pipes_of_a_shell():
    """As bash's <(...) gives them."""
    data = noise(1000000)
    reader, writer = os.pipe()
    thread = threading.Thread(target=lambda: os.fdopen(writer, "wb").write(data))
    thread.start()
    result = weir("sum", "-q", "-a", "md5", f"/dev/fd/{reader}", pass_fds=(reader,))
    thread.join()
    expect(result, out=f"{md5(data)}  /dev/fd/{reader}\n", err="")


@test
def devices_that_are_given():
    expect(weir("sum", "-q", "-a", "md5", "/dev/null"), out=f"{md5('')}  /dev/null\n", err="")


@each("", "-", "- -q", "/dev/stdin")
def standard_input(operand):
    data = noise(700001)
    name = operand.split()[0] if operand else "-"
    expect(weir("sum", "-a", "md5", *operand.split(), stdin=data), out=f"{md5(data)}  {name}\n")


@test
def standard_input_from_its_place():
    """A descriptor that was read from before is read from where it stands, as by md5sum."""
    write("data", "0123456789")
    script = "exec <data; head -c 0 >/dev/null; dd bs=1 count=4 status=none >/dev/null; "
    same(md5("456789").encode() + b"  -\n", shell(script + "md5sum -").out)
    expect(shell(script + '"$weir" sum -q -a md5 -'), out=f"{md5('456789')}  -\n")


@test
def standard_input_twice():
    """As by md5sum: the second time it is at its end."""
    wanted = tool("md5sum", "-", "-", stdin="abc").out
    for _ in range(30):
        expect(weir("sum", "-q", "-a", "md5", "-", "-", stdin="abc"), out=wanted)


@test
def standard_input_that_is_closed():
    expect(weir("sum", "-q", "-", closed=(0,)), status=1, out="", err_has="weir: -: ")


@test
def standard_input_that_is_a_folder():
    os.mkdir("folder")
    folder = os.open("folder", os.O_RDONLY)
    expect(weir("sum", "-q", "-", stdin=folder), status=1, out="", err_has="Is a directory")
    os.close(folder)


# Links.

@test
def links_are_skipped():
    write("tree/file", "x")
    write("other/below", "y")
    os.symlink("file", "tree/link")
    os.symlink("nowhere", "tree/dangling")
    os.symlink("../other", "tree/folder")
    os.symlink("loop", "tree/loop")
    expect(weir("sum", "-a", "md5", "tree"), out=f"{md5('x')}  tree/file\n",
           err_has="skipped 4 links")


@test
def links_are_followed():
    write("tree/file", "x")
    write("other/below", "y")
    os.symlink("file", "tree/link")
    os.symlink("../other", "tree/to")
    expect(weir("sum", "-q", "-L", "-a", "md5", "tree"), err="",
           out=f"{md5('x')}  tree/file\n{md5('x')}  tree/link\n{md5('y')}  tree/to/below\n")


@test
def links_that_are_given_are_followed():
    write("real/a", "x")
    write("file", "y")
    os.symlink("real", "folder")
    os.symlink("file", "link")
    expect(weir("sum", "-q", "-a", "md5", "folder", "link"), err="",
           out=f"{md5('x')}  folder/a\n{md5('y')}  link\n")


@test
def dangling_links():
    write("tree/file", "x")
    os.symlink("nowhere", "tree/dangling")
    result = weir("sum", "-q", "-L", "-a", "md5", "tree")
    expect(result, status=1, out=f"{md5('x')}  tree/file\n", err_has="weir: tree/dangling: ")
    check(b"No such file or directory" in result.err, result)
    expect(weir("sum", "-q", "tree/dangling"), status=1, out="",
           err_has="No such file or directory")


@each("..", ".", "../..", "absolute")
def loops_are_errors(target):
    """Each file once, the loop reported with its name, and an end."""
    write("root/tree/file", "x")
    write("root/tree/below/file", "y")
    if target == "absolute":
        target = os.path.abspath("root/tree")
    os.symlink(target, "root/tree/below/loop")
    result = weir("sum", "-q", "-L", "-a", "md5", "root", timeout=20)
    expect(result, status=1, err_has="weir: root/tree/below/loop: ",
           out=f"{md5('x')}  root/tree/file\n{md5('y')}  root/tree/below/file\n")
    same(1, len(result.err.splitlines()), "lines of stderr")
    expect(weir("sum", "-q", "-a", "md5", "root"), out=result.out, err="")


@test
def loop_of_two_links():
    os.mkdir("tree")
    os.symlink("b", "tree/a")
    os.symlink("a", "tree/b")
    result = weir("sum", "-q", "-L", "tree", timeout=20)
    expect(result, status=1, out="", err_has="Too many levels of symbolic links")
    same(2, len(result.err.splitlines()), "lines of stderr")
    expect(weir("sum", "-q", "tree/a"), status=1, out="",
           err_has="Too many levels of symbolic links")


@test
def the_same_folder_by_two_links_is_no_loop():
    write("real/f", "x")
    os.mkdir("tree")
    os.symlink("../real", "tree/a")
    os.symlink("../real", "tree/b")
    expect(weir("sum", "-q", "-L", "-a", "md5", "tree"), err="",
           out=f"{md5('x')}  tree/a/f\n{md5('x')}  tree/b/f\n")


# What may not be read.

@each("", "--json", "--unordered")
def unreadable_file(options):
    need_root()
    write("tree/a", "x")
    write("tree/b", "secret", mode=0)
    write("tree/c", "y")
    result = weir("sum", "-a", "md5", *options.split(), "tree", uid=NOBODY)
    expect(result, status=1, err_has=["weir: tree/b: open: Permission denied\n", "1 failed"])
    if options == "--json":
        records = [json.loads(part) for part in result.lines()]
        same(["file", "error", "file"], [record["type"] for record in records])
        same(("tree/b", "open", "EACCES", "Permission denied"),
             tuple(records[1][key] for key in ("path", "op", "errno", "message")))
    else:
        same({f"{md5('x')}  tree/a".encode(), f"{md5('y')}  tree/c".encode()}, set(result.lines()))


@test
def unreadable_folder():
    need_root()
    write("tree/a", "x")
    write("tree/shut/b", "secret")
    write("tree/z/c", "y")
    os.chmod("tree/shut", 0)
    result = weir("sum", "-q", "-a", "md5", "tree", uid=NOBODY)
    expect(result, status=1, out=f"{md5('x')}  tree/a\n{md5('y')}  tree/z/c\n",
           err="weir: tree/shut: open: Permission denied\n")


@test
def folder_that_can_be_listed_but_not_entered():
    need_root()
    write("tree/listed/b", "x")
    write("tree/z", "y")
    os.chmod("tree/listed", 0o444)
    result = weir("sum", "-q", "-a", "md5", "tree", uid=NOBODY)
    expect(result, status=1, out=f"{md5('y')}  tree/z\n")
    same(b"weir: tree/listed/b: open: Permission denied\n", result.err)


@test
def folder_that_can_be_entered_but_not_listed():
    need_root()
    write("tree/shut/b", "x")
    os.chmod("tree/shut", 0o111)
    expect(weir("sum", "-q", "-a", "md5", "tree/shut/b", uid=NOBODY),
           out=f"{md5('x')}  tree/shut/b\n", err="")


@test
def unreadable_roots():
    need_root()
    write("tree/a", "x")
    write("shut/a", "x", mode=0)
    os.chmod("shut", 0)
    result = weir("sum", "-q", "-a", "md5", "shut", "tree", "missing", "shut/a", uid=NOBODY)
    expect(result, status=1, out=f"{md5('x')}  tree/a\n")
    same([b"weir: missing: open: No such file or directory",
          b"weir: shut/a: open: Permission denied", b"weir: shut: open: Permission denied"],
         sorted(result.err.splitlines()))


@test
def empty_name_is_an_error():
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "", "a"), status=1, out=f"{md5('x')}  a\n",
           err_has="No such file or directory")


@test
def empty_folder():
    os.makedirs("tree/a/b/c")
    expect(weir("sum", "-q", "tree"), out="", err="")


@test
def file_given_as_a_folder():
    write("a", "x")
    expect(weir("sum", "-q", "a/b", "a/"), status=1, out="", err_has="Not a directory")


# What vanishes.

@test
def files_that_vanish_while_they_wait():
    """The walk has found them all when the reading, which is slow, comes to them."""
    write("tree/0", noise(3000000))
    for i in range(50):
        write(f"tree/{i + 1:02}", "x")
    running = start("sum", "-a", "md5", "-j", "1", "--rate", "2M", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/0"), "the first file to be opened")
    time.sleep(0.3)
    for i in range(1, 51, 2):
        os.unlink(f"tree/{i:02}")
    result = expect(running.finish(), status=1, err_has="25 failed")
    same(26, len(result.lines()), "lines")
    for i in range(1, 51, 2):
        check(b"weir: tree/%02d: open: No such file or directory" % i in result.err, result)


@test
def folders_that_vanish_while_they_wait():
    write("tree/0", noise(2000000))
    for i in range(60):
        write(f"tree/d{i:02}/e/f", "x")
    # So little memory that the walk cannot be far ahead; whatever it saw, nothing hangs.
    running = start("sum", "-a", "md5", "-j", "1", "--rate", "2M", "--max-memory", "1M",
                    "--max-fds", "9", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/0"), "the first file to be opened")
    time.sleep(0.2)
    for i in range(60):
        shutil.rmtree(f"tree/d{i:02}")
    result = expect(running.finish(), status=1)
    check(b"tree/0\n" in result.out, result)
    check(b"No such file or directory" in result.err, result)


@test
def tree_that_changes_all_the_time():
    """Many rounds against a process that makes, deletes and swaps; only documented outcomes."""
    write("stays/keep", "x")
    stop = threading.Event()

    def stir():
        i = 0
        while not stop.is_set():
            i += 1
            name = f"stays/n{i % 50}"
            try:
                if i % 3 == 0:
                    write(f"{name}/f", "y")
                elif i % 3 == 1 and os.path.isdir(name):
                    shutil.rmtree(name)
                elif i % 7 == 0:
                    os.symlink("keep", name)
                elif i % 5 == 0:
                    os.mkfifo(name)
                else:
                    os.unlink(name)
            except OSError:
                pass
    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(100 if is_plain() else 20):
            result = weir("sum", "-q", "-a", "md5", "stays", timeout=30)
            check(result.status in (0, 1), result)
            check((result.status == 1) == bool(result.err), result)
            check(md5("x").encode() + b"  stays/keep\n" in result.out, result)
            for part in result.err.splitlines():
                check(re.search(rb"No such file|Not a dir|changed|symbolic links|No such device",
                                part), result)
    finally:
        stop.set()
        thread.join()


@test
def file_that_becomes_a_fifo_does_not_hang():
    write("tree/0", noise(1500000))
    write("tree/1", "x")
    running = start("sum", "-q", "-j", "1", "--rate", "2M", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/0"), "the first file to be opened")
    time.sleep(0.2)
    os.unlink("tree/1")
    os.mkfifo("tree/1")
    result = running.finish(timeout=20)
    check(result.status in (0, 1) and b"tree/1" not in result.out, result)


@test
def folder_that_becomes_a_link_is_not_followed():
    write("secret/f", "secret")
    write("tree/0", noise(1500000))
    write("tree/d/f", "x")
    running = start("sum", "-q", "-a", "md5", "-j", "1", "--rate", "2M", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/0"), "the first file to be opened")
    time.sleep(0.2)
    os.rename("tree/d", "gone")
    os.symlink("../secret", "tree/d")
    result = running.finish(timeout=20)
    check(md5("secret").encode() not in result.out, result)


# What the kernel makes up.

@each("/proc/version", "/proc/cpuinfo", "/proc/filesystems", "/proc/sys/kernel/ostype",
      "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/notes", "/proc/config.gz",
      "/proc/kallsyms", "/sys/kernel/vmcoreinfo", "/sys/devices/system/cpu/online")
def made_up_file_is_read_to_its_end(name):
    try:
        before = read(name)
        if name == "/proc/cpuinfo" and before != read(name):
            raise Skip(f"{name} changes all the time")
    except OSError as error:
        raise Skip(f"{name}: {error.strerror}") from None
    need(len(before) > 0, f"{name} is empty")
    for _ in range(3):
        result = weir("sum", "-q", "-a", "md5", name)
        if result.out == f"{md5(before)}  {name}\n".encode():
            return
        before = read(name)
    raise Failure(f"{name} has the digest {md5(before)}\n{result!r}")


@test
def proc_self_status():
    """It says who reads it, so only that it is read to its end can be seen."""
    result = expect(weir("sum", "--json", "/proc/self/status"))
    record = json.loads(result.lines()[0])
    check(record["size_bytes"] > 500, record)
    check(not record["digests"]["blake3"].startswith("af1349b9f5f9a1a6"),
          "it was taken for an empty file")


@each("/sys/kernel/mm", "/proc/sys", "/sys/devices/system/cpu", "/proc/irq", "/sys/module")
def made_up_tree_has_an_end(root):
    need(os.path.isdir(root), f"{root} is missing")
    # As a user for whom little can go wrong.
    user = {"uid": NOBODY} if os.geteuid() == 0 else {}
    found = tool("find", root, "-type", "f", **user).lines()
    result = weir("sum", "--no-progress", root, timeout=60, **user)
    check(result.status in (0, 1), result)
    check((result.status == 0) == (not result.errors()), result)
    got = {part[66:] for part in result.lines()}
    same([], [name for name in found if name not in got and name not in result.err],
         "neither read nor reported")


@test
def empty_files():
    for i in range(5):
        write(f"tree/{i}")
    expect(weir("sum", "-q", "-a", "md5", "tree"), err="",
           out="".join(f"{md5('')}  tree/{i}\n" for i in range(5)))


# Holes.

def stats_of(result):
    """The counters that --stats prints, {name: number}."""
    return {name.decode(): int(value) for name, value
            in re.findall(rb"^(\w+) +(\d+)\b", result.err, re.MULTILINE)}


def make_sparse(name, parts, size):
    with open(name, "wb") as file:
        for at, data in parts:
            file.seek(at)
            file.write(data)
        file.truncate(size)


def has_holes(name):
    return os.stat(name).st_blocks * 512 < os.stat(name).st_size


@test
def holes_are_not_read():
    size = (1 << 30) if is_plain() else (1 << 26)
    make_sparse("sparse", [], size)
    need(has_holes("sparse"), "the file system keeps no holes")
    result = expect(weir("sum", "-a", "xxh3,crc32c", "--stats", "sparse", timeout=120),
                    err_has="of them holes")
    counters = stats_of(result)
    same((0, size), (counters["read_bytes"], counters["hole_bytes"]), "bytes read, bytes of holes")
    expect(weir("sum", "-q", "-a", "xxh3", "sparse", timeout=120),
           out=tool("xxhsum", "-H3", "--tag", "sparse").out)


@each("begin", "end", "middle", "both", "odd")
def holes_between_data(where):
    mib = 1 << 20
    parts = {"begin": [(0, noise(70000))], "end": [(10 * mib - 5, b"abcde")],
             "middle": [(5 * mib, noise(300000))], "both": [(0, b"x"), (9 * mib, noise(5000))],
             "odd": [(i * 1234567, noise(i * 1000 + 1)) for i in range(8)]}[where]
    make_sparse("sparse", parts, 10 * mib)
    result = expect(weir("sum", "-a", "sha256", "--stats", "sparse"),
                    out=tool("sha256sum", "sparse").out)
    counters = stats_of(result)
    same(10 * mib, counters["read_bytes"] + counters["hole_bytes"], "bytes in all")
    if has_holes("sparse"):
        check(counters["hole_bytes"] > 4 * mib, counters)
        check(counters["read_bytes"] <= os.stat("sparse").st_blocks * 512, counters)


# Hard links.

@each("", "--unordered", "-j 1", "-j 4")
def hard_links_are_read_once(options):
    data = noise(500000)
    write("tree/a", data)
    for i in range(20):
        os.makedirs(f"tree/d{i % 4}", exist_ok=True)
        os.link("tree/a", f"tree/d{i % 4}/l{i}")
    result = expect(weir("sum", "-a", "md5", "--stats", *options.split(), "tree"))
    same(21, len(result.lines()), "lines")
    same({md5(data).encode()}, {part[:32] for part in result.lines()}, "digests")
    same(21, len({part[34:] for part in result.lines()}), "names")
    counters = stats_of(result)
    same((500000, 20, 21), (counters["read_bytes"], counters["files_hardlinks"],
                            counters["files_done"]), "bytes read, links, files")


@test
def hard_links_in_json():
    write("a", "x")
    os.link("a", "b")
    write("c", "x")
    wanted = expect(weir("sum", "--json", "a", "b", "c")).out
    records = [json.loads(part) for part in wanted.splitlines()]
    same([True, True, None], [record.get("hardlink") for record in records])
    for _ in range(30):
        expect(weir("sum", "--json", "a", "b", "c"), out=wanted)


@test
def hard_link_whose_other_name_is_far_behind():
    """
    The worker that reads the large file is handed the record of its other name,
    far ahead, while the window is full and its own batch is not at its end.
    """
    names = [f"a{i:04d}" for i in range(400)] + ["b"] + [f"b{i:04d}" for i in range(71)] + ["c"]
    names += [f"d{i:04d}" for i in range(3000 if is_plain() else 1500)]
    for name in names:
        if name not in "bc":
            write(name, name)
    write("b", "")
    os.truncate("b", 1 << 30)
    os.link("b", "c")
    write("list", b"\0".join(raw(name) for name in names) + b"\0")
    for _ in range(4):
        out = expect(weir("sum", "-q", "-j", "2", "--max-memory", "1M", "--files0-from=list")).out
        same([raw(name) for name in names], [line[66:] for line in out.splitlines()], "names")


@test
def hard_links_are_verified_each():
    write("tree/a", "x")
    os.link("tree/a", "tree/b")
    expect(weir("sum", "-q", "-o", "m", "tree"))
    expect(weir("sum", "-c", "m"), out="tree/a: OK\ntree/b: OK\n")
    write("other", "y")
    os.replace("other", "tree/b")
    expect(weir("sum", "-c", "m"), out="tree/a: OK\ntree/b: FAILED\n", status=1)
