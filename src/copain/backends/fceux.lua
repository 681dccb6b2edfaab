-- fceux.lua: FCEUX's operations for copain.wire, and the script that FCEUX runs.
--
-- Launched by copain, it finds its connection in the environment. Loaded by hand (File, Load Lua
-- Script), it waits for a connection on a port while the game runs on; see docs/guides/fceux.md.

-- The first emu.frameadvance() of a script emulates nothing (FCEUX 2.6.5): do it before anything
-- counts. When a person plays already, it costs a frame.
local frame_advance = emu.frameadvance
frame_advance()

local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or "./"
local copain = dofile(here .. "../wire/copain.lua")

local bytes = copain.bytes
local set_joypad, read_range = joypad.set, memory.readbyterange
local write_byte = memory.writebyte
local lag_count, lagged = emu.lagcount, emu.lagged
local new_state, save_state, load_state = savestate.object, savestate.save, savestate.load
local byte, char, floor = string.byte, string.char, math.floor

-- How much is read at once: FCEUX puts what is read on its C stack.
local READ = 16384

local setting = os.getenv
local folder = setting("COPAIN_FOLDER")
local operations = {}
local peer
local may_answer_early -- nothing of the user's runs between the end of a frame and the next request

-- The joypad -------------------------------------------------------------------------------------

-- Bit order of copain.Joypad.bits, which is that of the console's own shift register.
local BUTTONS = { "A", "B", "select", "start", "up", "down", "left", "right" }

-- Tables for joypad.set by bits. What is not held is false, so that a person's keys do not mix in;
-- with them, it is nil: passed through.
local function joypads(not_held)
    return setmetatable({}, {
        __index = function(pads, bits)
            local pad, rest = {}, bits
            for _, button in ipairs(BUTTONS) do
                if rest % 2 == 1 then
                    pad[button] = true
                else
                    pad[button] = not_held
                end
                rest = floor(rest / 2)
            end
            pads[bits] = pad
            return pad
        end,
    })
end
local pads = joypads(false)

-- Frames -----------------------------------------------------------------------------------------

-- What the operation play gives, as bytes: the lag count in three, whether the last frame was a lag
-- frame, and work RAM if it is wanted.
local function played(lag, lags, with_ram)
    local status = char(lag % 256, floor(lag / 256) % 256, floor(lag / 65536) % 256, lags and 1 or 0)
    if with_ram then
        return bytes(status, read_range(0, 2048))
    end
    return bytes(status)
end

-- FCEUX calls this when a frame is emulated, before it works on the picture, which takes a quarter
-- of its time, and counts the frame's lag. RAM is what it will be: who waits for this frame gets it.
local function after_emulation()
    local awaited = peer and peer.awaited
    if awaited then
        local lags = lagged()
        peer.awaited = nil
        peer.answer_early(played(lag_count() + (lags and 1 or 0), lags, awaited == "ram"))
    end
end

-- Emulate frames with these buttons held on ports 1 and 2 (and 3 and 4, with a four-score). This is
-- the operation that everything waits for: one result, cut by place in Python.
operations.play = function(frames, with_ram, one, two, three, four)
    local frame = peer.frame
    local first, second = pads[one], pads[two]
    for left = frames - 1, 0, -1 do
        set_joypad(1, first) -- lasts one frame
        set_joypad(2, second)
        if four then
            set_joypad(3, pads[three])
            set_joypad(4, pads[four])
        end
        if left == 0 and may_answer_early() then
            peer.awaited = with_ram and "ram" or "status"
        end
        frame()
    end
    if not peer.was_answered() then
        return played(lag_count(), lagged(), with_ram)
    end
end

-- Play inputs (a byte for each frame and port) and give the bytes of these ranges of RAM after
-- each frame. ranges: start, length, start, length ...
operations.rollout = function(inputs, ports, ranges)
    local frame = peer.frame
    local out, n, count = {}, 0, #ranges
    local one_range = count == 2
    local start, length = ranges[1], ranges[2]
    for at = 1, #inputs, ports do
        local one, two, three, four = byte(inputs, at, at + ports - 1)
        set_joypad(1, pads[one])
        set_joypad(2, pads[two or 0])
        if four then
            set_joypad(3, pads[three])
            set_joypad(4, pads[four])
        end
        frame()
        if one_range then
            n = n + 1
            out[n] = read_range(start, length)
        else
            for i = 1, count, 2 do
                n = n + 1
                out[n] = read_range(ranges[i], ranges[i + 1])
            end
        end
    end
    return copain.joined_bytes(out)
end

-- Whether what a person presses at the window counts too.
operations.person_plays = function(yes)
    if yes then
        pads = joypads(nil)
    else
        pads = joypads(false)
    end
end

operations.status = function()
    return peer.frames, lag_count(), lagged()
end

operations.soft_reset = function() emu.softreset() end
operations.power_cycle = function() emu.poweron() end
operations.speed = function(mode) emu.speedmode(mode) end
operations.game_genie = function(code) return emu.addgamegenie(code) end
operations.movie_mode = function() return movie.mode() end

-- Memory -----------------------------------------------------------------------------------------

local readers = { cpu = read_range, ppu = ppu.readbyterange, rom = rom.readbyterange }

operations.ram = function() return bytes(read_range(0, 2048)) end

operations.read = function(domain, start, length)
    local reader = readers[domain]
    if length <= READ then
        return bytes(reader(start, length))
    end
    local parts = {}
    for at = start, start + length - 1, READ do
        parts[#parts + 1] = reader(at, math.min(READ, start + length - at))
    end
    return copain.joined_bytes(parts)
end

operations.write = function(_, start, data)
    for i = 1, #data do
        write_byte(start + i - 1, byte(data, i))
    end
end

operations.screen = function() return bytes(gui.gdscreenshot()) end

-- Savestates -------------------------------------------------------------------------------------

-- Slots hold savestates inside FCEUX. Each has the path of a file to go through when its bytes
-- are wanted; FCEUX reads it when the object is made, and writes it in savestate.persist.
local slots, paths = {}, {}

local function path_of(slot)
    if not paths[slot] then
        if folder then
            paths[slot] = folder .. "/state-" .. slot
        else -- loaded by hand: a name in the system's temporary folder that nobody can guess
            paths[slot] = os.tmpname()
            os.remove(paths[slot])
        end
    end
    return paths[slot]
end

-- FCEUX's objects hold 72 KB that Lua's garbage collector knows nothing of: free them at once, by
-- their finaliser, and take it away so that it does not run again.
local function free(state)
    local meta = debug.getmetatable(state)
    debug.setmetatable(state, nil)
    meta.__gc(state)
end

operations.save = function(slot)
    local state = slots[slot]
    if not state then
        state = new_state(path_of(slot))
        slots[slot] = state
    end
    save_state(state)
end

operations.load = function(slot)
    load_state(slots[slot])
end

-- A slot's bytes, into its file and out of it. Who shares FCEUX's folder reads and writes the file
-- itself; for others there are state_bytes and load_bytes.
operations.state_to_file = function(slot)
    savestate.persist(slots[slot])
end

operations.load_file = function(slot)
    local path = path_of(slot)
    if slots[slot] then
        free(slots[slot])
    end
    slots[slot] = new_state(path)
    os.remove(path)
    load_state(slots[slot])
end

operations.state_bytes = function(slot)
    operations.state_to_file(slot)
    local file = assert(io.open(path_of(slot), "rb"))
    local data = file:read("*a")
    file:close()
    os.remove(path_of(slot))
    return bytes(data)
end

operations.load_bytes = function(slot, data)
    local file = assert(io.open(path_of(slot), "wb"))
    assert(file:write(data))
    assert(file:close())
    operations.load_file(slot)
end

operations.free = function(first, last)
    for slot = first, last do
        if slots[slot] then
            free(slots[slot])
            slots[slot] = nil
        end
    end
end

-- The connection -----------------------------------------------------------------------------------

-- FCEUX's own version stands in its savestates: "FCSX", size, version, compressed size.
local function version()
    operations.save(0)
    local data = operations.state_bytes(0)[1]
    local a, b, c = byte(data, 9, 11)
    local number = a + 256 * b + 65536 * c
    return table.concat({ floor(number / 10000), floor(number / 100) % 100, number % 100 }, ".")
end

operations.hello = function(protocol)
    if protocol ~= copain.PROTOCOL then
        error("this FCEUX speaks protocol " .. copain.PROTOCOL .. " of copain, not " .. protocol, 0)
    end
    local names = {}
    for name in pairs(operations) do
        names[#names + 1] = name
    end
    return {
        protocol = copain.PROTOCOL,
        emulator = "fceux",
        version = version(),
        lua = _VERSION,
        rom_name = rom.getfilename(),
        rom_md5 = rom.gethash("md5"),
        operations = names,
    }
end

local function gone()
    os.exit(0) -- emu.exit() hangs when it is called before the first frame
end

local new_peer
new_peer, may_answer_early = dofile(here .. "fceux_api.lua")(operations, copain, after_emulation)

local function serve(stream)
    peer = copain.peer(stream, operations, gone)
    new_peer(peer)
    while peer.step() do
        frame_advance()
    end
end

-- Loaded by hand: wait for copain on a port, one connection after the other, while the game runs.
local function wait_for_connections()
    local found, socket = pcall(require, "socket")
    if not found then
        error("copain needs luasocket here: install lua-socket (on Windows FCEUX has it)", 0)
    end
    local token = setting("COPAIN_TOKEN") or copain.token()
    local host = setting("COPAIN_HOST") or "127.0.0.1"
    local server = assert(socket.bind(host, tonumber(setting("COPAIN_PORT") or 0)))
    local _, port = server:getsockname()
    local how = ("copain: attach='%s:%d', token='%s'"):format(host, port, token)
    print(how) -- in FCEUX, this is the Lua window
    io.stdout:write(how, "\n")
    io.stdout:flush()
    emu.message("copain waits on port " .. port)
    server:settimeout(0)
    while true do
        local client = server:accept()
        if client then
            client:settimeout(2)
            if client:receive("*l") == token then
                client:setoption("tcp-nodelay", true)
                serve(copain.socket_stream(client))
                emu.message("copain has gone")
            end
            client:close()
        end
        frame_advance()
    end
end

local stream = copain.launched_stream()
if stream then
    serve(stream)
    gone()
else
    wait_for_connections()
end
