# SPDX-License-Identifier: MIT
"""forking.py ADDRESS PORT - a process for each connection, which gives back in capitals what it gets"""
import os
import socketserver
import sys


class Capitals(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"%d " % os.getpid() + line.upper())


class Server(socketserver.ForkingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 64


with Server((sys.argv[1], int(sys.argv[2])), Capitals) as server:
    server.serve_forever(poll_interval=0.1)
