# usip port: a board's objects, made from its pins
# MIT licence; Copyright (c) 2026 the usip authors
#
# What a board does not have is not imported: a ringer pays for no sound.


def build(board, net):
    """The names of a board module, as a dict: `net`, `audio`, `button`, `opener`, `ringer`, `lamp`
    (None where there is none), `wifi(ssid, key)` and `supervision(watchdog_ms)`, see restart.py.
    `board` is the BOARD of its board.py."""
    made = {"net": net, "audio": None, "button": None, "opener": None, "ringer": None, "lamp": None}
    # First of all what must not open by itself.
    row = board.get("opener")
    if row:
        from machine import Timer

        from .gpio import Relay

        made["opener"] = Relay(row["pin"], Timer(row["timer"]), row["on"], row["most_ms"])
    row = board.get("button")
    if row:
        from . import gpio

        kind = gpio.BellWire if row.get("wire") else gpio.Button
        made["button"] = kind(row["pin"], pull=row.get("pull"))
    row = board.get("ringer")
    if row:
        from machine import PWM, Pin

        from .gpio import Ringer

        made["ringer"] = Ringer(pwm=PWM(Pin(row["pin"]), freq=800, duty_u16=0))
    row = board.get("lamp")
    if row:
        from .gpio import Lamp

        made["lamp"] = Lamp(row["pin"], row["on"])
    if board.get("microphone") or board.get("amplifier"):
        made["audio"] = _audio(board)

    def wifi(ssid, key):
        from .wifi import Wifi

        return Wifi(ssid, key, net, hostname=board["hostname"])

    def supervision(watchdog_ms=8000):
        from . import restart

        return restart.supervision(watchdog_ms)

    made["wifi"] = wifi
    made["supervision"] = supervision
    return made


_PINS = "id", "sck", "ws", "sd", "rate"


def _audio(board):
    from .i2s import Amplifier, I2SAudio, Microphone

    m, a = board.get("microphone"), board.get("amplifier")
    microphone = amplifier = None
    if m:
        microphone = Microphone(*[m[x] for x in _PINS], bits=m["bits"], louder=m["louder"])
    if a:
        full = board["port"] == "esp32"
        amplifier = Amplifier(*[a[x] for x in _PINS], enable=a.get("enable"), full=full)
    if m and a and m["id"] == a["id"]:
        from .turns import TurnsAudio

        audio = TurnsAudio(microphone, amplifier)
    else:
        audio = I2SAudio(microphone, amplifier)
    row = board.get("codec")
    if row:
        from usip_codecs import CodecAudio

        audio = CodecAudio(audio, row)
    return audio
