// SPDX-License-Identifier: Apache-2.0
import IPMI

/// Asset tag, identifier string and configuration parameters (DCMI 1.5 §6.4, §6.1.2).
extension DCMIController {
    /// A request and an answer carry so much of a text.
    private static let chunk = 16

    /// A part of a text; asking for nothing tells its length.
    func get(_ text: [UInt8], _ request: Request, _ response: inout Response) -> CompletionCode {
        let offset = Int(request[1])
        guard offset <= text.count, request[2] <= UInt8(DCMIController.chunk) else { return .parameterOutOfRange }
        response.append(UInt8(text.count))
        response.append(text, offset..<min(offset + Int(request[2]), text.count))
        return .ok
    }

    /// What `text` becomes when a request's bytes stand at its offset and nothing behind them; nil for a request that leaves a
    /// gap, or has more bytes than fit.
    private func text(_ text: [UInt8], with request: Request, limit: Int) -> [UInt8]? {
        let (offset, count) = (Int(request[1]), Int(request[2]))
        guard count <= DCMIController.chunk, offset <= text.count, offset + count <= limit else { return nil }
        return [UInt8](text.prefix(offset)) + request.data(from: 3)
    }

    func setAssetTag(_ request: Request, _ response: inout Response, _ change: inout TextChange?) -> CompletionCode {
        guard Int(request[2]) == request.count - 3 else { return .requestLengthInvalid }
        guard let tag = text(assetTag, with: request, limit: StoredText.limit) else { return .parameterOutOfRange }
        response.append(UInt8(tag.count))
        if tag != assetTag { change = TextChange(text: .assetTag, bytes: tag) }
        return .ok
    }

    /// The string is what there is up to a zero: until that comes, the old one holds.
    mutating func setControllerID(
        _ request: Request, _ response: inout Response, _ change: inout TextChange?
    ) -> CompletionCode {
        guard Int(request[2]) == request.count - 3 else { return .requestLengthInvalid }
        let limit = StoredText.limit + 1
        guard let name = text(partialID, with: request, limit: limit) else { return .parameterOutOfRange }
        guard let end = name.firstIndex(of: 0) else {
            guard name.count <= StoredText.limit else { return .parameterOutOfRange }
            partialID = name
            response.append(UInt8(name.count))
            return .ok
        }
        response.append(UInt8(end + 1))
        let whole = [UInt8](name[..<end])
        if whole != controllerID { change = TextChange(text: .controllerID, bytes: whole) }
        return .ok
    }

    func getConfiguration(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let value = parameter(request[1]) else { return .parameterNotSupported }
        response.append([0x01, 0x05, 0x01])
        response.append(value)
        return .ok
    }

    /// A configuration parameter. All are of how the BMC asks for its address by DHCP, which is not done from here: no option of
    /// the standard's is sent, and the times are the standard's defaults.
    func parameter(_ number: UInt8) -> [UInt8]? {
        switch number {
        case 1: [0x00]
        case 2: [0x00]
        case 3: [4]
        case 4: [120, 0]
        case 5: [64, 0]
        default: nil
        }
    }
}
