// SPDX-License-Identifier: Apache-2.0

/// What of a request is nobody's business but the handler's.
public enum Confidential {
    /// Where the password of a Set User Password (IPMI 2.0 §22.30) begins in a whole message, or in the first bytes of one;
    /// nil for every other request. Behind NetFn, command, user and operation.
    public static func start<Bytes: RandomAccessCollection>(of message: Bytes) -> Int?
    where Bytes.Element == UInt8, Bytes.Index == Int {
        let first = message.startIndex
        guard message.count >= 4, message[first] & 0xFC == NetFn.app.rawValue << 2, message[first + 1] == 0x47 else {
            return nil
        }
        return 4
    }
}
