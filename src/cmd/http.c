// SPDX-License-Identifier: MIT
/*
 * cmd/http.c - as much of HTTP/1.1 as a small file server and client need: the head of a message
 *
 * A head arrives in pieces; http_head_end() says when it is whole, http_parse() reads it line by line. Whatever does
 * not fit the grammar or our limits makes the parse fail; unknown fields are skipped.
 */
#include "cmd/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t http_head_end(const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);

	return end ? (size_t)(end - text) + 4 : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies one word of the first line; false if it is empty or too long. */
static bool copy_word(const char **at, const char *end, char *word, size_t cap)
{
	size_t n = 0;

	while (*at < end && **at != ' ') {
		char c = *(*at)++;

		if (c == '%' && end - *at >= 2 && hex_digit((*at)[0]) >= 0 && hex_digit((*at)[1]) >= 0) {
			c = (char)(hex_digit((*at)[0]) << 4 | hex_digit((*at)[1]));
			*at += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f || n + 1 >= cap)
			return false;
		word[n++] = c;
	}
	word[n] = 0;
	while (*at < end && **at == ' ')
		(*at)++;
	return n > 0;
}

static bool parse_length(const char *value, size_t len, uint64_t *length)
{
	uint64_t number = 0;

	if (!len || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(value[i] - '0');
	}
	if (*length != HTTP_NO_LENGTH && *length != number)
		return false;
	*length = number;
	return true;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(text, word, len);
}

static bool parse_field(const char *line, const char *end, struct http_head *head)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));
	const char *value;
	size_t name_len, len;

	if (!colon || colon == line)
		return false;
	name_len = (size_t)(colon - line);
	for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
		;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	len = (size_t)(end - value);
	if (is_word(line, name_len, "Content-Length"))
		return parse_length(value, len, &head->length);
	if (is_word(line, name_len, "Connection")) {
		if (is_word(value, len, "close"))
			head->close = true;
		else if (is_word(value, len, "keep-alive"))
			head->close = false;
	} else if (is_word(line, name_len, "Expect")) {
		head->expect = is_word(value, len, "100-continue");
	} else if (is_word(line, name_len, "Transfer-Encoding")) {
		head->chunked = !is_word(value, len, "identity");
	}
	return true;
}

bool http_parse(const char *text, size_t len, struct http_head *head)
{
	const char *at = text, *end = text + len, *line_end;

	memset(head, 0, sizeof(*head));
	head->length = HTTP_NO_LENGTH;
	line_end = memmem(text, len, "\r\n", 2);
	if (!line_end || !copy_word(&at, line_end, head->first, sizeof(head->first)) ||
	    !copy_word(&at, line_end, head->second, sizeof(head->second)))
		return false;
	/* HTTP/1.0, in a request's third word or a response's first, closes unless it says otherwise. */
	head->close = !strcmp(head->first, "HTTP/1.0") || is_word(at, (size_t)(line_end - at), "HTTP/1.0");
	for (at = line_end + 2; at < end; at = line_end + 2) {
		line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
		if (!line_end)
			return false;
		if (line_end == at)
			return true;
		if (!parse_field(at, line_end, head))
			return false;
	}
	return false;
}

bool http_path(const char *target, char *path, size_t cap)
{
	size_t len = strcspn(target, "?#"), part;

	if (*target != '/' || len >= cap)
		return false;
	memcpy(path, target + 1, len - 1);
	path[len - 1] = 0;
	for (const char *at = path; *at; at += part + (at[part] == '/')) {
		part = strcspn(at, "/");
		if (!part || (part == 1 && at[0] == '.') || (part == 2 && at[0] == '.' && at[1] == '.'))
			return false;
	}
	return true;
}
