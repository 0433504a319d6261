/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of messages that treats each request as its command says, for one NetFn; it declines the others.
 */
#include "kcs_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ECHO = 1, DECLINE, LATE, SILENT, NEVER, TWICE, ATTENTION, FAIL_AND_DECLINE, FORGE, SHORT, PASS, PASS_LATE, ABORT };

struct messenger {
    const struct kcs_host *host;
    struct kcs_channel *channel;
    int64_t net_fn, tag;
    uint32_t timer;
    uint64_t late_token;
    uint64_t unanswered;
    uint8_t late[64];
    uint64_t late_count;
    int late_command;
};

static const struct kcs_option options[] = {
    {.key = "net_fn", .type = KCS_OPTION_INTEGER, .default_yaml = "0x30"},
    {.key = "tag", .type = KCS_OPTION_INTEGER, .default_yaml = "0"},
};

static void say(struct messenger *messenger, const char *what, int32_t status) {
    char line[80];
    snprintf(line, sizeof line, "%s: %d", what, (int)status);
    messenger->host->log(messenger->channel, KCS_LOG_NOTICE, line);
}

static void fire(void *context, uint64_t now) {
    struct messenger *messenger = context;
    (void)now;
    if (messenger->late_command == PASS_LATE) {
        say(messenger, "late pass", messenger->host->pass(messenger->channel, messenger->late_token, 0xD3));
        say(messenger, "second pass", messenger->host->pass(messenger->channel, messenger->late_token, 0xD3));
        say(messenger, "reply after pass",
            messenger->host->reply(messenger->channel, messenger->late_token, messenger->late, messenger->late_count));
        return;
    }
    if (messenger->late_command == ABORT) {
        say(messenger, "abort", messenger->host->abort(messenger->channel));
        return;
    }
    say(messenger, "late reply",
        messenger->host->reply(messenger->channel, messenger->late_token, messenger->late, messenger->late_count));
}

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                      void **instance) {
    struct messenger *messenger = calloc(1, sizeof *messenger);
    messenger->host = host;
    messenger->channel = channel;
    messenger->net_fn = values->items[0]->integer;
    messenger->tag = values->items[1]->integer;
    *instance = messenger;
    return KCS_OK;
}

static int32_t start(void *instance, const struct kcs_start *info) {
    struct messenger *messenger = instance;
    (void)info;
    int32_t status = messenger->host->timer_open(messenger->channel, messenger, fire, &messenger->timer);
    return status == KCS_OK ? KCS_INPUT_MESSAGES : status;
}

/* Answers too late what it has not answered. */
static void stop(void *instance, uint32_t reason) {
    struct messenger *messenger = instance;
    const uint8_t reply[] = {0x31 << 2, NEVER, 0};
    (void)reason;
    if (messenger->unanswered != 0) {
        say(messenger, "reply in stop",
            messenger->host->reply(messenger->channel, messenger->unanswered, reply, sizeof reply));
    }
}

static void destroy(void *instance) {
    memset(instance, 0xDD, sizeof(struct messenger));
    free(instance);
}

static int32_t message(void *instance, uint64_t token, const uint8_t *bytes, uint64_t count, uint64_t now) {
    struct messenger *messenger = instance;
    const struct kcs_host *host = messenger->host;
    uint8_t reply[64] = {0};
    uint64_t length = 0;
    if (bytes[0] >> 2 != messenger->net_fn) {
        return KCS_DECLINED;
    }
    reply[length++] = bytes[0] | 4;
    reply[length++] = bytes[1];
    reply[length++] = 0;
    reply[length++] = (uint8_t)messenger->tag;
    for (uint64_t index = 2; index < count && length < sizeof reply; index++) {
        reply[length++] = bytes[index];
    }
    switch (bytes[1]) {
    case ECHO: host->reply(messenger->channel, token, reply, length); return KCS_HANDLED;
    case PASS:
    case PASS_LATE:
        /* The one behind serves what the first gives back. */
        if (messenger->tag != 0xAA) {
            host->reply(messenger->channel, token, reply, length);
            return KCS_HANDLED;
        }
        if (bytes[1] == PASS) {
            say(messenger, "pass", host->pass(messenger->channel, token, 0xD3));
            return KCS_PENDING;
        }
        /* Fallthrough. */
    case ABORT:
    case LATE:
        messenger->late_command = bytes[1];
        messenger->late_token = token;
        messenger->late_count = length;
        memcpy(messenger->late, reply, sizeof reply);
        host->timer_set(messenger->channel, messenger->timer, now + 1000000ull * (count > 2 ? bytes[2] : 1));
        return KCS_PENDING;
    case SILENT: return KCS_HANDLED;
    case NEVER: messenger->unanswered = token; return KCS_PENDING;
    case TWICE:
        host->reply(messenger->channel, token, reply, length);
        say(messenger, "second reply", host->reply(messenger->channel, token, reply, length));
        return KCS_HANDLED;
    case ATTENTION:
        host->set_attention(messenger->channel, count > 2 ? bytes[2] : 0);
        host->reply(messenger->channel, token, reply, length);
        return KCS_HANDLED;
    case FAIL_AND_DECLINE: host->fail(messenger->channel, "asked to fail"); return KCS_DECLINED;
    case FORGE:
        say(messenger, "forged reply", host->reply(messenger->channel, token + 1000, reply, length));
        host->reply(messenger->channel, token, reply, length);
        return KCS_HANDLED;
    case SHORT: host->reply(messenger->channel, token, reply, 1); return KCS_HANDLED;
    default: return KCS_DECLINED;
    }
}

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_MESSAGES),
    .needs = KCS_CAP_MESSAGES,
    .option_size = sizeof options[0],
    .name = "messenger",
    .version = "1",
    .summary = "answers messages as they ask to be",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .message = message,
};

const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
