// SPDX-License-Identifier: MIT
/*
 * cmd/drill_pcap.c - the frames of all runs in one capture, each with the script's line and its cause
 *
 * Each run and side is an interface. A run counts its time from its own beginning; in the capture it begins one second
 * after the last frame of the one before, so that a reader who sorts by time sees them one after the other.
 */
#include "cmd/drill.h"

#include "drill/tell.h"
#include "lab/pcapng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drill_pcap {
	FILE *file;
	struct lab_pcapng pcap;
	uint64_t begin_ns;
};

static void write_file(void *sink, const void *bytes, size_t len)
{
	fwrite(bytes, 1, len, sink);
}

struct drill_pcap *drill_pcap_new(const char *path)
{
	struct drill_pcap *pcap = lab_zalloc(sizeof(*pcap));

	pcap->file = fopen(path, "wb");
	if (!pcap->file) {
		free(pcap);
		return NULL;
	}
	pcap->begin_ns = LAB_S;
	lab_pcapng_begin(&pcap->pcap, write_file, pcap->file, "lastack drill");
	return pcap;
}

static void comment(const struct drill_played *played, const struct drill_entry *entry, size_t number, char *to,
		    size_t size)
{
	char cause[200];

	if (entry->event)
		snprintf(to, size, "line %d", entry->event->pos.line);
	else
		snprintf(to, size, "no line asks for it");
	if (drill_trace_cause(&played->trace, number, entry, cause, sizeof(cause)))
		snprintf(to + strlen(to), size - strlen(to), "; %s", cause);
}

void drill_pcap_run(struct drill_pcap *pcap, const struct drill_item *item, const struct drill_played *played)
{
	uint64_t end_ns = pcap->begin_ns;
	char text[512];
	uint32_t interface;
	size_t number = 0;

	snprintf(text, sizeof(text), "%s (%s) on %s", item->path, drill_family_name(item->family), played->side);
	interface = lab_pcapng_interface(&pcap->pcap, text);
	for (const struct drill_entry *entry = played->record->first; entry; entry = entry->next, number++) {
		uint64_t at_ns = pcap->begin_ns + (uint64_t)(entry->at_ns > 0 ? entry->at_ns : 0);

		if (entry->kind != DRILL_SAID && entry->kind != DRILL_HEARD)
			continue;
		comment(played, entry, number, text, sizeof(text));
		lab_pcapng_packet(&pcap->pcap, interface, at_ns,
				  entry->kind == DRILL_HEARD ? LAB_PCAPNG_OUT : LAB_PCAPNG_IN, entry->frame, entry->len,
				  text);
		end_ns = at_ns > end_ns ? at_ns : end_ns;
	}
	pcap->begin_ns = end_ns + LAB_S;
}

bool drill_pcap_end(struct drill_pcap *pcap)
{
	bool whole = !ferror(pcap->file);

	whole &= !fclose(pcap->file);
	free(pcap);
	return whole;
}
