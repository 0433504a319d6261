// SPDX-License-Identifier: Apache-2.0
//
// Echoes messages through an endpoint on the astlpc binding, both sides in this process, and tells the time of the BMC's
// side beside that of a loop that only copies the same bytes.
//
//     MCTPBenchmark [MESSAGES] [BYTES] [UNIT]
//
// Instructions per message of the BMC's side, as the slope between two numbers of messages:
//
//     valgrind --tool=callgrind --toggle-collect='*bmcTurn*' .build/release/MCTPBenchmark 1000 4096 4096
import CLinux
import Common
import LinuxIO
import MCTP
import MCTPMux

/// A client that sends every message back to where it came from.
final class EchoClient: ClientSockets {
    private let waiting = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 8)
    private var count = 0

    func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery {
        waiting.copyMemory(from: frame)
        count = frame.count
        return .sent
    }

    func take() -> UnsafeRawBufferPointer? {
        defer { count = 0 }
        return count == 0 ? nil : UnsafeRawBufferPointer(rebasing: waiting[..<count])
    }

    func watchWritable(_ client: Int, _ on: Bool) {}
    func close(_ client: Int) {}
    func setReading(_ reading: ClientReading) {}
}

final class NoObserver: EndpointObserver {
    func log(_ level: LogLevel, _ text: String) {}
    func record(_ packet: UnsafeRawBufferPointer, toHost: Bool) {}
}

final class Registers: AstlpcRegisters {
    private var odr: UInt16 = 0x100
    private(set) var status: UInt8 = 0

    func write(odr value: UInt8) -> RegisterOutcome {
        guard odr == 0x100 else { return .full }
        odr = UInt16(value)
        return .done
    }

    func write(odr value: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        guard odr == 0x100 else { return .full }
        return replace(odr: value, mask: mask, str: str)
    }

    func replace(odr value: UInt8, mask: UInt8, str: UInt8) -> RegisterOutcome {
        status = status & ~mask | str & mask
        odr = UInt16(value)
        return .done
    }

    func wantOutput(_ on: Bool) {}

    func read() -> UInt8? {
        guard odr != 0x100 else { return nil }
        defer { odr = 0x100 }
        return UInt8(odr)
    }
}

nonisolated(unsafe) let client = EchoClient()
let registers = Registers()
nonisolated(unsafe) let endpoint = Endpoint(EndpointConfiguration(), sockets: client, observer: NoObserver())
// One thread.
nonisolated(unsafe) var bmcTime: UInt64 = 0

/// Everything that the BMC does for one signal of the host, or to get its next one out.
@inline(never)
func bmcTurn(_ link: AstlpcLink, _ number: Int, _ signal: UInt8?) {
    let start = Clock.monotonic
    if let signal { link.data(signal, now: 1) } else { link.outputReady(now: 1) }
    if let frame = client.take() {
        endpoint.clientSent(number, frame, now: 1)
        link.pump(now: 1)
    }
    bmcTime += Clock.monotonic - start
}

func argument(_ index: Int32, _ fallback: Int) -> Int {
    cl_argument(index).flatMap { Int(String(cString: $0)) } ?? fallback
}

let messages = argument(1, 100_000)
let bytes = argument(2, 4096)
let unit = argument(3, 4096)
let memory = cl_mmap(1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)!
let window = Window(memory, count: 1 << 20)
guard let link = AstlpcLink(endpoint, window, registers, unit: unit), let number = endpoint.clientConnected() else {
    fatalError("the unit must be 64 to 524144")
}
withUnsafeBytes(of: UInt8(1)) { endpoint.clientSent(number, $0, now: 1) }
let host = AstlpcHostLink(window, eid: EID(9))
link.start(now: 1)
_ = registers.read()
link.outputReady(now: 1)
_ = registers.read()
guard host.start(status: registers.status) == nil else { fatalError("no channel") }
let body = [UInt8(1)] + [UInt8](repeating: 0x5A, count: bytes - 1)
var echoed = 0
var sent = 0
while echoed < messages {
    if host.isActive, sent == echoed {
        _ = host.send(request: body, to: EID(8), now: 1)
        sent += 1
    }
    if let signal = host.write {
        host.written()
        bmcTurn(link, number, signal)
    }
    if let value = registers.read() {
        _ = host.bmcWrote(value, status: registers.status, now: 1)
        bmcTurn(link, number, nil)
    }
    while let message = host.takeMessage() {
        guard message.body == body else { fatalError("message \(echoed) came back changed") }
        echoed += 1
    }
}
let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
let start = Clock.monotonic
for _ in 0..<messages {
    cl_copy_from_shared(copy, memory + 0x100, bytes)
    cl_copy_to_shared(memory + 0x80100, copy, bytes)
}
let copying = Clock.monotonic - start
let each = { (time: UInt64) in time / UInt64(messages) }
print("\(messages) messages of \(bytes) B, unit \(link.unit), each:")
print(
    "  the BMC's side \(each(bmcTime)) ns, two clock readings for each signal included; copies alone \(each(copying)) ns"
)
