// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/command_line.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "loader/load_architecture.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr ParameterRule kNotReused[] = {
    {"BOOT_IMAGE", "the file that the boot loader loaded, which is another kernel"},
    {"initrd", "read by the EFI stub, which a kexec does not run; names the old initramfs"},
    {"elfcorehdr", "address of the ELF core headers of an earlier crash"},
    {"dmcryptkeys", "address of the volume keys of an earlier load"},
    {"kexec_jump_back_entry", "address in the kernel before the last kexec"},
};

constexpr ParameterRule kNotForCapture[] = {
    {"crashkernel", "the capture kernel would set most of its own memory aside"},
    // Memory that the running system uses and the capture kernel does not have.
    {"hugepages", "huge pages would use up the small memory"},
    {"hugepagesz", "belongs to hugepages"},
    {"default_hugepagesz", "belongs to hugepages"},
    {"hugepage_alloc_threads", "belongs to hugepages"},
    {"log_buf_len", "the default log size is enough for one boot"},
    {"cma_pernuma", "memory set aside for devices, sized for the whole machine"},
    {"numa_cma", "memory set aside for devices, sized for the whole machine"},
    {"reserve_mem", "memory set aside by name, sized for the whole machine"},
    {"kho", "memory set aside for data of the next kernel: there is none"},
    {"kho_scratch", "belongs to kho"},
    {"liveupdate", "needs kho; the capture kernel has nothing to hand over"},
    // Kept with memory encryption, and with "force" (keeps_bounce_buffers()).
    {"swiotlb", "bounce buffers sized for the whole machine"},
    {"slub_debug", "red zones and poison make every slab object larger"},
    {"slab_debug", "the newer name of slub_debug"},
    {"page_owner", "a record for every page"},
    {"kmemleak", "a record for every allocation"},
    {"debug_pagealloc", "turns large mappings of the direct map into page tables"},
    {"trace_buf_size", "ring buffers of the tracer"},
    {"trace_event", "allocates the tracer's ring buffers"},
    {"ftrace*", "allocates the tracer's ring buffers"},
    {"memmap", "the loader gives the capture kernel its memory map"},
    {"mem", "its memory is above any limit that was meant for the machine"},
    {"movable_node", "memory that the kernel itself may not use"},
    {"kernelcore", "divides the memory by amounts meant for the whole machine"},
    {"movablecore", "divides the memory by amounts meant for the whole machine"},
    // CPUs that it does not start.
    {"maxcpus", "how many CPUs to start is decided here"},
    {"possible_cpus", "per-CPU memory for CPUs that are never started"},
    {"isolcpus", "names CPUs that the capture kernel does not start"},
    {"nohz_full", "names CPUs that the capture kernel does not start"},
    {"rcu_nocbs", "names CPUs that the capture kernel does not start"},
    {"irqaffinity", "names CPUs that the capture kernel does not start"},
    // Programs and file systems of the running system.
    {"init", "the first program of the running system; the capture initramfs has its own"},
    {"rdinit", "the first program of another initramfs"},
    {"resume", "resuming a hibernated system would overwrite the memory to save"},
    {"resume_offset", "belongs to resume"},
    {"ignition.firstboot", "would provision the machine again"},
    // The drivers of the target are modules (kernel/module/main.c).
    {"nomodule", "no module could be loaded, and without drivers there is no target"},
    {"sysctl.kernel.modules_disabled", "the same, by sysctl"},
    // What would end the capture, or hide why it ended.
    {"oops", "oops=panic: an error in one driver must not end the capture"},
    {"panic_on_warn", "a warning must not end the capture"},
    {"panic_on_taint", "a module must not end the capture"},
    {"softlockup_panic", "a slow disk must not end the capture"},
    {"hardlockup_panic", "a slow console must not end the capture"},
    {"nmi_watchdog", "its form nmi_watchdog=panic would end the capture for a slow console"},
    {"watchdog.open_timeout", "the kernel would stop feeding a running watchdog after a short time"},
    {"watchdog.handle_boot_enabled", "the kernel would not feed a running watchdog"},
    {"sysctl.*", "settings of the running system: sysctl.vm.nr_hugepages, sysctl.kernel.panic_on_oops, ..."},
    {"hung_task_panic", "a slow disk must not end the capture; lifeboat-init has deadlines of its own"},
    {"crash_kexec_post_notifiers", "for the kernel that crashes, not for the capture kernel"},
    {"kgdbwait", "would wait for a debugger for ever"},
    {"lifeboat.*", "set for the capture kernel of another crash"},
    {"quiet", "the capture kernel's messages are needed to diagnose a failed capture"},
    {"splash", "the capture kernel's messages are needed to diagnose a failed capture"},
    {"loglevel", "the capture kernel's messages are needed to diagnose a failed capture"},
};

constexpr std::string_view kOneCpu = "nr_cpus=1";

constexpr ParameterRule kForCapture[] = {
    // Or more (CommandLineParts::cpus).
    {kOneCpu, "one CPU, and per-CPU memory for no more; maxcpus= would still set it aside for all"},
    {"reset_devices", "drivers find devices in whatever state the crash left them, and must reset them"},
    {"irqpoll", "a device may assert its interrupt line since before the crash, and no driver handles it"},
    {"nokaslr", "a random place would split the small memory"},
    {"cgroup_disable=memory", "memory accounting costs a record for every page"},
    {"numa=off", "one node: no memory for the tables of others"},
    {"transparent_hugepage=never", "no huge pages out of so little memory"},
    {"hugetlb_cma=0", "a kernel may set such memory aside by its configuration"},
    {"cma=0", "a kernel may set such memory aside by its configuration"},
    {"kho=off", "a kernel may set memory aside for the next kernel by its configuration"},
    {"kfence.sample_interval=0", "saves the pool of a memory debugger"},
    {"novmcoredd", "drivers would copy their devices' state into memory that is needed"},
};
// Behind those of the architecture.
constexpr ParameterRule kForCaptureLast[] = {
    {"panic=10", "if the capture kernel panics too, the machine restarts instead of standing still"},
};

// lib/ctype.c: what isspace() is to the kernel.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}

bool matches(const ParameterRule& rule, std::string_view name) {
  if (rule.name.ends_with('*')) return name.starts_with(rule.name.substr(0, rule.name.size() - 1));
  return name == parameter_name(rule.name);
}

bool has_rule(std::span<const ParameterRule> rules, std::string_view name) {
  return std::ranges::any_of(rules, [&](const ParameterRule& rule) { return matches(rule, name); });
}

// A command line in two parts: what follows "--" goes to init, not to the kernel (init/main.c).
struct Parameters {
  std::vector<std::string> kernel;
  std::vector<std::string> init;

  static Parameters of(std::string_view text) {
    Parameters parameters;
    bool to_init = false;
    for (auto& parameter : split_parameters(text)) {
      if (!to_init && parameter == "--") {
        to_init = true;
      } else {
        (to_init ? parameters.init : parameters.kernel).push_back(std::move(parameter));
      }
    }
    return parameters;
  }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::ranges::any_of(kernel, [&](const std::string& p) { return parameter_name(p) == name; });
  }
  void add(const std::vector<std::string>& more) { kernel.insert(kernel.end(), more.begin(), more.end()); }
  void add_init(const std::vector<std::string>& more) { init.insert(init.end(), more.begin(), more.end()); }

  [[nodiscard]] std::string to_string() const {
    std::string text;
    const auto put = [&](const std::string& parameter) { text += (text.empty() ? "" : " ") + parameter; };
    for (const auto& parameter : kernel) put(parameter);
    if (!init.empty()) put("--");
    for (const auto& parameter : init) put(parameter);
    return text;
  }
};

// Where `wanted` stands in `words`, word after word.
auto find_words(std::vector<std::string>& words, std::span<const std::string> wanted) {
  return std::search(words.begin(), words.end(), wanted.begin(), wanted.end());
}

void drop_words(std::vector<std::string>& words, std::span<const std::string> unwanted) {
  if (unwanted.empty()) return;
  const auto count = static_cast<std::ptrdiff_t>(unwanted.size());
  for (auto found = find_words(words, unwanted); found != words.end(); found = find_words(words, unwanted))
    words.erase(found, found + count);
}

void drop_last(std::vector<std::string>& words, std::span<const std::string> unwanted) {
  while (!unwanted.empty() && words.size() >= unwanted.size() &&
         std::equal(unwanted.rbegin(), unwanted.rend(), words.rbegin()))
    words.resize(words.size() - unwanted.size());
}

// How many of the words at the beginning belong together: hugepages= is for the size before it.
size_t unit_size(std::span<const std::string> words) {
  const bool pair =
      words.size() > 1 && parameter_name(words[0]) == "hugepagesz" && parameter_name(words[1]) == "hugepages";
  return pair ? 2 : 1;
}

// Whether dropping this single word from `reused` may change what other words there mean.
bool has_context(const std::string& word, const std::vector<std::string>& reused) {
  const std::string name = parameter_name(word);
  if (name == "hugepagesz") return true;
  return name == "hugepages" && std::ranges::any_of(reused, [](const std::string& other) {
           return parameter_name(other) == "hugepagesz";
         });
}

// Of the parameters that `append` repeats the last one counts, or all add up: the earlier ones are dropped,
// so that the appended ones stay last. Arguments of init have meaning by their order: only the whole list of
// `append` is a repetition.
void drop_repeated(Parameters& reused, const Parameters& append) {
  // What the load before this one appended: without it the line is the one before.
  drop_last(reused.kernel, append.kernel);
  for (std::span<const std::string> rest(append.kernel); !rest.empty();) {
    const auto unit = rest.first(unit_size(rest));
    if (unit.size() > 1 || !has_context(unit.front(), reused.kernel)) drop_words(reused.kernel, unit);
    rest = rest.subspan(unit.size());
  }
  drop_words(reused.init, append.init);
}

void remove(std::vector<std::string>& parameters, std::span<const ParameterRule> rules) {
  std::erase_if(parameters, [&](const std::string& p) { return has_rule(rules, parameter_name(p)); });
}

// swiotlb=SLABS[,AREAS][,force|noforce] (kernel/dma/swiotlb.c)
bool keeps_bounce_buffers(const std::string& parameter, bool memory_encrypted) {
  if (parameter_name(parameter) != "swiotlb") return false;
  if (memory_encrypted) return true;
  const std::string_view value =
      std::string_view(parameter).substr(std::min(parameter.find('='), parameter.size()));
  // "noforce" ends so, too.
  return value.ends_with("=force") || value.ends_with(",force");
}

void remove_not_for_capture(std::vector<std::string>& parameters, bool memory_encrypted) {
  std::erase_if(parameters, [&](const std::string& p) {
    return has_rule(kNotForCapture, parameter_name(p)) && !keeps_bounce_buffers(p, memory_encrypted);
  });
}

// What the table has for every capture kernel, with the CPUs of this one.
std::vector<std::string> additions(const CommandLineParts& parts) {
  std::vector<std::string> added;
  for (const auto& rule : parameters_for_capture())
    added.push_back(rule.name == kOneCpu ? "nr_cpus=" + std::to_string(parts.cpus) : std::string(rule.name));
  if (!parts.boot_cpu.empty()) added.emplace_back(parts.boot_cpu);
  return added;
}

// The number at the beginning of a parameter's value, as get_option() reads it (lib/cmdline.c); nullopt:
// there is none.
std::optional<unsigned> value_of(std::string_view parameter) {
  parameter.remove_prefix(std::min(parameter.find('='), parameter.size()));
  parameter.remove_prefix(std::min(parameter.find_first_not_of("=\""), parameter.size()));
  // 0x is hexadecimal; and octal, which nobody writes, is not understood.
  const bool hex = parameter.starts_with("0x") || parameter.starts_with("0X");
  if (hex) parameter.remove_prefix(2);
  const std::string_view digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
  const auto number = parse_number(parameter.substr(0, parameter.find_first_not_of(digits)), hex ? 16 : 10);
  if (!number || *number > INT32_MAX) return std::nullopt;
  return static_cast<unsigned>(*number);
}

}  // namespace

std::span<const ParameterRule> parameters_not_reused() {
  return kNotReused;
}
std::span<const ParameterRule> parameters_not_for_capture() {
  return kNotForCapture;
}
std::span<const ParameterRule> parameters_for_capture() {
  static const std::vector<ParameterRule> kAll = [] {
    const auto of_architecture = this_architecture().capture_parameters();
    std::vector<ParameterRule> all(std::begin(kForCapture), std::end(kForCapture));
    all.insert(all.end(), of_architecture.begin(), of_architecture.end());
    all.insert(all.end(), std::begin(kForCaptureLast), std::end(kForCaptureLast));
    return all;
  }();
  return kAll;
}

std::vector<std::string> split_parameters(std::string_view command_line) {
  std::vector<std::string> parameters;
  std::string current;
  bool quoted = false;
  for (const char c : command_line) {
    if (is_space(c) && !quoted) {
      if (!current.empty()) parameters.push_back(std::exchange(current, {}));
      continue;
    }
    if (c == '"') quoted = !quoted;
    current += c;
  }
  // For the kernel an open quote extends to the end. Text appended to this line must not become a part of it.
  if (quoted) current += '"';
  if (!current.empty()) parameters.push_back(std::move(current));
  return parameters;
}

std::string parameter_name(std::string_view parameter) {
  // "name=value" may be quoted as a whole (next_arg() in lib/cmdline.c).
  if (parameter.starts_with('"')) parameter.remove_prefix(1);
  std::string name(parameter.substr(0, parameter.find('=')));
  if (name.ends_with('"')) name.pop_back();
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string crash_command_line(const CommandLineParts& parts) {
  Parameters line = Parameters::of(parts.reused);
  const Parameters append = Parameters::of(parts.append);
  remove(line.kernel, kNotReused);
  remove_not_for_capture(line.kernel, parts.memory_encrypted);
  remove(line.kernel, parameters_for_capture());  // replaced by our own value, or by the user's
  // The arguments of the old init have no meaning for the init of the capture.
  line.init.clear();
  const auto added = additions(parts);
  // The running kernel may be a capture kernel itself.
  std::erase_if(line.kernel, [&](const std::string& parameter) {
    return !parts.boot_cpu.empty() && parameter_name(parameter) == parameter_name(parts.boot_cpu);
  });
  for (const auto& parameter : added) {
    if (!append.has(parameter_name(parameter))) line.kernel.push_back(parameter);
  }
  std::erase_if(line.kernel, [&](const std::string& parameter) {
    return std::ranges::any_of(parts.remove, [&](const std::string& name) {
      return parameter_name(name) == parameter_name(parameter);
    });
  });
  line.add(append.kernel);
  line.add_init(append.init);
  return line.to_string();
}

std::string bare_crash_command_line(const CommandLineParts& parts) {
  Parameters line = Parameters::of(parts.reused);
  const Parameters append = Parameters::of(parts.append);
  remove(line.kernel, kNotReused);
  remove_not_for_capture(line.kernel, parts.memory_encrypted);
  line.add(append.kernel);
  line.add_init(append.init);
  return line.to_string();
}

std::string normal_command_line(const CommandLineParts& parts) {
  Parameters line = Parameters::of(parts.reused);
  const Parameters append = Parameters::of(parts.append);
  remove(line.kernel, kNotReused);
  drop_repeated(line, append);
  line.add(append.kernel);
  line.add_init(append.init);
  return line.to_string();
}

std::optional<unsigned> cpu_limit(std::string_view command_line) {
  std::optional<unsigned> limit, max;
  for (const auto& parameter : Parameters::of(command_line).kernel) {
    const std::string name = parameter_name(parameter);
    const auto value = value_of(parameter);
    // The smallest nr_cpus= counts, but the last maxcpus=; 0 of that, and nosmp, leave the first CPU.
    if (name == "nr_cpus" && value && *value > 0) limit = std::min(*value, limit.value_or(*value));
    if (name == "maxcpus" && value) max = std::max(1u, *value);
    if (name == "nosmp") max = 1;
  }
  if (!limit || !max) return limit ? limit : max;
  return std::min(*limit, *max);
}

std::string root_for_initramfs(std::string_view command_line) {
  std::string root;
  for (const auto& parameter : Parameters::of(command_line).kernel)
    if (parameter_name(parameter) == "root") root = parameter;
  const std::string_view value = std::string_view(root).substr(std::min(root.find('=') + 1, root.size()));
  constexpr std::string_view kOnlyByInitramfs[] = {"UUID=", "LABEL=", "/dev/mapper/", "/dev/disk/",
                                                   "zfs:",  "ZFS=",   "live:",        "iscsi:"};
  const bool needed =
      std::ranges::any_of(kOnlyByInitramfs, [&](std::string_view begin) { return value.starts_with(begin); });
  return needed ? root : std::string();
}

}  // namespace lifeboat
