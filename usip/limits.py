# usip: every cap and every timer value, with its reason
# MIT licence; Copyright (c) 2026 the usip authors
#
# One place. A board that has more or less memory changes the attribute before it builds the phone.

from sys import implementation

# --- RFC 3261 17: timers, milliseconds ---
T1 = 500  # round-trip estimate (17.1.1.1)
T2 = 4000  # longest interval between retransmissions
T4 = 5000  # a message lives no longer than this in the network
TIMEOUT = 64 * T1  # timers B, F, H, J, L, M
# A server's transaction that is over waits so long for repetitions (timers I, J, L): they are sent
# for 64*T1, and the last of them may be 10 s on its way. When the table is full it goes sooner.
LINGER = TIMEOUT + 2 * T4
TIMER_D = 32_000  # at least 32 s on unreliable transports (17.1.1.2)
TRYING_AFTER = 200  # 100 by the transaction when the user has not answered (17.2.1)

# --- messages ---
MESSAGE_MAX = (
    8191  # one message; RFC 4475's longest is 3515, a packed index word holds 13 bits of offset
)
SEND_MAX = 1600  # one built message; an INVITE with digest, a route set and SDP is 1,400
# Spellings of header names that need not be looked at again; a board would pay 50 bytes for each.
NAMES_KEPT = 100 if implementation.name == "cpython" else 0
HEADERS_MAX = 64  # header lines, those of folded ones too; RFC 4475's longest message has 43
BODY_MAX = 2048  # a body that is looked at; larger is 413
NUMBER_MAX = 0x3FFFFFFF  # numbers of 2**30 and more are heap objects on a 32-bit board
# what a peer may count to (8.1.1.5 says 2**31, RFC 4475 3.1.2.4 objects above 2**32-1)
CSEQ_MAX = 0xFFFFFFFF
EXPIRES_MAX = 432_000  # 5 days: a deadline has to stay within half the clock's period
TEXT_MAX = 1300  # a MESSAGE's text: RFC 3428 8 forbids more than 1300 bytes on UDP

# The receive buffer; a datagram that fills it was cut and is dropped. SIP on UDP means to stay
# below 1,300 (RFC 3261 18.1.1), large PBXs send 1,700; a host's program raises it.
DATAGRAM_MAX = 2048

# --- tables: full answers 503 or drops, never growth ---
TRANSACTIONS = 16  # both sides; a call in progress uses 1 to 3
OWN_TRANSACTIONS = 4  # of these, for requests of our own
SERVER_TRANSACTIONS = 64  # a registrar's: each of its users' requests stays for half a minute
CALLS = 2  # two calls at a time, then 486
NAMES = 8  # host names that were looked up, and what they stand for
NAMES_AGAIN = 60_000  # ms: the registrar's is looked up no more often while it does not answer
FLOWS = 16  # remote addresses that are remembered
EARLY_DIALOGS = 4  # forks of one INVITE that are kept apart
ROUTES = 8  # Route entries of a dialog
ROUTES_MAX = 400  # octets of those that the registrar asks for: each of our requests has to fit
BINDINGS = 8  # contacts in a registrar's answer that are looked at
AUTH_TRIES = 2  # answers to challenges for one request (one more when the nonce was stale)
# one challenge or Authorization value: nonces of 300 bytes are seen, and SEND_MAX has to hold the
# answer
AUTH_MAX = 768
AUTH_PARAMS = 24  # parameters of one; RFC 7616 defines 9 for a challenge and 12 for an answer
NONCES = 8  # nonces whose nc a server remembers: one a device that registers

# --- strangers: see guard.py ---
SOURCES = 16  # hosts that are told apart; a flood from more is counted as one
STRANGER_MS = 100  # from one message of a stranger to the next, on average: 10 a second
STRANGERS_MS = 25  # ... of all strangers: a board needs 5 ms for a message, and is not to be full
KNOWN_MS = 10  # ... of a peer that we talk to
STRANGER_BYTES = 8192  # what of theirs is counted in their favour
STRANGER_TRANSACTIONS = 4  # requests of strangers that are remembered for half a minute
OTHER_TRANSACTIONS = 8  # ... of all but the registrar's side, where there is one

# --- SDP ---
MEDIA_LINES = 8
FORMATS = 24  # formats of one m= line
REFUSED_MAX = 600  # m= lines of other media that our answer gives back: it has to fit into SEND_MAX
HOST_MAX = 255  # RFC 1035 2.3.4
PTIME = 20  # ms of sound in a packet that we send or that nobody said a word about
PTIME_MAX = 60  # the longest a peer may wish for: RTP_MAX holds no more

# --- registration, milliseconds where not said otherwise ---
EXPIRES = 3600  # seconds asked for
BACKOFF_FIRST = (
    1000  # first retry after 1-2 s: a lost datagram must not silence a doorbell for minutes
)
# RFC 5626 4.5 goes to 1,800 s; a doorbell is wanted sooner. This is for a registrar that answers,
# and refuses: one with too much to do.
BACKOFF_MAX = 300_000
# One that does not answer at all is asked at least once a minute (with the 32 s of the request
# itself), so that all its devices are back within the first minute of its return ...
BACKOFF_SILENT = 25_000
# ... and what does not even leave this machine costs nobody anything: the network may be back.
BACKOFF_UNSENT = 4000
# After so many failures in a row a REGISTER is sent for so many ms and then only waited for: else
# nearly half of all devices would be sending it when the registrar returns.
HUSH_AFTER = 3
HUSH_MS = 4000
KEEPALIVE = 25_000  # CRLF to keep a NAT mapping; below the 30 s that cheap routers hold UDP
KEEPALIVE_MIN = 3000  # the shortest, where the registrar sees that mappings did not last
# Seconds. Behind a NAT a lifetime is renewed as if it was no longer: that the router has another
# address or port for us is seen in an answer and nowhere else, and until then nobody can ring.
NAT_EXPIRES = 120

EXPIRES_MIN = 60  # seconds; our registrar refuses less with 423
USERS = 32  # registered users of our registrar

# --- calls ---
# longest that either side rings when nobody says otherwise (RFC 3261's timer C is over 3 min)
RING_MS = 180_000
RING_AGAIN = 60_000  # a ringing callee says so once a minute (13.3.1.1)
GLARE_OWN = 2100  # 491 to the owner of the Call-ID: 2.1-4 s (14.1)
GLARE_OTHER = 0  # 491 to the other: 0-2 s
WAIT_MAX = 500_000_000  # ms that a wait lasts at most: 5.8 days, half the clock's period
WARN_MS = 10_000  # before the longest end of a call both sides are warned
# A call without sound for so long (held, or the peer lost its power) is asked whether it lives.
PROBE_MS = 90_000
BYE_MS = 32_000  # a BYE that nobody answers ends the call all the same

# --- a supervised application ---
WATCH_MS = 1000  # between looks; a watchdog may not wait for less than three of them
UNHEALTHY = 3  # looks in a row until it restarts: one may meet a name that is being resolved
LATE_MS = 5000  # event loop or deadline: no call survives what takes longer
RESTART_FIRST = 1000  # ms of pause until a task that raised is made anew, doubled up to
RESTART_MAX = 60_000
RESTARTS = 6  # failures in a row, two minutes of them, until the whole device restarts
WELL_MS = 600_000  # a task that ran for so long begins to count anew

# --- the door ---
CODE_MAX = 16  # digits
CODE_MS = 15_000  # a code is typed in one go, or not at all
CODE_TRIES = 5  # wrong codes in a row; then the opener is deaf for ...
CODE_LOCK = 30_000  # ... so long, and twice as long after each that follows
CODE_LOCK_MAX = 3_600_000  # 24 tries a day: 10,000 codes take a year

# --- RTP ---
# Neither sound, where there should be some, nor reports for so many milliseconds ends the call;
# 0: never.
RTP_TIMEOUT = 30_000
RTP_MAX = 512  # a datagram of 20 ms G.711 has 172 octets; 60 ms still fits
RTP_PORT = 16384  # first port tried, even ones
RTP_PORTS = 32  # how many are tried
RTCP = True  # reports; without them one socket less for each call
JITTER_SLOTS = 12  # frames of 20 ms
JITTER_START = 3  # frames held before the first is played
JITTER_MAX = 10  # frames: 200 ms, above which people talk at the same time
