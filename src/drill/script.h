/* SPDX-License-Identifier: MIT */
/*
 * drill/script.h - a packetdrill script, parsed
 *
 * In:   the text of a script and the symbols that the command line defines.
 * Here: drill_parse() builds the tree below and checks all that can be said without running: names, ranges, directions,
 *       lengths. lex.c cuts the text into tokens, parse*.c read them, constants.c knows Linux's names.
 * Out:  a list of events for the runner, or one error with its place; print.c turns an event back into text.
 *
 * Pure: nothing here does I/O, and a script once parsed is only read. It owns all that it points to.
 * Times are nanoseconds, ports and sequence numbers are in host order.
 */
#ifndef DRILL_SCRIPT_H
#define DRILL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct drill_pos - a place in the text; both count from 1, a tab is one column */
struct drill_pos {
	int line;
	int column;
};

/* struct drill_error - the first thing that is wrong: "expected ..., found ..." or the name of what is not supported */
struct drill_error {
	struct drill_pos pos;
	char text[240];
};

/* struct drill_define - a symbol and the text that stands for it, as of -D NAME=VALUE and --define=NAME=VALUE */
struct drill_define {
	const char *name;
	const char *value;
};

/* ---------------------------------------------------------------- time */

enum drill_time_kind {
	DRILL_AT,	   /* 1.5       after the script's beginning */
	DRILL_AFTER,	   /* +.01      after the event before */
	DRILL_AT_RANGE,	   /* 1~1.2     somewhere between the two; outbound packets only */
	DRILL_AFTER_RANGE, /* +.1~+.2  both after the event before */
	DRILL_ANY_TIME,	   /* *         whenever it comes; outbound packets only */
};

/**
 * struct drill_time - when an event happens
 * @ns:      from the script's beginning (AT) or from the event before (AFTER)
 * @end_ns:  the later end of a range, counted from the same point; equal to @ns without a range
 */
struct drill_time {
	enum drill_time_kind kind;
	int64_t ns;
	int64_t end_ns;
};

/* ---------------------------------------------------------------- packets */

/* What a script says of the traffic class: nothing, the ECN bits, either ECT (outbound only), or the whole byte. */
enum drill_tos_check { DRILL_TOS_ANY, DRILL_TOS_ECN, DRILL_TOS_ECT01, DRILL_TOS_BYTE };

/* struct drill_ip - [ect0] [noecn] [tos 0x10] [flowlabel 0x12] [ttl 5]; sent packets take 0 for what is not said */
struct drill_ip {
	enum drill_tos_check tos_check;
	uint8_t tos; /* ECN: 0 noecn, 1 ect1, 2 ect0, 3 ce */
	bool has_flow_label;
	uint32_t flow_label;
	bool has_ttl;
	uint8_t ttl;
};

/* The flag bits as on the wire: letters F S R P . U E W A. */
enum drill_tcp_flag {
	DRILL_FIN = 0x001,
	DRILL_SYN = 0x002,
	DRILL_RST = 0x004,
	DRILL_PSH = 0x008,
	DRILL_ACK = 0x010,
	DRILL_URG = 0x020,
	DRILL_ECE = 0x040,
	DRILL_CWR = 0x080,
	DRILL_AE = 0x100,
};

enum drill_option_kind {
	DRILL_OPT_EOL,
	DRILL_OPT_NOP,
	DRILL_OPT_MSS,
	DRILL_OPT_WSCALE,
	DRILL_OPT_SACKOK,
	DRILL_OPT_SACK,
	DRILL_OPT_TS,
	DRILL_OPT_MD5,	  /* 16 bytes */
	DRILL_OPT_FO,	  /* kind 34; without a cookie: a request */
	DRILL_OPT_FOEXP,  /* kind 254 with magic 0xf989 */
	DRILL_OPT_ACCECN, /* kind 172 or 174 */
};

enum { DRILL_MAX_SACK = 4, DRILL_MAX_COOKIE = 38, DRILL_MAX_TCP_OPTIONS = 40, DRILL_ACCECN_FIELDS = 3 };

enum drill_accecn_field { DRILL_E0B, DRILL_CEB, DRILL_E1B };

/**
 * struct drill_option - one TCP option, in the order of the script
 * @length:      bytes on the wire
 * @mss, @wscale, @ts:  values as written; TS values are not relative: what stands here is sent, and expected
 * @sack:        edges relative to the receiver's numbers, as in `ack`
 * @cookie:      of FO and FOEXP; the digest of MD5
 * @accecn:      counters in the order written; e0b first makes kind 172, e1b first 174
 */
struct drill_option {
	struct drill_option *next;
	enum drill_option_kind kind;
	unsigned length;
	union {
		uint16_t mss;
		uint8_t wscale;
		struct {
			unsigned n;
			struct {
				uint32_t start, end;
			} block[DRILL_MAX_SACK];
		} sack;
		struct {
			uint32_t val, ecr;
		} ts;
		struct {
			unsigned length;
			uint8_t bytes[DRILL_MAX_COOKIE];
		} cookie;
		struct {
			unsigned n;
			struct {
				enum drill_accecn_field field;
				uint32_t value; /* 24 bits */
			} item[DRILL_ACCECN_FIELDS];
		} accecn;
	};
};

/**
 * struct drill_tcp - a segment
 * @has_ports:   `49152 > 8080` stands before the flags
 * @flags:       enum drill_tcp_flag
 * @ace:         the three upper flags were written as one digit, 1 to 7
 * @seq, @end:   relative to the sender's initial number, @end == @seq + @length
 * @has_window:  always for inbound; without it an outbound window is not looked at
 * @any_options: <...>, outbound only; @options is then empty
 * @option_bytes: sum of their lengths, a multiple of 4
 */
struct drill_tcp {
	bool has_ports;
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t flags;
	bool ace;
	uint32_t seq;
	uint32_t end;
	uint16_t length;
	bool has_ack;
	uint32_t ack;
	bool has_window;
	uint16_t window;
	bool has_urg;
	uint16_t urg;
	bool any_options;
	unsigned option_bytes;
	struct drill_option *options;
};

/**
 * struct drill_icmp - an ICMP or ICMPv6 message, by name; which of the two, the run's family decides
 * @type, @code: names known to at least one family; @code NULL: 0. drill_icmp_numbers() makes numbers of them
 * @has_quote:   `[1:1001(1000)]`: the segment quoted, relative to the numbers of its sender; otherwise 0:0(0)
 */
struct drill_icmp {
	const char *type;
	const char *code;
	bool has_mtu;
	uint32_t mtu;
	bool has_id;
	uint16_t id;
	bool has_quote;
	uint32_t quote_seq;
	uint16_t quote_length;
};

enum drill_packet_kind { DRILL_TCP, DRILL_ICMP };

struct drill_packet {
	enum drill_packet_kind kind;
	bool outbound; /* `>`: the side under test sends it */
	struct drill_ip ip;
	union {
		struct drill_tcp tcp;
		struct drill_icmp icmp;
	};
};

/* ---------------------------------------------------------------- expressions */

enum drill_expr_kind {
	DRILL_ELLIPSIS, /* ...                     not said, or left to the runner */
	DRILL_INTEGER,	/* 10, -1, 0x10            @value */
	DRILL_WORD,	/* SOL_SOCKET              @text, @value: a constant of Linux, known by name */
	DRILL_STRING,	/* "abc" "def"             @text, @length: escapes are resolved, neighbours joined */
	DRILL_OR,	/* a|b|c                   @items; @value: all of them combined */
	DRILL_LIST,	/* [a, b]                  @items */
	DRILL_STRUCT,	/* {fd=3, events=POLLIN}   @items, each with @field; which struct: @form */
	DRILL_CALL,	/* htons(8080), inet_addr("1.2.3.4"), inet6_addr("::1")   @text; htons and inet_addr: @value */
};

/* The structs of the language and their fields; in brackets: may be left out. */
enum drill_struct {
	DRILL_IOVEC,	    /* {..., 1000} or {"text", 4}: two items without names */
	DRILL_LINGER,	    /* onoff linger */
	DRILL_SOCKADDR,	    /* sa_family sin_port sin_addr */
	DRILL_POLLFD,	    /* fd events [revents] */
	DRILL_EPOLL_EVENT,  /* events, and one of fd ptr u32 u64 */
	DRILL_MSGHDR,	    /* msg_name msg_iov msg_flags [msg_control] */
	DRILL_CMSG,	    /* cmsg_level cmsg_type cmsg_data */
	DRILL_TIMESTAMPING, /* scm_sec scm_nsec */
	DRILL_EXTENDED_ERR, /* ee_errno ee_origin ee_type ee_code ee_info ee_data */
	DRILL_NAMED_VALUES, /* _TCP_NLA_BUSY=0, ...: constants and what they should have; a field's @value is the constant */
};

/**
 * struct drill_expr - a value in a call
 * @next:    the neighbour in a list, the following argument or field
 * @items:   first of the parts of OR, LIST, STRUCT; argument of a CALL
 * @field:   its name within a struct, NULL elsewhere
 * @field_number: what the name means where it is a constant (DRILL_NAMED_VALUES)
 * @count:   `msg_iov(2)=`: the number in brackets after the field's name; ELLIPSIS in `msg_name(...)=`; else NULL
 * @value:   of everything that is a number, see above; inet_addr in network order as in C
 * @more:    the string goes on: "abc"...
 */
struct drill_expr {
	struct drill_expr *next;
	struct drill_expr *items;
	enum drill_expr_kind kind;
	enum drill_struct form;
	struct drill_pos pos;
	const char *field;
	int64_t field_number;
	struct drill_expr *count;
	int64_t value;
	bool hex;
	bool more;
	const char *text;
	size_t length;
};

/* ---------------------------------------------------------------- events */

/**
 * struct drill_call - a system call and what it should give
 * @blocks:   `...0.2`: it returns at @end_ns, counted from the point from which the event's time is counted
 * @n_args:   length of @args
 * @err:      the errno that is expected with -1, 0 for none; @err_name as written
 * @note:     what stands in brackets at the end, "Connection reset by peer"; NULL: nothing. Has no meaning
 */
struct drill_call {
	const char *name;
	struct drill_expr *args;
	unsigned n_args;
	struct drill_expr *result;
	bool blocks;
	int64_t end_ns;
	int err;
	const char *err_name;
	const char *note;
};

enum drill_event_kind {
	DRILL_PACKET,
	DRILL_SYSCALL,
	DRILL_COMMAND, /* `shell line`: @text without the back-ticks */
	DRILL_CODE,    /* %{ ... }%: @text without blanks at both ends */
};

struct drill_event {
	struct drill_event *next;
	enum drill_event_kind kind;
	unsigned number;      /* from 0, in the order of the text */
	struct drill_pos pos; /* of the time */
	struct drill_time time;
	union {
		struct drill_packet packet;
		struct drill_call call;
		const char *text;
	};
};

/* struct drill_note - a word with its place: option, command without a time, or `// needs-sysctl: NAME=VALUE` */
struct drill_note {
	struct drill_note *next;
	struct drill_pos pos;
	const char *name;
	const char *value; /* NULL: none given */
};

/**
 * struct drill_script - all of one file
 * @options:  --name or --name=value; the names are packetdrill's, checked; define is already applied
 * @needs:    sysctls from comments, wherever they stand
 * @init, @cleanup: the back-tick lines without a time at the beginning and at the end: text in @value, or NULL
 */
struct drill_script {
	const char *file;
	struct drill_note *options;
	struct drill_note *needs;
	struct drill_note *init;
	struct drill_note *cleanup;
	struct drill_event *events;
	unsigned n_events;
	struct drill_arena *arena;
};

/**
 * drill_parse - the tree of a script
 * @file:     its name, for messages; copied
 * @text:     @length bytes, need not end with a NUL; borrowed during the call
 * @defines:  @n of them; they win over --define in the script
 *
 * Gives the script, or NULL and the reason in @error. Running out of memory ends the program, as in the lab.
 */
struct drill_script *drill_parse(const char *file, const char *text, size_t length, const struct drill_define *defines,
				 size_t n, struct drill_error *error);
void drill_script_free(struct drill_script *script);

/* The option's or note's entry with this name, the last of several; NULL: not given. */
const struct drill_note *drill_find_note(const struct drill_note *list, const char *name);

/* A struct's field, NULL when it was left out. */
const struct drill_expr *drill_field(const struct drill_expr *expr, const char *name);

/* Is it a number: INTEGER, WORD, OR, or a CALL that has a @value? */
bool drill_is_number(const struct drill_expr *expr);

/* ---------------------------------------------------------------- names (constants.c) */

/* Linux's number for a constant. False: there is no such name here. */
bool drill_constant(const char *name, int64_t *value);

/* The number of an errno. False: no errno has this name. */
bool drill_errno(const char *name, int *err);

/* ECONNRESET; a number that has no name gives NULL. */
const char *drill_errno_name(int err);

/* POLLIN|POLLHUP into @to; bits without a name in hex. Prefix is POLL or EPOLL. Gives @to. */
const char *drill_poll_names(const char *prefix, uint32_t bits, char *to, size_t size);

/* Type and code on the wire, @family is AF_INET or AF_INET6. False: the family has no message of that name. */
bool drill_icmp_numbers(const struct drill_icmp *icmp, int family, uint8_t *type, uint8_t *code);

/* ---------------------------------------------------------------- back to text (print.c) */

/*
 * All of them write at most @size bytes with the NUL, and give the length that the text would have, as snprintf.
 * drill_print_script() gives text that parses to the same tree.
 */
size_t drill_print_script(const struct drill_script *script, char *to, size_t size);
size_t drill_print_event(const struct drill_event *event, char *to, size_t size);
size_t drill_print_time(const struct drill_event *event, char *to, size_t size);
size_t drill_print_packet(const struct drill_packet *packet, char *to, size_t size);
size_t drill_print_expr(const struct drill_expr *expr, char *to, size_t size);

#endif
