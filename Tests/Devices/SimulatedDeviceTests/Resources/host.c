// SPDX-License-Identifier: Apache-2.0
//
// The host CPU's side of a simulated KCS device in plain C11, as Layout.md describes it:
//   cc -o host host.c && ./host DIR 0x44 68 ...
// writes each byte to the data port, prints the answer that comes through ODR, and ends.
#define _GNU_SOURCE 1
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define OBF (UINT64_C(1) << 16)
#define IBF (UINT64_C(1) << 17)
#define COMMAND_DATA (UINT64_C(1) << 19)
#define BUFFER_FULL (UINT64_C(1) << 32)
#define IBF_EVENTS (UINT64_C(5) << 34)
#define OPEN (UINT64_C(1) << 38)
#define DEFERRED 2

static uint64_t *state;
static int irq_bmc, irq_host;

static uint64_t load(void) { return le64toh(__atomic_load_n(state, __ATOMIC_SEQ_CST)); }

static int swap(uint64_t seen, uint64_t wanted) {
    uint64_t expected = htole64(seen);
    return __atomic_compare_exchange_n(state, &expected, htole64(wanted), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void ring(void) {
    ssize_t taken = write(irq_bmc, "", 1);
    (void)taken; // a full pipe is rung enough
}

static void interrupt(void) {
    for (;;) {
        uint64_t seen = load(), wanted;
        if ((seen & IBF_EVENTS) != IBF_EVENTS || !(seen & OPEN) || !(seen & IBF)) return;
        wanted = seen & ~IBF_EVENTS;
        if ((seen >> 40 & 3) != DEFERRED)
            wanted = (wanted & ~(IBF | UINT64_C(0xFF) << 24)) | (seen & 0xFF) << 24 | BUFFER_FULL;
        if (swap(seen, wanted)) return;
    }
}

static void write_data(uint8_t byte) {
    for (;;) {
        uint64_t seen = load();
        if (swap(seen, (seen & ~(UINT64_C(0xFF) | COMMAND_DATA)) | byte | IBF)) break;
    }
    interrupt();
    ring();
}

static uint8_t read_data(void) {
    for (;;) {
        uint64_t seen = load();
        if (!swap(seen, seen & ~OBF)) continue;
        if (seen >> 37 & 1) ring();
        return (uint8_t)(seen >> 8);
    }
}

static int wait_until(uint64_t mask, uint64_t value) {
    for (int looks = 0; looks < 5000; looks++) {
        struct pollfd bell = {.fd = irq_host, .events = POLLIN};
        char taken[256];
        if ((load() & mask) == value) return 1;
        if (poll(&bell, 1, 1) > 0 && read(irq_host, taken, sizeof taken) < 0) return 0;
    }
    return 0;
}

static int open_in(const char *directory, const char *name, int flags) {
    char path[4096];
    int descriptor;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    descriptor = open(path, flags);
    if (descriptor < 0) {
        perror(path);
        exit(1);
    }
    return descriptor;
}

int main(int count, char **arguments) {
    unsigned char *registers;
    if (count < 3) return 64;
    registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open_in(arguments[1], "registers", O_RDWR), 0);
    if (registers == MAP_FAILED || memcmp(registers, "kcs-sim", 8) != 0 || registers[8] != 1) {
        fprintf(stderr, "%s: not a simulated KCS device\n", arguments[1]);
        return 1;
    }
    state = (uint64_t *)(registers + 64);
    irq_bmc = open_in(arguments[1], "irq-bmc", O_RDWR | O_NONBLOCK);
    irq_host = open_in(arguments[1], "irq-host", O_RDWR | O_NONBLOCK);
    for (int index = 2; index < count; index++) {
        if (!wait_until(IBF, 0)) {
            fprintf(stderr, "IBF stays set\n");
            return 1;
        }
        write_data((uint8_t)strtoul(arguments[index], NULL, 0));
        if (!wait_until(OBF, OBF)) {
            fprintf(stderr, "no answer\n");
            return 1;
        }
        printf("0x%02x\n", read_data());
    }
    return 0;
}
