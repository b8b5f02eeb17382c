// SPDX-License-Identifier: MIT
/*
 * tcp/fastopen_option.c - what programs and the administrator say about Fast Open
 *
 *	TCP_FASTOPEN             a listener's limit; 0: off
 *	TCP_FASTOPEN_CONNECT     connect() leaves the SYN to the first write()
 *	TCP_FASTOPEN_NO_COOKIE   neither asks for one
 *	TCP_FASTOPEN_KEY         one key or two, 16 bytes each; sysctl tcp_fastopen_key has them as text, in words of four bytes
 */
#include "stack/tcp/fastopen.h"
#include "stack/tcp/uapi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_LEN	  sizeof(struct siphash_key)
#define KEY_WORDS 4

bool tcp_is_fastopen_option(int name)
{
	return name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT || name == TCP_FASTOPEN_KEY || name == TCP_FASTOPEN_NO_COOKIE;
}

static int set_keys(struct sock *sk, const void *value, socklen_t len)
{
	struct tcp_fastopen *fo;

	if (len != KEY_LEN && len != 2 * KEY_LEN)
		return -EINVAL;
	if (!value)
		return -EFAULT;
	fo = tcp_fastopen_own(sk);
	if (!fo)
		return -ENOMEM;
	memcpy(fo->keys.key, value, len);
	fo->keys.n = len / KEY_LEN;
	return 0;
}

static int set_qlen(struct sock *sk, int v)
{
	if (v < 0 || !sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		return -EINVAL;
	tcp_fastopen_init_key_once(sk->net);
	return tcp_fastopen_tune(sk, (uint32_t)v);
}

static int set_connect(struct sock *sk, int v)
{
	struct tcp_fastopen *fo;

	if (v < 0 || v > 1)
		return -EINVAL;
	if (!(sk->net->sysctl.tcp_fastopen & TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (sk->common.state != TCP_CLOSE)
		return -EINVAL;
	fo = tcp_fastopen_own(sk);
	if (!fo)
		return -ENOMEM;
	fo->connect = v;
	return 0;
}

static int set_no_cookie(struct sock *sk, int v)
{
	struct tcp_fastopen *fo;

	if (v < 0 || v > 1 || !sk_in(sk, TCPF_CLOSE | TCPF_LISTEN))
		return -EINVAL;
	fo = tcp_fastopen_own(sk);
	if (!fo)
		return -ENOMEM;
	fo->no_cookie = v;
	return 0;
}

int tcp_fastopen_setsockopt(struct sock *sk, int name, const void *value, socklen_t len)
{
	int v, err;

	if (name == TCP_FASTOPEN_KEY)
		return set_keys(sk, value, len);
	err = option_int(value, len, &v);
	if (err)
		return err;
	if (name == TCP_FASTOPEN)
		return set_qlen(sk, v);
	return name == TCP_FASTOPEN_CONNECT ? set_connect(sk, v) : set_no_cookie(sk, v);
}

int tcp_fastopen_getsockopt(struct sock *sk, int name, void *value, socklen_t *len)
{
	const struct tcp_fastopen *fo = tcp_fastopen(sk);
	const struct fastopen_keys *keys = fo && fo->keys.n ? &fo->keys : &sk->net->tcp->fastopen_keys;
	int v;

	switch (name) {
	case TCP_FASTOPEN_KEY:
		return option_put(value, len, keys->key, keys->n * KEY_LEN);
	case TCP_FASTOPEN:
		v = fo ? (int)fo->max_qlen : 0;
		break;
	case TCP_FASTOPEN_CONNECT:
		v = fo && fo->connect;
		break;
	default:
		v = fo && fo->no_cookie;
		break;
	}
	return option_put(value, len, &v, sizeof(v));
}

/* ------------------------------------------------------------------ sysctl tcp_fastopen_key */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Four hexadecimal words, of which the last 32 bits count, as with sscanf(); what stands behind them does not matter. */
static bool parse_key(struct siphash_key *key, const char *text)
{
	for (unsigned i = 0; i < KEY_WORDS; i++) {
		unsigned long long word;
		char *end;

		while (!i && (*text == ' ' || *text == '\t'))
			text++;
		if (!is_hex(*text))
			return false;
		word = strtoull(text, &end, 16);
		for (unsigned b = 0; b < 4; b++, word >>= 8)
			key->k[4 * i + b] = (uint8_t)word;
		if (i < KEY_WORDS - 1 && *end != '-')
			return false;
		text = end + 1;
	}
	return true;
}

int fastopen_keys_parse(struct fastopen_keys *keys, const char *text)
{
	const char *backup = strchr(text, ',');
	struct fastopen_keys read = {.n = backup ? 2 : 1};

	if (!*text)
		return 0;
	if (!parse_key(&read.key[0], text) || (backup && !parse_key(&read.key[1], backup + 1)))
		return -EINVAL;
	*keys = read;
	return 0;
}

int fastopen_keys_print(const struct fastopen_keys *keys, char *text, size_t cap)
{
	size_t len = 0;

	for (unsigned k = 0; k < (keys->n ? keys->n : 1); k++) {
		for (unsigned i = 0; i < KEY_WORDS; i++) {
			const uint8_t *b = &keys->key[k].k[4 * i];
			int n = snprintf(text + min(len, cap), cap - min(len, cap), "%s%02x%02x%02x%02x", i ? "-" : k ? "," : "", b[3], b[2],
					 b[1], b[0]);

			len += (size_t)n;
		}
	}
	return len < cap ? (int)len : -ENOSPC;
}
