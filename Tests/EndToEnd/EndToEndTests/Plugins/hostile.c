/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of bytes that echoes, and ends its process in the way that some bytes name.
 */
#include "kcs_plugin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CRASH = 0xE0, EXIT, ABORT, LOOP, LEAK, OVERFLOW, CLOSE_ALL, STOP, SCRIBBLE, FORK, STARVE, PROGRAM, OPEN_FILE, SIGNAL_PARENT,
       CONNECT };

struct hostile {
    const struct kcs_host *host;
    struct kcs_channel *channel;
};

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                      void **instance) {
    struct hostile *hostile = calloc(1, sizeof *hostile);
    (void)values;
    hostile->host = host;
    hostile->channel = channel;
    *instance = hostile;
    return KCS_OK;
}

static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance, (void)info;
    return KCS_INPUT_AUTO;
}

static void destroy(void *instance) { free(instance); }

static int overflow(int depth) {
    volatile char frame[4096];
    memset((void *)frame, depth, sizeof frame);
    return depth < 0 ? 0 : overflow(depth + 1) + frame[depth & 4095];
}

/* Every page that can be written and is shared: what the process has of the daemon's. */
static void scribble(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512], mode[8];
    unsigned long from, to;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[1] == 'w' && mode[3] == 's' &&
            strstr(line, "memfd:") != NULL) {
            memset((void *)from, 0xA5, to - from);
        }
    }
}

static void say(struct hostile *hostile, const char *what, int status) {
    char line[80];
    snprintf(line, sizeof line, "%s: %d", what, status);
    hostile->host->log(hostile->channel, KCS_LOG_NOTICE, line);
}

static void ended(void *context, uint32_t outcome, int32_t code) {
    (void)outcome;
    say(context, "program", code);
}

static void data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
    struct hostile *hostile = instance;
    static const char *const program[] = {"/bin/true", NULL};
    (void)str, (void)now;
    switch (value) {
    case CRASH: *(volatile int *)16 = 1; return;
    case EXIT: exit(3);
    case ABORT: abort();
    case LOOP:
        for (;;) {
            __asm__ volatile("");
        }
    case LEAK:
        for (;;) {
            char *more = malloc(1 << 20);
            if (more == NULL) {
                abort();
            }
            memset(more, 1, 1 << 20);
        }
    case OVERFLOW: say(hostile, "overflow", overflow(1)); return;
    case CLOSE_ALL:
        for (int descriptor = 3; descriptor < 1024; descriptor++) {
            close(descriptor);
        }
        return;
    case STOP: raise(SIGSTOP); return;
    case SCRIBBLE: scribble(); break;
    case FORK:
        if (fork() == 0) {
            for (;;) {
                pause();
            }
        }
        _exit(4);
    case STARVE:
        // As many as it gets, within reason where nobody stops it.
        for (int count = 0; count < 64; count++) {
            pid_t process = fork();
            if (process < 0) {
                _exit(5);
            }
            if (process == 0) {
                _exit(0);
            }
        }
        _exit(6);
    case PROGRAM: say(hostile, "run", hostile->host->run(hostile->channel, program, 1000000000, hostile, ended)); break;
    case OPEN_FILE: say(hostile, "open", open("/", O_RDONLY | O_DIRECTORY) >= 0); break;
    case SIGNAL_PARENT: say(hostile, "kill", kill(getppid(), SIGUSR2)); break;
    case CONNECT: say(hostile, "socket", socket(AF_INET, SOCK_STREAM, 0) >= 0); break;
    default: break;
    }
    hostile->host->write_odr(hostile->channel, value);
}

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_AUTO),
    .needs = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT,
    .name = "hostile",
    .version = "1",
    .summary = "ends its process in many ways",
    .create = create,
    .start = start,
    .destroy = destroy,
    .data = data,
};

const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
