// What Python sees of Colibri: bindings, and nothing else. Signatures and words for people are in
// src/copain/_native.pyi.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "batch/error.h"
#include "binding.h"
#include "colibri/cartridge.h"
#include "colibri/console.h"
#include "colibri/copies.h"
#include "colibri/fleet.h"
#include "colibri/hooks.h"
#include "colibri/machine.h"

namespace copain {

namespace {

using colibri::Access;
using colibri::Cartridge;
using colibri::Console;
using colibri::Held;
using colibri::Machine;
using colibri::StatePool;

using SharedCartridge = std::shared_ptr<const Cartridge>;

// A cartridge as Python holds it: nanobind's classes are not const.
struct CartridgeHandle {
    explicit CartridgeHandle(const nb::bytes& data) : cartridge(Cartridge::parse(bytes_of(data))) {}

    SharedCartridge cartridge;
};

colibri::Options options_of(const CartridgeHandle& cartridge, std::optional<unsigned> region,
                            bool four_score, unsigned ram, uint32_t ram_seed) {
    if (region.value_or(0) > 2 || ram > 3)
        throw CoreError("region is 0 to 2, ram 0 to 3");
    colibri::Options options;
    options.region = region ? static_cast<colibri::Region>(*region) : cartridge.cartridge->region;
    options.four_score = four_score;
    options.ram = static_cast<colibri::PowerOnRam>(ram);
    options.ram_seed = ram_seed;
    return options;
}

// Hooks ---------------------------------------------------------------------------------------

enum class Kind { execute, read, write, trace };

// A Python function that is called while a machine runs.
struct PyHook {
    PyHook(const std::string& kind, uint16_t first, uint16_t last, nb::callable function)
        : first(first), last(last), function(std::move(function)) {
        if (kind == "execute")
            this->kind = Kind::execute;
        else if (kind == "read")
            this->kind = Kind::read;
        else if (kind == "write")
            this->kind = Kind::write;
        else if (kind == "trace")
            this->kind = Kind::trace;
        else
            throw CoreError("a hook is execute, read, write or trace, not " + kind);
    }

    Kind kind = Kind::execute;
    uint16_t first, last;
    nb::object function;
    bool active = true;
};

// Functions often hold the emulator that holds them: Python's collector has to see through.
int traverse_hook(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (nb::inst_ready(self))
        Py_VISIT(nb::inst_ptr<PyHook>(self)->function.ptr());
    return 0;
}

int clear_hook(PyObject* self) {
    if (nb::inst_ready(self))
        nb::inst_ptr<PyHook>(self)->function.reset();
    return 0;
}

PyType_Slot hook_slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_hook)},
                            {Py_tp_clear, reinterpret_cast<void*>(clear_hook)},
                            {0, nullptr}};

// A file to which instructions are written as they run.
class TraceFile {
  public:
    explicit TraceFile(const std::string& path) : file_(std::fopen(path.c_str(), "w")) {
        if (!file_)
            throw CoreError(path + " cannot be written: " + std::strerror(errno));
    }

    void write(const std::string& line) {
        if (!file_)
            throw CoreError("this trace is closed");
        if (std::fputs(line.c_str(), file_.get()) < 0 || std::fputc('\n', file_.get()) == EOF)
            throw CoreError(std::string("the trace cannot be written: ") + std::strerror(errno));
        ++lines_;
    }
    uint64_t lines() const { return lines_; }
    void close() {
        if (std::FILE* file = file_.release(); file && std::fclose(file) != 0)
            throw CoreError(std::string("the trace cannot be written: ") + std::strerror(errno));
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    uint64_t lines_ = 0;
};

// The hooks of one `advance`: what they throw stops the frame, and comes out of `advance`.
class Running {
  public:
    Running(const std::optional<nb::sequence>& hooks, TraceFile* file) : file_(file) {
        if (hooks) {
            for (const nb::handle item : *hooks) {
                PyHook* hook = nullptr;
                if (!nb::try_cast(item, hook) || !hook)
                    throw nb::type_error("hooks holds something that is not a Hook");
                if (hook->active)
                    kept_.push_back(nb::borrow(item));
            }
        }
        calls_.reserve(kept_.size());
        for (const nb::object& item : kept_) {
            auto* hook = nb::cast<PyHook*>(item);
            Call& call = calls_.emplace_back(Call{hook, this});
            const colibri::Hook native{hook->first, hook->last, on_access, &call};
            switch (hook->kind) {
                case Kind::execute:
                    hooks_.execute.push_back(native);
                    break;
                case Kind::read:
                    hooks_.read.push_back(native);
                    break;
                case Kind::write:
                    hooks_.write.push_back(native);
                    break;
                case Kind::trace:
                    traces_.push_back(&call);
                    break;
            }
        }
        if (file_ || !traces_.empty()) {
            hooks_.trace = on_instruction;
            hooks_.trace_context = this;
        }
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    // Null where nothing is to be called.
    colibri::Hooks* hooks() { return calls_.empty() && !file_ ? nullptr : &hooks_; }
    void throw_if_failed() const {
        if (error_)
            std::rethrow_exception(error_);
    }
    // Whether a hook on a read or write is called now, amid an instruction.
    bool amid_instruction() const { return amid_; }

  private:
    struct Call {
        PyHook* hook;
        Running* running;
    };

    template <typename Function>
    void guarded(Machine& machine, const Function& function) noexcept {
        try {
            function();
        } catch (...) {
            error_ = std::current_exception();
            machine.hooks->stop = true;
        }
    }

    static void on_access(void* context, Machine& machine, const Access& access) {
        const auto& [hook, running] = *static_cast<Call*>(context);
        if (!hook->active || running->error_)
            return;
        const nb::gil_scoped_acquire gil;
        running->amid_ = hook->kind != Kind::execute;
        running->guarded(machine, [&] {
            nb::object function = hook->function;  // which it may take away itself
            function(access.address, access.value);
        });
        running->amid_ = false;
    }

    static void on_instruction(void* context, Machine& machine, const colibri::TraceLine& line) {
        auto* running = static_cast<Running*>(context);
        if (running->error_)
            return;
        const std::string text = colibri::to_text(line);
        if (running->file_)
            running->guarded(machine, [&] { running->file_->write(text); });
        for (const Call* call : running->traces_) {
            if (!call->hook->active || running->error_)
                continue;
            const nb::gil_scoped_acquire gil;
            running->guarded(machine, [&] {
                nb::object function = call->hook->function;
                function(text);
            });
        }
    }

    TraceFile* file_;
    std::vector<nb::object> kept_;
    std::vector<Call> calls_;
    std::vector<const Call*> traces_;
    colibri::Hooks hooks_;
    std::exception_ptr error_;
    bool amid_ = false;
};

// Machines ------------------------------------------------------------------------------------

// A machine as Python holds it. Any thread may use it, one at a time; hooks come back into it on
// the thread that runs it. Views of its RAM hold its console too.
class MachineHandle {
  public:
    MachineHandle(const CartridgeHandle& cartridge, std::optional<unsigned> region, bool four_score,
                  unsigned ram, uint32_t ram_seed)
        : console_(std::make_shared<Console>(
              cartridge.cartridge, options_of(cartridge, region, four_score, ram, ram_seed))) {}

    // Held while one thread is inside.
    class Use {
      public:
        explicit Use(MachineHandle& handle) : handle_(handle), console_(handle.console_) {
            if (!console_)
                throw CoreError("this machine is closed");
            std::thread::id nobody;
            const std::thread::id self = std::this_thread::get_id();
            outermost_ = handle.user_.compare_exchange_strong(nobody, self);
            if (!outermost_ && nobody != self)
                throw CoreError("another thread is inside this machine");
        }
        ~Use() {
            if (outermost_)
                handle_.user_ = std::thread::id();
        }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

        Console& operator*() const { return *console_; }
        Console* operator->() const { return console_.get(); }
        const std::shared_ptr<Console>& shared() const { return console_; }
        Machine& machine() const { return console_->machine(); }
        void only_between_frames(const char* what) const {
            if (!outermost_)
                throw CoreError(std::string(what) + " is not for hooks: call it after the frame");
        }
        // PPU and APU are behind while a frame runs.
        void catch_up() const {
            if (!outermost_)
                colibri::ppu::catch_up(machine(), machine().s().cpu.cycle);
        }

      private:
        MachineHandle& handle_;
        std::shared_ptr<Console> console_;
        bool outermost_;
    };

    bool closed() const { return !console_; }
    void close() { console_.reset(); }

    uint64_t frames_run = 0;
    Running* running = nullptr;

  private:
    std::shared_ptr<Console> console_;
    std::atomic<std::thread::id> user_;
};

using Use = MachineHandle::Use;

void advance(MachineHandle& handle, const nb::sequence& held, uint64_t frames,
             const std::optional<nb::sequence>& hooks, TraceFile* trace) {
    const Use use(handle);
    use.only_between_frames("advance");
    std::array<uint16_t, std::tuple_size_v<Held>> bits{};
    size_t ports = 0;
    for (const nb::handle port : held) {
        if (ports == bits.size())
            throw CoreError("at most 4 joypads can be held");
        if (!nb::try_cast(port, bits[ports++]))
            throw nb::type_error("what a port holds is an integer, 0 to 65535");
    }
    const Held pads = Console::held_of(bits.data(), ports);
    if (!hooks && !trace) {
        const nb::gil_scoped_release released;
        use->advance(pads, frames, nullptr, check_signals);
        return;
    }
    Running running(hooks, trace);
    handle.running = &running;
    struct End {
        MachineHandle& handle;
        ~End() { handle.running = nullptr; }
    } const end{handle};
    {
        const nb::gil_scoped_release released;
        use->advance(pads, frames, running.hooks(), check_signals);
    }
    running.throw_if_failed();
}

void play(MachineHandle& handle, const Array<const uint16_t, nb::ndim<2>>& inputs,
          const Array<const int64_t, nb::ndim<1>>& watch,
          const Array<uint8_t, nb::ndim<2>>& watched) {
    const Use use(handle);
    use.only_between_frames("play");
    if (inputs.shape(1) > std::tuple_size_v<Held> || watched.shape(0) != inputs.shape(0) ||
        watched.shape(1) != watch.size())
        throw CoreError("play: inputs (T, ports up to 4) and watch (W,) need watched (T, W)");
    for (size_t i = 0; i < watch.size(); ++i)
        if (watch.data()[i] < 0 || watch.data()[i] >= int64_t{sizeof(colibri::State::ram)})
            throw CoreError("play: a watched address lies outside of RAM");
    const nb::gil_scoped_release released;
    use->play(span_of(inputs), inputs.shape(1), span_of(watch), watched.data(), check_signals);
}

nb::bytes save_state(MachineHandle& handle) {
    const Use use(handle);
    if (handle.running && handle.running->amid_instruction())
        throw CoreError(
            "a savestate is taken between two instructions: in a hook on execute, or "
            "after the frame");
    return to_bytes({use.machine().block(), use.machine().block_size()});
}

void load_state(MachineHandle& handle, const nb::bytes& data) {
    const Use use(handle);
    if (const char* reason = use.machine().check(bytes_of(data)))
        throw CoreError(reason);
    use->load(bytes_of(data));
}

// Memory --------------------------------------------------------------------------------------

// A domain that lies somewhere as bytes; nothing for the two buses.
std::span<uint8_t> domain(Machine& machine, const std::string& name) {
    colibri::State& s = machine.s();
    if (name == "ram")
        return s.ram;
    if (name == "save_ram")
        return machine.prg_ram();
    if (name == "chr_ram")
        return machine.chr_ram();
    if (name == "palette")
        return s.ppu.palette;
    if (name == "oam")
        return s.ppu.oam;
    if (name == "nametables")
        return s.ppu.nametables;
    if (name == "extra_nametables")
        return machine.extra_nametables();
    throw CoreError("there is no memory called " + name);
}

constexpr size_t kCpuBus = 0x10000, kPpuBus = 0x4000;

size_t bus_size(const std::string& name) {
    return name == "cpu" ? kCpuBus : name == "ppu" ? kPpuBus : 0;
}

void check_bus(size_t size, uint64_t address, uint64_t length) {
    if (address > size || length > size - address)
        throw CoreError(std::to_string(length) + " bytes at " + std::to_string(address) +
                        " lie outside of this memory, which has " + std::to_string(size) +
                        " bytes");
}

size_t memory_size(MachineHandle& handle, const std::string& name) {
    const Use use(handle);
    const size_t size = bus_size(name);
    return size > 0 ? size : domain(use.machine(), name).size();
}

nb::bytes read_memory(MachineHandle& handle, const std::string& name, uint64_t address,
                      uint64_t length) {
    const Use use(handle);
    Machine& machine = use.machine();
    if (name == "ram")
        return to_bytes(part_of(machine.s().ram, address, length));
    use.catch_up();
    const size_t bus = bus_size(name);
    if (bus == 0)
        return to_bytes(part_of(domain(machine, name), address, length));
    check_bus(bus, address, length);
    std::vector<uint8_t> bytes(length);
    for (size_t i = 0; i < length; ++i) {
        const auto at = static_cast<uint16_t>(address + i);
        bytes[i] = bus == kCpuBus ? machine.peek(at) : colibri::ppu::peek(machine, at);
    }
    return to_bytes(bytes);
}

uint8_t read_byte(MachineHandle& handle, uint64_t address) {
    const Use use(handle);
    return part_of(use.machine().s().ram, address, 1)[0];
}

void write_memory(MachineHandle& handle, const std::string& name, uint64_t address,
                  const nb::bytes& data) {
    const Use use(handle);
    Machine& machine = use.machine();
    use.catch_up();
    const std::span<const uint8_t> from = bytes_of(data);
    const size_t bus = bus_size(name);
    if (bus == 0) {
        std::ranges::copy(from, part_of(domain(machine, name), address, from.size()).begin());
    } else {
        check_bus(bus, address, from.size());
        for (size_t i = 0; i < from.size(); ++i) {
            const auto at = static_cast<uint16_t>(address + i);
            if (bus == kPpuBus)
                colibri::ppu::poke(machine, at, from[i]);
            else if (!machine.poke(at, from[i]))
                throw CoreError("there is no memory to write at " + std::to_string(at) +
                                " of the CPU's bus");
        }
    }
    machine.schedule();  // sprites and palettes decide when something next happens
}

nb::object view_ram(MachineHandle& handle) {
    const Use use(handle);
    auto* kept = new std::shared_ptr<Console>(use.shared());
    const nb::capsule owner(
        kept, [](void* data) noexcept { delete static_cast<std::shared_ptr<Console>*>(data); });
    return nb::cast(nb::ndarray<nb::numpy, const uint8_t, nb::ndim<1>>(
        use->ram(), {sizeof(colibri::State::ram)}, owner));
}

// Picture and sound ---------------------------------------------------------------------------

using Palette = Array<const uint8_t, nb::shape<512, 3>>;

nb::object screen(MachineHandle& handle, const Palette& palette) {
    const Use use(handle);
    std::unique_ptr<uint8_t[]> rgb(new uint8_t[Console::kRgbSize]);
    use->rgb(palette.data(), rgb.get());
    uint8_t* data = rgb.release();
    const nb::capsule owner(data,
                            [](void* kept) noexcept { delete[] static_cast<uint8_t*>(kept); });
    return nb::cast(
        nb::ndarray<nb::numpy, uint8_t>(data, {Console::kHeight, Console::kWidth, 3}, owner));
}

nb::object picture(MachineHandle& handle) {
    const Use use(handle);
    const std::span<const uint16_t> picture = use->picture();
    return to_array(std::vector<uint16_t>(picture.begin(), picture.end()),
                    {Console::kHeight, Console::kWidth});
}

nb::object audio(MachineHandle& handle) {
    const Use use(handle);
    const std::vector<int16_t>& mono = use->samples();
    std::vector<int16_t> both;
    both.reserve(2 * mono.size());
    for (const int16_t sample : mono) {
        both.push_back(sample);
        both.push_back(sample);
    }
    return to_array(std::move(both), {mono.size(), 2});
}

// The processor -------------------------------------------------------------------------------

using RegisterTuple = std::tuple<uint16_t, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t>;

RegisterTuple registers(MachineHandle& handle) {
    const Use use(handle);
    const colibri::Registers r = use.machine().registers();
    return {r.pc, r.a, r.x, r.y, r.s, r.p};
}

void set_registers(MachineHandle& handle, const RegisterTuple& values) {
    const Use use(handle);
    const auto [pc, a, x, y, s, p] = values;
    use.machine().set_registers({pc, a, x, y, s, p});
}

std::pair<nb::bytes, std::string> disassemble(MachineHandle& handle, uint16_t address) {
    const Use use(handle);
    std::array<uint8_t, 3> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = use.machine().peek(static_cast<uint16_t>(address + i));
    const auto size = static_cast<size_t>(colibri::instruction_size(bytes[0]));
    return {to_bytes({bytes.data(), size}), colibri::disassemble(address, bytes)};
}

// PPUCTRL, PPUMASK, PPUSTATUS, v, t, fine X, w, dot of the frame.
std::tuple<int, int, int, int, int, int, int, int> ppu_registers(MachineHandle& handle) {
    const Use use(handle);
    use.catch_up();
    const colibri::PpuState& p = use.machine().s().ppu;
    return {p.ctrl, p.mask, p.status, p.v, p.t, p.fine_x, p.w, p.dot};
}

// A number of State.
template <typename Function>
auto reading(Function function) {
    return [function](MachineHandle& handle) {
        const Use use(handle);
        return function(use.machine());
    };
}

// Fleets --------------------------------------------------------------------------------------

struct FleetHandle {
    FleetHandle(const CartridgeHandle& cartridge, size_t workers, std::optional<unsigned> region,
                bool four_score, unsigned ram, uint32_t ram_seed)
        : fleet(cartridge.cartridge, options_of(cartridge, region, four_score, ram, ram_seed),
                workers) {}

    colibri::Fleet fleet;
};

void rollout(FleetHandle& handle, StatePool& pool, const Slots& parents,
             const Array<const uint16_t, nb::ndim<3>>& inputs, bool keep,
             const Array<const int64_t, nb::ndim<1>>& watch,
             const std::optional<Array<const uint8_t, nb::ndim<1>>>& mask,
             const Array<uint8_t, nb::ndim<2>>& ram, const Array<uint8_t, nb::ndim<3>>& watched,
             const Array<int32_t, nb::ndim<1>>& slots, const Array<uint64_t, nb::ndim<1>>& hashes,
             size_t drawn) {
    const RolloutArrays arrays{parents, inputs, keep, watch, mask, ram, watched, slots, hashes};
    RolloutBatch batch = arrays.batch();
    batch.drawn = drawn;
    const nb::gil_scoped_release released;
    handle.fleet.rollout(pool, batch, check_signals);
}

std::pair<double, uint64_t> time_rollout(FleetHandle& handle, const std::vector<nb::bytes>& states,
                                         const Slots& parents,
                                         const Array<const uint16_t, nb::ndim<3>>& inputs,
                                         bool drawn) {
    if (inputs.shape(0) != parents.size())
        throw CoreError("time_rollout: one input log for each parent is needed");
    std::vector<std::vector<uint8_t>> kept;
    for (const nb::bytes& state : states)
        kept.emplace_back(bytes_of(state).begin(), bytes_of(state).end());
    const nb::gil_scoped_release released;
    return handle.fleet.time_rollout(kept, span_of(parents), span_of(inputs), inputs.shape(1),
                                     inputs.shape(2), drawn);
}

// Copies --------------------------------------------------------------------------------------

struct CopiesHandle {
    CopiesHandle(const CartridgeHandle& cartridge, size_t count, size_t workers,
                 const Array<const uint8_t, nb::ndim<2>>& palette, std::optional<unsigned> region,
                 bool four_score, unsigned ram, uint32_t ram_seed)
        : copies(cartridge.cartridge, options_of(cartridge, region, four_score, ram, ram_seed),
                 count, workers, span_of(palette)) {}

    colibri::Copies copies;
};

size_t row_of(const CopiesHandle& handle, int64_t row) {
    if (row < 0 || static_cast<size_t>(row) >= handle.copies.count())
        throw CoreError("there is no copy " + std::to_string(row));
    return static_cast<size_t>(row);
}

void load_copies(CopiesHandle& handle, const Slots& rows, const nb::sequence& states) {
    std::vector<std::span<const uint8_t>> blocks;
    std::vector<nb::bytes> held;
    for (const nb::handle state : states) {
        held.push_back(nb::cast<nb::bytes>(state));
        blocks.push_back(bytes_of(held.back()));
    }
    if (blocks.size() != rows.size())
        throw CoreError("a state for each copy is needed");
    for (size_t i = 0; i < rows.size(); ++i)
        row_of(handle, rows.data()[i]);
    handle.copies.load(span_of(rows), blocks);
}

std::pair<nb::bytes, int64_t> save_copy(CopiesHandle& handle, int64_t row) {
    const auto [state, frame] = handle.copies.save(row_of(handle, row));
    return {to_bytes(state), frame};
}

void play_copies(CopiesHandle& handle, const Slots& rows,
                 const Array<const uint16_t, nb::ndim<3>>& inputs, const SeenArrays& arrays) {
    const Seen seen = arrays.seen(rows, inputs, handle.copies.count());
    const nb::gil_scoped_release released;
    handle.copies.play(seen, check_signals);
}

}  // namespace

void bind_colibri(nb::module_& module) {
    module.attr("COLIBRI_VERSION") = std::to_string(colibri::kStateVersion);
    nb::exception<colibri::RomError>(module, "CartridgeError", PyExc_ValueError);

    nb::class_<CartridgeHandle>(module, "Cartridge", nb::is_weak_referenceable())
        .def(nb::init<const nb::bytes&>(), "data"_a)
        .def_prop_ro("mapper", [](const CartridgeHandle& self) { return self.cartridge->mapper; })
        .def_prop_ro("mapper_name",
                     [](const CartridgeHandle& self) {
                         const colibri::Mapper* found =
                             colibri::find_mapper(self.cartridge->mapper);
                         return std::string(found ? found->name : "");
                     })
        .def_prop_ro("region",
                     [](const CartridgeHandle& self) {
                         return static_cast<unsigned>(self.cartridge->region);
                     })
        .def_prop_ro("hash", [](const CartridgeHandle& self) { return self.cartridge->hash; });

    nb::class_<PyHook>(module, "Hook", nb::type_slots(hook_slots))
        .def(nb::init<const std::string&, uint16_t, uint16_t, nb::callable>(), "kind"_a, "first"_a,
             "last"_a, "function"_a)
        .def_ro("first", &PyHook::first)
        .def_ro("last", &PyHook::last)
        .def_rw("active", &PyHook::active);

    nb::class_<TraceFile>(module, "TraceFile")
        .def(nb::init<const std::string&>(), "path"_a)
        .def_prop_ro("lines", &TraceFile::lines)
        .def("close", &TraceFile::close);

    nb::class_<MachineHandle>(module, "Machine")
        .def(nb::init<const CartridgeHandle&, std::optional<unsigned>, bool, unsigned, uint32_t>(),
             "cartridge"_a, "region"_a.none() = nb::none(), "four_score"_a = false, "ram"_a = 0,
             "ram_seed"_a = 0)
        .def("advance", &advance, "held"_a, "frames"_a, "hooks"_a.none() = nb::none(),
             "trace"_a.none() = nb::none())
        .def("play", &play, "inputs"_a.noconvert(), "watch"_a.noconvert(), "watched"_a.noconvert())
        .def("power_on",
             [](MachineHandle& self) {
                 const Use use(self);
                 use.only_between_frames("power_on");
                 use->power_on();
             })
        .def("soft_reset",
             [](MachineHandle& self) {
                 const Use use(self);
                 use.only_between_frames("soft_reset");
                 use.machine().soft_reset();
             })
        .def("save_state", &save_state)
        .def("load_state", &load_state, "data"_a)
        .def_prop_ro("state_size", reading([](Machine& m) { return m.block_size(); }))
        .def_prop_ro("frame", reading([](Machine& m) { return m.s().frame; }))
        .def_prop_ro("lagged", reading([](Machine& m) { return m.s().lagged != 0; }))
        .def_prop_ro("lag_count", reading([](Machine& m) { return m.s().lag_frames; }))
        .def_prop_ro("cycles", reading([](Machine& m) { return m.cycles(); }))
        .def_prop_ro("instructions", reading([](Machine& m) { return m.s().instructions; }))
        .def_prop_ro("region", reading([](Machine& m) { return unsigned{m.s().region}; }))
        .def_prop_rw("skips_idle", reading([](Machine& m) { return m.skips_idle; }),
                     [](MachineHandle& self, bool skips) {
                         const Use use(self);
                         use.machine().skips_idle = skips;
                     })
        .def("memory_size", &memory_size, "domain"_a)
        .def("read_memory", &read_memory, "domain"_a, "address"_a, "length"_a)
        .def("read_byte", &read_byte, "address"_a)
        .def("write_memory", &write_memory, "domain"_a, "address"_a, "data"_a)
        .def("view_ram", &view_ram)
        .def("screen", &screen, "palette"_a.noconvert())
        .def_prop_ro("picture", &picture)
        .def_prop_ro("audio", &audio)
        .def_prop_ro_static("sample_rate", [](nb::handle) { return double{Console::kSampleRate}; })
        .def_prop_rw("registers", &registers, &set_registers)
        .def_prop_ro("ppu_registers", &ppu_registers)
        .def("disassemble", &disassemble, "address"_a)
        .def_prop_ro("closed", &MachineHandle::closed)
        .def("close", &MachineHandle::close);

    nb::class_<StatePool>(module, "StatePool")
        .def(
            "__init__",
            [](StatePool* self, const CartridgeHandle& cartridge, uint64_t capacity,
               std::optional<unsigned> region, bool four_score) {
                new (self) StatePool(cartridge.cartridge,
                                     options_of(cartridge, region, four_score, 0, 0), capacity);
            },
            "cartridge"_a, "capacity"_a, "region"_a.none() = nb::none(), "four_score"_a = false)
        .def_prop_ro("capacity", [](StatePool& self) { return self.slots().capacity(); })
        .def_prop_ro("used", [](StatePool& self) { return self.slots().used(); })
        .def_prop_ro("slot_size", [](StatePool& self) { return self.slots().slot_size(); })
        .def(
            "put",
            [](StatePool& self, const nb::bytes& data) {
                const auto lock = hold(self.slots());
                return self.put(bytes_of(data));
            },
            "data"_a)
        .def(
            "get",
            [](StatePool& self, int64_t slot) {
                const auto lock = hold(self.slots());
                const auto [state, frame] = self.slots().get(slot);
                return std::pair(to_bytes(state), frame);
            },
            "slot"_a)
        .def(
            "free",
            [](StatePool& self, const Slots& slots) {
                const auto lock = hold(self.slots());
                self.slots().free(span_of(slots));
            },
            "slots"_a);

    // Arrays that are written must not be converted: a copy would be written instead.
    nb::class_<FleetHandle>(module, "MachineFleet")
        .def(nb::init<const CartridgeHandle&, size_t, std::optional<unsigned>, bool, unsigned,
                      uint32_t>(),
             "cartridge"_a, "workers"_a, "region"_a.none() = nb::none(), "four_score"_a = false,
             "ram"_a = 0, "ram_seed"_a = 0)
        .def_prop_ro("workers", [](FleetHandle& self) { return self.fleet.workers(); })
        .def(
            "set_skips_idle",
            [](FleetHandle& self, bool skips) { self.fleet.set_skips_idle(skips); }, "skips"_a)
        .def("rollout", &rollout, "pool"_a, "parents"_a.noconvert(), "inputs"_a.noconvert(),
             "keep"_a, "watch"_a.noconvert(), "mask"_a.none().noconvert(), "ram"_a.noconvert(),
             "watched"_a.noconvert(), "slots"_a.noconvert(), "hashes"_a.noconvert(), "drawn"_a = 0)
        .def("time_rollout", &time_rollout, "states"_a, "parents"_a.noconvert(),
             "inputs"_a.noconvert(), "drawn"_a = false);

    nb::class_<CopiesHandle>(module, "MachineCopies")
        .def(nb::init<const CartridgeHandle&, size_t, size_t,
                      const Array<const uint8_t, nb::ndim<2>>&, std::optional<unsigned>, bool,
                      unsigned, uint32_t>(),
             "cartridge"_a, "count"_a, "workers"_a, "palette"_a, "region"_a.none() = nb::none(),
             "four_score"_a = false, "ram"_a = 0, "ram_seed"_a = 0)
        .def(
            "set_skips_idle",
            [](CopiesHandle& self, bool skips) { self.copies.set_skips_idle(skips); }, "skips"_a)
        .def("load", &load_copies, "rows"_a.noconvert(), "states"_a)
        .def("save", &save_copy, "row"_a)
        .def("play", &play_copies, "rows"_a.noconvert(), "inputs"_a.noconvert(), "seen"_a);
}

}  // namespace copain
