-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark dissector for the register records of kcsmuxd's captures: link type USER0 (147), eight bytes a record.
-- For Wireshark 4.0 and later. Copy it to the folder for personal Lua plugins (Help, About, Folders), or
--     wireshark -X lua_script:kcs.lua capture.pcapng
-- tshark runs no scripts for root. The names of source and destination are those of Wireshark's own dissector of IPMI traces.

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

local directions = { [1] = "host to BMC", [2] = "BMC to host" }
local direction = ProtoField.uint8("kcsreg.direction", "Direction", base.DEC, directions)

kcs.fields = { version, kind, value, str, obf, ibf, sms_atn, cd, state, port, mask, stale, access, reason, direction }

local function trouble(name, text, severity)
    return ProtoExpert.new("kcsreg.expert." .. name, text, expert.group.PROTOCOL, severity)
end
local error_state = trouble("error_state", "STATE is ERROR", expert.severity.ERROR)
local abort = trouble("abort", "The host aborts the transfer", expert.severity.WARN)
local refused = trouble("refused", "An access was refused", expert.severity.WARN)
local dropped = trouble("dropped", "A byte of the host was dropped", expert.severity.WARN)
local replaced = trouble("replaced", "A byte was replaced before the host read it", expert.severity.NOTE)
local stalled = trouble("stalled", "The host does not read ODR", expert.severity.WARN)

kcs.experts = { error_state, abort, refused, dropped, replaced, stalled }

local interface_id = Field.new("frame.interface_id")
local interface_name = Field.new("frame.interface_name")

-- The interfaces on which KCS transfers were seen: STATE and control codes mean something there only, since other protocols
-- use the same bits and bytes as they like.
local transfers = {}
local controls = { [0x60] = "GET_STATUS/ABORT", [0x61] = "WRITE_START", [0x62] = "WRITE_END" }

function kcs.init()
    transfers = {}
end

-- The interface of the packet that is dissected; -1 in a file that does not tell interfaces apart.
local function interface()
    local found = interface_id()
    return found and found.value or -1
end

local function hex(byte)
    return string.format("%02X", byte)
end

-- 1 from the host, 2 to it, nil for what has no direction: the daemon reads what the host wrote, and writes what it reads.
local function side(number, access)
    if number == 1 or number == 2 or number == 8 or number == 7 and access == 1 then
        return 1
    end
    if number >= 3 and number <= 7 then
        return 2
    end
end

-- The columns, and the direction that conversations and other dissectors see: received is what the BMC receives.
local function show(packet, from)
    packet.cols.src = from == 1 and "HOST" or "BMC"
    packet.cols.dst = from == 1 and "BMC" or "HOST"
    packet.p2p_dir = from == 1 and P2P_DIR_RECV or P2P_DIR_SENT
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
    local from = side(number, buffer(6, 1):uint())
    if from then
        show(packet, from)
    end
    -- C/D may be that of the next byte: what a transfer found is told beside it, and only a transfer tells it.
    local known = number == 1 and bit.rshift(bit.band(flags, 0x30), 4) or 0
    if known ~= 0 then
        transfers[interface()] = true
    end
    local is_transfer = transfers[interface()]
    local written = has_mask and bit.band(buffer(4, 1):uint(), 0xC0) == 0xC0
    local now = is_transfer and (written or number == 2) and states[bit.rshift(status, 6)]
    local info
    if number == 1 then
        info = "IDR " .. hex(byte)
        if known == 1 or known == 2 then
            info = info .. " " .. ports[known]
        elseif known == 0 and has_str and not is_stale then
            info = info .. (bit.band(status, 8) ~= 0 and " command" or " data")
        end
        if known == 2 and controls[byte] then
            info = info .. ", " .. controls[byte]
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
    if now then
        info = info .. ", " .. now
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
    if from then
        branch:add(direction, from):set_generated()
    end
    if now == "ERROR" and written then
        branch:add_proto_expert_info(error_state)
    end
    if known == 2 and byte == 0x60 then
        branch:add_proto_expert_info(abort)
    end
    local odd = ({ [6] = replaced, [7] = refused, [8] = dropped, [9] = stalled })[number]
    if odd then
        branch:add_proto_expert_info(odd)
    end
    return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, kcs)

-- MCTP packets, and frames of a handler's own link type, come without addresses; where a dissector finds some, as that of
-- MCTP does from Wireshark 4.2 on, they take this one's place.
local sides = Proto("kcssides", "KCS source and destination")

function sides.dissector(_, packet)
    local from = packet.p2p_dir
    if from ~= P2P_DIR_RECV and from ~= P2P_DIR_SENT then
        return
    end
    local found = interface_name()
    local stream = found and found.value:match("^[a-z][a-z0-9-]*/([a-z0-9-]+)$") or ""
    if stream == "mctp" or stream:match("^link%-%d+$") then
        show(packet, from == P2P_DIR_RECV and 1 or 2)
    end
end

register_postdissector(sides)
