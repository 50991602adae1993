/*
 * What the C peer and the C contender share: the commands on the wire, connections with and without TLS, a clock.
 *
 * A connection to the bulk or the TLS service starts each exchange with a header of 16 bytes in little endian:
 * u32 operation, u32 piece, u64 length. peers/protocol.js holds the same for JavaScript.
 */
#ifndef WIRE_H
#define WIRE_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef __EMSCRIPTEN__
#include <sys/epoll.h>
#endif
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

/* "send me `length` bytes in writes of `piece`"; "I send `length` bytes, answer with one"; "echo until I end". */
enum { OP_SEND = 0, OP_RECEIVE = 1, OP_ECHO = 2 };

typedef struct {
  uint32_t operation, piece;
  uint64_t length;
} header;

typedef struct {
  int fd;
#ifdef WITH_TLS
  SSL *ssl;
#endif
} connection;

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

static inline ssize_t receive(connection *c, void *bytes, size_t size) {
#ifdef WITH_TLS
  if (c->ssl) return SSL_read(c->ssl, bytes, size > 1 << 30 ? 1 << 30 : (int)size);
#endif
  return recv(c->fd, bytes, size, 0);
}

static inline int send_all(connection *c, const void *bytes, size_t size) {
  for (size_t sent = 0; sent < size;) {
#ifdef WITH_TLS
    ssize_t n = c->ssl ? SSL_write(c->ssl, (const char *)bytes + sent, (int)(size - sent))
                       : send(c->fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
#else
    ssize_t n = send(c->fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
#endif
    if (n <= 0) return -1;
    sent += n;
  }
  return 0;
}

static inline int receive_all(connection *c, void *bytes, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t n = receive(c, (char *)bytes + got, size - got);
    if (n <= 0) return -1;
    got += n;
  }
  return 0;
}

static inline void no_delay(int fd) { setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); }

static inline struct sockaddr_in address_of(const char *host, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &a.sin_addr);
  return a;
}

/* Binds a socket of `type` to a port of the system's choice on all IPv4 addresses, and returns the port in `port`. */
static inline int bind_any(int type, int *port) {
  int fd = socket(AF_INET, type, 0);
  struct sockaddr_in a = address_of("0.0.0.0", 0);
  socklen_t size = sizeof a;
  if (fd < 0 || bind(fd, (void *)&a, sizeof a) || getsockname(fd, (void *)&a, &size)) fail("bind");
  if (type == SOCK_STREAM && listen(fd, 4096)) fail("listen");
  *port = ntohs(a.sin_port);
  return fd;
}

static inline void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}
#endif
