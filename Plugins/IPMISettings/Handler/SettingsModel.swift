// SPDX-License-Identifier: Apache-2.0
//
// The model: messages come in as calls, and answers go out as results. Nothing here blocks, opens, or asks for the time.
import Common
import IPMI

/// What is to be done about a message.
enum SettingsAnswer {
    /// The response is in the caller's buffer.
    case reply
    /// The response holds once this state is on storage; then the actions run, for this cause.
    case store(SettingsState, cause: String)
    /// The response holds if the actions for passwords succeed, which get this cause.
    case password(cause: String, isTest: Bool)
}

/// The state behind the commands of the LAN configuration and of users (IPMI 2.0 §22 and §23).
struct SettingsModel {
    let channel: UInt8
    let maximumUsers: UInt8
    let hasPasswords: Bool
    /// What is on storage.
    var state: SettingsState
    // Set In Progress.
    private var progress: UInt8 = 0

    init(_ options: SettingsOptions) {
        channel = options.channel
        maximumUsers = options.maximumUsers
        hasPasswords = options.password != nil
        state = options.initial
    }

    /// The host CPU was reset: what it had begun is forgotten.
    mutating func hostReset() { progress = 0 }

    /// A request of a legal length.
    mutating func message(
        _ command: SettingsCommand, _ request: Request, _ response: inout Response
    ) -> SettingsAnswer {
        var next = state
        var answer = SettingsAnswer.reply
        let code: CompletionCode
        switch command {
        case .getLANParameters: code = getLANParameters(request, &response)
        case .setLANParameters:
            code = setLANParameters(request, &next.lan)
            answer = .store(next, cause: "LAN parameter \(request[1])\nCHANGE=lan\nPARAMETER=\(request[1])")
        case .getUserAccess: code = getUserAccess(request, &response)
        case .getUserName: code = getUserName(request, &response)
        case .setUserAccess:
            code = setUserAccess(request, &next.users)
            answer = change(next, request[1])
        case .setUserName:
            code = setUserName(request, &next.users)
            answer = change(next, request[0])
        case .setUserPassword: code = setUserPassword(request, &next, &answer)
        }
        response.finish(code)
        if code != .ok { return .reply }
        // What changes nothing wears no flash.
        if case .store(let new, _) = answer, new == state { return .reply }
        return answer
    }

    private func change(_ next: SettingsState, _ user: UInt8) -> SettingsAnswer {
        .store(next, cause: "user \(user & 0x3F)\nCHANGE=user\n" + about(next.users[user & 0x3F]))
    }

    /// A user's variables.
    private func about(_ user: UserSettings) -> String {
        "USER=\(user.id)\nUSER_NAME=" + String(decoding: user.name, as: UTF8.self)
    }

    // MARK: LAN

    private func getLANParameters(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard request[0] & 0x0F == channel else { return .invalidField }
        guard let value = request[1] == 0 ? [progress] : state.lan[request[1]] else { return .commandSpecific80 }
        response.append(0x11)
        if request[0] & 0x80 == 0 { response.append(value) }
        return .ok
    }

    private mutating func setLANParameters(_ request: Request, _ lan: inout LANSettings) -> CompletionCode {
        guard request[0] & 0x0F == channel else { return .invalidField }
        let data = request.data(from: 2)
        if request[1] == 0 {
            guard data.count == 1 else { return .requestLengthInvalid }
            // 81: somebody has begun already. Every write is in force at once: nothing is left to commit.
            if data[0] & 3 == 1 && progress == 1 { return .commandSpecific81 }
            if data[0] & 3 == 3 { return .invalidField }
            if data[0] & 3 < 2 { progress = data[0] & 3 }
            return .ok
        }
        guard let old = lan[request[1]] else { return .commandSpecific80 }
        guard !LANSettings.isReadOnly(request[1]) else { return .commandSpecific82 }
        guard old.count == data.count else { return .requestLengthInvalid }
        return lan.set(request[1], data) ? .ok : .invalidField
    }

    // MARK: Users

    /// Is it the LAN channel, this one, or this one's number?
    private func isChannel(_ number: UInt8) -> Bool { number & 0x0F == channel || number & 0x0F >= 0x0E }

    private func isUser(_ number: UInt8) -> Bool { (1...maximumUsers).contains(number & 0x3F) }

    private func getUserAccess(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard isChannel(request[0]) else { return .invalidField }
        guard isUser(request[1]) else { return .parameterOutOfRange }
        let user = state.users[request[1] & 0x3F]
        // No name is fixed.
        response.append([
            maximumUsers, (user.isEnabled ? 0x40 : 0x80) | state.users.enabled & 0x3F, 0,
            user.access & 0x70 | user.privilege & 0x0F,
        ])
        return .ok
    }

    private func setUserAccess(_ request: Request, _ users: inout UserList) -> CompletionCode {
        guard isChannel(request[0]) else { return .invalidField }
        guard isUser(request[1]) else { return .parameterOutOfRange }
        guard UserSettings.isPrivilege(request[2] & 0x0F) else { return .invalidField }
        var user = users[request[1] & 0x3F]
        user.privilege = request[2] & 0x0F
        if request[0] & 0x80 != 0 { user.access = request[0] & 0x70 }
        users.set(user)
        return .ok
    }

    private func getUserName(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard isUser(request[0]) else { return .parameterOutOfRange }
        let name = state.users[request[0] & 0x3F].name
        response.append(name)
        for _ in name.count..<16 { response.append(0x00) }
        return .ok
    }

    private func setUserName(_ request: Request, _ users: inout UserList) -> CompletionCode {
        guard isUser(request[0]) else { return .parameterOutOfRange }
        let field = request.data(from: 1)
        // Zeros, or FF, take the name away.
        let name = field.first == 0xFF ? [] : [UInt8](field.prefix { $0 != 0 })
        let id = request[0] & 0x3F
        // User 1 is the one without a name, and no two have the same.
        guard UserSettings.isText(name), id != 1 || name.isEmpty,
            name.isEmpty || !users.users.contains(where: { $0.id != id && $0.name == name })
        else { return .invalidField }
        var user = users[id]
        user.name = name
        users.set(user)
        return .ok
    }

    private func setUserPassword(
        _ request: Request, _ next: inout SettingsState, _ answer: inout SettingsAnswer
    ) -> CompletionCode {
        guard isUser(request[0]) else { return .parameterOutOfRange }
        var user = next.users[request[0] & 0x3F]
        let operation = request[1] & 3
        guard operation > 1 else {
            user.isEnabled = operation == 1
            next.users.set(user)
            answer = change(next, user.id)
            return .ok
        }
        guard hasPasswords else { return .insufficientPrivilege }
        guard request.count == (request[0] & 0x80 != 0 ? 22 : 18) else { return .requestLengthInvalid }
        let password = [UInt8](request.data(from: 2).prefix { $0 != 0 })
        guard UserSettings.isText(password) else { return .invalidField }
        let isTest = operation == 3
        answer = .password(
            cause: "password of user \(user.id)\nCHANGE=password\nOPERATION=" + (isTest ? "test\n" : "set\n")
                + about(user)
                + "\nPASSWORD=" + String(decoding: password, as: UTF8.self), isTest: isTest)
        return .ok
    }
}
