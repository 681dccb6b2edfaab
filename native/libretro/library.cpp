#include "libretro/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "batch/error.h"
#include "libretro/determinism.h"

namespace copain {

namespace {

// An open file that closes itself.
struct File {
    explicit File(int descriptor) : descriptor(descriptor) {}
    ~File() {
        if (descriptor >= 0)
            close(descriptor);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int descriptor;
};

// A library's constructors: a function and an array of them, at addresses of the file.
struct Constructors {
    uintptr_t function = 0;
    uintptr_t array = 0;
    size_t count = 0;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw CoreError("the library " + path + " cannot be loaded: " + why);
}

std::vector<char> read_file(const std::string& path) {
    // Not blocking: the path may name a FIFO, which has nobody at its other end.
    File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.descriptor < 0)
        refuse(path, std::strerror(errno));
    struct stat about{};
    if (fstat(file.descriptor, &about) != 0)
        refuse(path, std::strerror(errno));
    if (!S_ISREG(about.st_mode))
        refuse(path, "it is not a regular file");
    std::vector<char> bytes(static_cast<size_t>(about.st_size));
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = read(file.descriptor, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            refuse(path, count < 0 ? std::strerror(errno) : "it became shorter while it was read");
        done += static_cast<size_t>(count);
    }
    return bytes;
}

// The dynamic loader maps what the headers say without a look at the file's size, and touching
// pages beyond its end is SIGBUS: a file cut short must be found out before.
void check_elf(const std::string& path, const std::vector<char>& bytes) {
    ElfW(Ehdr) header{};
    if (bytes.size() < sizeof header || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
        refuse(path, "it is not a shared library");
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_type != ET_DYN)
        refuse(path, "it is not a shared library of this kind of machine");
    for (size_t i = 0; i < header.e_phnum; ++i) {
        const size_t at = header.e_phoff + i * sizeof(ElfW(Phdr));
        if (at > bytes.size() || bytes.size() - at < sizeof(ElfW(Phdr)))
            refuse(path, "it is cut short");
        ElfW(Phdr) segment{};
        std::memcpy(&segment, bytes.data() + at, sizeof segment);
        if (segment.p_offset > bytes.size() || bytes.size() - segment.p_offset < segment.p_filesz)
            refuse(path, "it is cut short");
    }
}

// Takes a library's constructors out of the bytes of its file, so that dlopen does not run them.
// The headers were checked before.
Constructors hold_back_constructors(std::vector<char>& bytes) {
    ElfW(Ehdr) header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    Constructors held;
    for (size_t i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment{};
        std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_DYNAMIC)
            continue;
        for (size_t at = 0; at + sizeof(ElfW(Dyn)) <= segment.p_filesz; at += sizeof(ElfW(Dyn))) {
            char* const place = bytes.data() + segment.p_offset + at;
            ElfW(Dyn) entry{};
            std::memcpy(&entry, place, sizeof entry);
            if (entry.d_tag == DT_NULL)
                break;
            if (entry.d_tag == DT_INIT) {
                held.function = entry.d_un.d_ptr;
                entry.d_tag = DT_DEBUG;  // means nothing in a library
            } else if (entry.d_tag == DT_INIT_ARRAY) {
                held.array = entry.d_un.d_ptr;
            } else if (entry.d_tag == DT_INIT_ARRAYSZ) {
                held.count = entry.d_un.d_val / sizeof(uintptr_t);
                entry.d_un.d_val = 0;
            }
            std::memcpy(place, &entry, sizeof entry);
        }
    }
    return held;
}

// Runs what was held back, as the dynamic loader would have.
void run_constructors(void* handle, const Constructors& held) {
    link_map* map = nullptr;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return;
    using Constructor = void (*)(int, char**, char**);
    static char* nothing[] = {nullptr};
    if (held.function != 0)
        reinterpret_cast<Constructor>(map->l_addr + held.function)(0, nothing, environ);
    const auto* array = reinterpret_cast<const Constructor*>(map->l_addr + held.array);
    for (size_t i = 0; i < held.count; ++i)
        array[i](0, nothing, environ);
}

void write_all(int descriptor, const std::vector<char>& bytes, const std::string& path) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = write(descriptor, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            refuse(path, std::string("its copy cannot be written: ") + std::strerror(errno));
        done += static_cast<size_t>(count);
    }
}

std::string loader_error() {
    const char* text = dlerror();
    return text ? text : "the dynamic loader does not say why";
}

}  // namespace

Library::Library(const std::string& path) : path_(path) {
    try {
        open_copy();
        find_functions();
    } catch (...) {
        unload();
        throw;
    }
}

Library::~Library() {
    unload();
}

void Library::open_copy() {
    std::vector<char> bytes = read_file(path_);
    check_elf(path_, bytes);
    // Constructors allocate too: they run when memory and chance are ours.
    const Constructors constructors = hold_back_constructors(bytes);
    bool on_disk = false;
    // A second dlopen of the same file would share the first one's globals: load a copy. In
    // memory where the kernel allows it, else as a file of its own.
    descriptor_ = memfd_create("copain-core", MFD_CLOEXEC);
    if (descriptor_ >= 0) {
        copy_ = "/proc/self/fd/" + std::to_string(descriptor_);
    } else {
        const char* folder = std::getenv("TMPDIR");
        copy_ = std::string(folder && *folder ? folder : "/tmp") + "/copain-core-XXXXXX";
        descriptor_ = mkostemp(copy_.data(), O_CLOEXEC);
        if (descriptor_ < 0)
            refuse(path_, std::string("no copy of it can be made: ") + std::strerror(errno));
        on_disk = true;
    }
    write_all(descriptor_, bytes, path_);
    // RTLD_LOCAL: cores export each other's names. RTLD_NOW: a missing symbol is an error here.
    handle_ = dlopen(copy_.c_str(), RTLD_NOW | RTLD_LOCAL);
    const std::string why = handle_ ? "" : loader_error();
    if (on_disk)
        unlink(copy_.c_str());
    if (!handle_)
        refuse(path_, why);
    make_deterministic(handle_);
    run_constructors(handle_, constructors);
}

void Library::find_functions() {
    const auto find = [this](auto& function, const char* name) {
        void* symbol = dlsym(handle_, name);
        if (!symbol)
            refuse(path_, std::string("it is not a libretro core: it has no function ") + name);
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
    };
    find(functions_.api_version, "retro_api_version");
    find(functions_.set_environment, "retro_set_environment");
    find(functions_.set_video_refresh, "retro_set_video_refresh");
    find(functions_.set_audio_sample, "retro_set_audio_sample");
    find(functions_.set_audio_sample_batch, "retro_set_audio_sample_batch");
    find(functions_.set_input_poll, "retro_set_input_poll");
    find(functions_.set_input_state, "retro_set_input_state");
    find(functions_.init, "retro_init");
    find(functions_.deinit, "retro_deinit");
    find(functions_.get_system_info, "retro_get_system_info");
    find(functions_.get_system_av_info, "retro_get_system_av_info");
    find(functions_.set_controller_port_device, "retro_set_controller_port_device");
    find(functions_.reset, "retro_reset");
    find(functions_.run, "retro_run");
    find(functions_.serialize_size, "retro_serialize_size");
    find(functions_.serialize, "retro_serialize");
    find(functions_.unserialize, "retro_unserialize");
    find(functions_.load_game, "retro_load_game");
    find(functions_.unload_game, "retro_unload_game");
    find(functions_.get_region, "retro_get_region");
    find(functions_.get_memory_data, "retro_get_memory_data");
    find(functions_.get_memory_size, "retro_get_memory_size");
    const unsigned version = functions_.api_version();
    if (version != RETRO_API_VERSION)
        refuse(path_, "it speaks version " + std::to_string(version) +
                          " of libretro; version 1 is needed");
}

void Library::unload() {
    bool resident = false;
    if (handle_) {
        dlclose(handle_);
        handle_ = nullptr;
        // Some libraries cannot be unloaded (unique symbols). The loader then knows them by
        // name for ever, and a later copy under the same number would be given the old globals.
        resident = dlopen(copy_.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr;
    }
    if (descriptor_ >= 0 && !resident)
        close(descriptor_);
    descriptor_ = -1;
}

}  // namespace copain
