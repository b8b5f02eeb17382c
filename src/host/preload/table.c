/* SPDX-License-Identifier: MIT */
/*
 * host/preload/table.c - numbers: what each means
 *
 *   stack_handle        the entry, or on a miss number_identify(): fstat() -> a FIFO of the stack's -> which file is it?
 *   number_set, _forget whoever changes what a number means says so; "forget" is always right
 *   own_*               the shim's own descriptors: high numbers that the program cannot close
 *
 * The kernel's table of descriptors is the truth; this one may forget anything at any time, and must never claim what is no
 * longer so. Numbers change past it too (inside libc): those are kernel numbers that follow kernel numbers, or they are
 * forgotten by the call that brought the change about. A vfork child has numbers of its own and this memory of its parent's:
 * it neither reads nor writes here.
 */
#include "host/preload/state.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* An entry: one of these, or a handle, its top bit set for an epoll set (generations have 31 bits). */
#define NUMBER_UNKNOWN 0ull
#define NUMBER_KERNEL  UINT64_MAX
#define NUMBER_OWN     (UINT64_MAX - 1)
#define NUMBER_EPOLL   (1ull << 63)

#define CHUNK	1024u
#define CHUNKS	1024u /* fs.nr_open is 1,048,576; numbers above are looked at each time */
#define OWN_MAX (SEG_SLOTS + KERNEL_SETS + 8)

typedef _Atomic uint64_t number_entry;

static number_entry first_chunk[CHUNK];
static number_entry *_Atomic chunks[CHUNKS] = {first_chunk};
static _Atomic uint64_t changes; /* counts forgetting: what was looked up before may be old */
static _Atomic int own[OWN_MAX]; /* number + 1; 0: free */

static number_entry *number_entry_of(int fd, bool make)
{
	unsigned int at = (unsigned int)fd / CHUNK;
	number_entry *none = NULL;
	long mem;

	if (fd < 0 || at >= CHUNKS)
		return NULL;
	if (!chunks[at] && make) {
		mem = sys(SYS_mmap, NULL, CHUNK * sizeof(number_entry), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem < 0 && mem > -4096)
			return NULL;
		if (!atomic_compare_exchange_strong(&chunks[at], &none, (number_entry *)mem))
			sys(SYS_munmap, mem, CHUNK * sizeof(number_entry));
	}
	return chunks[at] ? &chunks[at][(unsigned int)fd % CHUNK] : NULL;
}

static uint64_t number_pack(seg_handle file, enum seg_kind kind)
{
	return file | (kind == SEG_KIND_EPOLL ? NUMBER_EPOLL : 0);
}

static seg_handle number_unpack(uint64_t entry, enum seg_kind *kind)
{
	*kind = SEG_KIND_NONE;
	if (entry == NUMBER_UNKNOWN || entry >= NUMBER_OWN)
		return 0;
	*kind = entry & NUMBER_EPOLL ? SEG_KIND_EPOLL : SEG_KIND_SOCKET;
	return entry & ~NUMBER_EPOLL;
}

/* Which file is it? The entry, or UNKNOWN when even the answer must not be kept. */
static uint64_t number_ask(int fd)
{
	struct stat st;
	struct call call;
	seg_handle file;
	enum seg_kind kind;

	if (sys(SYS_fstat, fd, &st) < 0)
		return NUMBER_UNKNOWN; /* nothing there */
	if (!S_ISFIFO(st.st_mode) || st.st_dev != fifo_dev)
		return NUMBER_KERNEL;
	if (call_begin(&call, CALL_IDENTIFY, 0) < 0)
		return NUMBER_UNKNOWN;
	call.slot->arg[0] = st.st_ino;
	call.slot->number = fd;
	call_wait(&call);
	file = call.slot->file;
	kind = (enum seg_kind)call.slot->arg[0];
	return call_end(&call) < 0 ? NUMBER_UNKNOWN : number_pack(file, kind);
}

static seg_handle number_identify(int fd, enum seg_kind *kind)
{
	uint64_t before = changes, unknown = NUMBER_UNKNOWN, entry;
	number_entry *at;

	*kind = SEG_KIND_NONE;
	if (!shim_configured())
		return 0;
	entry = number_ask(fd);
	at = number_entry_of(fd, true);
	if (entry != NUMBER_UNKNOWN && at && !shim_is_vfork_child() &&
	    atomic_compare_exchange_strong(at, &unknown, entry) && changes != before)
		atomic_compare_exchange_strong(at, &entry, NUMBER_UNKNOWN); /* perhaps closed while we asked */
	return number_unpack(entry, kind);
}

seg_handle stack_handle_kind(int fd, enum seg_kind *kind)
{
	number_entry *at;
	uint64_t entry;

	shim_ready();
	if (vfork_children && shim_is_vfork_child())
		return number_unpack(shim_configured() ? number_ask(fd) : NUMBER_UNKNOWN, kind);
	at = number_entry_of(fd, false);
	entry = at ? *at : NUMBER_UNKNOWN;
	if (entry == NUMBER_UNKNOWN && fd >= 0)
		return number_identify(fd, kind);
	return number_unpack(entry, kind);
}

seg_handle stack_handle(int fd)
{
	enum seg_kind kind;

	return stack_handle_kind(fd, &kind);
}

void number_set(int fd, seg_handle file, enum seg_kind kind)
{
	number_entry *at = number_entry_of(fd, true);

	if (at && !shim_is_vfork_child())
		*at = number_pack(file, kind);
}

void number_is_kernel(int fd)
{
	number_entry *at = number_entry_of(fd, true);

	if (at && !shim_is_vfork_child())
		*at = NUMBER_KERNEL;
}

void number_forget(int fd)
{
	number_entry *at = number_entry_of(fd, false);

	if (shim_is_vfork_child())
		return;
	atomic_fetch_add(&changes, 1);
	if (at && *at != NUMBER_OWN)
		*at = NUMBER_UNKNOWN;
}

void number_forget_range(unsigned int first, unsigned int last)
{
	if (shim_is_vfork_child())
		return;
	if (last >= CHUNK * CHUNKS)
		last = CHUNK * CHUNKS - 1;
	for (unsigned int at = first / CHUNK; first <= last && at <= last / CHUNK; at++) {
		unsigned int from = at == first / CHUNK ? first % CHUNK : 0;
		unsigned int to = at == last / CHUNK ? last % CHUNK : CHUNK - 1;

		for (unsigned int i = from; chunks[at] && i <= to; i++)
			if (chunks[at][i] != NUMBER_OWN)
				chunks[at][i] = NUMBER_UNKNOWN;
	}
	atomic_fetch_add(&changes, 1);
}

int number_next_own(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < CHUNK * CHUNKS; fd++) {
		if (!chunks[fd / CHUNK])
			fd |= CHUNK - 1;
		else if (chunks[fd / CHUNK][fd % CHUNK] == NUMBER_OWN)
			return (int)fd;
	}
	return -1;
}

int number_last_known(unsigned int first, unsigned int last)
{
	enum seg_kind kind;

	if (last >= CHUNK * CHUNKS)
		last = CHUNK * CHUNKS - 1;
	for (unsigned int fd = last; fd >= first && fd != UINT_MAX; fd--) {
		if (!chunks[fd / CHUNK])
			fd &= ~(CHUNK - 1);
		else if (number_unpack(chunks[fd / CHUNK][fd % CHUNK], &kind))
			return (int)fd;
	}
	return -1;
}

bool number_is_own(int fd)
{
	number_entry *at = number_entry_of(fd, false);

	return at && *at == NUMBER_OWN;
}

/* ------------------------------------------------------------------ the shim's own */

/*
 * Beyond the program's limit where the hard limit allows it: then ours take none of its numbers, and EMFILE comes when it should.
 * Not where the limit is so high that the kernel would have to copy a large table at each fork.
 */
#define LIMIT_LARGE 4096u

static _Atomic uint32_t widened_from; /* the program's limit, while we allow ourselves more; else 0 */

bool limit_widen(void)
{
	struct rlimit limit = {0};
	uint32_t none = 0;

	if (sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) < 0 || limit.rlim_cur >= limit.rlim_max ||
	    limit.rlim_cur > LIMIT_LARGE || !limit.rlim_cur ||
	    !atomic_compare_exchange_strong(&widened_from, &none, (uint32_t)limit.rlim_cur))
		return false;
	limit.rlim_cur = limit.rlim_max - limit.rlim_cur > OWN_MAX ? limit.rlim_cur + OWN_MAX : limit.rlim_max;
	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
	return true;
}

void limit_restore(void)
{
	struct rlimit limit = {0};

	if (!widened_from)
		return;
	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	limit.rlim_cur = widened_from;
	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
	widened_from = 0;
}

/* Else high within the limit; a low one leaves us its upper half. */
static uint32_t own_base(void)
{
	struct rlimit limit = {64, 64};
	uint32_t top;

	if (widened_from)
		return widened_from;
	sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	top = limit.rlim_cur < 1024 ? (uint32_t)limit.rlim_cur : 1024;
	return top >= 64 ? top - 32 : top / 2;
}

static int own_raise(int fd)
{
	bool widened = limit_widen();
	long high = sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, own_base());

	if (high < 0)
		high = sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
	if (widened)
		limit_restore();
	return (int)high;
}

int own_add(int fd)
{
	int number = own_raise(fd), free_place;
	number_entry *at;

	sys(SYS_close, fd);
	if (number < 0)
		return number;
	at = number_entry_of(number, true);
	for (int place = 0; at && place < OWN_MAX; place++) {
		free_place = 0;
		if (!atomic_compare_exchange_strong(&own[place], &free_place, number + 1))
			continue;
		*at = NUMBER_OWN;
		return place;
	}
	sys(SYS_close, number);
	return -ENFILE;
}

int own_fd(int place)
{
	return own[place] - 1;
}

static void own_unmark(int number)
{
	number_entry *at = number_entry_of(number, false);

	if (at)
		*at = NUMBER_UNKNOWN;
}

void own_close(int place)
{
	int number = own_fd(place);

	own_unmark(number);
	sys(SYS_close, number);
	own[place] = 0;
}

int own_move(int fd)
{
	int number;

	for (int place = 0; place < OWN_MAX; place++) {
		if (own[place] != fd + 1)
			continue;
		number = own_raise(fd);
		if (number < 0)
			return number;
		number_set(number, NUMBER_OWN, SEG_KIND_NONE);
		own[place] = number + 1;
		own_unmark(fd);
		return 0;
	}
	return 0;
}

void own_drop_inherited(int keep)
{
	for (int place = 0; place < OWN_MAX; place++)
		if (own[place] && place != keep)
			own_close(place);
}
