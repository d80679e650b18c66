# Memory that runs out while f(*args) runs, at a point of our choice.
#
# On MicroPython the heap is filled until so many bytes are left, and collects no garbage meanwhile:
# from one 16-byte step to the next it is each allocation in turn that fails. On CPython a trace
# hook raises MemoryError where usip reaches a line that allocates, at the n-th that it reaches.

import gc
import sys

UNIT = 16  # bytes in a step; on CPython a step is a line

if hasattr(gc, "mem_free"):
    _kept = [None] * 40
    _chain = None

    def _fill(leave):
        global _chain
        gc.collect()
        gc.disable()
        hole = bytearray(leave) if leave else None
        size = gc.mem_free()
        i = 0
        while size > 64 and i < len(_kept):
            try:
                _kept[i] = bytearray(size)
                i += 1
            except MemoryError:
                size = size * 7 // 8
        try:
            while True:
                _chain = (_chain,)  # one block
        except MemoryError:
            pass
        hole = None  # noqa: F841
        if leave:
            gc.collect()

    def _empty():
        global _chain
        _chain = None
        for i in range(len(_kept)):
            _kept[i] = None
        gc.enable()

    def need(f, args):
        """How many steps f(*args) has. (its result, steps)"""
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        try:
            return f(*args), (gc.mem_alloc() - before) // UNIT
        finally:
            gc.enable()

    def poor(n, f, args):
        """f(*args) with memory for `n` steps. (its result, the MemoryError or None)"""
        _fill(n * UNIT)
        try:
            result = f(*args)
            error = None
        except MemoryError as e:
            result = None
            error = e
        finally:
            _empty()
        return result, error

else:
    import ast
    import os

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
                if file.endswith(".py"):
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
