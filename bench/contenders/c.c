/*
 * The C contender: what the kernel gives a plain program with one thread and blocking calls. Many connections are waited
 * for with epoll.
 *
 *   client LOAD HOST PORT SECONDS [COUNT…]     prints what it measured as one line of JSON
 *
 * CERTIFICATE in the environment names the certificate that TLS loads trust.
 */
#include "../peers/wire.h"

static const char *host;
static int port;
static double seconds;

static void print_start(void) { printf("{"); }
static void print_metric(const char *id, double value) {
  static int count;
  printf("%s\"%s\":%.9g", count++ ? "," : "", id, value);
}
static void print_end(void) {
  printf("}\n");
  fflush(stdout);
}

/* The connection after `count` others; one address has not enough local ports for all (loads/turns.js does the same). */
static int dial_after(int count) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = address_of(host, port);
  to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + (count / 20000 << 8));
  if (fd < 0 || connect(fd, (void *)&to, sizeof to)) fail("connect");
  no_delay(fd);
  return fd;
}
static int dial(void) { return dial_after(0); }

#ifdef WITH_TLS
static SSL_CTX *tls;
#endif

static connection open_connection(int encrypted) {
  connection c = {.fd = dial()};
  (void)encrypted;
#ifdef WITH_TLS
  if (encrypted) {
    if (!tls) {
      tls = SSL_CTX_new(TLS_client_method());
      SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
      if (SSL_CTX_load_verify_locations(tls, getenv("CERTIFICATE"), NULL) != 1) fail("CERTIFICATE");
    }
    c.ssl = SSL_new(tls);
    SSL_set_fd(c.ssl, c.fd);
    SSL_set_tlsext_host_name(c.ssl, "localhost");
    SSL_set1_host(c.ssl, "localhost");
    if (SSL_connect(c.ssl) != 1) fail("SSL_connect");
  }
#endif
  return c;
}

static void close_connection(connection *c) {
#ifdef WITH_TLS
  if (c->ssl) SSL_free(c->ssl);
#endif
  close(c->fd);
}

static void must(int failed) {
  if (failed) fail("connection");
}

static void command(connection *c, uint32_t operation, uint32_t piece, uint64_t length) {
  header h = {operation, piece, length};
  must(send_all(c, &h, sizeof h));
}

/* One transfer of `length` bytes in pieces, in bytes a second. */
static double transfer(connection *c, int upload, size_t piece, uint64_t length) {
  char *bytes = calloc(1, piece);
  double start = now();
  command(c, upload ? OP_RECEIVE : OP_SEND, piece, length);
  for (uint64_t done = 0; done < length;) {
    if (upload) {
      must(send_all(c, bytes, piece));
      done += piece;
    } else {
      ssize_t n = receive(c, bytes, piece);
      must(n <= 0);
      done += n;
    }
  }
  if (upload) must(receive_all(c, bytes, 1));
  double rate = length / (now() - start);
  free(bytes);
  return rate;
}

/* The speed of a short transfer decides the length of one that takes `seconds`. */
static double measure_transfer(connection *c, int upload, size_t piece, double trial) {
  uint64_t length = (uint64_t)(trial / piece) * piece;
  double rate = transfer(c, upload, piece, length);
  uint64_t pieces = rate * seconds / piece;
  return transfer(c, upload, piece, (pieces ? pieces : 1) * piece);
}

static void bulk(int upload) {
  connection c = open_connection(0);
  print_metric("16KiB", measure_transfer(&c, upload, 16 << 10, 4 << 20));
  print_metric("64KiB", measure_transfer(&c, upload, 64 << 10, 4 << 20));
  print_metric("1MiB", measure_transfer(&c, upload, 1 << 20, 4 << 20));
}

#ifdef WITH_TLS
static void tls_bulk(void) {
  connection c = open_connection(1);
  print_metric("download", measure_transfer(&c, 0, 64 << 10, 4 << 20));
  print_metric("upload", measure_transfer(&c, 1, 64 << 10, 4 << 20));
}
#endif

static void stream(void) {
  connection c = open_connection(0);
  print_metric("writes", measure_transfer(&c, 1, 64, 64 * 20000) / 64);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void echo(int encrypted) {
  connection c = open_connection(encrypted);
  size_t room = 1 << 22, count = 0;
  double *times = malloc(room * sizeof *times), warm = now() + 0.1, end = warm + seconds;
  char message[64] = {0};
  command(&c, OP_ECHO, 0, 0);
  for (double start = now(), stop; start < end && count < room; start = stop) {
    must(send_all(&c, message, 64) || receive_all(&c, message, 64));
    stop = now();
    if (start >= warm) times[count++] = stop - start;
  }
  qsort(times, count, sizeof *times, ascending);
  print_metric("p50", times[count / 2]);
  print_metric("p99", times[count * 99 / 100]);
  print_metric("p99.9", times[count * 999 / 1000]);
}

static int *dial_many(int *fds, int *have, int want, int set) {
  if (want > *have) fds = realloc(fds, want * sizeof *fds);
  for (; *have < want; ++*have) {
    int fd = fds[*have] = dial_after(*have);
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
  }
  return fds;
}

static double cpu_time(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* At least one request on each connection. Returns how many a second, or with `cost` the CPU time of one. */
static double exchange(int set, const int *fds, int count, double length, int cost) {
  struct epoll_event events[256];
  char message[64] = {0};
  double start = now(), end = start + length, t = start, used = cpu_time();
  long done = 0;
  for (int i = 0; i < count; i++) must(send(fds[i], message, 64, 0) != 64);
  for (int flying = count; flying > 0;) {
    int ready = epoll_wait(set, events, 256, 5000);
    if (ready <= 0) fail("epoll_wait");
    t = now();
    for (int i = 0; i < ready; i++) {
      if (recv(events[i].data.fd, message, 64, 0) != 64) fail("recv");
      done++;
      if (t >= end) flying--;
      else must(send(events[i].data.fd, message, 64, 0) != 64);
    }
  }
  return cost ? (cpu_time() - used) / done : done / (t - start);
}

static void requests(int count, char **counts, int cost) {
  int set = epoll_create1(0), have = 0, *fds = NULL;
  for (int k = 0; k < count; k++) {
    int want = atoi(counts[k]);
    fds = dial_many(fds, &have, want, set);
    if (cost) exchange(set, fds, want, 0, cost); /* each connection is used once before */
    print_metric(counts[k], exchange(set, fds, want, seconds, cost));
  }
}

static void frames(int count, char **counts) {
  int set = epoll_create1(0), have = 0, *fds = NULL;
  struct epoll_event events[64];
  char id[32], message[64];
  for (int k = 0; k < count; k++) {
    fds = dial_many(fds, &have, atoi(counts[k]), set);
    long done = 0;
    double start = now(), end = start + seconds, t = start;
    for (; t < end; t = now(), done += 100)
      for (int i = 0; i < 100; i++) epoll_wait(set, events, 64, 0);
    snprintf(id, sizeof id, "poll-%s", counts[k]);
    print_metric(id, (t - start) / done);
    if (k) continue;
    done = 0;
    for (start = t = now(), end = start + seconds; t < end; t = now(), done += 100)
      for (int i = 0; i < 100; i++) must(recv(fds[0], message, 64, MSG_DONTWAIT) >= 0);
    print_metric("look", (t - start) / done);
  }
}

static void connects(int encrypted) {
  for (int warm = 0; warm < 2; warm++) {
    long done = 0;
    double start = now(), t = start;
    for (double end = start + (warm ? seconds : 0.05); t < end; t = now(), done++) {
      connection c = open_connection(encrypted);
      close_connection(&c);
    }
    if (warm) print_metric("connections", done / (t - start));
  }
}

static void print_ready(int of) {
  printf("{\"ready\":%d}\n", of);
  fflush(stdout);
}

static void accepts(void) {
  int own, listener = bind_any(SOCK_STREAM, &own);
  print_ready(own);
  close(accept(listener, NULL, NULL));
  long done = 0;
  double start = now(), t = start;
  for (double end = start + seconds; t < end; t = now(), done++) close(accept(listener, NULL, NULL));
  print_start();
  print_metric("connections", done / (t - start));
}

static void datagrams_in(void) {
  char bytes[2048];
  int own, fd = bind_any(SOCK_DGRAM, &own);
  print_ready(own);
  must(recv(fd, bytes, sizeof bytes, 0) < 0);
  long done = 0;
  double start = now(), t = start;
  for (double end = start + seconds; t < end; t = now(), done++) must(recv(fd, bytes, sizeof bytes, 0) < 0);
  print_start();
  print_metric("received", done / (t - start));
}

static void datagrams_out(int size) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = address_of(host, port);
  if (connect(fd, (void *)&to, sizeof to)) fail("connect");
  char *bytes = calloc(1, size);
  long done = 0;
  for (double end = now() + seconds; now() < end; done++) must(send(fd, bytes, size, 0) != size);
  print_metric("given", done);
}

static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) fail("statm");
  fclose(file);
  return (double)pages * sysconf(_SC_PAGESIZE);
}

static void memory(int few, int many) {
  int *fds = calloc(few + many, sizeof *fds);
  char message[64] = {0};
  for (int i = 0; i < few; i++) fds[i] = dial();
  double before = resident();
  for (int i = 0; i < many; i++) fds[few + i] = dial();
  print_metric("opened", (resident() - before) / many);
  for (int i = 0; i < many; i++) {
    connection c = {.fd = fds[few + i]};
    must(send_all(&c, message, 64) || receive_all(&c, message, 64));
  }
  print_metric("used", (resident() - before) / many);
}

static void cold_start(void) {
  connection c = open_connection(0);
  char byte = 1;
  command(&c, OP_ECHO, 0, 0);
  must(send_all(&c, &byte, 1) || receive_all(&c, &byte, 1));
  printf("{\"first\":0}\n");
}

int main(int count, char **arguments) {
  if (count < 5) return 2;
  const char *load = arguments[1];
  host = arguments[2];
  port = atoi(arguments[3]);
  seconds = atof(arguments[4]);
  int more = count - 5;
  char **numbers = arguments + 5;
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  if (!strcmp(load, "cold-start")) return cold_start(), 0;
  if (!strcmp(load, "accepts")) return accepts(), print_end(), 0;
  if (!strcmp(load, "datagrams-in")) return datagrams_in(), print_end(), 0;
  print_start();
  if (!strcmp(load, "download")) bulk(0);
  else if (!strcmp(load, "upload")) bulk(1);
  else if (!strcmp(load, "stream")) stream();
  else if (!strcmp(load, "echo")) echo(0);
  else if (!strcmp(load, "requests")) requests(more, numbers, 0);
  else if (!strcmp(load, "growth")) requests(more, numbers, 1);
  else if (!strcmp(load, "frames")) frames(more, numbers);
  else if (!strcmp(load, "connects")) connects(0);
  else if (!strcmp(load, "datagrams-out")) datagrams_out(atoi(numbers[0]));
  else if (!strcmp(load, "memory")) memory(atoi(numbers[0]), atoi(numbers[1]));
#ifdef WITH_TLS
  else if (!strcmp(load, "tls-bulk")) tls_bulk();
  else if (!strcmp(load, "tls-echo")) echo(1);
  else if (!strcmp(load, "handshakes")) connects(1);
#endif
  else return 2;
  print_end();
  return 0;
}
