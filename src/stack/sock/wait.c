// SPDX-License-Identifier: MIT
/* sock/wait.c - telling those who wait that something happened; what they do about it comes later, at the end of the entry */
#include "stack/sock/wait.h"

void wake_up(struct wait_queue *q, uint32_t key, unsigned exclusive)
{
	struct wait_entry *e, *tmp;

	list_for_each_entry_safe(e, tmp, &q->entries, node)
		if (e->wake(e, key) && exclusive && !--exclusive)
			break;
}
