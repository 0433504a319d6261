/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of messages, in one file: four commands of one NetFn, each answered in another way.
 *
 *     cc -shared -fPIC $(pkg-config --cflags kcsmux-plugin) oem.c -o libkcs-oem-c.so
 *
 *     channels:
 *       - name: ipmi
 *         device: {type: raw-kcs, path: /dev/raw-kcs3}
 *         plugin: ./libkcs-oem-c.so
 *         options: {net_fn: 0x30, file: /etc/machine-id, alarm: [{log: "the host CPU rang"}]}
 *
 *     command  data   answer, behind NetFn/LUN and command
 *     0x01     -      completion code, seconds since the start in four bytes, least significant first: at once
 *     0x02     any    completion code and the same data, after the option `delay`: a timer
 *     0x03     -      completion code, the sum of the file's bytes in two bytes: the worker thread reads the file
 *     0x04     -      completion code, how many actions failed: kcsmuxd runs the option `alarm`
 */
#include "kcs_plugin_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPLETED 0x00
#define INVALID_COMMAND 0xC1
#define NODE_BUSY 0xC0
#define UNSPECIFIED 0xFF

enum { GET_UPTIME = 0x01, ECHO_LATER = 0x02, SUM_FILE = 0x03, RING_ALARM = 0x04 };
enum { LONGEST_ECHO = 64 };

struct oem {
    const struct kcs_host *host;
    struct kcs_channel *channel;
    /* Options. They live as long as the instance. */
    uint8_t net_fn;
    uint64_t delay;
    const char *file;
    const struct kcs_value *alarm;

    uint64_t started;
    uint64_t requests;
    uint32_t timer;
    /* One of each can be under way: the host CPU waits for its answer before it asks again, unless it gives up. */
    uint64_t echo_token;
    uint8_t echo[LONGEST_ECHO];
    uint64_t echo_count;
    uint64_t sum_token;
    int is_summing;
    int32_t sum; /* the worker writes it, and the loop reads it after `done` */
    uint64_t alarm_token;
};

static const struct kcs_option options[] = {
    {
        .key = "net_fn",
        .help = "the NetFn that is answered",
        .default_yaml = "0x30",
        .type = KCS_OPTION_INTEGER,
        .flags = KCS_OPTION_BOUNDED,
        .minimum = 0x2E,
        .maximum = 0x3F,
    },
    {
        .key = "delay",
        .help = "how long command 0x02 takes",
        .default_yaml = "100ms",
        .type = KCS_OPTION_DURATION,
        .flags = KCS_OPTION_BOUNDED,
        .minimum = 0,
        .maximum = 3000000000,
    },
    {
        .key = "file",
        .help = "what command 0x03 reads",
        .type = KCS_OPTION_PATH,
    },
    {
        .key = "alarm",
        .help = "what command 0x04 does",
        .default_yaml = "[{log: \"the alarm of the host CPU\"}]",
        .type = KCS_OPTION_ACTIONS,
    },
};

/* NetFn of the answer, command, completion code, data. */
static void answer(struct oem *oem, uint64_t token, uint8_t command, uint8_t code, const uint8_t *data, size_t count) {
    uint8_t bytes[3 + LONGEST_ECHO];
    bytes[0] = (uint8_t)((oem->net_fn | 1) << 2);
    bytes[1] = command;
    bytes[2] = code;
    if (count > 0) {
        memcpy(bytes + 3, data, count);
    }
    /* KCS_E_STALE is nobody's mistake: the host CPU gave up meanwhile. */
    oem->host->reply(oem->channel, token, bytes, 3 + count);
}

static void echo_is_due(void *context, uint64_t now) {
    struct oem *oem = context;
    (void)now;
    answer(oem, oem->echo_token, ECHO_LATER, COMPLETED, oem->echo, oem->echo_count);
}

/* On the worker's thread: files may block here, and no host call but post() is legal. */
static void sum_file(void *context) {
    struct oem *oem = context;
    FILE *file = fopen(oem->file, "rb");
    oem->sum = -1;
    if (file != NULL) {
        int32_t sum = 0;
        for (int byte = fgetc(file); byte != EOF; byte = fgetc(file)) {
            sum = (sum + byte) & 0xFFFF;
        }
        oem->sum = sum;
        fclose(file);
    }
}

static void file_is_summed(void *context) {
    struct oem *oem = context;
    uint8_t data[2] = {(uint8_t)oem->sum, (uint8_t)(oem->sum >> 8)};
    oem->is_summing = 0;
    if (oem->sum < 0) {
        answer(oem, oem->sum_token, SUM_FILE, UNSPECIFIED, NULL, 0);
    } else {
        answer(oem, oem->sum_token, SUM_FILE, COMPLETED, data, sizeof data);
    }
}

static void alarm_was_rung(void *context, const struct kcs_action_result *const *results, uint64_t count) {
    struct oem *oem = context;
    uint8_t failed = 0;
    for (uint64_t index = 0; index < count; index++) {
        failed += results[index]->outcome != KCS_OUTCOME_OK;
    }
    answer(oem, oem->alarm_token, RING_ALARM, COMPLETED, &failed, 1);
}

/* Pure: says what the declaration cannot. kcsmuxd adds file, line and column. */
static void oem_check(const struct kcs_value *values, const struct kcs_report *report) {
    const struct kcs_value *net_fn = kcs_member(values, options, "net_fn");
    if (net_fn->integer % 2 != 0) {
        kcs_rejectf(report, net_fn, "net_fn must be even, not 0x%02X: the odd ones are for answers", (int)net_fn->integer);
    }
}

static int32_t oem_create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                          void **instance) {
    struct oem *oem = calloc(1, sizeof *oem);
    if (oem == NULL) {
        return KCS_E_LIMIT;
    }
    oem->host = host;
    oem->channel = channel;
    /* Every declared option is there, checked, under its name. */
    oem->net_fn = (uint8_t)kcs_number(values, options, "net_fn", KCS_OPTION_INTEGER);
    oem->delay = (uint64_t)kcs_number(values, options, "delay", KCS_OPTION_DURATION);
    oem->file = kcs_text(values, options, "file", KCS_OPTION_PATH);
    oem->alarm = kcs_member(values, options, "alarm");
    *instance = oem;
    return KCS_OK;
}

static int32_t oem_start(void *instance, const struct kcs_start *info) {
    struct oem *oem = instance;
    (void)info;
    int32_t status = oem->host->timer_open(oem->channel, oem, echo_is_due, &oem->timer);
    oem->started = oem->host->now(oem->channel);
    return status == KCS_OK ? KCS_INPUT_MESSAGES : status;
}

static void oem_destroy(void *instance) {
    free(instance);
}

static int32_t oem_message(void *instance, uint64_t token, const uint8_t *bytes, uint64_t count, uint64_t now) {
    struct oem *oem = instance;
    uint8_t command = bytes[1];
    if (bytes[0] >> 2 != oem->net_fn) {
        return KCS_DECLINED; /* the next handler on the channel is asked */
    }
    oem->requests++;
    switch (command) {
    case GET_UPTIME: {
        uint32_t seconds = (uint32_t)((now - oem->started) / 1000000000u);
        uint8_t data[4] = {(uint8_t)seconds, (uint8_t)(seconds >> 8), (uint8_t)(seconds >> 16),
                           (uint8_t)(seconds >> 24)};
        answer(oem, token, command, COMPLETED, data, sizeof data);
        return KCS_HANDLED;
    }
    case ECHO_LATER:
        oem->echo_token = token;
        oem->echo_count = count - 2 < LONGEST_ECHO ? count - 2 : LONGEST_ECHO;
        memcpy(oem->echo, bytes + 2, oem->echo_count);
        oem->host->timer_set(oem->channel, oem->timer, now + oem->delay);
        return KCS_PENDING;
    case SUM_FILE:
        if (oem->file == NULL || oem->is_summing ||
            oem->host->work(oem->channel, oem, sum_file, file_is_summed) != KCS_OK) {
            answer(oem, token, command, oem->file == NULL ? UNSPECIFIED : NODE_BUSY, NULL, 0);
            return KCS_HANDLED;
        }
        oem->is_summing = 1;
        oem->sum_token = token;
        return KCS_PENDING;
    case RING_ALARM:
        oem->host->annotate(oem->channel, KCS_ANNOTATE_EVENT, KCS_DIRECTION_IN, 0, NULL, 0, "the alarm is rung");
        if (oem->host->actions_run(oem->channel, oem->alarm, "the host CPU rings", oem, alarm_was_rung) != KCS_OK) {
            answer(oem, token, command, NODE_BUSY, NULL, 0);
            return KCS_HANDLED;
        }
        oem->alarm_token = token;
        return KCS_PENDING;
    default:
        answer(oem, token, command, INVALID_COMMAND, NULL, 0);
        return KCS_HANDLED;
    }
}

static void oem_reset(void *instance, uint64_t now) {
    struct oem *oem = instance;
    (void)now;
    oem->host->timer_set(oem->channel, oem->timer, 0);
}

static void oem_stats(void *instance, const struct kcs_stats *stats) {
    const struct oem *oem = instance;
    kcs_figure(stats, "requests", KCS_FIGURE_COUNTER, NULL, oem->requests);
}

/* Lets kcsmuxd see where these requests end before the host CPU says so. */
static const struct kcs_request_length requests[] = {
    {.net_fn = 0x30, .command = GET_UPTIME, .shortest = 2, .longest = 2},
    {.net_fn = 0x30, .command = ECHO_LATER, .shortest = 2, .longest = 2 + LONGEST_ECHO},
    {.net_fn = 0x30, .command = SUM_FILE, .shortest = 2, .longest = 2},
    {.net_fn = 0x30, .command = RING_ALARM, .shortest = 2, .longest = 2},
};

static const struct kcs_plugin plugin = {
    KCS_PLUGIN_HEAD,
    .inputs = KCS_TAKES(KCS_INPUT_MESSAGES),
    .needs = KCS_CAP_MESSAGES,
    .name = "oem-c",
    .version = "0.1.0",
    .summary = "four commands of one NetFn",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .requests = requests,
    .request_count = sizeof requests / sizeof requests[0],
    .check = oem_check,
    .create = oem_create,
    .start = oem_start,
    .destroy = oem_destroy,
    .message = oem_message,
    .reset = oem_reset,
    .stats = oem_stats,
};

const struct kcs_plugin *kcs_plugin_entry(void) {
    return &plugin;
}
