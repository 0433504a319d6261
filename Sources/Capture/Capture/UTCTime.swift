// SPDX-License-Identifier: Apache-2.0

/// Times of a capture as text, and back: UTC, Gregorian, nanoseconds since 1970.
public enum UTCTime {
    /// "2026-11-22 17:52:46.123456789".
    public static func text(_ time: UInt64) -> String {
        let seconds = time / 1_000_000_000
        let (year, month, day) = date(days: Int64(seconds / 86400))
        let second = seconds % 86400
        return "\(year)-" + digits(UInt64(month), 2) + "-" + digits(UInt64(day), 2) + " "
            + digits(second / 3600, 2) + ":" + digits(second / 60 % 60, 2) + ":" + digits(second % 60, 2) + "."
            + digits(time % 1_000_000_000, 9)
    }

    /// "2026-11-22T17:52:46.123456789Z".
    public static func standard(_ time: UInt64) -> String {
        let text = Array(text(time).utf8)
        return String(decoding: text[..<10], as: UTF8.self) + "T" + String(decoding: text[11...], as: UTF8.self) + "Z"
    }

    /// "2026-11-22T17:52:46.123Z".
    public static func milliseconds(_ time: UInt64) -> String {
        let text = Array(text(time).utf8)
        let date = String(decoding: text[..<10], as: UTF8.self)
        return date + "T" + String(decoding: text[11..<23], as: UTF8.self) + "Z"
    }

    /// "20261122T175246Z", for names of files.
    public static func compact(_ time: UInt64) -> String {
        var digits: [UInt8] = []
        for character in text(time).utf8.prefix(19) {
            switch character {
            case 0x20: digits.append(UInt8(ascii: "T"))
            case UInt8(ascii: "-"), UInt8(ascii: ":"): break
            default: digits.append(character)
            }
        }
        return String(decoding: digits, as: UTF8.self) + "Z"
    }

    /// "0.000012345".
    public static func seconds(_ duration: UInt64) -> String {
        "\(duration / 1_000_000_000)." + digits(duration % 1_000_000_000, 9)
    }

    /// "12.3 ms": three digits that matter.
    public static func short(_ duration: UInt64) -> String {
        let units: [(UInt64, String)] = [(1_000_000_000, " s"), (1_000_000, " ms"), (1000, " us")]
        for (unit, name) in units where duration >= unit {
            let whole = duration / unit
            let rest = duration % unit
            if whole >= 100 { return "\(whole)" + name }
            if whole >= 10 { return "\(whole)." + digits(rest / (unit / 10), 1) + name }
            return "\(whole)." + digits(rest / (unit / 100), 2) + name
        }
        return "\(duration) ns"
    }

    /// The time that a text names: "2026-11-22T17:52:46", a blank for the T, with a fraction and a "Z" if wished, the
    /// time of day left out if wished; or seconds since 1970. Nil when it is none of these.
    public static func parse(_ text: String) -> UInt64? {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: "Z") { bytes.removeLast() }
        var fraction: UInt64 = 0
        if let point = bytes.firstIndex(of: UInt8(ascii: ".")) {
            let part = bytes[(point + 1)...]
            guard part.count >= 1, part.count <= 9, let value = number(part) else { return nil }
            fraction = value
            for _ in part.count..<9 { fraction *= 10 }
            bytes.removeSubrange(point...)
        }
        if let seconds = number(bytes[...]) { return time(seconds, fraction) }
        guard bytes.count == 10 || bytes.count == 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            year >= 1970, month >= 1, month <= 12, day >= 1, day <= length(month, year)
        else { return nil }
        var seconds = days(Int64(year), Int64(month), Int64(day)) * 86400
        if bytes.count == 19 {
            guard bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "), bytes[13] == UInt8(ascii: ":"),
                bytes[16] == UInt8(ascii: ":"), let hour = number(bytes[11..<13]),
                let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
                hour < 24, minute < 60, second < 60
            else { return nil }
            seconds += hour * 3600 + minute * 60 + second
        } else if fraction != 0 {
            return nil
        }
        return time(seconds, fraction)
    }

    private static func time(_ seconds: UInt64, _ fraction: UInt64) -> UInt64? {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return nil }
        let (sum, carry) = product.addingReportingOverflow(fraction)
        return carry ? nil : sum
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return value
    }

    private static func digits(_ value: UInt64, _ count: Int) -> String {
        var digits = Array(String(value).utf8)
        while digits.count < count { digits.insert(0x30, at: 0) }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func length(_ month: UInt64, _ year: UInt64) -> UInt64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 of a date. Years are counted from March, so that the leap day is a year's last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> UInt64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return UInt64(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468)
    }

    private static func date(days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
