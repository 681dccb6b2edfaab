// One NES with a cartridge in it: the parts, the clock they share, and the block they live in.
//
// A machine runs in a block of `block_size()` bytes (state.h) that it owns, or in one it was
// attached to, such as a slot of a pool: then nothing is copied in or out. What a Machine holds
// beside the block is derived from it (`attach` derives it again) or is of the moment: the
// picture and sound that were asked for, hooks, caches of loops.
//
// The CPU leads. The PPU, APU and mapper are behind, and catch up to the CPU's cycle where
// something of theirs can be seen or is changed:
//   - a part's `catch_up(m, cycle)` brings it to the *start* of that CPU cycle;
//   - before anything is written that a part depends on, the writer lets it catch up
//     (a mapper that changes CHR banks or mirroring calls ppu::catch_up first);
//   - after a write that can change when something next happens, `m.schedule()` is called.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cartridge.h"
#include "state.h"

namespace colibri {

class Machine;
struct TraceLine;
struct Hooks;     // hooks.h: calls on execute, read and write; null when none is set
struct Synth;     // synth.h: makes samples of what the APU does; null when no sound is wanted
class LoopCache;  // idle.h
struct BusLog;    // cpu.h

// A region's clocks, in ticks of the master clock.
// https://www.nesdev.org/wiki/Cycle_reference_chart
struct Clock {
    int cpu;          // ticks of a CPU cycle: 12, 16, 15
    int ppu;          // ticks of a dot: 4, 5, 5
    int lines;        // 262, 312, 312
    int vblank_line;  // lines after line 240 at which the vblank flag rises: 1, 1, 51
    bool odd_frames;  // odd frames are a dot shorter while rendering
};
inline constexpr Clock kClocks[] = {
    {12, 4, 262, 1, true}, {16, 5, 312, 1, false}, {15, 5, 312, 51, false}};
inline constexpr int kDotsPerLine = 341;

// What a mapper does. One table a mapper, shared by all machines; its registers are in
// State::mapper. mapper.cpp has the list by number.
struct Mapper {
    uint16_t number;
    const char* name;
    // Sets State::mapper as at power-on (zeroed before the call).
    void (*power_on)(Machine&);
    // Derives all pages (Machine::map_*) from State::mapper. Called by attach, and by writes.
    void (*map)(Machine&);
    // A write to $4020-$FFFF that no writable page took.
    void (*write)(Machine&, uint16_t address, uint8_t value, Cycle cycle);
    // A read of $4020-$FFFF that no page answers; null: open bus.
    uint8_t (*read)(Machine&, uint16_t address, uint8_t open_bus, Cycle cycle) = nullptr;
    // A filtered rise of A12, told by the PPU in order while it catches up (MMC3); null: none.
    // A mapper that has it makes the PPU watch A12, at a cost.
    void (*a12_rise)(Machine&, Cycle cycle) = nullptr;
    // A pattern fetch, for latches that tiles switch (MMC2, MMC4); null: none. `address` as the
    // PPU puts it out for the second plane of a tile ($0FD8, $1FE8, ...). At a cost.
    void (*pattern_fetch)(Machine&, uint16_t address) = nullptr;
    // Brings a counter of CPU cycles (FME-7) to `cycle`, pulling IRQ when due; null: none.
    void (*catch_up)(Machine&, Cycle cycle) = nullptr;
    // When the mapper will pull IRQ if nothing is written before, or kNever; null: never.
    Cycle (*next_irq)(const Machine&) = nullptr;
};
// The mapper of this number, or null.
const Mapper* find_mapper(uint16_t number);

enum class PowerOnRam : uint8_t { fceux, all_ff, all_00, random };  // FCEUX's RAMInitOption 0-3

struct Options {
    Region region = Region::ntsc;
    bool four_score = false;
    PowerOnRam ram = PowerOnRam::fceux;
    uint32_t ram_seed = 0;  // for PowerOnRam::random
};

struct Registers {
    uint16_t pc = 0;
    uint8_t a = 0, x = 0, y = 0, s = 0, p = 0;  // p: NV-BDIZC
    bool operator==(const Registers&) const = default;
};

class Machine {
  public:
    // Powers the machine on in a block of its own. Throws RomError for an unknown mapper.
    Machine(std::shared_ptr<const Cartridge> cartridge, const Options& options);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // The block
    static size_t block_size(const Cartridge& cartridge);
    size_t block_size() const { return size_; }
    // Runs in this block from now on; it holds a state this machine saved (or `check` passed).
    void attach(uint8_t* block);
    const uint8_t* block() const { return reinterpret_cast<const uint8_t*>(state_); }
    // Why this is no state of this cartridge and these options, or null. Nothing that passes can
    // make a machine touch memory that is not its own, or run without end.
    const char* check(std::span<const uint8_t> block) const;
    // Copies into the block it runs in, and derives what is derived. In a hook:
    // taken when it has returned, or at the instruction's end.
    void load(std::span<const uint8_t> block);

    // Running. A frame is the same whether it is drawn or heard or not.
    void power_on();
    void soft_reset();
    // One frame with these joypads held (A B Select Start Up Down Left Right from bit 0).
    // Returns false if a hook asked to stop: the frame is then not over, and the next call
    // goes on with it.
    bool run_frame(const std::array<uint8_t, 4>& held);
    bool skips_idle = true;  // jump over loops that only wait (idle.h); the state is the same

    // Where to draw while running, 256 x 240 pixels, owned by who set it (a machine that is not
    // looked at has none: ten thousand of them cost their state only); null: nothing is drawn.
    // A pixel is its colour, 0-63, in bits 0-5 and emphasis (PPUMASK bits 5-7) in bits 6-8.
    uint16_t* picture = nullptr;
    // What is drawn for each of these 512 pixels, such as how bright it is; null: itself.
    const uint8_t* tones = nullptr;

    // Of the parts, for the parts ---------------------------------------------------------
    State& s() { return *state_; }
    const State& s() const { return *state_; }
    const Cartridge& cartridge() const { return *cartridge_; }
    const Mapper& mapper() const { return *mapper_; }
    const Clock& clock() const { return *clock_; }
    const Options& options() const { return options_; }

    // Dots since the frame's start at the start of this CPU cycle, and the first CPU cycle that
    // starts at or after this dot.
    int32_t dot_at(Cycle cycle) const {
        return (cycle * clock_->cpu + state_->phase) / clock_->ppu;
    }
    Cycle cycle_at(int32_t dot) const {
        return (dot * clock_->ppu - state_->phase + clock_->cpu - 1) / clock_->cpu;
    }
    // Length of the running frame, as far as it is known now. Defined in ppu.cpp: the PPU knows
    // whether it leaves out a dot.
    int32_t frame_dots() const;
    // Whether the CPU's clock puts out (writes) in this cycle, not gets: what DMA and the APU go
    // by. Cycle 0 of power-on gets. https://www.nesdev.org/wiki/DMA
    bool puts(Cycle cycle) const { return (state_->cycles_before + uint64_t(cycle)) & 1; }

    // The joypads as before the last write to $4016, which the next cycle's may make void.
    struct JoypadWire {
        Cycle cycle = -2;
        uint8_t strobe = 0, shift[4] = {}, shifted[4] = {};
    };

    // For people: memory as the CPU sees it, without effects. 0 where there is no memory.
    uint8_t peek(uint16_t address) const;
    // Writes RAM and PRG RAM. False where there is none.
    bool poke(uint16_t address, uint8_t value);
    Registers registers() const;
    // In a hook: taken when it has returned, or at the instruction's end.
    void set_registers(const Registers& registers);
    TraceLine trace_line() const;  // of the next instruction (hooks.h)
    uint64_t cycles() const { return state_->cycles_before + uint64_t(state_->cpu.cycle); }

    // CPU pages of 2 KB: $0000-$FFFF. Null where an access is more than memory.
    std::array<const uint8_t*, 32> read_page{};
    std::array<uint8_t*, 32> write_page{};
    // PPU pages of 1 KB: patterns $0000-$1FFF, and the four nametables.
    std::array<const uint8_t*, 8> chr_page{};
    std::array<uint8_t*, 8> chr_write_page{};  // null: ROM
    std::array<const uint8_t*, 4> nametable_page{};
    std::array<uint8_t*, 4> nametable_write_page{};

    // For Mapper::map. Banks count in units of the size; negative from the end; taken modulo
    // what the cartridge has, so that no value points outside.
    void map_prg(uint16_t address, uint32_t size, int32_t bank);
    void map_prg_ram(uint16_t address, uint32_t size, int32_t bank, bool readable, bool writable);
    void map_chr(uint16_t address, uint32_t size, int32_t bank);  // ROM, or CHR RAM if no ROM
    void map_mirroring(Mirroring mirroring);
    void map_nametable(int which, const uint8_t* read, uint8_t* write);
    std::span<uint8_t> prg_ram();
    std::span<uint8_t> chr_ram();
    std::span<uint8_t> extra_nametables();

    // The IRQ line: pulled or let go by one of the three, as of this cycle.
    void set_irq(uint8_t who, Cycle cycle);
    void clear_irq(uint8_t who);
    // The NMI line fell at this cycle.
    void set_nmi(Cycle cycle);
    // When something next happens may have changed: ask the parts again.
    void schedule();

    // Of the PPU: $2002 reads as it does now up to this dot; 0: not known. Whoever changes the
    // state past the PPU (attach, load) sets it to 0.
    int32_t status_lasts = 0;
    // Of the PPU too: when $2007 was last read, and what of the buffer. Only the next cycle asks.
    struct BufferRead {
        Cycle cycle = -2;
        uint8_t value = 0;
    } buffer_read;
    // And: when the rise of A12 comes that was asked for last, if nothing is written.
    // Forgotten alike.
    struct KnownRise {
        uint32_t seen = 0;   // rises so far
        uint32_t which = 0;  // counted as `seen` does; 0: none is known
        Cycle at = 0;
    };
    mutable KnownRise known_rise;

    // How many cycles of it this object has jumped over; it is not of the state.
    uint64_t cycles_skipped() const;

    Hooks* hooks = nullptr;  // owned by who set it
    Synth* synth = nullptr;  // owned by who set it

  private:
    friend class Cpu;
    friend struct FreeBus;
    friend class LoopCache;
    template <class Bus>
    friend struct Core;
    template <class Bus>
    friend bool run(Machine&, BusLog*);
    bool run_cpu();
    bool run_hooked();
    void begin_hooked();
    bool settle();
    void catch_up_mapper(Cycle cycle);
    void end_frame();
    // What the cycle after an access asks for: cycles count anew, or another state is here.
    void forget_accesses() {
        joypad_read_[0] = joypad_read_[1] = joypad_wire_.cycle = buffer_read.cycle = -2;
    }
    void stop_by(Cycle cycle);
    // Whether the next instruction runs for sure, with no interrupt or DMA before it.
    bool is_quiet() const;
    Cycle quiet_until() const { return Cycle(stop_ >> 16); }
    // After an access in this cycle: an instruction polls just before its last one, so what that
    // one let go of was seen.
    void note_irq_poll(Cycle cycle) {
        if (irq_let_go_ < cycle && !irq_masked_ && !state_->cpu.irq)
            irq_polled_ = true, stop_ = 0;
    }

    std::shared_ptr<const Cartridge> cartridge_;
    const Mapper* mapper_ = nullptr;
    const Clock* clock_ = nullptr;
    Options options_;
    size_t size_ = 0;
    State* state_ = nullptr;
    std::vector<uint8_t> own_;  // the block, when it is ours

    // Of the running instruction or frame; never of the state (cpu.cpp).
    uint64_t stop_ = 0;          // the CPU runs freely up to here (as its clock counts: cpu.cpp)
    bool irq_masked_ = true;     // IRQ does not count for that
    bool irq_polled_ = false;    // the running instruction polled IRQ before it let go of it
    Cycle irq_let_go_ = kNever;  // when the IRQ line fell that was let go of in this access
    Cycle joypad_read_[2] = {-2, -2};  // when each port was last read
    JoypadWire joypad_wire_;
    bool in_instruction_ = false;
    std::vector<uint8_t> loaded_;               // by a hook, for the instruction's end
    std::unique_ptr<Registers> registers_set_;  // by a hook, likewise
    std::unique_ptr<LoopCache> loops_;
    const uint8_t* heads_ = nullptr;  // LoopCache::heads
    Cycle look_at_ = kNever;          // LoopCache::next_sample
};

// PPU (ppu.cpp, ppu_draw.cpp) ---------------------------------------------------------------
namespace ppu {
void power_on(Machine&);
void soft_reset(Machine&);
// Brings the PPU to the start of this CPU cycle: scrolling, flags, A12, latches, and pixels if
// the machine draws. May be called with any cycle at or after the last.
void catch_up(Machine&, Cycle cycle);
uint8_t read(Machine&, uint16_t address, Cycle cycle);               // $2000-$3FFF
void write(Machine&, uint16_t address, uint8_t value, Cycle cycle);  // $2000-$3FFF
void write_oam(Machine&, uint8_t value, Cycle cycle);                // one byte of OAM DMA
// When NMI will next fall if nothing is written or read before, or kNever.
Cycle next_nmi(const Machine&);
// When $2002 can next read differently than now (vblank or the flags' end, sprite 0, overflow) if
// nothing is written or read before; an earlier cycle is allowed, a later one is not.
Cycle next_status_change(Machine&);
// When A12 will rise (filtered, as MMC3 sees it) for the nth time from here (1: next) if nothing
// is written before, or kNever.
Cycle cycle_of_a12_rise(const Machine&, unsigned nth);
// The frame is over: `dot` and all else counts from the new frame's start.
void end_frame(Machine&);
uint8_t peek(const Machine&, uint16_t address);  // $0000-$3FFF, no effects
void poke(Machine&, uint16_t address, uint8_t value);
// Why these numbers can not be a PPU's, or null.
const char* check(const State&);
}  // namespace ppu

// APU (apu.cpp, dmc.cpp, synth.cpp) ---------------------------------------------------------
namespace apu {
void power_on(Machine&);
void soft_reset(Machine&);
// The CPU leaves reset at this cycle, when it begins its reset sequence: the frame counter starts.
void leave_reset(Machine&, Cycle cycle);
void catch_up(Machine&, Cycle cycle);
uint8_t read_status(Machine&, Cycle cycle);                          // $4015
void write(Machine&, uint16_t address, uint8_t value, Cycle cycle);  // $4000-$4013, $4015, $4017
// When the APU must next catch up because it pulls IRQ, or lets go of it (frame counter; the DMC
// pulls in `dmc_byte` only), or kNever.
Cycle next_irq(const Machine&);
// When the DMC will next ask for a byte, or kNever. The CPU then stops at its next read, and
// hands the byte over.
Cycle next_dmc_fetch(const Machine&);
// When that request ends though no byte came (a $4015 write stopped the sample): the CPU then stops
// no longer at that cycle. kNever: it waits.
Cycle dmc_fetch_until(const Machine&);
uint16_t dmc_address(const Machine&);
void dmc_byte(Machine&, uint8_t value, Cycle cycle);
void end_frame(Machine&,
               Cycle length);  // all times go back by `length`; before cycles_before grows
// Why these numbers can not be an APU's, or null.
const char* check(const State&);
}  // namespace apu

}  // namespace colibri
