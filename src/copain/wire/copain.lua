-- copain.lua: the peer of copain.wire.session, in plain Lua 5.1 to 5.4 without packages.
--
-- It frames messages, packs values by hand, dispatches operations by name and contains errors.
-- It knows no emulator: an adapter gives it a stream and a table of operations, and asks it to go
-- on, frame by frame. Both shapes of emulator fit:
--
--   the script drives the frames     while peer.step() do emu.frameadvance() end
--   the emulator calls the script    register_frame_done(function() if not peer.step() ... end)
--
-- An operation that wants a frame emulated yields: peer.frame(). One that only wants the emulator to
-- act, as when it writes a savestate between frames, yields too: peer.settle(). What a message and a value look
-- like on the wire is said once, in protocol.py.

local copain = { PROTOCOL = 1 }

local byte, char, sub, format = string.byte, string.char, string.sub, string.format
local concat, floor = table.concat, math.floor
local unpack = table.unpack or unpack -- luacheck: ignore (5.2 moved it)
local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local yield = coroutine.yield

local MAX_MESSAGE = 256 * 1024 * 1024
local MAX_DEPTH = 32

-- Numbers ---------------------------------------------------------------------------------------

local function u32(n)
    return char(n % 256, floor(n / 256) % 256, floor(n / 65536) % 256, floor(n / 16777216))
end

local function read_u32(s, at)
    local a, b, c, d = byte(s, at, at + 3)
    if not d then
        error("the message is cut short", 0)
    end
    return a + b * 256 + c * 65536 + d * 16777216, at + 4
end

local integers = math.type and function(n) return math.type(n) == "integer" end
    or function(n) return n == floor(n) and n > -2 ^ 53 and n < 2 ^ 53 end

local function number_text(n)
    if n ~= n then
        return "nan"
    elseif n == math.huge then
        return "inf"
    elseif n == -math.huge then
        return "-inf"
    elseif integers(n) then
        return format("%d", n)
    end
    local text = format("%.17g", n)
    if not text:find("[%.eE]") then
        text = text .. ".0"
    end
    return text
end

local function text_number(text)
    if text == "nan" then
        return 0 / 0
    elseif text == "inf" then
        return math.huge
    elseif text == "-inf" then
        return -math.huge
    end
    return tonumber(text) or error("this is not a number: " .. text, 0)
end

-- A peer ----------------------------------------------------------------------------------------

-- Bytes that shall arrive as bytes in Python; plain strings arrive as text. Of several strings in
-- a row, which are joined once, in the message.
local Bytes = {}
function copain.bytes(s, ...)
    if type(s) ~= "string" then
        error("copain.bytes: a string is needed, not " .. type(s), 2)
    end
    return setmetatable({ s, ... }, Bytes)
end
function copain.joined_bytes(strings)
    return setmetatable(strings, Bytes)
end

-- stream: read(n) gives n bytes, or nil at the end; write(s).
-- operations: functions by name. Arguments and results are values that travel (see protocol.py).
-- gone: called when the other side is gone while the emulator is inside one of its own callbacks.
function copain.peer(stream, operations, gone)
    local peer = { operations = operations, frames = 0 }
    local read, write = stream.read, stream.write
    local references, next_reference = {}, 1
    local requests = 0 -- how many requests are being answered, one inside the other
    local hooks = 0 -- how deep the emulator's own callbacks are
    local failure -- what a hook raised, told when the request ends
    local done = 0 -- operations of the current request that are through, for its error
    local alone = false -- whether the current request is one operation that Python waits for
    local early = false -- and has its answer, though the operation has not ended
    local encode_value

    -- Values ------------------------------------------------------------------------------------

    local function encode_table(out, value, depth)
        if depth > MAX_DEPTH then
            error("a table is nested more than " .. MAX_DEPTH .. " deep, or contains itself", 0)
        end
        local count, length = 0, #value
        for key in pairs(value) do
            count = count + 1
            if type(key) ~= "number" or key < 1 or key > length or key ~= floor(key) then
                length = -1
            end
        end
        if count == length then
            out[#out + 1] = "l" .. u32(count)
            for i = 1, count do
                encode_value(out, value[i], depth + 1)
            end
        else
            out[#out + 1] = "t" .. u32(count)
            for key, item in pairs(value) do
                encode_value(out, key, depth + 1)
                encode_value(out, item, depth + 1)
            end
        end
    end

    local function encode_other(out, value, kind)
        local number = next_reference
        next_reference = number + 1
        references[number] = value
        out[#out + 1] = "o" .. u32(number) .. char(#kind) .. kind
    end

    function encode_value(out, value, depth)
        local kind = type(value)
        if kind == "nil" then
            out[#out + 1] = "N"
        elseif kind == "number" then
            if value >= 0 and value < 256 and value == floor(value) then
                out[#out + 1] = char(106, value) -- "j"
            elseif value > -2147483648 and value < 2147483648 and integers(value) then
                out[#out + 1] = "i" .. u32(value % 4294967296)
            else
                local text = number_text(value)
                out[#out + 1] = "d" .. char(#text) .. text
            end
        elseif kind == "boolean" then
            out[#out + 1] = value and "T" or "F"
        elseif kind == "string" then
            if #value < 256 then
                out[#out + 1] = "s" .. char(#value)
            else
                out[#out + 1] = "S" .. u32(#value)
            end
            out[#out + 1] = value
        elseif kind == "table" and getmetatable(value) == Bytes then
            local length, count, n = 0, #value, #out + 1
            for i = 1, count do
                out[n + i] = value[i]
                length = length + #value[i]
            end
            out[n] = "b" .. u32(length)
        elseif kind == "table" then
            encode_table(out, value, depth)
        else
            encode_other(out, value, kind)
        end
    end

    local decoders = {}
    local function decode_value(s, at)
        local decoder = decoders[byte(s, at)]
        if not decoder then
            error("a value of an unknown kind, or the message is cut short", 0)
        end
        return decoder(s, at + 1)
    end
    local function take(s, at, length)
        local stop = at + length
        if stop > #s + 1 then
            error("the message is cut short", 0)
        end
        return sub(s, at, stop - 1), stop
    end
    local function take_short(s, at)
        return take(s, at + 1, byte(s, at) or error("the message is cut short", 0))
    end
    local function take_long(s, at)
        local length
        length, at = read_u32(s, at)
        return take(s, at, length)
    end
    decoders[byte("N")] = function(_, at) return nil, at end
    decoders[byte("T")] = function(_, at) return true, at end
    decoders[byte("F")] = function(_, at) return false, at end
    decoders[byte("j")] = function(s, at)
        return byte(s, at) or error("the message is cut short", 0), at + 1
    end
    decoders[byte("i")] = function(s, at)
        local n
        n, at = read_u32(s, at)
        if n >= 2147483648 then
            n = n - 4294967296
        end
        return n, at
    end
    decoders[byte("d")] = function(s, at)
        local text
        text, at = take_short(s, at)
        return text_number(text), at
    end
    decoders[byte("s")] = take_short
    decoders[byte("S")] = take_long
    decoders[byte("b")] = take_long
    local depth = 0
    local function nested(decode)
        return function(s, at)
            depth = depth + 1
            if depth > MAX_DEPTH then
                error("a table is nested more than " .. MAX_DEPTH .. " deep", 0)
            end
            local count
            count, at = read_u32(s, at)
            local value = {}
            at = decode(s, at, count, value)
            depth = depth - 1
            return value, at
        end
    end
    decoders[byte("l")] = nested(function(s, at, count, value)
        for i = 1, count do
            value[i], at = decode_value(s, at)
        end
        return at
    end)
    decoders[byte("t")] = nested(function(s, at, count, value)
        for _ = 1, count do
            local key, item
            key, at = decode_value(s, at)
            item, at = decode_value(s, at)
            if key == nil or key ~= key then
                error("a table's key is nil or nan", 0)
            end
            value[key] = item
        end
        return at
    end)
    decoders[byte("o")] = function(s, at)
        local number
        number, at = read_u32(s, at)
        local value = references[number]
        if value == nil then
            error("there is no object " .. number .. " (any more)", 0)
        end
        return value, at
    end
    decoders[byte("p")] = function(s, at)
        local number
        number, at = read_u32(s, at)
        return peer.python_function(number), at
    end

    -- Messages ----------------------------------------------------------------------------------

    -- The body comes in parts, the first of which is kept for the head: what is joined once is
    -- copied once.
    local function send(kind, parts)
        local length = 0
        for i = 2, #parts do
            length = length + #parts[i]
        end
        parts[1] = u32(length) .. kind
        write(concat(parts))
    end

    local function receive()
        local head = read(5)
        if not head or #head < 5 then
            return nil
        end
        local length = read_u32(head, 1)
        if length > MAX_MESSAGE then
            return nil -- nonsense: there is no way to find the next message
        end
        local body = ""
        if length > 0 then
            body = read(length)
            if not body or #body < length then
                return nil
            end
        end
        return sub(head, 5, 5), body
    end

    local function put_results(out, ...)
        local count = select("#", ...)
        if count == 1 then -- the common case, without a table
            out[#out + 1] = "\1"
            encode_value(out, (...), 1)
        else
            out[#out + 1] = char(count)
            for i = 1, count do
                encode_value(out, (select(i, ...)), 1)
            end
        end
    end

    -- All operations of a message, in order; what they gave, packed, for `send`.
    local function perform(body)
        local out = { "" }
        local count, at = byte(body, 1), 2
        if not count then
            error("the message is empty", 0)
        end
        depth = 0
        alone = alone and count == 1
        for number = 1, count do
            done = number
            local name
            name, at = take_short(body, at)
            local operation = operations[name]
            if not operation then
                error("there is no operation " .. format("%q", name), 0)
            end
            local argc = byte(body, at) or error("the message is cut short", 0)
            at = at + 1
            if argc == 0 then
                put_results(out, operation())
            elseif argc == 1 then
                local a
                a, at = decode_value(body, at)
                put_results(out, operation(a))
            elseif argc == 2 then
                local a, b
                a, at = decode_value(body, at)
                b, at = decode_value(body, at)
                put_results(out, operation(a, b))
            elseif argc == 3 then
                local a, b, c
                a, at = decode_value(body, at)
                b, at = decode_value(body, at)
                c, at = decode_value(body, at)
                put_results(out, operation(a, b, c))
            else
                local args = {}
                for i = 1, argc do
                    args[i], at = decode_value(body, at)
                end
                put_results(out, operation(unpack(args, 1, argc)))
            end
        end
        if at ~= #body + 1 then
            error("the message is longer than its operations", 0)
        end
        return out
    end

    local function answer(kind, body)
        alone, early, peer.awaited = kind == "C" and requests == 1, false, nil
        local results = perform(body)
        alone = false
        if early then
            kind = "P" -- what fails after the answer is told like what fails in a post
        end
        if failure then
            local text = failure
            failure = nil
            send(kind == "P" and "F" or "E", { "", "\0", text })
        elseif kind == "C" then
            send("R", results)
        end
    end

    -- Answer the current request with these results now, in the middle of its operation, whose own
    -- results are then dropped: Python thinks while the emulator still works on what no request can
    -- see. Whether it was answered: only a request of one operation is, that no callback asked. An
    -- operation says in peer.awaited what it would be answered with; the next request forgets it.
    function peer.answer_early(...)
        if not alone or early or requests ~= 1 then
            return false
        end
        early = true
        local out = { "" }
        put_results(out, ...)
        send("R", out)
        return true
    end

    function peer.was_answered()
        return early
    end

    local function fail(kind, message, thread)
        if early then
            kind = "P"
        end
        local text = type(message) == "string" and message
            or "an error object: " .. tostring(message)
        local trace = debug.traceback(thread, "", 0):gsub("^\n", "")
        failure = nil
        send(kind == "P" and "F" or "E", { "", char(done), text, "\n", trace })
    end

    -- The loop on which all requests are answered that no callback asks. It runs in a coroutine,
    -- so that an operation can yield for a frame (pcall cannot span that in Lua 5.1), and so that
    -- an error ends this coroutine only.
    local kind_now
    local function serve()
        while true do
            local kind, body = receive()
            if kind ~= "C" and kind ~= "P" then
                return
            end
            kind_now, requests = kind, 1
            answer(kind, body)
            requests = 0
        end
    end
    local server = create(serve)

    -- Go on until a frame is wanted (true), until the emulator shall act without one ("settle"), or
    -- the other side is gone (false).
    function peer.step()
        while true do
            local ok, message = resume(server)
            if ok then
                if status(server) == "dead" then
                    return false
                elseif message == "settle" then
                    return message
                end
                peer.frames = peer.frames + 1
                return true
            end
            fail(kind_now, message, server)
            requests, hooks = 0, 0
            server = create(serve)
        end
    end

    -- One frame, for operations. In a callback that the emulator itself calls there is none. When a
    -- callback failed during the frame, its error ends the operation.
    function peer.frame()
        if hooks > 0 then
            error("no frame can be emulated inside a callback that the emulator calls", 2)
        end
        yield()
        if failure then
            error(failure, 0)
        end
    end

    -- Let the emulator act, without a frame: what it does between frames is done afterwards.
    function peer.settle()
        if hooks > 0 then
            error("this cannot be done inside a callback that the emulator calls", 2)
        end
        yield("settle")
    end

    -- A request that arrives while a Python function is being called: answered in between.
    local function answer_nested(kind, body)
        local outer_done = done
        requests = requests + 1
        local thread = create(answer)
        local ok, message = resume(thread, kind, body)
        while ok and status(thread) ~= "dead" do
            yield(message) -- the nested request wants a frame, or to settle
            ok, message = resume(thread)
        end
        if not ok then
            fail(kind, message, thread)
        end
        requests = requests - 1
        done = outer_done
    end

    local function values_of(body)
        depth = 0
        local count, at, values = byte(body, 1) or 0, 2, {}
        for i = 1, count do
            values[i], at = decode_value(body, at)
        end
        return unpack(values, 1, count)
    end

    -- The Lua function that calls Python's function of this number.
    function peer.python_function(number)
        return function(...)
            if requests == 0 then
                return nil -- nobody listens: the emulator is starting or ending
            end
            local out = { "", u32(number) }
            put_results(out, ...)
            send("K", out)
            while true do
                local kind, body = receive()
                if kind == "V" then
                    return values_of(body)
                elseif kind == "X" then
                    error(body, 0)
                elseif kind == "C" or kind == "P" then
                    answer_nested(kind, body)
                else
                    gone()
                    error("the other side is gone", 0)
                end
            end
        end
    end

    local function after_hook(ok, ...)
        hooks = hooks - 1
        if ok then
            return ...
        end
        failure = failure or (...)
    end

    -- f as a callback for the emulator: never raises; the request during which it failed does.
    function peer.guard(f)
        return function(...)
            local count, arguments = select("#", ...), { ... }
            hooks = hooks + 1
            return after_hook(xpcall(function()
                return f(unpack(arguments, 1, count))
            end, function(message)
                return (type(message) == "string" and message or "an error object")
                    .. "\n" .. debug.traceback("", 2):gsub("^\n", "")
            end))
        end
    end

    -- Operations that every peer has ---------------------------------------------------------------

    -- Give back objects that Python no longer holds.
    operations.release = function(numbers)
        for _, number in ipairs(numbers) do
            references[number] = nil
        end
    end

    -- Run Lua: the chunk's results. Its name is what tracebacks show.
    operations.eval = function(code, name, ...)
        local chunk, message = (loadstring or load)(code, name) -- luacheck: ignore
        if not chunk then
            error(message, 0)
        end
        return chunk(...)
    end

    -- Call an object that Python holds.
    operations.call = function(f, ...)
        return f(...)
    end

    return peer
end

-- What the connecting side must know: 128 random bits in hexadecimal.
function copain.token()
    local source = io.open("/dev/urandom", "rb")
    if source then
        local random = source:read(16)
        source:close()
        return (random:gsub(".", function(c) return format("%02x", byte(c)) end))
    end
    math.randomseed(os.time() + floor(os.clock() * 1e6)) -- Windows: the best that plain Lua has
    local text = tostring({}):gsub("[^%x]", "")
    for _ = 1, 12 do
        text = text .. format("%02x", math.random(0, 255))
    end
    return text
end

-- Streams -----------------------------------------------------------------------------------------

-- On two files, such as inherited pipes opened by their names under /dev/fd.
function copain.file_stream(input, output)
    output:setvbuf("full", 65536)
    return {
        read = function(n) return input:read(n) end,
        write = function(s)
            output:write(s)
            output:flush()
        end,
    }
end

-- On a connected luasocket object.
function copain.socket_stream(socket)
    socket:settimeout(nil)
    return {
        read = function(n) return (socket:receive(n)) end,
        write = function(s)
            local at = 1
            while at <= #s do
                local sent = socket:send(s, at)
                if not sent then
                    return -- gone: the next read says so
                end
                at = sent + 1
            end
        end,
    }
end

-- The way back to who launched this emulator, as the environment says it; nil when nobody did.
function copain.launched_stream()
    local setting = os.getenv
    local transport = setting("COPAIN_TRANSPORT")
    if transport == "pipes" then
        return copain.file_stream(
            assert(io.open(setting("COPAIN_READ"), "rb")),
            assert(io.open(setting("COPAIN_WRITE"), "wb"))
        )
    elseif transport == "unix" then
        local socket = require("socket.unix")()
        assert(socket:connect(setting("COPAIN_SOCKET")))
        return copain.socket_stream(socket)
    elseif transport == "tcp" then
        local socket = assert(require("socket").tcp())
        assert(socket:connect("127.0.0.1", tonumber(setting("COPAIN_PORT"))))
        socket:setoption("tcp-nodelay", true)
        socket:send(setting("COPAIN_TOKEN") .. "\n")
        return copain.socket_stream(socket)
    end
    return nil
end

return copain
