// SPDX-License-Identifier: MIT
/*
 * drill/code.c - %{ }%: what the socket's options say becomes a program in Python
 *
 *	tcpi_state = 1          from TCP_INFO, TCP_CC_INFO and SO_MEMINFO, as far as the side filled them in
 *	...
 *	_block(12, "assert tcpi_state == TCP_ESTABLISHED")
 *
 * All blocks share their names, as in one program. The first one that fails ends it with three lines: the script's line and
 * the error, the source there, and the values in it; drill_code_failed() reads them.
 */
#include "drill/code.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { OPTION_TCP_INFO = 11, OPTION_TCP_CC_INFO = 26, OPTION_SO_MEMINFO = 55, ROOM = 512, NOT_ASKED = -100000 };

/* struct drill_code - @program has @size bytes, @length of them used before the NUL */
struct drill_code {
	char *file;
	char *program;
	size_t length, size;
};

/* ---------------------------------------------------------------- the program */

static void *need(void *mem)
{
	if (!mem)
		abort();
	return mem;
}

struct drill_code *drill_code_new(const char *file)
{
	struct drill_code *code = need(calloc(1, sizeof(*code)));

	code->file = need(strdup(file));
	code->size = ROOM;
	code->program = need(calloc(1, code->size));
	return code;
}

void drill_code_free(struct drill_code *code)
{
	free(code->file);
	free(code->program);
	free(code);
}

const char *drill_code_program(const struct drill_code *code)
{
	return code->program;
}

static void put(struct drill_code *code, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct drill_code *code, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return;
	if (code->length + (size_t)n >= code->size) {
		code->size = 2 * (code->length + (size_t)n + 1);
		code->program = need(realloc(code->program, code->size));
	}
	va_start(args, format);
	vsnprintf(code->program + code->length, code->size - code->length, format, args);
	va_end(args);
	code->length += (size_t)n;
}

static void put_value(struct drill_code *code, const char *name, uint64_t value)
{
	put(code, "%s = %llu\n", name, (unsigned long long)value);
}

static void put_string(struct drill_code *code, const char *text)
{
	put(code, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			put(code, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			put(code, "\\x%02x", c);
		else
			put(code, "%c", c);
	}
	put(code, "\"");
}

/* ---------------------------------------------------------------- its beginning */

static const char beginning[] =
	"import re, sys, traceback\n"
	"\n"
	"def _values(source):\n"
	"    names = dict.fromkeys(re.findall(r'[A-Za-z_]\\w*', source))\n"
	"    return ', '.join('%s = %r' % (name, globals()[name]) for name in names\n"
	"                     if type(globals().get(name)) in (int, float) and not name.startswith('TCP'))\n"
	"\n"
	"def _block(line, text):\n"
	"    try:\n"
	"        exec(compile(text + '\\n\\n', '%{ }%', 'exec'), globals())\n"
	"    except Exception as error:\n"
	"        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__)\n"
	"                 if f.filename == '%{ }%']\n"
	"        at = lines[0] if lines else getattr(error, 'lineno', None) or 1\n"
	"        source = (text.split('\\n') + [''] * at)[at - 1].strip()\n"
	"        said = ' '.join(('%s: %s' % (type(error).__name__, error)).split())\n"
	"        sys.stdout.flush()\n"
	"        sys.stderr.write('\\ndrill: %d %s\\n%s\\n%s\\n' % (line + at - 1, said, source, _values(source)))\n"
	"        sys.exit(1)\n"
	"\n";

static void put_names(struct drill_code *code)
{
	static const char *const states[] = {
		[1] = "TCP_ESTABLISHED", [2] = "TCP_SYN_SENT",	[3] = "TCP_SYN_RECV", [4] = "TCP_FIN_WAIT1",
		[5] = "TCP_FIN_WAIT2",	 [6] = "TCP_TIME_WAIT", [7] = "TCP_CLOSE",    [8] = "TCP_CLOSE_WAIT",
		[9] = "TCP_LAST_ACK",	 [10] = "TCP_LISTEN",	[11] = "TCP_CLOSING",
	};
	static const char *const recovery[] = {"TCP_CA_Open", "TCP_CA_Disorder", "TCP_CA_CWR", "TCP_CA_Recovery",
					       "TCP_CA_Loss"};
	static const char *const options[] = {
		"TCPI_OPT_TIMESTAMPS", "TCPI_OPT_SACK",	    "TCPI_OPT_WSCALE",	"TCPI_OPT_ECN",
		"TCPI_OPT_ECN_SEEN",   "TCPI_OPT_SYN_DATA", "TCPI_OPT_USEC_TS", "TCPI_OPT_TFO_CHILD",
	};

	for (size_t i = 1; i < sizeof(states) / sizeof(states[0]); i++)
		put_value(code, states[i], i);
	for (size_t i = 0; i < sizeof(recovery) / sizeof(recovery[0]); i++)
		put_value(code, recovery[i], i);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		put_value(code, options[i], 1u << i);
	put(code, "\n");
}

/* ---------------------------------------------------------------- TCP_INFO */

/* struct info - struct tcp_info of Linux 6.18; headers of some systems end earlier */
struct info {
	uint8_t state, ca_state, retransmits, probes, backoff, options, wscales, app_limited;
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint16_t accecn_fail_mode, accecn_opt_seen;
};

_Static_assert(sizeof(struct info) == 280, "as the kernel gives it");

/* struct value - a number within a struct; of a bit field only @mask's bits from @shift on */
struct value {
	const char *name;
	uint16_t offset;
	uint8_t size, shift, mask;
};

/* clang-format off */
#define V(field) {"tcpi_" #field, offsetof(struct info, field), sizeof(((struct info *)0)->field), 0, 0}

static const struct value info_values[] = {
	V(state), V(ca_state), V(retransmits), V(probes), V(backoff), V(options),
	{"tcpi_snd_wscale", offsetof(struct info, wscales), 1, 0, 0xf},
	{"tcpi_rcv_wscale", offsetof(struct info, wscales), 1, 4, 0xf},
	{"tcpi_delivery_rate_app_limited", offsetof(struct info, app_limited), 1, 0, 1},
	{"tcpi_fastopen_client_fail", offsetof(struct info, app_limited), 1, 1, 3},
	V(rto), V(ato), V(snd_mss), V(rcv_mss), V(unacked), V(sacked), V(lost), V(retrans), V(fackets),
	V(last_data_sent), V(last_ack_sent), V(last_data_recv), V(last_ack_recv), V(pmtu), V(rcv_ssthresh), V(rtt),
	V(rttvar), V(snd_ssthresh), V(snd_cwnd), V(advmss), V(reordering), V(rcv_rtt), V(rcv_space), V(total_retrans),
	V(pacing_rate), V(max_pacing_rate), V(bytes_acked), V(bytes_received), V(segs_out), V(segs_in),
	V(notsent_bytes), V(min_rtt), V(data_segs_in), V(data_segs_out), V(delivery_rate), V(busy_time),
	V(rwnd_limited), V(sndbuf_limited), V(delivered), V(delivered_ce), V(bytes_sent), V(bytes_retrans),
	V(dsack_dups), V(reord_seen), V(rcv_ooopack), V(snd_wnd), V(rcv_wnd), V(rehash), V(total_rto),
	V(total_rto_recoveries), V(total_rto_time), V(received_ce), V(delivered_e1_bytes), V(delivered_e0_bytes),
	V(delivered_ce_bytes), V(received_e1_bytes), V(received_e0_bytes), V(received_ce_bytes), V(accecn_fail_mode),
	V(accecn_opt_seen),
};
/* clang-format on */

static uint64_t read_value(const struct value *value, const uint8_t *bytes)
{
	uint8_t u8 = bytes[value->offset];
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (value->size) {
	case 1:
		return value->mask ? u8 >> value->shift & value->mask : u8;
	case 2:
		memcpy(&u16, bytes + value->offset, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, bytes + value->offset, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, bytes + value->offset, sizeof(u64));
		return u64;
	}
}

/* Those that lie within the @length bytes that the side gave. */
static void put_values(struct drill_code *code, const struct value *values, size_t n, const uint8_t *bytes,
		       size_t length)
{
	for (size_t i = 0; i < n; i++)
		if ((size_t)values[i].offset + values[i].size <= length)
			put_value(code, values[i].name, read_value(&values[i], bytes));
}

/* ---------------------------------------------------------------- congestion control and memory */

/* The three that tell something share one option: which of them it is, nothing says but the length. */
static void put_cc_values(struct drill_code *code, const uint8_t *bytes, size_t length)
{
	static const struct value bbr[] = {
		{"bbr_bw_lo", 0, 4, 0, 0},   {"bbr_bw_hi", 4, 4, 0, 0},	       {"bbr_bw", 0, 8, 0, 0},
		{"bbr_min_rtt", 8, 4, 0, 0}, {"bbr_pacing_gain", 12, 4, 0, 0}, {"bbr_cwnd_gain", 16, 4, 0, 0},
	};
	static const struct value dctcp[] = {
		{"dctcp_enabled", 0, 2, 0, 0}, {"dctcp_ce_state", 2, 2, 0, 0}, {"dctcp_alpha", 4, 4, 0, 0},
		{"dctcp_ab_ecn", 8, 4, 0, 0},  {"dctcp_ab_tot", 12, 4, 0, 0},
	};
	static const struct value vegas[] = {
		{"tcpv_enabled", 0, 4, 0, 0},
		{"tcpv_rttcnt", 4, 4, 0, 0},
		{"tcp_rtt", 8, 4, 0, 0},
		{"tcp_minrtt", 12, 4, 0, 0},
	};

	if (length >= 20)
		put_values(code, bbr, sizeof(bbr) / sizeof(bbr[0]), bytes, length);
	if (length >= 16) {
		put_values(code, dctcp, sizeof(dctcp) / sizeof(dctcp[0]), bytes, length);
		put_values(code, vegas, sizeof(vegas) / sizeof(vegas[0]), bytes, length);
	}
}

static void put_memory_values(struct drill_code *code, const uint8_t *bytes, size_t length)
{
	static const char *const names[] = {
		"SK_MEMINFO_RMEM_ALLOC", "SK_MEMINFO_RCVBUF",	 "SK_MEMINFO_WMEM_ALLOC",
		"SK_MEMINFO_SNDBUF",	 "SK_MEMINFO_FWD_ALLOC", "SK_MEMINFO_WMEM_QUEUED",
		"SK_MEMINFO_OPTMEM",	 "SK_MEMINFO_BACKLOG",	 "SK_MEMINFO_DROPS",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct value value = {names[i], (uint16_t)(4 * i), 4, 0, 0};

		put_values(code, &value, 1, bytes, length);
	}
}

/* ---------------------------------------------------------------- a block */

/* getsockopt() on the side, into ROOM bytes; gives their number or a negative errno; NOT_ASKED with the reason. */
static long get_option(struct drill_side *side, int fd, int level, int option, uint8_t *bytes, struct drill_text *why)
{
	socklen_t length = ROOM;
	struct drill_sys sys = {
		.no = DRILL_SYS_GETSOCKOPT,
		.arg = {(uint64_t)(int64_t)fd, (uint64_t)level, (uint64_t)option, (uintptr_t)bytes, (uintptr_t)&length},
	};

	memset(bytes, 0, ROOM);
	if (!side->ops->start(side, &sys, false, why))
		return NOT_ASKED;
	return sys.result < 0 ? (long)sys.result : (long)length;
}

bool drill_code_take(struct drill_code *code, struct drill_side *side, int fd, const struct drill_event *event,
		     struct drill_text *why)
{
	uint8_t bytes[ROOM];
	long length = get_option(side, fd, IPPROTO_TCP, OPTION_TCP_INFO, bytes, why);

	if (length < 0) {
		const char *name = drill_errno_name((int)-length);

		if (length != NOT_ASKED)
			snprintf(why->text, sizeof(why->text), "the socket under test tells no TCP_INFO: %s",
				 name ? name : "an unknown errno");
		return false;
	}
	if (!code->length) {
		put(code, "%s", beginning);
		put_names(code);
	}
	put_values(code, info_values, sizeof(info_values) / sizeof(info_values[0]), bytes, (size_t)length);
	length = get_option(side, fd, IPPROTO_TCP, OPTION_TCP_CC_INFO, bytes, why);
	if (length > 0)
		put_cc_values(code, bytes, (size_t)length);
	length = get_option(side, fd, SOL_SOCKET, OPTION_SO_MEMINFO, bytes, why);
	if (length > 0)
		put_memory_values(code, bytes, (size_t)length);
	put(code, "_block(%d, ", event->pos.line);
	put_string(code, event->text);
	put(code, ")\n\n");
	return true;
}

/* ---------------------------------------------------------------- when it failed */

/* The next line of @said into @to; gives what is behind it. */
static const char *take_line(const char *said, struct drill_text *to)
{
	size_t length = strcspn(said, "\n");

	snprintf(to->text, sizeof(to->text), "%.*s", (int)length, said);
	return said + length + (said[length] == '\n');
}

void drill_code_failed(const struct drill_code *code, const struct drill_text *said, struct drill_verdict *verdict)
{
	static const char mark[] = "drill: ";
	const char *rest = strstr(said->text, mark);
	struct drill_text first = {""};
	int line = 0, behind = 0;

	verdict->outcome = DRILL_FAILED;
	if (rest)
		rest = take_line(rest + strlen(mark), &first);
	if (sscanf(first.text, "%d %n", &line, &behind) != 1 || !behind) {
		verdict->pos = (struct drill_pos){0, 0};
		snprintf(verdict->text.text, sizeof(verdict->text.text), "the code in %.200s failed: %.700s",
			 code->file, said->text);
		return;
	}
	verdict->pos = (struct drill_pos){line, 1};
	rest = take_line(rest, &verdict->expected);
	take_line(rest, &verdict->actual);
	snprintf(verdict->text.text, sizeof(verdict->text.text), "%.400s, in %.500s", first.text + behind,
		 verdict->expected.text);
}
