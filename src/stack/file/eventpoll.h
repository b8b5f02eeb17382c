/* SPDX-License-Identifier: MIT */
/*
 * file/eventpoll.h - an epoll set and what it watches
 *
 *	file -> its wait queue -> epitem -> ready list of its set -> epoll_wait(), and whoever polls the set
 *
 * The set holds no reference on a file: an entry ends with EPOLL_CTL_DEL, with the set, or when the file dies.
 */
#ifndef LA_EVENTPOLL_H
#define LA_EVENTPOLL_H

#include "stack/file/file.h"

struct eventpoll {
	struct net *net;
	struct file *file;	     /* the set as a file; borrowed */
	struct wait_queue wq;	     /* epoll_wait(), exclusively */
	struct wait_queue poll_wait; /* poll() on the set, sets that watch it */
	struct htab items;	     /* epitem.hash, by descriptor */
	struct list_head ready;	     /* epitem.ready, in the order of events */
};

struct epitem {
	struct wait_entry wait; /* in the file's queue */
	struct hnode hash;
	struct list_head ready; /* in ep->ready while something may have happened */
	struct eventpoll *ep;
	struct file *file;	      /* borrowed: it outlives no file */
	struct epitem *next, **pprev; /* in file->epitems */
	int fd;			      /* the number under which the file was added; it may mean another one by now */
	uint32_t events;
	uint64_t data;
};

#endif
