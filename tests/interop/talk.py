"""What is heard and not heard in a call that is held: packets while it lasts, sound afterwards."""

import array
import socket
import struct
import time
import wave

import rig as rigs

_PAUSE = 15  # frames of 20 ms


class Talk:
    """The RTP that a phone has sent and received so far, read from the pcap that it is writing."""

    def __init__(self, phone):
        self.phone = phone
        self.sent = self.received = 0
        self._ip = socket.inet_aton(phone.ip)
        self._at = 24  # behind the file's header
        self._flag = struct.Struct("<8xI4x")

    def look(self):
        with open(self.phone.pcap, "rb") as stream:
            stream.seek(self._at)
            data = stream.read()
        at = 0
        while at + 16 <= len(data):
            (size,) = self._flag.unpack_from(data, at)
            packet = data[at + 16 : at + 16 + size]
            if len(packet) < size:
                break  # it is being written
            at += 16 + size
            if 5060 not in struct.unpack_from("!2H", packet, 20):
                if packet[12:16] == self._ip:
                    self.sent += 1
                else:
                    self.received += 1
        self._at += at
        return self.sent, self.received

    def flows(self, packets=25):
        """Wait until so many more have gone each way."""
        sent, received = (n + packets for n in self.look())

        def done():
            self.look()
            return self.sent >= sent and self.received >= received

        rigs.until(done, f"{packets} packets each way, {self.phone.name}")

    def stops(self, which=("sent", "received"), seconds=0.6):
        """Wait until for so long none has gone that way."""
        last = [None, 0]

        def quiet():
            self.look()
            now = [getattr(self, w) for w in which]
            if now != last[0]:
                last[:] = now, time.monotonic()
            return time.monotonic() - last[1] >= seconds

        rigs.until(quiet, f"{seconds} s with no packet {which}, {self.phone.name}")


def stretches(path, last=60):
    """The sound in a recording without its pauses, each stretch as a WAV file of its own.

    `last`: not more than the last so many seconds of each. What is shorter than 0.3 s is none.
    """
    pcm = rigs.samples(path)
    blocks = [pcm[i : i + 160] for i in range(0, len(pcm) - 159, 160)]
    loud = [max(b) - min(b) > 1000 for b in blocks]
    found = []
    silent = _PAUSE
    for i, is_loud in enumerate(loud):
        if is_loud:
            if silent >= _PAUSE:
                found.append([i, i])
            found[-1][1] = i + 1
            silent = 0
        else:
            silent += 1
    files = []
    for first, end in found:
        if end - first >= _PAUSE:
            first = max(first, end - int(last * 50))
            files.append(path.with_name(f"{path.stem}-{len(files)}.wav"))
            with wave.open(str(files[-1]), "wb") as w:
                w.setparams((1, 2, 8000, 0, "NONE", ""))
                w.writeframes(array.array("h", pcm[first * 160 : end * 160]).tobytes())
    return files
