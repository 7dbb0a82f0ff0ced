# SPDX-License-Identifier: MIT
"""Where results go: files that are whole or not there, full disks, readers that leave, signals."""
import os
import resource
import signal
import stat
import subprocess
import threading
import time

from harness import (NOBODY, SETTINGS, catches, check, each, expect, names_left, need_namespace,
                     need_root, noise, read, same, shell, start, test, tree, wait_until, weir,
                     write)

MD5_X = "9dd4e461268c8034f5c8564e155c67a6"


def no_traces(result):
    same([], names_left(), f"temporary files\n{result!r}\n")


# -o FILE.

@each("-o out", "--output=out", "--output out", "-oout")
def output_file(option):
    write("a", "x")
    no_traces(expect(weir("sum", "-q", "-a", "md5", *option.split(), "a"), out="", err=""))
    same(f"{MD5_X}  a\n".encode(), read("out"))


@test
def output_file_has_all_of_a_tree():
    tree(1500)
    wanted = expect(weir("sum", "tree")).out
    no_traces(expect(weir("sum", "-o", "out", "tree"), out="", err_has="1,500 files"))
    same(wanted, read("out"))


@test
def output_that_is_a_dash_is_stdout():
    write("a", "x")
    expect(weir("sum", "-q", "-a", "md5", "-o", "-", "a"), out=f"{MD5_X}  a\n")
    check(not os.path.exists("-"), "there is a file -")


@test
def output_has_the_mode_of_a_new_file():
    write("a", "x")
    expect(weir("sum", "-o", "out", "a", before=lambda: os.umask(0o027)))
    same(0o640, stat.S_IMODE(os.stat("out").st_mode), "mode")


@each(0o600, 0o644, 0o664, 0o400, 0o755)
def output_keeps_the_mode(mode):
    write("a", "x")
    write("out", "old", mode=mode)
    expect(weir("sum", "-q", "-a", "md5", "-o", "out", "a"))
    same((mode, f"{MD5_X}  a\n".encode()), (stat.S_IMODE(os.stat("out").st_mode), read("out")))


@test
def output_keeps_the_owner():
    need_root()
    write("a", "x")
    write("out", "old")
    os.chown("out", NOBODY, -1)
    expect(weir("sum", "-o", "out", "a"))
    same(NOBODY, os.stat("out").st_uid, "owner")


@test
def output_over_a_link():
    """The link stays, what it leads to is replaced."""
    write("a", "x")
    write("folder/real", "old", mode=0o640)
    os.symlink("folder/real", "out")
    no_traces(expect(weir("sum", "-a", "md5", "-o", "out", "a")))
    same("folder/real", os.readlink("out"))
    same((0o640, f"{MD5_X}  a\n".encode()),
         (stat.S_IMODE(os.stat("folder/real").st_mode), read("folder/real")))


@test
def output_over_a_link_to_nothing():
    """As `> out` does in a shell."""
    write("a", "x")
    os.mkdir("folder")
    os.symlink("folder/new", "out")
    expect(weir("sum", "-a", "md5", "-o", "out", "a"))
    same(f"{MD5_X}  a\n".encode(), read("folder/new"))
    check(os.path.islink("out"), "the link is gone")


@test
def output_to_a_fifo():
    write("a", "x")
    os.mkfifo("fifo")
    got = []
    reader = threading.Thread(target=lambda: got.append(read("fifo")))
    reader.start()
    result = weir("sum", "-q", "-a", "md5", "-o", "fifo", "a")
    reader.join()
    expect(result, out="", err="")
    same(f"{MD5_X}  a\n".encode(), got[0])
    check(stat.S_ISFIFO(os.stat("fifo").st_mode), "it was replaced")


@test
def output_into_dev_null_leaves_it_alone():
    write("a", "x")
    expect(weir("sum", "-q", "-o", "/dev/null", "a"), out="", err="")
    check(stat.S_ISCHR(os.stat("/dev/null").st_mode), "it was replaced")


@each(("folder", "Is a directory"), ("folder/", "Is a directory"), ("missing/out", "No such file"),
      ("a/out", "Not a directory"), ("", "needs a value"), ("n" * 256, "File name too long"),
      ("loop", "symbolic links"))
def output_that_cannot_be(name, reason):
    write("a", "x")
    os.mkdir("folder")
    os.symlink("loop", "loop")
    no_traces(expect(weir("sum", "-o", name, "a"), status=2, out="", err_has=reason))
    same({"a", "folder", "loop"}, set(os.listdir(".")), "files")


@test
def output_with_the_longest_name():
    write("a", "x")
    expect(weir("sum", "-o", "n" * 255, "a"))
    check(read("n" * 255), "it is empty")


@test
def output_into_a_folder_that_may_not_be_written():
    need_root()
    write("a", "x")
    os.mkdir("folder", 0o755)
    expect(weir("sum", "-o", "folder/out", "a", uid=NOBODY), status=2, out="",
           err_has=["weir: folder/out: write: Permission denied"])
    same([], os.listdir("folder"), "files")


@test
def output_in_spite_of_errors_with_files():
    write("tree/a", "x")
    no_traces(expect(weir("sum", "-q", "-a", "md5", "-o", "out", "tree", "missing"), status=1,
                     err="weir: missing: open: No such file or directory\n"))
    same(f"{MD5_X}  tree/a\n".encode(), read("out"))


@test
def output_of_check():
    write("a", "x")
    expect(weir("sum", "-o", "m", "a"))
    expect(weir("sum", "-c", "-o", "out", "m"), out="")
    same(b"a: OK\n", read("out"))


# The output in the tree that is read.

@test
def output_in_the_tree():
    """It is not in its own list, and neither is the one that it replaces."""
    write("tree/a", "x")
    write("tree/z", "x")
    wanted = f"{MD5_X}  tree/a\n{MD5_X}  tree/z\n".encode()
    for _ in range(3):
        no_traces(expect(weir("sum", "-q", "-a", "md5", "-o", "tree/out", "tree"), err=""))
        same(wanted, read("tree/out"))


@test
def output_in_the_tree_under_another_name():
    write("tree/a", "x")
    write("tree/real", "old")
    os.symlink("tree/real", "out")
    expect(weir("sum", "-q", "-a", "md5", "-o", "out", "tree"), err="")
    same(f"{MD5_X}  tree/a\n".encode(), read("tree/real"))


@each(">", ">>")
def stdout_in_the_tree(how):
    write("tree/a", "x")
    expect(shell(f'"$weir" sum -q -a md5 tree {how} tree/out'), err="")
    same(f"{MD5_X}  tree/a\n".encode(), read("tree/out"))


# Full disks.

@each("-o /dev/full", "> /dev/full", "--json > /dev/full", "--check > /dev/full")
def full_device(how):
    tree(100)
    expect(weir("sum", "-o", "m", "tree"))
    what = "m" if "--check" in how else "tree"
    expect(shell(f'"$weir" sum {how.replace(">", what + " >")} {what if ">" not in how else ""}'),
           status=2, err_has="No space left on device")


@each("--help", "--version", "sum --help", "sum -a help", "help")
def full_device_and_help(words):
    expect(shell(f'"$weir" {words} > /dev/full'), status=2, err_has="No space left on device")


@each("40k", "4k")
def full_file_system(size):
    need_namespace()
    made = tree(800)
    check(len(made) * 70 > 50000, "the manifest would fit")
    os.mkdir("mnt")
    script = f"""
        mount -t tmpfs -o size={size} none mnt || exit 99
        echo old > mnt/out
        "$weir" sum -o mnt/out tree
        echo "status $?"
        cat mnt/out
        ls -A mnt
    """
    running = shell(f"exec unshare -m sh -c '{script}'")
    expect(running, out="status 2\nold\nout\n",
           err_has=["weir: mnt/out: write: No space left on device"])


@test
def read_only_file_system():
    need_namespace()
    write("a", "x")
    os.mkdir("mnt")
    script = 'mount -t tmpfs -o ro none mnt || exit 99; exec "$weir" sum -o mnt/out a'
    expect(shell(f"exec unshare -m sh -c '{script}'"), status=2, out="",
           err_has="Read-only file system")


@test
def limit_of_file_size():
    """RLIMIT_FSIZE kills a process that does not expect it."""
    tree(800)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
    result = weir("sum", "-o", "out", "tree", before=limit)
    check(result.status in (2, 128 + signal.SIGXFSZ), result)
    check(not os.path.exists("out"), "there is half a file")
    if result.status == 2:
        expect(result, status=2, err_has="File too large")
        no_traces(result)


# Readers that leave.

@each("", "--json", "--check", "--unordered", "-j 1")
def reader_that_leaves(option):
    tree(4000, size=20)
    what = "tree"
    if option == "--check":
        expect(weir("sum", "-o", "m", "tree"))
        what = "m"
    reader, writer = os.pipe()
    running = start("sum", *option.split(), what, stdout=writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        check(pipe.readline(), "nothing came")
    expect(running.finish(), status=128 + signal.SIGPIPE,
           err_has="weir: standard output: closed by its reader")


@test
def reader_that_has_left():
    write("a", "x")
    reader, writer = os.pipe()
    os.close(reader)
    running = start("sum", "a", stdout=writer)
    os.close(writer)
    expect(running.finish(), status=128 + signal.SIGPIPE, err_has="closed by its reader")


@test
def reader_of_help_that_has_left():
    reader, writer = os.pipe()
    os.close(reader)
    running = start("sum", "--help", stdout=writer)
    os.close(writer)
    check(running.finish().status in (128 + signal.SIGPIPE, 2), "the exit status")


@test
def head_takes_one_line():
    tree(4000, size=20)
    result = expect(shell('{ "$weir" sum -q tree; echo "status $?" >&2; } | head -n 1'),
                    err_has="status 141")
    same(1, len(result.lines()))


@test
def slow_reader_gets_all():
    tree(3000, size=20)
    wanted = expect(weir("sum", "tree")).out
    reader, writer = os.pipe()
    running = start("sum", "tree", stdout=writer)
    os.close(writer)
    got = b""
    while True:
        part = os.read(reader, 5000)
        if not part:
            break
        got += part
        time.sleep(0.002)
    os.close(reader)
    expect(running.finish())
    same(wanted, got)


# Descriptors that are closed.

@test
def stdout_that_is_closed():
    write("a", "x")
    expect(weir("sum", "a", closed=(1,)), status=2, err_has="weir: standard output: ")
    expect(weir("sum", "--help", closed=(1,)), status=2)


@each((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))
def closed_descriptors_are_not_taken_for_files(*closed):
    """Nothing that is opened later gets into the place of a standard stream."""
    write("a", "x")
    write("b", "x")
    result = weir("sum", "-a", "md5", "-o", "out", "a", "b", "missing", closed=closed)
    check(result.status == 1, result)
    same(f"{MD5_X}  a\n{MD5_X}  b\n".encode(), read("out"))
    same((b"x", b"x"), (read("a"), read("b")), "the files")


@test
def stderr_that_is_full():
    write("a", "x")
    expect(shell('"$weir" sum -a md5 a missing 2>/dev/full'), status=1, out=f"{MD5_X}  a\n")


# Signals.

def start_something_long(*words, before=None):
    write("big", noise(20000000))
    running = start("sum", *words, "--rate", "1M", "big", before=before)
    wait_until(lambda: running.is_over() or catches(running.pid, signal.SIGTERM), "its handlers")
    time.sleep(0.2)
    check(not running.is_over(), "it was over too early")
    return running


@each(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
def signal_ends_it(number):
    running = start_something_long()
    running.kill(number)
    expect(running.finish(timeout=5), status=128 + number, out="",
           err_has="weir: interrupted after 0 files")


@each(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
def signal_leaves_no_output(number):
    running = start_something_long("-o", "out")
    same(1, len(names_left()), "temporary files while it runs")
    running.kill(number)
    result = expect(running.finish(), status=128 + number, out="",
                    err_has=["interrupted", "out was not written"])
    check(not os.path.exists("out"), "there is half a file")
    no_traces(result)


@each(signal.SIGINT, signal.SIGTERM)
def signal_leaves_the_old_output(number):
    write("out", "old")
    running = start_something_long("-o", "out")
    running.kill(number)
    no_traces(expect(running.finish(), status=128 + number))
    same(b"old", read("out"))


@test
def kill_leaves_the_old_output():
    write("out", "old")
    running = start_something_long("-o", "out")
    running.kill(signal.SIGKILL)
    expect(running.finish(), status=137)
    same(b"old", read("out"))


@test
def kill_leaves_no_output():
    running = start_something_long("-o", "out")
    running.kill(signal.SIGKILL)
    expect(running.finish(), status=137)
    check(not os.path.exists("out"), "there is half a file")


@test
def signal_while_verifying():
    write("big", noise(20000000))
    expect(weir("sum", "-o", "m", "big"))
    running = start("sum", "-c", "--rate", "1M", "m", "m")
    wait_until(lambda: running.is_over() or catches(running.pid, signal.SIGTERM), "its handlers")
    time.sleep(0.2)
    running.kill(signal.SIGINT)
    expect(running.finish(timeout=10), status=130, out="", err_has="interrupted")


@test
def signal_that_is_ignored():
    """As nohup asks for."""
    running = start_something_long(before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    running.kill(signal.SIGHUP)
    time.sleep(0.4)
    check(not running.is_over(), "it ended")
    running.kill(signal.SIGTERM)
    expect(running.finish(), status=143)


@test
def interrupted_script_ends():
    """A shell ends its script only if the command has died by the signal."""
    write("big", noise(20000000))
    running = shell_in_group('"$weir" sum --rate 1M big; echo "went on"')
    time.sleep(1)
    os.killpg(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    same(b"", out)


def shell_in_group(script):
    return subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, start_new_session=True,
                            env={**os.environ, "weir": SETTINGS.weir})


@test
def signal_while_the_reader_is_slow():
    """Who waits in a write to a pipe that nobody empties ends as well."""
    tree(4000, size=20)
    reader, writer = os.pipe()
    running = start("sum", "tree", stdout=writer)
    os.close(writer)
    time.sleep(1)
    check(not running.is_over(), "it was over too early")
    running.kill(signal.SIGINT)
    expect(running.finish(timeout=20), status=130, err_has="interrupted")
    os.close(reader)


@test
def signal_at_any_moment():
    """No output, or all of it."""
    tree(300)
    wanted = expect(weir("sum", "tree")).out
    for i in range(40):
        running = start("sum", "-o", "out", "tree")
        time.sleep(0.0012 * i)
        running.kill(signal.SIGINT)
        result = running.finish()
        check(result.status in (0, 130), result)
        if os.path.exists("out"):
            same(wanted, read("out"))
            os.unlink("out")
        else:
            check(result.status == 130, result)
        no_traces(result)
