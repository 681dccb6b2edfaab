// The library's own references to some functions of the C library are turned to functions of
// ours: those are its relocations for these names, which the dynamic loader has resolved already.
// The rest of the process is left alone. (mallopt(M_PERTURB) would fill memory for all threads,
// and does not fill what comes from a thread's cache.)
#include "libretro/determinism.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>

namespace copain {

namespace {

// To the end of the block: realloc may make that part of what the core sees.
void* zeroed(void* block) {
    if (block)
        std::memset(block, 0, malloc_usable_size(block));
    return block;
}

void* zeroed_malloc(size_t size) {
    return std::calloc(1, size);
}

void* zeroed_realloc(void* block, size_t size) {
    const size_t before = block ? malloc_usable_size(block) : 0;
    void* const moved = std::realloc(block, size);
    const size_t after = moved ? malloc_usable_size(moved) : 0;
    if (after > before)
        std::memset(static_cast<char*>(moved) + before, 0, after - before);
    return moved;
}

void* zeroed_aligned_alloc(size_t alignment, size_t size) {
    return zeroed(memalign(alignment, size));
}

int zeroed_posix_memalign(void** block, size_t alignment, size_t size) {
    const int error = posix_memalign(block, alignment, size);
    if (error == 0)
        zeroed(*block);
    return error;
}

void* zeroed_new(size_t size) {
    return zeroed(::operator new(size));
}

void* zeroed_new_array(size_t size) {
    return zeroed(::operator new[](size));
}

void* zeroed_new_array_nothrow(size_t size, const std::nothrow_t&) {
    return zeroed(::operator new[](size, std::nothrow));
}

void* zeroed_new_nothrow(size_t size, const std::nothrow_t&) {
    return zeroed(::operator new(size, std::nothrow));
}

constexpr uint64_t kSeed = 0x636F7061696E;  // "copain"
thread_local uint64_t chance = kSeed;

// Knuth's MMIX generator (The Art of Computer Programming, volume 2, 3.3.4); the high bits, as
// its low ones are poor.
int steady_rand() {
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>(chance >> 33);  // 31 bits: RAND_MAX of the C libraries
}

long steady_random() {
    return steady_rand();
}

void no_srand(unsigned) {}

std::time_t steady_time(std::time_t* result) {
    constexpr std::time_t kFirstOf2000 = 946684800;
    if (result)
        *result = kFirstOf2000;
    return kFirstOf2000;
}

struct Replacement {
    std::string_view name;
    void* function;
};

template <typename Function>
void* address_of(Function* function) {
    return reinterpret_cast<void*>(function);
}

const std::array kReplacements = {
    Replacement{"malloc", address_of(&zeroed_malloc)},
    Replacement{"realloc", address_of(&zeroed_realloc)},
    Replacement{"aligned_alloc", address_of(&zeroed_aligned_alloc)},
    Replacement{"memalign", address_of(&zeroed_aligned_alloc)},
    Replacement{"posix_memalign", address_of(&zeroed_posix_memalign)},
    Replacement{"_Znwm", address_of(&zeroed_new)},
    Replacement{"_Znam", address_of(&zeroed_new_array)},
    Replacement{"_ZnwmRKSt9nothrow_t", address_of(&zeroed_new_nothrow)},
    Replacement{"_ZnamRKSt9nothrow_t", address_of(&zeroed_new_array_nothrow)},
    Replacement{"rand", address_of(&steady_rand)},
    Replacement{"random", address_of(&steady_random)},
    Replacement{"srand", address_of(&no_srand)},
    Replacement{"srandom", address_of(&no_srand)},
    Replacement{"time", address_of(&steady_time)},
    Replacement{"localtime", address_of(&gmtime)},
    Replacement{"localtime_r", address_of(&gmtime_r)},
};

bool is_address_of_symbol(uint32_t type) {
#if defined(__x86_64__)
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || type == R_X86_64_64;
#elif defined(__aarch64__)
    return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT || type == R_AARCH64_ABS64;
#else
#error "say here which relocations hold the address of a symbol on this machine"
#endif
}

// The part of a library's dynamic section that leads to its relocations.
struct Dynamic {
    uintptr_t symbols = 0, names = 0;
    uintptr_t table[2] = {};  // of data, and of functions
    size_t size[2] = {};
};

Dynamic dynamic_of(const link_map& map) {
    Dynamic dynamic;
    // glibc has added the load address to these pointers, other C libraries have not.
    const auto at = [&map](ElfW(Addr) pointer) {
        return pointer < map.l_addr ? pointer + map.l_addr : pointer;
    };
    for (const ElfW(Dyn)* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry) {
        switch (entry->d_tag) {
            case DT_SYMTAB:
                dynamic.symbols = at(entry->d_un.d_ptr);
                break;
            case DT_STRTAB:
                dynamic.names = at(entry->d_un.d_ptr);
                break;
            case DT_RELA:
                dynamic.table[0] = at(entry->d_un.d_ptr);
                break;
            case DT_RELASZ:
                dynamic.size[0] = entry->d_un.d_val;
                break;
            case DT_JMPREL:
                dynamic.table[1] = at(entry->d_un.d_ptr);
                break;
            case DT_PLTRELSZ:
                dynamic.size[1] = entry->d_un.d_val;
                break;
        }
    }
    return dynamic;
}

// Relocated data is made read-only by the loader where the library asks for that.
bool is_read_only(uintptr_t slot, const link_map& map) {
    struct Question {
        uintptr_t slot;
        ElfW(Addr) base;
        bool answer;
    } question{slot, map.l_addr, false};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* data) {
            auto& asked = *static_cast<Question*>(data);
            if (info->dlpi_addr != asked.base)
                return 0;
            for (size_t i = 0; i < info->dlpi_phnum; ++i) {
                const ElfW(Phdr)& segment = info->dlpi_phdr[i];
                const uintptr_t start = asked.base + segment.p_vaddr;
                if (segment.p_type == PT_GNU_RELRO && asked.slot >= start &&
                    asked.slot < start + segment.p_memsz)
                    asked.answer = true;
            }
            return 1;
        },
        &question);
    return question.answer;
}

void write_pointer(uintptr_t slot, void* value, bool read_only) {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    void* const start = reinterpret_cast<void*>(slot / page * page);
    if (read_only && mprotect(start, page, PROT_READ | PROT_WRITE) != 0)
        return;
    std::memcpy(reinterpret_cast<void*>(slot), &value, sizeof value);
    if (read_only)
        mprotect(start, page, PROT_READ);
}

}  // namespace

void restart_chance() {
    chance = kSeed;
}

void make_deterministic(void* handle) {
    link_map* map = nullptr;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return;
    const Dynamic dynamic = dynamic_of(*map);
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(dynamic.symbols);
    const auto* names = reinterpret_cast<const char*>(dynamic.names);
    for (size_t kind = 0; kind < 2; ++kind) {
        const auto* entry = reinterpret_cast<const ElfW(Rela)*>(dynamic.table[kind]);
        for (size_t left = dynamic.size[kind] / sizeof *entry; left > 0; --left, ++entry) {
            const ElfW(Sym)& symbol = symbols[ELF64_R_SYM(entry->r_info)];
            if (!is_address_of_symbol(ELF64_R_TYPE(entry->r_info)) || symbol.st_shndx != SHN_UNDEF)
                continue;
            for (const Replacement& replacement : kReplacements) {
                if (replacement.name != names + symbol.st_name)
                    continue;
                const uintptr_t slot = map->l_addr + entry->r_offset;
                write_pointer(slot, replacement.function, is_read_only(slot, *map));
            }
        }
    }
}

}  // namespace copain
