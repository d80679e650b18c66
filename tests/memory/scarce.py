# Memory that runs out while f(*args) runs, at a point of our choice.
#
# On MicroPython the heap is filled until so many bytes are left, and collects no garbage meanwhile:
# from one 16-byte step to the next it is each allocation in turn that fails. On CPython a trace
# hook raises MemoryError where usip reaches a line that allocates, at the n-th that it reaches.

import gc

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
    from traced import hook, need, poor  # noqa: F401
