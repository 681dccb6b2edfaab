-- What benchmarks/fceux.py compares copain with, in FCEUX without copain.
-- COPAIN_HOW is "loop": benchmarks/fceux_loop.lua for each line that arrives; or "calls": one round
-- trip for each call on a Unix socket by luaposix, as scripts of 2022 did it.

emu.speedmode("nothrottle")
emu.frameadvance()

if os.getenv("COPAIN_HOW") == "loop" then
    local input = io.open(os.getenv("COPAIN_READ"), "rb")
    local output = io.open(os.getenv("COPAIN_WRITE"), "wb")
    local loop = dofile(os.getenv("COPAIN_LOOP"))
    while true do
        local count = input:read("*n")
        if not count then
            os.exit(0)
        end
        local watched = input:read("*n")
        input:read(1)
        loop(input:read(count), watched)
        output:write("done\n")
        output:flush()
    end
end

local BUTTONS = { "A", "B", "select", "start", "up", "down", "left", "right" }
local pads = {}
for bits = 0, 255 do
    pads[bits] = {}
    for number, button in ipairs(BUTTONS) do
        pads[bits][button] = math.floor(bits / 2 ^ (number - 1)) % 2 == 1
    end
end

local socket = require("posix.sys.socket")
local unistd = require("posix.unistd")
local connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0)
assert(socket.connect(connection, { family = socket.AF_UNIX, path = os.getenv("COPAIN_SOCKET") }))
while true do
    local call = unistd.read(connection, 256)
    if not call or call == "" then
        os.exit(0)
    end
    local name, first, second = call:match("^(%w+) ?(%d*) ?(%d*)")
    local result = "ok"
    if name == "set" then
        joypad.set(tonumber(first), pads[tonumber(second)])
    elseif name == "read" then
        result = tostring(memory.readbyte(tonumber(first)))
    else
        emu.frameadvance()
    end
    socket.send(connection, result .. "\n")
end
