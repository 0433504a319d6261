// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// The results that calls across the boundary have.
public enum StatusCode {
    /// The name that kcs_plugin.h gives to a result, or the number where it gives none.
    public static func name(_ status: Int32) -> String {
        switch status {
        case KCS_OK: "KCS_OK"
        case KCS_E_INVALID: "KCS_E_INVALID"
        case KCS_E_BUSY: "KCS_E_BUSY"
        case KCS_E_EMPTY: "KCS_E_EMPTY"
        case KCS_E_UNAVAILABLE: "KCS_E_UNAVAILABLE"
        case KCS_E_STALE: "KCS_E_STALE"
        case KCS_E_LIMIT: "KCS_E_LIMIT"
        case KCS_E_IO: "KCS_E_IO"
        case KCS_E_FAILED: "KCS_E_FAILED"
        case KCS_E_THREAD: "KCS_E_THREAD"
        default: "\(status)"
        }
    }
}
