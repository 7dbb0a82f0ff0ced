# SPDX-License-Identifier: MIT
"""What a terminal shows: a line of progress that fits, and a summary; all of it on stderr."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from harness import (Failure, SETTINGS, check, each, expect, noise, raw, same, start, test, tree,
                     wait_until, weir, write)

COLUMNS = 100


class Terminal:
    """A pseudo terminal and all that was written to it."""

    def __init__(self, columns=COLUMNS):
        self.master, self.slave = pty.openpty()
        self.resize(columns)
        attributes = termios.tcgetattr(self.slave)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        self.text = b""

    def resize(self, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def take(self):
        """What the child does first: a session of its own on this terminal."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def read_on(self, seconds=0.02):
        while select.select([self.master], [], [], seconds)[0]:
            part = os.read(self.master, 65536)
            if not part:
                break
            self.text += part

    def lines_drawn(self):
        """Each state of the progress line: what stands between \\r and the erasing of the rest."""
        return [part for part in re.findall(rb"\r([^\r\n]*?)\x1b\[K", self.text) if part]


def run_on(terminal, *words, timeout=60, during=None, **how):
    """Runs weir with its stderr on the terminal; during(running) is called while it runs."""
    running = start("sum", *words, stderr=terminal.slave, before=terminal.take, **how)
    deadline = time.monotonic() + timeout * SETTINGS.slow
    while not running.is_over():
        terminal.read_on()
        if during:
            during(running)
        if time.monotonic() > deadline:
            running.end()
            raise Failure(f"still ran; the terminal shows {terminal.text[-500:]!r}")
    terminal.read_on(0.1)
    return running.finish()


def make_work():
    for i in range(8):
        write(f"tree/{i}", noise(400000, i))


def check_summary(terminal, files):
    last = terminal.text.split(b"\n")[-2] if b"\n" in terminal.text else terminal.text
    last = re.sub(rb"\r|\x1b\[K", b"\n", last).split(b"\n")[-1]
    check(re.match(rb"weir: %d files, " % files, last), f"no summary: {terminal.text[-600:]!r}")


@test
def progress_is_shown():
    make_work()
    terminal = Terminal(200)
    result = run_on(terminal, "-a", "md5", "--rate", "2M", "tree")
    expect(result)
    same(8, len(result.lines()), "lines on stdout")
    same(b"", re.sub(rb"[0-9a-f]{32}  tree/\d\n", b"", result.out), "the rest of stdout")
    drawn = terminal.lines_drawn()
    check(len(drawn) >= 5, terminal.text)
    form = (rb"\d of \d\+? files, [\d.]+ \w+, [\d.,]+ \w+/s.*, fds \d+/\d+, "
            rb"in flight [\d.]+ \w+/[\d.]+ \w+")
    for line in drawn:
        check(re.fullmatch(form, line), line)
    check(any(b" left" in line for line in drawn), "the time that is left is never shown")
    done = [int(line.split()[0]) for line in drawn]
    same(sorted(done), done, "files done")
    check(done[-1] > done[0], "it does not move")
    check_summary(terminal, 8)


@test
def progress_is_wiped_before_the_end():
    make_work()
    terminal = Terminal()
    run_on(terminal, "--rate", "2M", "tree")
    after = terminal.text.rpartition(b"\x1b[K")[2]
    check(after.startswith(b"weir: 8 files"), terminal.text[-400:])


@test
def progress_shows_errors():
    make_work()
    terminal = Terminal(200)
    run_on(terminal, "--rate", "2M", "missing", "tree")
    check(any(b", 1 error," in line for line in terminal.lines_drawn()), terminal.text)
    shown = re.sub(rb"\r[^\r\n]*\x1b\[K", b"", terminal.text)
    check(b"weir: missing: open: No such file or directory\n" in shown, terminal.text)


@each(10, 20, 40, 79, 80, 120, 300)
def progress_fits_the_width(columns):
    make_work()
    terminal = Terminal(columns)
    expect(run_on(terminal, "--rate", "3M", "tree"))
    drawn = terminal.lines_drawn()
    check(len(drawn) >= 3, terminal.text)
    widest = max(map(len, drawn))
    check(widest < columns, f"{widest} columns of {columns}: {max(drawn, key=len)!r}")


@test
def progress_follows_the_width():
    make_work()
    terminal = Terminal(150)

    def narrow(running):
        del running
        if len(terminal.lines_drawn()) >= 3:
            terminal.resize(30)
    expect(run_on(terminal, "--rate", "2M", "tree", during=narrow))
    check(len(terminal.lines_drawn()[-1]) < 30 < len(terminal.lines_drawn()[0]), terminal.text)


@test
def short_work_shows_no_progress():
    write("a", "x")
    terminal = Terminal()
    expect(run_on(terminal, "a"))
    same([], terminal.lines_drawn())
    check(terminal.text.startswith(b"weir: 1 file, "), terminal.text)


@each("--no-progress", "--no-progress -q", "dumb", "--progress --no-progress")
def no_progress(words):
    make_work()
    terminal = Terminal()
    environment = {"TERM": "dumb"} if words == "dumb" else {}
    options = [] if words == "dumb" else words.split()
    expect(run_on(terminal, "--rate", "4M", *options, "tree", env=environment))
    check(b"\r" not in terminal.text and b"\x1b" not in terminal.text, terminal.text)
    if "-q" in words:
        same(b"", terminal.text)
    else:
        check_summary(terminal, 8)


@test
def quiet_with_progress():
    """-q takes the summary, not the progress, and leaves the terminal clean."""
    make_work()
    terminal = Terminal()
    expect(run_on(terminal, "-q", "--rate", "3M", "tree"))
    check(terminal.text.endswith(b"\r\x1b[K"), terminal.text[-200:])
    check(b"weir:" not in terminal.text, terminal.text)


@test
def progress_into_a_file():
    """Only if it is asked for."""
    make_work()
    expect(weir("sum", "--rate", "4M", "tree"), err_lacks=["\r", "\x1b"])
    expect(weir("sum", "--progress", "--rate", "4M", "tree"), err_has="in flight")
    check(b"\r" in weir("sum", "--progress", "--rate", "4M", "tree").err, "it is not shown")


@test
def results_and_progress_on_one_terminal():
    """No line of results is torn by the progress line."""
    make_work()
    terminal = Terminal(200)
    expect(run_on(terminal, "-a", "md5", "--rate", "2M", "tree", stdout=terminal.slave))
    shown = re.sub(rb"\r[^\r\n]*\x1b\[K|\r\x1b\[K", b"", terminal.text).split(b"\n")
    same(8, sum(bool(re.fullmatch(rb"[0-9a-f]{32}  tree/\d", line)) for line in shown),
         f"whole lines in {terminal.text!r}")
    check(len(terminal.lines_drawn()) > 3, terminal.text)


@test
def names_on_a_terminal_are_harmless():
    """No name in a message moves the cursor or changes the colours."""
    terminal = Terminal()
    run_on(terminal, "-q", "--no-progress", b"\x1b[2J\x07\xff\r\nx")
    check(b"\x1b" not in terminal.text and b"\x07" not in terminal.text, terminal.text)
    same(1, terminal.text.count(b"\n"), "lines")
    check(raw("\\033[2J") in terminal.text, terminal.text)


@test
def interrupt_wipes_the_line():
    write("big", noise(6000000))
    terminal = Terminal()

    def interrupt(running):
        if len(terminal.lines_drawn()) >= 2 and not interrupted:
            interrupted.append(running.kill(signal.SIGINT))
    interrupted = []
    result = run_on(terminal, "--rate", "1M", "-o", "out", "big", during=interrupt)
    expect(result, status=130, out="")
    check(re.search(rb"\r\x1b\[Kweir: interrupted after ", terminal.text), terminal.text)
    check(terminal.text.endswith(b"; out was not written\n"), terminal.text)


@test
def key_of_interruption():
    """^C reaches it through the terminal."""
    write("big", noise(6000000))
    terminal = Terminal()

    def interrupt(running):
        del running
        if len(terminal.lines_drawn()) == 2:
            os.write(terminal.master, b"\x03")
    expect(run_on(terminal, "--rate", "1M", "big", during=interrupt), status=130)


@test
def background_job_shows_no_progress():
    """It is not the foreground group of the terminal, and is not stopped by writing to it."""
    make_work()
    terminal = Terminal()

    def in_background():
        terminal.take()
        if os.fork():
            _, status = os.wait()
            os._exit(os.waitstatus_to_exitcode(status))
        os.setpgid(0, 0)
    running = start("sum", "--rate", "4M", "tree", stderr=terminal.slave, before=in_background)
    wait_until(running.is_over, "the background job")
    terminal.read_on(0.1)
    expect(running.finish())
    same([], terminal.lines_drawn())


@test
def standard_input_from_a_terminal_is_refused():
    """Who types `weir sum` wants help, not a wait for the end of the input."""
    terminal = Terminal()
    running = start("sum", stdin=terminal.slave, before=terminal.take)
    expect(running.finish(timeout=20), status=2, out="", err_has="standard input is a terminal")


@test
def stats_stand_above_the_summary():
    made = tree(20)
    result = expect(weir("sum", "--stats", "tree"))
    lines = result.err.splitlines()
    check(lines[-1].startswith(b"weir: 20 files, "), result)
    names = [line.split()[0] for line in lines[:-1]]
    check({b"elapsed_ns", b"files_done", b"read_bytes", b"fds_peak",
           b"inflight_peak_bytes"} <= set(names),
          names)
    same(len(names), len(set(names)), "names")
    check(re.search(rb"^read_bytes +%d\b" % sum(map(len, made.values())), result.err, re.MULTILINE),
          result)
    check(re.search(rb"^fds_peak +\d+ of \d+$", result.err, re.MULTILINE), result)
