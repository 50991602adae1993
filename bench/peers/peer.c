/*
 * The other end of every load, in a process of its own, so that it is not what is measured.
 *
 *   peer serve [certificate key]   bulk, echo and TLS services on ports of their own, which it prints as JSON
 *   peer sink                      counts datagrams until none come any more
 *   peer flood PORT SIZE SECONDS   sends datagrams as fast as it can
 *   peer clients PORT SECONDS      connects as fast as the server takes it, 32 at a time
 */
#include "wire.h"

#define BUFFER (1 << 20)

#ifdef WITH_TLS
static SSL_CTX *tls;
#endif

/* One bulk or TLS connection: the commands of wire.h, one after another. */
static void *serve_commands(void *argument) {
  connection c = *(connection *)argument;
  free(argument);
#ifdef WITH_TLS
  int open = !c.ssl || SSL_accept(c.ssl) == 1;
#else
  int open = 1;
#endif
  char *bytes = calloc(1, BUFFER);
  for (header h; open && !receive_all(&c, &h, sizeof h);) {
    if (h.operation == OP_SEND) {
      size_t piece = h.piece < BUFFER ? h.piece : BUFFER;
      for (uint64_t left = h.length; open && left > 0;) {
        size_t size = left < piece ? left : piece;
        open = !send_all(&c, bytes, size);
        left -= size;
      }
    } else if (h.operation == OP_RECEIVE) {
      for (uint64_t left = h.length; open && left > 0;) {
        ssize_t n = receive(&c, bytes, left < BUFFER ? left : BUFFER);
        open = n > 0;
        if (open) left -= n;
      }
      if (open) open = !send_all(&c, "!", 1);
    } else {
      for (ssize_t n; open;) open = (n = receive(&c, bytes, BUFFER)) > 0 && !send_all(&c, bytes, n);
    }
  }
#ifdef WITH_TLS
  if (c.ssl) SSL_free(c.ssl);
#endif
  close(c.fd);
  free(bytes);
  return NULL;
}

typedef struct {
  int listener, encrypted;
} service;

static void *serve_service(void *argument) {
  service *s = argument;
  for (;;) {
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) continue;
    no_delay(fd);
    connection *c = calloc(1, sizeof *c);
    c->fd = fd;
#ifdef WITH_TLS
    if (s->encrypted) {
      c->ssl = SSL_new(tls);
      SSL_set_fd(c->ssl, fd);
    }
#endif
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve_commands, c)) fail("pthread_create");
    pthread_detach(thread);
  }
  return NULL;
}

/* Any number of connections whose bytes come back: one thread and epoll. */
static void serve_echo(int listener) {
  static char bytes[1 << 16];
  struct epoll_event events[256];
  int set = epoll_create1(0);
  epoll_ctl(set, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
  for (;;) {
    int count = epoll_wait(set, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        no_delay(fd);
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
        continue;
      }
      ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) continue;
      if (n <= 0 || send_all(&(connection){.fd = fd}, bytes, n)) close(fd);
    }
  }
}

static void serve(const char *certificate, const char *key) {
  static service bulk;
  int bulk_port, echo_port, tls_port = 0;
  pthread_t thread;
  bulk.listener = bind_any(SOCK_STREAM, &bulk_port);
  int echo = bind_any(SOCK_STREAM, &echo_port);
  pthread_create(&thread, NULL, serve_service, &bulk);
  (void)certificate, (void)key;
#ifdef WITH_TLS
  static service encrypted = {.encrypted = 1};
  if (certificate) {
    tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1) fail(certificate);
    if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) fail(key);
    encrypted.listener = bind_any(SOCK_STREAM, &tls_port);
    pthread_create(&thread, NULL, serve_service, &encrypted);
  }
#endif
  printf("{\"bulk\":%d,\"echo\":%d,\"tls\":%d}\n", bulk_port, echo_port, tls_port);
  fflush(stdout);
  serve_echo(echo);
}

static void sink(void) {
  enum { BATCH = 64, SIZE = 2048 };
  static char bytes[BATCH][SIZE];
  struct mmsghdr messages[BATCH] = {0};
  struct iovec vectors[BATCH];
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){bytes[i], SIZE};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  int port, fd = bind_any(SOCK_DGRAM, &port);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){8 << 20}, sizeof(int));
  printf("{\"port\":%d}\n", port);
  fflush(stdout);
  long received = 0;
  double first = 0, last = 0;
  for (;;) {
    struct timeval patience = {received ? 0 : 20, received ? 300000 : 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (n <= 0) break;
    last = now();
    if (!received) first = last;
    received += n;
  }
  printf("{\"received\":%ld,\"seconds\":%.6f}\n", received, last - first);
}

static void flood(int port, size_t size, double seconds) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = address_of("127.0.0.1", port);
  if (connect(fd, (void *)&to, sizeof to)) fail("connect");
  char *bytes = calloc(1, size);
  long sent = 0;
  for (double end = now() + seconds; now() < end;) {
    for (int i = 0; i < 64; i++) sent += send(fd, bytes, size, 0) > 0;
  }
  printf("{\"sent\":%ld}\n", sent);
}

static int start_client(int set, int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in to = address_of("127.0.0.1", port);
  struct linger hard = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* leaves no TIME_WAIT behind */
  if (connect(fd, (void *)&to, sizeof to) && errno != EINPROGRESS) return -1;
  return epoll_ctl(set, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd});
}

/* The server closes what it accepted; each client then makes place for the next. */
static void clients(int port, double seconds) {
  struct epoll_event events[64];
  int set = epoll_create1(0);
  long served = 0;
  for (int i = 0; i < 32; i++) start_client(set, port);
  for (double end = now() + seconds; now() < end;) {
    int count = epoll_wait(set, events, 64, 1000);
    if (count <= 0) break;
    for (int i = 0; i < count; i++) {
      close(events[i].data.fd);
      served++;
      if (start_client(set, port) < 0) end = 0;
    }
  }
  printf("{\"served\":%ld}\n", served);
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  if (!strcmp(mode, "serve")) serve(count > 3 ? arguments[2] : NULL, count > 3 ? arguments[3] : NULL);
  else if (!strcmp(mode, "sink")) sink();
  else if (!strcmp(mode, "flood") && count > 4) flood(atoi(arguments[2]), atoi(arguments[3]), atof(arguments[4]));
  else if (!strcmp(mode, "clients") && count > 3) clients(atoi(arguments[2]), atof(arguments[3]));
  else return 2;
  return 0;
}
