# SPDX-License-Identifier: MIT
"""Bounds hold: descriptors, memory, bytes per second, threads; and the results stay the same."""
import os
import re
import time

from harness import (SETTINGS, check, each, expect, is_plain, need, noise, same, start, test,
                     tree, weir, write)


def stats_of(result):
    return {name.decode(): int(value) for name, value
            in re.findall(rb"^(\w+) +(\d+)\b", result.err, re.MULTILINE)}


def sample(running, look, every=0.002):
    """The largest of what look(pid) gives until the end."""
    largest = 0
    while not running.is_over():
        try:
            largest = max(largest, look(running.pid))
        except OSError:
            pass
        time.sleep(every)
    return largest


def fds_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def rss_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
    return int(found.group(1)) * 1024 if found else 0


# Descriptors.

@each(32, 64, 20)
def few_descriptors(limit):
    tree(2000)
    wanted = expect(weir("sum", "tree")).out
    expect(weir("sum", "-q", "tree", fds=limit), out=wanted, err="")
    expect(weir("sum", "-q", "-o", "out", "-j", "8", "tree", fds=limit), out="", err="")


@test
def fewest_descriptors():
    """Down to a limit at which it says so; above that, each gives the same result."""
    tree(400)
    wanted = expect(weir("sum", "tree")).out
    least = None
    for limit in range(16, 2, -1):
        if not is_plain() and limit < 12:
            break
        result = weir("sum", "tree", fds=limit, timeout=20)
        if result.out != wanted:
            check(result.status in (1, 2, 127), result)
            check(b"Too many open files" in result.err or b"error while loading" in result.err
                  or b"descriptor" in result.err, result)
            break
        same(0, result.status, f"status with {limit}")
        least = limit
    check(least is not None and least <= 12, f"it needs {least} descriptors or more than 16")


@each(12, 8, 20)
def max_fds(limit):
    tree(3000)
    wanted = expect(weir("sum", "tree")).out
    running = start("sum", "--max-fds", str(limit), "-j", "8", "--stats", "tree")
    most = sample(running, fds_of, 0)
    result = expect(running.finish(), out=wanted)
    check(3 < most <= limit, f"{most} descriptors were open\n{result!r}")
    counters = stats_of(result)
    check(counters["fds_peak"] <= counters["fds_max"] <= limit, result)


@test
def descriptors_of_others_count():
    """What the process was given takes room too."""
    tree(300)
    wanted = expect(weir("sum", "tree")).out
    given = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    high = max(given) + 1
    expect(weir("sum", "-q", "tree", pass_fds=given, fds=max(high + 8, 40)), out=wanted, err="")
    for fd in given:
        os.close(fd)


# Memory.

@each("8M", "16M", "2M")
def max_memory(size):
    tree(1500)
    for i in range(6):
        write(f"tree/big{i}", noise(12000000, i))
    wanted = expect(weir("sum", "tree", timeout=120)).out
    running = start("sum", "--max-memory", size, "-j", "4", "--stats", "tree")
    most = sample(running, rss_of)
    result = expect(running.finish(timeout=120), out=wanted)
    counters = stats_of(result)
    check(counters["inflight_peak_bytes"] <= counters["inflight_max_bytes"]
          <= counters["memory_max_bytes"] == int(size[:-1]) << 20, result)
    if is_plain():
        # Code, stacks and digests on top.
        check(most < (int(size[:-1]) << 20) + (12 << 20), f"{most >> 20} MiB were resident")


@test
def least_memory():
    tree(200)
    write("tree/big", noise(5000000))
    wanted = expect(weir("sum", "tree")).out
    for size in ("1M", "512K", "64K", "4K", "1"):
        result = weir("sum", "--max-memory", size, "tree")
        if result.status == 2:
            check(b"memory" in result.err, result)
        else:
            expect(result, out=wanted)


@test
def memory_does_not_grow_with_the_number_of_names():
    need(is_plain(), "memory means nothing with a sanitizer")
    write("a", "x")
    peaks = []
    for count in (2000, 200000):
        running = start("sum", "-o", "/dev/null", "--max-memory", "8M", "--files0-from=-",
                        stdin=b"a\0" * count)
        peaks.append(sample(running, rss_of))
        expect(running.finish())
    check(peaks[1] < peaks[0] + (10 << 20), f"resident: {[peak >> 20 for peak in peaks]} MiB")


@test
def memory_of_the_process_is_limited():
    """An address space that is too small is an error, never a crash."""
    import resource  # pylint: disable=import-outside-toplevel
    need(is_plain(), "a sanitizer reserves address space")
    tree(100)
    wanted = expect(weir("sum", "tree")).out
    for mib in (256, 64, 24, 16, 12):
        def limit(mib=mib):
            resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))
        result = weir("sum", "tree", before=limit, timeout=20)
        check(result.status in (0, 1, 2, 127), result)
        if result.status == 0:
            same(wanted, result.out)
        else:
            check(result.err, result)


# Rate.

@each("20M", "20MB/s", "5MiB/s")
def rate(words):
    per_s = {"20M": 20 << 20, "20MB/s": 20000000, "5MiB/s": 5 << 20}[words]
    seconds = 2.0 if per_s > 10 << 20 else 1.2
    size = int(per_s * seconds) // 20 * 20
    for i in range(20):
        write(f"tree/{i}", noise(size // 20, i))
    result = expect(weir("sum", "-a", "xxh3", "--rate", words, "--stats", "tree"))
    took = stats_of(result)["elapsed_ns"] / 1e9
    check(size / took <= per_s * 1.1, f"{size / took:.0f} B/s instead of {per_s}")
    if is_plain():
        check(size / took >= per_s * 0.8, f"{size / took:.0f} B/s instead of {per_s}")


@test
def rate_has_no_burst_in_the_middle():
    """Half of the time, half of the bytes."""
    write("big", noise(8 << 20))
    running = start("sum", "-a", "xxh3", "--rate", "4M", "big")
    seen = []
    begin = time.monotonic()
    while not running.is_over():
        try:
            with open(f"/proc/{running.pid}/io", encoding="ascii") as file:
                seen.append((time.monotonic() - begin, int(file.readline().split()[1])))
        except (OSError, IndexError):
            pass
        time.sleep(0.05)
    expect(running.finish())
    for at, got in seen:
        check(got <= (4 << 20) * (at + 0.6), f"{got} bytes after {at:.2f} s")


@test
def holes_take_no_time_of_the_rate():
    with open("sparse", "wb") as file:
        file.truncate(64 << 20)
    need(os.stat("sparse").st_blocks == 0, "the file system keeps no holes")
    begin = time.monotonic()
    expect(weir("sum", "-a", "xxh3", "--rate", "1M", "sparse"))
    check(time.monotonic() - begin < 20 * SETTINGS.slow, "holes were limited")


# Threads.

@each(1, 2, 3, 5, 8, 64)
def jobs(count):
    tree(1500)
    write("tree/big", noise(9000000))
    wanted = expect(weir("sum", "tree")).out
    running = start("sum", "-j", str(count), "--stats", "tree")
    most = sample(running, threads_of, 0)
    result = expect(running.finish(), out=wanted)
    same(count, stats_of(result)["jobs"], "jobs")
    # The first one waits, one or two read folders; a sanitizer has one of its own.
    check(most <= count + 3 + (not is_plain()), f"{most} threads")


@test
def jobs_follow_the_affinity():
    tree(50)
    cpu = min(os.sched_getaffinity(0))
    result = expect(weir("sum", "--stats", "tree", before=lambda: os.sched_setaffinity(0, {cpu})))
    same(1, stats_of(result)["jobs"], "jobs")


@test
def counters_add_up():
    made = tree(500)
    os.symlink("x", "tree/link")
    os.mkfifo("tree/fifo")
    counters = stats_of(weir("sum", "--stats", "tree", "missing"))
    same((len(made) + 1, 1, len(made) + 1, 1, 1, sum(map(len, made.values()))),
         tuple(counters[name] for name in ("files_done", "files_failed", "files_found",
                                           "skipped_links", "skipped_special", "read_bytes")))


@test
def summary_names_the_bounds():
    write("a", "x")
    result = expect(weir("sum", "--max-fds", "100", "--max-memory", "16M", "a"))
    check(re.fullmatch(rb"weir: 1 file, 1 B in [\w.]+(?: \(.*\))?, \d+ of 100 fds, "
                       rb"[\d.]+ \wiB of 8.0 MiB in flight\n", result.err), result)


@test
def limits_together():
    """The smallest of everything at once."""
    tree(600)
    wanted = expect(weir("sum", "tree")).out
    result = weir("sum", "-q", "-j", "8", "--max-fds", "8", "--max-memory", "1M", "tree", fds=32,
                  timeout=60)
    expect(result, out=wanted, err="")
    result = weir("sum", "-q", "--unordered", "--max-fds", "8", "--max-memory", "1M", "tree")
    same(sorted(wanted.splitlines()), sorted(expect(result, err="").lines()))
