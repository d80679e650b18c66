"""What has to be on the machine, and what is said when it is not."""

import functools
import os
import re
import shutil
import subprocess

import pytest

from peers import asterisk


def missing(text):
    """In CI what is missing is a failure; elsewhere it is said."""
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


@functools.cache
def program(name):
    """The path of a peer."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or missing(f"{name} is not on this machine (tools/setup interop)")


@functools.cache
def version(name):
    """`Name 1.2.3` for the table of results."""
    if name == "asterisk":
        return f"{name} {asterisk.ensure().version()}" if asterisk.stamp().exists() else name
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        return name
    ask = "-h" if name == "baresip" else "-v"  # whose -v starts it
    done = subprocess.run([found, ask], capture_output=True, text=True, timeout=20)
    said = done.stdout + done.stderr
    number = re.search(r"\d+\.\d+[.\d]*", said)
    return f"{name} {number.group()}" if number else name
