// SPDX-License-Identifier: MIT
/*
 * host/run/files.c - FIFOs that stand for files of the stack, and the kernel as the truth about who holds them
 *
 *	pool --file_spare()--> spare of a slot --file_bind()--> file --file_unbind()--> pool
 *	                          \--process gone, a child has it--> limbo ------------/
 *
 * The program opens the FIFO for reading and writing, the executor has only the reading side: POLLHUP says that the last
 * description of the program's was closed, whoever held it and however it went. The event alone proves nothing, it may be
 * of an earlier life: the FIFO is always asked. A FIFO that nobody has ever opened does not hang up; opening and closing
 * it ourselves makes it say the truth (file_is_held_at_last).
 */
#include "host/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static void file_name(const struct run_file *file, char *name)
{
	snprintf(name, 16, "%u", file->id);
}

/* ------------------------------------------------------------------ who holds it? */

bool file_is_held(const struct run_file *file)
{
	struct pollfd p = {.fd = file->watch.fd, .events = POLLIN};

	return poll(&p, 1, 0) < 1 || !(p.revents & POLLHUP);
}

/* The same for one that may never have been opened. */
static bool file_is_held_at_last(struct executor *ex, const struct run_file *file)
{
	char name[16];
	int fd;

	file_name(file, name);
	fd = openat(ex->fifos, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return file_is_held(file);
}

/* ------------------------------------------------------------------ found by handle, by inode */

struct run_file *file_find(struct executor *ex, seg_handle handle)
{
	struct run_file *file = SEG_ID(handle) < ex->files.count ? ex->files.by_id[SEG_ID(handle)] : NULL;

	return file && file->state == FILE_BOUND && file_handle(file) == handle ? file : NULL;
}

static struct run_file **inode_bucket(const struct run_files *files, uint64_t inode)
{
	return &files->by_inode[inode & (files->buckets - 1)]; /* inodes of one folder come in a row */
}

struct run_file *file_by_inode(struct executor *ex, uint64_t inode)
{
	struct run_file *file = ex->files.buckets ? *inode_bucket(&ex->files, inode) : NULL;

	while (file && file->inode != inode)
		file = file->next_hash;
	return file && file->state == FILE_BOUND ? file : NULL;
}

static void hash_remove(struct run_files *files, struct run_file *file)
{
	struct run_file **at = inode_bucket(files, file->inode);

	while (*at != file)
		at = &(*at)->next_hash;
	*at = file->next_hash;
}

static void hash_insert(struct run_files *files, struct run_file *file)
{
	struct run_file **at = inode_bucket(files, file->inode);

	file->next_hash = *at;
	*at = file;
}

struct run_file *file_by_fd(const struct executor *ex, int fd)
{
	return fd >= 0 && (uint32_t)fd < ex->files.fds ? ex->files.by_fd[fd] : NULL;
}

/* Without memory it is not found by that number, and has no loans. */
static void fd_remember(struct run_files *files, int fd, struct run_file *file)
{
	uint32_t fds = files->fds ? files->fds : 64;
	struct run_file **by_fd = files->by_fd;

	while (fds <= (uint32_t)fd)
		fds *= 2;
	if (fds > files->fds) {
		by_fd = realloc(by_fd, fds * sizeof(struct run_file *));
		if (!by_fd)
			return;
		memset(by_fd + files->fds, 0, (fds - files->fds) * sizeof(struct run_file *));
		files->by_fd = by_fd;
		files->fds = fds;
	}
	by_fd[fd] = file;
}

static void fd_forget(struct run_files *files, int fd)
{
	if ((uint32_t)fd < files->fds)
		files->by_fd[fd] = NULL;
}

/* Room for one more number, and as many buckets. */
static bool files_grow(struct run_files *files)
{
	uint32_t room = files->room ? 2 * files->room : 64;
	struct run_file **by_id, **by_inode;

	if (files->count < files->room)
		return true;
	by_inode = calloc(room, sizeof(*by_inode));
	by_id = realloc(files->by_id, room * sizeof(*by_id));
	if (by_id)
		files->by_id = by_id;
	if (!by_id || !by_inode) {
		free(by_inode);
		return false;
	}
	free(files->by_inode);
	files->by_inode = by_inode;
	files->room = files->buckets = room;
	for (uint32_t i = 0; i < files->count; i++)
		if (by_id[i]->state != FILE_NONE)
			hash_insert(files, by_id[i]);
	return true;
}

/* ------------------------------------------------------------------ FIFOs come and go */

static void on_hang_up(struct executor *ex, struct watch *watch, uint32_t events);

/* A number without FIFO; NULL: no memory. */
static struct run_file *file_number(struct executor *ex)
{
	struct run_files *files = &ex->files;
	struct run_file *file = files->none;

	if (file) {
		files->none = file->next;
		return file;
	}
	if (!files_grow(files))
		return NULL;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->watch.fd = -1;
	file->id = files->count;
	files->by_id[files->count++] = file;
	return file;
}

static void file_to_none(struct executor *ex, struct run_file *file)
{
	file->state = FILE_NONE;
	file->next = ex->files.none;
	ex->files.none = file;
}

static struct run_file *fifo_new(struct executor *ex)
{
	struct run_file *file = file_number(ex);
	struct stat st;
	char name[16];

	if (!file)
		return NULL;
	file_name(file, name);
	unlinkat(ex->fifos, name, 0);
	if (mkfifoat(ex->fifos, name, 0666) < 0)
		goto out_none;
	file->watch = (struct watch){openat(ex->fifos, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC), on_hang_up};
	if (file->watch.fd < 0)
		goto out_unlink;
	fchmod(file->watch.fd, 0666); /* whatever the umask is: a program may change its user */
	if (fstat(file->watch.fd, &st) < 0 || watch_add(ex, &file->watch, EPOLLET))
		goto out_close;
	file->inode = st.st_ino;
	ex->fifo_dev = st.st_dev;
	hash_insert(&ex->files, file);
	return file;

out_close:
	watch_close(ex, &file->watch);
out_unlink:
	unlinkat(ex->fifos, name, 0);
out_none:
	file_to_none(ex, file);
	return NULL;
}

static void fifo_free(struct executor *ex, struct run_file *file)
{
	char name[16];

	file_name(file, name);
	unlinkat(ex->fifos, name, 0);
	watch_close(ex, &file->watch);
	hash_remove(&ex->files, file);
	file_to_none(ex, file);
}

/* Nobody has it open. */
static void file_to_pool(struct executor *ex, struct run_file *file)
{
	struct run_files *files = &ex->files;

	file->generation = 0;
	file->client = file->closer = NULL;
	if (files->pooled >= RUN_POOL_MAX)
		return fifo_free(ex, file);
	file->state = FILE_POOL;
	file->next = files->pool;
	files->pool = file;
	files->pooled++;
}

struct run_file *file_spare(struct executor *ex, struct client *client)
{
	struct run_files *files = &ex->files;
	struct run_file *file = files->pool;

	if (file) {
		files->pool = file->next;
		files->pooled--;
	} else {
		file = fifo_new(ex);
		if (!file)
			return NULL;
	}
	do
		file->generation = (uint32_t)ex->options.host->env.random(ex->options.host->env.world) >>
				   1; /* segment.h: 31 bits */
	while (!file->generation);
	file->state = FILE_SPARE;
	file->hung_up = false;
	file->client = client;
	files->spares++;
	return file;
}

void file_take_back(struct executor *ex, struct run_file *spare)
{
	ex->files.spares--;
	spare->client = NULL;
	spare->state = FILE_LIMBO;
	if (!file_is_held_at_last(ex, spare))
		file_to_pool(ex, spare);
}

/* ------------------------------------------------------------------ a file's life */

static void file_doubt(struct executor *ex, struct run_file *file)
{
	if (file->in_doubt)
		return;
	file->in_doubt = true;
	file->next_doubt = ex->files.doubtful;
	ex->files.doubtful = file;
}

void file_bind(struct executor *ex, struct run_file *spare, enum seg_kind kind, int fd)
{
	ex->files.spares--;
	ex->files.bound++;
	spare->state = FILE_BOUND;
	spare->kind = kind;
	spare->fd = fd;
	spare->number = spare->kernel_set = -1;
	spare->timed = 0;
	spare->late_error = 0;
	spare->calls = 0;
	fd_remember(&ex->files, fd, spare);
	if (spare->hung_up) /* the program may have been killed just before; or it opened it for a call that failed */
		file_doubt(ex, spare);
	spare->hung_up = false;
}

int file_unbind(struct executor *ex, struct run_file *file)
{
	struct run_key *key;
	int fd = file->fd;

	loan_file_gone(ex, file);
	fd_forget(&ex->files, fd);
	while ((key = file->keys) != NULL) {
		file->keys = key->next;
		fd_forget(&ex->files, key->fd);
		la_close(ex->task, key->fd, host_now_ns());
		free(key);
	}
	if (file->kernel_set >= 0) {
		close(file->kernel_set);
		ex->files.kernel_sets--;
	}
	ex->files.bound--;
	file->fd = file->kernel_set = -1;
	file->state = FILE_LIMBO;
	file_to_pool(ex, file);
	return fd;
}

int file_key(struct executor *ex, struct run_file *file, int number)
{
	struct run_key *key;
	int fd;

	if (file->number < 0)
		file->number = number;
	if (file->number == number)
		return file->fd;
	for (key = file->keys; key; key = key->next)
		if (key->number == number)
			return key->fd;
	key = malloc(sizeof(*key));
	if (!key)
		return -ENOMEM;
	fd = la_dup(ex->task, file->fd, host_now_ns());
	if (fd < 0) {
		free(key);
		return fd;
	}
	*key = (struct run_key){file->keys, number, fd};
	file->keys = key;
	fd_remember(&ex->files, fd, file);
	return fd;
}

/* ------------------------------------------------------------------ the last close */

/*
 * The slot of @client that is about to submit CALL_CLOSED for it, or has; -1: none. One that was answered was not the last,
 * whatever its bit still says.
 */
static int client_closing(const struct client *client, const struct run_file *file)
{
	for (unsigned w = 0; w < SEG_WORDS; w++) {
		uint64_t bits = atomic_load_explicit(&client->seg->closing[w], memory_order_acquire);

		for (; bits; bits &= bits - 1) {
			int nr = (int)(64 * w) + __builtin_ctzll(bits);
			const volatile struct seg_slot *slot = &client->seg->slot[nr];

			if (slot->file == file_handle(file) && slot->call == CALL_CLOSED &&
			    (slot->state == SLOT_TAKEN || slot->state == SLOT_SUBMITTED))
				return nr;
		}
	}
	return -1;
}

/* Is it a close in progress that was the last? Then the close is that call's, which may linger; it begins now. */
static bool file_closed_by_call(struct executor *ex, struct run_file *file)
{
	for (struct client *client = ex->clients; client; client = client->next) {
		int nr = client->seg && !client->gone ? client_closing(client, file) : -1;

		if (nr < 0)
			continue;
		file->closer = client;
		call_begin_closed(ex, client, (unsigned)nr);
		return true;
	}
	return false;
}

/* Nobody holds it: exit, exec, a descriptor in flight destroyed, or a close that the shim did not see. No lingering. */
static void file_abandoned(struct executor *ex, struct run_file *file)
{
	ex->abandoned = file;
	la_close(ex->task, file_unbind(ex, file), host_now_ns());
	ex->abandoned = NULL;
}

static void on_hang_up(struct executor *ex, struct watch *watch, uint32_t events)
{
	struct run_file *file = (struct run_file *)watch; /* its first member */

	(void)events;
	file->hung_up = true;
	if (file->state != FILE_BOUND && file->state != FILE_LIMBO)
		return;
	if (file_is_held(file))
		return;
	if (file->state == FILE_LIMBO)
		return file_to_pool(ex, file);
	loans_take(ex); /* what its holder sent elsewhere before it let go */
	if (!file_closed_by_call(ex, file))
		file_abandoned(ex, file);
}

void files_look(struct executor *ex)
{
	struct run_file *file;

	while ((file = ex->files.doubtful) != NULL) {
		ex->files.doubtful = file->next_doubt;
		file->in_doubt = false;
		if (file->state == FILE_BOUND && !file_is_held(file))
			file_abandoned(ex, file);
	}
}

/* What it made and never opened does not hang up by itself; what it was about to close nobody else will. */
void files_client_gone(struct executor *ex, struct client *client)
{
	for (uint32_t i = 0; i < ex->files.count; i++) {
		struct run_file *file = ex->files.by_id[i];
		bool ours = file->closer == client;

		if (file->state != FILE_BOUND || (file->client != client && !ours))
			continue;
		if (file->client == client)
			file->client = NULL;
		if (file->closer == client)
			file->closer = NULL;
		/* Most hang up by themselves, in the order in which the kernel closed them: their events are there already. What
		 * this life never opened shows the hang-up of the one before, and no event. */
		if (!ours && !file->hung_up && !file_is_held(file)) {
			file_doubt(ex, file);
			continue;
		}
		if (!file_is_held_at_last(ex, file))
			file_abandoned(ex, file);
	}
}

/* ------------------------------------------------------------------ all of them */

int files_open(struct executor *ex)
{
	struct run_file *file;

	if (mkdirat(ex->dir, "f", 0711) < 0 && errno != EEXIST)
		return -errno;
	ex->fifos = openat(ex->dir, "f", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ex->fifos < 0 || fchmod(ex->fifos, 0711) < 0)
		return -errno;
	file = fifo_new(ex); /* says whether the folder can have FIFOs, and on which device they are */
	if (!file)
		return errno ? -errno : -ENOMEM;
	file_to_pool(ex, file);
	return 0;
}

void files_close(struct executor *ex)
{
	struct run_files *files = &ex->files;

	for (uint32_t i = 0; i < files->count; i++)
		if (files->by_id[i]->state == FILE_BOUND)
			file_abandoned(ex, files->by_id[i]);
	for (uint32_t i = 0; i < files->count; i++) {
		if (files->by_id[i]->state != FILE_NONE)
			fifo_free(ex, files->by_id[i]);
		free(files->by_id[i]);
	}
	free(files->by_id);
	free(files->by_inode);
	free(files->by_fd);
	if (ex->fifos >= 0)
		close(ex->fifos);
	unlinkat(ex->dir, "f", AT_REMOVEDIR);
}
