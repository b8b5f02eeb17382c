#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
transfer.py - 8 MB each way between Lastack and programs of this kernel, over IPv4 and IPv6, equal by checksum
"""
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading

import common
import net

SIZE = 8 << 20
DATA = os.urandom(SIZE)
WANTED = hashlib.sha256(DATA).hexdigest()


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--fail", "--max-time", "20", *args], capture_output=True, text=True)
    common.equal((done.returncode, done.stderr), (0, ""))


def with_server(work, *options):
    """Calls @work(folder) while lastack serves a folder that holds the file "large"."""
    if not shutil.which("curl"):
        return "curl is not installed"
    place = net.Net()
    with tempfile.TemporaryDirectory() as folder, place:
        with open(os.path.join(folder, "large"), "wb") as file:
            file.write(DATA)
        with common.Program("serve", "--upload", "--quiet", *options, folder, ready="serving"):
            work(folder)
    place.close()
    return None


def download(url):
    def work(folder):
        path = os.path.join(folder, "got")
        curl("-o", path, url)
        common.equal(checksum(path), WANTED)
    return work


def upload(url):
    def work(folder):
        curl("-o", os.devnull, "-T", os.path.join(folder, "large"), url)
        common.equal(checksum(os.path.join(folder, "copy")), WANTED)
    return work


def test_curl_downloads_8_MB_over_IPv4():
    return with_server(download(f"http://{common.SUBJECT4}/large"))


def test_curl_downloads_8_MB_over_IPv6():
    return with_server(download(f"http://[{common.SUBJECT6}]/large"))


def test_curl_uploads_8_MB_over_IPv4():
    return with_server(upload(f"http://{common.SUBJECT4}/copy"))


def test_curl_uploads_8_MB_over_IPv6():
    return with_server(upload(f"http://[{common.SUBJECT6}]/copy"))


def test_without_units_the_kernel_gets_segment_after_segment():
    return with_server(download(f"http://{common.SUBJECT4}/large"), "--no-units")


def test_without_units_over_IPv6_too():
    return with_server(download(f"http://[{common.SUBJECT6}]/large"), "--no-units")


def test_one_connection_serves_ten_requests():
    def work(_):
        url = f"http://{common.SUBJECT4}/"
        done = subprocess.run(["curl", "-sS", "--max-time", "20", "-w", "%{http_code} %{num_connects}\n", "-I",
                               *[url + "large"] * 9, url + "nothing"], capture_output=True, text=True)
        codes = [line for line in done.stdout.splitlines() if line[:3] in ("200", "404")]
        common.equal(codes, ["200 1"] + ["200 0"] * 8 + ["404 0"])
    return with_server(work)


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


def test_lastack_get_downloads_8_MB_from_python():
    place = net.Net()
    with tempfile.TemporaryDirectory() as folder, place:
        with open(os.path.join(folder, "large"), "wb") as file:
            file.write(DATA)
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), lambda *a: Files(*a, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = os.path.join(folder, "got")
        done = subprocess.run([common.LASTACK, "get", f"http://{common.PEER4}:8000/large", "--output", path],
                              capture_output=True, text=True, timeout=20)
        server.shutdown()
        server.server_close()
        common.equal((done.returncode, done.stderr), (0, ""))
        common.equal(checksum(path), WANTED)
    place.close()


common.run(globals())
