-- What benchmarks/mame.py compares copain with, in MAME without copain: benchmarks/mame_loop.lua for
-- each line that arrives.

if BENCHMARK_RUNS then -- luacheck: ignore (MAME runs its script again after a reset)
    return
end
BENCHMARK_RUNS = true -- luacheck: ignore

local input = io.open(os.getenv("COPAIN_READ"), "rb")
local output = io.open(os.getenv("COPAIN_WRITE"), "wb")
local loop = dofile(os.getenv("COPAIN_LOOP"))

local serve = coroutine.wrap(function()
    while true do
        local count = input:read("n")
        if not count then
            os.exit(0)
        end
        local watched = input:read("n")
        input:read(1)
        loop(input:read(count), watched, coroutine.yield)
        output:write("done\n")
        output:flush()
    end
end)
emu.register_frame_done(function() serve() end)
