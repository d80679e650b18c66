# usip tests: every way in which a field can be wrong, after PROTOS c07's classes
# MIT licence; Copyright (c) 2026 the usip authors
#
# mutants(data) yields what a message becomes: each field of the start line, each header field and
# each line of the body is removed, emptied, doubled, too long, holds each class of bad octet, ...
# The same ones in the same order on every runtime, one at a time: a board has no room for a list.

from usip import limits

# What is put before, in the middle of, behind or in place of a value.
_BAD = (
    b"\x00",
    b"\x01\x08",
    b"\x7f",
    b"\x80",
    b"\xff\xfe",
    b"\xc0\x80",  # UTF-8: NUL in two octets, ...
    b"\xc3",  # ... a first octet alone, ...
    b"\xed\xa0\x80",  # ... half of a surrogate pair, ...
    b"\xf4\x90\x80\x80",  # ... above U+10FFFF
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b'"',
    b"\\",
    b"<",
    b">",
    b"<<>>",
    b";",
    b";;;=;",
    b",",
    b",,,",
    b"@@",
    b":",
    b"%",
    b"%00%0d%0a",
    b"%s%n%x",
    b"   \t ",
    b"[",
    b"(((",
)
# In place of each number
_NUMBERS = (
    b"",
    b"-1",
    b"+1",
    b"0x10",
    b"1_0",
    b"1e9",
    b"00000000000000000000001",
    b"256",
    b"65536",
    b"1073741824",
    b"2147483648",
    b"4294967296",
    b"18446744073709551616",
    b"9" * 300,
)
# In place of a whole value
_VALUES = (
    b"",
    b" ",
    b"*",
    b"A",
    b"sip:",
    b"<sip:>",
    b"<sip:@>",
    b"tel:1",
    b"<>",
    b"<<sip:a@b>",
    b'"a" <sip:a@b',
    b"sip:a@b?Route=%3Csip:c%3E",
    b"<sip:a@b;lr;lr=x;maddr=c;transport=bogus>",
    b"<sip:%s@192.0.2.9>" % (b"%41" * 80),
    b"SIP/2.0/UDP",
    b"SIP/2.0/UDP [::1;branch=z9hG4bKx",
    b"Digest",
    b'Digest realm="192.0.2.9", nonce="',
    b'Digest realm="192.0.2.9", realm="x", nonce="n", qop=",,", algorithm=SHA-256-sess-sess',
    b"1 2 3",
)
_LONG = (300, 1200)  # with the rest of the message less than a datagram


def _starts(value):
    # Where a number begins, and where it ends
    i = 0
    n = len(value)
    while i < n:
        if 48 <= value[i] <= 57:
            j = i
            while j < n and 48 <= value[j] <= 57:
                j += 1
            yield i, j
            i = j
        i += 1


def _values(value):
    """What stands in place of one value."""
    for v in _VALUES:
        yield v
    half = len(value) // 2
    for bad in _BAD:
        yield bad + value
        yield value + bad
        yield value[:half] + bad + value[half:]
    yield _BAD[0] * 40
    for k, (i, j) in enumerate(_starts(value)):
        if k < 3:
            for x in _NUMBERS:
                yield value[:i] + x + value[j:]
    for n in _LONG:
        yield value[:half] + b"A" * n + value[half:]
        yield b"9" * n
        yield b'"' * (n + 1)
        yield value + b";p=" + b"<" * n
    yield (value + b", ") * 12
    yield value[:half]


def _lines(head, at, line):
    """What stands in place of the line `head`[`at`], which is `line`."""
    i = line.find(b":")
    name = line[:i]
    value = line[i + 1 :].strip()
    yield ()  # removed
    yield (line, line)  # doubled
    yield (line, name + b": x")
    yield (name + b": x", line)
    for n in (
        b"",
        b" ",
        name + b" ",
        b" " + name,
        name + b"\x00",
        b"\xff",
        name * 60,
        b"%s%n",
        b"\t",
    ):
        yield (n + b": " + value,)
    yield (name,)  # no colon
    yield (name + b" " + value,)
    yield (name + b":\r\n\t" + value,)  # folded, which is allowed
    yield (name + b":\r\n\r\n" + value,)
    yield (line,) * 70  # more lines than anybody needs
    for v in _values(value):
        yield (name + b": " + v,)


def _start(line):
    a, b, c = line.split(b" ", 2)
    for v in _values(a):
        yield v + b" " + b + b" " + c
    for v in _values(b):
        yield a + b" " + v + b" " + c
    for v in _values(c):
        yield a + b" " + b + b" " + v
    yield b""
    yield a
    yield a + b"  " + b + b" " + c
    yield line + b" "


def _bodies(body):
    rows = body.split(b"\r\n")
    for i, row in enumerate(rows):
        if not row:
            continue
        before = b"\r\n".join(rows[:i])
        before += b"\r\n" if i else b""
        after = b"\r\n" + b"\r\n".join(rows[i + 1 :])
        yield before + after[2:]  # removed
        yield before + row + b"\r\n" + row + after  # doubled
        yield before + (row + b"\r\n") * 30 + after
        j = row.find(b"=") + 1
        for v in _values(row[j:]):
            yield before + row[:j] + v + after
    for n in range(1, len(body), 23):
        yield body[:n]


def _join(lines, body):
    n = len(body) + 2
    for x in lines:
        n += len(x) + 2
    if n >= limits.DATAGRAM_MAX:
        return b""  # no driver would hand it on
    return b"\r\n".join(lines + [b"", body])


def mutants(data):
    """The anomalies of the message `data`."""
    i = data.find(b"\r\n\r\n")
    lines = data[:i].split(b"\r\n")
    body = data[i + 4 :]
    for x in _start(lines[0]):
        yield _join([x] + lines[1:], body)
    for at in range(1, len(lines)):
        for x in _lines(lines, at, lines[at]):
            yield _join(lines[:at] + list(x) + lines[at + 1 :], body)
    if body:
        length = b"Content-Length: %d" % len(body)
        assert length in lines
        for x in _bodies(body):
            yield _join([b"Content-Length: %d" % len(x) if y == length else y for y in lines], x)
        for x in (body[:-1], body + b"x", body * 3):  # which is not what the length says
            yield _join(lines, x)
    # The message as a whole
    yield data[: i + 2]
    yield data[:i].replace(b"\r\n", b"\n") + b"\n\n" + body
    yield b"\r\n" * 9 + data
    yield data + data
    for n in range(1, len(data), 61):
        yield data[:n]
