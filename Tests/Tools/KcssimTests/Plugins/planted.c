/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins that behave as the shipped ones do, each with a bug that BUG names. Built by FuzzTests, never shipped.
 *   KIND 1: as post-code and debug-trigger, bytes.  KIND 2: as ipmi-lite, messages.  KIND 3: as mctp over messages.
 */
#include <kcs_plugin.h>
#include <unistd.h>

struct state {
    const struct kcs_host *host;
    struct kcs_channel *channel;
    uint32_t timer;
    uint64_t token;
    uint8_t pending[4];
    uint8_t last;
    uint8_t armed;
    uint16_t reservation;
    uint8_t log[4][16];
    int count;
};

static void fire(void *ctx, uint64_t now) {
    struct state *state = ctx;
    (void)now;
    if (BUG == 13) { /* answers twice when it is late */
        state->host->reply(state->channel, state->token, state->pending, 3);
    }
    state->host->reply(state->channel, state->token, state->pending, 3);
}

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                      void **instance) {
    struct state *state = calloc(1, sizeof *state);
    (void)options;
    state->host = host;
    state->channel = channel;
    host->timer_open(channel, state, fire, &state->timer);
    *instance = state;
    return KCS_OK;
}

static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance;
    (void)info;
    return KIND == 1 ? KCS_INPUT_AUTO : KCS_INPUT_MESSAGES;
}

static void destroy(void *instance) { free(instance); }

/* D dumps, R resets, behind an arming sequence; everything else is a code that is kept. */
static void data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
    struct state *state = instance;
    (void)now;
    if (str & KCS_STR_CD) {
        return;
    }
    if (BUG == 1 && state->last == 'D' && value == 'R') {
        abort();
    }
    if (BUG == 2 && value == 0xFF && state->last == 0xFF) {
        for (;;) {
        }
    }
    if (BUG == 3 && value == 'D') {
        state->log[0][0] = *(uint8_t *)malloc(200);
    }
    if (BUG == 4 && value == 0x00 && state->last == 0x61) {
        state->host->timer_set(state->channel, state->timer + 100, now + 1);
    }
    if (BUG == 5 && value == 'R') {
        (void)!dup(0);
    }
    state->last = value;
}

static int32_t answer(struct state *state, uint64_t token, const uint8_t *request, uint8_t code, const uint8_t *more,
                      uint64_t count) {
    uint8_t reply[64] = {(uint8_t)(request[0] | 4), request[1], code};
    memcpy(reply + 3, more, count);
    state->host->reply(state->channel, token, reply, 3 + count);
    return KCS_HANDLED;
}

/* A log with reservations: 40 info, 42 reserve, 43 get, 44 add, 47 clear. */
static int32_t log_message(struct state *state, uint64_t token, const uint8_t *bytes, uint64_t count) {
    uint8_t more[16] = {0};
    switch (bytes[1]) {
    case 0x42:
        state->reservation++;
        more[0] = (uint8_t)state->reservation;
        more[1] = (uint8_t)(state->reservation >> 8);
        return answer(state, token, bytes, 0, more, 2);
    case 0x44:
        if (count != 18) {
            return answer(state, token, bytes, 0xC7, more, 0);
        }
        memcpy(state->log[state->count % 4], bytes + 2, 16);
        state->count++;
        return answer(state, token, bytes, 0, more, 2);
    case 0x43: {
        if (count != 8) {
            return answer(state, token, bytes, 0xC7, more, 0);
        }
        uint8_t offset = bytes[6], length = bytes[7];
        if (length == 0xFF) {
            length = BUG == 11 ? 0xFF : (uint8_t)(16 - (offset & 15));
        }
        if (BUG == 11 && state->count > 0 && offset == 0) {
            /* the whole record: more than there is */
            volatile uint8_t sum = 0;
            for (uint64_t index = 0; index < 5000; index++) {
                sum = (uint8_t)(sum + bytes[index]);
            }
        }
        return answer(state, token, bytes, 0, more, length & 15);
    }
    case 0x47:
        if (count != 8) {
            return answer(state, token, bytes, 0xC7, more, 0);
        }
        if (memcmp(bytes + 4, "CLR", 3) != 0) {
            return answer(state, token, bytes, 0xCC, more, 0);
        }
        if ((uint16_t)(bytes[2] | bytes[3] << 8) != state->reservation || state->reservation == 0) {
            return answer(state, token, bytes, 0xC5, more, 0);
        }
        if (BUG == 12) {
            abort();
        }
        return answer(state, token, bytes, 0, more, 1);
    default: return answer(state, token, bytes, 0xC1, more, 0);
    }
}

static int32_t message(void *instance, uint64_t token, const uint8_t *bytes, uint64_t count, uint64_t now) {
    struct state *state = instance;
    uint8_t more[16] = {0};
    if (KIND == 3) {
        if (bytes[0] != 0xB0 || bytes[1] != 0x01 || count < 8 || bytes[2] + 4u != count) {
            return KCS_DECLINED;
        }
        if (BUG == 21 && bytes[6] == 0x88) { /* a first fragment without an end is kept for ever */
            memcpy(malloc(count + 64), bytes, count);
        }
        return KCS_HANDLED;
    }
    if (bytes[0] == 0x28) {
        return log_message(state, token, bytes, count);
    }
    if (bytes[0] != 0x18) {
        return KCS_DECLINED;
    }
    if (bytes[1] == 0x01) {
        return answer(state, token, bytes, 0, more, 15);
    }
    if (bytes[1] == 0x24 && count == 8) {
        state->token = token;
        state->pending[0] = bytes[0] | 4;
        state->pending[1] = bytes[1];
        state->host->timer_set(state->channel, state->timer, now + 20000000);
        return KCS_PENDING;
    }
    if (BUG == 14 && bytes[1] == 0x22) {
        state->host->reply(state->channel, token, bytes, 2); /* the request, as it came */
        return KCS_HANDLED;
    }
    return answer(state, token, bytes, 0xC1, more, 0);
}

static const struct kcs_request_length lengths[] = {
    {0x06, 0x01, 2, 2, 0}, {0x06, 0x22, 2, 2, 0}, {0x06, 0x24, 8, 8, 0}, {0x0A, 0x40, 2, 2, 0}, {0x0A, 0x42, 2, 2, 0},
    {0x0A, 0x43, 8, 8, 0}, {0x0A, 0x44, 18, 18, 0}, {0x0A, 0x47, 8, 8, 0}, {0x2C, 0x01, 8, 72, KCS_COUNTED(2, 4)},
};

static const struct kcs_plugin plugin = {
    KCS_PLUGIN_HEAD,
    .name = "planted",
    .version = "1",
    .summary = "has a bug",
    .inputs = KIND == 1 ? KCS_TAKES(KCS_INPUT_AUTO) : KCS_TAKES(KCS_INPUT_MESSAGES),
    .requests = lengths,
    .request_count = sizeof lengths / sizeof lengths[0],
    .create = create,
    .start = start,
    .destroy = destroy,
    .data = data,
    .message = message,
};

KCS_EXPORT const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
