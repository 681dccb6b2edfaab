-- fceux_api.lua: FCEUX's whole Lua API as operations by name ("gui.text"), for copain's nes.lua.
--
-- It also makes FCEUX's globals safe for a session: what a callback raises ends the request, not
-- FCEUX's Lua; emu.frameadvance works in evaluated code and in scripts that run beside the session;
-- joypad.set wins over what Python holds. Loaded by fceux.lua; gives a function that a new peer is
-- handed to, and one that says whether `after_emulation` may answer what waits for a frame.

local NAMESPACES = {
    "emu", "rom", "memory", "ppu", "debugger", "joypad", "zapper", "input", "savestate", "movie",
    "gui", "sound", "taseditor", "cdlog", "bit",
}
local GLOBALS = {
    "AND", "OR", "XOR", "SHIFT", "BIT", "addressof", "copytable", "gethash", "print", "tobitstring",
    "tostring",
}
local CALLBACKS = {
    emu = { "registerbefore", "registerafter", "registerexit" },
    memory = { "registerwrite", "registerexec", "register", "registerrun", "registerexecute" },
    savestate = { "registersave", "registerload" },
    gui = { "register" },
    taseditor = { "registerauto", "registermanual" },
}
local BUTTONS = { "A", "B", "select", "start", "up", "down", "left", "right" }

local set_joypad = joypad.set
local traceback = debug.traceback

return function(operations, copain, after_emulation)
    local peer

    -- Once a user's callback or script may run after a frame, what it does belongs to that frame.
    local users_code = false
    emu.registerafter(after_emulation)

    -- Callbacks -----------------------------------------------------------------------------------

    -- An error that leaves a callback ends FCEUX's whole Lua (HandleCallbackError), and with it the
    -- session: guard them all, those of users' scripts too.
    local originals = setmetatable({}, { __mode = "k" }) -- by guard
    local python = setmetatable({}, { __mode = "k" }) -- functions that Python gave

    local function guarding(register)
        return function(...)
            local arguments, count = { ... }, select("#", ...)
            for i = 1, count do
                local f = arguments[i]
                if type(f) == "function" then
                    users_code = true
                    arguments[i] = peer.guard(f)
                    originals[arguments[i]] = f
                end
            end
            local previous = register(unpack(arguments, 1, count))
            if previous == after_emulation then
                return nil
            end
            return originals[previous] or previous
        end
    end

    for namespace, names in pairs(CALLBACKS) do
        for _, name in ipairs(names) do
            _G[namespace][name] = guarding(_G[namespace][name])
        end
    end

    -- Register what Python gave; true stands for what Python gave before.
    local function from_python(register)
        return function(f, ...)
            if f then
                python[f] = true
            end
            local previous = register(f, ...)
            return python[previous] or previous
        end
    end

    -- Joypads and frames --------------------------------------------------------------------------

    -- What joypad.set was given is set again right before the frame, after what Python holds.
    local pending = {}
    local function joypad_set(port, buttons)
        set_joypad(port, buttons) -- it says what is wrong with them
        local copy = {}
        for _, button in ipairs(BUTTONS) do
            copy[button] = buttons[button]
        end
        pending[tonumber(port)] = copy
    end
    joypad.set, joypad.write = joypad_set, joypad_set

    -- Scripts of users: coroutines that go on after each frame, in the order they were loaded.
    local scripts, script_now, loaded = {}, nil, 0

    local function frameadvance()
        if script_now and coroutine.running() == script_now.thread then
            coroutine.yield()
        else
            peer.frame()
        end
    end
    emu.frameadvance, FCEU.frameadvance = frameadvance, frameadvance
    for _, name in ipairs(CALLBACKS.emu) do
        FCEU[name] = emu[name]
    end

    -- What the script raised until its next frame, or nil.
    local function go_on(script)
        script_now = script
        local ok, message = coroutine.resume(script.thread)
        script_now = nil
        script.running = coroutine.status(script.thread) ~= "dead"
        if not ok then
            return traceback(script.thread, tostring(message))
        end
        return nil
    end

    local function after_frame()
        local still, failure = {}, nil
        for _, script in ipairs(scripts) do
            if script.running then
                local message = go_on(script)
                failure = failure or message
            end
            if script.running then
                still[#still + 1] = script
            end
        end
        scripts = still
        if failure then
            error(failure, 0)
        end
    end

    local nobody_unpauses = os.getenv("QT_QPA_PLATFORM") == "offscreen"

    local function wrap_frame()
        local frame = peer.frame
        peer.frame = function()
            if script_now then
                error("no frame can be emulated while a script runs: it waits in emu.frameadvance", 2)
            end
            if nobody_unpauses and emu.paused() then
                error("FCEUX is paused, so no frame would ever end: call emu.unpause first", 2)
            end
            for port, buttons in pairs(pending) do
                set_joypad(port, buttons)
                pending[port] = nil
            end
            frame()
            if scripts[1] then
                after_frame()
            end
        end
    end

    -- A script's own globals: relative names mean files beside it, as when FCEUX runs it (which
    -- changes the folder for it).
    local function environment(folder)
        local function beside(path)
            if type(path) ~= "string" or path:match("^[/\\]") or path:match("^%a:") then
                return path
            end
            return folder .. path
        end
        local files = setmetatable({
            open = function(path, ...) return io.open(beside(path), ...) end,
            lines = function(path, ...)
                if path == nil then
                    return io.lines()
                end
                return io.lines(beside(path), ...)
            end,
        }, { __index = io })
        return setmetatable({
            io = files,
            dofile = function(path) return dofile(beside(path)) end,
            loadfile = function(path) return loadfile(beside(path)) end,
        }, { __index = _G, __newindex = _G })
    end

    operations["lua.load"] = function(path, argument)
        local chunk, message = loadfile(path)
        if not chunk then
            error(message, 0)
        end
        local folder = path:match("^(.*[/\\])") or "./"
        if not package.path:find(folder .. "?.lua;", 1, true) then
            package.path = folder .. "?.lua;" .. package.path
        end
        setfenv(chunk, environment(folder))
        arg = argument -- luacheck: ignore (FCEUX's name for what a script is given)
        loaded = loaded + 1
        local script = { thread = coroutine.create(chunk), number = loaded, running = true }
        local failure = go_on(script)
        if failure then
            error(failure, 0)
        end
        if script.running then
            users_code = true
            scripts[#scripts + 1] = script
        end
        return loaded
    end

    local function script_of(number)
        for _, script in ipairs(scripts) do
            if script.number == number then
                return script
            end
        end
        return nil
    end
    operations["lua.running"] = function(number)
        local script = script_of(number)
        return script ~= nil and script.running
    end
    operations["lua.stop"] = function(number)
        local script = script_of(number)
        if script then
            script.running = false -- taken out of the list after the next frame
        end
    end

    -- What FCEUX does when its window closes, for a session that ends without that.
    operations["lua.leave"] = function()
        local f = emu.registerexit(nil)
        if f then
            f()
        end
    end

    -- What would crash FCEUX or stop it for ever ---------------------------------------------------

    -- A popup is the program xmessage; where the last folder of PATH is reached without it, FCEUX
    -- 2.6.5 crashes (doPopup walks past the last colon).
    local function has_xmessage()
        for folder in (os.getenv("PATH") or ""):gmatch("([^:]*):") do
            local file = io.open(folder .. "/xmessage", "rb")
            if file then
                file:close()
                return true
            end
        end
        return false
    end
    for _, namespace in ipairs({ "gui", "input" }) do
        local popup = _G[namespace].popup
        local function safe_popup(...)
            if package.config:sub(1, 1) == "/" and not has_xmessage() then
                error("a popup needs the program xmessage, which is not on PATH (Debian: "
                    .. "apt install x11-utils)", 2)
            end
            return popup(...)
        end
        _G[namespace].popup = safe_popup
    end

    -- A breakpoint waits for a person at the debugger's window.
    local hit_breakpoint = debugger.hitbreakpoint
    debugger.hitbreakpoint = function()
        if nobody_unpauses then
            error("a breakpoint would wait for ever: there is no window (open FCEUX with "
                .. "visible=True)", 2)
        end
        hit_breakpoint()
    end

    -- FCEUX 2.6.5 looks for a file name where none is kept, and follows a null pointer.
    savestate.loadscriptdata = function()
        error("FCEUX 2.6.5 crashes in savestate.loadscriptdata; what savestate.registersave keeps "
            .. "comes back in savestate.registerload", 2)
    end

    -- The operations ------------------------------------------------------------------------------

    for _, namespace in ipairs(NAMESPACES) do
        for name, f in pairs(_G[namespace]) do
            operations[namespace .. "." .. name] = f
        end
    end
    for _, name in ipairs(GLOBALS) do
        operations["_G." .. name] = _G[name]
    end
    for namespace, names in pairs(CALLBACKS) do
        if namespace ~= "memory" then
            for _, name in ipairs(names) do
                operations[namespace .. "." .. name] = from_python(_G[namespace][name])
            end
        end
    end

    -- Bytes shall arrive as bytes, and however many.
    for namespace, domain in pairs({ memory = "cpu", ppu = "ppu", rom = "rom" }) do
        operations[namespace .. ".readbyterange"] = function(start, length)
            return operations.read(domain, start, length)
        end
    end
    local screenshot = gui.gdscreenshot
    operations["gui.gdscreenshot"] = function(clean) return copain.bytes(screenshot(clean)) end

    -- FCEUX 2.6.5 says here that there is one result and pushes none: what comes is not a truth
    -- value, and no result means false.
    for _, name in ipairs({ "ispoweron", "isfromsavestate" }) do
        local f = movie[name]
        operations["movie." .. name] = function() return f() ~= nil end
    end
    for _, name in ipairs({ "savescreenshot", "savescreenshotas" }) do
        local f = gui[name]
        operations["gui." .. name] = function(...) f(...) end
    end
    local write_rom = rom.writebyte
    operations["rom.writebyte"] = function(...) write_rom(...) end

    -- FCEUX 2.6.5 crashes when it shall write a savestate in which nothing was saved.
    local filled = setmetatable({}, { __mode = "k" })
    local save, persist = savestate.save, savestate.persist
    operations["savestate.save"] = function(state)
        save(state)
        filled[state] = true
    end
    operations["savestate.persist"] = function(state)
        if not filled[state] then
            error("there is nothing in this savestate: call savestate.save first", 0)
        end
        persist(state)
    end

    -- For evaluated code: copain.bytes(s) arrives in Python as bytes.
    _G.copain = { bytes = copain.bytes }

    local function take_peer(new_peer)
        peer = new_peer
        wrap_frame()
    end
    return take_peer, function() return not users_code end
end
