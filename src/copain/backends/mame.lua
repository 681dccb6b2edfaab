-- mame.lua: MAME's operations for copain.wire, and the script that MAME runs (-autoboot_script).
--
-- MAME calls the script, not the other way round. At the end of each frame it calls on_frame_done;
-- requests are answered there until one wants a frame, and then the call returns. MAME saves and
-- loads only between two slices of its scheduler, so what wants that ("settle") lets the machine
-- pause: MAME then does what was scheduled and calls on_frame_done again, and no time has passed.
--
-- Made with MAME 0.251: Lua 5.3.

-- MAME runs its script again after each soft reset.
if COPAIN_RUNS then -- luacheck: ignore
    return
end
COPAIN_RUNS = true -- luacheck: ignore

local here = debug.getinfo(1, "S").source:match("^@?(.*[/\\])") or "./"
local copain = dofile(here .. "../wire/copain.lua")

local bytes = copain.bytes
local unpack = string.unpack
local folder = os.getenv("COPAIN_FOLDER")

local machine = manager.machine
local processor = machine.devices[":maincpu"]
local program = processor and processor.spaces["program"]
local operations = {}
local peer

-- The joypads ------------------------------------------------------------------------------------

local buttons = {} -- for each joypad a list of { bit, field }
local held = {} -- for each joypad the bits that its fields have now

-- A field keeps its value; MAME reads it right after on_frame_done, before the next frame.
local function hold(joypad, bits)
    if held[joypad] ~= bits then
        for _, button in ipairs(buttons[joypad]) do
            button[2]:set_value(bits & button[1] ~= 0 and 1 or 0)
        end
        held[joypad] = bits
    end
end

-- Which fields the bits of each joypad are: lists of bit, port and name of the field, ...
operations.joypads = function(joypads)
    buttons, held = {}, {}
    for joypad, list in ipairs(joypads) do
        buttons[joypad], held[joypad] = {}, 0
        for at = 1, #list, 3 do
            local port = machine.ioport.ports[list[at + 1]]
            table.insert(buttons[joypad], { list[at], port.fields[list[at + 2]] })
        end
    end
end

-- Memory -----------------------------------------------------------------------------------------

local spaces = {} -- by the name of the memory domain
local ram_first, ram_last = 0, -1 -- work RAM, in the program space

-- A part of work RAM; address counts from its start.
local function ram(address, length)
    return program:read_range(ram_first + address, ram_first + address + length - 1, 8)
end
local function all_ram()
    if ram_last < ram_first then
        return ""
    end
    return program:read_range(ram_first, ram_last, 8)
end

operations.ram_lies = function(first, last)
    ram_first, ram_last = first, last
end

operations.ram = function() return bytes(all_ram()) end

operations.read = function(domain, address, length)
    return bytes(length > 0 and spaces[domain]:read_range(address, address + length - 1, 8) or "")
end

operations.write = function(domain, address, data)
    local space = spaces[domain]
    if domain == "ram" then
        space, address = program, address + ram_first
    end
    for i = 1, #data do
        space:write_u8(address + i - 1, data:byte(i))
    end
end

-- Frames -----------------------------------------------------------------------------------------

-- Emulate frames with these buttons held. Gives four bytes that say nothing, and work RAM if it is
-- wanted.
operations.play = function(frames, with_ram, ...)
    for joypad = 1, select("#", ...) do
        hold(joypad, (select(joypad, ...)))
    end
    local frame = peer.frame
    for _ = 1, frames do
        frame()
    end
    if with_ram then
        return bytes("\0\0\0\0", all_ram())
    end
    return bytes("\0\0\0\0")
end

-- Play inputs (two bytes for each frame and joypad) and give the bytes of these ranges of work RAM
-- after each frame. ranges: start, length, start, length ...
operations.rollout = function(inputs, ports, ranges)
    local frame = peer.frame
    local out, n, count = {}, 0, #ranges
    local at, stop = 1, #inputs
    while at <= stop do
        for joypad = 1, ports do
            local bits
            bits, at = unpack("<I2", inputs, at)
            hold(joypad, bits)
        end
        frame()
        for i = 1, count, 2 do
            n = n + 1
            out[n] = ram(ranges[i], ranges[i + 1])
        end
    end
    return copain.joined_bytes(out)
end

operations.status = function() return peer.frames end
operations.soft_reset = function() machine:soft_reset() end

-- The picture. screen:pixels() is the one before: by now MAME draws on the other of two bitmaps.
operations.screen = function()
    local width, height = machine.video:snapshot_size()
    return width, height, bytes(machine.video:snapshot_pixels())
end

-- Savestates -------------------------------------------------------------------------------------

local times = {} -- of each slot: when it was, to see whether a load did anything

local function path_of(slot) return folder .. "/state-" .. slot end

local function now()
    local time = machine.time
    return time.seconds .. "." .. time.attoseconds
end

operations.save = function(slot)
    local path = path_of(slot)
    os.remove(path)
    machine:save(path)
    peer.settle()
    local file = io.open(path, "rb")
    if not file then
        -- It has timers that a savestate cannot hold, and waits until they have run out; or the
        -- disk is full. There is no telling which.
        error("MAME wrote no savestate of " .. emu.romname() .. " at this moment", 0)
    end
    file:close()
    times[slot] = now()
end

operations.load = function(slot)
    machine:load(path_of(slot))
    peer.settle()
    if now() ~= times[slot] then
        error("MAME did not load a savestate that it wrote itself", 0)
    end
end

-- A slot's bytes, from its file; who puts them there has checked them.
operations.load_file = function(slot)
    machine:load(path_of(slot))
    peer.settle()
    times[slot] = now()
end

operations.free = function(slots)
    for _, slot in ipairs(slots) do
        os.remove(path_of(slot))
        times[slot] = nil
    end
end

-- MAME's own objects -----------------------------------------------------------------------------

operations.machine = function() return machine end
operations.get = function(object, key) return object[key] end
operations.set = function(object, key, value) object[key] = value end
operations.method = function(object, name, ...) return object[name](object, ...) end
operations.bytes = function(object, name, ...) return bytes(object[name](object, ...)) end
operations.keys = function(object)
    local keys = {}
    for key in pairs(object) do
        keys[#keys + 1] = key
    end
    return keys
end

-- Memory taps: f(address, byte) for each byte of the program space that is read or written.
local taps = 0
operations.tap = function(kind, first, last, f)
    local width = program.data_width // 8
    local big = program.endianness == "big"
    taps = taps + 1
    local install = kind == "read" and program.install_read_tap or program.install_write_tap
    return install(program, first - first % width, last + width - 1 - last % width,
        "copain" .. taps, peer.guard(function(offset, data, mask)
            for i = 0, width - 1 do
                local shift = 8 * (big and width - 1 - i or i)
                local address = offset + i
                if mask >> shift & 255 ~= 0 and address >= first and address <= last then
                    f(address, data >> shift & 255)
                end
            end
        end))
end
operations.untap = function(tap) tap:remove() end

-- For evaluated code: copain.bytes(s) arrives in Python as bytes, copain.frame() is one frame.
_G.copain = { bytes = bytes, frame = function() peer.frame() end }

-- The connection ---------------------------------------------------------------------------------

local function ram_of_program()
    local found = {}
    for _, entry in ipairs(program and program.map.entries or {}) do
        if entry.read.handlertype == "ram" and entry.write.handlertype == "ram" then
            found[#found + 1] = { entry.address_start, entry.address_end }
        end
    end
    return found
end

local function spaces_of_devices()
    local found = {}
    for tag, device in pairs(machine.devices) do
        local has, all = pcall(function() return device.spaces end)
        for name, space in pairs(has and all or {}) do
            local domain = tag:sub(2) .. ":" .. name
            spaces[domain] = space
            found[#found + 1] = { domain, space.address_mask + 1 }
        end
    end
    spaces.cpu = program
    return found
end

local function fields()
    local found = {}
    for tag, port in pairs(machine.ioport.ports) do
        for name, field in pairs(port.fields) do
            if not name:find("%%p") and not field.is_analog then -- "%p A" is "P1 A" once more
                found[#found + 1] = { tag, name,
                    machine.ioport:input_type_to_token(field.type, field.player) }
            end
        end
    end
    return found
end

operations.hello = function(protocol)
    if protocol ~= copain.PROTOCOL then
        error("this MAME speaks protocol " .. copain.PROTOCOL .. " of copain, not " .. protocol, 0)
    end
    local screen -- the first, which gives the frames
    for _, each in pairs(machine.screens) do
        screen = screen or each
    end
    return {
        protocol = copain.PROTOCOL,
        emulator = "mame",
        version = emu.app_version(),
        lua = _VERSION,
        machine = emu.romname(),
        frame_attoseconds = screen and screen.refresh_attoseconds,
        program_size = program and program.address_mask + 1 or 0,
        ram = ram_of_program(),
        spaces = spaces_of_devices(),
        fields = fields(),
    }
end

local function gone()
    os.exit(0) -- machine:exit() often crashes on its way out
end

peer = copain.peer(assert(copain.launched_stream()), operations, gone)

local wants_pause, paused_by_us = false, false

local function on_frame_done()
    if machine.paused then
        if not paused_by_us then
            return -- a person did
        end
        paused_by_us = false
        emu.unpause() -- at once: while it is paused MAME waits 1/30 of a second here
    end
    local wish = peer.step()
    if not wish then
        gone()
    end
    wants_pause = wish == "settle"
end

-- Later in the same update, past the place where a machine that is paused waits.
local function on_frame()
    if wants_pause then
        wants_pause, paused_by_us = false, true
        emu.pause()
    end
end

emu.register_frame_done(on_frame_done)
if emu.add_machine_frame_notifier then -- later versions of MAME
    COPAIN_NOTIFIER = emu.add_machine_frame_notifier(on_frame) -- luacheck: ignore
else
    emu.register_frame(on_frame)
end

-- With a window the debugger is there (see mame_start.py): it shall not stop at the start.
if machine.debugger then
    machine.debugger.execution_state = "run"
end

-- It is the moment 0: no instruction has run. Stay there until the first frame is wanted.
paused_by_us = true
emu.pause()
