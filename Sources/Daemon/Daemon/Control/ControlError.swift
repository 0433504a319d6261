// SPDX-License-Identifier: Apache-2.0
import JSON

/// Why a request was not done. The code is for programs, and documented; the text for people.
struct ControlError: Error {
    let code: String
    let text: String
    var details: [JSONMember] = []

    init(_ code: String, _ text: String, details: [JSONMember] = []) {
        self.code = code
        self.text = text
        self.details = details
    }
}
