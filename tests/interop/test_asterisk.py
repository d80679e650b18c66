"""Through Asterisk: registered with digest, refused and refusing, digits, texts."""

import re

import asterisk
import pytest
import rig as rigs
from asterisk import OTHER, puppet, registered

SLOW = True
PEER = "asterisk"


# ------------------------------------------------------------------------------ registering


@pytest.mark.parametrize(
    ("user", "algorithm"),
    [("door", "MD5"), ("sha256", "SHA-256"), ("either", "SHA-256")],
    ids=["MD5", "SHA-256", "both offered"],
)
def test_register(rig, pbx, runtime, user, algorithm):
    """REGISTER with digest, and unregistered at the end"""
    phone = rig.phone(runtime, "-v", *pbx.account(user), "--expires", "100", "register")
    assert phone.wait("registered")["expires"] in (99, 100)  # it counts what it took itself
    status = pbx.wait("ContactStatus", AOR=user)
    assert status["ContactStatus"] == "NonQualified"
    assert f"@{phone.ip}:5060" in status["URI"]
    (refused,) = [m for m in asterisk.messages(phone) if m.start.startswith("SIP/2.0 401")]
    offered = re.findall(r"algorithm=([\w-]+)", " ".join(refused.all("www-authenticate")))
    assert algorithm in offered and len(offered) == (2 if user == "either" else 1)
    rig.note("offered " + " and ".join(offered))
    phone.stop()
    assert phone.names()[-1] == "unregistered"
    pbx.wait("ContactStatus", AOR=user, ContactStatus="Removed")


def test_strongest(rig, pbx, runtime):
    """SHA-256 is taken where MD5 is offered too"""
    phone = rig.phone(runtime, *pbx.account("either"), "register", "--for", "0")
    phone.wait("registered")
    phone.finish()
    # -v does not show what a password went into; the trace does.
    answered = re.findall(rb"\r\nAuthorization: Digest[^\r]*", phone.pcap.read_bytes())
    assert answered and all(b"algorithm=SHA-256" in x for x in answered), answered


def test_wrong_password(rig, pbx, runtime):
    """wrong password: status 1, the code said"""
    phone = rig.phone(runtime, *pbx.account("door", "wrong"), "register")
    failed = phone.wait("registration-failed")
    assert failed["code"] in (401, 403) and "password" in failed["reason"]
    phone.finish(status=1)


def test_brief(rig, pbx, runtime):
    """granted longer than was asked; a nonce that has run out is renewed"""
    phone = rig.phone(runtime, "-v", *pbx.account("brief"), "--expires", "1", "register")
    for _ in range(7):  # refreshed well before its end, with a nonce that lives for a second
        assert phone.wait("registered")["expires"] in (3, 4)
    phone.stop()
    assert "registration-failed" not in phone.names()
    stale = [m for m in asterisk.messages(phone) if "stale=true" in m.get("www-authenticate")]
    assert stale, phone.tell()
    at = [round(e["at"] - phone.events[0]["at"], 1) for e in phone.all("registered")]
    rig.note(f"registered after {at} s")


def test_qualify(rig, pbx, runtime):
    """qualify: OPTIONS answered, the contact is Avail"""
    phone = rig.phone(runtime, "-v", *pbx.account("asked"), "register")
    reached = pbx.wait("ContactStatus", AOR="asked", ContactStatus="Reachable")
    assert phone.ip in reached["URI"]
    contact = next(x for x in pbx.command("pjsip show contacts").splitlines() if phone.ip in x)
    assert " Avail " in contact, contact
    rig.note(f"round trip {int(reached['RoundtripUsec']) / 1000:.1f} ms")

    def asked():
        return sum(m.start.startswith("OPTIONS") for m in asterisk.messages(phone) if not m.sent)

    rigs.until(lambda: asked() >= 2, "asked again")
    phone.stop()
    assert " Unavail " not in pbx.command("pjsip show contacts")


def test_restart(rig):
    """Asterisk restarts and has forgotten everything: registered again, and called"""
    first = asterisk.Asterisk(rig.folder)
    rig._add(first)
    phones = [
        rig.phone(
            *(runtime, *first.account(user), "--expires", "4", "listen", "--calls", "1"), name=user
        )
        for runtime, user in (("cpython", "door"), ("unix32", "indoor"))
    ]
    for phone in phones:
        phone.wait("registered")
    first.signal()
    first.join(10)
    for phone in phones:
        phone.fresh()  # it has refreshed with the first one until now
    second = rig._add(asterisk.Asterisk(rig.folder, "asterisk2", first.ip))
    for phone in phones:
        phone.wait("registered", seconds=15)
        assert "registration-failed" not in phone.names()
        second.rings(phone.name)
        phone.wait("ended", code=200)
        phone.finish()


# ---------------------------------------------------------------------------- calls that fail


@pytest.mark.parametrize(("code", "cause"), [(486, "17"), (603, "21"), (480, "19")])
def test_refused(rig, pbx, runtime, code, cause):
    """Asterisk rings us and is refused: it knows why"""
    phone = registered(rig, pbx, runtime, "door", "--reject", str(code))
    pbx.rings("door")
    assert pbx.wait("Hangup")["Cause"] == cause
    phone.wait("ended", code=code)
    phone.finish()


def test_elsewhere(rig, pbx, runtime):
    """two phones ring and the other answers: ours is told that"""
    ours = registered(rig, pbx, runtime, "door", "--ring")
    other = registered(rig, pbx, OTHER[runtime], "indoor", "--answer-after", "0.3")
    caller = rig.phone(
        *("cpython", *pbx.account("near"), "call", pbx.uri("house"), "--hangup-after", "0.1"),
        name="near",
    )
    other.wait("answered")
    end = ours.wait("ended", code=487)
    caller.wait("ended", code=200)
    for phone in (ours, other, caller):
        phone.finish()
    assert end["reason"] == "AnsweredElsewhere"


def test_given_up(rig, pbx, runtime):
    """Asterisk rings us and gives up: CANCEL"""
    phone = registered(rig, pbx, runtime, "door", "--ring")
    pbx.rings("door")
    phone.wait("incoming")
    pbx.command("channel request hangup all")
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()


def test_no_codec(rig, pbx, runtime):
    """no codec in common: 488 either way"""
    phone = rig.phone(runtime, *pbx.account("wide"), "call", pbx.uri("echo"))
    phone.wait("ended", code=488, reason="NotAcceptable")
    phone.finish(status=1)
    phone = rig.phone(runtime, *pbx.account("wide"), "listen")
    phone.wait("registered")
    pbx.fresh().rings("wide")
    pbx.wait("OriginateResponse", Response="Failure")
    phone.stop()
    assert "incoming" not in phone.names()


CAUSES = (
    *((1, 404, "NotFound"), (17, 486, "Busy"), (19, 480, "Unavailable"), (21, 403, "Forbidden")),
    *((34, 503, "Unreachable"), (58, 488, "NotAcceptable"), (127, 500, "Failed")),
)


def test_causes(rig, pbx, runtime):
    """the causes of hanging up (Q.850) in our words"""
    phone = puppet(rig, pbx, runtime, "door")
    for cause, code, reason in CAUSES:
        phone.do("call " + pbx.uri(f"cause{cause}"))
        end = phone.wait("ended")
        assert (end["code"], end["reason"]) == (code, reason), cause
    rig.note(", ".join(f"{cause} {reason}" for cause, _, reason in CAUSES))
    phone.do("quit")
    phone.finish()


# ----------------------------------------------------------------------------------- digits


@pytest.mark.parametrize("mode", ["rtp", "info"])
def test_digits(rig, pbx, runtime, mode):
    """digits both ways, RFC 4733 and INFO"""
    user = {"rtp": "door", "info": "info"}[mode]
    phone = rig.phone(
        *(runtime, *pbx.account(user), "call", pbx.uri("digits")),
        *("--dtmf", "15*9", "--dtmf-mode", mode),
    )
    assert pbx.wait("UserEvent", UserEvent="Digits")["Got"] == "15*9"
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    assert phone.digits() == phone.digits(mode) == "7*#0"


# ----------------------------------------------------------------------------------- texts


def test_text(rig, pbx, runtime):
    """MESSAGE to Asterisk, and from Asterisk"""
    text = "Grüße: 1 < 2"  # UserEvent() would end at a comma
    phone = rig.phone(runtime, *pbx.account("door"), "message", pbx.uri("desk"), text)
    phone.wait("message-sent", code=202)
    phone.finish()
    got = pbx.wait("UserEvent", UserEvent="Text")
    assert got["Body"] == text and f"door@{pbx.ip}" in got["From"]
    phone = puppet(rig, pbx, runtime, "door")
    pbx.ask("MessageSend", To="pjsip:door", From=f"<sip:desk@{pbx.ip}>", Body="Öffne! ✓")
    assert f"desk@{pbx.ip}" in phone.wait("message", text="Öffne! ✓")["from"]
    phone.do("quit")
    phone.finish()


def test_text_relayed(rig, pbx, runtime):
    """MESSAGE to another phone, through the dial plan"""
    called = puppet(rig, pbx, OTHER[runtime], "indoor")
    phone = rig.phone(runtime, *pbx.account("door"), "message", pbx.uri("indoor"), "Es klingelt ✓")
    phone.wait("message-sent", code=202)
    phone.finish()
    assert f"door@{pbx.ip}" in called.wait("message", text="Es klingelt ✓")["from"]
    called.do("quit")
    called.finish()


def test_waiting(rig, pbx, runtime):
    """NOTIFY of waiting messages, which nobody subscribed to: accepted"""
    phone = rig.phone(runtime, "-v", *pbx.account("mailbox"), "register")
    phone.wait("registered")

    def told(text):
        # the NOTIFY with it, and the answer to that
        all_ = asterisk.messages(phone)
        for m in all_:
            if not m.sent and m.start.startswith("NOTIFY") and text in m.body:
                for a in all_:
                    if a.sent and a.start[:7] == "SIP/2.0" and a.get("cseq") == m.get("cseq"):
                        if a.get("call-id") == m.get("call-id"):
                            return a.start
        return None

    # of what it had before, as soon as the phone registers
    assert rigs.until(lambda: told("Messages-Waiting: "), "told at once") == "SIP/2.0 200 OK"
    new = {"cpython": 3, "unix32": 4}[runtime]
    pbx.ask(
        *("Originate",),
        **{"Channel": "Local/bench@rig", "Application": "MinivmMWI", "Async": "true"},
        **{"Data": f"mailbox@rig,0,{new},1"},
    )
    text = f"Voice-Message: {new}/1 (0/0)"
    assert rigs.until(lambda: told(text), f"told {text}") == "SIP/2.0 200 OK"
    phone.stop()
