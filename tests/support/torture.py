# usip tests: what a phone makes of the messages that RFC 4475 describes
# MIT licence; Copyright (c) 2026 the usip authors
#
# The messages themselves are in torture_valid.py, torture_invalid.py and torture_application.py:
# ours, each written from the fault that the RFC describes.

from usip.errors import ProtocolError
from usip.header import address, number, split, via
from usip.message import check, head, length, parse
from usip.uri import Uri

# Rows: the RFC's name for it, what the phone answers (None: nothing).
# 3.1.1: in order; the answer must not be one that objects to the form.
VALID = (
    ("wsinv", 481),  # it has a To tag, and there is no such dialog
    ("intmeth", 501),
    ("esc01", 180),
    ("escnull", 405),  # a phone is no registrar; what one makes of it is tried as well
    ("esc02", 501),
    ("lwsdisp", 200),
    ("longreq", 180),
    ("dblreq", 405),
    ("semiuri", 200),
    ("transports", 200),
    ("mpart01", 415),
    ("unreason", None),  # a response to nothing; to a request of ours see the test
    ("noreason", None),
)
OBJECTS = (400, 505, 513)

# 3.1.2: name, the layer that objects, what the phone answers, and where it does not object: why.
INVALID = (
    ("badinv01", "header:via", 400, ""),
    ("clerr", "framing", 400, ""),
    ("ncl", "framing", 400, ""),
    ("scalar02", "header:cseq", 400, ""),
    ("scalarlg", "header:cseq", None, ""),
    ("quotbal", "header:to", 400, ""),
    ("ltgtruri", "startline", 400, ""),
    ("lwsruri", "startline", 400, ""),
    ("lwsstart", "startline", 400, ""),
    ("trws", "startline", 400, ""),
    ("escruri", "", 180, "3.1.2.11: may be accepted where no escaped header becomes a real one"),
    ("baddate", "", 180, "3.1.2.12: Date is of no use to us, and should then be passed over"),
    ("regbadct", "header:contact", 405, ""),  # the registrar's business: 400 there
    ("badaspec", "", 200, "3.1.2.14: may be forgiven; what stands in <> is only given back"),
    ("baddn-terminated", "", 200, "3.1.2.15: may be forgiven, as if it was quoted"),
    ("badvers", "validate", 505, ""),
    ("mismatch01", "validate", 400, ""),
    ("mismatch02", "validate", 400, ""),  # 3.1.2.18: 501 or 400
    ("bigcode", "startline", None, ""),
)

# 3.2 to 3.4: name, answer, header line that the answer must have
APPLICATION = (
    ("badbranch", 200, b""),  # 3.2.1: or matched as RFC 2543 does, which we do
    ("insuf", 400, b""),
    ("unkscm", 416, b""),
    ("novelsc", 416, b""),
    ("unksm2", 405, b"Allow: "),
    ("bext01", 420, b"Unsupported: nothingSupportsThis, nothingSupportsThisEither"),
    ("invut", 415, b"Accept: application/sdp"),
    ("regaut01", 405, b"Allow: "),
    ("multi01", 400, b""),
    ("mcl01", 400, b""),
    ("bcast", None, b""),
    ("zeromf", 200, b"Allow: "),
    ("cparam01", 405, b"Allow: "),
    ("cparam02", 405, b"Allow: "),
    ("regescrt", 405, b"Allow: "),
    ("sdp01", 406, b"Warning: 399 "),
    ("inv2543", 180, b""),
)


def layer(data):
    """The layer that objects to `data`, from the bottom up; "" when none does."""
    try:
        m, at = head(data)
    except ProtocolError as e:
        return "startline" if e.status != 505 else "validate"
    try:
        n = length(m)
        if n is not None and n > len(data) - at:
            return "framing"
    except ProtocolError:
        return "framing"
    for name, f in (
        ("via", lambda v: via(split(v)[0])),
        ("cseq", lambda v: number(v.split()[0], 0xFFFFFFFF)),
        ("from", address),
        ("to", address),
        ("contact", lambda v: [Uri(address(x)[1]) for x in m.all("contact")]),
    ):
        try:
            if m.get(name):
                f(m.get(name))
        except ProtocolError:
            return "header:" + name
    try:
        check(m)
    except ProtocolError:
        return "validate"
    return ""


def accepted(data):
    """Whether the parser takes it."""
    try:
        parse(data)
    except ProtocolError:
        return False
    return True
