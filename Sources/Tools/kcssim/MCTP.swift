// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Common
import LinuxIO
import MCTP
import Simulator

/// `kcssim mctp DIR init|get-eid|set-eid EID|types|ping|send TYPE BYTE…|bench`
struct MCTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mctp",
        abstract: "Talks MCTP to the BMC, and makes the channel for it unless it is active.",
        discussion: """
            init               makes the channel anew
            get-eid            asks for the BMC's address
            set-eid EID        gives the BMC an address
            types              asks which message types somebody listens to
            ping               asks for the address, and tells the time that it took
            send TYPE BYTE…    sends a message, and prints what comes back of that type
            bench              sends messages that a local program sends back; unless one listens to the type already, \
            this program is that one as well
            """)

    /// How packets travel.
    enum Binding: String, ExpressibleByArgument, CaseIterable { case astlpc, dsp0254 }

    enum Verb: String, CaseIterable {
        case initialise = "init"
        case getEID = "get-eid"
        case setEID = "set-eid"
        case types
        case ping
        case send
        case bench
    }

    @OptionGroup var device: HostOptions

    @Argument(help: ArgumentHelp("What to do, and what it is done with.", valueName: "word"))
    var words: [String]

    @Option(help: "Shared window and signals, or KCS transfers.")
    var binding = Binding.astlpc

    @Option(help: "This host's own address, until the BMC gives it one.", transform: usage(CommandWord.byte))
    var eid: UInt8 = 9

    @Option(help: "Payload bytes of a packet at most. (default: what the BMC offers; dsp0254: 64)")
    var mtu: Int?

    @Option(help: "The only version of astlpc to speak: 1, 2 or 3. (default: all)")
    var only: UInt16?

    @Option(help: "bench, ping: how many messages.")
    var count: Int?

    @Option(help: "bench: bytes of a message, its type among them. (default: 4KiB)", transform: usage(messageSize))
    var size: Int?

    @Option(help: "bench: the message type. (default: 0x7f)", transform: usage(CommandWord.byte))
    var type: UInt8?

    @Option(help: "bench: the endpoint's socket, an abstract name or a path. (default: mctp-mux)")
    var socket: String?

    private var verb: Verb? { Verb(rawValue: words[0]) }

    func validate() throws {
        guard let verb else {
            let names = Verb.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(words[0])' is none of \(names)")
        }
        let bytes = try words.dropFirst().map(usage(CommandWord.byte))
        switch verb {
        case .setEID:
            guard bytes.count == 1 else { throw ValidationError("set-eid takes one address") }
        case .send:
            guard let type = bytes.first, type < 0x80 else {
                throw ValidationError("send takes a message type, 0 to 0x7f, and bytes")
            }
        default:
            guard bytes.isEmpty else { throw ValidationError("\(verb.rawValue) takes no more words") }
        }
        guard EID(eid).isAssignable else { throw ValidationError("--eid \(eid): 8 to 254") }
        if let only, AstlpcVersion(rawValue: only) == nil { throw ValidationError("--only \(only): 1, 2 or 3") }
        if let count, count < 1 { throw ValidationError("--count \(count): at least 1") }
        if let size, size < 1 { throw ValidationError("--size \(size): at least 1") }
        if let type, type < 1 || type > 0x7F { throw ValidationError("--type \(type): 1 to 127") }
        let largest = binding == .astlpc ? AstlpcLayout.largestWindow : DSP0254Channel.largestUnit
        if let mtu, mtu < PacketHeader.baselineUnit || mtu > largest {
            throw ValidationError("--mtu \(mtu): \(PacketHeader.baselineUnit) to \(largest)")
        }
        if verb != .bench {
            if size != nil || type != nil || socket != nil {
                throw ValidationError("--size, --type and --socket are for bench")
            }
            if count != nil, verb != .ping { throw ValidationError("--count is for bench and ping") }
        }
    }

    func run() throws {
        let access = try device.open(isRepeated: verb == .bench || count != nil)
        let carrier = try carrier(access)
        // What is asked for on the command line is agreed on anew.
        try carrier.start(anew: verb == .initialise || mtu != nil || only != nil)
        let client = MCTPClient(carrier, timeout: access.timeout, end: access.end)
        try act(client)
        try carrier.finish()
    }

    private func carrier(_ access: HostAccess) throws -> MCTPCarrier {
        switch binding {
        case .astlpc:
            let versions = only.map { AstlpcVersionRange($0, $0) } ?? .all
            return try AstlpcChannel(access, eid: EID(eid), versions: versions, unit: mtu)
        case .dsp0254:
            return DSP0254Channel(access, eid: EID(eid), unit: mtu ?? PacketHeader.baselineUnit)
        }
    }

    private func act(_ client: MCTPClient) throws {
        switch verb! {
        case .initialise:
            let bmc = try client.endpointID()
            say("\(client.carrier.summary), the BMC has EID \(bmc.rawValue)")
        case .getEID: say("EID \(try client.endpointID().rawValue)")
        case .setEID:
            let wanted = EID(try CommandWord.byte(words[1]))
            say("EID \(try client.assign(wanted).rawValue)")
        case .types:
            for type in try client.types() { say("\(Hex.number(type.rawValue))  \(MCTPText.name(type))") }
        case .ping:
            for _ in 0..<(count ?? 1) {
                let start = Clock.monotonic
                let bmc = try client.endpointID()
                say("answer of EID \(bmc.rawValue) after \((Clock.monotonic - start) / 1000) us")
            }
        case .send:
            let body = try words.dropFirst().map(CommandWord.byte)
            let answer = try client.exchange(body, with: try client.endpointID())
            say(Hex.numbers(answer.body))
        case .bench: try bench(client)
        }
    }

    private func bench(_ client: MCTPClient) throws {
        let type = MessageType(self.type ?? MessageType.vendorIANA.rawValue)
        let size = self.size ?? 4096
        let bmc = try client.endpointID()
        var echo: EchoProgram?
        if try !client.types().contains(type) {
            let name = socket ?? "mctp-mux"
            echo = try EchoProgram(name: name, abstract: !name.contains("/"), type: type)
            _ = try client.types(including: type)
        }
        var bench = MCTPBench(client, with: bmc, type: type)
        try bench.run(count: count ?? 1000, size: size)
        withExtendedLifetime(echo) { say(bench.report(size: size)) }
    }
}

/// A message's size in bytes, that of the largest window at most.
@Sendable private func messageSize(_ text: String) throws(CommandWord.Malformed) -> Int {
    try CommandWord.size(text, limit: 256 << 10)
}
