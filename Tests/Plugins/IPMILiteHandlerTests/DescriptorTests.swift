// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMI
import IPMILiteHandler
import Testing

@Suite struct DescriptorTests {
    @Test func theDescriptorNamesEveryCommandOfTheTableWithItsCodesAndLengths() {
        let plugin = IPMIPlugin.descriptor.pointee
        #expect(plugin.command_count == UInt64(CommandTable.all.count) && plugin.request_count == plugin.command_count)
        for (index, definition) in CommandTable.all.enumerated() {
            let command = plugin.commands![index]
            #expect(command.net_fn == definition.netFn.rawValue && command.command == definition.command.rawValue)
            let codes = withUnsafeBytes(of: command.codes) { [UInt8]($0.prefix(Int(command.code_count))) }
            #expect(codes == definition.codes, "\(definition.name)")
            let name = definition.command.name(in: definition.netFn)
            #expect(command.name == nil && name != nil, "a name of the standard's")
            let length = plugin.requests![index]
            #expect(length.net_fn == command.net_fn && length.command == command.command)
        }
    }
}
