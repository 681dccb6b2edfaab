#include "machine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cpu.h"
#include "hooks.h"
#include "idle.h"

namespace colibri {

namespace {

constexpr size_t kExtraNametables = 2048;
constexpr uint8_t kFourScore = 1;
// Before the DMC wants a byte the CPU goes on the exact bus: no instruction takes longer.
constexpr Cycle kDmcMargin = 8;
// An event that is waited for needs no exact date: this long ago is as good as always.
constexpr Cycle kLongAgo = -16;
// Cycles from power-on to the first frame's first dot: the reset sequence, and the three from an
// instruction's start to its read of $2002, which FCEUX, that runs instructions whole, has not.
// A game that waits at boot counts as far as it does there.
constexpr int kBootCycles = 7 + 3;

Cycle later(Cycle cycle, Cycle by) {
    return cycle == kNever ? kNever : cycle + by;
}
void go_back(Cycle& at, Cycle length) {
    if (at != kNever)
        at = std::max(at - length, kLongAgo);
}

uint32_t extra_size(const Cartridge& cartridge) {
    return cartridge.mirroring == Mirroring::four_screen ? kExtraNametables : 0;
}
uint32_t chr_ram_size(const Cartridge& cartridge) {
    return cartridge.chr_ram_size;
}

// FCEUX's patterns: https://fceux.com/web/help/fceux.html (RAM initialization)
void fill_ram(std::span<uint8_t> ram, const Options& options, uint64_t salt, bool zero) {
    uint64_t seed = options.ram_seed + salt;
    for (size_t i = 0; i < ram.size(); ++i) {
        switch (options.ram) {
            case PowerOnRam::fceux:
                ram[i] = !zero && (i & 4) ? 0xFF : 0x00;
                break;
            case PowerOnRam::all_ff:
                ram[i] = 0xFF;
                break;
            case PowerOnRam::all_00:
                ram[i] = 0x00;
                break;
            case PowerOnRam::random: {  // SplitMix64
                uint64_t z = seed += 0x9E3779B97F4A7C15;
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                ram[i] = uint8_t((z ^ (z >> 31)) >> 32);
                break;
            }
        }
    }
}

}  // namespace

Machine::Machine(std::shared_ptr<const Cartridge> cartridge, const Options& options)
    : cartridge_(std::move(cartridge)),
      mapper_(find_mapper(cartridge_->mapper)),
      clock_(&kClocks[static_cast<int>(options.region)]),
      options_(options),
      size_(block_size(*cartridge_)),
      loops_(std::make_unique<LoopCache>()) {
    if (!mapper_)
        throw RomError("mapper " + std::to_string(cartridge_->mapper) + " is not known");
    own_.resize(size_);
    attach(own_.data());
    power_on();
}

Machine::~Machine() = default;

size_t Machine::block_size(const Cartridge& cartridge) {
    const size_t size =
        sizeof(State) + cartridge.prg_ram_size + chr_ram_size(cartridge) + extra_size(cartridge);
    return (size + 7) / 8 * 8;
}

std::span<uint8_t> Machine::prg_ram() {
    return {reinterpret_cast<uint8_t*>(state_ + 1), cartridge_->prg_ram_size};
}
std::span<uint8_t> Machine::chr_ram() {
    return {prg_ram().data() + cartridge_->prg_ram_size, chr_ram_size(*cartridge_)};
}
std::span<uint8_t> Machine::extra_nametables() {
    return {chr_ram().data() + chr_ram_size(*cartridge_), extra_size(*cartridge_)};
}

void Machine::attach(uint8_t* block) {
    state_ = reinterpret_cast<State*>(block);
    status_lasts = 0;
    known_rise = {};
    forget_accesses();
    read_page.fill(nullptr);
    write_page.fill(nullptr);
    for (int page = 0; page < 4; ++page)
        read_page[page] = write_page[page] = state_->ram;
    mapper_->map(*this);
}

const char* Machine::check(std::span<const uint8_t> block) const {
    if (block.size() != size_)
        return "its size is not that of this game's savestates";
    State s;
    std::memcpy(static_cast<void*>(&s), block.data(), sizeof s);
    if (s.magic != kStateMagic)
        return "it is no savestate of Colibri";
    if (s.version != kStateVersion)
        return "it is of another version of Colibri";
    if (s.rom_hash != cartridge_->hash)
        return "it is of another ROM";
    if (s.size != size_)
        return "it does not say its own size";
    if (s.region != static_cast<uint8_t>(options_.region))
        return "it is of another region";
    if (s.options != (options_.four_score ? kFourScore : 0))
        return "it was made with other joypads";
    // Times within two frames of now, so that nothing has to be caught up for hours.
    constexpr Cycle kFar = 100000;
    const auto near = [](Cycle at) { return -kFar < at && at < kFar; };
    const auto near_or_never = [near](Cycle at) { return at == kNever || near(at); };
    if (s.cpu.cycle < 0 || s.cpu.cycle >= kFar || !near(s.mapper.caught_up) ||
        !near_or_never(s.mapper.irq_at) || !near_or_never(s.cpu.nmi_at) ||
        !near_or_never(s.cpu.irq_at) || s.phase < -kBootCycles * clock_->cpu ||
        s.phase >= clock_->cpu || s.cpu.poll > kInterrupt || s.cpu.dma_left > kDmaWaits)
        return "its times are none that a machine can have";
    if (const char* why = ppu::check(s))
        return why;
    return apu::check(s);
}

void Machine::load(std::span<const uint8_t> block) {
    if (in_instruction_) {
        loaded_.assign(block.begin(), block.end());
        return;
    }
    std::memcpy(reinterpret_cast<uint8_t*>(state_), block.data(), std::min(block.size(), size_));
    attach(reinterpret_cast<uint8_t*>(state_));
}

// Running -----------------------------------------------------------------------------------

void Machine::power_on() {
    std::memset(static_cast<void*>(state_), 0, size_);
    *state_ = State{};
    State& s = *state_;
    s.region = static_cast<uint8_t>(options_.region);
    s.options = options_.four_score ? kFourScore : 0;
    s.rom_hash = cartridge_->hash;
    s.size = static_cast<uint32_t>(size_);
    s.cpu.nmi_at = s.cpu.irq_at = kNever;
    s.cpu.p = 0x04;
    s.mapper.irq_at = kNever;
    fill_ram(s.ram, options_, 0, false);
    fill_ram(prg_ram(), options_, 1, true);
    fill_ram(chr_ram(), options_, 2, true);
    if (!cartridge_->trainer.empty() && prg_ram().size() >= 0x1200)
        std::ranges::copy(std::span(cartridge_->trainer).first(512), prg_ram().begin() + 0x1000);
    // Where in a CPU cycle the dots fall is chance in a console. So that games which poll $2002 at
    // boot do not meet the flag's race (copain accuracy: vblank_race) in the first vertical blanks,
    // where FCEUX, which has no race, would go on a frame sooner: a dot, not none.
    s.phase = clock_->ppu - kBootCycles * clock_->cpu;
    mapper_->power_on(*this);
    attach(reinterpret_cast<uint8_t*>(state_));
    ppu::power_on(*this);
    apu::power_on(*this);
    apu::leave_reset(*this, 0);
    Cpu::reset(*this);
}

void Machine::soft_reset() {
    State& s = *state_;
    s.cpu.jammed = 0;
    s.cpu.dma_left = 0;
    s.cpu.dma_page = s.cpu.dma_byte = 0;
    s.cpu.nmi_at = kNever;
    ppu::soft_reset(*this);
    apu::soft_reset(*this);
    Cpu::reset(*this);
}

bool Machine::run_frame(const std::array<uint8_t, 4>& held) {
    joypads::hold(*this, held);
    if (!run_cpu())
        return false;
    end_frame();
    return true;
}

// Runs instructions until the frame is over. Returns false if a hook stopped it.
bool Machine::run_cpu() {
    Cycle look_from = 0;  // when it is worth looking for loops that wait
    for (;;) {
        CpuState& cpu = state_->cpu;
        const Cycle frame_end = cycle_at(frame_dots());
        if (cpu.cycle >= frame_end) {
            // Whether the frame is a dot shorter is known only now.
            ppu::catch_up(*this, cpu.cycle);
            if (cpu.cycle >= cycle_at(frame_dots()))
                return true;
            continue;
        }
        if (cpu.jammed) {
            cpu.cycle = frame_end;
            continue;
        }
        if (ppu::next_nmi(*this) < cpu.cycle)
            ppu::catch_up(*this, cpu.cycle);
        irq_masked_ = cpu.p & 0x04 && cpu.poll != kUnmasked;
        if (!irq_masked_) {
            if (apu::next_irq(*this) < cpu.cycle)
                apu::catch_up(*this, cpu.cycle);
            if (mapper_->next_irq && mapper_->next_irq(*this) < cpu.cycle)
                catch_up_mapper(cpu.cycle);
        }
        const bool interrupted = Cpu::interrupted(*this);
        if (cpu.dma_left || interrupted) {
            begin_hooked();
            if (cpu.dma_left) {
                // The poll is over; the interrupt or the next instruction follows the DMA.
                cpu.poll = interrupted ? kInterrupt : kNone;
                Cpu::run_oam_dma(*this, frame_end);
            } else {
                Cpu::interrupt(*this);
            }
            if (!settle())
                return false;
        } else if (hooks) {
            if (!run_hooked())
                return false;
        } else {
            irq_masked_ = cpu.p & 0x04;
            const bool looks = skips_idle && cpu.cycle >= look_from;
            heads_ = loops_->heads(looks);
            look_at_ = looks ? loops_->next_sample() : kNever;
            schedule();
            if (cpu.cycle >= later(apu::next_dmc_fetch(*this), -kDmcMargin) ||
                !Cpu::run_free(*this)) {
                Cpu::run_exactly(*this);
            } else if (looks) {
                look_at_ = kNever;
                schedule();
                const Cycle limit = quiet_until();
                if (is_quiet() && !loops_->look(*this, limit))
                    look_from = limit;
            }
        }
    }
}

void Machine::catch_up_mapper(Cycle cycle) {
    if (mapper_->a12_rise)
        ppu::catch_up(*this, cycle);
    if (mapper_->catch_up)
        mapper_->catch_up(*this, cycle);
}

void Machine::begin_hooked() {
    in_instruction_ = hooks != nullptr;
    if (hooks)
        hooks->stop = false;
}

// Takes what hooks want of the instruction's end. Returns false if one stops the frame.
bool Machine::settle() {
    in_instruction_ = false;
    if (!loaded_.empty())
        load(std::exchange(loaded_, {}));
    if (registers_set_)
        set_registers(*std::exchange(registers_set_, nullptr));
    return !hooks || !hooks->stop;
}

// One instruction, with all that hooks want of it.
bool Machine::run_hooked() {
    begin_hooked();
    const CpuState& cpu = state_->cpu;
    if (hooks->trace)
        hooks->trace(hooks->trace_context, *this, trace_line());
    if (!hooks->execute.empty()) {
        const Access access{cpu.pc, peek(cpu.pc), cpu.cycle};
        for (const Hook& hook : hooks->execute)
            if (hook.first <= access.address && access.address <= hook.last)
                hook.call(hook.context, *this, access);
        const bool elsewhere = !loaded_.empty();
        const bool goes_on = settle();
        if (elsewhere)
            return goes_on;
        in_instruction_ = true;
    }
    irq_masked_ = cpu.p & 0x04;
    schedule();
    Cpu::run_exactly(*this);
    return settle();
}

void Machine::end_frame() {
    State& s = *state_;
    ppu::catch_up(*this, s.cpu.cycle);
    apu::catch_up(*this, s.cpu.cycle);
    catch_up_mapper(s.cpu.cycle);
    const int32_t dots = frame_dots();
    const Cycle length = cycle_at(dots);
    const int32_t phase = length * clock_->cpu + s.phase - dots * clock_->ppu;
    apu::end_frame(*this, length);
    ppu::end_frame(*this);
    s.phase = phase;
    if (mapper_->catch_up)  // the others have no clock that could go on into the past
        s.mapper.caught_up -= length;
    if (s.mapper.irq_at != kNever)
        s.mapper.irq_at -= length;
    s.cpu.cycle -= length;
    go_back(s.cpu.nmi_at, length);
    go_back(s.cpu.irq_at, length);
    s.cycles_before += uint64_t(length);
    ++s.frame;
    s.lagged = !s.polled;
    s.lag_frames += s.lagged;
    s.polled = 0;
    forget_accesses();
    loops_->end_frame(length);
}

// Schedule ----------------------------------------------------------------------------------

void Machine::stop_by(Cycle cycle) {
    stop_ = std::min(stop_, cycle <= 0 ? 0 : uint64_t(cycle) << 16);
}

// Interrupts count when they came two cycles before an instruction's end.
void Machine::schedule() {
    const CpuState& cpu = state_->cpu;
    stop_ = uint64_t{kNever} << 16;
    if (cpu.dma_left || irq_polled_)
        return stop_by(0);
    stop_by(std::min(look_at_, cycle_at(frame_dots())));
    stop_by(later(std::min(cpu.nmi_at, ppu::next_nmi(*this)), 2));
    if (!irq_masked_) {
        stop_by(later(std::min(cpu.irq_at, apu::next_irq(*this)), 2));
        if (mapper_->next_irq)
            stop_by(later(mapper_->next_irq(*this), 2));
    }
    stop_by(later(apu::next_dmc_fetch(*this), -kDmcMargin));
}

bool Machine::is_quiet() const {
    const CpuState& cpu = state_->cpu;
    return cpu.poll <= kBranch && irq_masked_ == bool(cpu.p & 0x04) && !cpu.dma_left &&
           !cpu.jammed && cpu.cycle < quiet_until();
}

void Machine::set_irq(uint8_t who, Cycle cycle) {
    CpuState& cpu = state_->cpu;
    cpu.irq |= who;
    cpu.irq_at = std::min(cpu.irq_at, cycle);
    if (!irq_masked_)
        stop_by(later(cycle, 2));
}

void Machine::clear_irq(uint8_t who) {
    CpuState& cpu = state_->cpu;
    cpu.irq &= uint8_t(~who);
    if (!cpu.irq && cpu.irq_at != kNever)
        irq_let_go_ = std::exchange(cpu.irq_at, kNever);
}

void Machine::set_nmi(Cycle cycle) {
    state_->cpu.nmi_at = std::min(state_->cpu.nmi_at, cycle);
    stop_by(later(cycle, 2));
}

// Pages -------------------------------------------------------------------------------------

namespace {

constexpr uint32_t kCpuPage = 0x800, kPpuPage = 0x400;

// Where bank number `bank` of this size begins in so many bytes.
uint32_t bank_offset(size_t bytes, uint32_t size, int32_t bank) {
    const auto banks = static_cast<int32_t>(std::max<size_t>(1, bytes / size));
    const int32_t which = (bank % banks + banks) % banks;
    return static_cast<uint32_t>(which) * size;
}

}  // namespace

void Machine::map_prg(uint16_t address, uint32_t size, int32_t bank) {
    const auto& prg = cartridge_->prg;
    const uint32_t offset = bank_offset(prg.size(), size, bank);
    for (uint32_t at = 0; at < size && address + at < 0x10000; at += kCpuPage) {
        read_page[(address + at) / kCpuPage] = &prg[(offset + at) % prg.size()];
        write_page[(address + at) / kCpuPage] = nullptr;
    }
}

void Machine::map_prg_ram(uint16_t address, uint32_t size, int32_t bank, bool readable,
                          bool writable) {
    const std::span<uint8_t> ram = prg_ram();
    const uint32_t offset = ram.empty() ? 0 : bank_offset(ram.size(), size, bank);
    for (uint32_t at = 0; at < size && address + at < 0x10000; at += kCpuPage) {
        uint8_t* page = ram.size() < kCpuPage ? nullptr : &ram[(offset + at) % ram.size()];
        read_page[(address + at) / kCpuPage] = readable ? page : nullptr;
        write_page[(address + at) / kCpuPage] = writable ? page : nullptr;
    }
}

void Machine::map_chr(uint16_t address, uint32_t size, int32_t bank) {
    const std::span<uint8_t> ram = chr_ram();
    const auto& rom = cartridge_->chr;
    const size_t bytes = rom.empty() ? ram.size() : rom.size();
    if (bytes < kPpuPage) {
        // Nothing there; a table must not be empty.
        static constexpr std::array<uint8_t, kPpuPage> nothing{};
        for (uint32_t at = 0; at < size; at += kPpuPage) {
            chr_page[(address + at) / kPpuPage % 8] = nothing.data();
            chr_write_page[(address + at) / kPpuPage % 8] = nullptr;
        }
        return;
    }
    const uint32_t offset = bank_offset(bytes, size, bank);
    for (uint32_t at = 0; at < size; at += kPpuPage) {
        const size_t where = (offset + at) % bytes;
        chr_page[(address + at) / kPpuPage % 8] = rom.empty() ? &ram[where] : &rom[where];
        chr_write_page[(address + at) / kPpuPage % 8] = rom.empty() ? &ram[where] : nullptr;
    }
}

void Machine::map_nametable(int which, const uint8_t* read, uint8_t* write) {
    nametable_page[which & 3] = read;
    nametable_write_page[which & 3] = write;
}

void Machine::map_mirroring(Mirroring mirroring) {
    // Which 1 KB each of the four shows.
    static constexpr uint8_t layouts[5][4] = {
        {0, 0, 1, 1}, {0, 1, 0, 1}, {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 1, 2, 3}};
    for (int which = 0; which < 4; ++which) {
        const uint8_t part = layouts[static_cast<int>(mirroring)][which];
        const std::span<uint8_t> extra = extra_nametables();
        uint8_t* page = part < 2 || extra.empty() ? state_->ppu.nametables + (part & 1) * kPpuPage
                                                  : extra.data() + (part - 2) * kPpuPage;
        map_nametable(which, page, page);
    }
}

// For people --------------------------------------------------------------------------------

uint8_t Machine::peek(uint16_t address) const {
    const uint8_t* page = read_page[address / kCpuPage];
    return page ? page[address % kCpuPage] : 0;
}

bool Machine::poke(uint16_t address, uint8_t value) {
    uint8_t* page = write_page[address / kCpuPage];
    if (page)
        page[address % kCpuPage] = value;
    return page;
}

Registers Machine::registers() const {
    const CpuState& cpu = state_->cpu;
    return {cpu.pc, cpu.a, cpu.x, cpu.y, cpu.s, cpu.p};
}

void Machine::set_registers(const Registers& registers) {
    if (in_instruction_) {
        registers_set_ = std::make_unique<Registers>(registers);
        return;
    }
    CpuState& cpu = state_->cpu;
    cpu.pc = registers.pc;
    cpu.a = registers.a;
    cpu.x = registers.x;
    cpu.y = registers.y;
    cpu.s = registers.s;
    cpu.p = registers.p & 0xCF;
}

uint64_t Machine::cycles_skipped() const {
    return loops_->skipped();
}

TraceLine Machine::trace_line() const {
    const State& s = *state_;
    TraceLine line;
    line.registers = registers();
    for (int i = 0; i < 3; ++i)
        line.bytes[i] = peek(uint16_t(s.cpu.pc + i));
    line.size = uint8_t(instruction_size(line.bytes[0]));
    line.frame = s.frame;
    line.cycle = cycles();
    const int32_t dot = dot_at(s.cpu.cycle);
    line.line = int16_t((240 + dot / kDotsPerLine) % clock_->lines);
    line.dot = int16_t(dot % kDotsPerLine);
    return line;
}

}  // namespace colibri
