-- The pure Lua loop that benchmarks/fceux.py compares copain with: play these inputs of port 1, and
-- read so many bytes of RAM after each frame. It gives the last of them.

local BUTTONS = { "A", "B", "select", "start", "up", "down", "left", "right" }
local pads = {}
for bits = 0, 255 do
    pads[bits] = {}
    for number, button in ipairs(BUTTONS) do
        pads[bits][button] = math.floor(bits / 2 ^ (number - 1)) % 2 == 1
    end
end

local set, read, byte, advance = joypad.set, memory.readbyterange, string.byte, emu.frameadvance

return function(inputs, watched)
    local ram
    for frame = 1, #inputs do
        set(1, pads[byte(inputs, frame)])
        set(2, pads[0])
        advance()
        ram = read(0, watched)
    end
    return ram
end
