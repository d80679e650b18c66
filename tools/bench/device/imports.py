# What importing usip keeps of the heap, in steps. asyncio is in every firmware: not counted.

import asyncio  # noqa: F401
import gc
import os  # noqa: F401
import socket  # noqa: F401


def kept():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


start = kept()
from usip import message  # noqa: E402, F401, I001

print("messages", kept() - start)
from usip import agent, calls, sdp  # noqa: E402, F401

print("core", kept() - start)
from usip import digest, phone, registration, trace  # noqa: E402, F401

print("phone", kept() - start)
