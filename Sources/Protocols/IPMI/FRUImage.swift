// SPDX-License-Identifier: Apache-2.0

/// The bytes of one FRU inventory device (Platform Management FRU Information Storage Definition 1.0).
///
/// Reads and writes are raw, as a host sees an EEPROM: a host may pass through states that are not consistent while it
/// edits an area in pieces. `problem` tells whether the present state is.
public struct FRUImage: Equatable, Sendable {
    /// Most bytes that a 16-bit offset reaches.
    public static let largest = 0xFFFF

    /// The image.
    public private(set) var bytes: [UInt8]

    /// Takes an image; nil if it is empty or larger than a device can be.
    public init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= FRUImage.largest else { return nil }
        self.bytes = bytes
    }

    /// The image with `data` written at `offset`; nil if that reaches past the end.
    public func writing(_ data: [UInt8], at offset: Int) -> FRUImage? {
        guard offset >= 0, data.count <= bytes.count - offset else { return nil }
        var copy = self
        for (index, byte) in data.enumerated() { copy.bytes[offset + index] = byte }
        return copy
    }

    /// Does it begin as an image does, damaged or not, or as blank memory?
    public var isInventory: Bool { bytes[0] == 0x01 || bytes[0] == 0x00 || bytes[0] == 0xFF }

    /// What is wrong with the common header or an area, nil if all checksums and lengths hold.
    public var problem: String? {
        guard bytes.count >= 8 else { return "shorter than the common header" }
        guard bytes[0] & 0x0F == 1 else { return ("format version \(bytes[0]) is not 1" as Sentence).text }
        guard FRUImage.sum(bytes, 0..<8) == 0 else { return "checksum of the common header" }
        for area in 1...3 where bytes[area + 1] != 0 {
            guard let fault = fault(Int(bytes[area + 1]) * 8) else { continue }
            let name = area == 1 ? "chassis" : area == 2 ? "board" : "product"
            return ("\(name) area: \(fault)" as Sentence).text
        }
        return nil
    }

    private func fault(_ start: Int) -> String? {
        guard start + 2 <= bytes.count else { return "begins past the end" }
        let size = Int(bytes[start + 1]) * 8
        guard size > 0, start + size <= bytes.count else { return "reaches past the end" }
        return FRUImage.sum(bytes, start..<(start + size)) == 0 ? nil : "wrong checksum"
    }

    /// Sum of the bytes modulo 256; 0 over an area that carries its checksum.
    public static func sum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt8 {
        var total: UInt8 = 0
        for index in range { total &+= bytes[index] }
        return total
    }
}

/// Text of the areas of a FRU image; a nil leaves the area out.
public struct FRUContents: Sendable {
    /// Chassis area: type code, part number, serial number.
    public var chassis: (type: UInt8, part: String, serial: String)?
    /// Board area: manufacturer, product, serial number, part number.
    public var board: (manufacturer: String, product: String, serial: String, part: String)?
    /// Product area: manufacturer, name, part number, version, serial number.
    public var product: (manufacturer: String, name: String, part: String, version: String, serial: String)?

    /// Nothing.
    public init() {}

    /// The image, padded with zeros to `size` bytes; nil if it does not fit.
    public func image(size: Int) -> FRUImage? {
        var bytes: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        func add(_ slot: Int, _ head: [UInt8], _ fields: [String]) {
            bytes[slot] = UInt8(bytes.count / 8)
            var area = head
            for field in fields {
                let text = SDRRecord.latin1(field, limit: 63)
                // Length 1 would read as the end mark C1.
                let padded = text.count == 1 ? text + [0x20] : text
                area.append(0xC0 | UInt8(padded.count))
                area += padded
            }
            area.append(0xC1)
            while area.count % 8 != 7 { area.append(0) }
            area[1] = UInt8((area.count + 1) / 8)
            area.append(0 &- FRUImage.sum(area, 0..<area.count))
            bytes += area
        }
        if let chassis { add(2, [1, 0, chassis.type], [chassis.part, chassis.serial]) }
        if let board {
            // English, manufacturing date unspecified, no FRU file ID.
            add(3, [1, 0, 0, 0, 0, 0], [board.manufacturer, board.product, board.serial, board.part, ""])
        }
        if let product {
            // No asset tag, no FRU file ID.
            let texts = [product.manufacturer, product.name, product.part, product.version, product.serial]
            add(4, [1, 0, 0], texts + ["", ""])
        }
        guard bytes.count <= size else { return nil }
        bytes[7] = 0 &- FRUImage.sum(bytes, 0..<7)
        while bytes.count < size { bytes.append(0) }
        return FRUImage(bytes)
    }
}
