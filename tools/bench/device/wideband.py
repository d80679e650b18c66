# G.722, counted. A module of its own: there is no room for all at once.

from usip.media.g722 import Decoder, Encoder


def pieces():
    wide = bytearray(640)
    loud = bytearray([i * 37 & 255 for i in range(640)])
    pcm = bytearray([i * 37 & 255 for i in range(320)])
    noise = bytearray([i * 37 & 255 for i in range(160)])
    octets = bytearray(160)
    e = Encoder()
    d = Decoder()
    return {
        "g722_encode": lambda: e.encode(loud, octets, 0),
        "g722_decode": lambda: d.decode(noise, 0, wide),
        "g722_encode_8k": lambda: e.narrow(pcm, octets, 0),
        "g722_decode_8k": lambda: d.narrow(noise, 0, pcm),
    }
