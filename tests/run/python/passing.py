# SPDX-License-Identifier: MIT
"""passing.py ADDRESS PORT - accepts, and hands each connection to one of two older processes, which answers on it

A descriptor goes through a Unix socket (SCM_RIGHTS) by multiprocessing's own means; who accepted it closes its own.
"""
import multiprocessing
import socket
import sys
from multiprocessing import reduction


def worker(pipe):
    while True:
        with socket.socket(fileno=reduction.recv_handle(pipe)) as connection:
            connection.sendall(b"%d " % multiprocessing.current_process().pid + connection.recv(100))


def main():
    workers = []
    for _ in range(2):
        mine, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=worker, args=(theirs,), daemon=True)
        process.start()
        workers.append((mine, process.pid))
    with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
        turn = 0
        while True:
            connection, _ = listener.accept()
            reduction.send_handle(workers[turn][0], connection.fileno(), workers[turn][1])
            connection.close()
            turn ^= 1


main()
