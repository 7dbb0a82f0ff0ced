/* SPDX-License-Identifier: MIT */
/* The token bucket, and the limiter that lets threads wait for it. */
#include "base/clock.h"
#include "gate/gate.h"

#include <errno.h>

#define BURST_NS (100 * NS_PER_MS)

/* a * b / c, at most UINT64_MAX; c is not 0. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 q = (unsigned __int128)a * b / c;
	return q > UINT64_MAX ? UINT64_MAX : (uint64_t)q;
}

/* The same, rounded up. */
static uint64_t mul_div_up(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 q = ((unsigned __int128)a * b + c - 1) / c;
	return q > UINT64_MAX ? UINT64_MAX : (uint64_t)q;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static uint64_t allowed_bytes(const struct rate *rate, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns > rate->base_ns ? now_ns - rate->base_ns : 0;
	return add_saturated(rate->base_bytes, mul_div(elapsed_ns, rate->bytes_per_s, NS_PER_S));
}

static uint64_t burst_of(uint64_t bytes_per_s, uint64_t min_burst_bytes)
{
	uint64_t burst = mul_div(bytes_per_s, BURST_NS, NS_PER_S);
	return burst > min_burst_bytes ? burst : min_burst_bytes;
}

void rate_init(struct rate *rate, uint64_t bytes_per_s, uint64_t min_burst_bytes, uint64_t now_ns)
{
	*rate = (struct rate){
		.bytes_per_s = bytes_per_s,
		.burst_bytes = burst_of(bytes_per_s, min_burst_bytes),
		.base_ns = now_ns,
	};
}

uint64_t rate_issue(struct rate *rate, uint64_t bytes, uint64_t now_ns)
{
	uint64_t full = add_saturated(rate->issued_bytes, rate->burst_bytes);
	if (allowed_bytes(rate, now_ns) > full) {
		rate->base_bytes = full;
		rate->base_ns = now_ns;
	}
	rate->issued_bytes = add_saturated(rate->issued_bytes, bytes);
	return rate->issued_bytes;
}

uint64_t rate_wait_ns(const struct rate *rate, uint64_t position, uint64_t now_ns)
{
	if (!rate->bytes_per_s)
		return 0;
	if (position <= rate->base_bytes)
		return 0;
	/* From the base, not from what is allowed now, which has been rounded down to a byte. */
	uint64_t due_ns = add_saturated(rate->base_ns, mul_div_up(position - rate->base_bytes,
								  NS_PER_S, rate->bytes_per_s));
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

void rate_set(struct rate *rate, uint64_t bytes_per_s, uint64_t min_burst_bytes, uint64_t now_ns)
{
	/* With no rate everything issued has been let go. */
	rate->base_bytes = rate->bytes_per_s ? allowed_bytes(rate, now_ns) : rate->issued_bytes;
	rate->base_ns = now_ns;
	rate->bytes_per_s = bytes_per_s;
	rate->burst_bytes = burst_of(bytes_per_s, min_burst_bytes);
}

void limiter_init(struct limiter *limiter, uint64_t bytes_per_s, uint64_t min_burst_bytes)
{
	*limiter = (struct limiter){.min_burst_bytes = min_burst_bytes};
	mutex_init(&limiter->lock);
	cond_init(&limiter->changed);
	rate_init(&limiter->rate, bytes_per_s, min_burst_bytes, clock_monotonic_ns());
}

void limiter_release(struct limiter *limiter)
{
	cond_release(&limiter->changed);
	mutex_release(&limiter->lock);
}

int limiter_wait(struct limiter *limiter, uint64_t bytes)
{
	mutex_lock(&limiter->lock);
	uint64_t start_ns = clock_monotonic_ns(), now_ns = start_ns, wait_ns;
	uint64_t position = rate_issue(&limiter->rate, bytes, now_ns);
	while (!limiter->is_cancelled &&
	       (wait_ns = rate_wait_ns(&limiter->rate, position, now_ns)) > 0) {
		cond_wait_until(&limiter->changed, &limiter->lock, add_saturated(now_ns, wait_ns));
		now_ns = clock_monotonic_ns();
	}
	limiter->wait_ns += now_ns - start_ns;
	int err = limiter->is_cancelled ? -ECANCELED : 0;
	mutex_unlock(&limiter->lock);
	return err;
}

void limiter_set(struct limiter *limiter, uint64_t bytes_per_s)
{
	mutex_lock(&limiter->lock);
	rate_set(&limiter->rate, bytes_per_s, limiter->min_burst_bytes, clock_monotonic_ns());
	cond_broadcast(&limiter->changed);
	mutex_unlock(&limiter->lock);
}

void limiter_cancel(struct limiter *limiter)
{
	mutex_lock(&limiter->lock);
	limiter->is_cancelled = true;
	cond_broadcast(&limiter->changed);
	mutex_unlock(&limiter->lock);
}

uint64_t limiter_wait_total_ns(struct limiter *limiter)
{
	mutex_lock(&limiter->lock);
	uint64_t wait_ns = limiter->wait_ns;
	mutex_unlock(&limiter->lock);
	return wait_ns;
}
