// SPDX-License-Identifier: MIT
/*
 * host/preload/stdio.c - streams on stack sockets: fdopen, stdin, stdout, stderr, dprintf
 *
 * libc's streams read and write past us. A stream on a stack socket is therefore a cookie stream, whose functions are
 * the interposed read(), write() and close(); fileno() finds the number where libc keeps it.
 *
 *   fdopen     a stack number: a cookie stream
 *   at start, after dup2() onto 0, 1, 2
 *              the variables stdin, stdout, stderr name a cookie stream while the number is the stack's, and libc's own
 *              again afterwards; bytes waiting in a buffer go over to the stream that follows
 *
 * freopen() of another stream on a stack socket fails with EINVAL.
 * A program that kept a copy of `stdout` from before the dup2() writes past the stack: that is not seen here.
 */
#include "host/preload/preload.h"

#include <stdlib.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ a stream that calls us */

static ssize_t stream_read(void *cookie, char *buf, size_t len)
{
	return read((int)(intptr_t)cookie, buf, len);
}

/* A cookie's writer says how much it took; less than all is an error to libc. */
static ssize_t stream_write(void *cookie, const char *buf, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = write((int)(intptr_t)cookie, buf + done, len - done);
		if (ret <= 0)
			break;
		done += (size_t)ret;
	}
	return (ssize_t)done;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
	(void)cookie;
	(void)offset;
	(void)whence;
	return (int)give(-ESPIPE);
}

static int stream_close(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

static FILE *stream_open(int fd, const char *mode)
{
	cookie_io_functions_t functions = {stream_read, stream_write, stream_seek, stream_close};
	FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);

	if (stream)
		stream->_fileno = fd; /* for fileno() */
	return stream;
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	return stack_handle(fd) ? stream_open(fd, mode) : real.fdopen(fd, mode);
}

/* ------------------------------------------------------------------ stdin, stdout, stderr */

/**
 * struct standard - one of the three
 * @variable: the program's
 * @libc:     what it named at first
 * @ours:     made once, kept: it is named while the number is the stack's
 */
static struct standard {
	FILE **variable, *libc, *ours;
	const char *mode;
} standard[] = {
	{.variable = &stdin, .mode = "r"},
	{.variable = &stdout, .mode = "w"},
	{.variable = &stderr, .mode = "w"},
};

static void bytes_go_over(FILE *from, FILE *to, bool reading)
{
	size_t len = reading ? (size_t)(from->_IO_read_end - from->_IO_read_ptr) : __fpending(from);

	if (!len)
		return;
	if (reading)
		for (const char *p = from->_IO_read_end; p != from->_IO_read_ptr;)
			ungetc((unsigned char)*--p, to);
	else
		fwrite(from->_IO_write_base, 1, len, to);
	__fpurge(from);
}

/* What does @fd mean now, and does its stream know? */
static void standard_follow(int fd)
{
	struct standard *s = &standard[fd];
	bool is_stack = stack_handle(fd) != 0;
	FILE *before = *s->variable, *after = is_stack ? s->ours : s->libc;

	if (before != s->libc && before != s->ours)
		return; /* the program has put its own there */
	if (is_stack && !s->ours) {
		s->ours = after = stream_open(fd, s->mode);
		if (after && fd == 2)
			setvbuf(after, NULL, _IONBF, 0);
	}
	if (!after || before == after)
		return;
	bytes_go_over(before, after, fd == 0);
	*s->variable = after;
}

void stdio_number_changed(int fd)
{
	if (fd >= 0 && fd <= 2 && standard[fd].libc && !shim_is_vfork_child())
		standard_follow(fd);
}

EXPORT int fclose(FILE *stream)
{
	shim_ready();
	for (int fd = 0; fd <= 2; fd++)
		if (stream && standard[fd].ours == stream)
			standard[fd].ours = NULL;
	return real.fclose(stream);
}

/*
 * libc cannot turn a cookie stream into one on a file: it would touch what only its own streams have. One of the three
 * standard streams gives way to libc's, whose number libc then opens anew, without asking us.
 */
static FILE *reopened(FILE *(*libc)(const char *, const char *, FILE *), const char *path, const char *mode,
		      FILE *stream)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (!standard[fd].ours || standard[fd].ours != stream)
			continue;
		*standard[fd].variable = standard[fd].libc;
		standard[fd].ours = NULL;
		real.fclose(stream);
		stream = standard[fd].libc;
	}
	if (!stream->_wide_data) {
		errno = EINVAL;
		return NULL;
	}
	number_forget(stream->_fileno);
	stream = libc(path, mode, stream);
	if (stream)
		number_forget(stream->_fileno);
	return stream;
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	shim_ready();
	return reopened(real.freopen, path, mode, stream);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
	shim_ready();
	return reopened(real.freopen64, path, mode, stream);
}

__attribute__((constructor(102))) static void stdio_start(void)
{
	for (int fd = 0; fd <= 2; fd++)
		standard[fd].libc = *standard[fd].variable;
	for (int fd = 0; shim_configured() && fd <= 2; fd++)
		standard_follow(fd);
}

/* ------------------------------------------------------------------ dprintf */

/* What _FORTIFY_SOURCE makes of them; @flag: %n is not to be trusted. */
int __dprintf_chk(int fd, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
int __vdprintf_chk(int fd, int flag, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
int __vasprintf_chk(char **text, int flag, const char *format, va_list args);

static int print(int fd, int flag, const char *format, va_list args)
{
	char *text;
	int len = flag > 0 ? __vasprintf_chk(&text, flag, format, args) : vasprintf(&text, format, args);

	if (len < 0)
		return len;
	if (stream_write((void *)(intptr_t)fd, text, (size_t)len) < len)
		len = -1;
	free(text);
	return len;
}

EXPORT int vdprintf(int fd, const char *format, va_list args)
{
	return stack_handle(fd) ? print(fd, 0, format, args) : real.vdprintf(fd, format, args);
}

EXPORT int dprintf(int fd, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = vdprintf(fd, format, args);
	va_end(args);
	return ret;
}

EXPORT int __vdprintf_chk(int fd, int flag, const char *format, va_list args)
{
	return stack_handle(fd) ? print(fd, flag, format, args) : real.__vdprintf_chk(fd, flag, format, args);
}

EXPORT int __dprintf_chk(int fd, int flag, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = __vdprintf_chk(fd, flag, format, args);
	va_end(args);
	return ret;
}
