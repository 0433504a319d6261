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
};

static int32_t echo_create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                           void **instance) {
    struct echo *echo = calloc(1, sizeof *echo);
    if (echo == NULL) {
        host->log(channel, KCS_LOG_ERROR, "out of memory");
        return KCS_E_LIMIT;
    }
    echo->host = host;
    echo->channel = channel;
    /* kcsd has checked the options against the table below: members are all there, in its order, within range. */
    echo->mask = (uint8_t)options->items[0]->integer;
    *instance = echo;
    return KCS_OK;
}

static int32_t echo_start(void *instance, const struct kcs_start *info) {
    (void)instance;
    (void)info;
    /* Bytes stay in IDR until read_idr(): a host CPU that does not read its answers sees IBF set, and waits. */
    return KCS_INPUT_MANUAL;
}

static void echo_destroy(void *instance) {
    free(instance);
}

/* Called only with OBF clear. Nobody else sets it, so the write that follows the read is not refused. */
static void answer(struct echo *echo) {
    uint8_t value, str;
    if (echo->host->read_idr(echo->channel, &value, &str) != KCS_OK) {
        return;
    }
    if (str & KCS_STR_CD) {
        echo->commands++;
        return;
    }
    if (echo->host->write_odr(echo->channel, value ^ echo->mask) != KCS_OK) {
        echo->host->fail(echo->channel, "ODR refused an answer while OBF was clear");
        return;
    }
    echo->echoed++;
}

static void echo_input_ready(void *instance, uint8_t str, uint64_t now) {
    struct echo *echo = instance;
    (void)now;
    if (str & KCS_STR_OBF) {
        echo->host->want_output(echo->channel, 1); /* the byte stays where it is until then */
    } else {
        answer(echo);
    }
}

static void echo_output_ready(void *instance, uint8_t str, uint64_t now) {
    (void)str;
    (void)now;
    answer(instance);
}

static void echo_stats(void *instance, const struct kcs_stats *stats) {
    const struct echo *echo = instance;
    stats->number(stats->ctx, "echoed", echo->echoed);
    stats->number(stats->ctx, "commands_ignored", echo->commands);
}

static const struct kcs_option options[] = {
    {
        .key = "xor",
        .help = "what each byte is exclusive-ored with",
        .default_yaml = "0",
        .type = KCS_OPTION_BYTE,
    },
};

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_MANUAL),
    .needs = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR,
    .option_size = sizeof options[0],
    .name = "echo-c",
    .version = "0.1.0",
    .summary = "answers each data byte through ODR, exclusive-ored",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .create = echo_create,
    .start = echo_start,
    .destroy = echo_destroy,
    .input_ready = echo_input_ready,
    .output_ready = echo_output_ready,
    .stats = echo_stats,
};

/* The only symbol that kcsd looks for. */
const struct kcs_plugin *kcs_plugin_entry(void) {
    return &plugin;
}
