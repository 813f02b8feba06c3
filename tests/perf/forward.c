/* The yardstick: forwards frames between two TAPs and does nothing else.
 *
 *     forward FD FD CPU
 *
 * No classification, no counters, no fairness: read one, write the other, until told to die. What our data
 * path costs is the difference to this loop on the same descriptors.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BURST 64 /* frames of one TAP before the other's turn, as in the arbiter */

static char buffer[1 << 17];

static void forward(int from, int to)
{
	for (int frames = 0; frames < BURST; frames++) {
		ssize_t octets = read(from, buffer, sizeof(buffer));

		if (octets < 0 || write(to, buffer, octets) < 0)
			return;
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;

	int fd[2] = { atoi(argv[1]), atoi(argv[2]) };
	cpu_set_t cpus;
	int epoll = epoll_create1(0);

	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[3]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	for (int from = 0; from < 2; from++) {
		struct epoll_event readable = { .events = EPOLLIN, .data.u32 = from };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd[from], &readable) < 0)
			return 1;
	}
	for (;;) {
		struct epoll_event ready[2];
		int count = epoll_wait(epoll, ready, 2, -1);

		for (int i = 0; i < count; i++)
			forward(fd[ready[i].data.u32], fd[!ready[i].data.u32]);
	}
}
