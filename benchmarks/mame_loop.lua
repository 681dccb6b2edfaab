-- The pure Lua loop that benchmarks/mame.py compares copain with, inside MAME's own callback: play
-- these inputs of port 1, and read so many bytes of RAM after each frame. It gives the last of them.
-- frame() is one frame: copain.frame, or the yield of a coroutine that MAME's callback resumes.

local machine = manager.machine
local program = machine.devices[":maincpu"].spaces["program"]
local fields = machine.ioport.ports[":ctrl1:joypad:JOYPAD"].fields
local buttons = {}
for number, name in ipairs({ "A", "B", "Select", "Start", "Up", "Down", "Left", "Right" }) do
    buttons[number] = fields["P1 " .. name]
end

return function(inputs, watched, frame)
    local ram, held
    for at = 1, #inputs do
        local bits = inputs:byte(at)
        if bits ~= held then
            for number = 1, 8 do
                buttons[number]:set_value(bits >> number - 1 & 1)
            end
            held = bits
        end
        frame()
        ram = program:read_range(0, watched - 1, 8)
    end
    return ram
end
