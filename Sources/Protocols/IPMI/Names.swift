// SPDX-License-Identifier: Apache-2.0

// The one table of names of IPMI's numbers. Longer than other files because it is a table.

extension NetFn {
    /// What the standard calls a request's network function (IPMI 2.0 table 5-1).
    public var name: String {
        switch rawValue {
        case 0x00: "Chassis"
        case 0x02: "Bridge"
        case 0x04: "Sensor/Event"
        case 0x06: "Application"
        case 0x08: "Firmware"
        case 0x0A: "Storage"
        case 0x0C: "Transport"
        default: "unknown"
        }
    }
}

extension Command {
    /// What the standard calls this command of a request's network function (IPMI 2.0 appendix G); nil if it does not know it.
    public func name(in netFn: NetFn) -> String? {
        switch netFn.rawValue {
        case 0x00: Command.chassis(rawValue)
        case 0x02: Command.bridge(rawValue)
        case 0x04: Command.sensorEvent(rawValue)
        case 0x06: Command.application(rawValue)
        case 0x0A: Command.storage(rawValue)
        case 0x0C: Command.transport(rawValue)
        default: nil
        }
    }

    /// Its name, or whose command it is. `body` is a request's first data byte: group extensions name their body there.
    public func description(in netFn: NetFn, body: UInt8?) -> String {
        switch netFn.rawValue {
        case 0x2C: (body == Command.bodyOfDCMI ? nameInDCMI : nil) ?? Command.group(body) + " command"
        case 0x2E: "OEM group command"
        case 0x30...0x3E: "OEM command"
        default: name(in: netFn) ?? netFn.name + " command"
        }
    }

    private static func group(_ body: UInt8?) -> String {
        switch body {
        case 0x00: "PICMG"
        case 0x01: "DMTF group extension"
        case 0x02: "SSI Forum"
        case 0x03: "VITA"
        case 0x52: "Redfish host interface"
        case 0xDC: "DCMI"
        default: "group extension"
        }
    }

    private static func chassis(_ command: UInt8) -> String? {
        switch command {
        case 0x00: "Get Chassis Capabilities"
        case 0x01: "Get Chassis Status"
        case 0x02: "Chassis Control"
        case 0x03: "Chassis Reset"
        case 0x04: "Chassis Identify"
        case 0x05: "Set Chassis Capabilities"
        case 0x06: "Set Power Restore Policy"
        case 0x07: "Get System Restart Cause"
        case 0x08: "Set System Boot Options"
        case 0x09: "Get System Boot Options"
        case 0x0A: "Set Front Panel Button Enables"
        case 0x0B: "Set Power Cycle Interval"
        case 0x0F: "Get POH Counter"
        default: nil
        }
    }

    private static func bridge(_ command: UInt8) -> String? {
        switch command {
        case 0x00: "Get Bridge State"
        case 0x01: "Set Bridge State"
        case 0x02: "Get ICMB Address"
        case 0x03: "Set ICMB Address"
        case 0x04: "Set Bridge Proxy Address"
        case 0x05: "Get Bridge Statistics"
        case 0x06: "Get ICMB Capabilities"
        case 0x08: "Clear Bridge Statistics"
        case 0x09: "Get Bridge Proxy Address"
        case 0x0A: "Get ICMB Connector Info"
        case 0x0B: "Get ICMB Connection ID"
        case 0x0C: "Send ICMB Connection ID"
        case 0x10: "Prepare For Discovery"
        case 0x11: "Get Addresses"
        case 0x12: "Set Discovered"
        case 0x13: "Get Chassis Device ID"
        case 0x14: "Set Chassis Device ID"
        case 0x20: "Bridge Request"
        case 0x21: "Bridge Message"
        case 0x30: "Get Event Count"
        case 0x31: "Set Event Destination"
        case 0x32: "Set Event Reception State"
        case 0x33: "Send ICMB Event Message"
        case 0x34: "Get Event Destination"
        case 0x35: "Get Event Reception State"
        case 0xFF: "Error Report"
        default: nil
        }
    }

    private static func sensorEvent(_ command: UInt8) -> String? {
        switch command {
        case 0x00: "Set Event Receiver"
        case 0x01: "Get Event Receiver"
        case 0x02: "Platform Event"
        case 0x10: "Get PEF Capabilities"
        case 0x11: "Arm PEF Postpone Timer"
        case 0x12: "Set PEF Configuration Parameters"
        case 0x13: "Get PEF Configuration Parameters"
        case 0x14: "Set Last Processed Event ID"
        case 0x15: "Get Last Processed Event ID"
        case 0x16: "Alert Immediate"
        case 0x17: "PET Acknowledge"
        case 0x20: "Get Device SDR Info"
        case 0x21: "Get Device SDR"
        case 0x22: "Reserve Device SDR Repository"
        case 0x23: "Get Sensor Reading Factors"
        case 0x24: "Set Sensor Hysteresis"
        case 0x25: "Get Sensor Hysteresis"
        case 0x26: "Set Sensor Thresholds"
        case 0x27: "Get Sensor Thresholds"
        case 0x28: "Set Sensor Event Enable"
        case 0x29: "Get Sensor Event Enable"
        case 0x2A: "Re-arm Sensor Events"
        case 0x2B: "Get Sensor Event Status"
        case 0x2D: "Get Sensor Reading"
        case 0x2E: "Set Sensor Type"
        case 0x2F: "Get Sensor Type"
        case 0x30: "Set Sensor Reading and Event Status"
        default: nil
        }
    }

    private static func application(_ command: UInt8) -> String? {
        switch command {
        case 0x01: "Get Device ID"
        case 0x02: "Cold Reset"
        case 0x03: "Warm Reset"
        case 0x04: "Get Self Test Results"
        case 0x05: "Manufacturing Test On"
        case 0x06: "Set ACPI Power State"
        case 0x07: "Get ACPI Power State"
        case 0x08: "Get Device GUID"
        case 0x09: "Get NetFn Support"
        case 0x0A: "Get Command Support"
        case 0x0B: "Get Command Sub-function Support"
        case 0x0C: "Get Configurable Commands"
        case 0x0D: "Get Configurable Command Sub-functions"
        case 0x22: "Reset Watchdog Timer"
        case 0x24: "Set Watchdog Timer"
        case 0x25: "Get Watchdog Timer"
        case 0x2E: "Set BMC Global Enables"
        case 0x2F: "Get BMC Global Enables"
        case 0x30: "Clear Message Flags"
        case 0x31: "Get Message Flags"
        case 0x32: "Enable Message Channel Receive"
        case 0x33: "Get Message"
        case 0x34: "Send Message"
        case 0x35: "Read Event Message Buffer"
        case 0x36: "Get BT Interface Capabilities"
        case 0x37: "Get System GUID"
        case 0x38: "Get Channel Authentication Capabilities"
        case 0x39: "Get Session Challenge"
        case 0x3A: "Activate Session"
        case 0x3B: "Set Session Privilege Level"
        case 0x3C: "Close Session"
        case 0x3D: "Get Session Info"
        case 0x3F: "Get AuthCode"
        case 0x40: "Set Channel Access"
        case 0x41: "Get Channel Access"
        case 0x42: "Get Channel Info"
        case 0x43: "Set User Access"
        case 0x44: "Get User Access"
        case 0x45: "Set User Name"
        case 0x46: "Get User Name"
        case 0x47: "Set User Password"
        case 0x48: "Activate Payload"
        case 0x49: "Deactivate Payload"
        case 0x4A: "Get Payload Activation Status"
        case 0x4B: "Get Payload Instance Info"
        case 0x4C: "Set User Payload Access"
        case 0x4D: "Get User Payload Access"
        case 0x4E: "Get Channel Payload Support"
        case 0x4F: "Get Channel Payload Version"
        case 0x50: "Get Channel OEM Payload Info"
        case 0x52: "Master Write-Read"
        case 0x54: "Get Channel Cipher Suites"
        case 0x55: "Suspend/Resume Payload Encryption"
        case 0x56: "Set Channel Security Keys"
        case 0x57: "Get System Interface Capabilities"
        case 0x58: "Set System Info Parameters"
        case 0x59: "Get System Info Parameters"
        case 0x60: "Set Command Enables"
        case 0x61: "Get Command Enables"
        case 0x62: "Set Command Sub-function Enables"
        case 0x63: "Get Command Sub-function Enables"
        case 0x64: "Get OEM NetFn IANA Support"
        default: nil
        }
    }

    private static func storage(_ command: UInt8) -> String? {
        switch command {
        case 0x10: "Get FRU Inventory Area Info"
        case 0x11: "Read FRU Data"
        case 0x12: "Write FRU Data"
        case 0x20: "Get SDR Repository Info"
        case 0x21: "Get SDR Repository Allocation Info"
        case 0x22: "Reserve SDR Repository"
        case 0x23: "Get SDR"
        case 0x24: "Add SDR"
        case 0x25: "Partial Add SDR"
        case 0x26: "Delete SDR"
        case 0x27: "Clear SDR Repository"
        case 0x28: "Get SDR Repository Time"
        case 0x29: "Set SDR Repository Time"
        case 0x2A: "Enter SDR Repository Update Mode"
        case 0x2B: "Exit SDR Repository Update Mode"
        case 0x2C: "Run Initialization Agent"
        case 0x40: "Get SEL Info"
        case 0x41: "Get SEL Allocation Info"
        case 0x42: "Reserve SEL"
        case 0x43: "Get SEL Entry"
        case 0x44: "Add SEL Entry"
        case 0x45: "Partial Add SEL Entry"
        case 0x46: "Delete SEL Entry"
        case 0x47: "Clear SEL"
        case 0x48: "Get SEL Time"
        case 0x49: "Set SEL Time"
        case 0x5A: "Get Auxiliary Log Status"
        case 0x5B: "Set Auxiliary Log Status"
        case 0x5C: "Get SEL Time UTC Offset"
        case 0x5D: "Set SEL Time UTC Offset"
        default: nil
        }
    }

    private static func transport(_ command: UInt8) -> String? {
        switch command {
        case 0x01: "Set LAN Configuration Parameters"
        case 0x02: "Get LAN Configuration Parameters"
        case 0x03: "Suspend BMC ARPs"
        case 0x04: "Get IP/UDP/RMCP Statistics"
        case 0x10: "Set Serial/Modem Configuration"
        case 0x11: "Get Serial/Modem Configuration"
        case 0x12: "Set Serial/Modem Mux"
        case 0x13: "Get TAP Response Codes"
        case 0x14: "Set PPP UDP Proxy Transmit Data"
        case 0x15: "Get PPP UDP Proxy Transmit Data"
        case 0x16: "Send PPP UDP Proxy Packet"
        case 0x17: "Get PPP UDP Proxy Receive Data"
        case 0x18: "Serial/Modem Connection Active"
        case 0x19: "Callback"
        case 0x1A: "Set User Callback Options"
        case 0x1B: "Get User Callback Options"
        case 0x1C: "Set Serial Routing Mux"
        case 0x20: "SOL Activating"
        case 0x21: "Set SOL Configuration Parameters"
        case 0x22: "Get SOL Configuration Parameters"
        case 0x30: "Forwarded Command"
        case 0x31: "Set Forwarded Commands"
        case 0x32: "Get Forwarded Commands"
        case 0x33: "Enable Forwarded Commands"
        default: nil
        }
    }

}

/// Sensor types and units by name: as ipmitool writes them, in capitals or not, with blanks, -, _ or / between words.
public enum SensorNames {
    /// A sensor type's code (IPMI 2.0 table 42-3).
    public static func type(_ name: String) -> UInt8? {
        Names.place(
            of: name,
            in: """
                reserved,temperature,voltage,current,fan,physical-security,platform-security,processor,power-supply,\
                power-unit,cooling-device,other,memory,drive-slot-bay|drive-slot|drive-bay,post-memory-resize,\
                system-firmwares|system-firmware|post,event-logging-disabled,watchdog1,system-event,critical-interrupt,\
                button,module-board|module,microcontroller,add-in-card,chassis,chip-set,other-fru,\
                cable-interconnect|cable,terminator,system-boot-initiated|system-boot,boot-error,os-boot,\
                os-critical-stop|os-stop,slot-connector|slot,system-acpi-power-state|acpi-power-state,watchdog2|watchdog,\
                platform-alert,entity-presence,monitor-asic,lan,management-subsys-health|management-health,battery,\
                session-audit,version-change,fru-state
                """)
    }

    /// A unit's code (IPMI 2.0 §43.17).
    public static func unit(_ name: String) -> UInt8? {
        Names.place(
            of: name,
            in: """
                unspecified|none,degrees-c|celsius|c,degrees-f|fahrenheit|f,degrees-k|kelvin|k,volts|v,amps|a,watts|w,\
                joules|j,coulombs,va,nits,lumen,lux,candela,kpa,psi,newton,cfm,rpm,hz|hertz,microsecond,millisecond,second,\
                minute,hour,day,week
                """)
    }

    /// Does it say that the value is a percentage?
    public static func isPercent(_ name: String) -> Bool { Names.place(of: name, in: "percent|%") != nil }
}

/// Lists of names.
public enum Names {
    /// Which group of `list`, groups between commas and names between bars, has `name`, in capitals or not, with blanks, -, _
    /// or / between words.
    @inline(never)
    public static func place(of name: String, in list: String) -> UInt8? {
        var wanted: [UInt8] = []
        for byte in [UInt8](name.utf8) {
            let isBreak = byte == 0x20 || byte == 0x5F || byte == 0x2F || byte == 0x2D
            let small = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if !isBreak || wanted.last != 0x2D { wanted.append(isBreak ? 0x2D : small) }
        }
        let names = [UInt8](list.utf8)
        var place: UInt8 = 0
        var start = 0
        for index in 0...names.count where index == names.count || names[index] == 0x2C || names[index] == 0x7C {
            if names[start..<index] == wanted[...] { return place }
            start = index + 1
            if index < names.count, names[index] == 0x2C { place += 1 }
        }
        return nil
    }
}

extension CompletionCode {
    /// What the code says after this command (IPMI 2.0 table 5-2, and what the commands that a system interface sees define).
    public func name(after command: Command, in netFn: NetFn) -> String {
        CompletionCode.specific(rawValue, netFn.rawValue, command.rawValue) ?? name
    }

    /// What the code says after any command (IPMI 2.0 table 5-2).
    public var name: String {
        switch rawValue {
        case 0x00: "completed normally"
        case 0xC0: "node busy"
        case 0xC1: "invalid command"
        case 0xC2: "command invalid for given LUN"
        case 0xC3: "timeout"
        case 0xC4: "out of space"
        case 0xC5: "reservation cancelled or invalid"
        case 0xC6: "request data truncated"
        case 0xC7: "request data length invalid"
        case 0xC8: "request data length limit exceeded"
        case 0xC9: "parameter out of range"
        case 0xCA: "cannot return number of requested data bytes"
        case 0xCB: "requested sensor, data or record not present"
        case 0xCC: "invalid data field in request"
        case 0xCD: "command illegal for specified sensor or record type"
        case 0xCE: "response could not be provided"
        case 0xCF: "duplicated request"
        case 0xD0: "SDR repository in update mode"
        case 0xD1: "device in firmware update mode"
        case 0xD2: "BMC initialization in progress"
        case 0xD3: "destination unavailable"
        case 0xD4: "insufficient privilege"
        case 0xD5: "not supported in present state"
        case 0xD6: "command sub-function disabled"
        case 0xFF: "unspecified error"
        case 0x01...0x7E: "OEM"
        case 0x80...0xBE: "command specific"
        default: "reserved"
        }
    }

    private static func specific(_ code: UInt8, _ netFn: UInt8, _ command: UInt8) -> String? {
        switch (netFn, command, code) {
        case (0x06, 0x22, 0x80): "watchdog was never set"
        case (0x06, 0x33, 0x80), (0x06, 0x35, 0x80): "no message available"
        case (0x06, 0x58, 0x80), (0x06, 0x59, 0x80), (0x00, 0x08, 0x80), (0x00, 0x09, 0x80), (0x0C, 0x01, 0x80),
            (0x0C, 0x02, 0x80):
            "parameter not supported"
        case (0x00, 0x08, 0x81), (0x06, 0x58, 0x81), (0x0C, 0x01, 0x81): "set in progress"
        case (0x00, 0x08, 0x82), (0x06, 0x58, 0x82), (0x0C, 0x01, 0x82): "read-only parameter"
        case (0x0A, 0x11, 0x81), (0x0A, 0x12, 0x81): "FRU device busy"
        case (0x0A, 0x12, 0x80): "write-protected offset"
        case (0x0A, 0x40, 0x81), (0x0A, 0x43, 0x81), (0x0A, 0x44, 0x81): "SEL erase in progress"
        case (0x0A, 0x44, 0x80), (0x0A, 0x46, 0x80): "operation not supported for this record type"
        default: nil
        }
    }
}
