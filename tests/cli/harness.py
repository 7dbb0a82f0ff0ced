# SPDX-License-Identifier: MIT
"""What the tests of the command are written with.

    @test
    def digest_of_a_file():
        write("a", "abc")
        expect(weir("sum", "-q", "-a", "md5", "a"), out=MD5_ABC + "  a\n", err="")

A test runs in a process of its own whose current folder is empty and is removed
afterwards. Names and data may be str or bytes. expect() compares what is given,
and always the exit status, 0 if none is given; a death by signal N counts as
128 + N, as in a shell. A report of a sanitizer fails any test.
"""
import ctypes
import difflib
import fcntl
import os
import pickle
import random
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TESTS = []
NOBODY = 65534


class Failure(Exception):
    """What a test found wrong."""


class Skip(Exception):
    """Why a test cannot run here."""


class Settings:
    """What holds for all tests of a run."""
    weir = None        # a copy that every user may run
    build = None       # the folder of the original
    slow = 1.0         # multiplies timeouts
    sanitizer = None   # "address", "thread" or None
    full = False


SETTINGS = Settings()


# Tests.

class Case:
    def __init__(self, function, arguments, label):
        module = function.__module__.rpartition(".")[2]
        self.name = f"{module}.{function.__name__}" + (f"[{label}]" if label else "")
        self.function = function
        self.arguments = arguments


def test(function):
    """Marks a function as a test."""
    TESTS.append(Case(function, (), ""))
    return function


def each(*values):
    """Makes a test of each value; the arguments are the value, or what a tuple holds."""
    def mark(function):
        for value in values:
            arguments = value if isinstance(value, tuple) else (value,)
            label = " ".join(getattr(part, "__name__", str(part)) for part in arguments)
            TESTS.append(Case(function, arguments,
                              label if len(label) < 60 else label[:57] + "..."))
        return function
    return mark


def is_plain():
    """Whether the build has no sanitizer: only then do memory and speed mean anything."""
    return SETTINGS.sanitizer is None


def need(condition, reason):
    if not condition:
        raise Skip(reason)


def need_tools(*names):
    for name in names:
        need(shutil.which(name), f"{name} is not installed")


def need_root():
    need(os.geteuid() == 0, "needs root")


def need_namespace():
    """For what is mounted: in a namespace of its own, so that it ends with the process."""
    need_root()
    need_tools("unshare", "mount")
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False, timeout=60)
    need(probe.returncode == 0, "cannot make a mount namespace")


# Files.

def raw(value):
    """Bytes of a name or of data."""
    return value if isinstance(value, bytes) else os.fsencode(value)


def write(name, data=b"", mode=None):
    """Makes a file and the folders above it; returns its name."""
    folder = os.path.dirname(raw(name))
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(raw(name), "wb") as file:
        file.write(raw(data))
    if mode is not None:
        os.chmod(raw(name), mode)
    return name


def append(name, data):
    with open(raw(name), "ab") as file:
        file.write(raw(data))


def read(name):
    with open(raw(name), "rb") as file:
        return file.read()


def noise(size, seed=1):
    """Bytes that look random and are the same every time."""
    return random.Random(seed).randbytes(size)


def tree(count=200, root="tree", size=700, fan=25):
    """A tree of small files; returns {name: data}."""
    made = {}
    for i in range(count):
        folder = f"{root}/d{i // fan % 7}"
        name = f"{folder}/e{i // fan}/f{i}" if i % 3 else f"{folder}/f{i}"
        made[raw(name)] = noise(i * 37 % size, i + 1)
        write(name, made[raw(name)])
    return made


def names_left():
    """Temporary files of -o that are still there, anywhere below."""
    return [name for _, _, names in os.walk(b".") for name in names if name.startswith(b".weir-")]


# Processes.

class Result:
    def __init__(self, argv, status, out, err):
        self.argv = argv
        self.status = status
        self.out = out
        self.err = err

    def lines(self):
        return self.out.splitlines()

    def errors(self):
        """The lines of standard error but the summary."""
        return [line for line in self.err.splitlines() if b" in flight" not in line]

    def __repr__(self):
        return (f"{shown_command(self.argv)}\n  status {self.status}"
                f"\n  stdout {shorten(self.out)}\n  stderr {shorten(self.err)}")


def shorten(data, limit=1200):
    return repr(data) if len(data) <= limit else f"{data[:limit]!r}... {len(data)} bytes"


def shown_command(argv):
    words = [os.fsdecode(word) for word in argv]
    if words[0] == SETTINGS.weir:
        words[0] = "weir"
    text = " ".join(repr(word) if set(word) & set(" \n\r\t'\"\\\x1b") else word for word in words)
    return text if len(text) < 500 else text[:500] + "..."


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """No child outlives the run, even when that is killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def set_up_child(uid, fds, closed, before):
    """Returns what is to run between fork and exec."""
    def run():
        if fds is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (fds, fds))
        if before:
            before()
        if uid is not None:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        die_with_parent()
        for fd in closed:
            os.close(fd)
    return run


class Running:
    """A command that runs beside the test. Output goes to files, so it never blocks."""
    alive = []

    def __init__(self, argv, stdin=None, uid=None, fds=None, closed=(), before=None, **more):
        self.argv = [raw(word) for word in argv]
        self.files = []
        streams = {"stdin": subprocess.DEVNULL}
        if isinstance(stdin, (bytes, str)):
            streams["stdin"] = self.new_file(raw(stdin))
        elif stdin is not None:
            streams["stdin"] = stdin
        self.out = self.err = None
        if "stdout" not in more:
            self.out = streams["stdout"] = self.new_file()
        if "stderr" not in more:
            self.err = streams["stderr"] = self.new_file()
        environment = {**os.environ, **{key: os.fsdecode(value)
                                        for key, value in more.pop("env", {}).items()}}
        self.process = subprocess.Popen(self.argv, env=environment, **streams, **more,
                                        preexec_fn=set_up_child(uid, fds, closed, before))
        self.pid = self.process.pid
        Running.alive.append(self)

    def new_file(self, data=b""):
        file = tempfile.TemporaryFile()
        file.write(data)
        file.seek(0)
        self.files.append(file)
        return file

    @staticmethod
    def content(file):
        """What stands in a file that the child writes to, without moving its offset."""
        if file is None:
            return b""
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)

    def is_over(self):
        return self.process.poll() is not None

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def finish(self, timeout=60):
        """Waits for the end and returns the Result; kills it if that takes too long."""
        try:
            code = self.process.wait(timeout * SETTINGS.slow)
        except subprocess.TimeoutExpired:
            failure = Failure(f"{shown_command(self.argv)}\n  still ran after "
                              f"{timeout * SETTINGS.slow:.0f} s; stderr "
                              f"{shorten(self.content(self.err))}")
            self.end()
            raise failure from None
        result = Result(self.argv, code if code >= 0 else 128 - code,
                        self.content(self.out), self.content(self.err))
        self.end()
        for mark in (b"Sanitizer", b"runtime error:"):
            if mark in result.err:
                raise Failure(f"{shown_command(self.argv)}\n"
                              + result.err.decode(errors="replace")[:6000])
        return result

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in self.files:
            file.close()
        if self in Running.alive:
            Running.alive.remove(self)


def start(*words, **how):
    """Starts weir beside the test."""
    return Running([SETTINGS.weir, *words], **how)


def weir(*words, timeout=60, **how):
    """Runs weir to its end.

    stdin    data, or a descriptor; by default nothing
    uid      who runs it        fds     its RLIMIT_NOFILE
    closed   descriptors that it does not get
    """
    return start(*words, **how).finish(timeout)


def tool(*words, timeout=60, **how):
    """Runs another program to its end."""
    need_tools(os.fsdecode(words[0]))
    return Running(words, **how).finish(timeout)


def shell(script, timeout=60, **how):
    """Runs a script of sh in which $weir is the command."""
    how["env"] = {**how.get("env", {}), "weir": SETTINGS.weir}
    return Running(["sh", "-c", script], **how).finish(timeout)


def wait_until(condition, what, timeout=60):
    """Looks again and again, every few milliseconds."""
    deadline = time.monotonic() + timeout * SETTINGS.slow
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited too long for {what}")
        time.sleep(0.005)


def catches(pid, number):
    """Whether the process has set a handler for this signal."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def bytes_read(pid):
    """What the process has read so far."""
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(file.readline().split()[1])


def holds_open(pid, name):
    """Whether the process has this file open."""
    wanted = os.stat(raw(name))
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found = os.stat(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:
        pass
    return False


# What has to hold.

def check(condition, reason):
    if not condition:
        raise Failure(str(reason))


def difference(title, wanted, got):
    def lines(data):
        return [repr(line)[2:-1] for line in data.split(b"\n")]
    rows = list(difflib.unified_diff(lines(wanted), lines(got), "expected", "got", lineterm="",
                                     n=1))
    return "\n".join([f"{title} differs", *rows[:40], *(["..."] if len(rows) > 40 else [])])


def same(wanted, got, title="it"):
    """Fails with a diff unless both are equal; collections are compared line by line."""
    if wanted == got:
        return
    if isinstance(wanted, (set, frozenset)):
        wanted, got = sorted(wanted), sorted(got)
    if isinstance(wanted, (list, tuple)) and all(isinstance(x, bytes) for x in [*wanted, *got]):
        wanted, got = b"\n".join(wanted), b"\n".join(got)
    if isinstance(wanted, (bytes, str)) and isinstance(got, (bytes, str)):
        raise Failure(difference(title, raw(wanted), raw(got)))
    raise Failure(f"{title}: expected {wanted!r}, got {got!r}"[:4000])


def expect(result, out=None, err=None, status=0, out_has=(), err_has=(), err_lacks=(),
           out_lacks=()):
    """Holds a result against what is given; `..._has` and `..._lacks` take a piece or several."""
    def pieces(value):
        return [raw(value)] if isinstance(value, (str, bytes)) else [raw(part) for part in value]
    try:
        if status is not None:
            wanted = (status,) if isinstance(status, int) else status
            check(result.status in wanted,
                  f"exit status {result.status}, expected {' or '.join(map(str, wanted))}")
        if out is not None:
            same(raw(out), result.out, "stdout")
        if err is not None:
            same(raw(err), result.err, "stderr")
        for piece in pieces(out_has):
            check(piece in result.out, f"stdout lacks {piece!r}")
        for piece in pieces(err_has):
            check(piece in result.err, f"stderr lacks {piece!r}")
        for piece in pieces(out_lacks):
            check(piece not in result.out, f"stdout has {piece!r}")
        for piece in pieces(err_lacks):
            check(piece not in result.err, f"stderr has {piece!r}")
    except Failure as failure:
        raise Failure(f"{failure}\n{result!r}") from None
    return result


# Running them.

def configure(path, slow, full):
    path = os.path.realpath(path)
    with open(path, "rb") as file:
        program = file.read()
    SETTINGS.sanitizer = ("address" if b"__asan_init" in program else
                          "thread" if b"__tsan_init" in program else None)
    SETTINGS.build = os.path.dirname(path)
    SETTINGS.slow = slow or (10 if SETTINGS.sanitizer else 1)
    SETTINGS.full = full and is_plain()
    SETTINGS.weir = path


def copy_command(folder):
    """Tests run it as another user too, and the build may lie where that one cannot go."""
    os.chmod(folder, 0o755)
    bin_folder = os.path.join(folder, "bin")
    os.mkdir(bin_folder, 0o755)
    SETTINGS.weir = shutil.copy(SETTINGS.weir, os.path.join(bin_folder, "weir"))
    os.chmod(SETTINGS.weir, 0o755)


def remove(folder):
    """As deep as it may be, and whatever its folders allow."""
    done = subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        subprocess.run(["chmod", "-R", "u+rwX", "--", folder], stderr=subprocess.DEVNULL,
                       check=False)
        subprocess.run(["rm", "-rf", "--", folder], check=False)


def on_alarm(number, frame):
    del number, frame
    raise Failure("the test took too long")


def run_one(case, folder):
    """In the test's own process. Returns (outcome, words)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, (1800 if SETTINGS.full else 300) * SETTINGS.slow)
    os.chdir(folder)
    os.environ.update(LC_ALL="C.UTF-8", TERM="xterm", TMPDIR=folder)
    tempfile.tempdir = None
    os.umask(0o022)
    try:
        case.function(*case.arguments)
        outcome = ("passed", "")
    except Skip as skip:
        outcome = ("skipped", str(skip))
    except Failure as failure:
        outcome = ("failed", str(failure))
    except Exception:  # pylint: disable=broad-except
        outcome = ("failed", traceback.format_exc())
    signal.setitimer(signal.ITIMER_REAL, 0)
    for running in list(Running.alive):
        running.end()
    return outcome


class Worker:
    """A test that runs in a process, and the pipe through which it tells the outcome."""

    def __init__(self, case, scratch, index):
        self.case = case
        self.folder = os.path.join(scratch, str(index))
        self.begin = time.monotonic()
        self.told = b""
        os.mkdir(self.folder, 0o755)
        sys.stdout.flush()
        self.pipe, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                die_with_parent()
                os.close(self.pipe)
                fcntl.fcntl(writer, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
                with os.fdopen(writer, "wb") as stream:
                    pickle.dump(run_one(case, self.folder), stream)
            finally:
                os._exit(0)
        os.close(writer)

    def read_on(self):
        """False at the end."""
        data = os.read(self.pipe, 65536)
        self.told += data
        return bool(data)

    def end(self):
        """Its own children die with it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def outcome(self):
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        remove(self.folder)
        if not self.told:
            return "failed", "the test's process died"
        return pickle.loads(self.told)


def report(case, outcome, words, seconds):
    if outcome == "failed":
        first, _, rest = words.partition("\n")
        print(f"FAILED  {case.name}: {first}")
        for line in rest.splitlines():
            print(f"        {line}")
    elif outcome == "skipped":
        print(f"skipped {case.name}: {words}")
    if seconds is not None:
        print(f"{seconds:8.2f} s  {case.name}")
    sys.stdout.flush()


def run_in(scratch, tests, jobs, with_times):
    selector = selectors.DefaultSelector()
    try:
        return run_with(selector, scratch, tests, jobs, with_times)
    finally:
        for key in selector.get_map().values():
            key.data.end()


def run_with(selector, scratch, tests, jobs, with_times):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    waiting = list(enumerate(tests))
    while waiting or selector.get_map():
        while waiting and len(selector.get_map()) < jobs:
            index, case = waiting.pop(0)
            worker = Worker(case, scratch, index)
            selector.register(worker.pipe, selectors.EVENT_READ, worker)
        for key, _ in selector.select():
            worker = key.data
            if worker.read_on():
                continue
            selector.unregister(worker.pipe)
            outcome, words = worker.outcome()
            counts[outcome] += 1
            report(worker.case, outcome, words,
                   time.monotonic() - worker.begin if with_times else None)
    return counts


def on_terminate(number, frame):
    del frame
    sys.exit(128 + number)


def run_all(tests, jobs, with_times):
    signal.signal(signal.SIGTERM, on_terminate)
    scratch = tempfile.mkdtemp(prefix="weir-cli.")
    try:
        copy_command(scratch)
        counts = run_in(scratch, tests, jobs, with_times)
    finally:
        remove(scratch)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0
