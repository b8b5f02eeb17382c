# SPDX-License-Identifier: MIT
"""
common.py - what the wire tests share: cases in TAP, namespaces from demo/net.py, Lastack's programs inside them

A test is a function whose name is a sentence; run() plays those of the calling module in the order of the file. Where
the machine has no usable TUN device all of it is skipped with one line that says why.
"""
import os
import subprocess
import sys
import traceback

sys.dont_write_bytecode = True
SRC = os.environ.get("LASTACK_SRC") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("LASTACK_BUILD") or os.path.join(SRC, "build")
LASTACK = os.environ.get("LASTACK_PROGRAM") or os.path.join(BUILD, "lastack")
sys.path.insert(0, os.path.join(SRC, "demo"))

PEER4, SUBJECT4, PEER6, SUBJECT6 = "10.9.0.1", "10.9.0.2", "fd09::1", "fd09::2"


def obstacle():
    """Why there is no usable TUN device here, or None."""
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no right to open /dev/net/tun"
    import net
    try:
        net.Net().close()
    except net.NoNamespace as error:
        return str(error)
    return None


def be_root():
    """An ordinary user goes on as root of a user namespace, if he can."""
    if os.geteuid() == 0 or "LASTACK_WIRE" in os.environ or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return
    os.environ["LASTACK_WIRE"] = "1"
    os.execvp("unshare", ["unshare", "-Urn", sys.executable, *sys.argv])


def run(module):
    """Plays every test_*() of @module, a dictionary of names."""
    be_root()
    tests = [(n, f) for n, f in module.items() if n.startswith("test_")]
    if (why := obstacle()):
        print(f"1..0 # SKIP NO WIRE TESTS: {why}")
        sys.exit(77)
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        sentence = name[5:].replace("_", " ")
        try:
            said = test()
            print(f"ok {number} - {sentence}" + (f" # SKIP {said}" if said else ""), flush=True)
        except Exception:  # the report is the point, whatever it was
            failed += 1
            print(f"not ok {number} - {sentence}", flush=True)
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    sys.exit(1 if failed else 0)


class Program:
    """One of Lastack's commands, running in the namespace of the calling thread."""

    def __init__(self, *args, ready, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen([LASTACK, *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = self.process.stdout.readline().decode()
        if not line.startswith(ready):
            raise AssertionError(f"lastack {args[0]} does not start: {line}{self.end()[1]}")

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        status, said = self.end()
        if not failure and status:  # a sanitizer may have found something
            raise AssertionError(f"it ends with status {status}: {said}")

    def end(self):
        """Asks it to end; its exit status and last words."""
        if self.process.poll() is None:
            self.process.terminate()
        said = self.process.communicate(timeout=10)[0]
        return self.process.returncode, said.decode(errors="replace")[-6000:]


class Play(Program):
    """lastack play, line by line."""

    def __init__(self, *args):
        super().__init__("play", *args, ready="playing", stdin=subprocess.PIPE)

    def begin(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def result(self):
        line = self.process.stdout.readline().decode().strip()
        return line.rpartition(" = ")[2] if " = " in line else f"it said: {line!r}"

    def say(self, line):
        """Plays one line to its end."""
        self.begin(line)
        return self.result()


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")
