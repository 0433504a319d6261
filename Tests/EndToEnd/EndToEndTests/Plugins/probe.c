/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of bytes that does what each byte says: echoes those below 0xF0, and misbehaves for the others.
 */
#include "kcs_plugin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FAIL = 0xF0, HANG, CRASH, SLOW, FAIL_TWICE, FAIL_IN_OUTPUT_READY, MISUSE, WORK_AND_FAIL, OTHER_THREAD, OUTLIVE,
       HANG_IN_CALLS, TALK, ABORT, EXIT, EXIT_AT_ONCE };

struct probe {
    const struct kcs_host *host;
    struct kcs_channel *channel;
    const char *fail_at;
    uint8_t answers[4096];
    unsigned first, count;
    int fails_in_output_ready;
};

static const char *const places[] = {"nowhere", "create", "start", "start-quietly", "stop", NULL};
static const struct kcs_option options[] = {
    {.key = "fail_at", .type = KCS_OPTION_ENUMERATION, .choices = places, .default_yaml = "nowhere"},
    {.key = "tag", .type = KCS_OPTION_INTEGER, .default_yaml = "0"},
};

static void nothing(void *context) { (void)context; }
static void tick(void *context, uint64_t now) { (void)context, (void)now; }
static void ready(void *context, uint32_t events, uint64_t now) { (void)context, (void)events, (void)now; }
static void ended(void *context, uint32_t outcome, int32_t code) { (void)context, (void)outcome, (void)code; }

/* The place of an instance that has gone: what a careless plugin keeps in a global. */
static struct kcs_channel *outlived;

static int fails(const struct probe *probe, const char *place) { return strcmp(probe->fail_at, place) == 0; }

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                      void **instance) {
    struct probe *probe = calloc(1, sizeof *probe);
    probe->host = host;
    probe->channel = channel;
    probe->fail_at = values->items[0]->text;
    *instance = probe;
    if (outlived != NULL) {
        char line[80];
        uint8_t byte = 0;
        int32_t written = host->write_odr(outlived, 1);
        int32_t replied = host->reply(outlived, 1, &byte, 1);
        snprintf(line, sizeof line, "outlived: write_odr %d, reply %d, post %d", (int)written, (int)replied,
                 (int)host->post(outlived, NULL, nothing));
        host->log(channel, KCS_LOG_NOTICE, line);
        outlived = NULL;
    }
    if (fails(probe, "create")) {
        host->fail(channel, "asked to fail in create");
    }
    return KCS_OK;
}

static int32_t start(void *instance, const struct kcs_start *info) {
    struct probe *probe = instance;
    char line[80];
    snprintf(line, sizeof line, "start: reason %u, %u stale", info->reason, info->stale_bytes);
    probe->host->log(probe->channel, KCS_LOG_NOTICE, line);
    if (fails(probe, "start")) {
        probe->host->fail(probe->channel, "asked to fail in start");
    }
    return fails(probe, "start-quietly") ? KCS_E_UNAVAILABLE : KCS_INPUT_AUTO;
}

static void stop(void *instance, uint32_t reason) {
    struct probe *probe = instance;
    char line[80];
    /* The registers work for the last time. */
    int32_t status = probe->host->write_str(probe->channel, KCS_STR_OEM1, KCS_STR_OEM1);
    snprintf(line, sizeof line, "stop: reason %u, STR %d", reason, (int)status);
    probe->host->log(probe->channel, KCS_LOG_NOTICE, line);
    if (fails(probe, "stop")) {
        probe->host->fail(probe->channel, "asked to fail in stop");
    }
}

static void destroy(void *instance) {
    struct probe *probe = instance;
    int32_t status = probe->host->timer_set(probe->channel, 1, 1);
    if (status != KCS_E_INVALID) {
        probe->host->log(probe->channel, KCS_LOG_ERROR, "a timer outlived stop");
    }
    memset(probe, 0xDD, sizeof *probe);
    free(probe);
}

static void flush(struct probe *probe) {
    while (probe->count > 0) {
        if (probe->host->write_odr(probe->channel, probe->answers[probe->first]) != KCS_OK) {
            probe->host->want_output(probe->channel, 1);
            return;
        }
        probe->first = (probe->first + 1) % sizeof probe->answers;
        probe->count--;
    }
}

static void answer(struct probe *probe, uint8_t value) {
    if (probe->count < sizeof probe->answers) {
        probe->answers[(probe->first + probe->count++) % sizeof probe->answers] = value;
    }
    flush(probe);
}

/* Calls that make no sense; the answers go into one line. */
static void misuse(struct probe *probe) {
    const struct kcs_host *host = probe->host;
    struct kcs_channel *channel = probe->channel;
    uint8_t byte = 0;
    uint32_t watch = 0, timer = 0;
    int32_t socket = -1;
    const char *relative[] = {"true", NULL};
    char line[400];
    int32_t watched = host->watch_open(channel, 1 << 30, KCS_WATCH_READ, NULL, ready, &watch);
    int32_t limit = KCS_OK;
    for (int count = 0; count < 1000 && limit == KCS_OK; count++) {
        limit = host->timer_open(channel, NULL, tick, &timer);
    }
    snprintf(line, sizeof line,
             "misuse: read_idr %d, reply %d, timer_set %d, timer_close %d, watch_open %d, events %d, watch_set %d, "
             "watch_close %d, socket %d, run %d, dump %d, timers %d, attention %d, annotate %d",
             (int)host->read_idr(channel, &byte, &byte), (int)host->reply(channel, 1, &byte, 1),
             (int)host->timer_set(channel, 4242, 1), (int)host->timer_close(channel, 4242), (int)watched,
             (int)host->watch_open(channel, 0, 0x80, NULL, ready, &watch), (int)host->watch_set(channel, 4242, 0),
             (int)host->watch_close(channel, 4242), (int)host->socket(channel, "nobody", &socket),
             (int)host->run(channel, relative, 1000, NULL, ended), (int)host->dump(channel, 7, NULL, NULL), (int)limit,
             (int)host->set_attention(channel, 1), (int)host->annotate(channel, 99, 0, 0, NULL, 0, NULL));
    host->log(channel, KCS_LOG_NOTICE, line);
}

static void slow_work(void *context) {
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    /* The instance must still be there. */
    ((struct probe *)context)->answers[0] ^= 1;
}

static void late(void *context) {
    (void)context;
    fputs("a callback after stop\n", stderr);
}
static void late_tick(void *context, uint64_t now) {
    (void)now;
    late(context);
}

static int32_t answers_elsewhere[3];

static void *elsewhere(void *context) {
    struct probe *probe = context;
    uint32_t timer;
    answers_elsewhere[0] = probe->host->write_odr(probe->channel, 0x55);
    answers_elsewhere[1] = probe->host->timer_open(probe->channel, NULL, tick, &timer);
    probe->host->log(probe->channel, KCS_LOG_ERROR, "from a thread that may not");
    answers_elsewhere[2] = probe->host->post(probe->channel, probe, nothing);
    return NULL;
}

static void data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
    struct probe *probe = instance;
    (void)str;
    switch (value) {
    case FAIL: probe->host->fail(probe->channel, "asked to fail"); return;
    case FAIL_TWICE:
        probe->host->fail(probe->channel, "asked to fail, first");
        probe->host->fail(probe->channel, "asked to fail, second");
        return;
    case HANG:
        for (;;) {
            struct timespec pause = {1, 0};
            nanosleep(&pause, NULL);
        }
    case HANG_IN_CALLS:
        for (uint8_t bit = 0;; bit ^= KCS_STR_OEM1) {
            probe->host->write_str(probe->channel, bit, KCS_STR_OEM1);
        }
    case CRASH: *(volatile int *)16 = 1; return;
    case ABORT: abort();
    case EXIT: exit(0);
    case EXIT_AT_ONCE: _exit(0);
    case SLOW:
        while (probe->host->now(probe->channel) < now + 60000000) {
        }
        answer(probe, value);
        return;
    case FAIL_IN_OUTPUT_READY:
        probe->fails_in_output_ready = 1;
        probe->host->want_output(probe->channel, 1);
        return;
    case MISUSE: misuse(probe); answer(probe, value); return;
    case OTHER_THREAD: {
        pthread_t thread;
        char line[80];
        pthread_create(&thread, NULL, elsewhere, probe);
        pthread_join(thread, NULL);
        snprintf(line, sizeof line, "elsewhere: write_odr %d, timer_open %d, post %d", (int)answers_elsewhere[0],
                 (int)answers_elsewhere[1], (int)answers_elsewhere[2]);
        probe->host->log(probe->channel, KCS_LOG_NOTICE, line);
        answer(probe, value);
        return;
    }
    case OUTLIVE: {
        uint32_t timer = 0;
        outlived = probe->channel;
        /* None of these may come any more. */
        probe->host->timer_open(probe->channel, NULL, late_tick, &timer);
        probe->host->timer_set(probe->channel, timer, now + 1);
        probe->host->post(probe->channel, NULL, late);
        probe->host->work(probe->channel, NULL, nothing, late);
        probe->host->fail(probe->channel, "asked to be outlived");
        return;
    }
    case WORK_AND_FAIL:
        probe->host->work(probe->channel, probe, slow_work, nothing);
        probe->host->fail(probe->channel, "asked to fail with work under way");
        return;
    case TALK: {
        char line[80], text[2100];
        memset(text, 'x', sizeof text);
        strcpy(text + 510, "\xC3\xA9");
        kcs_logf(probe->host, probe->channel, KCS_LOG_NOTICE, "%s", text);
        text[510] = 'x';
        text[511] = 'x';
        text[512] = 'x';
        strcpy(text + 2046, "\xE2\x82\xAC");
        probe->host->log(probe->channel, KCS_LOG_NOTICE, text);
        for (int number = 1; number <= 50; number++) {
            snprintf(line, sizeof line, "said %d times", number);
            probe->host->log(probe->channel, KCS_LOG_NOTICE, line);
        }
        for (char letter = 'a'; letter <= 'p'; letter++) {
            snprintf(line, sizeof line, "said once: %c", letter);
            probe->host->log(probe->channel, KCS_LOG_NOTICE, line);
        }
        probe->host->log(probe->channel, KCS_LOG_DEBUG, "for whoever looks for a fault");
        answer(probe, value);
        return;
    }
    default: answer(probe, value);
    }
}

static void output_ready(void *instance, uint8_t str, uint64_t now) {
    struct probe *probe = instance;
    (void)str, (void)now;
    if (probe->fails_in_output_ready) {
        probe->host->fail(probe->channel, "asked to fail in output_ready");
        return;
    }
    flush(probe);
}

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_AUTO),
    .needs = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR,
    .option_size = sizeof options[0],
    .name = "probe",
    .version = "1",
    .summary = "does what each byte says",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .data = data,
    .output_ready = output_ready,
};

#ifndef NO_ENTRY
const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
#else
const struct kcs_plugin *const probe_plugin = &plugin;
#endif
