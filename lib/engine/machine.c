/* SPDX-License-Identifier: MIT */
/*
 * What this machine and this process's cgroups allow, and the limits that follow.
 *
 * A cgroup's limit holds for all below it, so every ancestor is asked. Both
 * versions are known; a file that is not there sets no limit.
 */
#include "base/str.h"
#include "engine/engine.h"
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <weir/limits.h>

#define RESERVE_FDS 8
#define MEMORY_MIN_BYTES (UINT64_C(1) << 20)
#define MEMORY_DEFAULT_MIN_BYTES (UINT64_C(32) << 20)
#define MEMORY_DEFAULT_MAX_BYTES (UINT64_C(1) << 30)
#define JOBS_MAX 1024
#define WALKERS_MAX 64

/* Numbers of a control file ("150000 100000"). "max" and those that are absent are UINT64_MAX. */
static bool read_numbers(const char *path, uint64_t values[2])
{
	char text[128];
	values[0] = values[1] = UINT64_MAX;
	if (os_read_small_file(path, text, sizeof(text)) <= 0)
		return false;
	char *at = text;
	for (int i = 0; i < 2; i++) {
		char *end;
		unsigned long long value = strtoull(at, &end, 10);
		if (end != at)
			values[i] = value;
		at = end + strcspn(end, " \n");
		at += *at == ' ';
		if (end == at && *at == '\0')
			break;
	}
	/* Version 1 says "no limit" with -1, or with a number near 2^63. */
	if (values[0] >= UINT64_C(1) << 62)
		values[0] = UINT64_MAX;
	return true;
}

/* The path of this process's cgroup in the hierarchy of `controller` ("" for version 2). */
static bool own_cgroup(const char *controller, struct str *ret_path)
{
	char text[4096];
	if (os_read_small_file("/proc/self/cgroup", text, sizeof(text)) <= 0)
		return false;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;
		if (!path)
			continue;
		*names++ = '\0';
		*path++ = '\0';
		bool is_it = *controller == '\0' && *names == '\0';
		char *save_name = NULL;
		for (char *name = strtok_r(names, ",", &save_name); name && *controller;
		     name = strtok_r(NULL, ",", &save_name))
			is_it |= strcmp(name, controller) == 0;
		if (is_it) {
			str_append_text(ret_path, path);
			return !ret_path->err;
		}
	}
	return false;
}

/* Calls fn for the folder of this process's cgroup and each one above it. */
static void for_each_cgroup(const char *mount, const char *controller,
			    void (*fn)(const char *folder, void *ctx), void *ctx)
{
	struct str own = STR_INIT, folder = STR_INIT;
	if (!own_cgroup(controller, &own))
		goto done;
	while (own.len) {
		while (own.len && own.buf[own.len - 1] == '/')
			own.buf[--own.len] = '\0';
		str_clear(&folder);
		str_append_text(&folder, mount);
		str_append(&folder, own.buf, own.len);
		if (folder.err)
			break;
		fn(folder.buf, ctx);
		while (own.len && own.buf[own.len - 1] != '/')
			own.len--;
	}
done:
	str_release(&own);
	str_release(&folder);
}

static bool read_at(const char *folder, const char *file, uint64_t values[2])
{
	struct str path = STR_INIT;
	str_append_text(&path, folder);
	str_append_text(&path, file);
	bool ok = !path.err && read_numbers(path.buf, values);
	str_release(&path);
	return ok;
}

static void min_cpus(uint64_t quota, uint64_t period, uint64_t *cpus)
{
	if (quota == UINT64_MAX || !period || period == UINT64_MAX)
		return;
	uint64_t allowed = (quota + period - 1) / period;
	if (allowed < *cpus)
		*cpus = allowed;
}

static void cpus_of_v2(const char *folder, void *ctx)
{
	uint64_t v[2];
	if (read_at(folder, "/cpu.max", v))
		min_cpus(v[0], v[1], ctx);
}

static void cpus_of_v1(const char *folder, void *ctx)
{
	uint64_t quota[2], period[2];
	if (read_at(folder, "/cpu.cfs_quota_us", quota) &&
	    read_at(folder, "/cpu.cfs_period_us", period))
		min_cpus(quota[0], period[0], ctx);
}

static uint32_t machine_cpus(void)
{
	int count = os_cpu_count();
	uint64_t cpus = count > 0 ? (uint64_t)count : 1;
	for_each_cgroup("/sys/fs/cgroup", "", cpus_of_v2, &cpus);
	for_each_cgroup("/sys/fs/cgroup/unified", "", cpus_of_v2, &cpus);
	for_each_cgroup("/sys/fs/cgroup/cpu", "cpu", cpus_of_v1, &cpus);
	return cpus ? (uint32_t)cpus : 1;
}

static void min_headroom(uint64_t limit, uint64_t used, uint64_t *free_bytes)
{
	uint64_t headroom = limit > used ? limit - used : 0;
	if (limit != UINT64_MAX && headroom < *free_bytes)
		*free_bytes = headroom;
}

static void memory_of_v2(const char *folder, void *ctx)
{
	uint64_t limit[2], used[2];
	if (read_at(folder, "/memory.max", limit) && read_at(folder, "/memory.current", used))
		min_headroom(limit[0], used[0], ctx);
}

static void memory_of_v1(const char *folder, void *ctx)
{
	uint64_t limit[2], used[2];
	if (read_at(folder, "/memory.limit_in_bytes", limit) &&
	    read_at(folder, "/memory.usage_in_bytes", used))
		min_headroom(limit[0], used[0], ctx);
}

static uint64_t available_bytes(void)
{
	char text[4096];
	if (os_read_small_file("/proc/meminfo", text, sizeof(text)) <= 0)
		return MEMORY_DEFAULT_MIN_BYTES * 8;
	const char *line = strstr(text, "MemAvailable:");
	unsigned long long kib;
	return line && sscanf(line, "MemAvailable: %llu", &kib) == 1 ? kib << 10
								     : MEMORY_DEFAULT_MIN_BYTES * 8;
}

static uint64_t machine_free_memory_bytes(void)
{
	uint64_t free_bytes = available_bytes();
	for_each_cgroup("/sys/fs/cgroup", "", memory_of_v2, &free_bytes);
	for_each_cgroup("/sys/fs/cgroup/unified", "", memory_of_v2, &free_bytes);
	for_each_cgroup("/sys/fs/cgroup/memory", "memory", memory_of_v1, &free_bytes);
	return free_bytes;
}

static uint64_t default_memory_bytes(void)
{
	uint64_t bytes = machine_free_memory_bytes() / 8;
	if (bytes < MEMORY_DEFAULT_MIN_BYTES)
		return MEMORY_DEFAULT_MIN_BYTES;
	return bytes < MEMORY_DEFAULT_MAX_BYTES ? bytes : MEMORY_DEFAULT_MAX_BYTES;
}

/* All but a small reserve, which shrinks with a small limit. */
static uint32_t most_fds(void)
{
	struct rlimit rlimit;
	uint64_t most = 1024;
	if (os_getrlimit(RLIMIT_NOFILE, &rlimit) == 0)
		most = rlimit.rlim_cur;
	if (most > UINT32_MAX)
		most = UINT32_MAX;
	uint64_t reserve = most / 4 < RESERVE_FDS ? most / 4 : RESERVE_FDS;
	return (uint32_t)(most - reserve);
}

int weir_limits_resolve(struct weir_limits *limits)
{
	if (limits->size != sizeof(*limits))
		return -EINVAL;
	if (limits->max_memory_bytes && limits->max_memory_bytes < MEMORY_MIN_BYTES)
		return -EINVAL;
	if (!limits->jobs)
		limits->jobs = machine_cpus();
	if (limits->jobs > JOBS_MAX)
		limits->jobs = JOBS_MAX;
	if (!limits->walkers)
		limits->walkers = limits->jobs > 1 ? 2 : 1;
	if (limits->walkers > WALKERS_MAX)
		limits->walkers = WALKERS_MAX;
	uint32_t most = most_fds();
	if (!limits->max_fds || limits->max_fds > most)
		limits->max_fds = most;
	if (!limits->max_memory_bytes)
		limits->max_memory_bytes = default_memory_bytes();
	return 0;
}
