#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
programs.py quick|all|table [PART] - programs that everybody has, unmodified, on Lastack and against the kernel

Each is played as server or client on Lastack with the kernel at the other side of the device, and ("all") from stack to
stack, and first of all on the kernel alone: what does not pass there says nothing. The text of each function is its
line in README's table, which "table" prints and a test compares.
"""
import contextlib
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import place

HERE = os.path.dirname(os.path.abspath(__file__))
LARGE = 16 << 20
ROOT = "LASTACK_WIRE" not in os.environ  # else of a user namespace without other users
WORLDS = {"kernel to kernel": ("kernel", "kernel"), "from the kernel": ("lastack", "kernel"),
          "to the kernel": ("kernel", "lastack"), "stack to stack": ("lastack", "lastack")}
PROGRAMS = []


def program(name, needs=(), quick=False):
    def enter(function):
        PROGRAMS.append((name, [name.split()[0], *needs], quick, function))
        return function
    return enter


def equal(found, wanted):
    place.common.equal(found, wanted)


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"no {part!r} in {text[-2000:]!r}")


def eventually(what, true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def large_file(world):
    block = hashlib.sha256(b"lastack").digest() * 1024
    world.write("large", b"".join(bytes([n & 255]) + block[1:] for n in range(LARGE // len(block))))
    return checksum(world.path("large"))


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def curl(world, *args, **options):
    return world.client.good("curl", "-sS", "--fail", "--max-time", "25", *args, **options)


# ---------------------------------------------------------------- web

@program("curl", ["python3"], quick=True)
def test_curl(world):
    """16 MB from `python3 -m http.server`: whole, at a limited rate, killed in the middle, and once more"""
    wanted = large_file(world)
    url = f"http://{world.server.addr}:8000/large"
    world.server.start("python3", "-m", "http.server", "-b", world.server.addr, "-d", world.folder, "8000")
    world.server.listens(8000)
    curl(world, "-o", world.path("got"), url)
    equal(checksum(world.path("got")), wanted)
    begin = time.monotonic()
    curl(world, "--limit-rate", "4M", "-r", "0-4194303", "-o", world.path("slow"), url)
    with open(world.path("large"), "rb") as all_of_it, open(world.path("slow"), "rb") as part:
        equal(hashlib.sha256(part.read(4 << 20)).hexdigest(), hashlib.sha256(all_of_it.read(4 << 20)).hexdigest())
    if time.monotonic() - begin < 0.5:
        raise AssertionError("the limit made no difference")
    killed = world.client.start("curl", "-sS", "--limit-rate", "1M", "-o", world.path("part"), url)
    eventually("the part begins", lambda: os.path.exists(world.path("part")) and os.path.getsize(world.path("part")))
    kill_program(killed)
    curl(world, "-o", world.path("again"), url)
    equal(checksum(world.path("again")), wanted)


def kill_program(process):
    """SIGKILL for the program itself, not for the `lastack run` that started it."""
    for pid in place.descendants(process.pid):
        if place.name_of(pid) == "curl":
            os.kill(pid, signal.SIGKILL)
    process.wait(5)


def gone(pid):
    """It has ended; whoever started it may not have asked yet."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] in "ZX"
    return True


NGINX = """
daemon {daemon};
user {user};
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 512; }}
http {{
	access_log off;
	keepalive_requests 100000;
	client_max_body_size 64m;
	client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
	uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
	server {{
		listen {addr}:8080 backlog=511;
		root {folder}/www;
		location /said {{ return 200 "{word}\\n"; }}
		location /put/ {{ dav_methods PUT DELETE; }}
		location /lines {{ limit_rate 1m; alias {folder}/www/large; }}
	}}
}}
"""


class Nginx:
    """nginx with two workers, its folder, and its processes by their pid files."""

    def __init__(self, world, daemon="off"):
        self.world, self.daemon = world, daemon
        for name in ("www", "www/put", "temp"):
            os.makedirs(world.path(name), exist_ok=True)
            os.chmod(world.path(name), 0o777)
        self.wanted = large_file(world)
        os.replace(world.path("large"), world.path("www", "large"))
        world.write("www/small", "small\n")
        self.configure("first")
        self.url = f"http://{world.server.addr}:8080"
        self.process = None

    def configure(self, word):
        self.world.write("nginx.conf", NGINX.format(folder=self.world.folder, addr=self.world.server.addr, word=word,
                                                    daemon=self.daemon, user="nobody nogroup" if ROOT else "root root"))

    def __enter__(self):
        path = shutil.which("nginx")  # whole: it starts itself again by this name
        self.process = self.world.server.start(path, "-e", self.world.path("error.log"),
                                               "-c", self.world.path("nginx.conf"))
        self.world.server.listens(8080)
        return self

    def pid(self, old=False):
        with open(self.world.path("nginx.pid.oldbin" if old else "nginx.pid"), encoding="ascii") as file:
            return int(file.read())

    def signal(self, what, old=False):
        os.kill(self.pid(old), what)

    def workers(self, old=False):
        with open(f"/proc/{self.pid(old)}/task/{self.pid(old)}/children", encoding="ascii") as file:
            return [pid for pid in map(int, file.read().split()) if place.name_of(pid) == "nginx"]

    def log(self):
        with open(self.world.path("error.log"), encoding="utf-8") as file:
            return file.read()

    def __exit__(self, *_):
        for old in (True, False):
            with contextlib.suppress(OSError):
                pid = self.pid(old)
                os.kill(pid, signal.SIGQUIT)
                eventually("nginx ends", lambda pid=pid: gone(pid))


@program("nginx", ["curl"], quick=True)
def test_nginx(world):
    """master and 2 workers as another user: ten requests on one connection, 16 MB down, 16 MB up (PUT)"""
    with Nginx(world) as nginx:
        count = curl(world, "-w", "%{num_connects}\n", *[f"{nginx.url}/said"] * 10)
        equal(count.split(), ["first", "1"] + ["first", "0"] * 9)
        curl(world, "-o", world.path("got"), nginx.url + "/large")
        equal(checksum(world.path("got")), nginx.wanted)
        curl(world, "-T", world.path("got"), nginx.url + "/put/copy")
        equal(checksum(world.path("www", "put", "copy")), nginx.wanted)
        has(curl(world, "-I", nginx.url + "/small"), "Connection: keep-alive")
    equal(place.end(nginx.process), 0)
    if "[alert]" in nginx.log():
        raise AssertionError(nginx.log())


def begin_slowly(world, nginx):
    """A download of some three seconds, when it has begun."""
    slow = world.client.start("curl", "-sS", "--fail", "--max-time", "25", "--limit-rate", "6M",
                              "-o", world.path("slow"), nginx.url + "/large")
    eventually("the download begins", lambda: os.path.exists(world.path("slow")))
    return slow


@program("nginx reload", ["nginx", "curl"])
def test_nginx_reload(world):
    """SIGHUP under a slow download: new workers, the old ones finish what they have, and no request fails"""
    with Nginx(world) as nginx:
        slow = begin_slowly(world, nginx)
        old = nginx.workers()
        for word in ("second", "third"):
            nginx.configure(word)
            nginx.signal(signal.SIGHUP)
            eventually("the new word", lambda word=word: curl(world, nginx.url + "/said").strip() == word)
        equal(place.Finished(slow, 25).status, 0)
        equal(checksum(world.path("slow")), nginx.wanted)
        eventually("the old workers end", lambda: all(map(gone, old)))
        equal(len(nginx.workers()), 2)


@program("nginx upgrade", ["nginx", "curl"])
def test_nginx_upgrade(world):
    """as a daemon, SIGUSR2: a new master inherits the listeners by exec, the old one ends, and no request fails"""
    with Nginx(world, daemon="on") as nginx:
        slow = begin_slowly(world, nginx)
        first = nginx.pid()
        nginx.configure("upgraded")
        nginx.signal(signal.SIGUSR2)
        eventually("the new master", lambda: os.path.exists(world.path("nginx.pid")) and nginx.pid() != first
                   and len(nginx.workers()) == 2)
        for _ in range(10):
            if curl(world, nginx.url + "/said").strip() not in ("first", "upgraded"):
                raise AssertionError("another word")
        nginx.signal(signal.SIGQUIT, old=True)
        equal(place.Finished(slow, 25).status, 0)
        equal(checksum(world.path("slow")), nginx.wanted)
        eventually("the old master ends", lambda: gone(first))
        for _ in range(10):
            equal(curl(world, nginx.url + "/said").strip(), "upgraded")


@program("wrk", ["nginx"])
def test_wrk(world):
    """2 seconds with 20 connections against nginx, keep-alive and then one connection a request, without an error"""
    with Nginx(world) as nginx:
        for more in ([], ["-H", "Connection: close"]):
            said = world.client.good("wrk", "-t", "2", "-c", "20", "-d", "2", *more, nginx.url + "/small")
            rate = float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
            if rate < 20 or "Non-2xx" in said or (not more and "Socket errors" in said):
                raise AssertionError(said)


# ---------------------------------------------------------------- redis, postgres

def redis(world):
    server = world.server.start("redis-server", "--bind", world.server.addr, "--port", "6379", "--protected-mode", "no",
                                "--dir", world.folder, "--save", "")
    world.server.listens(6379)
    return server


@program("redis-server", ["redis-cli"], quick=True)
def test_redis(world):
    """redis-cli: 8 MB in and out, INFO, a background save by a forked child, SHUTDOWN"""
    server = redis(world)
    cli = ("redis-cli", "-h", world.server.addr)
    value = b"redis " * (8 << 20 >> 3)
    path = world.write("value", value)
    with open(path, "rb") as file:
        equal(world.client.good(*cli, "-x", "set", "key", stdin=file), "OK\n")
    equal(world.client.good(*cli, "--raw", "get", "key", timeout=30).encode(), value + b"\n")
    has(world.client.good(*cli, "bgsave"), "Background saving started")
    eventually("the dump", lambda: os.path.exists(world.path("dump.rdb")))
    eventually("saved", lambda: "rdb_last_bgsave_status:ok" in world.client.good(*cli, "info")
               and "rdb_bgsave_in_progress:0" in world.client.good(*cli, "info"))
    world.client.run(*cli, "shutdown", "nosave")
    equal(server.wait(10), 0)


@program("redis-benchmark", ["redis-server", "redis-cli"])
def test_redis_benchmark(world):
    """20,000 SET and GET by 50 clients, then with a pipeline of 16, then with a connection for each request"""
    redis(world)
    for more in (["-n", "20000"], ["-n", "20000", "-P", "16"], ["-n", "2000", "-k", "0"]):
        said = world.client.good("redis-benchmark", "-h", world.server.addr, "-t", "set,get", "-q", *more, timeout=60)
        equal(len(re.findall(r"[SG]ET: [\d.]+ requests per second", said)), 2)


POSTGRES = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None)


@program("postgres", ["psql"])
def test_postgres(world):
    """as its own user, a process for each psql: 100,000 rows by COPY, six at once, one terminated, fast shutdown"""
    if not POSTGRES or not ROOT:
        return "needs root, to become another user" if POSTGRES else "postgres is not installed"
    data = world.path("data")
    os.makedirs(data)
    shutil.chown(data, "postgres")
    user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    subprocess.run([*user, POSTGRES + "/initdb", "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C"],
                   check=True, capture_output=True, cwd=data)
    with open(data + "/pg_hba.conf", "a", encoding="ascii") as file:
        file.write("host all all 0.0.0.0/0 trust\n")
    server = world.server.start(*user, POSTGRES + "/postgres", "-D", data, "-h", world.server.addr, "-k", "", "-F",
                                cwd=data)
    world.server.listens(5432)
    psql = ("psql", "-X", "-q", "-t", "-A", "-h", world.server.addr, "-U", "postgres", "-v", "ON_ERROR_STOP=1")
    eventually("it answers", lambda: world.client.run(*psql, "-c", "select 1").out == "1\n", 20)
    rows = world.write("rows", "".join(f"{n}\trow number {n}\n" for n in range(100000)))
    world.client.good(*psql, "-c", "create table t (n int, word text)", "-c", f"\\copy t from '{rows}'")
    equal(world.client.good(*psql, "-c", "select count(*), sum(n) from t"), "100000|4999950000\n")
    several = [world.client.start(*psql, "-c", f"select count(*) from t, generate_series(1, 5) where n % 6 = {n}")
               for n in range(6)]
    equal(sum(int(place.Finished(p, 30).out) for p in several), 500000)
    sleeper = world.client.start(*psql, "-c", "select pg_sleep(20)")
    ending = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'"
    eventually("one sleeps", lambda: world.client.good(*psql, "-c", ending) == "t\n")
    has(place.Finished(sleeper, 10).out, "terminating connection")
    with open(data + "/postmaster.pid", encoding="ascii") as file:
        os.kill(int(file.readline()), signal.SIGINT)
    equal(server.wait(15), 0)
    return None


# ---------------------------------------------------------------- python

def python(world, name):
    world.server.start("python3", os.path.join(HERE, "python", name + ".py"), world.server.addr, 9000)
    world.server.listens(9000)


def call(world, how, count):
    callers = os.path.join(HERE, "python", "callers.py")
    return world.client.good("python3", callers, how, world.server.addr, 9000, count).splitlines()


@program("python3 socketserver", quick=True)
def test_python_forking(world):
    """ForkingMixIn: 20 connections, each answered by a process of its own"""
    python(world, "forking")
    said = [line.split() for line in call(world, "lines", 20)]
    equal([words[1:] for words in said], [[word, str(n)] for n in range(20) for word in ("ONE", "TWO")])
    equal(len({words[0] for words in said}), 20)


@program("python3 asyncio", quick=True)
def test_python_asyncio(world):
    """50 connections at once in one process at either end, up to 490 kB each, half-closed"""
    python(world, "asynchronous")
    equal(sorted(map(int, call(world, "count", 50))), [n * 10007 for n in range(50)])


@program("python3 multiprocessing", quick=True)
def test_python_passing(world):
    """accepted sockets are passed to two older processes over Unix sockets, which answer and close"""
    python(world, "passing")
    said = [line.split() for line in call(world, "word", 20)]
    equal(sorted(int(words[2]) for words in said), list(range(20)))
    equal(len({words[0] for words in said}), 2)


# ---------------------------------------------------------------- tools

@program("iperf3")
def test_iperf3(world):
    """one second each way, then with four streams"""
    world.server.start("iperf3", "-s", "-B", world.server.addr, stdout=subprocess.DEVNULL)
    world.server.listens(5201)
    for more in ([], ["-R"], ["-P", "4"]):
        said = world.client.good("iperf3", "-c", world.server.addr, "-t", "1", "-f", "m", *more)
        rates = re.findall(r"([\d.]+) Mbits/sec.*receiver", said)
        if not rates or float(rates[-1]) < 10:
            raise AssertionError(said)
        eventually("the server is free again", lambda: not world.server.connections())


@program("openssl", quick=True)
def test_openssl(world):
    """s_server and s_client: TLS 1.3, lines turned round by -rev, and 4 MB by -WWW"""
    key, cert = world.path("key.pem"), world.path("cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=test", "-keyout", key, "-out", cert], check=True, capture_output=True)
    at = f"{world.server.addr}:4433"
    files = ("-key", key, "-cert", cert)
    server = world.server.start("openssl", "s_server", "-accept", at, *files, "-rev", "-naccept", "1")
    world.server.listens(4433)
    process = world.client.start("openssl", "s_client", "-connect", at, "-CAfile", cert, "-brief",
                                 stdin=subprocess.PIPE)
    process.stdin.write(b"drawer\n")
    process.stdin.flush()
    said = b""
    deadline = time.monotonic() + 10
    while b"reward" not in said and time.monotonic() < deadline:
        said += os.read(process.stdout.fileno(), 4096)
    process.stdin.close()
    process.stdin = None
    has(said.decode() + place.Finished(process, 10).out, "TLSv1.3", "Verification: OK", "reward")
    equal(server.wait(10), 0)
    world.write("page", b"0123456789abcde\n" * (4 << 16))
    world.server.start("openssl", "s_server", "-accept", at, *files, "-WWW", cwd=world.folder)
    world.server.listens(4433)
    curl(world, "--http0.9", "--cacert", cert, "--connect-to", f"test:4433:{at}", "-o", world.path("got"),
         "https://test:4433/page")
    equal(checksum(world.path("got")), checksum(world.path("page")))


@program("socat", quick=True)
def test_socat(world):
    """a forked process and /bin/cat for each connection, 4 MB there and back with a half-close"""
    world.write("data", os.urandom(4 << 20))
    world.server.start("socat", f"TCP-LISTEN:7777,bind={world.server.addr},fork,reuseaddr", "EXEC:cat")
    world.server.listens(7777)
    for _ in range(3):
        with open(world.path("data"), "rb") as data, open(world.path("back"), "wb") as back:
            world.client.good("socat", "-t", "10", "-", f"TCP:{world.server.addr}:7777", stdin=data, stdout=back)
        equal(checksum(world.path("back")), checksum(world.path("data")))


@program("ncat")
def test_ncat(world):
    """a program for each connection (--exec), and files sent one way (--send-only, --recv-only)"""
    world.write("data", os.urandom(4 << 20))
    world.server.start("ncat", "-l", "-k", world.server.addr, "7777", "--exec", "/bin/cat")
    world.server.listens(7777)
    for _ in range(3):
        process = world.client.start("ncat", world.server.addr, "7777", stdin=subprocess.PIPE)
        process.stdin.write(b"there and back\n")
        process.stdin.flush()
        equal(process.stdout.readline(), b"there and back\n")
        process.stdin.close()
        process.stdin = None
        equal(place.Finished(process, 10).out, "")
    with open(world.path("got"), "wb") as got:
        server = world.server.start("ncat", "-l", world.server.addr, "7778", "--recv-only", stdout=got)
        world.server.listens(7778)
        with open(world.path("data"), "rb") as data:
            world.client.good("ncat", "--send-only", world.server.addr, "7778", stdin=data)
        equal(server.wait(10), 0)
    equal(checksum(world.path("got")), checksum(world.path("data")))


@program("dropbear", ["dropbearkey", "dbclient"])
def test_dropbear(world):
    """a login with a key by dbclient: a command with its exit status, 4 MB through cat, three sessions at once"""
    if not ROOT:
        return "needs root, to let somebody log in"
    home = world.path("home")
    os.makedirs(home + "/.ssh", mode=0o700)
    for name in ("host", "mine"):
        subprocess.run(["dropbearkey", "-t", "ed25519", "-f", world.path(name)], check=True, capture_output=True)
    shown = subprocess.run(["dropbearkey", "-y", "-f", world.path("mine")], check=True, capture_output=True,
                           text=True).stdout
    world.write("home/.ssh/authorized_keys", re.search(r"^ssh-ed25519 .*$", shown, re.M)[0] + "\n")
    os.chmod(world.path("home/.ssh/authorized_keys"), 0o600)
    # In a mount namespace of its own the folder is root's home.
    world.server.start("unshare", "-m", "sh", "-c", f"mount --make-rprivate / && mount --bind {home} /root && "
                       f"exec dropbear -F -E -s -r {world.path('host')} -P {world.path('pid')} "
                       f"-p {world.server.addr}:2222")
    world.server.listens(2222)
    ssh = ("dbclient", "-y", "-y", "-i", world.path("mine"), "-p", "2222", f"root@{world.server.addr}")
    done = world.client.run(*ssh, "echo here; exit 7", env={**os.environ, "HOME": home})
    equal((done.status, done.out), (7, "here\n"))
    world.write("data", os.urandom(4 << 20))
    with open(world.path("data"), "rb") as data, open(world.path("back"), "wb") as back:
        world.client.good(*ssh, "cat", stdin=data, stdout=back, env={**os.environ, "HOME": home})
    equal(checksum(world.path("back")), checksum(world.path("data")))
    several = [world.client.start(*ssh, f"sleep 0.3; echo {n}", env={**os.environ, "HOME": home},
                                  stderr=subprocess.DEVNULL) for n in range(3)]
    equal([place.Finished(p, 15).out for p in several], ["0\n", "1\n", "2\n"])
    return None


# ---------------------------------------------------------------- all of them

def play(kinds, needs, function):
    for need in needs:
        if need != "postgres" and not shutil.which(need, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"{need} is not installed"
    with place.World(*kinds) as world:
        try:
            said = function(world)
        except Exception:
            for side in world.sides:
                print("".join(f"# {side.stack}: {line}\n" for line in side.connections()[:50]), end="")
            raise
        for side in world.sides:
            side.end_programs()
        for side in world.sides:
            eventually(f"no connection is left on the {side.stack}", lambda side=side: not side.connections())
    return said


def table():
    lines = ["| program | what was run |", "| --- | --- |"]
    return "\n".join(lines + [f"| {name} | {function.__doc__} |" for name, _, _, function in PROGRAMS]) + "\n"


def test_the_table_in_README_is_this_one():
    def text(name):
        with open(os.path.join(place.common.SRC, name), encoding="utf-8") as file:
            return file.read()
    if table() not in text("README.md"):
        raise AssertionError("README.md does not have what `tests/run/programs.py table` prints")
    has(text("README.zh-CN.md"), *(f"\n| {name} | " for name, *_ in PROGRAMS))


def main():
    which, part = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    if which == "table":
        print(table(), end="")
        return
    place.common.be_root()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    worlds = ["from the kernel"] if which == "quick" else list(WORLDS)
    if (why := place.without_run()):
        worlds = [w for w in worlds if w == "kernel to kernel"]
        print(f"# only the kernel: {why}")
    tests = {f"test_{name} {world}": lambda w=WORLDS[world], n=needs, f=function: play(w, n, f)
             for name, needs, quick, function in PROGRAMS for world in worlds if quick or which == "all"}
    if which == "quick":
        tests["test_the_table_in_README_is_this_one"] = test_the_table_in_README_is_this_one
    place.common.run({name: test for name, test in tests.items() if part in name})


main()
