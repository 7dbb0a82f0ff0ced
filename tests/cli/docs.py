# SPDX-License-Identifier: MIT
"""What the documents say is so: their commands run, and every option is in all of them.

A block of README.md that begins with "```sh test" is run, in a folder of its own
and with weir in the PATH; it must end with status 0.
"""
import os
import re

from harness import (SETTINGS, check, each, expect, need, need_tools, read, same, shell, test,
                     tool, weir)

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def options_of(command):
    text = expect(weir(*command, "--help")).out.decode()
    return sorted(set(re.findall(r"^ +(?:-\w, )?--(?:\[no-\])?([a-z0-9-]+)", text, re.MULTILINE)))


def built(*names):
    path = os.path.join(SETTINGS.build, *names)
    need(os.path.exists(path), f"{'/'.join(names)} is not in the build")
    return read(path).decode()


@test
def commands_of_the_readme_run():
    path = os.path.join(ROOT, "README.md")
    need(os.path.exists(path), "there is no README.md")
    blocks = re.findall(r"^```sh test\n(.*?)^```", read(path).decode(), re.MULTILINE | re.DOTALL)
    need(blocks, "README.md has no block ```sh test")
    here = os.getcwd()
    for i, block in enumerate(blocks):
        os.mkdir(f"{here}/{i}")
        path = f"{os.path.dirname(SETTINGS.weir)}:{os.environ['PATH']}"
        expect(shell("set -e\n" + block, cwd=f"{here}/{i}", env={"PATH": path}, timeout=300))


@each(("weir-sum.1", "sum"), ("weir.1", ""))
def manual_has_every_option(page, command):
    text = built("docs", "man", page).replace("\\-", "-")
    for name in options_of(command.split()):
        check(re.search(rf"Fl -(\\?\[no-\])?{name}\b", text) or f"--{name}" in text,
              f"--{name} is not in {page}")
    check("@" not in text, f"{page} has a placeholder that was not filled in")


@test
def manual_names_every_digest():
    text = built("docs", "man", "weir-sum.1")
    for name in re.findall(r"^(\w+)", expect(weir("sum", "-a", "help")).out.decode(), re.MULTILINE):
        check(name in text.lower().replace("-", ""), f"{name} is not in weir-sum.1")


@each("weir.1", "weir-sum.1")
def manual_has_no_mistakes(page):
    built("docs", "man", page)
    result = tool("mandoc", "-T", "lint", "-W", "warning",
                  os.path.join(SETTINGS.build, "docs/man", page))
    expect(result, out="")


@each("weir", "_weir", "weir.fish")
def completion_has_every_option(name):
    text = built("completions", name)
    for option in options_of(["sum"]):
        check(re.search(rf"(--|-l '?){option}\b", text), f"--{option} is not in completions/{name}")


# What the manual's examples read, and what stands for it here.
SMALLER = (("/usr/share", "src"), ("/usr/bin/*", "src/*.[ch]"), ("/usr/bin", "src"),
           ("/tmp/", ""), (" /var", " src"), ("/etc/hostname", "src/a.c"), ("find /etc", "find src"))


@test
def examples_of_the_manual_run():
    """The lines behind a `$` in the manual of sum, on a small tree."""
    text = built("docs", "man", "weir-sum.1").replace("\\(aq", "'").replace("\\-", "-")
    commands = re.findall(r"^\.Dl \$ (.*)$", text, re.MULTILINE)
    check(len(commands) > 5, "the manual has too few examples")
    os.makedirs("src/build")
    for name in ("a.c", "b.h", "build/c.c"):
        tool("cp", "/etc/hostname", f"src/{name}")
    for command in commands:
        if "jq" in command:
            need_tools("jq")
        for old, new in SMALLER:
            command = command.replace(old, new)
        path = f"{os.path.dirname(SETTINGS.weir)}:{os.environ['PATH']}"
        result = shell(command, env={"PATH": path})
        same(0, result.status, f"{command}\n{result!r}\n")


@test
def pages_are_about_options_that_exist():
    """No option in the text of the manual that the command does not know."""
    text = built("docs", "man", "weir-sum.1").replace("\\-", "-")
    known = {*options_of(["sum"]), "no-progress"}
    for name in set(re.findall(r"(?:Fl -|`--|Ql --)([a-z][a-z0-9-]+)", text)):
        check(name in known, f"the manual speaks of --{name}")
