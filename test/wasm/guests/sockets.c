/*
 * A program of ordinary, blocking C for the tests of src/wasm: its first argument names what it does. build.sh makes sockets.cjs of it.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(call) check((call), #call, __LINE__)

static int check(int result, const char *call, int line)
{
	if (result >= 0) return result;
	printf("line %d: %s: %s\n", line, call, strerror(errno));
	exit(1);
}

static void say(const char *what, int result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "succeeds");
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int port_of(int fd)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	CHECK(getsockname(fd, (struct sockaddr *)&address, &length));
	return ntohs(address.sin_port);
}

static int connected(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address));
	return fd;
}

static int listening(void)
{
	struct sockaddr_in address = loopback(0);
	int fd = CHECK(socket(AF_INET, SOCK_STREAM, 0)), on = 1;
	CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof address));
	CHECK(listen(fd, 8));
	printf("port %d\n", port_of(fd));
	fflush(stdout);
	return fd;
}

/* Connects to a host by name, sends a line, ends its side and prints all that comes. */
static void client(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *each;
	char name[64], service[16], bytes[1000];
	int fd = -1, count;
	if (getaddrinfo(host, port, &hints, &list) != 0) {
		printf("getaddrinfo fails\n");
		exit(1);
	}
	for (each = list; each; each = each->ai_next) {
		fd = CHECK(socket(each->ai_family, each->ai_socktype, each->ai_protocol));
		if (connect(fd, each->ai_addr, each->ai_addrlen) == 0) break;
		printf("connect: %s\n", strerror(errno));
		close(fd);
		fd = -1;
	}
	if (fd < 0) exit(1);
	getnameinfo(each->ai_addr, each->ai_addrlen, name, sizeof name, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
	printf("connected to port %s\n", service);
	freeaddrinfo(list);
	struct iovec parts[] = {{"hel", 3}, {"lo\n", 3}};
	CHECK(writev(fd, parts, 2));
	CHECK(shutdown(fd, SHUT_WR));
	while ((count = CHECK(read(fd, bytes, sizeof bytes))) > 0) fwrite(bytes, 1, count, stdout);
	printf("the end\n");
	close(fd);
}

/* Echoes for one client, with the C library's streams. */
static void server(void)
{
	int fd = listening();
	struct sockaddr_in peer;
	socklen_t length = sizeof peer;
	int accepted = CHECK(accept(fd, (struct sockaddr *)&peer, &length));
	printf("from %s\n", inet_ntoa(peer.sin_addr));
	FILE *in = fdopen(accepted, "r"), *out = fdopen(dup(accepted), "w");
	char line[256];
	while (fgets(line, sizeof line, in)) {
		fputs(line, out);
		fflush(out);
	}
	fclose(in);
	fclose(out);
	printf("done\n");
}

/* Echoes for several clients at once, until `clients` have ended: select, or poll, with sockets that do not block. */
static void multiplexed(int clients, int with_poll)
{
	int fd = listening(), open[16] = {0}, count = 0, ended = 0;
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
	while (ended < clients) {
		struct pollfd polled[17] = {{fd, POLLIN}};
		fd_set set;
		FD_ZERO(&set);
		FD_SET(fd, &set);
		int max = fd;
		for (int i = 0; i < count; i++) {
			polled[i + 1] = (struct pollfd){open[i], POLLIN};
			FD_SET(open[i], &set);
			if (open[i] > max) max = open[i];
		}
		struct timeval time = {10, 0};
		int ready = with_poll ? poll(polled, count + 1, 10000) : select(max + 1, &set, 0, 0, &time);
		if (CHECK(ready) == 0) {
			printf("nothing came\n");
			exit(1);
		}
		for (int i = count - 1; i >= 0; i--) {
			char bytes[1000];
			if (with_poll ? !(polled[i + 1].revents & POLLIN) : !FD_ISSET(open[i], &set)) continue;
			int got = CHECK(recv(open[i], bytes, sizeof bytes, 0));
			if (got > 0) CHECK(send(open[i], bytes, got, 0));
			if (got > 0) continue;
			close(open[i]);
			open[i] = open[--count];
			ended++;
		}
		if (with_poll ? polled[0].revents & POLLIN : FD_ISSET(fd, &set)) {
			int accepted = accept4(fd, 0, 0, SOCK_NONBLOCK);
			if (accepted >= 0) open[count++] = accepted;
			else if (errno != EAGAIN) CHECK(accepted);
		}
	}
	printf("%d clients\n", ended);
}

/* Connects without blocking, and says what comes of it. */
static void nonblocking(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = CHECK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), error;
	socklen_t length = sizeof error;
	say("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
	struct pollfd polled = {fd, POLLOUT};
	CHECK(poll(&polled, 1, 10000));
	CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
	printf("SO_ERROR: %s\n", error ? strerror(error) : "none");
	if (error) return;
	char byte;
	say("recv", recv(fd, &byte, 1, 0));
	struct timeval time = {0, 50000}, got = {0, 0};
	CHECK(fcntl(fd, F_SETFL, 0));
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
	length = sizeof got;
	CHECK(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &length));
	printf("SO_RCVTIMEO: %d us\n", (int)got.tv_usec);
	say("recv in its time", recv(fd, &byte, 1, 0));
}

/* Datagrams to an echo server and back: sendto, sendmsg, recvmsg, several at once. */
static void datagrams(int port)
{
	struct sockaddr_in peer = loopback(port), from;
	int fd = CHECK(socket(AF_INET, SOCK_DGRAM, 0));
	char bytes[100];
	socklen_t length = sizeof from;
	CHECK(sendto(fd, "one", 3, 0, (struct sockaddr *)&peer, sizeof peer));
	int got = CHECK(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length));
	printf("%.*s from the port: %d\n", got, bytes, ntohs(from.sin_port) == port);
	struct iovec out[] = {{"tw", 2}, {"o, cut", 6}}, in = {bytes, 3};
	struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = out, .msg_iovlen = 2};
	CHECK(sendmsg(fd, &message, 0));
	message = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &in, .msg_iovlen = 1};
	got = CHECK(recvmsg(fd, &message, 0));
	printf("%.*s, cut: %d\n", got, bytes, (message.msg_flags & MSG_TRUNC) != 0);
	CHECK(connect(fd, (struct sockaddr *)&peer, sizeof peer));
	CHECK(send(fd, "three", 5, 0));
	struct pollfd polled = {fd, POLLIN};
	CHECK(poll(&polled, 1, 10000));
	int available = 0;
	CHECK(ioctl(fd, FIONREAD, &available));
	printf("FIONREAD: %d\n", available);
	printf("peek %d, ", (int)CHECK(recv(fd, bytes, sizeof bytes, MSG_PEEK)));
	printf("receive %d\n", (int)CHECK(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)));
	say("nothing more", recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
	struct timeval time = {0, 50000};
	printf("select: %d\n", select(0, 0, 0, 0, &time));
}

/* Unix domain sockets, both ends here, and descriptors that are copies. */
static void local(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	int fd = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof address));
	CHECK(listen(fd, 1));
	int one = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK(connect(one, (struct sockaddr *)&address, sizeof address));
	int two = CHECK(accept(fd, 0, 0));
	int copy = CHECK(dup(one)), high = CHECK(fcntl(one, F_DUPFD, 40)), file = CHECK(open("/dev/null", O_RDONLY));
	CHECK(dup2(one, file));
	char bytes[10];
	int copies[] = {one, copy, high, file};
	for (int i = 0; i < 4; i++) {
		CHECK(write(copies[i], "x", 1));
		CHECK(read(two, bytes, 1));
		close(copies[i]);
	}
	printf("copy 40: %d, the end after the last: %d\n", high >= 40, (int)CHECK(read(two, bytes, 1)));
	say("closed", write(one, "x", 1));
}

/* What programs get wrong. */
static void errors(int closed_port)
{
	struct sockaddr_in address = loopback(closed_port);
	int fd = CHECK(socket(AF_INET, SOCK_STREAM, 0)), file = CHECK(open("/dev/null", O_RDONLY)), value = 1;
	char byte = 0;
	socklen_t length = sizeof address;
	say("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
	say("short address", connect(fd, (struct sockaddr *)&address, 4));
	say("send", send(fd, &byte, 1, MSG_NOSIGNAL));
	say("recv", recv(fd, &byte, 1, 0));
	say("accept", accept(fd, 0, 0));
	say("getpeername", getpeername(fd, (struct sockaddr *)&address, &length));
	say("file", send(file, &byte, 1, 0));
	say("no descriptor", bind(99, (struct sockaddr *)&address, sizeof address));
	say("family", socket(77, SOCK_STREAM, 0));
	say("protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	say("option", setsockopt(fd, SOL_SOCKET, 999, &value, sizeof value));
	say("pointer", getsockname(fd, (struct sockaddr *)0x7fffffff, &length));
	value = 0;
	length = sizeof value;
	CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &fd, sizeof fd));
	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length));
	printf("TCP_NODELAY: %d\n", value);
	struct hostent *host = gethostbyname("localhost");
	printf("localhost: %s\n", host ? inet_ntoa(*(struct in_addr *)host->h_addr_list[0]) : "none");
	printf("nobody.invalid: %s\n", gethostbyname("nobody.invalid") ? "found" : "none");
	struct pollfd polled[] = {{99, POLLIN}, {-1, POLLIN}, {file, POLLIN}};
	printf("poll: %d, POLLNVAL: %d\n", poll(polled, 3, 0), polled[0].revents == POLLNVAL);
}

/* Waits for stdin, a socket and a pipe together; says which came, and what. Writes to the pipe at the end. */
static void input(int port)
{
	int fd = connected(port), open = 2, ends[2];
	char bytes[100];
	CHECK(pipe(ends));
	struct pollfd polled[] = {{0, POLLIN}, {fd, POLLIN}, {ends[0], POLLIN}};
	printf("waiting\n");
	fflush(stdout);
	while (open > 0) {
		if (CHECK(poll(polled, 3, 20000)) == 0) exit(1);
		for (int i = 0; i < 2; i++) {
			if (!(polled[i].revents & (POLLIN | POLLHUP))) continue;
			int got = CHECK(read(polled[i].fd, bytes, sizeof bytes));
			printf("%s: %.*s\n", i ? "socket" : "stdin", got ? got : 3, got ? bytes : "end");
			fflush(stdout);
			if (got > 0) continue;
			polled[i].fd = -1;
			open--;
		}
	}
	CHECK(write(ends[1], "piped", 5));
	printf("pipe: %d\n", CHECK(poll(polled, 3, 20000)) == 1 && (polled[2].revents & POLLIN));
}

/* Round trips of one byte, then `megabytes` down and up; prints microseconds and megabytes a second. */
static void speed(int port, int trips)
{
	struct timeval before, after;
	int fd = connected(port), on = 1;
	char byte = 'x';
	CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
	for (int i = -1000; i < trips; i++) {
		if (i == 0) gettimeofday(&before, 0);
		CHECK(send(fd, &byte, 1, 0));
		CHECK(recv(fd, &byte, 1, MSG_WAITALL));
	}
	gettimeofday(&after, 0);
	printf("%.1f us\n", ((after.tv_sec - before.tv_sec) * 1e6 + (after.tv_usec - before.tv_usec)) / trips);
}

/* Reads to the end; prints the bytes and megabytes a second. */
static void sink(int port)
{
	struct timeval before, after;
	int fd = connected(port), got;
	double total = 0;
	char *bytes = malloc(1 << 20);
	gettimeofday(&before, 0);
	while ((got = CHECK(recv(fd, bytes, 1 << 20, 0))) > 0) total += got;
	gettimeofday(&after, 0);
	double seconds = (after.tv_sec - before.tv_sec) + (after.tv_usec - before.tv_usec) / 1e6;
	printf("%.0f bytes, %.0f MB/s\n", total, total / 1e6 / seconds);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *first = argc > 2 ? argv[2] : "";
	if (!strcmp(what, "client")) client(first, argv[3]);
	else if (!strcmp(what, "server")) server();
	else if (!strcmp(what, "select")) multiplexed(atoi(first), 0);
	else if (!strcmp(what, "poll")) multiplexed(atoi(first), 1);
	else if (!strcmp(what, "nonblocking")) nonblocking(atoi(first));
	else if (!strcmp(what, "datagrams")) datagrams(atoi(first));
	else if (!strcmp(what, "local")) local(first);
	else if (!strcmp(what, "errors")) errors(atoi(first));
	else if (!strcmp(what, "input")) input(atoi(first));
	else if (!strcmp(what, "speed")) speed(atoi(first), atoi(argv[3]));
	else if (!strcmp(what, "sink")) sink(atoi(first));
	else return 2;
	return 0;
}
