# SPDX-License-Identifier: MIT
"""Digests are those of the other programs, for files of every size and for whole trees."""
import hashlib
import os
import zlib  # only to show that CRC-32C is another polynomial

from harness import (SETTINGS, check, each, expect, is_plain, need_tools, noise, raw, read, same,
                     test, tool, weir, write)

ALGORITHMS = ("blake3", "xxh3", "xxh128", "sha256", "sha512", "sha1", "md5", "crc32c")
TAGS = {"blake3": "BLAKE3", "xxh3": "XXH3", "xxh128": "XXH128", "sha256": "SHA256",
        "sha512": "SHA512", "sha1": "SHA1", "md5": "MD5", "crc32c": "CRC32C"}

# The programs that write plain lines, and the name of their digest here.
PROGRAMS = {"b3sum": "blake3", "sha256sum": "sha256", "sha512sum": "sha512", "sha1sum": "sha1",
            "md5sum": "md5"}
COREUTILS = ("sha256sum", "sha512sum", "sha1sum", "md5sum")

# Around every size at which a digest or a buffer changes its course.
SIZES = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 240, 241,
         1023, 1024, 1025, 2048, 3072, 4095, 4096, 4097, 65535, 65536, 65537, 262143, 262144,
         262145, 1048575, 1048577, 4194303, 4194304, 4194305, 9000001]


def crc32c(data):
    """The table-driven textbook form."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
    return f"{crc ^ 0xffffffff:08x}"


def plain_lines(pairs):
    return b"".join(raw(digest) + b"  " + raw(name) + b"\n" for name, digest in pairs)


@each(("blake3", "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
      ("blake3", "abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
      ("sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ("sha512", "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
      ("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
      ("md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
      ("md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
      ("crc32c", "", "00000000"),
      ("crc32c", "123456789", "e3069283"))
def known_answer(algorithm, data, digest):
    write("file", data)
    expect(weir("sum", "-q", "-a", algorithm, "file"), out=f"{digest}  file\n", err="")


@each(("xxh3", "2d06800538d394c2"), ("xxh128", "99aa06d3014798d86001c324468d497f"))
def known_answer_tagged(algorithm, digest):
    write("file")
    expect(weir("sum", "-q", "-a", algorithm, "file"), err="",
           out=f"{TAGS[algorithm]} (file) = {digest}\n")


def files_of_every_size():
    names = []
    for size in SIZES:
        names.append(f"file{size:08}")
        write(names[-1], noise(size, size + 1))
    return names


@each("sha256", "sha512", "sha1", "md5")
def every_size_like_hashlib(algorithm):
    names = files_of_every_size()
    expect(weir("sum", "-a", algorithm, *names),
           out=plain_lines((name, hashlib.new(algorithm, read(name)).hexdigest())
                           for name in names))


@test
def every_size_like_b3sum():
    names = files_of_every_size()
    expect(weir("sum", *names), out=tool("b3sum", *names).out)


@each(("xxh3", "-H3"), ("xxh128", "-H2"))
def every_size_like_xxhsum(algorithm, option):
    names = files_of_every_size()
    expect(weir("sum", "-a", algorithm, *names), out=tool("xxhsum", option, "--tag", *names).out)


@test
def every_small_size_like_crc32c():
    check(crc32c(b"123456789") == "e3069283" != f"{zlib.crc32(b'123456789'):08x}", "the reference")
    names = [name for name in files_of_every_size() if os.path.getsize(name) < 300000]
    expect(weir("sum", "-a", "crc32c", *names),
           out=plain_lines((name, crc32c(read(name))) for name in names))


@test
def several_at_once_are_what_each_is_alone():
    names = files_of_every_size()
    lines = {}
    for algorithm in ALGORITHMS:
        for line in weir("sum", "--tag", "-a", algorithm, *names).lines():
            lines.setdefault(line.partition(b"(")[2].partition(b")")[0], []).append(line)
    together = weir("sum", "-a", ",".join(ALGORITHMS), *names)
    same(sorted(line for each_of in lines.values() for line in each_of), sorted(together.lines()))
    same([raw(name) for name in names for _ in ALGORITHMS],
         [line.partition(b"(")[2].partition(b")")[0] for line in together.lines()], "the order")


@test
def two_digests_with_one_read():
    write("file", noise(3000000))
    result = expect(weir("sum", "-a", "blake3,sha256", "--stats", "file"))
    one = expect(weir("sum", "-a", "blake3", "--stats", "file"))
    for line in (b"read_bytes           3000000 ", b"opens                1\n"):
        check(line in result.err and line in one.err, result)
    same(2, len(result.lines()), "lines")


@test
def algorithm_may_be_repeated():
    write("file", "abc")
    expect(weir("sum", "-q", "-a", "sha1", "-a", "md5,sha1", "file"),
           out=weir("sum", "-q", "-a", "sha1,md5", "file").out, err="")


@test
def capitals_in_names_of_digests_are_told():
    write("file", "abc")
    result = weir("sum", "-q", "-a", "SHA-3", "file")
    expect(result, status=2, out="", err_has="no digest 'SHA-3'")


# Trees.

# Of each family the one that is used most; the others are compared on a part.
ALL_OF_USR = ("b3sum", "md5sum", "sha256sum", "-H3")


def tree_roots(program):
    """What is compared: all of /usr, or a part that fits the speed of the build."""
    if SETTINGS.full and program in ALL_OF_USR:
        return ["/usr"]
    if is_plain():
        return ["/usr/share/doc", "/usr/include", "/usr/share/zoneinfo"]
    return ["/usr/share/zoneinfo", "/usr/share/perl5", "/usr/share/doc/git"]


def tree_files(program):
    roots = [root for root in tree_roots(program) if os.path.isdir(root)]
    names = tool("find", *roots, "-type", "f", "-print0").out.split(b"\0")[:-1]
    check(len(names) > 100, "there are too few files to compare")
    write("names", b"\0".join(names) + b"\0")
    return roots, names


LONG = 1500


def by_xargs(*words):
    """The output of a program for all names, in their order."""
    need_tools(words[0])
    with open("names", "rb") as names:
        return expect(tool("xargs", "-0", *words, stdin=names, timeout=LONG)).out


def save(name, data):
    return write(name, data)


@each(*PROGRAMS)
def tree_agrees(program):
    """Not one digest differs, and each checks what the other wrote."""
    need_tools(program)
    roots, names = tree_files(program)
    algorithm = PROGRAMS[program]
    theirs = by_xargs(program)
    digests = [line.lstrip(b"\\").split(b" ", 1)[0] for line in theirs.split(b"\n")[:-1]]
    same(len(names), len(digests), "how many")
    wanted = {digest + b"  " + name for name, digest in zip(names, digests)}
    result = expect(weir("sum", "-q", "-z", "-a", algorithm, *roots, timeout=LONG), err="")
    same(wanted, set(result.out.split(b"\0")[:-1]), "the digests")
    same(len(names), result.out.count(b"\0"), "how many lines")

    theirs_utf8 = theirs
    if program == "b3sum":
        # Names that are not UTF-8 it neither writes nor checks.
        theirs_utf8 = b"".join(line + b"\n" for line in theirs.split(b"\n")[:-1]
                               if b"\xef\xbf\xbd" not in line)
    save("theirs", theirs_utf8)
    verified = expect(weir("sum", "-c", "theirs", timeout=LONG))
    same(theirs_utf8.count(b"\n"), verified.out.count(b": OK\n"), "verified by weir")

    expect(weir("sum", "-q", "-a", algorithm, "-o", "ours", *roots, timeout=LONG), out="", err="")
    if program != "b3sum":
        same(sorted(theirs.split(b"\n")), sorted(read("ours").split(b"\n")), "the lines")
    else:
        save("ours", b"".join(line + b"\n" for line in read("ours").split(b"\n")[:-1]
                              if line == line.decode(errors="replace").encode()))
    verified = expect(tool(program, "-c", "ours", timeout=LONG))
    same(read("ours").count(b"\n"), len(verified.lines()), f"verified by {program}")


@each(("-H3", "xxh3"), ("-H2", "xxh128"))
def tree_agrees_with_xxhsum(option, algorithm):
    roots, names = tree_files(option)
    theirs = by_xargs("xxhsum", option, "--tag")
    save("theirs", theirs)
    expect(weir("sum", "-q", "-a", algorithm, "-o", "ours", *roots, timeout=LONG), out="", err="")
    # It does not escape names: those lines differ, and are compared elsewhere.
    ours = [line for line in read("ours").split(b"\n")[:-1] if line[:1] != b"\\"]
    theirs = [line for line in theirs.split(b"\n")[:-1] if b"\\" not in line]
    same(sorted(theirs), sorted(ours), "the lines")
    check(len(ours) > len(names) * 0.99, "too many odd names")
    verified = expect(weir("sum", "-c", "theirs", timeout=LONG))
    same(len(names), verified.out.count(b": OK\n"), "verified by weir")
    save("ours", b"\n".join(ours) + b"\n")
    verified = expect(tool("xxhsum", "-c", "ours", timeout=LONG))
    same(len(ours), verified.out.count(b": OK"), "verified by xxhsum")


@each("-H0", "-H1", "-H2", "-H3")
def manifest_of_xxhsum_is_verified(option):
    """Plain and tagged, in both orders of bytes."""
    names = files_of_every_size()
    wanted = b"".join(raw(name) + b": OK\n" for name in names)
    more = ("-a", "xxh128") if option == "-H2" else ()
    for style in ((), ("--tag",), ("--tag", "--little-endian")):
        save("theirs", tool("xxhsum", option, *style, *names).out)
        expect(weir("sum", "-c", *(more if not style else ()), "theirs"), out=wanted)


@each(*((program, style) for program in COREUTILS for style in ("--tag", "-z", "-b", "--tag -z")))
def manifest_of_coreutils_is_verified(program, style):
    names = files_of_every_size()
    save("theirs", tool(program, *style.split(), *names).out)
    expect(weir("sum", "-c", "theirs"), out=b"".join(raw(name) + b": OK\n" for name in names))
    write(names[5], "other")
    expect(weir("sum", "-c", "-q", "theirs"), out=f"{names[5]}: FAILED\n", status=1)


@each("sha224sum", "sha384sum", "b2sum")
def sisters_are_verified(program):
    names = files_of_every_size()
    save("theirs", tool(program, *names).out + tool(program, "--tag", *names).out)
    expect(weir("sum", "-c", "theirs"), out=b"".join(raw(name) + b": OK\n" for name in names) * 2)


@each(*COREUTILS)
def tagged_lines_are_those_of_coreutils(program):
    names = files_of_every_size()
    expect(weir("sum", "--tag", "-a", PROGRAMS[program], *names),
           out=tool(program, "--tag", *names).out)
    expect(weir("sum", "--tag", "-z", "-a", PROGRAMS[program], *names),
           out=tool(program, "--tag", "-z", *names).out)


@test
def manifest_of_openssl_is_verified():
    names = files_of_every_size()[:20]
    save("theirs", tool("openssl", "dgst", "-sha256", *names).out
         + tool("openssl", "dgst", "-md5", *names).out)
    expect(weir("sum", "-c", "theirs"), out=b"".join(raw(name) + b": OK\n" for name in names) * 2)


@test
def file_larger_than_4_gib():
    """Offsets that 32 bits do not hold; nearly all of it is a hole."""
    if not is_plain():
        size = (1 << 28) + 5
    else:
        size = (1 << 32) + 5
    with open("big", "wb") as file:
        file.write(b"begin")
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    expect(weir("sum", "-a", "xxh3", "big", timeout=300),
           out=tool("xxhsum", "-H3", "--tag", "big", timeout=300).out)
