// SPDX-License-Identifier: MIT
/*
 * host/run/program.c - can this program be run with the preload, and if not, why
 *
 * The preload is loaded by the program's own dynamic linker. Whatever that linker does not load (static programs), does
 * not honour (set-user-ID), or whoever goes past libc (Go) is refused by name, instead of running beside the stack
 * unnoticed.
 */
#include "host/run/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS 4 /* interpreters of interpreters that the kernel follows */

__attribute__((format(printf, 2, 3))) static int refuse(struct program *program, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(program->why, sizeof(program->why), fmt, args);
	va_end(args);
	return PROGRAM_CANNOT_RUN;
}

/* ------------------------------------------------------------------ the file's content */

struct image {
	const uint8_t *bytes;
	size_t size;
};

static const void *image_at(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

static const Elf64_Phdr *find_segment(const struct image *image, const Elf64_Ehdr *head, uint32_t type)
{
	const Elf64_Phdr *table = image_at(image, head->e_phoff, (uint64_t)head->e_phnum * sizeof(*table));

	for (int i = 0; table && i < head->e_phnum; i++)
		if (table[i].p_type == type)
			return &table[i];
	return NULL;
}

static bool has_section(const struct image *image, const Elf64_Ehdr *head, const char *name)
{
	const Elf64_Shdr *table = image_at(image, head->e_shoff, (uint64_t)head->e_shnum * sizeof(*table));
	size_t len = strlen(name) + 1;

	if (!table || head->e_shstrndx >= head->e_shnum)
		return false;
	for (int i = 0; i < head->e_shnum; i++) {
		const char *text = image_at(image, table[head->e_shstrndx].sh_offset + table[i].sh_name, len);

		if (text && !memcmp(text, name, len))
			return true;
	}
	return false;
}

static int check_elf(struct program *program, const char *path, const struct image *image)
{
	const Elf64_Ehdr *head = image_at(image, 0, sizeof(*head));
	const Elf64_Phdr *segment;
	const char *linker;

	if (!head || head->e_ident[EI_CLASS] != ELFCLASS64)
		return refuse(program, "%s is no 64-bit program: the preload is, so it cannot be loaded into it", path);
	if (has_section(image, head, ".go.buildinfo"))
		return refuse(program,
			      "%s is written in Go, which makes its system calls without libc: Lastack cannot "
			      "stand in between; run it on the kernel",
			      path);
	segment = find_segment(image, head, PT_INTERP);
	if (!segment)
		return refuse(program,
			      "%s is statically linked: nothing can be preloaded into it; use a dynamically "
			      "linked build",
			      path);
	linker = image_at(image, segment->p_offset, segment->p_filesz);
	if (linker && memmem(linker, segment->p_filesz, "ld-musl", 7))
		return refuse(program, "%s is linked with musl: the preload is made for glibc; use a glibc build",
			      path);
	return PROGRAM_OK;
}

/* A script's first line: the interpreter's path, or false. */
static bool script_interpreter(const struct image *image, char *path, size_t room)
{
	const char *text = (const char *)image->bytes;
	size_t at = 2, len;

	if (image->size < 3 || memcmp(text, "#!", 2))
		return false;
	while (at < image->size && (text[at] == ' ' || text[at] == '\t'))
		at++;
	for (len = 0; at + len < image->size && len + 1 < room && !strchr(" \t\r\n", text[at + len]); len++)
		path[len] = text[at + len];
	path[len] = 0;
	return len > 0;
}

/* ------------------------------------------------------------------ the file itself */

static int check_rights(struct program *program, const char *path, int fd, const struct stat *st)
{
	if ((st->st_mode & S_ISUID && st->st_uid != getuid()) || (st->st_mode & S_ISGID && st->st_gid != getgid()))
		return refuse(program,
			      "%s is set-user-ID: the dynamic linker preloads nothing into it; run it as its "
			      "owner, or on the kernel",
			      path);
	if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return refuse(program,
			      "%s has file capabilities: the dynamic linker preloads nothing into it; run it as "
			      "root, or a copy without them",
			      path);
	return PROGRAM_OK;
}

static int check_file(struct program *program, const char *path, int depth)
{
	struct image image = {.bytes = MAP_FAILED};
	char interpreter[PATH_MAX];
	struct stat st;
	int status, fd;

	if (access(path, X_OK))
		return refuse(program, "%s cannot be executed: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? PROGRAM_OK : refuse(program, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return refuse(program, "%s is no program", path);
	}
	status = check_rights(program, path, fd, &st);
	image.size = (size_t)st.st_size;
	if (!status && image.size)
		image.bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (status || image.bytes == MAP_FAILED)
		return status;
	if (image.size > 4 && !memcmp(image.bytes, ELFMAG, SELFMAG))
		status = check_elf(program, path, &image);
	else if (depth && script_interpreter(&image, interpreter, sizeof(interpreter)))
		status = check_file(program, interpreter, depth - 1);
	munmap((void *)image.bytes, image.size);
	return status;
}

/* As execvp(): the first that can be executed; one that cannot is remembered. */
static int search_path(struct program *program, const char *name)
{
	const char *path = getenv("PATH"), *end;
	int status = PROGRAM_NOT_FOUND;
	struct stat st;

	for (path = path ? path : "/bin:/usr/bin";; path = end + 1) {
		end = strchrnul(path, ':');
		if (snprintf(program->path, sizeof(program->path), "%.*s%s%s", (int)(end - path), path,
			     end > path ? "/" : "", name) < (int)sizeof(program->path) &&
		    !stat(program->path, &st) && S_ISREG(st.st_mode)) {
			if (!access(program->path, X_OK))
				return PROGRAM_OK;
			status = refuse(program, "%s cannot be executed: %s", program->path, strerror(errno));
		}
		if (!*end)
			return status;
	}
}

int program_find(struct program *program, const char *name)
{
	int status = PROGRAM_OK;

	program->why[0] = 0;
	if (!strchr(name, '/'))
		status = search_path(program, name);
	else if (snprintf(program->path, sizeof(program->path), "%s", name) >= (int)sizeof(program->path) ||
		 access(program->path, F_OK))
		status = PROGRAM_NOT_FOUND;
	if (status == PROGRAM_NOT_FOUND)
		refuse(program, "there is no program %s", name);
	return status ? status : check_file(program, program->path, SCRIPTS);
}
