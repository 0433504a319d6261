// SPDX-License-Identifier: Apache-2.0
import JSON

/// What a request is answered with.
enum ControlReply {
    /// An object, now.
    case result(JSONValue)
    /// An error object, now.
    case failure(ControlError)
    /// Later, by `ControlClient.finish`. The client's next request is not looked at before.
    case later
    /// The bytes that this gives, which contain the answer.
    case stream(ControlStream)
}

/// An answer that is made while it is sent, so that it never is in memory as a whole.
class ControlStream {
    enum Progress {
        /// There is more at once.
        case more
        /// There may be more later: `ControlClient.wake` is called then.
        case waiting
        /// That was all; the client's next request follows.
        case done
        /// That was all, and the connection ends.
        case close
    }

    /// May the reader take as long as it likes? Others are dropped when they do not read.
    var isPatient: Bool { false }

    /// Appends about `limit` bytes.
    func produce(_ client: ControlClient, into buffer: inout [UInt8], limit: Int) -> Progress { .done }

    /// The client is gone.
    func cancel() {}
}
