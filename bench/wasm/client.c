/*
 * One program for a native and an emscripten build: `client PORT` connects to the bulk service of peers/peer.c, and prints as JSON the median
 * of echoes of 64 bytes in µs, and bytes a second that it received and sent in pieces of 64 KiB.
 */
#include "../peers/wire.h"

enum { MESSAGE = 64, PIECE = 65536, WARM = 2000, ECHOES = 8000 };
static const uint64_t TRIAL = 64 << 20, LENGTH = 512 << 20;
static char bytes[PIECE];

static connection dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  connection c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
  int on = 1;
  if (c.fd < 0 || connect(c.fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return c;
}

static void ask(connection *c, uint32_t operation, uint64_t length) {
  header h = {operation, PIECE, length};
  if (send_all(c, &h, sizeof h) < 0) fail("send");
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double echo(int port) {
  static double times[ECHOES];
  connection c = dial(port);
  ask(&c, OP_ECHO, 0);
  for (int i = -WARM; i < ECHOES; i++) {
    double start = now();
    if (send_all(&c, bytes, MESSAGE) < 0 || receive_all(&c, bytes, MESSAGE) < 0) fail("echo");
    if (i >= 0) times[i] = now() - start;
  }
  close(c.fd);
  qsort(times, ECHOES, sizeof *times, by_size);
  return times[ECHOES / 2] * 1e6;
}

static double download(connection *c, uint64_t length) {
  double start = now();
  ask(c, OP_SEND, length);
  for (uint64_t left = length; left > 0;) {
    ssize_t n = receive(c, bytes, left < PIECE ? left : PIECE);
    if (n <= 0) fail("receive");
    left -= n;
  }
  return length / (now() - start);
}

static double upload(connection *c, uint64_t length) {
  double start = now();
  ask(c, OP_RECEIVE, length);
  for (uint64_t left = length; left > 0; left -= PIECE)
    if (send_all(c, bytes, PIECE) < 0) fail("send");
  if (receive_all(c, bytes, 1) < 0) fail("receive");
  return length / (now() - start);
}

int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 0;
  double median = echo(port);
  connection c = dial(port);
  download(&c, TRIAL);
  double received = download(&c, LENGTH);
  upload(&c, TRIAL);
  printf("{\"echo\":%.2f,\"received\":%.0f,\"sent\":%.0f}\n", median, received, upload(&c, LENGTH));
  return 0;
}
