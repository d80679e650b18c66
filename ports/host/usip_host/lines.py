# usip: lines of standard input without blocking, on both interpreters
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio


class lines:
    """An asynchronous iterator over the lines of a stream; ends with the stream."""

    def __init__(self, stream):
        self.stream = stream
        self.reader = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.reader is None:
            self.reader = await _reader(self.stream)
        line = await self.reader.readline()
        if not line:
            raise StopAsyncIteration
        return str(line, "utf-8").strip()


if not hasattr(
    asyncio, "StreamReaderProtocol"
):  # MicroPython: a StreamReader takes the stream itself

    async def _reader(stream):
        return asyncio.StreamReader(stream.buffer)

else:

    async def _reader(stream):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
        return reader
