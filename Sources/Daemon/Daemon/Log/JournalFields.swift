// SPDX-License-Identifier: Apache-2.0

/// What an operator alerts on: the journal's MESSAGE_ID, which stays the same whatever the words become. Journal.md lists them.
struct LogEvent {
    let id: String

    static let channelRuns = LogEvent(id: "a6ad17dc41af49d393dda8ff814cbe7b")
    static let channelFailed = LogEvent(id: "c3b1cf54a0cd4c24b873a19bfe05b2e4")
    static let channelRefused = LogEvent(id: "abc12e989e1f4853af430f45c59112e7")
    static let deviceMissing = LogEvent(id: "9d214d3cdac44153badcf77e8df8336f")
    static let handlerSlow = LogEvent(id: "4fb85017d8d046f5891d495e5e308207")
    static let handlerHangs = LogEvent(id: "2bfc696122a2498a99c07dc1d4f9b36d")
    static let requestLate = LogEvent(id: "186a30b1357f4435b7ebff0fe6f72e82")
    static let actionsRan = LogEvent(id: "f4847419c64b4ddfb2c7ed9b6609dfbf")
    static let captureStopped = LogEvent(id: "df4ef47f7e2d48c3aead1bd76524d19e")
}

/// What the journal knows of a line beside its words.
struct JournalFields {
    /// MESSAGE_ID
    var event: LogEvent?
    /// PLUGIN
    var plugin: String?
    /// COMMAND, of the host CPU: "NETFN/CMD" in hexadecimal
    var command: String?
    /// TRIGGER: why actions ran
    var trigger: String?
}
