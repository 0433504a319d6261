// SPDX-License-Identifier: Apache-2.0

/// Why a device could not be opened.
public enum OpenFailure: Error, Equatable, Sendable {
    /// There is no such node.
    case absent
    /// Another process has it: its description, where it could be found. `isKernelsWord` when open(2) itself said so.
    case busy(owner: String?, isKernelsWord: Bool)
    /// The system refused.
    case failed(String)

    /// What happened, in words that continue "device PATH …".
    public var description: String {
        switch self {
        case .absent: return "does not exist"
        case .busy(let owner?, _): return "is held by \(owner)"
        case .busy(nil, _): return "is held by another client; no process of this system has it open"
        case .failed(let reason): return "cannot be opened: \(reason)"
        }
    }
}
