// SPDX-License-Identifier: Apache-2.0
import Common

typealias RateLimit = Common.RateLimit

/// " (17 like it were not shown)", or nothing.
func suppressedNote(_ count: UInt64) -> String { count == 0 ? "" : " (\(count) like it were not shown)" }
