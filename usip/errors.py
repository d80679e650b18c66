# usip: the two families of exceptions
# MIT licence; Copyright (c) 2026 the usip authors


class UsageError(Exception):
    """You called it wrong."""


class ProtocolError(Exception):
    """The peer is wrong. `status` is the SIP status to answer with (0: drop in silence)."""

    def __init__(self, status, why=""):
        super().__init__(status, why)
        self.status = status
        self.why = why
        self.message = None  # what could be read of the message at fault
