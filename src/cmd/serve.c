// SPDX-License-Identifier: MIT
/*
 * cmd/serve.c - lastack serve: files over HTTP/1.1, and uploads
 *
 * A connection goes round through these phases:
 *
 *   HEAD    bytes are collected until a request's head is whole
 *   BODY    an upload's bytes go to a file, or are only counted
 *   REPLY   the answer's head, then the file, go out
 *   DRAIN   our FIN is sent; what the peer still sends is thrown away until its own FIN, so that it sees the whole
 *           answer and not a reset
 *
 * serve_step() runs the phase until it would block; begin_*() functions move from one to the next.
 */
#include "cmd/http.h"
#include "cmd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVE_CHUNK 65536

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_REPLY, PHASE_DRAIN };

/**
 * struct serve_conn - one client
 * @head, @held:   bytes received and not yet used; a request's head, perhaps the beginning of its body or of the next
 * @out:           the answer up to the file's content
 * @file:          what is sent or written now, -1: nothing
 * @at, @end:      bytes of it done, and to do
 */
struct serve_conn {
	struct server_conn conn;
	enum phase phase;
	struct http_head request;
	size_t held, out_len, out_sent;
	int file;
	uint64_t at, end;
	char head[HTTP_HEAD_MAX];
	char out[512];
};

struct serve {
	int folder;
	bool uploads, quiet;
	uint8_t chunk[SERVE_CHUNK];
};

static struct serve *serve_of(struct serve_conn *sc)
{
	return sc->conn.server->world;
}

/* ------------------------------------------------------------------ answers */

__attribute__((format(printf, 4, 5))) static void reply_head(struct serve_conn *sc, const char *status, uint64_t length,
							     const char *fmt, ...)
{
	int len = snprintf(sc->out, sizeof(sc->out), "HTTP/1.1 %s\r\nServer: lastack\r\nContent-Length: %llu\r\n%s\r\n",
			   status, (unsigned long long)length, sc->request.close ? "Connection: close\r\n" : "");
	va_list args;

	va_start(args, fmt);
	vsnprintf(sc->out + len, sizeof(sc->out) - (size_t)len, fmt, args);
	va_end(args);
	sc->out_len = strlen(sc->out);
	sc->out_sent = 0;
	sc->phase = PHASE_REPLY;
	if (!serve_of(sc)->quiet)
		printf("%s %s: %s, %llu bytes\n", sc->request.first, sc->request.second, status,
		       (unsigned long long)(sc->end ? sc->end : length));
}

/* A short answer with a line of text as its body. */
static void reply_text(struct serve_conn *sc, const char *status, const char *text)
{
	bool bare = !strcmp(sc->request.first, "HEAD");

	sc->at = sc->end = 0;
	reply_head(sc, status, strlen(text), "%s", bare ? "" : text);
}

/* A request that leaves the stream in the dark: nothing after it can be understood. */
static void reply_and_close(struct serve_conn *sc, const char *status, const char *text)
{
	sc->request.close = true;
	sc->held = 0;
	reply_text(sc, status, text);
}

static void begin_download(struct serve_conn *sc, const char *path)
{
	struct stat st;
	int fd = openat(serve_of(sc)->folder, *path ? path : "index.html", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		reply_text(sc, "404 Not Found", "there is no such file\n");
		return;
	}
	sc->file = fd;
	sc->at = 0;
	sc->end = strcmp(sc->request.first, "HEAD") ? (uint64_t)st.st_size : 0;
	reply_head(sc, "200 OK", (uint64_t)st.st_size, "%s", "");
}

static void begin_upload(struct serve_conn *sc, const char *path)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (sc->request.length == HTTP_NO_LENGTH || sc->request.chunked) {
		reply_and_close(sc, "411 Length Required", "an upload wants a Content-Length\n");
		return;
	}
	if (serve_of(sc)->uploads) {
		sc->file = openat(serve_of(sc)->folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (sc->file < 0) {
			reply_and_close(sc, "403 Forbidden", "this file cannot be written\n");
			return;
		}
	}
	sc->at = 0;
	sc->end = sc->request.length;
	sc->phase = PHASE_BODY;
	/* So short that it always fits into an empty send buffer. */
	if (sc->request.expect && sc->held < sc->end)
		conn_send(&sc->conn, go_on, sizeof(go_on) - 1, 0);
}

static void begin_request(struct serve_conn *sc, size_t head_len)
{
	const char *method = sc->request.first;
	char path[PATH_MAX];
	bool good = http_parse(sc->head, head_len, &sc->request);

	sc->held -= head_len;
	memmove(sc->head, sc->head + head_len, sc->held);
	if (!good) {
		reply_and_close(sc, "400 Bad Request", "this is no HTTP request\n");
	} else if (!http_path(sc->request.second, path, sizeof(path))) {
		reply_and_close(sc, "400 Bad Request", "this is no path here\n");
	} else if (!strcmp(method, "PUT") || !strcmp(method, "POST")) {
		begin_upload(sc, path);
	} else if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		reply_and_close(sc, "501 Not Implemented", "only GET, HEAD, PUT and POST are known here\n");
	} else if (sc->request.chunked || (sc->request.length && sc->request.length != HTTP_NO_LENGTH)) {
		reply_and_close(sc, "400 Bad Request", "a request for a file has no body\n");
	} else {
		begin_download(sc, path);
	}
}

/* ------------------------------------------------------------------ the phases: false when they would block */

static bool file_done(struct serve_conn *sc)
{
	bool good = sc->file < 0 || !close(sc->file);

	sc->file = -1;
	return good;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;
	ssize_t n;

	while (len) {
		n = write(fd, at, len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void finish_upload(struct serve_conn *sc)
{
	uint64_t size = sc->end;
	char text[64];

	snprintf(text, sizeof(text), "%llu bytes\n", (unsigned long long)size);
	if (file_done(sc))
		reply_text(sc, "201 Created", text);
	else
		reply_and_close(sc, "507 Insufficient Storage", "the file could not be written\n");
}

static bool store(struct serve_conn *sc, const void *data, size_t len)
{
	sc->at += len;
	if (sc->file < 0 || write_all(sc->file, data, len))
		return true;
	reply_and_close(sc, "507 Insufficient Storage", "the file could not be written\n");
	return false;
}

static int64_t step_head(struct serve_conn *sc)
{
	size_t head_len = http_head_end(sc->head, sc->held);
	int64_t n;

	if (head_len) {
		begin_request(sc, head_len);
		return 1;
	}
	if (sc->held == sizeof(sc->head)) {
		reply_and_close(sc, "431 Request Header Fields Too Large", "the request's head is too long\n");
		return 1;
	}
	n = conn_recv(&sc->conn, sc->head + sc->held, sizeof(sc->head) - sc->held);
	if (n > 0)
		sc->held += (size_t)n;
	return n;
}

static int64_t step_body(struct serve_conn *sc)
{
	struct serve *serve = serve_of(sc);
	uint64_t left = sc->end - sc->at;
	size_t len;
	int64_t n = 1;

	if (!left) {
		finish_upload(sc);
	} else if (sc->held) {
		len = sc->held < left ? sc->held : (size_t)left;
		if (store(sc, sc->head, len)) {
			sc->held -= len;
			memmove(sc->head, sc->head + len, sc->held);
		}
	} else {
		n = conn_recv(&sc->conn, serve->chunk, left < SERVE_CHUNK ? (size_t)left : SERVE_CHUNK);
		if (n > 0)
			store(sc, serve->chunk, (size_t)n);
	}
	return n;
}

static int64_t step_reply(struct serve_conn *sc)
{
	struct serve *serve = serve_of(sc);
	uint64_t left = sc->end - sc->at;
	ssize_t got;
	int64_t n;

	if (sc->out_sent < sc->out_len) {
		n = conn_send(&sc->conn, sc->out + sc->out_sent, sc->out_len - sc->out_sent, left ? MSG_MORE : 0);
		if (n > 0)
			sc->out_sent += (size_t)n;
		return n;
	}
	if (left) {
		got = pread(sc->file, serve->chunk, left < SERVE_CHUNK ? (size_t)left : SERVE_CHUNK, (off_t)sc->at);
		if (got <= 0)
			return 0; /* the file became shorter: there is no honest way to go on */
		n = conn_send(&sc->conn, serve->chunk, (size_t)got, 0);
		if (n > 0)
			sc->at += (uint64_t)n;
		return n;
	}
	file_done(sc);
	sc->phase = PHASE_HEAD;
	if (sc->request.close) {
		la_shutdown(sc->conn.server->setup->task, sc->conn.fd, SHUT_WR, host_now_ns());
		sc->phase = PHASE_DRAIN;
	}
	return 1;
}

static int64_t step_drain(struct serve_conn *sc)
{
	return conn_recv(&sc->conn, serve_of(sc)->chunk, SERVE_CHUNK);
}

static bool serve_step(struct server_conn *conn)
{
	static int64_t (*const steps[])(struct serve_conn * sc) = {
		[PHASE_HEAD] = step_head,
		[PHASE_BODY] = step_body,
		[PHASE_REPLY] = step_reply,
		[PHASE_DRAIN] = step_drain,
	};
	struct serve_conn *sc = (struct serve_conn *)conn;
	int64_t n;

	do
		n = steps[sc->phase](sc);
	while (n > 0);
	return n == -EAGAIN;
}

static uint32_t serve_wants(const struct server_conn *conn)
{
	return ((const struct serve_conn *)conn)->phase == PHASE_REPLY ? EPOLLOUT : EPOLLIN;
}

static void serve_begin(struct server_conn *conn)
{
	((struct serve_conn *)conn)->file = -1;
}

static void serve_end(struct server_conn *conn)
{
	file_done((struct serve_conn *)conn);
}

static const struct server_app serve_app = {
	.conn_size = sizeof(struct serve_conn),
	.begin = serve_begin,
	.step = serve_step,
	.wants = serve_wants,
	.end = serve_end,
};

/* ------------------------------------------------------------------ the command */

enum { OPT_PORT = 2, OPT_UPLOAD, OPT_QUIET };

static const struct option_spec serve_options[] = {
	{OPT_PORT, "port", "NUMBER", "port to listen on (80)"},
	{OPT_UPLOAD, "upload", NULL, "write uploads to the folder; otherwise they are only counted"},
	{OPT_QUIET, "quiet", NULL, "no line for each request"},
	{0, NULL, NULL, NULL},
};

static int serve_options_read(const struct command *command, int argc, char **argv, struct setup *setup,
			      struct serve *serve, uint64_t *port, const char **folder)
{
	struct args args;
	const char *value;
	int id;

	args_init(&args, command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN && *folder)
			return misuse(command, "%s is one argument too many", value);
		if (id == ARGS_PLAIN)
			*folder = value;
		else if (id == OPT_UPLOAD)
			serve->uploads = true;
		else if (id == OPT_QUIET)
			serve->quiet = true;
		else if (id == OPT_PORT && !parse_number(value, 1, 65535, port))
			return misuse(command, "--port wants 1 to 65535, not %s", value);
		else if (id != OPT_PORT && setup_option(setup, id, value))
			return EXIT_USAGE;
	}
	return 0;
}

static int serve_run(const struct command *command, int argc, char **argv)
{
	static struct serve serve;
	struct setup setup;
	struct server server = {.setup = &setup, .app = &serve_app, .world = &serve};
	const char *folder = NULL;
	uint64_t port = 80;
	int status;

	setup_init(&setup, command);
	status = serve_options_read(command, argc, argv, &setup, &serve, &port, &folder);
	if (status)
		return status;
	serve.folder = open(folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (serve.folder < 0)
		return fail(command, "cannot serve %s: %s", folder ? folder : ".", strerror(errno));
	setup.turn = server_turn;
	setup.world = &server;
	status = setup_start(&setup);
	if (!status) {
		status = server_start(&server, (uint16_t)port);
		if (!status) {
			printf("serving %s on port %u, interface %s\n", folder ? folder : ".", (unsigned)port,
			       setup.host.tun.name);
			fflush(stdout);
			if (host_run(&setup.host))
				status = fail(command, "the interface %s is gone", setup.host.tun.name);
			server_stop(&server);
		}
		setup_stop(&setup);
	}
	close(serve.folder);
	return status;
}

const struct command serve_command = {
	.name = "serve",
	.args = "[FOLDER]",
	.about = "an HTTP server for the files of a folder, and for uploads",
	.details = "  lastack serve . &  curl http://10.9.0.2/README.md\n",
	.options = serve_options,
	.network = true,
	.run = serve_run,
};
