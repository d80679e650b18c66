# usip port for ESP32, S2, S3, C3, ...
# MIT licence; Copyright (c) 2026 the usip authors
#
# Sockets, sound, pins and Wi-Fi are those of usip_micropython. An ESP32 starts with 160 MHz; sound
# both ways wants the 240 that it can.

from usip_micropython import boards
from usip_micropython.net import Net

net = Net()


def build(board):
    """See usip_micropython.boards."""
    if board.get("mhz"):
        import machine

        machine.freq(board["mhz"] * 1_000_000)
    return boards.build(board, net)
