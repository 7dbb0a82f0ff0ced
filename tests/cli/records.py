# SPDX-License-Identifier: MIT
"""JSON: each line is an object of the kinds that the manual names, with the members it names."""
import json
import os

from harness import (NOBODY, check, each, expect, need_root, noise, same, test, tree, weir, write)

# type -> members that must be there, members that may be.
SCHEMA = {
    "file": ({"size_bytes", "digests"}, {"hardlink"}),
    "error": ({"op", "errno", "message"}, {"offset_bytes", "line", "hint", "stage"}),
    "check": ({"result"}, {"line", "expected", "digests", "op", "errno", "message", "offset_bytes",
                           "hint", "stage"}),
    "summary": ({"elapsed_ns", "files_found", "files_done", "files_failed", "read_bytes",
                 "hole_bytes", "fds_peak", "fds_max", "inflight_peak_bytes", "inflight_max_bytes",
                 "jobs"}, None),
}
UNITS = {"elapsed_ns": int, "walk_done": bool}


def refuse_twice(pairs):
    check(len({key for key, _ in pairs}) == len(pairs), f"a member stands twice: {pairs}")
    return dict(pairs)


def records_of(result, end=b"\n"):
    check(result.out == b"" or result.out.endswith(end), "the last line has no end")
    records = []
    for line in result.out.split(end)[:-1]:
        record = json.loads(line.decode(), object_pairs_hook=refuse_twice)
        kind = record.pop("type")
        check(kind in SCHEMA, f"an unknown kind: {line!r}")
        needed, allowed = SCHEMA[kind]
        named = {"path", "path_base64"} & set(record)
        check(len(named) == (0 if kind == "summary" else 1), line)
        members = set(record) - named
        check(needed <= members, f"{needed - members} is missing: {line!r}")
        extra = members - needed - allowed if allowed is not None else set()
        check(not extra, f"{extra} is not in the manual: {line!r}")
        records.append((kind, record))
    return records


@test
def files():
    made = tree(50)
    records = records_of(expect(weir("sum", "--json", "-a", "md5,blake3", "tree")))
    same([("file", len(made[record["path"].encode()])) for _, record in records],
         [(kind, record["size_bytes"]) for kind, record in records])
    same({name.decode() for name in made}, {record["path"] for _, record in records})
    same({("md5", 32), ("blake3", 64)},
         {(name, len(digits)) for _, record in records for name,
          digits in record["digests"].items()})


@test
def stdout_has_records_only():
    tree(10)
    result = expect(weir("sum", "--json", "--stats", "tree", "missing"), status=1,
                    err_has="weir: missing: open: No such file or directory\n")
    same(["file"] * 10 + ["error", "summary"], [kind for kind, _ in records_of(result)])


@test
def summary():
    made = tree(30)
    write("tree/a", noise(100))
    os.link("tree/a", "tree/b")
    os.symlink("x", "tree/l")
    result = expect(weir("sum", "--json", "--stats", "tree"))
    kind, last = records_of(result)[-1]
    same("summary", kind)
    same((32, 32, 0, 1, 1, sum(map(len, made.values())) + 100),
         tuple(last[name] for name in ("files_found", "files_done", "files_failed",
                                       "files_hardlinks",
                                       "skipped_links", "read_bytes")))
    for name, value in last.items():
        check(type(value) is UNITS.get(name, int), f"{name}: {value!r}")
        check(not name.startswith("bytes"), name)
    check(0 < last["elapsed_ns"] < 10 ** 12 and last["fds_peak"] <= last["fds_max"], last)


@each("missing", "tree/shut", "tree/dangling")
def errors(what):
    need_root()
    write("tree/shut", "x", mode=0)
    os.symlink("nowhere", "tree/dangling")
    os.chmod("tree", 0o755)
    wanted = {"missing": "ENOENT", "tree/shut": "EACCES", "tree/dangling": "ENOENT"}[what]
    kind, record = records_of(expect(weir("sum", "--json", what, uid=NOBODY), status=1))[0]
    same(("error", what, "open", wanted), (kind, record["path"], record["op"], record["errno"]))
    check(record["message"] in ("No such file or directory", "Permission denied"), record)


@test
def verification():
    write("a", "x")
    write("b", "x")
    expect(weir("sum", "-q", "-o", "m", "a", "b"))
    with open("m", "a", encoding="ascii") as file:
        file.write("no line\n" + "0" * 64 + "  gone\n")
    write("b", "y")
    result = expect(weir("sum", "-c", "--json", "--stats", "m"), status=1)
    records = records_of(result)
    same([("check", "ok"), ("check", "failed"), ("error", None), ("check", "unreadable"),
          ("summary", None)], [(kind, record.get("result")) for kind, record in records])
    same([1, 2, 4], [record["line"] for kind, record in records if kind == "check"])
    same(["m", "parse", 3], [records[2][1][name] for name in ("path", "op", "line")])


@test
def names_of_all_bytes():
    """Each byte that a name may hold, in JSON that any parser takes."""
    for byte in range(1, 256):
        if byte != ord("/"):
            write(b"tree/x" + bytes([byte]), b"")
    for byte in range(1, 128):
        if byte != ord("/"):
            write(b"tree/u" + "\u00e4".encode() + bytes([byte]), b"")
    records = records_of(expect(weir("sum", "--json", "tree")))
    same(254 + 126, len(records))
    same(128, sum("path_base64" in record for _, record in records), "names in base64")


@test
def unordered_and_to_a_file():
    tree(100)
    expect(weir("sum", "--json", "--unordered", "-o", "out", "tree"), out="")
    with open("out", encoding="utf-8") as file:
        same(100, sum(json.loads(line)["type"] == "file" for line in file))
