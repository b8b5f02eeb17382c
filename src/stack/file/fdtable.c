// SPDX-License-Identifier: MIT
/*
 * file/fdtable.c - numbers and what they mean: a table of descriptors, shared by the threads of a process
 *
 * In:   a file that wants a number, a number that wants its file.
 * Here: "the lowest free number" is asked for by every open. used[0] has a bit for each number; each bit of used[n + 1]
 *       says that a word of used[n] is full. So the search looks at a few words, however many descriptors are open.
 * Out:  references: a slot holds one on its file, which fdtable_take() gives to whoever closes the number.
 *
 * A number is free, open, or reserved: its bit is set, the slot is NULL (an accept() that waits has its number already).
 */
#include "stack/file/file.h"

#include <errno.h>

#define FD_FIRST 64u /* slots of the first allocation, as in Linux */

static inline uint32_t level_words(uint32_t size, unsigned level)
{
	return (size + (1u << 6 * (level + 1)) - 1) >> 6 * (level + 1);
}

/* All arrays of a table of @size slots lie in one block, the slots first. */
static size_t block_bytes(uint32_t size)
{
	size_t bytes = size * sizeof(struct file *) + size / 64 * sizeof(uint64_t);

	for (unsigned level = 0; level < FD_LEVELS; level++)
		bytes += level_words(size, level) * sizeof(uint64_t);
	return bytes;
}

static void block_lay_out(struct fdtable *t, void *block, uint32_t size)
{
	uint64_t *word;

	t->size = size;
	t->fd = block;
	t->cloexec = word = (uint64_t *)(t->fd + size);
	word += size / 64;
	for (unsigned level = 0; level < FD_LEVELS; level++) {
		t->used[level] = word;
		word += level_words(size, level);
	}
}

static inline bool bit_get(const uint64_t *map, uint32_t n)
{
	return map[n / 64] >> n % 64 & 1;
}
static inline void bit_set(uint64_t *map, uint32_t n)
{
	map[n / 64] |= 1ull << n % 64;
}
static inline void bit_clear(uint64_t *map, uint32_t n)
{
	map[n / 64] &= ~(1ull << n % 64);
}

static void mark_used(struct fdtable *t, uint32_t n)
{
	for (unsigned level = 0; level < FD_LEVELS; level++, n /= 64) {
		bit_set(t->used[level], n);
		if (t->used[level][n / 64] != UINT64_MAX)
			break;
	}
}

static void mark_free(struct fdtable *t, uint32_t n)
{
	for (unsigned level = 0; level < FD_LEVELS; level++, n /= 64) {
		bool was_full = t->used[level][n / 64] == UINT64_MAX;

		bit_clear(t->used[level], n);
		if (!was_full)
			break;
	}
}

/* The lowest number from @from on that is free, or would be if the table were larger. */
static uint32_t find_free(const struct fdtable *t, uint32_t from)
{
	uint32_t n = from;
	unsigned level = 0;

	/* Up, until a word has a free bit at or behind n ... */
	for (;;) {
		uint64_t free_bits;

		if (level == FD_LEVELS || n / 64 >= level_words(t->size, level))
			return max(from, t->size);
		free_bits = ~t->used[level][n / 64] & UINT64_MAX << n % 64;
		if (free_bits) {
			n = n / 64 * 64 + __builtin_ctzll(free_bits);
			break;
		}
		n = n / 64 + 1;
		level++;
	}
	/* ... and down again, to the first free bit of what is not full. */
	for (; level > 0; level--) {
		if (n >= level_words(t->size, level - 1))
			return max(from, t->size);
		n = n * 64 + __builtin_ctzll(~t->used[level - 1][n]);
	}
	return n;
}

static int fdtable_grow(struct fdtable *t, uint32_t want)
{
	struct fdtable old = *t;
	uint32_t size = max(t->size, FD_FIRST);
	void *block;

	while (size <= want)
		size *= 2;
	block = mem_zalloc(&t->net->mem, block_bytes(size));
	if (!block)
		return -ENOMEM;
	block_lay_out(t, block, size);
	if (old.size) {
		memcpy(t->fd, old.fd, old.size * sizeof(*t->fd));
		memcpy(t->cloexec, old.cloexec, old.size / 8);
		for (unsigned level = 0; level < FD_LEVELS; level++)
			memcpy(t->used[level], old.used[level], level_words(old.size, level) * sizeof(uint64_t));
		mem_free(&t->net->mem, old.fd, block_bytes(old.size));
	}
	return 0;
}

struct fdtable *fdtable_new(struct net *net)
{
	struct fdtable *t = slab_zalloc(&net->vfs->tables);

	if (t) {
		t->net = net;
		t->users = 1;
	}
	return t;
}

void fdtable_free(struct fdtable *t)
{
	struct net *net = t->net;

	assert(t->users == 0);
	if (t->size)
		mem_free(&net->mem, t->fd, block_bytes(t->size));
	slab_free(&net->vfs->tables, t);
}

struct fdtable *fdtable_copy(struct fdtable *t)
{
	struct fdtable *copy = fdtable_new(t->net);
	int last = -1;

	if (!copy)
		return NULL;
	for (int fd = -1; (fd = fdtable_next(t, fd + 1, false)) >= 0;)
		last = fd;
	if (last >= 0 && fdtable_grow(copy, last)) {
		copy->users = 0;
		fdtable_free(copy);
		return NULL;
	}
	for (int fd = -1; (fd = fdtable_next(t, fd + 1, false)) >= 0;) {
		mark_used(copy, fd);
		if (bit_get(t->cloexec, fd))
			bit_set(copy->cloexec, fd);
		copy->fd[fd] = t->fd[fd];
		get_file(copy->fd[fd]);
	}
	return copy;
}

int get_unused_fd(struct fdtable *t, uint32_t from, bool cloexec)
{
	uint32_t fd = find_free(t, from);

	if (fd >= FD_LIMIT)
		return -EMFILE;
	if (fd >= t->size && fdtable_grow(t, fd))
		return -ENOMEM;
	mark_used(t, fd);
	fd_set_cloexec(t, fd, cloexec);
	return fd;
}

void put_unused_fd(struct fdtable *t, int fd)
{
	assert(!t->fd[fd] && bit_get(t->used[0], fd));
	mark_free(t, fd);
}

void fd_install(struct fdtable *t, int fd, struct file *file)
{
	assert(!t->fd[fd] && bit_get(t->used[0], fd));
	t->fd[fd] = file;
}

struct file *fdtable_look(const struct fdtable *t, int fd)
{
	return (uint32_t)fd < t->size ? t->fd[fd] : NULL;
}

struct file *fdtable_take(struct fdtable *t, int fd)
{
	struct file *file = fdtable_look(t, fd);

	if (file) {
		t->fd[fd] = NULL;
		mark_free(t, fd);
	}
	return file;
}

struct file *fget(struct fdtable *t, int fd)
{
	struct file *file = fdtable_look(t, fd);

	if (file)
		get_file(file);
	return file;
}

int fd_replace(struct fdtable *t, int fd, struct file *file, bool cloexec, struct file **old)
{
	if ((uint32_t)fd >= FD_LIMIT)
		return -EBADF;
	if ((uint32_t)fd >= t->size && fdtable_grow(t, fd))
		return -ENOMEM;
	if (!t->fd[fd] && bit_get(t->used[0], fd))
		return -EBUSY;
	*old = fdtable_take(t, fd);
	mark_used(t, fd);
	fd_set_cloexec(t, fd, cloexec);
	t->fd[fd] = file;
	return 0;
}

bool fd_get_cloexec(const struct fdtable *t, int fd)
{
	return bit_get(t->cloexec, fd);
}

void fd_set_cloexec(struct fdtable *t, int fd, bool on)
{
	if (on)
		bit_set(t->cloexec, fd);
	else
		bit_clear(t->cloexec, fd);
}

int fdtable_next(const struct fdtable *t, uint32_t from, bool cloexec)
{
	for (uint32_t n = from; n < t->size; n++) {
		uint64_t word = t->used[0][n / 64] & UINT64_MAX << n % 64;

		if (cloexec)
			word &= t->cloexec[n / 64];
		if (!word) {
			n |= 63;
			continue;
		}
		n = n / 64 * 64 + __builtin_ctzll(word);
		if (t->fd[n])
			return n;
	}
	return -1;
}
