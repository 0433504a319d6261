// SPDX-License-Identifier: Apache-2.0
//
// The model: messages, readings, results and time come in as calls; answers go out as results. Nothing here blocks, opens,
// or asks for the time.
import Common
import IPMI

/// What is asked for when a text is to be stored.
public struct TextChange: Equatable, Sendable {
    /// Which text.
    public let text: StoredText
    /// What it becomes.
    public let bytes: [UInt8]
}

/// The texts that survive.
public enum StoredText: CaseIterable, Sendable {
    /// The asset tag.
    case assetTag
    /// The management controller identifier string, without the zero that ends it.
    case controllerID

    /// The most bytes that it has.
    public static let limit = 63
}

/// What became of a message.
public enum DCMIAnswer: Equatable, Sendable {
    /// Not a command of this controller.
    case declined
    /// The response is in the caller's buffer.
    case reply
    /// The response is in the caller's buffer, and holds once the change is on storage; then comes `stored`.
    case store(TextChange)
}

/// When something happens.
public struct Moment: Sendable {
    /// Monotonic nanoseconds.
    public let now: UInt64
    /// Seconds since 1970, UTC.
    public let seconds: UInt32

    /// A time, and the seconds since 1970.
    public init(now: UInt64, seconds: UInt64) {
        self.now = now
        self.seconds = UInt32(clamping: seconds)
    }
}

/// The state behind the commands of the data center manageability interface, DCMI 1.5.
public struct DCMIController {
    /// What it is made of.
    let configuration: DCMIConfiguration
    /// What was measured of the power.
    public internal(set) var power = PowerStatistics()
    /// By their places in the configuration, in thousandths of a degree; nil while there is none.
    var temperatures: [Int64?]
    var assetTag: [UInt8] = []
    var controllerID: [UInt8] = []
    // What came of an identifier string whose end has not come yet.
    var partialID: [UInt8] = []
    private var isStoring = false
    // A hostile host would else write without end. Both texts in their chunks go at once.
    private var writes = RateLimit(burst: 32, interval: 60_000_000_000)
    /// Changes that the limit refused.
    public private(set) var refused: UInt64 = 0

    /// A controller that has measured nothing.
    public init(_ configuration: DCMIConfiguration) {
        self.configuration = configuration
        temperatures = [Int64?](repeating: nil, count: configuration.temperatures.count)
    }

    // MARK: What comes

    /// A text as it was stored, or is by default; what is too long is cut.
    public mutating func load(_ text: StoredText, _ bytes: [UInt8]) {
        let bytes = [UInt8](bytes.prefix(StoredText.limit))
        switch text {
        case .assetTag: assetTag = bytes
        case .controllerID: controllerID = bytes
        }
    }

    /// A change ended.
    public mutating func stored(_ change: TextChange, succeeded: Bool) {
        isStoring = false
        if succeeded { load(change.text, change.bytes) }
    }

    /// A reading of the power in thousandths of a watt; nil if there is none.
    public mutating func takePower(_ value: Int64?, now: UInt64) { power.take(value, now: now) }

    /// A reading of the temperature at this place of the configuration, in thousandths of a degree.
    public mutating func takeTemperature(_ place: Int, _ value: Int64?) { temperatures[place] = value }

    /// The host CPU was reset: what it had begun is forgotten.
    public mutating func hostReset() { partialID = [] }

    // MARK: Messages

    /// A message of the host's.
    public mutating func message(_ request: Request, _ response: inout Response, at moment: Moment) -> DCMIAnswer {
        guard request.netFn == .groupExtension, request.count >= 1, request[0] == DCMICommand.group,
            let command = DCMICommand(rawValue: request.command.rawValue), isThere(command)
        else { return .declined }
        response.begin(request)
        guard request.lun == .baseboard else { return end(.invalidForLUN, &response) }
        guard command.length.contains(request.count) else { return end(.requestLengthInvalid, &response) }
        response.append(DCMICommand.group)
        var change: TextChange?
        let code = run(command, request, &response, moment, &change)
        if command == .getPowerLimit {
            // That there is none is said beside its fields.
            response.finishWithData(code)
            return .reply
        }
        guard let change, code == .ok else { return end(code, &response) }
        guard !isStoring else { return end(.nodeBusy, &response) }
        guard writes.admit(moment.now) != nil else {
            refused += 1
            return end(.nodeBusy, &response)
        }
        isStoring = true
        return .store(change)
    }

    /// Power is a part of the standard that need not be there.
    private func isThere(_ command: DCMICommand) -> Bool {
        configuration.hasPower || command != .getPowerReading && command != .getPowerLimit
    }

    private func end(_ code: CompletionCode, _ response: inout Response) -> DCMIAnswer {
        response.finish(code)
        return .reply
    }

    private mutating func run(
        _ command: DCMICommand, _ request: Request, _ response: inout Response, _ moment: Moment,
        _ change: inout TextChange?
    ) -> CompletionCode {
        switch command {
        case .getCapabilities: return getCapabilities(request, &response)
        case .getPowerReading: return getPowerReading(request, &response, moment)
        case .getPowerLimit: return getPowerLimit(&response)
        case .getAssetTag: return get(assetTag, request, &response)
        case .setAssetTag: return setAssetTag(request, &response, &change)
        case .getControllerID: return get(controllerID, request, &response)
        case .setControllerID: return setControllerID(request, &response, &change)
        case .getSensorInfo: return getSensorInfo(request, &response)
        case .getTemperatures: return getTemperatures(request, &response)
        case .getConfiguration: return getConfiguration(request, &response)
        case .setConfiguration: return parameter(request[1]) == nil ? .parameterNotSupported : .readOnly
        }
    }
}
