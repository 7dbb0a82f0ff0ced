# SPDX-License-Identifier: MIT
"""A file that changes while it is read has no digest: it is an error that names it."""
import json
import mmap
import os
import time

from harness import (bytes_read, check, each, expect, holds_open, noise, same, start, test,
                     wait_until, weir, write)

SIZE = 6000000


def grow(name):
    with open(name, "ab") as file:
        file.write(b"more")


def shrink(name):
    os.truncate(name, SIZE - 100)


def empty(name):
    os.truncate(name, 0)


def cut_where_it_was_read(name):
    os.truncate(name, 1000)


def overwrite_begin(name):
    """Where it was read already, so that only the times tell."""
    with open(name, "r+b") as file:
        file.write(b"changed")


def overwrite_end(name):
    with open(name, "r+b") as file:
        file.seek(SIZE - 10)
        file.write(b"changed")


def overwrite_and_forge_times(name):
    before = os.stat(name)
    overwrite_begin(name)
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))


def grow_and_shrink_back(name):
    grow(name)
    os.truncate(name, SIZE)


def rewrite_the_same(name):
    """The same bytes again: who knows what a reader saw between truncation and writing?"""
    with open(name, "wb") as file:
        file.write(noise(SIZE))


def write_through_a_mapping(name):
    with open(name, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        mapping[SIZE - 1] ^= 1
        mapping.flush()


CHANGES = (grow, shrink, empty, cut_where_it_was_read, overwrite_begin, overwrite_end,
           overwrite_and_forge_times, grow_and_shrink_back, rewrite_the_same,
           write_through_a_mapping)


def start_slowly(*words, name="tree/changes"):
    """Returns when it is in the middle of the file."""
    running = start("sum", "-j", "1", "--rate", "4M", *words)
    wait_until(lambda: running.is_over() or holds_open(running.pid, name), "the file to be opened")
    before = bytes_read(running.pid)
    wait_until(lambda: running.is_over() or bytes_read(running.pid) > before + SIZE // 5,
               "a part to be read")
    check(not running.is_over(), "it was over too early")
    return running


def make_tree():
    write("tree/before", "x")
    write("tree/changes", noise(SIZE))
    write("tree/last", "y")


@each(*CHANGES)
def changed_file_has_no_digest(change):
    make_tree()
    running = start_slowly("-a", "md5", "tree")
    change("tree/changes")
    expect(running.finish(), status=1,
           out="9dd4e461268c8034f5c8564e155c67a6  tree/before\n"
               "415290769594460e2e485922904f345d  tree/last\n",
           err_has=["weir: tree/changes: compare", "changed while it was read",
                    "1 failed (1 changed while read)"])


@each(grow, cut_where_it_was_read, overwrite_begin)
def changed_file_in_json(change):
    make_tree()
    running = start_slowly("--json", "tree")
    change("tree/changes")
    records = [json.loads(line) for line in expect(running.finish(), status=1).lines()]
    same(["file", "error", "file"], [record["type"] for record in records])
    same(("tree/changes", "compare"), (records[1]["path"], records[1]["op"]))
    check("digests" not in records[1] and "changed" in records[1]["message"], records[1])


@each(grow, shrink, overwrite_begin, rewrite_the_same)
def changed_file_is_not_verified(change):
    """Not even when what was read has the right digest."""
    make_tree()
    expect(weir("sum", "-q", "-o", "m", "tree"))
    running = start_slowly("-c", "m")
    change("tree/changes")
    expect(running.finish(), status=1, err_has="weir: tree/changes: compare",
           out="tree/before: OK\ntree/changes: FAILED open or read\ntree/last: OK\n")


@each(grow, overwrite_begin)
def changed_file_with_several_names(change):
    """None of them has a digest, unless the file is read again."""
    make_tree()
    os.link("tree/changes", "tree/changes2")
    running = start_slowly("-a", "md5", "tree")
    change("tree/changes")
    result = running.finish()
    check(result.status == 1, result)
    check(b"  tree/changes\n" not in result.out, result)
    digest = weir("sum", "-q", "-a", "md5", "tree/changes2").out
    second = [line + b"\n" for line in result.lines() if line.endswith(b"tree/changes2")]
    check(second in ([], [digest]), result)


@test
def file_that_grows_all_the_time():
    """The reading ends although the file does not."""
    write("log", noise(2000000))
    running = start("sum", "-j", "1", "--rate", "4M", "log")
    with open("log", "ab") as log:
        for _ in range(4000):
            log.write(b"line\n" * 100)
            log.flush()
            time.sleep(0.001)
            if running.is_over():
                break
    expect(running.finish(timeout=20), status=1, out="", err_has="changed while it was read")


@test
def file_that_was_just_written_is_read():
    """Its time stamp is too young to prove anything; it is waited for, not refused."""
    for i in range(30):
        write("young", str(i))
        expect(weir("sum", "-q", "-a", "md5", "young"), err="")


@test
def writing_after_the_end_does_not_matter():
    write("tree/a", "x")
    write("tree/b", noise(3000000))
    running = start("sum", "-q", "-a", "md5", "-j", "1", "--rate", "2M", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/b"), "the second file to be opened")
    write("tree/a", "other")
    result = expect(running.finish(), err="")
    check(b"9dd4e461268c8034f5c8564e155c67a6  tree/a\n" in result.out, result)


@test
def file_that_is_replaced_before_it_is_opened():
    write("tree/0", noise(2000000))
    write("tree/1", "x")
    running = start("sum", "-q", "-a", "md5", "-j", "1", "--rate", "2M", "tree")
    wait_until(lambda: holds_open(running.pid, "tree/0"), "the first file to be opened")
    write("new", "y")
    os.replace("new", "tree/1")
    result = expect(running.finish(), err="")
    check(b"415290769594460e2e485922904f345d  tree/1\n" in result.out, result)
