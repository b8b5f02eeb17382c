/* SPDX-License-Identifier: MIT */
/*
 * host/preload/attach.c - the process joins its stack
 *
 *   shim_start    once a program: libc's functions, LASTACK_DIR, the pages that fork wipes
 *   shim_attach   once a process, at its first call for the stack: control socket -> segment, shared page, doorbell
 *   kernel_set    a kernel epoll that all holders of a set share, fetched from or given to the executor
 *
 * A process that never touches the stack pays for shim_start() only. A forked child is unattached again; it attaches at its
 * own first call, through the folder's descriptor if its root has changed since.
 */
#include "host/preload/state.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

struct real real;
struct state *state;
uint64_t fifo_dev;
_Atomic bool shim_started;

static struct state unwiped; /* should the kernel have no memory for us: still a program, without a stack */
static char folder[256];     /* LASTACK_DIR; empty: not under `lastack run` */
static _Atomic int folder_place = -1;
static _Atomic int control_place = -1; /* also a forked child's, of its parent */
static _Atomic uint64_t lives;
static struct seg *segment; /* where it is, or zeros since a fork */
static struct seg_shared *shared_page;

static void real_resolve(void)
{
#define REAL_RESOLVE(type, name, args) *(void **)&real.name = dlsym(RTLD_NEXT, #name);
	REAL_FUNCTIONS(REAL_RESOLVE)
#undef REAL_RESOLVE
}

/* ------------------------------------------------------------------ once a program */

/* Zeros where the parent has @place; NULL: something else is there by now. */
static void *blank(void *place, size_t size)
{
	long mem;

	if (!place)
		return NULL;
	mem = sys(SYS_mmap, place, size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem == (long)place)
		return place;
	if (mem >= 0 || mem < -4096) /* a kernel that takes the address as a hint */
		sys(SYS_munmap, mem, size);
	return NULL;
}

/* A handler that met its thread in the middle of a call may fork: the child comes back to it, and goes on with its slot. */
static void segment_blank(void)
{
	segment = blank(segment, sizeof(*segment));
	shared_page = blank(shared_page, sizeof(*shared_page));
	state->seg = segment;
	state->shared = shared_page;
}

static void forked_child(void)
{
	segment_blank();
	spares_drop_inherited();
	state->pid = (int)sys(SYS_getpid);
	vfork_children = 0; /* were the parent's */
	limit_restore();
}

static void folder_look(void)
{
	const char *dir = getenv(SEG_ENV_DIR);
	char path[sizeof(folder) + 2];
	struct stat st;

	if (!dir || !*dir || strlen(dir) >= sizeof(folder))
		return;
	memcpy(path, dir, strlen(dir));
	memcpy(path + strlen(dir), "/f", 3);
	if (sys(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0)
		fifo_dev = st.st_dev;
	memcpy(folder, dir, strlen(dir) + 1); /* of a stack that is gone, too: ENETDOWN, rather than the kernel's TCP */
}

void shim_start(void)
{
	static _Atomic bool hooked;
	long mem;
	struct state *mine, *none = NULL;

	real_resolve();
	if (state)
		return;
	mem = sys(SYS_mmap, NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mine = mem < 0 && mem > -4096 ? &unwiped : (struct state *)mem;
	if (mine != &unwiped)
		folder_look();
	sys(SYS_madvise, mem, sizeof(struct state), MADV_WIPEONFORK);
	mine->pid = (int)sys(SYS_getpid);
	if (!__atomic_compare_exchange_n(&state, &none, mine, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		sys(SYS_munmap, mem, sizeof(struct state)); /* another thread was first */
	if (*folder && !atomic_exchange(&hooked, true))
		pthread_atfork(NULL, NULL, forked_child);
	shim_started = true;
}

__attribute__((constructor(101))) static void shim_constructor(void)
{
	shim_ready();
}

bool shim_configured(void)
{
	shim_ready();
	return *folder;
}

uint64_t shim_life(void)
{
	shim_ready();
	return state->life;
}

bool shim_is_vfork_child(void)
{
	int pid, none = 0;

	shim_ready();
	if (!vfork_children)
		return false;
	pid = (int)sys(SYS_getpid);
	if (atomic_compare_exchange_strong(&state->pid, &none, pid))
		return false; /* forked past libc: the page was wiped, nobody knew yet */
	return none != pid;
}

/* ------------------------------------------------------------------ one thread at a time */

uint64_t state_lock(void)
{
	uint64_t all = ~0ull, mask = 0;
	uint32_t open = 0;

	sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, &mask, sizeof(mask));
	while (!atomic_compare_exchange_weak(&state->joining, &open, 1)) {
		open = 0;
		sys(SYS_sched_yield);
	}
	return mask;
}

void state_unlock(uint64_t mask)
{
	atomic_store(&state->joining, 0);
	sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

/* ------------------------------------------------------------------ the control socket */

static int message_send(int fd, struct seg_message *message, int with)
{
	struct iovec iov = {message, sizeof(*message)};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	long ret;

	message->magic = SEG_MAGIC;
	if (with >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &with, sizeof(int));
	}
	do
		ret = sys(SYS_sendmsg, fd, &msg, MSG_NOSIGNAL);
	while (ret == -EINTR);
	return ret == sizeof(*message) ? 0 : -ENETDOWN;
}

static int message_receive(int fd, struct seg_message *message, int *with, int most)
{
	struct iovec iov = {message, sizeof(*message)};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {0};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int came = 0;
	long ret;

	do
		ret = sys(SYS_recvmsg, fd, &msg, MSG_CMSG_CLOEXEC);
	while (ret == -EINTR);
	for (c = CMSG_FIRSTHDR(&msg); c && ret >= 0; c = CMSG_NXTHDR(&msg, c)) {
		int *fds = (int *)(void *)CMSG_DATA(c), n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		for (int i = 0; c->cmsg_type == SCM_RIGHTS && i < n; i++) {
			if (came < most)
				with[came++] = fds[i];
			else
				sys(SYS_close, fds[i]);
		}
	}
	if (ret == sizeof(*message) && message->magic == SEG_MAGIC && message->error == 0)
		return came;
	while (came)
		sys(SYS_close, with[--came]);
	return ret == sizeof(*message) && message->error < 0 ? message->error : -ENETDOWN;
}

int control_send(struct seg_message *message, int fd)
{
	return message_send(own_fd(state->control), message, fd);
}

int control_receive(struct seg_message *message, int *fd, int most)
{
	return message_receive(own_fd(state->control), message, fd, most);
}

/* ------------------------------------------------------------------ the folder: by name while the root is what it was */

int folder_fd(void)
{
	int fd, place, none = -1;

	if (folder_place >= 0)
		return own_fd(folder_place);
	fd = (int)sys(SYS_openat, AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return -ENETDOWN;
	place = own_add(fd);
	if (place < 0)
		return place;
	if (!atomic_compare_exchange_strong(&folder_place, &none, place)) {
		own_close(place);
		place = none;
	}
	return own_fd(place);
}

/* The folder must be in hand before its name means nothing any more. */
EXPORT int chroot(const char *path)
{
	shim_ready();
	if (shim_configured())
		folder_fd();
	return real.chroot(path);
}

static long connect_by_path(int fd, const char *dir, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(dir), rest = strlen(name) + 1;

	if (len + rest > sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, dir, len);
	memcpy(addr.sun_path + len, name, rest);
	return sys(SYS_connect, fd, &addr, sizeof(addr));
}

/* No path leads there (a long name, another root without /proc): go into the folder for a moment. */
static long connect_from_within(int fd, int dir)
{
	long here = sys(SYS_openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0), ret;

	if (here < 0)
		return here;
	ret = sys(SYS_fchdir, dir);
	if (ret == 0) {
		ret = connect_by_path(fd, "", "control");
		sys(SYS_fchdir, here);
	}
	sys(SYS_close, here);
	return ret;
}

static int control_connect(void)
{
	char by_number[40] = "/proc/self/fd/";
	int dir = folder_fd(), fd, digits = 1;
	long ret;

	if (dir < 0)
		return dir;
	fd = (int)sys(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	for (int i = dir; i >= 10; i /= 10)
		digits++;
	for (int i = dir, at = 14 + digits; digits; digits--, i /= 10)
		by_number[--at] = (char)('0' + i % 10);
	ret = connect_by_path(fd, by_number, "/control");
	if (ret < 0)
		ret = connect_from_within(fd, dir);
	if (ret == 0)
		return fd;
	sys(SYS_close, fd);
	return -ENETDOWN;
}

/* ------------------------------------------------------------------ once a process */

/* @place: NULL, or what it takes the place of */
static void *map(int fd, void *place, size_t size, int prot)
{
	struct stat st;
	long mem;

	if (sys(SYS_fstat, fd, &st) < 0 || (size_t)st.st_size < size)
		return NULL; /* would be SIGBUS later */
	mem = sys(SYS_mmap, place, size, prot, MAP_SHARED | MAP_NORESERVE | (place ? MAP_FIXED : 0), fd, 0);
	if (mem < 0 && mem > -4096)
		return NULL;
	sys(SYS_madvise, mem, size, MADV_DONTFORK);
	sys(SYS_madvise, mem, size, MADV_DONTDUMP);
	return (void *)mem;
}

/* @fd: segment, shared page, doorbell; all of them taken. */
static int settle(int control, int *fd, const struct seg_message *message)
{
	int place[2] = {own_add(control), own_add(fd[2])};

	segment = state->seg = map(fd[0], segment, sizeof(struct seg), PROT_READ | PROT_WRITE);
	state->shared = shared_page = map(fd[1], shared_page, sizeof(struct seg_shared), PROT_READ);
	sys(SYS_close, fd[0]);
	sys(SYS_close, fd[1]);
	if (state->seg && state->shared && place[0] >= 0 && place[1] >= 0 && state->seg->magic == SEG_MAGIC &&
	    state->seg->version == SEG_VERSION) {
		state->control = control_place = place[0];
		state->doorbell = place[1];
		state->flags = message->flags;
		fifo_dev = message->fifo_dev;
		atomic_store(&state->life, atomic_fetch_add(&lives, 1) + 1);
		return 0;
	}
	for (int i = 0; i < 2; i++)
		if (place[i] >= 0)
			own_close(place[i]);
	if (state->seg)
		sys(SYS_munmap, state->seg, sizeof(struct seg));
	if (state->shared)
		sys(SYS_munmap, state->shared, sizeof(struct seg_shared));
	segment = NULL;
	shared_page = NULL;
	return place[0] == -EMFILE || place[1] == -EMFILE ? -EMFILE : -ENOMEM;
}

/* The parent's control socket is still open in a forked child, and reaches the executor from any root and for any user. */
static int control_by_parent(void)
{
	struct seg_message message = {.kind = SEG_CHILD};
	int pair[2], ret;

	if (control_place < 0)
		return -ENETDOWN;
	ret = (int)sys(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (ret < 0)
		return ret;
	ret = message_send(own_fd(control_place), &message, pair[1]);
	sys(SYS_close, pair[1]);
	if (ret == 0)
		return pair[0];
	sys(SYS_close, pair[0]);
	return ret;
}

/* Takes @control. */
static int join_by(int control)
{
	struct seg_message message = {.kind = SEG_ATTACH, .arg = {SEG_VERSION}};
	int fd[3], came;

	if (control < 0)
		return control;
	came = message_send(control, &message, -1);
	if (came == 0)
		came = message_receive(control, &message, fd, 3);
	if (came == 3)
		return settle(control, fd, &message);
	for (int i = 0; i < came; i++)
		sys(SYS_close, fd[i]);
	sys(SYS_close, control);
	return came < 0 ? came : -ENETDOWN;
}

static int join(void)
{
	int control = control_by_parent(), err;

	own_drop_inherited(folder_place);
	control_place = -1;
	err = join_by(control);
	return err < 0 ? join_by(control_connect()) : err;
}

int shim_attach(void)
{
	uint64_t mask;
	bool widened;
	int err = 0;

	shim_ready();
	if (state->life)
		return 0;
	if (!*folder || shim_is_vfork_child()) /* its descriptors would not be its parent's */
		return -ENETDOWN;
	mask = state_lock();
	widened = limit_widen(); /* the program may have used up its numbers */
	if (!state->life)
		err = join();
	if (widened)
		limit_restore();
	state_unlock(mask);
	return err;
}

/* ------------------------------------------------------------------ kernel sets */

/* Ids are given out densely, so @set's place is where its id says, or close behind. @wanted: @set, or 0 for a free place. */
static struct kernel_set *kernel_set_find(seg_handle set, seg_handle wanted)
{
	for (unsigned int i = 0; i < KERNEL_SET_PROBES; i++) {
		struct kernel_set *k = &state->sets[(SEG_ID(set) + i) % KERNEL_SETS];

		if (k->set == wanted)
			return k;
	}
	return NULL;
}

/* The executor has, or now gets, the one that counts. With the lock held. */
static int kernel_set_fetch(seg_handle set, bool make)
{
	struct seg_message message = {.kind = SEG_KERNEL_SET, .arg = {set}};
	int fd = make ? (int)sys(SYS_epoll_create1, EPOLL_CLOEXEC) : -1, ret;

	if (make && fd < 0)
		return fd;
	ret = control_send(&message, fd);
	if (fd >= 0)
		sys(SYS_close, fd);
	if (ret == 0)
		ret = control_receive(&message, &fd, 1);
	if (ret < 0)
		return ret;
	return ret ? fd : -ENOENT;
}

int kernel_set(seg_handle set, bool make)
{
	struct kernel_set *k;
	uint64_t mask;
	bool widened;
	int ret = shim_attach();

	if (ret < 0)
		return ret;
	k = kernel_set_find(set, set);
	if (k)
		return own_fd(k->place);
	mask = state_lock();
	widened = limit_widen();
	k = kernel_set_find(set, set); /* meanwhile? */
	if (!k) {
		k = kernel_set_find(set, 0);
		ret = k ? kernel_set_fetch(set, make) : -ENOSPC;
		if (ret >= 0)
			ret = own_add(ret);
		if (ret >= 0) {
			k->place = ret;
			k->set = set;
		}
	}
	if (ret >= 0)
		ret = own_fd(k->place);
	if (widened)
		limit_restore();
	state_unlock(mask);
	return ret;
}

int kernel_set_known(seg_handle set)
{
	struct kernel_set *k = shim_life() ? kernel_set_find(set, set) : NULL;

	return k ? own_fd(k->place) : -ENOENT;
}

void kernel_set_forget(seg_handle set)
{
	struct kernel_set *k;
	uint64_t mask;

	shim_ready();
	if (!state->life || !kernel_set_find(set, set))
		return;
	mask = state_lock();
	k = kernel_set_find(set, set);
	if (k) {
		own_close(k->place);
		k->set = 0;
	}
	state_unlock(mask);
}
