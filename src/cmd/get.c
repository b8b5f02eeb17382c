// SPDX-License-Identifier: MIT
/*
 * cmd/get.c - lastack get: one HTTP request, a download to a file or an upload from one
 *
 * Written as an ordinary program with blocking calls would be; host_call() runs the loop underneath.
 */
#include "cmd/http.h"
#include "cmd/setup.h"

#include <lastack/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET_CHUNK 262144

/**
 * struct get - one request
 * @target:  what the URL names behind the address
 * @upload:  descriptor of the file that is sent, -1: this is a download
 * @output:  descriptor that the answer's body goes to
 */
struct get {
	const struct command *command;
	struct setup setup;
	const char *url, *target, *upload_name, *output_name;
	char authority[80];
	union {
		struct sockaddr sa;
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
	} to;
	socklen_t to_len;
	int fd, upload, output;
	uint64_t upload_size;
	char head[HTTP_HEAD_MAX];
	uint8_t chunk[GET_CHUNK];
};

/* ------------------------------------------------------------------ the URL */

static bool parse_host(struct get *get, const char *host, uint16_t port)
{
	memset(&get->to, 0, sizeof(get->to));
	if (inet_pton(AF_INET, host, &get->to.sin.sin_addr) == 1) {
		get->to.sin.sin_family = AF_INET;
		get->to.sin.sin_port = htons(port);
		get->to_len = sizeof(get->to.sin);
		return true;
	}
	if (inet_pton(AF_INET6, host, &get->to.sin6.sin6_addr) == 1) {
		get->to.sin6.sin6_family = AF_INET6;
		get->to.sin6.sin6_port = htons(port);
		get->to_len = sizeof(get->to.sin6);
		return true;
	}
	return false;
}

/* http://ADDRESS[:PORT][/TARGET], an IPv6 address in brackets */
static int parse_url(struct get *get, const char *url)
{
	char host[64];
	uint64_t port = 80;
	const char *at, *end, *colon;
	size_t len;

	if (strncmp(url, "http://", 7))
		return misuse(get->command, "%s is no URL that begins with http://", url);
	at = url + 7;
	len = strcspn(at, "/");
	get->target = at[len] ? at + len : "/";
	if (len >= sizeof(get->authority) || strlen(get->target) > sizeof(get->head) / 2)
		return misuse(get->command, "%s is too long", url);
	memcpy(get->authority, at, len);
	get->authority[len] = 0;
	end = *at == '[' ? strchr(get->authority, ']') : NULL;
	colon = strchr(end ? end : get->authority, ':');
	if (colon && !parse_number(colon + 1, 1, 65535, &port))
		return misuse(get->command, "%s is no port", colon + 1);
	at = get->authority + (end != NULL);
	if (!end)
		end = colon ? colon : get->authority + len;
	snprintf(host, sizeof(host), "%.*s", (int)(end - at), at);
	if (!parse_host(get, host, (uint16_t)port))
		return misuse(get->command, "%s is no IPv4 or [IPv6] address; names are not looked up here", host);
	return 0;
}

/* ------------------------------------------------------------------ calls that block */

static int64_t get_send(struct get *get, const void *buf, size_t len, int flags)
{
	struct la_op op = {0};

	la_prep_send(&op, get->fd, buf, len, flags | MSG_NOSIGNAL);
	return host_call(&get->setup.host, get->setup.task, &op);
}

static int64_t get_recv(struct get *get, void *buf, size_t len)
{
	struct la_op op = {0};

	la_prep_recv(&op, get->fd, buf, len, 0);
	return host_call(&get->setup.host, get->setup.task, &op);
}

static int get_connect(struct get *get)
{
	struct la_op op = {0};

	get->fd = la_socket(get->setup.task, get->to.sa.sa_family, SOCK_STREAM, 0, host_now_ns());
	if (get->fd < 0)
		return get->fd;
	la_prep_connect(&op, get->fd, &get->to.sa, get->to_len);
	return (int)host_call(&get->setup.host, get->setup.task, &op);
}

/* A lingering close, so that the last bytes and the FIN are acknowledged before the interface goes away. */
static void get_close(struct get *get)
{
	struct linger linger = {1, 2};
	struct la_op op = {0};

	la_setsockopt(get->setup.task, get->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger), host_now_ns());
	la_prep_close(&op, get->fd);
	host_call(&get->setup.host, get->setup.task, &op);
}

/* ------------------------------------------------------------------ the exchange */

static int lost(struct get *get, const char *what, int64_t error)
{
	if (error == -EINTR)
		return fail(get->command, "interrupted");
	return fail(get->command, "%s %s: %s", what, get->authority,
		    error ? strerror((int)-error) : "it closed too early");
}

static int send_request(struct get *get)
{
	int len = snprintf(get->head, sizeof(get->head),
			   "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lastack\r\nConnection: close\r\n",
			   get->upload < 0 ? "GET" : "PUT", get->target, get->authority);
	ssize_t got;
	int64_t n;

	if (get->upload >= 0)
		len += snprintf(get->head + len, sizeof(get->head) - (size_t)len, "Content-Length: %llu\r\n",
				(unsigned long long)get->upload_size);
	len += snprintf(get->head + len, sizeof(get->head) - (size_t)len, "\r\n");
	n = get_send(get, get->head, (size_t)len, get->upload_size ? MSG_MORE : 0);
	if (n < 0)
		return lost(get, "cannot send to", n);
	for (uint64_t left = get->upload_size; left; left -= (uint64_t)got) {
		got = read(get->upload, get->chunk, left < sizeof(get->chunk) ? (size_t)left : sizeof(get->chunk));
		if (got <= 0)
			return fail(get->command, "cannot read %s: %s", get->upload_name,
				    got ? strerror(errno) : "it became shorter");
		n = get_send(get, get->chunk, (size_t)got, 0);
		if (n != got)
			return lost(get, "cannot send to", n < 0 ? n : -EPIPE);
	}
	return 0;
}

/* Collects the answer's head; *@held bytes of what follows are left in get->head. */
static int recv_head(struct get *get, struct http_head *answer, size_t *held)
{
	size_t len = 0, end;
	int64_t n;

	do {
		while (!(end = http_head_end(get->head, len))) {
			if (len == sizeof(get->head))
				return fail(get->command, "the answer of %s has too long a head", get->authority);
			n = get_recv(get, get->head + len, sizeof(get->head) - len);
			if (n <= 0)
				return lost(get, "no answer from", n);
			len += (size_t)n;
		}
		if (!http_parse(get->head, end, answer) || strncmp(answer->first, "HTTP/1.", 7))
			return fail(get->command, "%s does not speak HTTP/1.1", get->authority);
		len -= end;
		memmove(get->head, get->head + end, len);
	} while (!strcmp(answer->second, "100"));
	*held = len;
	return 0;
}

static int store(struct get *get, const void *data, size_t len)
{
	const uint8_t *at = data;
	ssize_t n;

	for (; len; at += n, len -= (size_t)n) {
		n = write(get->output, at, len);
		if (n < 0)
			return fail(get->command, "cannot write %s: %s", get->output_name, strerror(errno));
	}
	return 0;
}

static int recv_body(struct get *get, const struct http_head *answer, size_t held)
{
	uint64_t left = answer->length;
	int64_t n;
	int status;

	if (answer->chunked)
		return fail(get->command, "%s answers in chunks, which are not understood here", get->authority);
	if (held > left)
		held = (size_t)left;
	status = store(get, get->head, held);
	for (left -= held; !status && left; left -= (uint64_t)n) {
		n = get_recv(get, get->chunk, left < sizeof(get->chunk) ? (size_t)left : sizeof(get->chunk));
		if (!n && answer->length == HTTP_NO_LENGTH)
			break;
		if (n <= 0)
			return lost(get, "the answer was cut short by", n);
		status = store(get, get->chunk, (size_t)n);
	}
	return status;
}

static int exchange(struct get *get)
{
	struct http_head answer;
	size_t held = 0;
	int status, error;

	error = get_connect(get);
	if (error)
		return lost(get, "cannot connect to", error);
	status = send_request(get);
	if (!status)
		status = recv_head(get, &answer, &held);
	if (!status)
		status = recv_body(get, &answer, held);
	if (!status && answer.second[0] != '2')
		status = fail(get->command, "%s answers %s", get->url, answer.second);
	get_close(get);
	return status;
}

/* ------------------------------------------------------------------ the command */

enum { OPT_OUTPUT = 2, OPT_UPLOAD };

static const struct option_spec get_options[] = {
	{OPT_OUTPUT, "output", "FILE", "write the answer to this file (standard output)"},
	{OPT_UPLOAD, "upload", "FILE", "send this file with PUT instead of asking for one"},
	{0, NULL, NULL, NULL},
};

static int open_files(struct get *get)
{
	struct stat st;

	if (get->upload_name) {
		get->upload = open(get->upload_name, O_RDONLY | O_CLOEXEC);
		if (get->upload < 0 || fstat(get->upload, &st))
			return fail(get->command, "cannot read %s: %s", get->upload_name, strerror(errno));
		get->upload_size = (uint64_t)st.st_size;
	}
	if (get->output_name) {
		get->output = open(get->output_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (get->output < 0)
			return fail(get->command, "cannot write %s: %s", get->output_name, strerror(errno));
	}
	return 0;
}

static int read_options(struct get *get, int argc, char **argv)
{
	struct args args;
	const char *value;
	int id;

	args_init(&args, get->command, argc, argv);
	while ((id = args_next(&args, &value)) != ARGS_END) {
		if (id == ARGS_ERROR)
			return EXIT_USAGE;
		if (id == ARGS_PLAIN && get->url)
			return misuse(get->command, "%s is one argument too many", value);
		if (id == ARGS_PLAIN)
			get->url = value;
		else if (id == OPT_OUTPUT)
			get->output_name = value;
		else if (id == OPT_UPLOAD)
			get->upload_name = value;
		else if (setup_option(&get->setup, id, value))
			return EXIT_USAGE;
	}
	if (!get->url)
		return misuse(get->command, "a URL is missing");
	return parse_url(get, get->url);
}

static int get_run(const struct command *command, int argc, char **argv)
{
	struct get *get = calloc(1, sizeof(*get));
	int status;

	if (!get)
		return fail(command, "no memory");
	get->command = command;
	get->upload = -1;
	get->output = STDOUT_FILENO;
	setup_init(&get->setup, command);
	status = read_options(get, argc, argv);
	if (!status)
		status = open_files(get);
	if (!status) {
		status = setup_start(&get->setup);
		if (!status) {
			status = exchange(get);
			setup_stop(&get->setup);
		}
	}
	free(get);
	return status;
}

const struct command get_command = {
	.name = "get",
	.args = "URL",
	.about = "an HTTP client: one download or upload",
	.details = "  lastack get http://10.9.0.1:8000/file --output file\n",
	.options = get_options,
	.network = true,
	.run = get_run,
};
