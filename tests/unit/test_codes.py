# usip tests: the codes of a door
# MIT licence; Copyright (c) 2026 the usip authors

from usip import limits
from usip.clock import later
from usip.digest import same
from usip.door.codes import Codes, Try
from usip.errors import UsageError


class Store:
    def __init__(self, data=None, broken=False):
        self.data = data
        self.broken = broken
        self.saves = 0
        self.error = OSError

    def load(self):
        if self.broken:
            raise self.error(5)
        return self.data

    def save(self, data):
        self.saves += 1
        if self.broken:
            raise self.error(28)
        self.data = data


class Hand:
    """Types on a clock that wraps on the way."""

    def __init__(self, codes, **how):
        self.now = 0x3FFFFFFF - 20_000
        self.codes = Codes(codes, self.now, **how)
        self.call()

    def call(self):
        """Type in another call."""
        self.typed = Try(self.codes)

    def type(self, digits, ms=200):
        came = None
        for d in digits:
            assert came is None, "more came before the last digit"
            self.now = later(self.now, ms)
            came = self.typed.digit(d, self.now)
        return came

    def wait(self, ms):
        self.now = later(self.now, ms)


def test_only_the_whole_code():
    h = Hand({"1234": "door", "55": "gate"})
    assert h.type("1234#") == ("opened", "door")
    assert h.type("55#") == ("opened", "gate")
    # Neither a part nor more of it, and no window that slides over what is typed.
    for n, wrong in enumerate(("123#", "12345#", "01234#", "5#")):
        assert h.type(wrong) == ("wrong-code", n + 1), wrong
    assert h.type("1234#") == ("opened", "door") and h.codes.wrong == 0
    assert h.type("1" * 100 + "#") == ("wrong-code", 1)
    assert h.type("#") is None and h.type("##") is None  # nothing was tried
    assert h.type("99*1234#") == ("opened", "door")  # * begins again
    assert Hand({"*5": 1}).type("*5#") == ("opened", 1)  # unless a code has one


def test_in_one_go():
    h = Hand({"1234": 1})
    assert h.type("12") is None
    h.wait(limits.CODE_MS)
    assert h.type("34#") == ("wrong-code", 1)
    h.wait(limits.CODE_MS)
    assert h.type("1234#", limits.CODE_MS // 4) == ("opened", 1)
    # Another call knows nothing of what was typed in the one before, or is in one beside it.
    assert h.type("12") is None
    here = h.typed
    h.call()
    assert h.type("34#") == ("wrong-code", 1)
    h.typed = here
    assert h.type("34#") == ("opened", 1)
    # What was begun half a period of the clock ago is not new.
    assert h.type("12") is None
    h.wait(0x20000000)
    assert h.type("34#") == ("wrong-code", 1)


def test_without_an_end():
    h = Hand({"12": 1, "34": 2}, end=None)
    assert h.type("34") == ("opened", 2)
    assert h.type("13") == ("wrong-code", 1)
    assert h.type("12") == ("opened", 1)
    # A window would open here after the third digit.
    assert h.type("91") == ("wrong-code", 1) and h.type("2") is None


def locks(h, n=5):
    for i in range(1, n):
        assert h.type("0#") == ("wrong-code", i)
    return h.type("0#")


def test_locked_for_a_growing_time():
    h = Hand({"1234": 1})
    ms = limits.CODE_LOCK
    assert locks(h) == ("door-locked", ms)
    for _ in range(12):
        # Nothing is looked at, and so nothing can be learned, and nothing counts.
        came, left = h.type("1234#")
        assert came == "door-locked" and 0 < left < ms
        wrong = h.codes.wrong
        assert h.type("0#")[0] == "door-locked" and h.codes.wrong == wrong
        h.wait(ms)
        ms = min(2 * ms, limits.CODE_LOCK_MAX)
        assert h.type("0#") == ("door-locked", ms)
    assert ms == limits.CODE_LOCK_MAX
    h.wait(ms)
    assert h.type("1234#") == ("opened", 1)
    assert locks(h) == ("door-locked", limits.CODE_LOCK)


def test_a_lock_does_not_come_back_with_the_clock():
    day = 86_400_000
    for days in (1, 7, 12):
        h = Hand({"1234": 1})
        locks(h)
        h.wait(days * day)
        assert h.type("1234#") == ("opened", 1), days
    # Nor when the clock has come round, if somebody asked meanwhile.
    h = Hand({"1234": 1})
    locks(h)
    h.wait(limits.CODE_LOCK)
    assert h.codes.locked_ms(h.now) == 0
    h.wait(0x40000000 - limits.CODE_LOCK)
    assert h.type("1234#") == ("opened", 1)


def test_over_a_restart():
    store = Store()
    h = Hand({"1234": 1}, store=store)
    for _ in range(3):
        h.type("0#")
    # Pulling the plug gives no more tries.
    h = Hand({"1234": 1}, store=store)
    assert h.type("0#") == ("wrong-code", 4)
    assert h.type("0#") == ("door-locked", limits.CODE_LOCK)
    h = Hand({"1234": 1}, store=store)
    assert h.type("1234#", 0) == ("door-locked", limits.CODE_LOCK)
    h.wait(limits.CODE_LOCK)
    assert h.type("1234#") == ("opened", 1) and store.data == b"0"
    saves = store.saves
    assert h.type("1234#") == ("opened", 1) and store.saves == saves  # flash wears out
    # The time begins with the start, and not when somebody comes.
    h = Hand({"1234": 1}, store=Store(b"12"))
    h.wait(limits.CODE_LOCK_MAX - 2000)
    assert h.type("1234#") == ("door-locked", 1000)
    h.wait(limits.CODE_LOCK_MAX)
    assert h.type("1234#") == ("opened", 1)
    # Whoever spoils what is kept, or keeps it from being kept, gains nothing.
    spoiled = (b"x", b"", b"-1000", b" 1", b"0x0", b"\xff", b"9" * 10, b"9" * 5000)
    for bad in [Store(x) for x in spoiled] + [Store(broken=True)]:
        h = Hand({"1234": 1}, store=bad)
        assert h.type("1234#", 0) == ("door-locked", limits.CODE_LOCK)
        h.wait(limits.CODE_LOCK)
        assert h.type("0#") == ("door-locked", 2 * limits.CODE_LOCK)


def test_no_memory_to_save_with():
    store = Store()
    store.error = MemoryError
    store.broken = True
    h = Hand({"1234": 1})
    h.codes._store = store
    assert locks(h) == ("door-locked", limits.CODE_LOCK)
    h.wait(limits.CODE_LOCK)
    assert h.type("1234#") == ("opened", 1)


def test_ten_thousand_codes_take_a_year():
    h = Hand({"7391": 1})
    day = 86_400_000
    passed = tries = 0
    while passed < day:
        came, what = h.type("0000#", 0)
        tries += 1
        if came == "door-locked":
            h.wait(what)
            passed += what
    assert tries < 40


def test_how_it_is_called():
    for codes, end in (
        ({"": 1}, "#"),
        ({"12a": 1}, "#"),
        ({"1#2": 1}, "#"),
        ({"1" * 17: 1}, "#"),
        ({"1": 1, "12": 2}, None),
    ):
        try:
            Codes(codes, 0, end)
        except UsageError:
            continue
        raise AssertionError(codes)


def test_same():
    for a, b in ((b"", b""), (b"a", b"a"), (b"1234", b"1234")):
        assert same(a, b)
    for a, b in ((b"", b"a"), (b"a", b""), (b"12", b"1234"), (b"1212", b"12"), (b"1235", b"1234")):
        assert not same(a, b), (a, b)
