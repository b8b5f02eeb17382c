# SPDX-License-Identifier: MIT
"""asynchronous.py ADDRESS PORT - asyncio: counts what it gets until the end of file, then answers the count"""
import asyncio
import sys


async def count(reader, writer):
    total = 0
    while (data := await reader.read(1 << 16)):
        total += len(data)
    writer.write(b"%d\n" % total)
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(count, sys.argv[1], int(sys.argv[2]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
