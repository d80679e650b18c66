"""The ratios of speed.py, in one process: every round runs each contestant once, so that a machine
that is busy is busy for all. Prints JSON. Its interpreter is build/bench-venv's where there is one.

    race.py ROUNDS MESSAGE...
"""

import json
import os
import sys
from time import perf_counter_ns

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "device"), os.path.dirname(os.path.dirname(HERE))]

import naive  # noqa: E402
import work  # noqa: E402

HOST, PORT, TAG = "192.0.2.1", 16384, "8f3a6c1e07"
CONTACT = f"<sip:620@{HOST}:5060>"


def rival_sipmessage(invite):
    from sipmessage import Address, Message, Parameters, Response

    def fields(data):
        m = Message.parse(data)
        contact = m.contact
        return (
            m.via[0].parameters["branch"],
            m.from_address.parameters.get("tag"),
            m.to_address.parameters.get("tag"),
            m.call_id,
            (m.cseq.sequence, m.cseq.method),
            contact[0].uri if contact else None,
            m.content_length,
        )

    request = Message.parse(invite)

    def build():
        body = naive.sdp(HOST, PORT).encode()
        m = Response(200, "OK", body)
        m.via = request.via
        m.from_address = request.from_address
        to = request.to_address
        m.to_address = Address(uri=to.uri, name=to.name, parameters=Parameters(tag=TAG))
        m.call_id = request.call_id
        m.cseq = request.cseq
        m.contact = [Address.parse(CONTACT)]
        m.headers.set("Content-Type", "application/sdp")
        m.content_length = len(body)
        return bytes(m)

    return fields, build


def rival_sippy(invite):
    from sippy.MsgBody import MsgBody
    from sippy.SipAddress import SipAddress
    from sippy.SipContact import SipContact
    from sippy.SipHeader import SipHeader
    from sippy.SipRequest import SipRequest
    from sippy.SipResponse import SipResponse
    from sippy.SipURL import SipURL

    def parse(data):
        text = data.decode()
        return SipResponse(text) if text.startswith("SIP/") else SipRequest(text)

    def fields(data):
        m = parse(data)
        contact = m.getHFBodys("contact")
        return (
            m.getHFBody("via").getBranch(),
            m.getHFBody("from").getTag(),
            m.getHFBody("to").getTag(),
            str(m.getHFBody("call-id")),
            m.getHFBody("cseq").getCSeq(),
            contact[0].getUrl() if contact else None,
            len(str(m.body or "")),  # it keeps no Content-Length
        )

    request = parse(invite)
    contact = SipContact(address=SipAddress(url=SipURL(username="620", host=HOST, port=5060)))

    def build():
        m = request.genResponse(200, "OK", MsgBody(naive.sdp(HOST, PORT)))
        m.getHFBody("to").setTag(TAG)
        m.appendHeader(SipHeader(name="contact", body=contact))
        return m.localStr(((HOST, 5060), "udp")).encode()

    return fields, build


def rival_aiosipua(invite):
    from aiosipua import SipMessage, SipResponse

    def fields(data):
        m = SipMessage.parse(data)
        contact = m.contact
        return (
            m.via[0].params.get("branch"),
            m.from_addr.params.get("tag"),
            m.to_addr.params.get("tag"),
            m.call_id,
            (m.cseq.seq, m.cseq.method),
            contact[0].uri if contact else None,
            m.content_length,
        )

    request = SipMessage.parse(invite)

    def build():
        m = SipResponse(status_code=200, reason_phrase="OK")
        m.via = request.via
        m.from_addr = request.from_addr
        to = request.to_addr
        to.params["tag"] = TAG
        m.to_addr = to
        m.call_id = request.call_id
        m.cseq = request.cseq
        m.set_header("Contact", CONTACT)
        m.content_type = "application/sdp"
        m.body = naive.sdp(HOST, PORT).encode()
        return bytes(m)

    return fields, build


def contestants(invite):
    headers = naive.parse(invite)[1]
    ok = work.Ok(invite)
    found = {
        "naive": (naive.fields, lambda: naive.build_200(headers, HOST, PORT, TAG)),
        "usip": (work.fields, ok.build),
    }
    why = {}
    for name in ("sipmessage", "sippy", "aiosipua"):
        try:
            pair = globals()["rival_" + name](invite)
            pair[1]()
            found[name] = pair
        except Exception as e:
            why[name] = f"{type(e).__name__}: {e}"
    return found, why


def main(rounds, paths):
    corpus = work.load(paths)
    found, why = contestants(corpus[0])
    read = {}  # messages that each can read at all
    for name, (fields, _) in found.items():
        read[name] = []
        for data in corpus:
            try:
                fields(data)
                read[name].append(data)
            except Exception:
                pass
    parse, build = {}, {}
    for _ in range(rounds):
        for name, (fields, make) in found.items():
            times = parse.setdefault(name, [])
            each = []
            for data in read[name]:
                t = perf_counter_ns()
                fields(data)
                fields(data)
                fields(data)
                each.append(perf_counter_ns() - t)
            times.append(each)
            t = perf_counter_ns()
            for _ in range(12):
                make()
            build.setdefault(name, []).append(perf_counter_ns() - t)
    out = {"why": why, "parse": {}, "build": {}, "read": {n: len(x) for n, x in read.items()}}
    for name in found:
        # The best of all rounds, for each message: what others did to the machine is not in it.
        best = [min(x) / 3 for x in zip(*parse[name])]
        base = [min(x) / 3 for x in zip(*parse["naive"])]
        base = [t for t, d in zip(base, corpus) if d in read[name]]
        out["parse"][name] = [sum(best) / len(best) / 1000, sum(best) / sum(base)]
        t = min(build[name]) / 12
        out["build"][name] = [t / 1000, t / (min(build["naive"]) / 12)]
    print(json.dumps(out))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
