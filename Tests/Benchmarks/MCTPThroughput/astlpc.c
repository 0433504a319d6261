// SPDX-License-Identifier: Apache-2.0
//
// What `.ci/mctp-throughput` measures kcsmuxd's MCTP endpoint with, on a simulated device (SimulatedDevice.docc/Layout.md):
//   astlpc host DIR VERSION BYTES MESSAGES DEPTH   sends messages by the window, DEPTH at a time; each must come back
//   astlpc copy DIR VERSION                        the least that a BMC can do: copies each packet as it is, and signals
//   astlpc echo SOCKET                             a local program of the endpoint's that sends every message back
#define _GNU_SOURCE 1
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BIT(number) (UINT64_C(1) << (number))
#define BYTE(value, shift) ((uint64_t)(uint8_t)(value) << (shift))
#define OBF BIT(16)
#define IBF BIT(17)
#define CD BIT(19)
#define BUFFER_FULL BIT(32)
#define IBF_EVENTS (BIT(34) | BIT(36))
#define OBE_EVENTS (BIT(35) | BIT(37))
#define OPEN BIT(38)
#define READY 0x80
#define ACTIVE 0x40
enum { INITIALISE = 0x00, TX_BEGIN = 0x01, RX_COMPLETE = 0x02, DUMMY = 0xFF, TYPE = 0x7F };

static uint64_t *state;
static unsigned char *window;
static int irq_bmc, irq_host;

static uint64_t load(void) { return le64toh(__atomic_load_n(state, __ATOMIC_SEQ_CST)); }

static int swap(uint64_t seen, uint64_t wanted) {
    uint64_t expected = htole64(seen);
    return __atomic_compare_exchange_n(state, &expected, htole64(wanted), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void ring(int bell) {
    ssize_t taken = write(bell, "", 1);
    (void)taken; // a full pipe is rung enough
}

static void drain(int bell) {
    char rung[256];
    while (read(bell, rung, sizeof rung) == (ssize_t)sizeof rung) {}
}

static void fail(const char *what) {
    fprintf(stderr, "astlpc: %s\n", what);
    exit(1);
}

// The driver's interrupt handler: the byte out of IDR, and no more until it was read.
static void interrupt(void) {
    for (;;) {
        uint64_t seen = load(), wanted = seen;
        if (!(seen & OPEN)) return;
        if ((seen & IBF_EVENTS) == IBF_EVENTS && (seen & IBF))
            wanted = (wanted & ~(IBF_EVENTS | IBF | BYTE(0xFF, 24))) | BYTE(seen, 24) | BUFFER_FULL;
        if ((seen & OBE_EVENTS) == OBE_EVENTS && !(seen & OBF)) wanted = (wanted & ~OBE_EVENTS) | BIT(33);
        if (wanted == seen || swap(seen, wanted)) return;
    }
}

// The host's ports.

static void write_idr(uint8_t byte) {
    uint64_t seen;
    do seen = load();
    while (!swap(seen, (seen & ~(BYTE(0xFF, 0) | CD)) | byte | IBF));
    interrupt();
    ring(irq_bmc);
}

static uint8_t read_odr(uint64_t *before) {
    do *before = load();
    while (!swap(*before, *before & ~OBF));
    if ((*before & OBE_EVENTS) == OBE_EVENTS) {
        interrupt();
        ring(irq_bmc);
    }
    return (uint8_t)(*before >> 8);
}

// A few looks, as the other side may be about to act; then the bell.
static void wait_for_bmc(uint64_t mask, uint64_t value) {
    struct pollfd bell = {.fd = irq_host, .events = POLLIN};
    for (int looks = 0; looks < 50; looks++) {
        if ((load() & mask) == value) return;
        sched_yield();
    }
    if (poll(&bell, 1, 1) > 0) drain(irq_host);
}

// The BMC's ports, as the driver gives them.

static int take_input(uint8_t *byte) {
    for (;;) {
        uint64_t seen = load(), wanted;
        interrupt();
        seen = load();
        if (!(seen & BUFFER_FULL)) return 0;
        *byte = (uint8_t)(seen >> 24);
        wanted = (seen & ~BUFFER_FULL) | IBF_EVENTS;
        if (swap(seen, wanted)) return 1;
    }
}

static int write_odr(uint8_t byte) {
    for (;;) {
        uint64_t seen = load();
        if (seen & OBF) {
            if (swap(seen, seen | OBE_EVENTS)) return 0;
        } else if (swap(seen, (seen & ~BYTE(0xFF, 8)) | BYTE(byte, 8) | OBF)) {
            ring(irq_host);
            return 1;
        }
    }
}

static void write_status(uint8_t bits, uint8_t dummy) {
    uint64_t seen;
    do seen = load();
    while (!swap(seen, (seen & ~(BYTE(0xC0, 16) | BYTE(0xFF, 8))) | BYTE(bits, 16) | BYTE(dummy, 8) | OBF));
    ring(irq_host);
}

static uint32_t get32(size_t offset) {
    uint32_t word;
    memcpy(&word, window + offset, 4);
    return be32toh(word);
}

static void put32(size_t offset, uint32_t value) {
    value = htobe32(value);
    memcpy(window + offset, &value, 4);
}

static void put16(size_t offset, uint16_t value) {
    value = htobe16(value);
    memcpy(window + offset, &value, 2);
}

static uint32_t crc32(const unsigned char *bytes, size_t count) {
    uint32_t crc = ~UINT32_C(0);
    for (size_t index = 0; index < count; index++) {
        crc ^= bytes[index];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
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

static void open_device(const char *directory) {
    unsigned char *registers =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open_in(directory, "registers", O_RDWR), 0);
    window = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, open_in(directory, "window", O_RDWR), 0);
    if (registers == MAP_FAILED || window == MAP_FAILED) fail("cannot map the device");
    state = (uint64_t *)(registers + 64);
    irq_bmc = open_in(directory, "irq-bmc", O_RDWR | O_NONBLOCK);
    irq_host = open_in(directory, "irq-host", O_RDWR | O_NONBLOCK);
}

// MARK: The host

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_host(uint16_t version, size_t bytes, long messages, long depth) {
    static unsigned char packet[1 << 19], answer[1 << 19];
    size_t trailer = version == 3 ? 4 : 0, length = bytes + 4, receive, transmit;
    long sent = 0, echoed = 0;
    int release = 0, announce = 0, credit = 1;
    uint64_t before;
    double began;
    while (!(load() >> 16 & READY)) wait_for_bmc(BYTE(READY, 16), BYTE(READY, 16));
    if (load() & OBF) read_odr(&before);
    put16(0x08, version);
    put16(0x0A, version);
    put32(0x14, (uint32_t)(length + 4 + trailer));
    while (load() & IBF) wait_for_bmc(IBF, 0);
    write_idr(INITIALISE);
    do {
        while (!(load() & OBF)) wait_for_bmc(OBF, OBF);
    } while (read_odr(&before) != DUMMY || !(before >> 16 & ACTIVE));
    receive = get32(0x10);
    transmit = get32(0x18);
    if (get32(0x1C) < length + 4 + trailer) fail("the BMC's buffer is too small");
    packet[0] = 1;
    packet[1] = 8;
    packet[2] = 9;
    packet[3] = 0xC8;
    for (size_t index = 0; index < bytes; index++) packet[4 + index] = (unsigned char)(index * 7);
    packet[4] = TYPE;
    if (trailer) {
        uint32_t crc = htobe32(crc32(packet, length));
        memcpy(packet + length, &crc, 4);
    }
    began = seconds();
    while (echoed < messages) {
        uint64_t seen = load();
        if (seen & OBF) {
            switch (read_odr(&before)) {
            case TX_BEGIN:
                if (get32(receive) != length) fail("a message came back with another length");
                memcpy(answer, window + receive + 4, length + trailer);
                if (memcmp(answer + 4, packet + 4, bytes) != 0) fail("a message came back changed");
                echoed++;
                release = 1;
                break;
            case RX_COMPLETE: credit = 1; break;
            }
        }
        if (!announce && credit && sent < messages && sent - echoed < depth) {
            credit = 0;
            sent++;
            put32(transmit, (uint32_t)length);
            memcpy(window + transmit + 4, packet, length + trailer);
            announce = 1;
        }
        if (release || announce) {
            if (!(load() & IBF)) {
                write_idr(release ? RX_COMPLETE : TX_BEGIN);
                if (release) release = 0;
                else announce = 0;
            } else if (!(load() & OBF)) wait_for_bmc(IBF, 0);
        } else if (!(load() & OBF)) wait_for_bmc(OBF, OBF);
        if (seconds() - began > 60) fail("the messages did not come back within a minute");
    }
    printf("%.0f\n", (double)messages / (seconds() - began));
    return 0;
}

// MARK: The least that a BMC can do

_Noreturn static void run_copy(const char *directory, uint16_t version) {
    static unsigned char packet[1 << 19];
    struct pollfd bell;
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const uint32_t receive = 0x100, size = 0x7FF7C, transmit = receive + size;
    uint64_t seen;
    size_t trailer = version == 3 ? 4 : 0;
    int release = 0, announce = 0, credit = 1, waits = 0;
    if (fcntl(open_in(directory, "lock", O_RDWR | O_CREAT), F_OFD_SETLK, &all) != 0) fail("the device is taken");
    do seen = load();
    while (!swap(seen, (seen & ~(BUFFER_FULL | IBF | OBF | OBE_EVENTS)) | OPEN | IBF_EVENTS));
    memset(window, 0, 0x20);
    put32(0x00, 0x4D435450);
    put16(0x04, 1);
    put16(0x06, 3);
    put32(0x10, receive);
    put32(0x14, size);
    put32(0x18, transmit);
    put32(0x1C, size);
    write_status(READY, DUMMY);
    puts("ready");
    fflush(stdout);
    bell = (struct pollfd){.fd = irq_bmc, .events = POLLIN};
    for (;;) {
        uint8_t signal;
        poll(&bell, 1, -1);
        drain(irq_bmc);
        while (take_input(&signal)) {
            if (signal == INITIALISE) {
                put32(0x14, size);
                put16(0x0C, version);
                release = announce = waits = 0;
                credit = 1;
                write_status(READY | ACTIVE, DUMMY);
            } else if (signal == TX_BEGIN) {
                waits = 1;
            } else if (signal == RX_COMPLETE) {
                credit = 1;
            }
            if (waits && credit) {
                uint32_t length = get32(transmit);
                if (length > sizeof packet - 8) fail("a length that cannot be");
                memcpy(packet, window + transmit + 4, length + trailer);
                put32(receive, length);
                memcpy(window + receive + 4, packet, length + trailer);
                waits = credit = 0;
                release = announce = 1;
            }
        }
        if (release && write_odr(RX_COMPLETE)) release = 0;
        if (!release && announce && write_odr(TX_BEGIN)) announce = 0;
    }
}

// MARK: The local program

static int run_echo(const char *path) {
    static unsigned char message[1 << 20];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = 1 << 20, descriptor = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    ssize_t count;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("cannot connect to the endpoint");
    message[0] = TYPE;
    if (send(descriptor, message, 1, 0) != 1) fail("cannot register");
    puts("ready");
    fflush(stdout);
    while ((count = recv(descriptor, message, sizeof message, 0)) > 0)
        if (send(descriptor, message, (size_t)count, 0) != count) fail("cannot send");
    return 0;
}

int main(int count, char **arguments) {
    if (count == 3 && strcmp(arguments[1], "echo") == 0) return run_echo(arguments[2]);
    if (count < 3) return 64;
    open_device(arguments[2]);
    if (count == 7 && strcmp(arguments[1], "host") == 0)
        return run_host((uint16_t)atoi(arguments[3]), (size_t)atol(arguments[4]), atol(arguments[5]), atol(arguments[6]));
    if (count == 4 && strcmp(arguments[1], "copy") == 0) run_copy(arguments[2], (uint16_t)atoi(arguments[3]));
    return 64;
}
