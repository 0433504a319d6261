// SPDX-License-Identifier: Apache-2.0
import JSON

/// Exit statuses, those of sysexits.h where there is one.
enum ExitStatus: Int32, Error {
    case success = 0
    /// The daemon, or a plugin, said no.
    case failure = 1
    /// The command line makes no sense.
    case usage = 64
    /// A file is not what it should be.
    case data = 65
    /// A file cannot be read.
    case noInput = 66
    /// Nobody listens on the control socket.
    case unavailable = 69
    /// A file cannot be made.
    case cannotCreate = 73
    /// Reading or writing failed, or the connection broke.
    case io = 74
    /// The other end does not speak this protocol.
    case `protocol` = 76
    /// Not allowed.
    case noPermission = 77
    /// The configuration file is wrong.
    case configuration = 78
}

/// A command that came to nothing: what to say, and what to exit with.
struct Failure: Error {
    let status: ExitStatus
    let text: String
    /// The same for programs.
    let object: JSONValue

    /// `object` is what the daemon said, where it was the daemon.
    init(_ status: ExitStatus, _ text: String, object: JSONValue? = nil) {
        self.status = status
        self.text = text
        self.object = object ?? ["message": .string(text)]
    }
}
