/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest useful handler: answers each data byte of the host CPU through ODR, exclusive-ored with an option.
 *
 *     cc -shared -fPIC -I Sources/CKCSPlugin/include echo.c -o libkcs-echo-c.so
 *
 *     channels:
 *       - name: loopback
 *         device: {type: raw-kcs, path: /dev/raw-kcs1}
 *         plugin: ./libkcs-echo-c.so
 *         options: {xor: 0xFF}
 */
#include "kcs_plugin.h"

#include <stdlib.h>

/* Everything about one channel is in its instance: one library serves any number of channels. */
struct echo {
    const struct kcs_host *host;
    struct kcs_channel *channel;
    uint64_t echoed;
    uint64_t commands;
    uint8_t mask;
    uint8_t waiting; /* the answer that waits for ODR */
};

static const struct kcs_option options[] = {
    {
        .key = "xor",
        .help = "what each byte is exclusive-ored with",
        .default_yaml = "0",
        .type = KCS_OPTION_BYTE,
    },
};

static int32_t echo_create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                           void **instance) {
    struct echo *echo = calloc(1, sizeof *echo);
    if (echo == NULL) {
        host->log(channel, KCS_LOG_ERROR, "out of memory");
        return KCS_E_LIMIT;
    }
    echo->host = host;
    echo->channel = channel;
    /* kcsmuxd has checked the values against the table above: they are all there, and within range. */
    echo->mask = (uint8_t)kcs_number(values, options, "xor", KCS_OPTION_BYTE);
    *instance = echo;
    return KCS_OK;
}

static int32_t echo_start(void *instance, const struct kcs_start *info) {
    (void)instance;
    (void)info;
    return KCS_INPUT_AUTO; /* bytes come as they are read */
}

static void echo_destroy(void *instance) {
    free(instance);
}

static void answer(struct echo *echo, uint8_t value) {
    int32_t status = echo->host->write_odr(echo->channel, value);
    switch (status) {
    case KCS_OK:
        echo->echoed++;
        break;
    case KCS_E_BUSY:
        /* The host CPU has not read the answer before. Until it does, further bytes stay in IDR: one is all to keep. */
        echo->waiting = value;
        echo->host->want_output(echo->channel, KCS_OUTPUT_HOLD);
        break;
    default:
        kcs_failf(echo->host, echo->channel, "ODR could not be written: %d", (int)status);
    }
}

static void echo_data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
    struct echo *echo = instance;
    (void)now;
    if (str & KCS_STR_CD) {
        echo->commands++;
    } else {
        answer(echo, value ^ echo->mask);
    }
}

static void echo_output_ready(void *instance, uint8_t str, uint64_t now) {
    struct echo *echo = instance;
    (void)str;
    (void)now;
    answer(echo, echo->waiting);
}

static void echo_stats(void *instance, const struct kcs_stats *stats) {
    const struct echo *echo = instance;
    kcs_figure(stats, "echoed", KCS_FIGURE_COUNTER, NULL, echo->echoed);
    kcs_figure(stats, "commands_ignored", KCS_FIGURE_COUNTER, NULL, echo->commands);
}

static const struct kcs_plugin plugin = {
    KCS_PLUGIN_HEAD,
    .inputs = KCS_TAKES(KCS_INPUT_AUTO),
    .needs = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT,
    .name = "echo-c",
    .version = "0.1.0",
    .summary = "answers each data byte through ODR, exclusive-ored",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .create = echo_create,
    .start = echo_start,
    .destroy = echo_destroy,
    .data = echo_data,
    .output_ready = echo_output_ready,
    .stats = echo_stats,
};

/* The only symbol that kcsmuxd looks for. */
const struct kcs_plugin *kcs_plugin_entry(void) {
    return &plugin;
}
