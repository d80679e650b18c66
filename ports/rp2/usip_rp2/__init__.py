# usip port for the Pico W and others with an RP2040 or RP2350
# MIT licence; Copyright (c) 2026 the usip authors
#
# Sockets, sound, pins and Wi-Fi are those of usip_micropython. An RP2's I2S wants WS on the pin
# after SCK, and its timers are software's: the id is -1. lwIP has sockets for one call there: of
# four, signalling and DHCP have one each, sound and its reports the others.

from usip import limits
from usip_micropython import boards
from usip_micropython.net import Net

net = Net()


def build(board):
    """See usip_micropython.boards."""
    limits.CALLS = 1
    return boards.build(board, net)
