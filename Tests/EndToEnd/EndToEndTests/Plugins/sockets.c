/* SPDX-License-Identifier: Apache-2.0
 *
 * Says which of the service manager's descriptors are its own.
 */
#include "kcs_plugin.h"

#include <stdio.h>

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                      void **instance) {
    int32_t first = -1, second = -1;
    char line[80];
    (void)options;
    int32_t mux = host->socket(channel, "mux", &first);
    int32_t other = host->socket(channel, "other", &second);
    snprintf(line, sizeof line, "socket mux is %d, other is %d", (int)(mux < 0 ? mux : first),
             (int)(other < 0 ? other : second));
    host->log(channel, KCS_LOG_NOTICE, line);
    *instance = NULL;
    return KCS_OK;
}
static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance, (void)info;
    return KCS_INPUT_NONE;
}
static void destroy(void *instance) { (void)instance; }

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_NONE),
    .name = "sockets",
    .version = "1",
    .summary = "says what it was passed",
    .create = create,
    .start = start,
    .destroy = destroy,
};

const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
