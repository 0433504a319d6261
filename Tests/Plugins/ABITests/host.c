/* SPDX-License-Identifier: Apache-2.0
 *
 * A host in one file, to see stored plugins run where kcsmuxd itself is not built: it loads an echo, gives it the option 0xFF
 * and four bytes, and looks at the answers. Compiled against this header or a later one.
 *
 *     host PLUGIN
 */
#include "kcs_plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct kcs_channel {
    int is_full;
    uint8_t odr;
    uint32_t wish;
    uint64_t echoed;
};

static int32_t write_odr(struct kcs_channel *channel, uint8_t value) {
    if (channel->is_full) {
        return KCS_E_BUSY;
    }
    channel->is_full = 1;
    channel->odr = value;
    return KCS_OK;
}

static int32_t want_output(struct kcs_channel *channel, uint32_t wish) {
    channel->wish = wish;
    return KCS_OK;
}

static void say(struct kcs_channel *channel, uint32_t level, const char *text) {
    (void)channel;
    printf("log %u: %s\n", (unsigned)level, text);
}

static void fail(struct kcs_channel *channel, const char *text) { say(channel, 0, text); }

static void number(void *ctx, const char *name, uint64_t value) {
    struct kcs_channel *channel = ctx;
    if (strcmp(name, "echoed") == 0) {
        channel->echoed = value;
    }
}

static int wrong(const char *what) {
    printf("wrong: %s\n", what);
    return 1;
}

int main(int count, char **arguments) {
    struct kcs_host host;
    struct kcs_channel channel = {0};
    if (count != 2) {
        return 64;
    }
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return wrong(dlerror());
    }
    const struct kcs_plugin *(*entry)(void);
    *(void **)&entry = dlsym(library, "kcs_plugin_entry");
    if (entry == NULL) {
        return wrong(dlerror());
    }
    const struct kcs_plugin *plugin = entry();
    if (plugin->abi != (1u << 16) || plugin->size > sizeof *plugin || plugin->option_size > sizeof(struct kcs_option)) {
        return wrong("it was not built with ABI 1.0");
    }
    /* What this plugin calls, and nothing else. */
    memset(&host, 0, sizeof host);
    host.size = sizeof host;
    host.abi = KCS_ABI;
    host.version = "test";
    host.write_odr = write_odr;
    host.want_output = want_output;
    host.log = say;
    host.fail = fail;

    struct kcs_value mask = {.size = sizeof mask, .type = KCS_OPTION_BYTE, .integer = 0xFF};
    const struct kcs_value *items[] = {&mask};
    struct kcs_value options = {.size = sizeof options, .type = KCS_OPTION_OBJECT, .items = items, .item_count = 1};
    void *instance = NULL;
    if (plugin->create(&host, &channel, &options, &instance) != KCS_OK) {
        return wrong("create");
    }
    struct kcs_start start = {.size = sizeof start, .channel = "test", .state_folder = "/nowhere"};
    if (plugin->start(instance, &start) != KCS_INPUT_AUTO) {
        return wrong("start");
    }
    plugin->data(instance, 0x01, KCS_STR_IBF, 1);
    plugin->data(instance, 0x77, KCS_STR_IBF | KCS_STR_CD, 2);
    if (!channel.is_full || channel.odr != 0xFE) {
        return wrong("the first answer");
    }
    plugin->data(instance, 0x02, KCS_STR_IBF, 3);
    if (channel.wish != KCS_OUTPUT_HOLD || channel.odr != 0xFE) {
        return wrong("the byte before was not waited for");
    }
    channel.is_full = 0;
    plugin->output_ready(instance, 0, 4);
    if (!channel.is_full || channel.odr != 0xFD) {
        return wrong("the second answer");
    }
    struct kcs_stats stats = {.size = sizeof stats, .ctx = &channel, .number = number};
    plugin->stats(instance, &stats);
    if (channel.echoed != 2) {
        return wrong("its figures");
    }
    plugin->destroy(instance);
    printf("right: %s, %zu bytes of descriptor for one of %u\n", plugin->name, sizeof *plugin, (unsigned)plugin->size);
    return 0;
}
