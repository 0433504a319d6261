-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark dissector for the register records of kcsmuxd's captures: link type USER0 (147), eight bytes a record.
-- For Wireshark 4.0 and later. Copy it to the personal plugin folder (Help, About, Folders), or
--     wireshark -X lua_script:kcs.lua capture.pcapng
-- tshark runs no scripts for root.

-- "kcs" is taken by the Wireshark dissector of whole messages.
local kcs = Proto("kcsreg", "KCS registers")

local kinds = {
    [1] = "IDR read",
    [2] = "STR read",
    [3] = "ODR write",
    [4] = "STR write",
    [5] = "STR and ODR write",
    [6] = "replace",
    [7] = "refused",
    [8] = "host byte dropped",
    [9] = "OBF stall began",
    [10] = "OBF stall ended",
}
local states = { [0] = "IDLE", [1] = "READ", [2] = "WRITE", [3] = "ERROR" }
local accesses = { [0] = "none", [1] = "IDR read", [2] = "ODR write", [3] = "STR write", [4] = "STR and ODR write" }
local reasons = {
    [0] = "none",
    [1] = "OBF is set",
    [2] = "IBF is clear",
    [3] = "the device cannot do it",
    [4] = "no handler runs",
    [5] = "it was there before the device was opened",
    [6] = "the handler has stopped",
}

local version = ProtoField.uint8("kcsreg.version", "Version")
local kind = ProtoField.uint8("kcsreg.kind", "Kind", base.DEC, kinds)
local value = ProtoField.uint8("kcsreg.value", "Value", base.HEX)
local str = ProtoField.uint8("kcsreg.str", "STR", base.HEX)
local obf = ProtoField.bool("kcsreg.str.obf", "OBF", 8, nil, 0x01)
local ibf = ProtoField.bool("kcsreg.str.ibf", "IBF", 8, nil, 0x02)
local sms_atn = ProtoField.bool("kcsreg.str.sms_atn", "SMS_ATN", 8, nil, 0x04)
local cd = ProtoField.bool("kcsreg.str.cd", "C/D (set: command)", 8, nil, 0x08)
local state = ProtoField.uint8("kcsreg.str.state", "STATE, in IPMI transfers", base.DEC, states, 0xC0)
local ports = { [0] = "as C/D says", [1] = "data", [2] = "command", [3] = "not known" }
local port = ProtoField.uint8("kcsreg.port", "Port that the host wrote to", base.DEC, ports, 0x30)
local mask = ProtoField.uint8("kcsreg.mask", "STR bits written", base.HEX)
local stale = ProtoField.bool("kcsreg.stale", "Stale", 8, nil, 0x08)
local access = ProtoField.uint8("kcsreg.refused", "Access refused", base.DEC, accesses)
local reason = ProtoField.uint8("kcsreg.reason", "Reason", base.DEC, reasons)

kcs.fields = { version, kind, value, str, obf, ibf, sms_atn, cd, state, port, mask, stale, access, reason }

local function hex(byte)
    return string.format("%02X", byte)
end

function kcs.dissector(buffer, packet, tree)
    if buffer:len() < 8 or buffer(0, 1):uint() ~= 1 then
        return 0
    end
    local number = buffer(1, 1):uint()
    local flags = buffer(5, 1):uint()
    local has_value = bit.band(flags, 1) ~= 0
    local has_str = bit.band(flags, 2) ~= 0
    local has_mask = bit.band(flags, 4) ~= 0
    local is_stale = bit.band(flags, 8) ~= 0
    local byte = buffer(2, 1):uint()
    local status = buffer(3, 1):uint()
    local why = reasons[buffer(7, 1):uint()] or "unknown reason"

    packet.cols.protocol = "KCS"
    local info
    if number == 1 then
        info = "IDR " .. hex(byte)
        -- C/D may be that of the next byte: what a transfer found is told beside it.
        local known = bit.rshift(bit.band(flags, 0x30), 4)
        if known == 1 or known == 2 then
            info = info .. " " .. ports[known]
        elseif known == 0 and has_str and not is_stale then
            info = info .. (bit.band(status, 8) ~= 0 and " command" or " data")
        end
        if is_stale then
            info = info .. " (stale)"
        end
    elseif number == 2 then
        info = "STR " .. hex(status)
    elseif number == 3 then
        info = "ODR " .. hex(byte)
    elseif number == 4 then
        info = "STR " .. hex(status) .. " mask " .. hex(buffer(4, 1):uint())
    elseif number == 5 or number == 6 then
        info = "ODR " .. hex(byte) .. ", STR " .. hex(status) .. " mask " .. hex(buffer(4, 1):uint())
        if number == 6 then
            info = info .. ", replaced an unread byte"
        end
    elseif number == 7 then
        info = (accesses[buffer(6, 1):uint()] or "access") .. " refused: " .. why
    elseif number == 8 then
        info = "IDR " .. hex(byte) .. " dropped: " .. why
    else
        info = kinds[number] or ("kind " .. number)
    end
    packet.cols.info = info

    local branch = tree:add(kcs, buffer(), "KCS registers: " .. info)
    branch:add(version, buffer(0, 1))
    branch:add(kind, buffer(1, 1))
    if has_value then
        branch:add(value, buffer(2, 1))
    end
    if has_str then
        local bits = branch:add(str, buffer(3, 1))
        for _, field in ipairs({ state, cd, sms_atn, ibf, obf }) do
            bits:add(field, buffer(3, 1))
        end
    end
    if has_mask then
        branch:add(mask, buffer(4, 1))
    end
    if number == 1 then
        branch:add(port, buffer(5, 1))
    end
    if is_stale then
        branch:add(stale, buffer(5, 1))
    end
    if number == 7 then
        branch:add(access, buffer(6, 1))
    end
    if number == 7 or number == 8 then
        branch:add(reason, buffer(7, 1))
    end
    return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, kcs)
