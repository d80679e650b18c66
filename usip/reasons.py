# usip: what status codes are called (RFC 3261 21)
# MIT licence; Copyright (c) 2026 the usip authors

# One constant: twenty strings of their own would cost a board a kilobyte.
_REASONS = (
    b"100 Trying|180 Ringing|181 Call Is Being Forwarded|183 Session Progress|200 OK|"
    b"302 Moved Temporarily|400 Bad Request|401 Unauthorized|403 Forbidden|"
    b"404 Not Found|405 Method Not Allowed|406 Not Acceptable|407 Proxy Authentication Required|"
    b"408 Request Timeout|413 Request Entity Too Large|415 Unsupported Media Type|"
    b"416 Unsupported URI Scheme|420 Bad Extension|423 Interval Too Brief|"
    b"480 Temporarily Unavailable|481 Call/Transaction Does Not Exist|"
    b"482 Loop Detected|486 Busy Here|487 Request Terminated|488 Not Acceptable Here|"
    b"491 Request Pending|500 Server Internal Error|501 Not Implemented|"
    b"503 Service Unavailable|505 Version Not Supported|513 Message Too Large|"
    b"600 Busy Everywhere|603 Decline|"
)


def reason(code):
    """The reason phrase of `code` as bytes."""
    i = _REASONS.find(b"%d " % code)
    if i < 0:
        return b"Error" if code >= 300 else b"OK" if code >= 200 else b"Progress"
    return _REASONS[i + 4 : _REASONS.find(b"|", i)]


# What a final code means to a person
_WORDS = (
    (486, "Busy"),
    (600, "Busy"),
    (603, "Declined"),
    (403, "Forbidden"),
    (401, "Unauthorized"),
    (407, "Unauthorized"),
    (404, "NotFound"),
    (604, "NotFound"),
    (480, "Unavailable"),
    (408, "NoAnswer"),
    (487, "Cancelled"),
    (488, "NotAcceptable"),
    (503, "Unreachable"),
)


def word(code):
    """A reason in one word for a final status code."""
    for c, w in _WORDS:
        if c == code:
            return w
    return "Redirected" if code < 400 else "Failed"
