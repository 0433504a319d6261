/* SPDX-License-Identifier: Apache-2.0
 *
 * kcs_plugin.h: what a protocol handler for kcsmuxd is made of. C11 and C++17; this file stands alone.
 *
 * A plugin is a shared library libkcs-NAME.so that exports one symbol, kcs_plugin_entry, which returns a pointer to a
 * constant descriptor. kcsmuxd loads it once, as its YAML file says, and makes any number of instances of it, one for each
 * place in the file that names it. "Host" in the name of a type here is kcsmuxd, which hosts the plugin; the other side of
 * the KCS device is called the host CPU.
 *
 * The life of an instance, in call order (all calls on one thread, the loop's):
 *
 *     kcs_plugin_entry()                 once for each load; also by `kcsmuxd --check-config` and `kcsctl plugin info`
 *            |
 *        check(options)                  optional, pure: may reject an option; no instance exists, no device is open
 *            |
 *        create(host, channel, options) --error--> no instance; nothing else is called
 *            |
 *   +--> start(instance, info) ----------error--> destroy(instance)
 *   |        |   the device is open; answers which kind of input the instance wants
 *   |        v
 *   |    data / input_ready / message / output_ready / reset / stats, timers, watches, posts, results of services
 *   |        |
 *   |    stop(instance, reason)          the device is about to close; replies are over, registers work until it returns
 *   |        |
 *   |    (work functions under way on the worker thread return; their `done` is not called)
 *   |        |
 *   |    destroy(instance)
 *   +--------+  a restart makes a new instance with create; nothing is called after destroy
 *
 * Rules that hold everywhere:
 *   Threads   Every callback comes from the loop's thread, except the function given to work(). The only host call
 *             that is legal on another thread is post(). A callback is never made from inside a host call, so a
 *             handler never finds itself called while it is in the middle of something.
 *   Time      A callback returns within the channel's call_budget (10 ms unless configured) and never blocks. One that
 *             does not return within hang_timeout ends the process. Times are nanoseconds of CLOCK_MONOTONIC.
 *   Memory    A pointer that the host passes to a callback is valid until that callback returns, unless stated. A
 *             pointer that the plugin passes to a host call is read before the call returns, unless stated. `host`,
 *             `channel` and `options` given to create stay valid until destroy returns. Everything in the descriptor
 *             stays valid and unchanged for the life of the process: libraries are never unloaded. A context pointer
 *             (`ctx`) is only handed back; what it points to has to live until the callback came, or destroy returned.
 *   Globals   A plugin's global variables are shared by all its instances.
 *   Conduct   No exception, panic or longjmp crosses. A plugin installs no signal handler, and does not fork, exit or
 *             change the working folder: run() and work() are there for what it needs.
 *   Errors    A negative result is one of KCS_E_*, also one that this header does not name yet. A callback that
 *             returns one has failed: the host reports channel, plugin and callback, and the channel's restart policy
 *             decides.
 *   Misuse    A host call on the wrong thread, after destroy, with a number that is not the instance's, a second
 *             reply, or an argument out of its range does nothing, answers KCS_E_THREAD, KCS_E_UNAVAILABLE or
 *             KCS_E_INVALID, and leaves one line in the log that names plugin and call. What cannot be noticed is a
 *             pointer that points nowhere. After stop() began, no callback comes but destroy: timers and watches are
 *             closed by the host, and closing them once more is harmless.
 *
 * The promise, from ABI 1.0 on:
 *   A plugin built once loads in every later kcsmuxd whose KCS_ABI_MAJOR is 1, without being built again, and one that was
 *   built with a later minor loads in an older kcsmuxd, unless its `abi_needed` says that it needs more.
 *   Stable    Every name, number, member, its place, its meaning and its nullability in this file. Text in log lines,
 *             captures and `version` is for people and is not.
 *   Growth    Descriptor, host table and structures say their own size, and get new members at their end only; the
 *             minor goes up by one. A plugin looks with KCS_HAS before it uses what 1.0 did not have. The host takes
 *             members that a shorter descriptor lacks as zero, and does not look behind those that it knows. Elements
 *             of arrays do not say their size: options have descriptor->option_size, request lengths stay as they are
 *             for ever.
 *   Numbers   Results, reasons, outcomes, capabilities, option types, levels and kinds may get new values. A plugin
 *             treats an unknown error as an error, an unknown reason as KCS_REASON_RESTART, an unknown outcome as
 *             failed, and leaves unknown bits alone. The host ignores flags and kinds of input that it does not know,
 *             as long as it knows one of those in `inputs`; a plugin that declares an option of an unknown type is
 *             refused as one that needs a newer kcsmuxd.
 *   Retired   Nothing is removed. A call that has had its day stays in the table, answers KCS_E_UNAVAILABLE, and is
 *             marked here; a callback stays in the descriptor and is called no more.
 *   A change that cannot keep this is KCS_ABI_MAJOR 2, under another entry symbol, so that one file can serve both.
 */
#ifndef KCS_PLUGIN_H
#define KCS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#if !defined(KCS_NO_HELPERS) && !defined(__swift__)
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension" /* so that -pedantic stays usable */
#define KCS_NONNULL _Nonnull
#define KCS_NULLABLE _Nullable
#else
#define KCS_NONNULL
#define KCS_NULLABLE
#endif

#define KCS_ABI_MAJOR 1u
#define KCS_ABI_MINOR 1u
#define KCS_ABI (KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR)

/* Does a structure that the host passed reach as far as `member`? All members of ABI 1.0 are always there. */
#define KCS_HAS(pointer, member) \
    ((pointer)->size >= (size_t)((const char *)(&(pointer)->member + 1) - (const char *)(pointer)))
/* The same for the host's table. */
#define KCS_HOST_HAS(host, member) \
    ((host)->size >= offsetof(struct kcs_host, member) + sizeof(((struct kcs_host *)0)->member))

/* ---- Results ------------------------------------------------------------------------------------------------------ */

#define KCS_OK 0
#define KCS_E_INVALID (-1)     /* an argument is out of its range, or the call makes no sense now */
#define KCS_E_BUSY (-2)        /* OBF is set: the host CPU has not read the byte before */
#define KCS_E_EMPTY (-3)       /* there is no byte to read */
#define KCS_E_UNAVAILABLE (-4) /* this device, channel or host does not have it */
#define KCS_E_STALE (-5)       /* the token is no longer owed an answer; it was dropped and counted */
#define KCS_E_LIMIT (-6)       /* a bounded resource is used up; later it may work */
#define KCS_E_IO (-7)          /* the device or the system failed; the channel will be restarted */
#define KCS_E_FAILED (-8)      /* what was asked for was done and did not succeed */
#define KCS_E_THREAD (-9)      /* called on another thread than the loop's, as only post() may be */

/* ---- What a device gives ------------------------------------------------------------------------------------------- */

#define KCS_CAP_DATA_IN 0x01u   /* bytes that the host CPU writes */
#define KCS_CAP_DATA_OUT 0x02u  /* ODR can be written */
#define KCS_CAP_STR 0x04u       /* STR can be read and written */
#define KCS_CAP_MESSAGES 0x08u  /* whole KCS transfers */
#define KCS_CAP_ATTENTION 0x10u /* SMS_ATN can be set and cleared */
#define KCS_CAP_EARLY_IBF 0x20u /* the driver clears IBF before any handler ran */
#define KCS_CAP_OBE_LAGS 0x40u  /* the news that OBF was cleared may be 500 ms late, or never come */
#define KCS_CAP_WINDOW 0x80u    /* memory shared with the host CPU is configured for this channel */

/* STR's bits. IBF, OBF and C/D belong to the hardware; the others are the handler's. */
#define KCS_STR_OBF 0x01u
#define KCS_STR_IBF 0x02u
#define KCS_STR_SMS_ATN 0x04u
#define KCS_STR_CD 0x08u /* set: the host CPU's last write went to the command port */
#define KCS_STR_OEM1 0x10u
#define KCS_STR_OEM2 0x20u
#define KCS_STR_STATE 0xC0u

/* ---- Options: declared by the plugin, checked by the host ----------------------------------------------------------- */

#define KCS_OPTION_ABSENT 0u      /* in values only: an optional member without default that was not given */
#define KCS_OPTION_OBJECT 1u      /* named members: `children` */
#define KCS_OPTION_LIST 2u        /* elements of one kind: children[0]; minimum and maximum bound their number */
#define KCS_OPTION_MAP 3u         /* keys of kind children[0] to values of kind children[1] */
#define KCS_OPTION_ONE_OF 4u      /* the first of `children` that fits */
#define KCS_OPTION_ENUMERATION 5u /* one of `choices` */
#define KCS_OPTION_BOOL 6u        /* true or false */
#define KCS_OPTION_INTEGER 7u     /* decimal or 0x */
#define KCS_OPTION_DURATION 8u    /* 500us 10ms 30s 2m 1h; nanoseconds in bounds and values */
#define KCS_OPTION_SIZE 9u        /* 512 64KiB 1MiB; bytes */
#define KCS_OPTION_STRING 10u     /* minimum and maximum bound its length in bytes */
#define KCS_OPTION_PATH 11u       /* a file's name; a relative one counts from kcsmuxd's folder */
#define KCS_OPTION_BYTE 12u       /* 0 to 255, or one character */
#define KCS_OPTION_BYTES 13u      /* a list of bytes, or a string's bytes; bounds as for a string */
#define KCS_OPTION_ACTIONS 14u    /* a list of actions, for actions_run() */

#define KCS_OPTION_REQUIRED 0x1u /* in `flags`: must be given */
#define KCS_OPTION_BOUNDED 0x2u  /* in `flags`: minimum and maximum count; without it they are not looked at */
#define KCS_OPTION_OWNED 0x4u    /* in `flags`, of a PATH: the instance writes the file; no two may name the same */

/* One option. An array of these has elements of descriptor->option_size bytes, so that the structure can grow. */
struct kcs_option {
    const char *KCS_NULLABLE key;          /* name in the enclosing object; NULL for elements, keys and alternatives */
    const char *KCS_NULLABLE help;         /* one line */
    const char *KCS_NULLABLE default_yaml; /* the default as it would stand in the file; NULL: none */
    uint32_t type;                         /* KCS_OPTION_* */
    uint32_t flags;                        /* KCS_OPTION_REQUIRED, _BOUNDED, _OWNED */      
    int64_t minimum;
    int64_t maximum;
    const char *KCS_NULLABLE const *KCS_NULLABLE choices; /* enumeration: names, then NULL */
    const struct kcs_option *KCS_NULLABLE children;
    uint64_t child_count;
};

#define KCS_VALUE_GIVEN 0x1u /* in `flags`: it stands in the file; clear: it is the default */

/* A checked value. Values are the host's, immutable, and live as long as the instance (for check: until it returns). */
struct kcs_value {
    uint32_t size;
    uint32_t type;       /* as declared, or KCS_OPTION_ABSENT; the alternative's own type for one-of */
    uint32_t flags;      /* KCS_VALUE_GIVEN */
    uint32_t line;       /* where it stands in the file, from 1; 0 for a default */
    uint32_t column;     /* likewise */
    uint32_t choice;     /* one-of: index of the alternative that fits; enumeration: index of the name */
    int64_t integer;     /* bool 0 or 1, integer, duration in ns, size in bytes, byte */
    const char *KCS_NULLABLE text; /* string, path, enumeration's name: NUL-terminated UTF-8; bytes: not terminated;
                                        actions: what they are, in one line ("log, capture all"), for messages */
    uint64_t length;               /* bytes at `text`, a terminating NUL not counted */
    /* Object: one value for each declared member, in that order. List: elements. Map: key, value, key, value, … */
    const struct kcs_value *KCS_NONNULL const *KCS_NULLABLE items;
    uint64_t item_count;
};

/* Lets check() reject a value: `error` adds a line with the value's place to the errors of the file. */
struct kcs_report {
    uint32_t size;
    uint32_t reserved;
    void *KCS_NULLABLE ctx;
    void (*KCS_NONNULL error)(void *KCS_NULLABLE ctx, const struct kcs_value *KCS_NONNULL value,
                              const char *KCS_NONNULL text);
};

/* ---- Start ---------------------------------------------------------------------------------------------------------- */

#define KCS_REASON_BOOT 0u    /* kcsmuxd started */
#define KCS_REASON_RELOAD 1u  /* the channel's configuration changed */
#define KCS_REASON_RESTART 2u /* asked for, or the device came back */
#define KCS_REASON_CRASH 3u   /* the life before ended in a failure */
#define KCS_REASON_STOP 4u    /* in stop() only: it is not coming back by itself */

struct kcs_start {
    uint32_t size;
    uint32_t capabilities;               /* KCS_CAP_* of this channel's device */
    uint32_t reason;                     /* KCS_REASON_* */
    uint32_t stale_bytes;                /* bytes that were there at open and were thrown away: 0 to 2 */
    const char *KCS_NONNULL channel;     /* the channel's name */
    const char *KCS_NONNULL state_folder; /* for files of this channel; make it (and its parents) when first needed */
};

/* What start() answers: the kind of input that the instance wants from here on. */
#define KCS_INPUT_NONE 0     /* none; the device is left alone */
#define KCS_INPUT_AUTO 1     /* the host reads IDR as soon as there is a byte, and calls data() */
#define KCS_INPUT_MANUAL 2   /* input_ready() once; the handler calls read_idr() when it wants the byte. Until then the
                                host does not look for input, and IDR may stay full as back-pressure */
#define KCS_INPUT_MESSAGES 3 /* the host runs the KCS transfer and calls message() with whole requests */
/* Since 1.1, to be added to KCS_INPUT_MESSAGES: host CPUs that speak this protocol look for IDLE before they begin, and have
 * no recovery. Unless `transfer: {rest: …}` says otherwise, the channel shows IDLE between transfers. */
#define KCS_INPUT_IDLE_FIRST 0x100

/* What want_output() is asked for. */
#define KCS_OUTPUT_NO 0u   /* nothing: withdraws what was asked for before */
#define KCS_OUTPUT_ASK 1u  /* output_ready(), once */
#define KCS_OUTPUT_HOLD 2u /* output_ready(), once, and no data() until then: bytes stay in IDR, as back-pressure */

#define KCS_TAKES(input) (1u << (input)) /* for the descriptor's `inputs` */

/* ---- Messages ------------------------------------------------------------------------------------------------------- */

/* What message() answers. */
#define KCS_DECLINED 0 /* not mine: the next handler on the channel is asked; the last one's refusal becomes C1 */
#define KCS_HANDLED 1  /* mine. The reply was given in this call, or there is none: the host CPU is left waiting in READ */
#define KCS_PENDING 2  /* mine: reply() comes later. The host answers completion code C3 when it does not come in time */

/* Request lengths that a handler knows, in bytes with NetFn/LUN and command. They let the host tell the last byte of a
 * request before the host CPU says so, which the strict handshake needs to close its races.
 * This structure never grows. */
struct kcs_request_length {
    uint8_t net_fn; /* 0x00 to 0x3F */
    uint8_t command;
    uint16_t shortest;
    uint16_t longest;
    uint16_t reserved; /* 0; since 1.1 KCS_COUNTED(…) of a request that says itself how long it is */
};

/* Since 1.1. The request is as long as its byte `at` and `added` together: 2 <= at < shortest. One that says another length than
 * `shortest` to `longest` is not meant, and may be any other handler's. */
#define KCS_COUNTED(at, added) ((uint16_t)((added) << 8 | (at)))

/* Since 1.1. A command that message() answers, for people: `kcsctl plugin info` lists them.
 * This structure never grows. */
struct kcs_command {
    uint8_t net_fn; /* 0x00 to 0x3E */
    uint8_t command;
    uint8_t body;       /* group extensions, NetFn 0x2C: the first data byte, which says whose command it is; otherwise 0 */
    uint8_t code_count; /* of `codes` */
    uint8_t codes[12];  /* completion codes that it may answer beside 00, and beside those that any command may */
    const char *KCS_NULLABLE name; /* NULL: as the standard calls it */
};

/* ---- Services -------------------------------------------------------------------------------------------------------- */

#define KCS_LOG_ERROR 0u
#define KCS_LOG_WARNING 1u
#define KCS_LOG_NOTICE 2u
#define KCS_LOG_INFO 3u
#define KCS_LOG_DEBUG 4u

#define KCS_WATCH_READ 0x1u
#define KCS_WATCH_WRITE 0x2u
#define KCS_WATCH_HANGUP 0x4u /* in the callback only: error or hang-up, always told */

/* annotate(): what the bytes or the text are, and which way they went. */
#define KCS_ANNOTATE_EVENT 0u  /* text about what the handler did or saw */
#define KCS_ANNOTATE_PACKET 1u /* a packet of the link type given */
#define KCS_DIRECTION_NONE 0u
#define KCS_DIRECTION_IN 1u  /* from the host CPU */
#define KCS_DIRECTION_OUT 2u /* to the host CPU */

#define KCS_DUMP_CHANNEL 0u
#define KCS_DUMP_ALL 1u

/* Outcomes of run() and of each action. */
#define KCS_OUTCOME_OK 0u
#define KCS_OUTCOME_FAILED 1u
#define KCS_OUTCOME_TIMED_OUT 2u

struct kcs_action_result {
    uint32_t size;
    uint32_t outcome;              /* KCS_OUTCOME_* */
    const char *KCS_NONNULL action; /* "exec /usr/bin/x", "capture all", … */
    const char *KCS_NONNULL detail; /* "exit status 3"; empty when there is nothing to say */
};

/* Memory shared with the host CPU: every word of it may change at any time. The one structure that the plugin makes and
 * the host fills in: the plugin sets `size` to sizeof(struct kcs_window), and the host writes no further. */
struct kcs_window {
    uint32_t size;
    uint32_t reserved;
    void *KCS_NULLABLE base;
    uint64_t length; /* in bytes */
};

/* What the value of a figure does with time. */
#define KCS_FIGURE_COUNTER 1u /* it counts up, from 0 when the instance was created */
#define KCS_FIGURE_GAUGE 2u   /* it goes up and down */

/* Where stats() puts its figures. Names are [a-z0-9_]+, and unique. */
struct kcs_stats {
    uint32_t size;
    uint32_t reserved;
    void *KCS_NULLABLE ctx;
    void (*KCS_NONNULL number)(void *KCS_NULLABLE ctx, const char *KCS_NONNULL name, uint64_t value);
    void (*KCS_NONNULL text)(void *KCS_NULLABLE ctx, const char *KCS_NONNULL name, const char *KCS_NONNULL value);
    /* Since 1.1. As number(), and says what the figure is, so that it is a metric of that type: KCS_FIGURE_*, and the unit of
     * the value, [a-z]+ in the plural such as "bytes" or "watts"; NULL for what is counted. "milliseconds" become seconds. */
    void (*KCS_NONNULL figure)(void *KCS_NULLABLE ctx, const char *KCS_NONNULL name, uint32_t kind,
                               const char *KCS_NULLABLE unit, uint64_t value);
};

/* An instance's place on its channel; the first argument of every host call. */
struct kcs_channel;

/* The host's side. One table for the whole process. */
struct kcs_host {
    uint32_t size;
    uint32_t abi;                       /* KCS_ABI of the host */
    const char *KCS_NONNULL version;    /* of kcsmuxd, for messages */

    /* Registers: for instances whose input is AUTO or MANUAL; KCS_E_UNAVAILABLE for others, and for what the device
     * cannot do. None of them blocks. */

    /* MANUAL only: takes the byte out of IDR, with STR as it was at that moment (IBF set, C/D of the byte, unless two
     * bytes were queued: then C/D is the later one's). KCS_E_EMPTY if there is none. */
    int32_t (*KCS_NONNULL read_idr)(struct kcs_channel *KCS_NONNULL channel, uint8_t *KCS_NONNULL value,
                                    uint8_t *KCS_NONNULL str);
    /* STR as it is, 0 to 255, without consuming IDR; or an error. */
    int32_t (*KCS_NONNULL read_str)(struct kcs_channel *KCS_NONNULL channel);
    /* Writes ODR, which interrupts the host CPU. KCS_E_BUSY while OBF is set: ask for output_ready(). */
    int32_t (*KCS_NONNULL write_odr)(struct kcs_channel *KCS_NONNULL channel, uint8_t value);
    /* Changes the bits of STR that `mask` names; IBF, OBF and C/D may not be among them. */
    int32_t (*KCS_NONNULL write_str)(struct kcs_channel *KCS_NONNULL channel, uint8_t mask, uint8_t value);
    /* Both, STR first, in one step that the host CPU cannot see half of. KCS_E_BUSY, and nothing done, while OBF is
     * set. */
    int32_t (*KCS_NONNULL write_both)(struct kcs_channel *KCS_NONNULL channel, uint8_t odr, uint8_t mask,
                                      uint8_t value);
    /* As write_both, but discards the byte that the host CPU has not read. For resets and aborts; counted. */
    int32_t (*KCS_NONNULL replace)(struct kcs_channel *KCS_NONNULL channel, uint8_t odr, uint8_t mask, uint8_t value);
    /* Asks for one output_ready() when OBF is clear, or withdraws that (KCS_OUTPUT_*). It comes in a later turn, also
     * when OBF is clear already. */
    int32_t (*KCS_NONNULL want_output)(struct kcs_channel *KCS_NONNULL channel, uint32_t wish);

    /* Messages: for instances whose input is MESSAGES. */

    /* Answers a request once: NetFn/LUN with bit 2 set, command, completion code, data, 1000 bytes at most; or, with a
     * count of 0, where `bytes` may be NULL, says that there is no answer: the host CPU is left waiting in READ. Legal
     * inside message() and later. KCS_E_STALE when the host CPU gave up or asked something else in the meantime, which
     * is nobody's mistake; KCS_E_INVALID for an unknown token, a second answer, or one that is too long, which may be
     * followed by a right one. KCS_E_UNAVAILABLE once the channel closes. */
    int32_t (*KCS_NONNULL reply)(struct kcs_channel *KCS_NONNULL channel, uint64_t token,
                                 const uint8_t *KCS_NULLABLE bytes, uint64_t count);
    /* Sets (1) or clears (0) SMS_ATN; it is kept across every change of STATE. Each instance has a wish of its own: the
     * bit is set while any wishes it. */
    int32_t (*KCS_NONNULL set_attention)(struct kcs_channel *KCS_NONNULL channel, uint32_t on);

    /* Time. */

    /* CLOCK_MONOTONIC in nanoseconds. */
    uint64_t (*KCS_NONNULL now)(struct kcs_channel *KCS_NONNULL channel);
    /* Makes a timer, not yet running; the host closes it once stop() has returned, if timer_close did not. `fire` may
     * set it again. KCS_E_LIMIT beyond 256 of them. */
    int32_t (*KCS_NONNULL timer_open)(struct kcs_channel *KCS_NONNULL channel, void *KCS_NULLABLE ctx,
                                      void (*KCS_NONNULL fire)(void *KCS_NULLABLE ctx, uint64_t now),
                                      uint32_t *KCS_NONNULL timer);
    /* Runs it out at `deadline` (of now()); one in the past fires in the next turn. 0 stops it. */
    int32_t (*KCS_NONNULL timer_set)(struct kcs_channel *KCS_NONNULL channel, uint32_t timer, uint64_t deadline);
    int32_t (*KCS_NONNULL timer_close)(struct kcs_channel *KCS_NONNULL channel, uint32_t timer);

    /* Descriptors. */

    /* Watches a descriptor, level-triggered. It stays the plugin's: watch_close comes before close(2). */
    int32_t (*KCS_NONNULL watch_open)(struct kcs_channel *KCS_NONNULL channel, int32_t descriptor, uint32_t events,
                                      void *KCS_NULLABLE ctx,
                                      void (*KCS_NONNULL ready)(void *KCS_NULLABLE ctx, uint32_t events, uint64_t now),
                                      uint32_t *KCS_NONNULL watch);
    /* Changes what is waited for; 0 pauses the watch. */
    int32_t (*KCS_NONNULL watch_set)(struct kcs_channel *KCS_NONNULL channel, uint32_t watch, uint32_t events);
    int32_t (*KCS_NONNULL watch_close)(struct kcs_channel *KCS_NONNULL channel, uint32_t watch);
    /* A descriptor passed to kcsmuxd by its service manager as CHANNEL.NAME: the same one at each call, not the plugin's
     * to close. It waits or not as the service manager made it: set O_NONBLOCK before reading or accepting.
     * KCS_E_UNAVAILABLE if there is none. */
    int32_t (*KCS_NONNULL socket)(struct kcs_channel *KCS_NONNULL channel, const char *KCS_NONNULL name,
                                  int32_t *KCS_NONNULL descriptor);
    /* The memory shared with the host CPU, as configured in the channel's `device`. Mapped until destroy returns. */
    int32_t (*KCS_NONNULL map_window)(struct kcs_channel *KCS_NONNULL channel, struct kcs_window *KCS_NONNULL window);

    /* Work outside the loop. Results come later, in the loop's thread, unless the instance was stopped meanwhile. */

    /* Runs a program without a shell, its output going to kcsmuxd's log, for at most `timeout` ns: then its whole process
     * group is killed. `argv` ends with NULL, argv[0] is an absolute path. `code` is the exit status, or minus the
     * signal's number. */
    int32_t (*KCS_NONNULL run)(struct kcs_channel *KCS_NONNULL channel, const char *KCS_NULLABLE const *KCS_NONNULL argv,
                               uint64_t timeout, void *KCS_NULLABLE ctx,
                               void (*KCS_NULLABLE done)(void *KCS_NULLABLE ctx, uint32_t outcome, int32_t code));
    /* Calls `function` on the worker thread, in the order given, then `done` on the loop's. For files: nothing that
     * touches a disk may run on the loop's thread. KCS_E_LIMIT when too much is queued. `function` may be running while
     * stop() is called, never while or after destroy() is. */
    int32_t (*KCS_NONNULL work)(struct kcs_channel *KCS_NONNULL channel, void *KCS_NULLABLE ctx,
                                void (*KCS_NONNULL function)(void *KCS_NULLABLE ctx),
                                void (*KCS_NULLABLE done)(void *KCS_NULLABLE ctx));
    /* From any thread, until destroy() is called: calls `function` on the loop's thread. */
    int32_t (*KCS_NONNULL post)(struct kcs_channel *KCS_NONNULL channel, void *KCS_NULLABLE ctx,
                                void (*KCS_NONNULL function)(void *KCS_NULLABLE ctx));
    /* Runs an option of type ACTIONS, one action after the other, then calls `done` with a result for each that ran.
     * The first line of `cause` stands in the audit line that kcsmuxd logs, and is $KCSMUX_TRIGGER of programs. Each
     * line behind it that is NAME=value, the name of capitals, digits and _, is their $KCSMUX_NAME, and is not logged.
     * KCS_E_BUSY while the same instance's actions are running. */
    int32_t (*KCS_NONNULL actions_run)(
        struct kcs_channel *KCS_NONNULL channel, const struct kcs_value *KCS_NONNULL actions,
        const char *KCS_NONNULL cause, void *KCS_NULLABLE ctx,
        void (*KCS_NULLABLE done)(void *KCS_NULLABLE ctx,
                                  const struct kcs_action_result *KCS_NONNULL const *KCS_NONNULL results,
                                  uint64_t count));

    /* Records. */

    /* Adds to the channel's debug capture. `link_type` as in the pcap registry, for packets. Of 260 (IPMI: NetFn/LUN,
     * command, data) and 276 (MCTP: the packet, its header first) the bytes are given bare, and the host writes what
     * stands in front of them in the file; of every other type they are the whole frame. */
    int32_t (*KCS_NONNULL annotate)(struct kcs_channel *KCS_NONNULL channel, uint32_t kind, uint32_t direction,
                                    uint32_t link_type, const uint8_t *KCS_NULLABLE bytes, uint64_t count,
                                    const char *KCS_NULLABLE text);
    /* Writes the capture of this channel, or of all, to disk; `outcome` once it is there and synced. */
    int32_t (*KCS_NONNULL dump)(struct kcs_channel *KCS_NONNULL channel, uint32_t scope, void *KCS_NULLABLE ctx,
                                void (*KCS_NULLABLE done)(void *KCS_NULLABLE ctx, uint32_t outcome));
    /* A line in kcsmuxd's log, UTF-8. Control characters are replaced. Repeats, lines that differ in numbers only, are
     * limited and counted: 20 at once, then one a second, unless the channel's `log` says otherwise. */
    void (*KCS_NONNULL log)(struct kcs_channel *KCS_NONNULL channel, uint32_t level, const char *KCS_NONNULL text);
    /* Says that the instance cannot go on: the channel is stopped and restarted as its policy says, after the callback
     * under way has returned. */
    void (*KCS_NONNULL fail)(struct kcs_channel *KCS_NONNULL channel, const char *KCS_NONNULL text);

    /* Since 1.1; both are there if KCS_HOST_HAS(host, abort). For instances whose input is MESSAGES. */

    /* Gives a request back: the next handler on the channel is asked, in a later turn, and if none takes it, the host CPU
     * gets `code`. Legal where reply() is, in its place and once; inside message(), what that answers does not count then.
     * For who serves a request most times, and has just found that it cannot. */
    int32_t (*KCS_NONNULL pass)(struct kcs_channel *KCS_NONNULL channel, uint64_t token, uint8_t code);
    /* Ends the transfer under way, if there is one: STATE becomes ERROR, then what it is between transfers, and a host CPU that
     * waits is woken, so that it begins anew. KCS_E_INVALID inside of message(). */
    int32_t (*KCS_NONNULL abort)(struct kcs_channel *KCS_NONNULL channel);
};

/* How long the host's table was at the end of 1.1: a constant, for languages that cannot read KCS_HOST_HAS. */
enum { KCS_HOST_SIZE_1_1 = offsetof(struct kcs_host, abort) + sizeof(((struct kcs_host *)0)->abort) };

/* ---- The descriptor --------------------------------------------------------------------------------------------------- */

struct kcs_plugin {
    uint32_t size;       /* sizeof(struct kcs_plugin) */
    uint32_t abi;        /* KCS_ABI that the plugin was built with */
    uint32_t abi_needed; /* the lowest KCS_ABI of a host that it works with; 0: any of the same major */
    uint32_t inputs;     /* KCS_TAKES(…) of every kind of input that start() may answer; bits 16 to 31 stay clear */
    uint32_t needs;      /* KCS_CAP_* without which no configuration of it can work */
    uint32_t option_size; /* sizeof(struct kcs_option) */
    const char *KCS_NONNULL name;    /* [a-z][a-z0-9-]*, as in libkcs-NAME.so */
    const char *KCS_NONNULL version; /* its own */
    const char *KCS_NONNULL summary; /* one line */
    const struct kcs_option *KCS_NULLABLE options;
    uint64_t option_count;
    const struct kcs_request_length *KCS_NULLABLE requests;
    uint64_t request_count;

    /* Optional. A pure function: says by `report` what the declaration alone cannot. `options` is an object. */
    void (*KCS_NULLABLE check)(const struct kcs_value *KCS_NONNULL options, const struct kcs_report *KCS_NONNULL report);

    /* Required. Makes an instance, and gives what the other callbacks get as `instance`. The device is not open yet:
     * register accesses and replies are refused until start. */
    int32_t (*KCS_NONNULL create)(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel,
                                  const struct kcs_value *KCS_NONNULL options,
                                  void *KCS_NULLABLE *KCS_NONNULL instance);
    /* Required. The device is open. Answers KCS_INPUT_*, or an error. */
    int32_t (*KCS_NONNULL start)(void *KCS_NULLABLE instance, const struct kcs_start *KCS_NONNULL info);
    /* Optional. The device is about to close, for `reason` (KCS_REASON_*). */
    void (*KCS_NULLABLE stop)(void *KCS_NULLABLE instance, uint32_t reason);
    /* Required. Frees the instance. */
    void (*KCS_NONNULL destroy)(void *KCS_NULLABLE instance);

    /* Required with KCS_TAKES(KCS_INPUT_AUTO). A byte of the host CPU; C/D in `str` tells its port. */
    void (*KCS_NULLABLE data)(void *KCS_NULLABLE instance, uint8_t value, uint8_t str, uint64_t now);
    /* Required with KCS_TAKES(KCS_INPUT_MANUAL). There is a byte to read; not told again until it was. */
    void (*KCS_NULLABLE input_ready)(void *KCS_NULLABLE instance, uint8_t str, uint64_t now);
    /* Optional. OBF is clear, after want_output(). */
    void (*KCS_NULLABLE output_ready)(void *KCS_NULLABLE instance, uint8_t str, uint64_t now);
    /* Required with KCS_TAKES(KCS_INPUT_MESSAGES). A whole request: NetFn/LUN, command, data; at least two bytes.
     * Answers KCS_HANDLED, KCS_DECLINED or KCS_PENDING. */
    int32_t (*KCS_NULLABLE message)(void *KCS_NULLABLE instance, uint64_t token, const uint8_t *KCS_NONNULL bytes,
                                    uint64_t count, uint64_t now);
    /* Optional. The operator reset the channel, or the host CPU is known to have been reset: forget what was under way
     * with it. */
    void (*KCS_NULLABLE reset)(void *KCS_NULLABLE instance, uint64_t now);
    /* Optional. Tells figures for the status display; called seldom. */
    void (*KCS_NULLABLE stats)(void *KCS_NULLABLE instance, const struct kcs_stats *KCS_NONNULL stats);

    /* Since 1.1. Optional: the commands that message() answers. Loading does not look at them. */
    const struct kcs_command *KCS_NULLABLE commands;
    uint64_t command_count;
};

#if defined(__GNUC__)
#define KCS_EXPORT __attribute__((visibility("default")))
#else
#define KCS_EXPORT
#endif

/* The one symbol that a plugin exports: its descriptor, the same at each call. */
KCS_EXPORT const struct kcs_plugin *KCS_NONNULL kcs_plugin_entry(void);

/* ---- Helpers ---------------------------------------------------------------------------------------------------------
 * No part of the ABI: each is compiled into the plugin. KCS_NO_HELPERS leaves them out. */
#if !defined(KCS_NO_HELPERS) && !defined(__swift__)

/* What every descriptor says in the same way: members of its initializer in C, an assignment in C++. */
#define KCS_PLUGIN_HEAD .size = sizeof(struct kcs_plugin), .abi = KCS_ABI, .option_size = sizeof(struct kcs_option)
static inline void kcs_plugin_fill(struct kcs_plugin *KCS_NONNULL plugin) {
    plugin->size = sizeof(struct kcs_plugin);
    plugin->abi = KCS_ABI;
    plugin->option_size = sizeof(struct kcs_option);
}

/* Takes away the beginning of a character of UTF-8 at the end of a text that was cut. */
static inline void kcs_cut(char *KCS_NONNULL text) {
    size_t end = strlen(text), lead = end, wanted;
    while (lead > 0 && end - lead < 4 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80) {
        lead--;
    }
    if (lead == 0 || (unsigned char)text[lead - 1] < 0xC0) {
        return;
    }
    lead--;
    wanted = (unsigned char)text[lead] < 0xE0 ? 2 : (unsigned char)text[lead] < 0xF0 ? 3 : 4;
    if (end - lead < wanted) {
        text[lead] = 0;
    }
}

/* log() and fail() with a format as printf's; what is longer than 511 bytes is cut, and no character of UTF-8 in two. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static inline void
kcs_logf(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel, uint32_t level,
         const char *KCS_NONNULL format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
        kcs_cut(text);
    }
    va_end(arguments);
    host->log(channel, level, text);
}
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static inline void
kcs_failf(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel,
          const char *KCS_NONNULL format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
        kcs_cut(text);
    }
    va_end(arguments);
    host->fail(channel, text);
}

/* A figure with what it is, also in a host of ABI 1.0, which does not ask. */
static inline void kcs_figure(const struct kcs_stats *KCS_NONNULL stats, const char *KCS_NONNULL name, uint32_t kind,
                              const char *KCS_NULLABLE unit, uint64_t value) {
    if (KCS_HAS(stats, figure)) {
        stats->figure(stats->ctx, name, kind, unit, value);
    } else {
        stats->number(stats->ctx, name, value);
    }
}

/* The member of an object that `declared`, the array behind the object, names `key`; all options together are the object
 * of descriptor->options. A name that is not declared is the plugin's mistake, which its first create meets: says so on
 * standard error, and ends the process. So do the others here with a type that was not declared. */
static inline const struct kcs_value *KCS_NONNULL kcs_member(const struct kcs_value *KCS_NONNULL object,
                                                             const struct kcs_option *KCS_NONNULL declared,
                                                             const char *KCS_NONNULL key) {
    uint64_t index;
    for (index = 0; index < object->item_count; index++) {
        if (declared[index].key != NULL && strcmp(declared[index].key, key) == 0) {
            return object->items[index];
        }
    }
    fprintf(stderr, "kcs_plugin.h: no option is declared as \"%s\"\n", key);
    abort();
}

/* The same, for a member of a known type. NULL if it has no default and was not given. */
static inline const struct kcs_value *KCS_NULLABLE kcs_typed_member(const struct kcs_value *KCS_NONNULL object,
                                                                    const struct kcs_option *KCS_NONNULL declared,
                                                                    const char *KCS_NONNULL key, uint32_t type) {
    const struct kcs_value *member = kcs_member(object, declared, key);
    if (member->type == KCS_OPTION_ABSENT) {
        return NULL;
    }
    if (member->type != type) {
        fprintf(stderr, "kcs_plugin.h: the option \"%s\" is of type %u, not %u\n", key, (unsigned)member->type,
                (unsigned)type);
        abort();
    }
    return member;
}

/* A bool, integer, duration, size or byte, of the type given, that has a default or is required. */
static inline int64_t kcs_number(const struct kcs_value *KCS_NONNULL object,
                                 const struct kcs_option *KCS_NONNULL declared, const char *KCS_NONNULL key,
                                 uint32_t type) {
    const struct kcs_value *member = kcs_typed_member(object, declared, key, type);
    if (member == NULL) {
        fprintf(stderr, "kcs_plugin.h: the option \"%s\" may be absent\n", key);
        abort();
    }
    return member->integer;
}

/* A string, a path or an enumeration's name, of the type given. NULL if it has no default and was not given. */
static inline const char *KCS_NULLABLE kcs_text(const struct kcs_value *KCS_NONNULL object,
                                                const struct kcs_option *KCS_NONNULL declared,
                                                const char *KCS_NONNULL key, uint32_t type) {
    const struct kcs_value *member = kcs_typed_member(object, declared, key, type);
    return member == NULL ? NULL : member->text;
}

#endif

#ifdef __cplusplus
}
#endif
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#endif
