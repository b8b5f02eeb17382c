// SPDX-License-Identifier: MIT
/*
 * host/preload/say.c - what the shim has to tell the user, where the user looks
 *
 * A line on stderr is for whoever started `lastack run`. A program deeper down may have its stderr in a file or a pipe
 * whose content another program compares: nothing of ours belongs there. So the first program notes which file its
 * stderr is, the note travels in the environment, and a program whose stderr is another file stays silent.
 */
#include "host/preload/preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAY_ENV "LASTACK_STDERR"

static char note[sizeof(SAY_ENV) + 48]; /* "LASTACK_STDERR=device:inode" */

static bool note_make(char *text, size_t size)
{
	struct stat st;

	if (sys(SYS_fstat, 2, &st) < 0)
		return false;
	snprintf(text, size, SAY_ENV "=%lx:%lx", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	return true;
}

__attribute__((constructor(103))) static void say_start(void)
{
	const char *given = getenv(SAY_ENV);

	if (!shim_configured())
		return;
	if (given && strlen(given) < sizeof(note) - sizeof(SAY_ENV))
		strcat(strcpy(note, SAY_ENV "="), given);
	else if (note_make(note, sizeof(note)))
		putenv(note);
}

const char *say_note(void)
{
	return note;
}

void say(const char *text)
{
	char now[sizeof(note)], line[8192];
	int len;

	if (!note_make(now, sizeof(now)) || strcmp(now, note))
		return;
	len = snprintf(line, sizeof(line), "lastack: %s\n", text);
	sys(SYS_write, 2, line, len < (int)sizeof(line) ? len : (int)sizeof(line) - 1);
}
