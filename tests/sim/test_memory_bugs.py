# usip: what memory that ran out once left half made, each as it was found; see tests/memory

from calling import Bench, ended
from registering import CHALLENGE
from registering import Bench as Registered
from sip import SDP, request
from usip import info, limits
from usip.callee import Callee
from usip.pager import Pager
from usip.table import Table
from usip.transaction import Transaction


class Once:
    """Stands in for a method: the `nth` call of it finds no memory."""

    def __init__(self, owner, name, nth=1):
        self.owner = owner
        self.name = name
        self.method = getattr(owner, name)
        self.nth = nth
        method, once = self.method, self

        def f(*args, **how):
            once.nth -= 1
            if not once.nth:
                raise MemoryError
            return method(*args, **how)

        setattr(owner, name, f)

    def back(self):
        setattr(self.owner, self.name, self.method)


def out(f, *args):
    """f(*args) finds no memory."""
    try:
        f(*args)
    except MemoryError:
        return
    raise AssertionError("there was memory")


def test_invite_whose_answer_cannot_be_written():
    # The socket for its sound stayed open, its transaction swallowed the INVITE that came again.
    b = Bench()
    dropped = []
    hear = b.agent.listener

    def listener(event, subject, detail):
        if event == "dropped":
            dropped.append(subject)
        hear(event, subject, detail)

    b.agent.listener = listener
    once = Once(Callee, "_write")
    try:
        out(b.invited)
        assert len(dropped) == 1 and b.idle() and not b.wire.sent
        b.invited()
    finally:
        once.back()
    assert b.call and b.call.state == b"O" and b.sent(b"SIP/2.0 180")


def test_listener_that_cannot_take_a_call():
    b = Bench()
    hear = b.agent.listener
    heard = []

    def listener(event, subject, detail):
        heard.append(event)
        if heard == ["incoming"]:
            raise MemoryError
        hear(event, subject, detail)

    b.agent.listener = listener
    out(b.invited)
    assert b.idle() and heard == ["incoming", "ended"]
    b.invited()
    assert b.call.state == b"O"


def test_dial_is_whole_or_not_at_all():
    # Half a call came to its time limit without an INVITE: AttributeError in every poll, for good.
    b = Bench()
    Once(b.agent, "branch")
    out(b.dial)
    assert b.idle() and b.events == ["dropped"]
    b.run(limits.RING_MS + limits.TIMEOUT)
    b.dial()
    assert b.sent(b"INVITE")


def test_hangup_and_its_bye():
    # The BYE was never sent: the peer talked to nobody.
    b = Bench()
    b.up(False)
    Once(b.agent, "branch")
    out(b.call.hangup, b.now)
    assert not b.wire.times(b"BYE")
    b.run(2 * limits.T1)
    assert b.wire.times(b"BYE")
    b.answered(200, method=b"BYE")
    ended(b, 200, "HungUp", False)


def test_cancel_that_cannot_be_written():
    b = Bench()
    b.dial()
    b.answered(180)
    Once(b.agent, "derive")
    out(b.call.hangup, b.now)
    b.run(2 * limits.T1)
    assert b.wire.times(b"CANCEL")


def test_final_answer_that_cannot_be_written():
    # The caller heard 100 and nothing more, for minutes.
    b = Bench()
    b.invited()
    Once(b.agent, "response")
    out(b.call.reject, b.now, 486)
    b.run(2 * limits.T1)
    assert b.sent(b"SIP/2.0 486") and b.events[-1] == "ended"


def test_ack_that_cannot_be_written():
    # Nobody was told of the refusal.
    b = Bench()
    b.dial()
    Once(b.agent, "derive")
    out(b.answered, 486)
    assert b.call.state == b"X" and b.events[-1] == "ended" and not b.wire.times(b"ACK")
    b.answered(486)
    assert b.wire.times(b"ACK")


def test_bye_that_cannot_be_answered_comes_again():
    b = Bench()
    b.up(True)
    Once(b.agent, "response")
    d = b.call.dialog
    out(b.within, b"BYE", 7)
    assert b.call.state == b"E" and d.remote_cseq < 7
    b.within(b"BYE", 7)
    assert b.call.state == b"X" and b.sent(b"SIP/2.0 200").cseq_method == b"BYE"


def test_registration_tries_again():
    # It stayed in R for good.
    b = Registered()
    Once(b.agent, "branch")
    out(b.r.start, b.wire.now)
    assert b.r.state == b"F" and b.wait() == limits.BACKOFF_FIRST
    # The answer to the challenge finds none.
    Once(b.agent, "credentials_for")
    out(b.reply, 401, (b"WWW-Authenticate", CHALLENGE % 1))
    assert b.r.state == b"F" and b.wait() <= 2 * limits.BACKOFF_FIRST
    b.reply(200)
    assert b.r.state == b"A"


def test_registration_that_nothing_is_heard_of():
    b = Registered().start()
    b.agent.transactions.remove(b.r.request.tx)
    assert b.wait() > limits.TIMEOUT and b.events[0][0] == "registration-failed"


def test_text_is_not_lost():
    b = Bench()
    Pager(b.agent)
    texts = []

    def listener(event, subject, detail):
        if not texts:
            texts.append(None)
            raise MemoryError
        texts.append(detail)

    b.agent.listener = listener
    text = request(b"MESSAGE", ctype=b"text/plain", body=b"Come in")
    out(b.receive, text)
    assert not b.wire.sent
    b.receive(text)
    assert texts == [None, b"Come in"] and b.sent(b"SIP/2.0 200")


def test_digit_that_cannot_be_sent():
    # The next ones waited behind it for ever.
    b = Bench()
    b.up(False)
    Once(b.agent, "branch")
    out(info.send, b.call, b"5", b.now)
    info.send(b.call, b"7", b.now)
    assert b"Signal=7" in b.sent(b"INFO").body


def test_reinvite_that_cannot_be_sent():
    b = Bench()
    b.up(False)
    n = len(b.wire.times(b"INVITE"))
    Once(b.agent, "branch")
    out(b.call.hold, True, b.now)
    b.run(limits.T1 + 100)
    assert len(b.wire.times(b"INVITE")) == n + 1
    b.answered(200, body=SDP)
    assert b.call.change().state == b"N"


def test_transaction_that_is_in_no_queue():
    # It was never due again.
    b = Bench()
    t = b.agent.transactions
    tx = Transaction(b.agent, 3, b.wire, b"z9hG4bKx", b"INFO", None, b.now)
    t.add(tx, b"key")

    class Full(dict):
        def get(self, key):
            raise MemoryError

    queues = t.queues
    t.queues = Full()
    out(t.place, tx)
    t.queues = queues
    assert tx.list is None
    b.run(limits.TIMEOUT + 10)
    assert not t


def test_table_adds_all_or_nothing():
    class Key:
        asked = 0

        def __hash__(self):
            self.asked += 1
            if self.asked == 1:
                raise MemoryError
            return 5

    class Waiting:
        list = keys = None

    t = Table()
    out(t.add, Waiting(), 1, Key())
    assert not t and t.get(1) is None
    t.add(Waiting(), 1)
    assert len(t) == 1


def test_peer_that_asks_for_a_call_that_is_gone():
    b = Bench()
    b.up(True)
    d = b.call.dialog
    b.call.abandon(b.now)
    asks = request(b"OPTIONS", you=b"<sip:door@192.0.2.1>;tag=" + d.local_tag, call_id=d.call_id)
    b.receive(asks)
    assert b.sent(b"SIP/2.0 481")
