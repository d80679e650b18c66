# usip: tests of simulated pins and sound
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio
import os

import virtualtime
from usip.errors import UsageError
from usip.media.wav import Reader
from usip_host.gpio import LineGpio, SimButton, SimRelay
from usip_host.sound import ToneAudio, WavAudio


async def turns(n=5):
    for _ in range(n):
        await asyncio.sleep(0)


async def press(button, heard, who):
    await button.pressed()
    heard.append(who)


def test_button_wakes_all():
    async def main():
        heard = []
        b = SimButton()
        tasks = [asyncio.create_task(press(b, heard, i)) for i in range(3)]
        await turns()
        assert heard == []
        b.press()
        await turns()
        assert sorted(heard) == [0, 1, 2]
        for t in tasks:
            await t
        # that press is used up
        t = asyncio.create_task(press(b, heard, 9))
        await turns()
        b.press()  # still down: no new press
        await turns()
        assert 9 not in heard
        b.release()
        b.press()
        await t
        assert heard[3:] == [9] and b.count == 2 and b.value == 1

    virtualtime.run(main())


def test_button_pressed_before():
    async def main():
        b = SimButton()
        b.click()
        b.click()
        await asyncio.wait_for(b.pressed(), 1)
        b.click()
        b.clear()
        try:
            await asyncio.wait_for(b.pressed(), 0.01)
            raise AssertionError
        except asyncio.TimeoutError:
            pass

    virtualtime.run(main())


def test_button_outlives_a_loop():
    b = SimButton()  # made before any loop runs, as in a board file

    async def wait():
        try:
            await asyncio.wait_for(b.pressed(), 0.01)
        except asyncio.TimeoutError:
            pass

    async def heard():
        t = asyncio.create_task(b.pressed())
        await turns()
        b.click()
        await asyncio.wait_for(t, 1)

    virtualtime.run(wait())
    virtualtime.run(heard())
    virtualtime.run(heard())


def test_button_tells():
    seen = []
    b = SimButton("bell", lambda button, value: seen.append((button.name, value)))
    b.press()
    b.press()
    b.release()
    b.release()
    assert seen == [("bell", 1), ("bell", 0)]


def test_relay():
    seen = []

    async def main():
        r = SimRelay("door", lambda relay, value: seen.append(value))
        r.on()
        r.on()
        r.off()
        assert seen == [1, 0]
        await r.pulse(5)
        assert seen == [1, 0, 1, 0] and r.value == 0 and r.pulses == 1
        # the longer of two that overlap
        a = asyncio.create_task(r.pulse(5))
        await turns()
        b = asyncio.create_task(r.pulse(40))
        await a
        assert r.value == 1
        await b
        assert r.value == 0 and seen == [1, 0, 1, 0, 1, 0] and r.pulses == 3
        # switched on by hand: no pulse that began earlier switches it off
        a = asyncio.create_task(r.pulse(5))
        await turns()
        r.on()
        await a
        assert r.value == 1
        r.off()
        # cancelled, it does not stay open
        a = asyncio.create_task(r.pulse(10000))
        await turns()
        assert r.value == 1
        a.cancel()
        try:
            await a
        except asyncio.CancelledError:
            pass
        assert r.value == 0

    virtualtime.run(main())


def test_lines():
    out = []
    g = LineGpio(out.append)
    b = g.button("bell")
    r = g.relay("door")
    assert g.button("bell") is b and g.relay("door") is r
    assert g.feed("press bell\n") and b.value == 1
    assert g.feed(" release  bell ") and b.value == 0
    assert g.feed("click bell") and b.count == 2
    assert g.feed("\n")
    r.on()
    r.off()
    assert out == ["relay door 1", "relay door 0"]
    assert not g.feed("press gate")
    assert not g.feed("open door\n")
    assert not g.feed("press")
    assert out[2:] == ["error no button gate", "error not understood: open door"] + [
        "error not understood: press"
    ]


# Another name in every run: two runtimes may run this file at the same time.
FILE = "usip-test-%s.wav" % "".join(["%02x" % c for c in os.urandom(6)])


def recorded():
    with open(FILE, "rb") as f:
        r = Reader(f)
        pcm = bytearray(2000)
        return bytes(pcm[: 2 * r.readinto(pcm)])


def test_sound():
    try:
        frames = [bytearray(320) for _ in range(3)]
        tone = ToneAudio(1000, 8000)
        a = WavAudio(record=FILE)
        assert a.played
        a.start()
        for f in frames:
            tone.readinto(f)
            a.write(f)
        a.stop()
        assert recorded() == bytes(frames[0] + frames[1] + frames[2])
        a.write(frames[0][:100])
        a.close()
        assert len(recorded()) == 1060
        for loop in (False, True):
            a = WavAudio(FILE, loop=loop)
            for _ in range(2):
                a.start()
                pcm = bytearray(320)
                for f in frames:
                    assert not a.played
                    a.readinto(pcm)
                    assert pcm == f
                a.readinto(pcm)
                assert pcm == frames[0][:100] + bytes(220)
                a.readinto(pcm)
                assert pcm == (frames[0] if loop else bytes(320))
                assert a.played != loop
                a.write(pcm)
                a.stop()
            a.close()
            a.readinto(pcm)
            assert pcm == bytes(320)
    finally:
        os.remove(FILE)


def test_loop_has_no_gap():
    try:
        a = WavAudio(record=FILE)
        frame = bytearray(b"\x11" * 320)
        a.write(frame)
        a.close()
        a = WavAudio(FILE, loop=True)
        a.start()
        for _ in range(5):
            pcm = bytearray(320)
            a.readinto(pcm)
            assert pcm == frame
        a.close()
    finally:
        os.remove(FILE)


def test_tone():
    tone = ToneAudio(2000, 8000)
    pcm = bytearray(320)
    tone.readinto(pcm)
    assert pcm[:8] == b"\x00\x00\x40\x1f\x00\x00\xc0\xe0"
    assert pcm[:8] == pcm[8:16] == pcm[312:]
    tone.write(pcm)
    assert tone.frames == 1


def test_sound_refuses():
    for play, record in (("no/such.wav", None), (None, "no/such/dir.wav")):
        try:
            WavAudio(play, record)
            raise AssertionError
        except UsageError as e:
            assert str(e).startswith("cannot open no/such")
    with open(FILE, "wb") as f:
        f.write(b"hello")
    try:
        WavAudio(FILE)
        raise AssertionError
    except UsageError as e:
        assert str(e) == FILE + ": not a WAV file"
    finally:
        os.remove(FILE)
