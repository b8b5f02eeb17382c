/* SPDX-License-Identifier: MIT */
/*
 * cmd/http.h - as much of HTTP/1.1 as a small file server and client need: the head of a message
 */
#ifndef LA_CMD_HTTP_H
#define LA_CMD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX  8192
#define HTTP_NO_LENGTH UINT64_MAX

/**
 * struct http_head - a request's or a response's first line and the header fields that matter here
 * @first, @second: request: method and target, percent signs decoded; response: version and status
 * @length:         Content-Length, or HTTP_NO_LENGTH
 * @close:          the connection ends after this message
 * @expect:         "Expect: 100-continue"
 * @chunked:        the body is in chunks, which nobody here reads
 */
struct http_head {
	char first[16];
	char second[2048];
	uint64_t length;
	bool close, expect, chunked;
};

/* Length of the head in @text including its empty line, or 0 while it is incomplete. */
size_t http_head_end(const char *text, size_t len);

/* Parses a whole head of @len bytes; @text is not kept. False: it is none. */
bool http_parse(const char *text, size_t len, struct http_head *head);

/* "A file name below the served folder": no empty, "." or ".." part. Strips the leading slash and the query. */
bool http_path(const char *target, char *path, size_t cap);

#endif
