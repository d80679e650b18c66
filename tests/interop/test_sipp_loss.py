"""SIPp and the phone with a relay between them that loses one message, or brings one twice.

Nothing of it may be noticed: each side ends as it does without the relay, what the phone repeats is
what it sent before, and what the peer repeats happens once.
"""

import pytest
import rig as rigs
from dialling import account
from relay import Relay

SLOW = True
PEER = "sipp"
GROUP = "bad networks"

# What is done: what the phone does, the scenario and its values, the events of the phone. A phone
# that listens stays until SIPp has ended.
CALL = ["trying", "ringing", "answered", "ended"]
ANSWER = ["incoming", "answered", "ended"]
TALKS = {
    "calls": (["call", "--hangup-after", "0.2"], "uas_call", {}, CALL),
    "calls for a second": (["call", "--hangup-after", "1"], "uas_call", {}, CALL),
    "is hung up": (["call"], "uas_hangup", {}, CALL),
    "cancels": (
        *(["call", "--ring-timeout", "0.3"], "uas_cancelled", {}),
        ["trying", "ringing", "ended"],
    ),
    "is refused": (
        *(["call"], "uas_refuse", {"code": 486, "phrase": "Busy Here"}),
        ["trying", "ended"],
    ),
    "holds": (
        *(["call", "--hold-after", "0.1", "--hangup-after", "1.5"], "uas_held", {}),
        [*CALL[:3], "held", "ended"],
    ),
    "sends digits": (
        *(["call", "--dtmf", "1*#D", "--dtmf-mode", "info", "--hangup-after", "0.5"], "uas_info"),
        *({}, CALL),
    ),
    "answers": (["listen", "--hangup-after", "0.2"], "uac_call", {}, ANSWER),
    "answers later": (
        *(["listen", "--answer-after", "0.8", "--hangup-after", "0.2"], "uac_call", {}, ANSWER),
    ),
    "answers, is hung up": (["listen"], "uac_bye", {"ms": 200}, ANSWER),
    "is cancelled": (["listen", "--ring"], "uac_cancel", {}, ["incoming", "ended"]),
    "refuses": (["listen", "--reject", "486"], "uac_refused", {"code": 486}, ["incoming", "ended"]),
    "is held": (["listen"], "uac_holds", {"ms": 1500}, [*ANSWER[:2], "held", "ended"]),
    "gets digits": (["listen"], "uac_info", {}, [*ANSWER[:2], *["dtmf"] * 4, "ended"]),
    "texts": (["message"], "uas_message", {"code": 200, "phrase": "OK"}, ["message-sent"]),
    "gets a text": (["listen"], "uac_message", {}, ["message"]),
    "registers": (
        *(["register", "--for", "0.1"], "uas_register", {"qop": ', qop="auth"'}),
        ["registered", "unregistered"],
    ),
}

# Not here: what is lost of a call that is over for the phone, when its program has ended as well.
LOST = {
    "calls": ["INVITE", "200 INVITE", "BYE", "200 BYE"],
    "calls for a second": ["ACK"],
    "cancels": ["CANCEL", "487 INVITE"],
    "is refused": ["486 INVITE"],
    "holds": ["re-INVITE", "200 re-INVITE", "ACK re-INVITE"],
    "sends digits": ["INFO", "200 INFO"],
    "answers": ["200 INVITE", "ACK", "BYE", "200 BYE"],
    "answers later": ["180 INVITE"],
    "answers, is hung up": ["200 BYE"],
    "is cancelled": ["487 INVITE", "ACK"],
    "refuses": ["486 INVITE", "ACK"],
    "is held": ["200 re-INVITE", "ACK re-INVITE"],
    "gets digits": ["200 INFO"],
    "texts": ["MESSAGE", "200 MESSAGE"],
    "gets a text": ["200 MESSAGE"],
    "registers": ["REGISTER", "401 REGISTER", "200 REGISTER"],
}

TWICE = {
    "calls": ["100 INVITE", "180 INVITE", "200 INVITE", "200 BYE"],
    "is hung up": ["BYE"],
    "cancels": ["200 CANCEL", "487 INVITE"],
    "is refused": ["486 INVITE"],
    "holds": ["200 re-INVITE"],
    "sends digits": ["200 INFO"],
    "answers": ["INVITE", "ACK", "200 BYE"],
    "answers later": ["INVITE"],
    "answers, is hung up": ["BYE"],
    "is cancelled": ["CANCEL", "ACK"],
    "refuses": ["INVITE", "ACK"],
    "is held": ["re-INVITE", "ACK re-INVITE"],
    "gets digits": ["INFO"],
    "texts": ["200 MESSAGE"],
    "gets a text": ["MESSAGE"],
    "registers": ["401 REGISTER", "200 REGISTER"],
}

# After these SIPp has nothing more to wait for; it stays until the phone has repeated itself.
LAST = [
    *[("calls", "200 BYE"), ("answers", "200 BYE"), ("is cancelled", "ACK"), ("refuses", "ACK")],
    ("texts", "200 MESSAGE"),
]


# What comes twice is answered twice, as long as the phone is there to do so.
ANSWERS = {
    ("calls", "200 INVITE"): "ACK",
    ("holds", "200 re-INVITE"): "ACK re-INVITE",
    ("answers later", "INVITE"): "180 INVITE",
    ("answers, is hung up", "BYE"): "200 BYE",
    ("is cancelled", "CANCEL"): "200 CANCEL",
    ("gets digits", "INFO"): "200 INFO",
    ("gets a text", "MESSAGE"): "200 MESSAGE",
}


def rows(table):
    return [(talk, message) for talk, messages in table.items() for message in messages]


def through(rig, runtime, fault, talk, message):
    """Do it through a relay with that fault; the relay, the phone and SIPp."""
    (command, *args), scenario, values, events = TALKS[talk]
    relay = rig._add(Relay(fault, message, rigs.addresses().take))
    listens = command == "listen"
    how = {"ip": relay.sipp, "contact": relay.ip, **values}
    lingers = fault == "lost" and (talk, message) in LAST
    if lingers:
        how["linger"] = True
    if listens:
        phone = rig.listener(runtime, *args, ip=relay.phone)
        sipp = rig.sipp(scenario, relay.ip, **how)
    else:
        sipp = rig.sipp(scenario, **how)
        first = account(relay) if command == "register" else ()
        to = [] if command == "register" else [f"sip:sipp@{relay.ip}"]
        words = ["Grüße"] if command == "message" else []
        phone = rig.phone(runtime, *first, command, *to, *words, *args, ip=relay.phone)
    phone.wait(events[-1])
    if fault == "lost":
        relay.wait(copies=2)
    elif (talk, message) in ANSWERS:
        relay.answered(ANSWERS[talk, message], 2)
    if lingers:
        relay.done()
    sipp.finish()
    if listens:
        phone.stop()
    else:
        phone.finish(status=1 if "answered" not in events and "ended" in events else 0)
    assert phone.names() == events, phone.tell()
    assert relay.struck, relay.tell()
    assert not relay.changed(), relay.tell()
    return relay


@pytest.mark.parametrize(("talk", "message"), rows(LOST))
def test_lost(rig, runtime, talk, message):
    """one message is lost: it is sent again, and nothing happens twice"""
    relay = through(rig, runtime, "lost", talk, message)
    # Once lost, once there; more only when this machine stood still for seconds.
    assert relay.copies() <= 4, relay.tell()


@pytest.mark.parametrize(("talk", "message"), rows(TWICE))
def test_twice(rig, runtime, talk, message):
    """one message of the peer comes twice, and nothing happens twice"""
    through(rig, runtime, "twice", talk, message)
