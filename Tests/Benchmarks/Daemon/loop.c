// SPDX-License-Identifier: Apache-2.0
//
// What kcsmuxd is measured against: the least that serves one channel with one plugin. It waits with epoll, reads the clock,
// IDR and STR, calls the plugin's data(), whose write_odr() writes ODR, and waits again: no other channel, no configuration,
// no recorder, no watchdog, no failure that does not end it.
//   cc -O2 -I Sources/CKCSPlugin/include loop.c -o loop
//   loop (node PATH | sim DIRECTORY) PLUGIN
// A node is read and written as the raw-KCS driver wants it. A simulated device is served as Layout.md says, through the
// same words of shared memory and the same bells. It prints "running:" on standard error once it serves.
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kcs_plugin.h"

#define OBF (UINT64_C(1) << 16)
#define IBF (UINT64_C(1) << 17)
#define BUFFER_FULL (UINT64_C(1) << 32)
#define WRITABLE (UINT64_C(1) << 33)
#define IBF_EVENTS (UINT64_C(5) << 34)
#define OBE_EVENTS (UINT64_C(5) << 35)
#define OPEN (UINT64_C(1) << 38)
#define OPENS (UINT64_C(1) << 48)

enum { BMC_READS = 4, BMC_WRITES = 5, INTERRUPTS = 10 };

static int device, host_bell;
static uint64_t *registers;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// ---- A node ----

static int node_receive(uint8_t both[2]) {
    if (pread(device, both, 2, 0) != 2) fail("pread");
    return 1;
}

static int32_t node_write(struct kcs_channel *channel, uint8_t value) {
    (void)channel;
    return pwrite(device, &value, 1, 0) == 1 ? KCS_OK : KCS_E_IO;
}

// ---- A simulated device ----

static uint64_t load(void) { return __atomic_load_n(registers + 8, __ATOMIC_SEQ_CST); }

static int swap(uint64_t *seen, uint64_t wanted) {
    return __atomic_compare_exchange_n(registers + 8, seen, wanted, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void count(int counter) { __atomic_fetch_add(registers + 16 + counter, 1, __ATOMIC_SEQ_CST); }

static uint64_t interrupted(uint64_t word) {
    uint64_t wanted = word;
    if ((word & IBF_EVENTS) == IBF_EVENTS && word & IBF) {
        wanted = (wanted & ~(IBF_EVENTS | IBF | UINT64_C(0xFF) << 24)) | (word & 0xFF) << 24 | BUFFER_FULL;
    }
    if ((word & OBE_EVENTS) == OBE_EVENTS && !(word & OBF)) wanted = (wanted & ~OBE_EVENTS) | WRITABLE;
    return wanted;
}

// The interrupt handler; answers the word as it is then.
static uint64_t interrupt(void) {
    uint64_t seen = load();
    for (;;) {
        uint64_t wanted = interrupted(seen);
        if (wanted == seen) return seen;
        if (swap(&seen, wanted)) {
            count(INTERRUPTS);
            return wanted;
        }
    }
}

// The byte in the driver's buffer or in IDR, and STR after it was taken: 0 for none, 2 for one with another behind it that
// no bell tells of.
static int sim_receive(uint8_t both[2]) {
    uint64_t wanted, seen = interrupt();
    do {
        wanted = seen | IBF_EVENTS;
        if (seen & BUFFER_FULL) {
            both[0] = (uint8_t)(seen >> 24);
            wanted &= ~BUFFER_FULL;
        } else if (seen & IBF) {
            both[0] = (uint8_t)seen;
            wanted &= ~IBF;
        } else {
            return 0;
        }
    } while (!swap(&seen, wanted));
    both[1] = (uint8_t)(wanted >> 16) | KCS_STR_IBF;
    count(BMC_READS);
    return wanted & IBF ? 2 : 1;
}

static int32_t sim_write(struct kcs_channel *channel, uint8_t value) {
    uint64_t seen = load();
    (void)channel;
    do {
        if (seen & OBF) return KCS_E_BUSY;
    } while (!swap(&seen, (seen & ~UINT64_C(0xFF00)) | (uint64_t)value << 8 | OBF));
    count(BMC_WRITES);
    if (write(host_bell, "", 1) < 0 && errno != EAGAIN) fail("write");
    return KCS_OK;
}

static void sim_open(const char *directory) {
    char path[4096];
    uint64_t seen;
    snprintf(path, sizeof path, "%s/registers", directory);
    int file = open(path, O_RDWR);
    if (file < 0) fail(path);
    registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (registers == MAP_FAILED) fail(path);
    snprintf(path, sizeof path, "%s/irq-bmc", directory);
    if ((device = open(path, O_RDWR | O_NONBLOCK)) < 0) fail(path);
    snprintf(path, sizeof path, "%s/irq-host", directory);
    if ((host_bell = open(path, O_RDWR | O_NONBLOCK)) < 0) fail(path);
    // Held for as long as this process lives; without it the host's side takes the opener for one that was killed.
    snprintf(path, sizeof path, "%s/lock", directory);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if ((file = open(path, O_RDWR | O_CREAT, 0660)) < 0 || fcntl(file, F_OFD_SETLK, &lock) != 0) fail(path);
    seen = load();
    while (!swap(&seen, ((seen & ~(BUFFER_FULL | WRITABLE | OBE_EVENTS)) | IBF_EVENTS | OPEN) + OPENS)) {}
}

// ---- The plugin ----

static void say(struct kcs_channel *channel, uint32_t level, const char *text) {
    (void)channel;
    fprintf(stderr, "%u: %s\n", level, text);
}

static void stop(struct kcs_channel *channel, const char *text) {
    say(channel, 0, text);
    exit(1);
}

static int32_t want_output(struct kcs_channel *channel, uint32_t wish) {
    (void)channel;
    return wish == KCS_OUTPUT_NO ? KCS_OK : KCS_E_UNAVAILABLE;
}

static void *make(const struct kcs_plugin *plugin, const struct kcs_host *host) {
    // The echo plugins' one option: a byte to exclusive-or with, 0.
    static const struct kcs_value mask = {.size = sizeof mask, .type = KCS_OPTION_BYTE};
    static const struct kcs_value *const items[] = {&mask};
    static const struct kcs_value options = {
        .size = sizeof options, .type = KCS_OPTION_OBJECT, .items = items, .item_count = 1};
    static int place;
    const struct kcs_start start = {
        .size = sizeof start, .capabilities = 0x17, .channel = "loop", .state_folder = "/nonexistent"};
    void *instance = NULL;
    if (plugin->create(host, (struct kcs_channel *)&place, &options, &instance) != KCS_OK) exit(1);
    if (plugin->start(instance, &start) != KCS_INPUT_AUTO) exit(1);
    return instance;
}

int main(int count, char **arguments) {
    if (count != 4) return 64;
    int simulated = strcmp(arguments[1], "sim") == 0;
    if (simulated) {
        sim_open(arguments[2]);
    } else if ((device = open(arguments[2], O_RDWR)) < 0) {
        fail(arguments[2]);
    }
    void *library = dlopen(arguments[3], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const struct kcs_plugin *(*entry)(void) = (const struct kcs_plugin *(*)(void))dlsym(library, "kcs_plugin_entry");
    const struct kcs_plugin *plugin = entry();
    const struct kcs_host host = {
        .size = sizeof host, .abi = KCS_ABI, .version = "loop", .write_odr = simulated ? sim_write : node_write,
        .want_output = want_output, .log = say, .fail = stop};
    void *instance = make(plugin, &host);
    int epoll = epoll_create1(0);
    struct epoll_event events[64] = {{.events = EPOLLIN}};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, device, events) != 0) fail("epoll");
    fputs("running:\n", stderr);
    for (;;) {
        struct timespec now;
        uint8_t both[2];
        int ready = epoll_wait(epoll, events, 64, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        clock_gettime(CLOCK_MONOTONIC, &now);
        for (int index = 0; index < ready; index++) {
            char taken[256];
            if (events[index].events & (EPOLLERR | EPOLLHUP)) fail("device");
            if (simulated && read(device, taken, sizeof taken) < 0 && errno != EAGAIN) fail("read");
            int received;
            do {
                received = simulated ? sim_receive(both) : node_receive(both);
                if (!received) break;
                plugin->data(
                    instance, both[0], both[1], (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
            } while (received == 2);
        }
    }
}
