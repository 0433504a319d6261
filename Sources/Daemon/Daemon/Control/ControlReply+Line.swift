// SPDX-License-Identifier: Apache-2.0
import JSON

/// Answers as the socket carries them.
extension ControlReply {
    static func line(_ result: JSONValue) -> [UInt8] {
        JSONValue.object([JSONMember("ok", .bool(true)), JSONMember("result", result)]).line
    }

    static func line(_ error: ControlError) -> [UInt8] {
        let members = [JSONMember("code", .string(error.code)), JSONMember("message", .string(error.text))]
        return JSONValue.object([
            JSONMember("ok", .bool(false)), JSONMember("error", .object(members + error.details)),
        ]).line
    }
}
