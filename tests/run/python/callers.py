# SPDX-License-Identifier: MIT
"""callers.py HOW ADDRESS PORT COUNT - clients of the three servers beside this file, COUNT of them; prints the answers

"lines" one after the other, two lines each; "word" all at once by threads; "count" the same by asyncio, half-closing.
"""
import asyncio
import socket
import sys
import threading

HOW, ADDR, PORT, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def lines():
    for n in range(COUNT):
        with socket.create_connection((ADDR, PORT), timeout=10) as s, s.makefile("rwb") as file:
            for word in (b"one", b"two"):
                file.write(b"%s %d\n" % (word, n))
                file.flush()
                print(file.readline().decode().strip())


def word():
    def call(n):
        with socket.create_connection((ADDR, PORT), timeout=10) as s:
            s.sendall(b"word %d" % n)
            answer = b""
            while (part := s.recv(100)):
                answer += part
            sys.stdout.write(answer.decode() + "\n")
    threads = [threading.Thread(target=call, args=(n,)) for n in range(COUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def one_count(n):
    reader, writer = await asyncio.open_connection(ADDR, PORT)
    writer.write(b"x" * (n * 10007))
    await writer.drain()
    writer.write_eof()
    print((await reader.read()).decode().strip())
    writer.close()
    await writer.wait_closed()


async def count():
    await asyncio.gather(*(one_count(n) for n in range(COUNT)))


if HOW == "count":
    asyncio.run(count())
else:
    {"lines": lines, "word": word}[HOW]()
