// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Common
import Testing

@Suite struct ABIValueTests {
    @Test func logLevelsAreThoseOfTheHeader() {
        let levels: [(LogLevel, UInt32)] = [
            (.error, UInt32(KCS_LOG_ERROR)), (.warning, UInt32(KCS_LOG_WARNING)), (.notice, UInt32(KCS_LOG_NOTICE)),
            (.info, UInt32(KCS_LOG_INFO)), (.debug, UInt32(KCS_LOG_DEBUG)),
        ]
        for (level, number) in levels { #expect(level.rawValue == number) }
    }
}
