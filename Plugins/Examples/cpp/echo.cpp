/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest useful handler, in C++: answers each data byte of the host CPU through ODR, exclusive-ored with an option.
 *
 *     c++ -std=c++17 -fno-exceptions -shared -fPIC $(pkg-config --cflags kcsmux-plugin) echo.cpp -o libkcs-echo-cpp.so
 *
 * No exception may cross into kcsmuxd: without them the compiler sees to it.
 */
#include "kcs_plugin.h"

#include <new>

namespace {

constexpr kcs_option options[] = {
    {"xor", "what each byte is exclusive-ored with", "0", KCS_OPTION_BYTE, 0, 0, 0, nullptr, nullptr, 0},
};

/* Everything about one channel is in its instance: one library serves any number of channels. */
class Echo {
public:
    Echo(const kcs_host *host, kcs_channel *channel, const kcs_value *values)
        : host_(host), channel_(channel),
          mask_(static_cast<uint8_t>(kcs_number(values, options, "xor", KCS_OPTION_BYTE))) {}

    void data(uint8_t value, uint8_t str) {
        if ((str & KCS_STR_CD) != 0) {
            commands_++;
        } else {
            answer(static_cast<uint8_t>(value ^ mask_));
        }
    }

    void outputReady() { answer(waiting_); }

    void stats(const kcs_stats *stats) const {
        stats->number(stats->ctx, "echoed", echoed_);
        stats->number(stats->ctx, "commands_ignored", commands_);
    }

private:
    void answer(uint8_t value) {
        const int32_t status = host_->write_odr(channel_, value);
        if (status == KCS_OK) {
            echoed_++;
        } else if (status == KCS_E_BUSY) {
            /* The host CPU has not read the answer before. Until it does, further bytes stay in IDR: one is all to keep. */
            waiting_ = value;
            host_->want_output(channel_, KCS_OUTPUT_HOLD);
        } else {
            kcs_failf(host_, channel_, "ODR could not be written: %d", static_cast<int>(status));
        }
    }

    const kcs_host *host_;
    kcs_channel *channel_;
    uint64_t echoed_ = 0;
    uint64_t commands_ = 0;
    uint8_t mask_;
    uint8_t waiting_ = 0; /* the answer that waits for ODR */
};

Echo *self(void *instance) { return static_cast<Echo *>(instance); }

const kcs_plugin plugin = [] {
    kcs_plugin plugin{};
    kcs_plugin_fill(&plugin);
    plugin.inputs = KCS_TAKES(KCS_INPUT_AUTO);
    plugin.needs = KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT;
    plugin.name = "echo-cpp";
    plugin.version = "0.1.0";
    plugin.summary = "answers each data byte through ODR, exclusive-ored";
    plugin.options = options;
    plugin.option_count = 1;
    plugin.create = [](const kcs_host *host, kcs_channel *channel, const kcs_value *values, void **instance) -> int32_t {
        Echo *echo = new (std::nothrow) Echo(host, channel, values);
        *instance = echo;
        return echo != nullptr ? KCS_OK : KCS_E_LIMIT;
    };
    plugin.start = [](void *, const kcs_start *) -> int32_t { return KCS_INPUT_AUTO; };
    plugin.destroy = [](void *instance) { delete self(instance); };
    plugin.data = [](void *instance, uint8_t value, uint8_t str, uint64_t) { self(instance)->data(value, str); };
    plugin.output_ready = [](void *instance, uint8_t, uint64_t) { self(instance)->outputReady(); };
    plugin.stats = [](void *instance, const kcs_stats *stats) { self(instance)->stats(stats); };
    return plugin;
}();

} // namespace

/* The only symbol that kcsmuxd looks for. */
const kcs_plugin *kcs_plugin_entry() { return &plugin; }
