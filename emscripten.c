/*
 * Calls of sockets that emscripten's own C library answers without asking JavaScript. Link it with the program, beside
 * `--js-library …/ringnet/emscripten.js`.
 */

#define _GNU_SOURCE
#include <emscripten.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

extern int ringnet_shutdown(int fd, int how);
extern int ringnet_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
extern int ringnet_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags);
extern int ringnet_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags);
extern struct hostent *ringnet_gethostbyname(const char *name);
extern int ringnet_gethostbyname_r(const char *name, struct hostent *host, char *data, size_t room, struct hostent **out,
	int *error);

/* For the JavaScript. `malloc` itself is not there for it if the program does not call it. */
EMSCRIPTEN_KEEPALIVE void *ringnet_malloc(size_t size)
{
	return malloc(size);
}

static int result(int value)
{
	if (value >= 0) return value;
	errno = -value;
	return -1;
}

int shutdown(int fd, int how)
{
	return result(ringnet_shutdown(fd, how));
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	return result(ringnet_setsockopt(fd, level, name, value, length));
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags)
{
	return result(ringnet_sendmmsg(fd, messages, count, flags));
}

/* Waits for the first message only, and without `timeout`, which the kernel's call does not keep either while it waits. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags, struct timespec *timeout)
{
	(void)timeout;
	return result(ringnet_recvmmsg(fd, messages, count, flags));
}

/* There are no signals to mask. */
int pselect(int count, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
	const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	struct timeval time;
	(void)mask;
	if (timeout) {
		time.tv_sec = timeout->tv_sec;
		time.tv_usec = (timeout->tv_nsec + 999) / 1000;
	}
	return select(count, read, write, except, timeout ? &time : 0);
}

/* In newer versions the library's own finds every name. */
struct hostent *gethostbyname(const char *name)
{
	return ringnet_gethostbyname(name);
}

int gethostbyname_r(const char *name, struct hostent *host, char *data, size_t room, struct hostent **out, int *error)
{
	return ringnet_gethostbyname_r(name, host, data, room, out, error);
}

/* The library's frees the first entry of the list only. */
void freeaddrinfo(struct addrinfo *info)
{
	while (info) {
		struct addrinfo *next = info->ai_next;
		free(info->ai_addr);
		free(info->ai_canonname);
		free(info);
		info = next;
	}
}
