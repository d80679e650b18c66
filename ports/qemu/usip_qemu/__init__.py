# usip port for the boards that QEMU emulates: `import usip_qemu as board`
# MIT licence; Copyright (c) 2026 the usip authors

from usip_host.sound import WavAudio

from .net import Net

net = Net()
audio = WavAudio()
