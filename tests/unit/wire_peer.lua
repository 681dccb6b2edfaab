-- copain.lua with a stub instead of an emulator, for the tests of the wire.
-- Its environment: COPAIN_LUA, the path of copain.lua; COPAIN_READ and COPAIN_WRITE, its files.

local copain = dofile(os.getenv("COPAIN_LUA"))
local input = assert(io.open(os.getenv("COPAIN_READ"), "rb"))
local output = assert(io.open(os.getenv("COPAIN_WRITE"), "wb"))

local operations = {}
local peer = copain.peer(copain.file_stream(input, output), operations, function() os.exit(3) end)
local hook

function operations.echo(...) return ... end
function operations.bytes(s) return copain.bytes(s) end
function operations.fail() return nil .. "what an operation did wrong" end
function operations.fail_with(value) error(value, 0) end
function operations.play(frames)
    for _ = 1, frames do
        peer.frame()
    end
    return peer.frames
end
function operations.early(result, wrong)
    local was = peer.answer_early(result) and peer.was_answered()
    if wrong then
        error(wrong, 0)
    end
    return was
end
-- What the "emulator" does between frames only: it is done when this goes on.
local settled = 0
function operations.settle()
    local before = settled
    peer.settle()
    return settled - before, peer.frames
end
-- A callback that the "emulator" calls on each frame, outside of any operation.
function operations.on_frame(f) hook = f and peer.guard(f) end

local wish = peer.step()
while wish do
    if wish == "settle" then
        settled = settled + 1
    elseif hook then
        hook(peer.frames)
    end
    wish = peer.step()
end
os.exit(0)
