// SPDX-License-Identifier: Apache-2.0
import MCTPMux
import PluginKit

/// What reading from the kernel's side led to.
enum UplinkProgress {
    case nothing
    /// Packets came, and the link is to look.
    case read
    /// The interface or terminal is gone.
    case failed(String)
}

/// Reads what the kernel sends, as far as the uplink has room.
protocol UplinkReader: UplinkPort {
    /// Packets that were damaged on the way, or of another protocol.
    var damaged: UInt64 { get }
    /// What is read and written.
    var descriptor: Int32 { get }
    /// How it says what it waits for.
    var watch: HandlerWatch? { get set }
    /// Writes what waited for room, if anything did.
    func write()
    /// Reads while the uplink has room.
    func read(_ uplink: Uplink, now: UInt64) -> UplinkProgress
}
