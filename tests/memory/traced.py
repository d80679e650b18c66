# scarce.py on CPython: the lines of usip that allocate, by their syntax.

import ast
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../usip")
FOLDER = os.path.normpath(FOLDER) + os.sep
# What takes no memory, beside functions of usip, whose own lines are looked at.
FREE = (
    "len isinstance hasattr getattr min max abs ord left find rfind get remove pop close stop "
    "leave clear cancel startswith endswith isdigit isalpha count set is_set later bool int "
    "listener"
).split()
_lines = {}  # file -> lines that allocate
_ours = set()  # names of usip's functions


def _allocates(node):
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
        # A function out of a table is one of ours.
        return bool(name) and name not in FREE and name not in _ours
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return any(
            isinstance(x, ast.Constant) and isinstance(x.value, (bytes, str))
            for x in ast.walk(node)
        )
    if isinstance(node, (ast.List, ast.Tuple)):
        load = isinstance(node.ctx, ast.Load)
        return load and not all(isinstance(x, ast.Constant) for x in node.elts)
    if isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Store):
            return True
        return isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Slice)
    kinds = (ast.Dict, ast.ListComp, ast.GeneratorExp, ast.Lambda, ast.JoinedStr)
    return isinstance(node, (*kinds, ast.Import, ast.ImportFrom))


def _read():
    trees = {}
    for folder, _, files in os.walk(FOLDER):
        for file in files:
            # The codecs' twins for CPython: what allocates there does not on a board.
            if file.endswith(".py") and not file.startswith("_") and file != "g711.py":
                path = os.path.join(folder, file)
                with open(path) as f:
                    trees[path] = ast.parse(f.read())
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                _ours.add(node.name)
    for path, tree in trees.items():
        _lines[path] = {x.lineno for x in ast.walk(tree) if _allocates(x)}


def _trace(count):
    # count[0] is what is left until the failure, count[1] where it was
    if not _lines:
        _read()

    def local(frame, event, arg):
        if event == "line" and frame.f_lineno in _lines[frame.f_code.co_filename]:
            if not count[0]:
                count[0] = -1
                count[1] = (frame.f_code.co_filename[len(FOLDER) :], frame.f_lineno)
                raise MemoryError(count[1])
            count[0] -= 1
        return local

    def start(frame, event, arg):
        return local if frame.f_code.co_filename in _lines else None

    return start


def need(f, args):
    count = [1 << 30, None]
    before = sys.gettrace()
    sys.settrace(_trace(count))
    try:
        return f(*args), (1 << 30) - count[0]
    finally:
        sys.settrace(before)


def poor(n, f, args):
    count = [n, None]
    before = sys.gettrace()
    sys.settrace(_trace(count))
    result = None
    try:
        result = f(*args)
    except MemoryError:
        pass
    finally:
        sys.settrace(before)
    return result, count[1]


class hook:
    """A with-block in which memory runs out at the n-th line; gives [what is left, where]."""

    def __init__(self, n):
        self.count = [n, None]

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(_trace(self.count))
        return self.count

    def __exit__(self, *exc):
        sys.settrace(self.before)
