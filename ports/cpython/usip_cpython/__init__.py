# usip port for CPython: `import usip_cpython as board`
# MIT licence; Copyright (c) 2026 the usip authors

from usip_host.gpio import SimRelay
from usip_host.sound import WavAudio

from .net import Net

net = Net()
audio = WavAudio()
opener = SimRelay("door", lambda relay, value: print("door", "open" if value else "shut"))
wifi = None  # this machine has its network
