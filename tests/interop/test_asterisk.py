"""Through Asterisk: registered with digest, called and calling, its sound, its re-INVITEs."""

import re
import wave

import asterisk
import pytest
import rig as rigs

SLOW = True
PEER = "asterisk"
OTHER = {"cpython": "unix32", "unix32": "cpython"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One Asterisk for all tests that do not want one of their own."""
    started = asterisk.Asterisk(tmp_path_factory.mktemp("asterisk"))
    yield started
    started.kill()


@pytest.fixture
def pbx(server, rig):
    """It, without a call before and after the test."""
    yield server.fresh()
    try:
        server.idle()
    finally:
        server.command("channel request hangup all")


def registered(rig, pbx, runtime, user, *args, first=()):
    """A phone that answers once."""
    phone = rig.phone(
        *(runtime, *first, *pbx.account(user), "listen", "--calls", "1", *args), name=user
    )
    phone.wait("registered")
    return phone


def puppet(rig, pbx, runtime, user, *args):
    name = rig._name(user)
    phone = rig._add(asterisk.Puppet(rig.folder, name, runtime, *pbx.account(user), *args))
    phone.wait("registered")
    return phone


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
    for _ in range(3):  # refreshed well before its end, with a nonce that lives for a second
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
    second = rig._add(asterisk.Asterisk(rig.folder, "asterisk2", first.ip))
    for phone in phones:
        phone.wait("registered", seconds=15)
        assert "registration-failed" not in phone.names()
        second.rings(phone.name)
        phone.wait("ended", code=200)
        phone.finish()


# ----------------------------------------------------------------------------------- sound


def test_echo(rig, pbx, runtime):
    """the echo test: what is heard is what was played"""
    played = rig.noise("played.wav")
    recorded = rig.folder / "heard.wav"
    codec = {"cpython": "pcma", "unix32": "pcmu"}[runtime]
    phone = rig.phone(
        *(runtime, *pbx.account("door"), "--codecs", codec),
        *("call", pbx.uri("echo"), "--hangup-after", "3.3"),
        *("--play", played, "--record", recorded),
    )
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    assert end["packets_lost"] == 0 and end["packets_received"] > 100
    fit = rigs.heard(played, recorded)
    rig.note(f"{codec}, correlation {fit:.4f}, jitter {end['jitter_ms']} ms")
    assert fit > 0.9


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


def test_early_media(rig, pbx, runtime):
    """183 with SDP: sound before the answer, which never comes"""
    recorded = rig.folder / "heard.wav"
    phone = rig.phone(
        *(runtime, "-v", *pbx.account("door"), "call", pbx.uri("early"), "--record", recorded)
    )
    phone.wait("early-media")
    phone.wait("ended", code=486, reason="Busy")
    phone.finish(status=1)
    assert "answered" not in phone.names()
    progress = [m for m in asterisk.messages(phone) if m.start.startswith("SIP/2.0 183")]
    assert progress and "m=audio" in progress[0].body
    fit = rigs.heard(pbx.said_file, recorded)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9


def test_direct_media(rig, pbx, runtime):
    """re-INVITEs take Asterisk out of the way of the sound; sound both ways"""
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-caller.wav", rig.folder / "from-callee.wav"
    called = registered(
        *(rig, pbx, OTHER[runtime], "far", "--play", played[1], "--record", recorded[0]),
        first=("-v",),
    )
    caller = rig.phone(
        *(runtime, "-v", *pbx.account("near"), "call", pbx.uri("far"), "--hangup-after", "3.4"),
        *("--play", played[0], "--record", recorded[1]),
        name="near",
    )
    caller.wait("ended", code=200)
    called.wait("ended", code=200)
    caller.finish()
    called.finish()
    rig.pieces = True  # the stream of the other phone follows that of Asterisk
    for phone, other in ((caller, called), (called, caller)):
        asked = [m for m in asterisk.messages(phone) if not m.sent and m.start[:6] == "INVITE"]
        assert any(f"c=IN IP4 {other.ip}" in m.body for m in asked), phone.tell()
        frames = rigs.Dissected(phone.pcap).frames
        sent = [f for f in frames if f.ip == phone.ip and "rtp" in f.protocols.split(":")]
        direct = sum(f.to == other.ip for f in sent)
        rig.note(f"{phone.name} sent {direct} of {len(sent)} packets directly")
        assert direct > 100, direct
    for a, b in zip(played, recorded):
        fit = rigs.heard(a, b)
        rig.note(f"{b.stem} {fit:.3f}")
        assert fit > 0.9


def grows(recorded, seconds):
    """Wait until that much more is recorded; how many samples there were before."""
    before = recorded.stat().st_size
    rigs.until(lambda: recorded.stat().st_size > before + seconds * 16000, f"{seconds} s recorded")
    return max(before - 44, 0) // 2


def cut(recorded, first, seconds):
    """A piece of a recording, as a file of its own."""
    piece = rigs.samples(recorded)[first : first + int(seconds * 8000)]
    file = recorded.with_name("cut.wav")
    with wave.open(str(file), "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(piece.tobytes())
    return file


@pytest.mark.parametrize("user", ["indoor", "passed"], ids=["music", "passed on"])
def test_hold(rig, pbx, runtime, user):
    """hold and resume: music on hold for the other, or a re-INVITE where that is wanted"""
    rig.pieces = True  # Asterisk changes from one stream to the other and back
    played = rig.noise("played.wav", seconds=10)
    recorded = rig.folder / "heard.wav"
    called = registered(rig, pbx, OTHER[runtime], user, "--record", recorded)
    caller = puppet(rig, pbx, runtime, "door", "--play", played)
    caller.do("call " + pbx.uri(user))
    caller.wait("answered")
    called.wait("answered")
    caller.do("hold")
    pbx.wait("Hold")
    if user == "passed":
        called.wait("held")
    else:
        pbx.wait("MusicOnHoldStart")
        music = grows(recorded, 2.2)  # which is repeated: once in full
    caller.do("resume")
    pbx.wait("Unhold")
    if user == "passed":
        called.wait("resumed")
    else:
        pbx.wait("MusicOnHoldStop")
    talk = grows(recorded, 1.3)
    caller.do("hangup")
    caller.wait("ended", code=200)
    called.wait("ended", code=200)
    called.finish()
    caller.do("quit")
    caller.finish()
    assert ("held" in called.names()) == (user == "passed")
    fit = rigs.heard(cut(recorded, talk + 4000, 0.6), played)
    rig.note(f"correlation of the talk after it {fit:.4f}")
    assert fit > 0.9
    if user != "passed":
        fit = rigs.heard(pbx.music_file, cut(recorded, music, 2.2), most=1.4)
        rig.note(f"of the music {fit:.4f}")
        assert fit > 0.9


# ---------------------------------------------------------------------------- rung by Asterisk


def test_rung(rig, pbx, runtime):
    """Asterisk rings us: answered, its sound heard, hung up by it"""
    recorded = rig.folder / "heard.wav"
    phone = registered(rig, pbx, runtime, "door", "--record", recorded)
    pbx.rings("door")
    assert "Desk" in phone.wait("incoming")["from"]
    pbx.wait("OriginateResponse", Response="Success")
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    fit = rigs.heard(pbx.said_file, recorded)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9


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


@pytest.mark.parametrize("what", ["text", "refer"])
def test_within(rig, pbx, runtime, what):
    """within the call a text comes, or a REFER, which is refused: the call goes on"""
    recorded = rig.folder / "heard.wav"
    phone = rig.phone(runtime, *pbx.account("door"), "call", pbx.uri(what), "--record", recorded)
    if what == "text":
        phone.wait("message", text="Moment! ✓")
    else:
        assert pbx.wait("UserEvent", UserEvent="Referred")["Status"] == "FAILURE"
    phone.wait("ended", code=200, reason="HungUp")
    phone.finish()
    assert rigs.heard(pbx.said_file, recorded) > 0.9


def test_given_up(rig, pbx, runtime):
    """Asterisk rings us and gives up: CANCEL"""
    phone = registered(rig, pbx, runtime, "door", "--ring")
    pbx.rings("door")
    phone.wait("incoming")
    pbx.command("channel request hangup all")
    phone.wait("ended", code=487, reason="Cancelled")
    phone.finish()


# ---------------------------------------------------------------------------- calls that fail

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
