// SPDX-License-Identifier: Apache-2.0
//
// kcs_plugin_text.h: texts with a format.
import LinuxIO
import TestKit
import Testing

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct TextTests {
    private let folder = TestFolder()

    /// Cuts characters of every length at every place, and calls the functions with a host of its own.
    private static let program = """
        #include "kcs_plugin_text.h"

        #define EXPECT(condition) do { if (!(condition)) { printf("line %d: %s\\n", __LINE__, last); return 1; } } while (0)

        static char last[KCS_TEXT_SIZE + 1];
        static void take(struct kcs_channel *channel, uint32_t level, const char *text) {
            (void)channel, (void)level;
            snprintf(last, sizeof last, "%s", text);
        }
        static void take_fail(struct kcs_channel *channel, const char *text) { take(channel, 0, text); }
        static int32_t take_event(struct kcs_channel *channel, uint32_t kind, uint32_t direction, uint32_t type,
                                  const uint8_t *bytes, uint64_t count, const char *text) {
            (void)type, (void)bytes, (void)count;
            take(channel, 0, text);
            return (int32_t)(kind + direction);
        }
        static void take_error(void *ctx, const struct kcs_value *value, const char *text) {
            (void)ctx, (void)value;
            take(NULL, 0, text);
        }
        static void take_text(void *ctx, const char *name, const char *value) {
            (void)ctx;
            snprintf(last, sizeof last, "%s=%s", name, value);
        }

        static void own(const struct kcs_host *host, int fails, const char *format, ...) {
            va_list arguments;
            va_start(arguments, format);
            if (fails) kcs_vfailf(host, (struct kcs_channel *)last, format, arguments);
            else kcs_vlogf(host, (struct kcs_channel *)last, KCS_LOG_NOTICE, format, arguments);
            va_end(arguments);
        }
        static void format(char *text, size_t size, const char *format, ...) {
            va_list arguments;
            va_start(arguments, format);
            kcs_vformat(text, size, format, arguments);
            va_end(arguments);
        }

        int main(void) {
            static const char *const characters[] = {"x", "\\xC3\\xA9", "\\xE2\\x82\\xAC", "\\xF0\\x9D\\x84\\x9E"};
            struct kcs_host host;
            struct kcs_report report = {sizeof report, 0, NULL, take_error};
            struct kcs_stats stats = {sizeof stats, 0, NULL, NULL, take_text, NULL};
            struct kcs_value value;
            char text[16], longest[KCS_TEXT_SIZE + 8];
            size_t length, before, size;
            memset(&host, 0, sizeof host);
            memset(&value, 0, sizeof value);
            host.log = take, host.fail = take_fail, host.annotate = take_event;
            for (length = 1; length <= 4; length++)
                for (before = 0; before < 6; before++)
                    for (size = 1; size <= 15; size++) {
                        size_t whole = size - 1 <= before ? size - 1 : before + (size - 1 - before) / length * length;
                        const char *one = characters[length - 1];
                        if (whole > before + 3 * length) whole = before + 3 * length;
                        memset(text, '?', sizeof text);
                        format(text, size, "%.*s%s%s%s", (int)before, "abcdefgh", one, one, one);
                        EXPECT(strlen(text) == whole && text[size] == '?');
                    }
            own(&host, 0, "code %02x", 10);
            EXPECT(strcmp(last, "code 0a") == 0);
            own(&host, 1, "%s %d", "not", 3);
            EXPECT(strcmp(last, "not 3") == 0);
            EXPECT(kcs_eventf(&host, (struct kcs_channel *)last, KCS_DIRECTION_OUT, "%c", 'e') == 2 && last[0] == 'e');
            kcs_rejectf(&report, &value, "not %s", "odd");
            EXPECT(strcmp(last, "not odd") == 0);
            kcs_stat_textf(&stats, "state", "%u %%", 50u);
            EXPECT(strcmp(last, "state=50 %") == 0);
            memset(longest, 'y', sizeof longest);
            longest[sizeof longest - 1] = 0;
            own(&host, 0, "%s", longest);
            EXPECT(strlen(last) == KCS_TEXT_SIZE - 1);
            return 0;
        }
        """

    @Test(arguments: [("/usr/bin/cc", "-std=c11"), ("/usr/bin/c++", "-std=c++17")])
    func textsAreCutBetweenCharacters(compiler: String, standard: String) throws {
        let language = standard == "-std=c11" ? "c" : "c++"
        let source = try folder.write("text.\(language == "c" ? "c" : "cpp")", Self.program)
        let arguments =
            [standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsanitize=address,undefined"]
            + ["-I", "\(CCompiler.root)/Sources/CKCSPlugin/include", source, "-o", "\(folder.path)/text"]
        let built = try Program(compiler, arguments)
        #expect(built.wait(within: 60_000) == .exited(0), "\(built.log)")
        let ran = try Program("\(folder.path)/text", [])
        let output = ran.standardOutput()
        #expect(ran.wait() == .exited(0), "\(output)\(ran.log)")
    }

    /// The compiler looks at formats as at printf's.
    @Test func formatsAreChecked() throws {
        let source = try folder.write(
            "wrong.c",
            """
            #include "kcs_plugin_text.h"
            int32_t wrong(const struct kcs_host *host, struct kcs_channel *channel);
            int32_t wrong(const struct kcs_host *host, struct kcs_channel *channel) {
                return kcs_eventf(host, channel, KCS_DIRECTION_NONE, "%s", 1);
            }
            """)
        let built = try Program(
            CCompiler.program,
            ["-Wformat", "-fsyntax-only", "-I", "\(CCompiler.root)/Sources/CKCSPlugin/include", source])
        #expect(built.wait(within: 60_000) == .exited(0))
        #expect(built.log.contains("-Wformat"), "\(built.log)")
    }
}
