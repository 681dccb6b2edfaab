#include "cpu.h"

#include "hooks.h"
#include "idle.h"

// Opcodes are reached by computed goto where the compiler has it: each then has a dispatch of its
// own, which is what the processor's branch predictor learns from.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpedantic"
#define COLIBRI_GOTO 1
#define COLIBRI_INLINE inline __attribute__((always_inline))
#define COLIBRI_COLD __attribute__((noinline, cold))
#define COLIBRI_LIKELY(x) __builtin_expect(!!(x), 1)
#else
#define COLIBRI_GOTO 0
#define COLIBRI_INLINE inline
#define COLIBRI_COLD
#define COLIBRI_LIKELY(x) (x)
#endif

namespace colibri {
namespace {

constexpr unsigned kC = 0x01, kZ = 0x02, kI = 0x04, kD = 0x08, kB = 0x10, kAlways = 0x20, kV = 0x40;
// Bits of `nz` that mean N: of a result, and of one pulled or tested apart from its Z.
constexpr unsigned kN = 0x8080;

constexpr unsigned byte(unsigned value) {
    return value & 0xFF;
}

// The clock counts cycles and instructions at once, so that both cost one addition.
constexpr uint64_t cycles(uint64_t n) {
    return n << 16;
}
constexpr Cycle cycle_of(uint64_t clock) {
    return Cycle(clock >> 16);
}

}  // namespace

// Memory is pages; anything else is a call with the exact cycle. Accesses that the 6502 makes for
// nothing are made where they reach something that is not memory.
struct FreeBus {
    static constexpr bool kExact = false;

    explicit FreeBus(Machine& machine)
        : m(machine), ram(machine.s().ram), clock(cycles(uint64_t(machine.s().cpu.cycle))) {}

    // A run of memory in which code lies: addresses of opcodes that have room for three bytes.
    struct Stretch {
        uintptr_t code = 0;  // where address 0 would be, if the run went so far
        uint16_t first = 0;
        unsigned size = 0;  // 0: there is none
    };
    static COLIBRI_COLD Stretch stretch_at(const Machine& m, uint16_t target) {
        const auto& pages = m.read_page;
        unsigned low = target >> 11, high = low + 1;
        if (!pages[low])
            return {};
        while (low > 0 && pages[low - 1] && pages[low - 1] + 0x800 == pages[low])
            --low;
        while (high < 32 && pages[high] && pages[high - 1] + 0x800 == pages[high])
            ++high;
        const unsigned first = low << 11, size = (high << 11) - 2 - first;
        if (target - first >= size)
            return {};
        return {reinterpret_cast<uintptr_t>(pages[low]) - first, uint16_t(first), size};
    }

    // Makes this the next opcode's address. False, and nothing is changed, if it is not in memory
    // with room for a whole instruction.
    COLIBRI_INLINE bool jump(uint16_t target) {
        if (!COLIBRI_LIKELY(uint16_t(target - first) < size)) {
            const Stretch found = stretch_at(m, target);
            if (!found.size)
                return false;
            enter(found);
        }
        ip = reinterpret_cast<const uint8_t*>(code + target);
        return true;
    }
    COLIBRI_INLINE void enter(const Stretch& found) {
        code = found.code;
        first = found.first;
        size = found.size;
        end = reinterpret_cast<const uint8_t*>(code + first + size);
    }
    COLIBRI_INLINE bool runs_out() const { return ip >= end; }
    COLIBRI_INLINE uint16_t pc() const { return uint16_t(reinterpret_cast<uintptr_t>(ip) - code); }
    COLIBRI_INLINE void tick(unsigned n) { clock += cycles(n); }
    Cycle cycle() const { return cycle_of(clock); }

    COLIBRI_INLINE uint8_t immediate() {
        tick(1);
        return *ip++;
    }
    COLIBRI_INLINE void idle_read() { tick(1); }
    COLIBRI_INLINE void idle_stack() { tick(1); }
    COLIBRI_INLINE void idle_zero(uint8_t) { tick(1); }
    COLIBRI_INLINE void dummy_read(uint16_t) { tick(1); }
    COLIBRI_INLINE uint8_t load_zero(unsigned address) {
        tick(1);
        return ram[address];
    }
    COLIBRI_INLINE void store_zero(unsigned address, unsigned value) {
        tick(1);
        ram[address] = uint8_t(value);
    }
    COLIBRI_INLINE void rewrite_zero(unsigned, unsigned) { tick(1); }

    COLIBRI_INLINE uint8_t load(uint16_t address) {
        const uint8_t* page = m.read_page[address >> 11];
        const Cycle at = cycle();
        tick(1);
        if (COLIBRI_LIKELY(page != nullptr))
            return page[address & 0x7FF];
        return load_slowly(m, address, at);
    }
    COLIBRI_INLINE uint8_t load(uint16_t base, unsigned index) {
        const uint16_t address = uint16_t(base + index);
        clock += cycles((byte(base) + index) >> 8);
        const uint8_t* page = m.read_page[address >> 11];
        const Cycle at = cycle();
        tick(1);
        if (COLIBRI_LIKELY(page != nullptr))
            return page[address & 0x7FF];
        return load_indexed_slowly(m, base, address, at);
    }
    // The address that is written, after the read that is always made there before.
    COLIBRI_INLINE uint16_t indexed(uint16_t base, unsigned index) {
        const uint16_t address = uint16_t(base + index);
        if (!COLIBRI_LIKELY(m.write_page[address >> 11] != nullptr))
            touched = touch_slowly(m, base, address, cycle());
        tick(1);
        return address;
    }
    // After `indexed`: where there is nothing, what that read is still on the bus.
    COLIBRI_INLINE uint8_t load_again(uint16_t address) {
        const uint8_t* page = m.read_page[address >> 11];
        const Cycle at = cycle();
        tick(1);
        if (COLIBRI_LIKELY(page != nullptr))
            return page[address & 0x7FF];
        return Cpu::read(m, address, at, touched);
    }
    COLIBRI_INLINE void store(uint16_t address, unsigned value) {
        uint8_t* page = m.write_page[address >> 11];
        const Cycle at = cycle();
        tick(1);
        if (COLIBRI_LIKELY(page != nullptr)) {
            page[address & 0x7FF] = uint8_t(value);
            return;
        }
        store_slowly(m, address, uint8_t(value), at);
        if (address >= 0x4020) {
            bus = uint8_t(value);
            moved();
        }
    }
    COLIBRI_INLINE void rewrite(uint16_t address, unsigned value) { store(address, value); }
    COLIBRI_INLINE void push_at(unsigned s, unsigned value) {
        tick(1);
        ram[0x100 | s] = uint8_t(value);
    }
    COLIBRI_INLINE uint8_t pull_at(unsigned s) {
        tick(1);
        return ram[0x100 | s];
    }

    // Pages may have been switched: the code is looked up again.
    COLIBRI_INLINE void moved() {
        const uint16_t at = pc();
        enter(stretch_at(m, at));  // if it is not in memory: `pc` still holds, and it `runs_out`
        if (!size)
            end = nullptr;
        ip = reinterpret_cast<const uint8_t*>(code + at);
    }
    static void watch(BusLog*) {}

    static COLIBRI_COLD uint8_t load_slowly(Machine& m, uint16_t address, Cycle cycle) {
        return Cpu::read(m, address, cycle, address >> 8);
    }
    static COLIBRI_COLD uint8_t load_indexed_slowly(Machine& m, uint16_t base, uint16_t address,
                                                    Cycle cycle) {
        const uint16_t wrong = uint16_t((base & 0xFF00) | byte(address));
        const uint8_t bus =
            wrong != address ? touch_slowly(m, base, address, cycle - 1) : base >> 8;
        return Cpu::read(m, address, cycle, bus);
    }
    static COLIBRI_COLD uint8_t touch_slowly(Machine& m, uint16_t base, uint16_t address,
                                             Cycle cycle) {
        const uint16_t wrong = uint16_t((base & 0xFF00) | byte(address));
        const uint8_t value = Cpu::read(m, wrong, cycle, base >> 8);
        return wrong == 0x4015 ? base >> 8 : value;  // that is read inside of the chip
    }
    static COLIBRI_COLD void store_slowly(Machine& m, uint16_t address, uint8_t value,
                                          Cycle cycle) {
        Cpu::write(m, address, value, cycle);
    }

    Machine& m;
    uint8_t* ram;
    uint64_t clock;
    const uint8_t* ip = nullptr;
    const uint8_t* end = nullptr;  // of the stretch
    uintptr_t code = 0;
    uint16_t first = 0;
    unsigned size = 0;
    uint8_t touched = 0;  // what `indexed` read where there is no memory
    uint8_t bus = 0;      // what was stored last where it may have switched the code away
};

// Every cycle is an access.
struct ExactBus {
    static constexpr bool kExact = true;

    explicit ExactBus(Machine& machine)
        : m(machine), clock(cycles(uint64_t(machine.s().cpu.cycle))), bus(machine.s().cpu.bus) {}

    bool jump(uint16_t target) {
        pc_ = target;
        return true;
    }
    static constexpr bool runs_out() { return false; }
    uint16_t pc() const { return pc_; }
    void tick(unsigned n) { clock += cycles(n); }
    Cycle cycle() const { return cycle_of(clock); }

    uint8_t immediate() { return read(pc_++, false); }
    void idle_read() { read(pc_, false); }
    void dummy_read(uint16_t address) { read(address, false); }
    uint8_t load_zero(unsigned address) { return read(uint16_t(address), true); }
    void store_zero(unsigned address, unsigned value) { write(uint16_t(address), value, true); }
    void rewrite_zero(unsigned address, unsigned value) { write(uint16_t(address), value, false); }
    uint8_t load(uint16_t address) { return read(address, true); }
    uint8_t load(uint16_t base, unsigned index) {
        const uint16_t address = uint16_t(base + index);
        const uint16_t wrong = uint16_t((base & 0xFF00) | byte(address));
        if (wrong != address)
            read(wrong, false);
        return read(address, true);
    }
    uint8_t load_again(uint16_t address) { return load(address); }
    uint16_t indexed(uint16_t base, unsigned index) {
        const uint16_t address = uint16_t(base + index);
        read(uint16_t((base & 0xFF00) | byte(address)), false);
        return address;
    }
    void store(uint16_t address, unsigned value) { write(address, value, true); }
    void rewrite(uint16_t address, unsigned value) { write(address, value, false); }
    void push_at(unsigned s, unsigned value) { write(uint16_t(0x100 | s), value, true); }
    uint8_t pull_at(unsigned s) { return read(uint16_t(0x100 | s), true); }
    void watch(BusLog* watcher) { log = watcher; }

    uint8_t read(uint16_t address, bool data) {
        Cycle at = cycle();
        const uint8_t inside = bus;  // DMA changes the bus outside of the chip only
        if (apu::next_dmc_fetch(m) <= at && at < apu::dmc_fetch_until(m)) {
            at = Cpu::fetch_for_dmc(m, address, at, bus);
            clock = (clock & 0xFFFF) | cycles(uint64_t(at));
            resumed = at;
        }
        const bool own = address == 0x4015;  // is read inside of the chip
        const uint8_t value = Cpu::read(m, address, at, own ? inside : bus);
        tick(1);
        if (!own)
            bus = value;
        if (log)
            log->read(address, value);
        if (data && m.hooks)
            call(m.hooks->read, address, value, at);
        return value;
    }
    void write(uint16_t address, unsigned value, bool data) {
        const Cycle at = cycle();
        bus = uint8_t(value);
        if (log)
            log->write(address, bus);
        Cpu::write(m, address, bus, at);
        tick(1);
        if (data && m.hooks)
            call(m.hooks->write, address, bus, at);
    }
    void call(const std::vector<Hook>& hooks, uint16_t address, uint8_t value, Cycle at) {
        for (const Hook& hook : hooks)
            if (hook.first <= address && address <= hook.last)
                hook.call(hook.context, m, {address, value, at});
    }

    Machine& m;
    uint64_t clock;
    uint16_t pc_ = 0;
    uint8_t bus;
    Cycle resumed = -1;  // the cycle that a DMA put off last
    BusLog* log = nullptr;
};

// Registers, flags and what opcodes have in common.
template <class Bus>
struct Core : Bus {
    explicit Core(Machine& machine) : Bus(machine) {
        const CpuState& cpu = m.s().cpu;
        a = cpu.a;
        x = cpu.x;
        y = cpu.y;
        sp = cpu.s;
        set_flags_but_i(cpu.p);
        id = cpu.p & (kI | kD);
    }
    void interrupt();
    void reset();

    using Bus::clock, Bus::dummy_read, Bus::idle_read, Bus::immediate, Bus::indexed, Bus::jump;
    using Bus::kExact, Bus::load, Bus::load_zero, Bus::m, Bus::pc, Bus::pull_at;
    using Bus::push_at, Bus::rewrite, Bus::rewrite_zero, Bus::runs_out, Bus::store;
    using Bus::store_zero, Bus::tick;

    COLIBRI_INLINE void save(uint8_t polled);

    // A branch that leaves its page polls twice, before its second cycle and before its last. The
    // reads in between may let go of an IRQ that the first poll saw. The operand has been read.
    // AccuracyCoin, "Interrupt flag latency"
    void poll_before_operand() {
        const Cycle at = Bus::cycle() - 2;
        if (m.irq_masked_)
            return;
        if (apu::next_irq(m) <= at)
            apu::catch_up(m, at);
        if (m.s().cpu.irq_at <= at)
            m.irq_polled_ = true, m.stop_ = 0;
    }

    // Operands
    COLIBRI_INLINE unsigned zero() { return immediate(); }
    COLIBRI_INLINE unsigned zero(unsigned index) {
        const unsigned base = immediate();
        dummy_read(uint16_t(base));
        return byte(base + index);
    }
    COLIBRI_INLINE uint16_t absolute() {
        const unsigned low = immediate();
        return uint16_t(low | unsigned(immediate()) << 8);
    }
    COLIBRI_INLINE uint16_t word_at(unsigned pointer) {
        const unsigned low = load_zero(pointer);
        return uint16_t(low | unsigned(load_zero(byte(pointer + 1))) << 8);
    }
    COLIBRI_INLINE uint16_t pointer() { return word_at(zero()); }
    COLIBRI_INLINE uint16_t pointer_x() { return word_at(zero(x)); }
    COLIBRI_INLINE void implied() { idle_read(); }

    // Stack
    COLIBRI_INLINE void push(unsigned value) {
        push_at(sp, value);
        sp = byte(sp - 1);
    }
    COLIBRI_INLINE uint8_t pull(unsigned nth) { return pull_at(byte(sp + nth)); }
    COLIBRI_INLINE void idle_stack() { dummy_read(uint16_t(0x100 | sp)); }

    // Flags
    COLIBRI_INLINE unsigned flags() const {
        return ((nz & kN) ? 0x80u : 0u) | ((overflow >> 1) & kV) | id | ((nz & 0xFF) ? 0u : kZ) |
               carry;
    }
    COLIBRI_INLINE void set_flags_but_i(unsigned p) {
        nz = (p & 0x80) << 8 | (p & kZ ? 0 : 1);
        overflow = (p & kV) << 1;
        carry = p & kC;
        id = (id & kI) | (p & kD);
    }

    // Operations
    COLIBRI_INLINE void adc(unsigned value) {
        const unsigned sum = a + value + carry;
        overflow = (a ^ sum) & (value ^ sum);
        carry = sum >> 8;
        a = nz = byte(sum);
    }
    COLIBRI_INLINE void sbc(unsigned value) { adc(value ^ 0xFF); }
    COLIBRI_INLINE void compare(unsigned left, unsigned right) {
        carry = left >= right;
        nz = byte(left - right);
    }
    COLIBRI_INLINE void bit(unsigned value) {
        nz = (a & value) | (value & 0x80) << 8;
        overflow = value << 1;
    }
    COLIBRI_INLINE unsigned asl(unsigned value) {
        carry = value >> 7;
        return nz = byte(value << 1);
    }
    COLIBRI_INLINE unsigned lsr(unsigned value) {
        carry = value & 1;
        return nz = value >> 1;
    }
    COLIBRI_INLINE unsigned rol(unsigned value) {
        const unsigned shifted = value << 1 | carry;
        carry = value >> 7;
        return nz = byte(shifted);
    }
    COLIBRI_INLINE unsigned ror(unsigned value) {
        const unsigned shifted = value >> 1 | carry << 7;
        carry = value & 1;
        return nz = shifted;
    }
    COLIBRI_INLINE void anc(unsigned value) {
        a = nz = a & value;
        carry = a >> 7;
    }
    COLIBRI_INLINE void arr(unsigned value) {
        a = nz = (a & value) >> 1 | carry << 7;
        carry = a >> 6 & 1;
        overflow = (a << 1 ^ a << 2) & 0x80;
    }
    COLIBRI_INLINE void axs(unsigned value) {
        const unsigned both = a & x;
        carry = both >= value;
        x = nz = byte(both - value);
    }
    template <class Operation>
    COLIBRI_INLINE void modify_zero(unsigned address, Operation operation) {
        const unsigned value = load_zero(address);
        rewrite_zero(address, value);
        store_zero(address, operation(value));
    }
    template <class Operation>
    COLIBRI_INLINE void modify(uint16_t address, Operation operation) {
        const unsigned value = load(address);
        rewrite(address, value);
        store(address, operation(value));
    }
    template <class Operation>
    COLIBRI_INLINE void modify(uint16_t base, unsigned index, Operation operation) {
        const uint16_t address = indexed(base, index);
        const unsigned value = this->load_again(address);
        rewrite(address, value);
        store(address, operation(value));
    }
    // SHY, SHX, SHA, TAS: the value is ANDed with the high byte + 1, unless a DMA comes between;
    // where the index carries, that is the high byte of the address too.
    COLIBRI_INLINE void store_and_high(uint16_t base, unsigned index, unsigned value) {
        uint16_t address = indexed(base, index);
        const bool stalled = this->resumed == this->cycle() - 1;
        const unsigned kept = stalled ? value : value & ((base >> 8) + 1);
        if ((address ^ base) & 0xFF00)
            address = uint16_t(byte(address) | (value & ((base >> 8) + 1)) << 8);
        store(address, kept);
    }
    COLIBRI_INLINE void break_to_vector(unsigned p);
    COLIBRI_INLINE void jam() { m.s().cpu.jammed = 1; }

    unsigned a, x, y, sp;   // 0 to 255
    unsigned nz = 0;        // Z: no bit of the low byte; N: a bit of kN
    unsigned overflow = 0;  // V: bit 7
    unsigned carry = 0;     // C: 0 or 1
    unsigned id = 0;        // I and D, in place
};

template <class Bus>
void Core<Bus>::save(uint8_t polled) {
    CpuState& cpu = m.s().cpu;
    cpu.a = uint8_t(a);
    cpu.x = uint8_t(x);
    cpu.y = uint8_t(y);
    cpu.s = uint8_t(sp);
    cpu.p = uint8_t(flags());
    cpu.pc = pc();
    cpu.cycle = cycle_of(clock);
    cpu.poll = m.irq_polled_ ? uint8_t(kInterrupt) : polled;
    m.irq_polled_ = false;
    m.s().instructions += clock & 0xFFFF;
    // Only an opcode that is read from nowhere can see it.
    cpu.bus = m.read_page[cpu.pc >> 11] ? 0 : this->bus;
}

// Pushes P and jumps through a vector: of NMI, if one came in time, else of IRQ and BRK.
template <class Bus>
void Core<Bus>::break_to_vector(unsigned p) {
    const Cycle now = cycle_of(clock);
    push(p);
    ppu::catch_up(m, now);
    CpuState& cpu = m.s().cpu;
    const bool nmi = cpu.nmi_at < now;
    if (nmi)
        cpu.nmi_at = kNever;
    id |= kI;
    const uint16_t vector = nmi ? 0xFFFA : 0xFFFE;
    const unsigned low = load(vector);
    jump(uint16_t(low | unsigned(load(vector + 1)) << 8));
}

template <class Bus>
void Core<Bus>::interrupt() {
    jump(m.s().cpu.pc);
    idle_read();
    idle_read();
    push(pc() >> 8);
    push(byte(pc()));
    break_to_vector(flags() | kAlways);
    save(kNone);
}

template <class Bus>
void Core<Bus>::reset() {
    jump(m.s().cpu.pc);
    idle_read();
    idle_read();
    for (int i = 0; i < 3; ++i) {  // what would be pushes, but for the write line
        idle_stack();
        sp = byte(sp - 1);
    }
    id |= kI;
    const unsigned low = load(0xFFFC);
    jump(uint16_t(low | unsigned(load(0xFFFD)) << 8));
    save(kNone);
}

// Runs opcodes. Returns false if the next one is for the exact bus.
template <class Bus>
bool run(Machine& m, BusLog* log) {
    Core<Bus> c(m);  // lives in the processor's registers: nothing may keep its address
    c.watch(log);
    uint8_t polled = kPlain;
    if (!c.jump(m.s().cpu.pc))
        return false;

// Ends here if something is due, or the code is at the end of its memory.
#define ENDS (Bus::kExact || c.clock >= m.stop_ || c.runs_out())
#define LEAVE(poll)      \
    do {                 \
        polled = (poll); \
        goto leave;      \
    } while (false)
// Undoes an instruction of which nothing was done but fetch, for the exact bus.
#define EXACTLY(bytes, cycles_)             \
    do {                                    \
        if constexpr (!Bus::kExact) {       \
            c.ip -= (bytes);                \
            c.clock -= cycles(cycles_) + 1; \
            goto exactly;                   \
        }                                   \
    } while (false)
#define ONLY_EXACT() EXACTLY(1, 1)
#define IN_MEMORY(address, bytes, cycles_)                 \
    do {                                                   \
        if (!Bus::kExact && !m.read_page[(address) >> 11]) \
            EXACTLY(bytes, cycles_);                       \
    } while (false)
#define JUMP(target, bytes, cycles_)         \
    do {                                     \
        if (!COLIBRI_LIKELY(c.jump(target))) \
            EXACTLY(bytes, cycles_);         \
    } while (false)
#define SET_I(flags_)                                                   \
    do {                                                                \
        const unsigned before = c.id;                                   \
        c.id = (flags_);                                                \
        if ((before ^ c.id) & kI)                                       \
            LEAVE(before & kI ? uint8_t(kMasked) : uint8_t(kUnmasked)); \
    } while (false)
#define LOOP_HEAD(target, poll)         \
    do {                                \
        if constexpr (!Bus::kExact)     \
            if (m.heads_[byte(target)]) \
                LEAVE(poll);            \
    } while (false)
#define BRANCH(condition)                                               \
    do {                                                                \
        const int8_t offset = int8_t(c.immediate());                    \
        if (condition) {                                                \
            const uint16_t from = c.pc();                               \
            const uint16_t target = uint16_t(from + offset);            \
            if constexpr (Bus::kExact)                                  \
                if ((from ^ target) & 0xFF00)                           \
                    c.poll_before_operand();                            \
            c.idle_read();                                              \
            if (COLIBRI_LIKELY(!((from ^ target) & 0xFF00))) {          \
                JUMP(target, 2, 3);                                     \
                LOOP_HEAD(target, kBranch);                             \
                if (ENDS)                                               \
                    LEAVE(kBranch);                                     \
            } else {                                                    \
                c.dummy_read(uint16_t((from & 0xFF00) | byte(target))); \
                JUMP(target, 2, 4);                                     \
                LOOP_HEAD(target, kPlain);                              \
            }                                                           \
        }                                                               \
    } while (false);
// What they need to know of a DMA is known on the exact bus only.
#define STORE_AND_HIGH(base, index, value)        \
    do {                                          \
        if constexpr (Bus::kExact)                \
            c.store_and_high(base, index, value); \
    } while (false)
#define OPERATION(f) [&c](unsigned value) __attribute__((always_inline)) { return f; }
#define ASL OPERATION(c.asl(value))
#define LSR OPERATION(c.lsr(value))
#define ROL OPERATION(c.rol(value))
#define ROR OPERATION(c.ror(value))
#define INC OPERATION(c.nz = byte(value + 1))
#define DEC OPERATION(c.nz = byte(value - 1))
#define DCP OPERATION((value = byte(value - 1), c.compare(c.a, value), value))
#define ISC OPERATION((value = byte(value + 1), c.sbc(value), value))
#define SLO OPERATION((value = c.asl(value), c.a = c.nz = c.a | value, value))
#define RLA OPERATION((value = c.rol(value), c.a = c.nz = c.a & value, value))
#define SRE OPERATION((value = c.lsr(value), c.a = c.nz = c.a ^ value, value))
#define RRA OPERATION((value = c.ror(value), c.adc(value), value))

#if COLIBRI_GOTO
#define ROW(h)                                                                                     \
    &&op_##h##0, &&op_##h##1, &&op_##h##2, &&op_##h##3, &&op_##h##4, &&op_##h##5, &&op_##h##6,     \
        &&op_##h##7, &&op_##h##8, &&op_##h##9, &&op_##h##A, &&op_##h##B, &&op_##h##C, &&op_##h##D, \
        &&op_##h##E, &&op_##h##F
    static const void* const labels[256] = {
        ROW(0x0), ROW(0x1), ROW(0x2), ROW(0x3), ROW(0x4), ROW(0x5), ROW(0x6), ROW(0x7),
        ROW(0x8), ROW(0x9), ROW(0xA), ROW(0xB), ROW(0xC), ROW(0xD), ROW(0xE), ROW(0xF)};
#define DISPATCH \
    ++c.clock;   \
    goto* labels[c.immediate()];
#define OP(code) op_##code:
#define NEXT        \
    if (ENDS)       \
        goto leave; \
    DISPATCH
    DISPATCH
#include "opcodes.inc"
#else
#define OP(code) case code:
#define NEXT break;
    do {
        ++c.clock;
        switch (c.immediate()) {
#include "opcodes.inc"
        }
    } while (!ENDS);
#endif

leave:
    c.save(polled);
    return true;
[[maybe_unused]] exactly:
    c.save(m.s().cpu.poll);
    return false;
}

bool Cpu::run_free(Machine& m) {
    return run<FreeBus>(m, nullptr);
}

void Cpu::run_exactly(Machine& m, BusLog* log) {
    run<ExactBus>(m, log);
}

void Cpu::interrupt(Machine& m) {
    Core<ExactBus>(m).interrupt();
}

void Cpu::reset(Machine& m) {
    Core<ExactBus>(m).reset();
}

bool Cpu::interrupted(const Machine& m) {
    const CpuState& cpu = m.s().cpu;
    if (cpu.poll == kNone || cpu.poll == kInterrupt)
        return cpu.poll == kInterrupt;
    const Cycle polled = cpu.cycle - (cpu.poll == kBranch ? 3 : 2);
    const bool masked = cpu.poll == kMasked || (cpu.poll != kUnmasked && (cpu.p & kI));
    return cpu.nmi_at <= polled || (!masked && cpu.irq_at <= polled);
}

uint8_t Cpu::read(Machine& m, uint16_t address, Cycle cycle, uint8_t bus) {
    if (const uint8_t* page = m.read_page[address >> 11])
        return page[address & 0x7FF];
    if (address < 0x4000)
        return ppu::read(m, address, cycle);
    m.irq_let_go_ = kNever;
    if (address == 0x4015) {
        bus = uint8_t((apu::read_status(m, cycle) & 0xDF) | (bus & 0x20));
    } else if (address == 0x4016 || address == 0x4017) {
        const int port = address & 1;
        const bool again = m.joypad_read_[port] == cycle - 1;
        m.joypad_read_[port] = cycle;
        bus = uint8_t((bus & 0xE0) | joypads::read(m, port, again));
    } else if (address >= 0x4020 && m.mapper().read) {
        bus = m.mapper().read(m, address, bus, cycle);
    }
    m.note_irq_poll(cycle);
    return bus;
}

void Cpu::write(Machine& m, uint16_t address, uint8_t value, Cycle cycle) {
    if (uint8_t* page = m.write_page[address >> 11]) {
        page[address & 0x7FF] = value;
        return;
    }
    m.irq_let_go_ = kNever;
    if (address < 0x4000) {
        ppu::write(m, address, value, cycle);
    } else if (address == 0x4014) {
        CpuState& cpu = m.s().cpu;
        cpu.dma_page = value;
        cpu.dma_left = kDmaWaits;
        m.schedule();
    } else if (address == 0x4016) {
        joypads::write(m, value, m.joypad_wire_, cycle);
    } else if (address < 0x4018) {
        apu::write(m, address, value, cycle);
    } else if (address >= 0x4020) {
        m.mapper().write(m, address, value, cycle);
    }
    m.note_irq_poll(cycle);
}

}  // namespace colibri
